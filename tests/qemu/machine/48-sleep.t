#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Machines that sleep, with memory preserved: see sleep.sh.
#
#	KHO_SLEEPS="NAME..."	which machines; by default bios, and in `make soak` all
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
newer=$(debian_kernel 6.12)

# sleeps NAME FIRMWARE FIRST NEXT: the first kernel, and the two after it
sleeps()
{
	local name=sleep-$1 firmware=$2 first=$3 next=$4 image disk swap machine

	image=$(initramfs "$first" "$next")
	disk=$(payload "$name" "$next" "$image")
	swap=$KHO_BUILD/qemu/$name/swap
	rm -f "$swap" "$swap.again"
	truncate -s 1G "$swap" "$swap.again"
	machine=(-1 -p "$disk" -m 1G -f "$firmware" -T 300
		-q "-drive file=$swap,if=none,id=swap,format=raw"
		-q "-device virtio-blk-pci,drive=swap,addr=0x10"
		-q "-drive file=$swap.again,if=none,id=again,format=raw"
		-q "-device virtio-blk-pci,drive=again,addr=0x11")
	vm_test "${machine[@]}" -t sleep "$name" "$first" "$image"
	tap_is "$name: it ends when it hibernates" \
		"$(grep -c '^KHO-STAGE' "$KHO_BUILD/qemu/$name/verdict.log")" '^1$'
	# The machine is off, and another one resumes it.  The copy is for not_to_disk().
	cp --sparse=always "$swap" "$swap.again"
	vm_test -o "${machine[@]}" -t resume "$name-on" "$first" "$image"
	tap_is "$name-on: it has resumed, and handed on twice" \
		"$(grep -cxE 'KHO-NOTE (resumed 1|end)' "$KHO_BUILD/qemu/$name-on/verdict.log")" '^2$'
}

for sleep in ${KHO_SLEEPS:-bios}; do
	case $sleep in
	bios)	sleeps bios bios "$newer" "$newer" ;;
	oldest)	sleeps oldest bios "$stock" "$stock" ;;
	newest)	sleeps newest bios "$(debian_kernel 7.2)" "$newer" ;;
	efi)	sleeps efi efi "$stock" "$newer" ;;
	*)	die "KHO_SLEEPS: there is no '$sleep'" ;;
	esac
done

tap_done
