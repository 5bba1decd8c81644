#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What users of /dev/kho must not get: write access to what they may only read,
# more memory than their limit or their cgroup allows, lines of their own in the
# log.  On the stock kernel, and on one that checks itself all the time and can
# hold a caller up where a race would need luck.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_vm
stock=$(stock_kernel)
debug=$(stub_kernel debug)
image=$(initramfs "$stock" "$debug")
disk=$(payload guard "$stock" "$image")

vm_test -p "$disk" -T 300 guard "$stock" "$image"
vm_test -t guard -a kho.opt.jump=no -T 300 guard-debug "$debug" "$image"

tap_done
