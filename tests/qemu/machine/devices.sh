# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Devices that do something while the machine jumps.
#
#	kho.opt.part=stopped	one that writes to a preserved page: the kernel stops it
#	kho.opt.part=stubborn	one that goes on, and writes in the next kernel
#	kho.opt.part=strayed	the same, behind an IOMMU, which the next kernel sets up
#				anew
#	kho.opt.part=disk	a disk, behind an IOMMU, that writes to a process's memory
#	kho.opt.part=watchdog	one that resets the machine unless it is fed

part=$(option part)

# byte N FILE: prints that byte of the file
byte()
{
	dd if="$2" bs=1 skip="$1" count=1 2>/dev/null | od -A n -t x1 | tr -d ' '
}

with_iommu()
{
	case $part in
	strayed|disk)
		check "there is an IOMMU" sh -c 'dmesg | grep -q "DMAR: IOMMU enabled"'
		check "devices use it" sh -c 'ls /sys/kernel/iommu_groups/ | grep -q .' ;;
	esac
}

# ---- What each does before the jump, and what there is after it ----

edu()
{
	local stubborn=1

	[ "$part" != stopped ] || stubborn=0
	check "a device is busy" insmod "$here/kho_dma.ko" "stubborn=$stubborn"
	dmesg | sed -n 's/.*kho_dma: page \(0x[0-9a-f]*\),.*/\1/p' >/run/page
	check "put where its page is" khoctl put page /run/page
}

edu_page()
{
	local page wanted=22

	[ "$part" != stubborn ] || wanted=dd
	page=$(khoctl get page -)
	check "get the page" khoctl getpage "$page" /run/dma
	is "the device has written what is expected" "$(byte 0 /run/dma) $(byte 2047 /run/dma)" \
		"$wanted $wanted"
	is "and nothing else" "$(byte 2048 /run/dma) $(byte 4095 /run/dma)" "33 33"
	sleep 1
	khoctl getpage "$page" - | cmp - /run/dma >/run/out 2>&1 ||
		not_ok "it has come to its end" /run/out
}

disk()
{
	driver nvme
	await [ -b /dev/nvme0n1 ]
	dma keep dma /dev/nvme0n1 >/run/dma &
	await grep -q busy /run/dma
}

disk_memory()
{
	khoctl get dma /run/dma || fail "khoctl get dma"
	check "memory has what it can have" dma check /run/dma
	cat /run/out >>/run/note
	note "disk $(cat /run/note)"
	driver nvme
	await [ -b /dev/nvme0n1 ]
	check "the disk can be read" sh -c 'head -c 4096 /dev/nvme0n1 | od -t x1 | grep -q "dd dd"'
	check "memory is as before" sh -c 'khoctl get dma - | cmp - /run/dma'
}

# Arms the watchdog for good: the kernel is told not to stop it.
watchdog()
{
	driver i6300esb heartbeat=90 nowayout=1
	check "arm it" sh -c 'echo >/dev/watchdog'
}

watchdog_bites()
{
	# The verdict comes first, as the watchdog ends the machine.
	tell "KHO-VERDICT pass $stage done"
	sleep 100
	not_ok "the watchdog was armed all the time"
}

# ---- Stages ----

stage_1()
{
	with_iommu
	check "put an object" khoctl put object /bin/busybox
	case $part in
	disk)	disk ;;
	watchdog)
		watchdog ;;
	*)	edu ;;
	esac
	jump
}

stage_2()
{
	with_iommu
	is "the object is as it was" "$(khoctl get object - | md5sum)" "$(md5sum </bin/busybox)"
	case $part in
	disk)	disk_memory ;;
	watchdog)
		watchdog
		jump
		return ;;
	*)	edu_page ;;
	esac
	await_release
	is "the object still is" "$(khoctl get object - | md5sum)" "$(md5sum </bin/busybox)"
	end_here
}

stage_3()
{
	is "the object is as it was" "$(khoctl get object - | md5sum)" "$(md5sum </bin/busybox)"
	watchdog_bites
}
