#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Replacing the module and making scratch larger, on a kernel with KASAN and lockdep: by
# callers who do it wrong, with everything preserved that can be, and while the machine
# goes down.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
debug=$(stub_kernel debug)
image=$(initramfs "$debug")
disk=$(payload hostile "$debug" "$image")
vm_test -t hostile -p "$disk" -T 400 hostile "$debug" "$image"

tap_done
