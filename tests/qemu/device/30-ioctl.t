#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bad input for each command of /dev/kho: on the stock kernel, for 64-bit and
# 32-bit callers.  32-debug.t does it on one that checks itself all the time.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
image=$(initramfs "$stock")

vm_test ioctl "$stock" "$image"

tap_done
