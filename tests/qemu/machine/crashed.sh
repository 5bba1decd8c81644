# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# After a crash: the memory of the previous kernel can be saved, and is left alone.

module=no
payload=no

stage_1()
{
	check "there is a dump" [ -s /proc/vmcore ]
	refuses "the module is not for this" 'not supported' insmod "$here/kho.ko"
	check "it says why" sh -c \
		'dmesg | grep -q "kho: refused: this is a kdump kernel"'
	check "the log can be read" makedumpfile --dump-dmesg /proc/vmcore /run/dmesg
	check "it is that of the kernel that has crashed" \
		grep -q 'sysrq: Trigger a crash' /run/dmesg
	check "and that had taken the handover" grep -q 'kho: .* objects and .* arrived' /run/dmesg
	check "all of it can be saved" makedumpfile -d 31 -c /proc/vmcore /run/dump
	note "saved $(stat -c %s /run/dump)"
}
