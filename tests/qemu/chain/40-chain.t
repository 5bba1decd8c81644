#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Three handovers in a row in one VM, beginning in the stock kernel: once to three
# kernels with the boot stub, once to a stock one, one with the stub and a stock one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
image=$(initramfs "$stock" "$stub")

files=$KHO_BUILD/qemu/chain/files
mkdir -p "$files/data"
# Real content, and not a whole number of pages.
head -c 9000001 "$stock/boot/"vmlinuz-* | tac -b >"$files/data/file"

# chain NAME KERNEL...: the KERNELs are those of the stages 2, 3 and 4
chain()
{
	local name=$1 kernels stages disk log

	shift
	kernels=$*
	log=$KHO_BUILD/qemu/$name/verdict.log
	disk=$(payload -k "stock=$stock" -k "stub=$stub" "$name" "$stub" "$image" \
		"$files")
	vm_test -t chain -p "$disk" -T 300 -a "kho.opt.kernels=${kernels// /,}" \
		"$name" "$stock" "$image"
	stages=$(sed -n 's/^KHO-STAGE \([0-9]*\) .*/\1/p' "$log" | tr '\n' ' ')
	tap_is "$name: all four stages were there, in order" "$stages" '^1 2 3 4 $'
	tap_is "$name: each by a kernel of its kind" \
		"$(sed -n 's/^KHO-NOTE kind //p' "$log" | tr '\n' ' ')" "^$kernels \$"
}

chain chain stub stub stub
chain chain-stock stock stub stock

tap_done
