#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With a crash kernel loaded, a handover works as usual; and when a kernel crashes with
# objects preserved, its dump can be saved.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
image=$(initramfs "$stock")
disk=$(payload crash "$stock" "$image")
vm_test -1 -C -t crash -p "$disk" -m 2G -T 300 -a crashkernel=256M crash "$stock" "$image"
tap_is "all three kernels were there" \
	"$(grep -c '^KHO-STAGE' "$KHO_BUILD/qemu/crash/verdict.log")" '^3$'
tap_is "a dump was saved" \
	"$(sed -n 's/^KHO-NOTE saved //p' "$KHO_BUILD/qemu/crash/verdict.log")" '^[0-9]{7,}$'

tap_done
