#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Memory that comes and goes: what drivers bring, what is plugged in before and after
# a kernel was loaded, and what is taken away; and huge pages of a pool, most of whose
# struct pages are freed.
#
#	KHO_PLACES="NAME..."	which parts; by default driver and dimm, and in
#				`make soak` all
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
newest=$(debian_kernel 7.3)

# driver NAME KERNEL WORDS
driver()
{
	local image disk

	image=$(initramfs "$2")
	disk=$(payload "$1" "$2" "$image")
	vm_test -1 -t place -p "$disk" -m 1536M,maxmem=4G -T 300 \
		-q "-object memory-backend-ram,id=more,size=512M" \
		-q "-device virtio-mem-pci,memdev=more,requested-size=512M" \
		-a "kho.opt.part=driver $3" "$1" "$2" "$image"
}

# dimm NAME KERNEL
dimm()
{
	local image disk

	image=$(initramfs "$2")
	disk=$(payload "$1" "$2" "$image")
	vm_test -1 -M -t place -p "$disk" -m 1536M,slots=4,maxmem=4G -T 400 \
		-a "kho.opt.part=dimm" "$1" "$2" "$image"
}

# pool NAME KERNEL NEXT
pool()
{
	local image disk

	image=$(initramfs "$2" "$3")
	disk=$(payload "$1" "$3" "$image")
	vm_test -1 -t place -p "$disk" -T 300 \
		-a "kho.opt.part=pool hugetlb_free_vmemmap=on" "$1" "$2" "$image"
}

for place in ${KHO_PLACES:-driver dimm}; do
	case $place in
	driver)	driver place-driver "$stock" "kho.opt.again=${KHO_SOAK:-0}" ;;
	late)	driver place-late "$newest" "kho.opt.late=yes kho.opt.again=1" ;;
	dimm)	dimm place-dimm "$stock" ;;
	pool)	pool place-pool "$stock" "$newest" ;;
	*)	die "KHO_PLACES: there is no place '$place'" ;;
	esac
done

tap_done
