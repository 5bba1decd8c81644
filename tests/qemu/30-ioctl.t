#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bad input for each command of /dev/kho: on the stock kernel for 64-bit and
# 32-bit callers, and on one that checks itself all the time.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_vm
stock=$(stock_kernel)
debug=$(stub_kernel debug)
image=$(initramfs "$stock" "$debug")

vm_test ioctl "$stock" "$image"
vm_test -1 -t ioctl -a kho.opt.wide=no -T 300 ioctl-debug "$debug" "$image"

tap_done
