#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pages that are poisoned after they were preserved: what is read, mapped, summed
# and freed of them in one kernel, and what the next kernels know of them: one with the
# boot stub, which knows nothing of such pages, and stock ones.  The part for one kernel
# also runs on the newest kernel, which maps more at once, and in 32-debug.t.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
first=$(stock_kernel)
last=$(quick_stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
newest=$(debian_kernel 7.3)
image=$(initramfs "$first" "$last" "$newest" "$stub")
disk=$(payload -k "stock=$last" poison "$stub" "$image")

vm_test -p "$disk" -T 300 -a 'kho.opt.kernels=successor,stock,stock' \
	poison "$first" "$image"
tap_is "poison: all four stages were there" \
	"$(sed -n 's/^KHO-STAGE \([0-9]*\) .*/\1/p' \
		"$KHO_BUILD/qemu/poison/verdict.log" | tr '\n' ' ')" '^1 2 3 4 $'
vm_test -1 -t poison -a kho.opt.lean=yes -T 300 poison-newest "$newest" "$image"

tap_done
