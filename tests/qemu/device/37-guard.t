#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What users of /dev/kho must not get: write access to what they may only read,
# more memory than their limit or their cgroup allows, lines of their own in the
# log.  32-debug.t does the same where callers can be held up, so no race needs luck.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
image=$(initramfs "$stock")
disk=$(payload guard "$stock" "$image")

vm_test -p "$disk" -T 300 guard "$stock" "$image"

tap_done
