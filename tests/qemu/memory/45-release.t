#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An unpatched kernel keeps more than is preserved, until the module is loaded.  Once
# the module has freed the rest, is as much memory free as after a handover to a kernel
# with the stub?  Each kernel is compared with a cold boot of itself.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
image=$(initramfs "$stock" "$stub")
files=$KHO_BUILD/qemu/release/files
mkdir -p "$files/data"
content 50000001 >"$files/data/file"

# free_after NAME: prints how many KiB were free at the end of that VM
free_after()
{
	sed -n 's/^KHO-NOTE free //p' "$KHO_BUILD/qemu/$1/verdict.log"
}

# ratio KIND KERNELDIR: sets ratio to the memory that is free after a handover, in parts
# of 10000 of that after a cold boot
ratio()
{
	local disk cold warm

	disk=$(payload "release-$1" "$2" "$image" "$files")
	vm_test -1 -t release -p "$disk" -a kho.opt.cold=1 "release-$1-cold" "$2" \
		"$image"
	vm_test -1 -t release -p "$disk" "release-$1" "$stock" "$image"
	cold=$(free_after "release-$1-cold")
	warm=$(free_after "release-$1")
	[[ $cold =~ ^[0-9]+$ && $warm =~ ^[0-9]+$ ]] || {
		tap_result 1 "$1: free memory is known"
		ratio=0
		return
	}
	ratio=$((warm * 10000 / cold))
	echo "# $1: $warm KiB are free, $cold KiB after a cold boot: $ratio/10000"
	tap_result $((ratio <= 9800)) "$1: more than 98 % of a cold boot's"
	tap_result $((ratio >= 10200)) "$1: and less than 102 %"
}

ratio stock "$stock"
stock_ratio=$ratio
log=$KHO_BUILD/qemu/release-stock/verdict.log
back=$(sed -n 's/^KHO-NOTE given-back //p' "$log")
ram=$(sed -n 's/^KHO-NOTE ram //p' "$log")
echo "# stock: ${back:-0} of ${ram:-0} pages were given back late"
tap_result $((${back:-0} * 50 <= ${ram:-1})) \
	"there was much to give back: more than 2 % of RAM"
ratio stub "$stub"
echo "# stock $stock_ratio/10000, stub $ratio/10000"
# A kernel that lies in its own scratch has more left, by its own size.  The stub's always
# does, the stock one only if it was put there.
difference=$((stock_ratio - ratio))
tap_result $((${difference#-} >= 200)) "the two differ by less than 2 %"

tap_done
