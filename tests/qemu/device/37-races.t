#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Several callers at a time, with one object or with the module.  Where two would only
# meet by luck, 32-debug.t holds one of them up.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(debian_kernel 7.2)
image=$(initramfs "$stock")

vm_test races "$stock" "$image"

tap_done
