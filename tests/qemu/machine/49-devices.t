#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Devices that do something while the machine jumps: see devices.sh.
#
#	KHO_DEVICES="NAME..."	which parts; by default stopped, and in `make soak` all
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
newer=$(debian_kernel 6.12)
image=$(initramfs "$stock" "$newer")
iommu=(-q '-device intel-iommu' -a intel_iommu=on)

# device PART KERNEL NEXT [OPTION]...: options are vm.sh's
device()
{
	local name=device-$1 part=$1 first=$2 disk

	disk=$(payload "$name" "$3" "$image")
	shift 3
	vm_test -t devices -p "$disk" -T 400 "$@" -a "kho.opt.part=$part" \
		"$name" "$first" "$image"
}

# edu PART [OPTION]...: the device has to be busy when the kernel stops it.
edu()
{
	local part=$1

	shift
	device "$part" "$newer" "$newer" -q "-device edu,dma_mask=0xffffffffffffffff" "$@"
	tap_is "$part: it was busy when the kernel stopped it" \
		"$(grep -ac 'the kernel has stopped the device, which is busy' \
			"$KHO_BUILD/qemu/device-$part/console.log")" '^1$'
}

for part in ${KHO_DEVICES:-stopped}; do
	case $part in
	stopped|stubborn)
		edu "$part" ;;
	strayed)
		edu strayed "${iommu[@]}" ;;
	disk)	blocks=$KHO_BUILD/qemu/device-disk/blocks
		mkdir -p "${blocks%/*}"
		head -c 16M /dev/zero | tr '\0' '\335' >"$blocks"
		device disk "$stock" "$newer" "${iommu[@]}" \
			-q "-drive file=$blocks,if=none,id=blocks,format=raw" \
			-q "-device nvme,drive=blocks,serial=1" ;;
	watchdog)
		device watchdog "$newer" "$newer" -q "-device i6300esb" \
			-a watchdog.stop_on_reboot=0
		tap_is "the machine has ended in the third kernel" "$(grep -c '^KHO-STAGE' \
			"$KHO_BUILD/qemu/device-watchdog/verdict.log")" '^3$' ;;
	*)	die "KHO_DEVICES: there is no '$part'" ;;
	esac
done

tap_done
