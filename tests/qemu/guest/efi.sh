# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Handovers on a machine with EFI: what firmware has left in memory is the same in each
# kernel, and nobody else's, although pages beside it are preserved and all that is free
# is written to.
#
#	kho.opt.handovers=N	how many
#	kho.opt.kernels=A,B...	names of the next kernels, which come in turn

handovers=$(option handovers)
kernels=$(option kernels | tr , ' ')
next=$(echo "$kernels" | awk -v n="$stage" '{ print $((n - 1) % NF + 1) }')
efi=/sys/firmware/efi

# Where tables are, and what is in them
tables()
{
	insmod "$here/kho_tables.ko" 2>/run/insmod && fail "kho_tables has stayed loaded"
	dmesg | sed -n 's/.*kho: table \(0x.*\)/\1/p' | sort -u >/run/tables
	sed 's/^/# table /' /run/tables >/run/out
	diag /run/out
	check "firmware has left something in RAM" [ -s /run/tables ]
	# As this kernel has found it
	check "the table of memory attributes is known" grep -q "^$(dmesg |
		sed -n 's/.* efi: .*MEMATTR=\(0x[0-9a-f]*\).*/\1/p' | head -n 1) " /run/tables
	is "all of it is reserved" "$(grep -vc ' open 0$' /run/tables)" 0
	note "tables $(sed 's/ open.*//' /run/tables | md5sum | cut -c 1-32)"
	if [ -e /sys/firmware/acpi/bgrt/image ]; then
		note "picture $(md5sum </sys/firmware/acpi/bgrt/image | cut -c 1-32)"
	fi
}

variables()
{
	[ ! -e "/lib/modules/$(uname -r)/efivarfs.ko" ] ||
		insmod "/lib/modules/$(uname -r)/efivarfs.ko"
	check "EFI's variables can be seen" mount -t efivarfs efivarfs $efi/efivars
	check "there are some" [ "$(find $efi/efivars -type f | wc -l)" -gt 10 ]
	note "variables $(cat $efi/efivars/OsIndicationsSupported-* | md5sum | cut -c 1-32)"
}

# What has been preserved right beside the tables
beside()
{
	local addr rest i=0

	while read -r addr rest; do
		i=$((i + 1))
		[ "$stage" -ne 1 ] ||
			tap place keep "beside-$i" $((addr - 0x4000000)) $((addr + 0x4000000))
		note "beside-$i $(khoctl get "beside-$i" - | md5sum | cut -c 1-32)"
	done </run/tables
}

# All that is free is somebody's for a moment, who writes what looks like nothing.
write_all()
{
	local kib

	kib=$(awk '$1 == "MemFree:" { print int($2 * 0.8) }' /proc/meminfo)
	dd if=/dev/zero of=/run/all bs=64k count=$((kib / 64)) 2>/dev/null
	rm /run/all
}

run()
{
	await_release
	# So that a process can have what lies at the end.
	echo 300 >/proc/sys/vm/min_free_kbytes
	[ "$stage" -eq 1 ] || check "scratch is where it was" sh -c \
		'dmesg | grep -q "kho: scratch is that of the kernel before"'
	check "the kernel was started by EFI" [ -d $efi ]
	variables
	tables
	beside
	write_all
	rm -f /run/tables
	if [ "$generation" -ge "$handovers" ]; then
		note "end"
		end_here
		return
	fi
	jump
}

eval "stage_$stage() { run; }"
