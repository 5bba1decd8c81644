# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# What firmware has left in RAM stays the same in each kernel of a chain of handovers,
# and nobody else gets that memory, although pages beside it are preserved and free
# memory is written to.
#
#	kho.opt.handovers=N	how many
#	kho.opt.kernels=A,B...	names of the next kernels, which come in turn
#	kho.opt.firmware=NAME	bios or efi

handovers=$(option handovers)
kernels=$(option kernels | tr , ' ')
next=$(echo "$kernels" | awk -v n="$stage" '{ print $((n - 1) % NF + 1) }')
efi=/sys/firmware/efi

# has WORD: is it on the command line?
has()
{
	case " $words " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# Does the kernel run with EFI, including EFI at runtime?
efi_runs()
{
	[ "$(option firmware)" = efi ] && ! has noefi && ! has efi=noruntime
}

# found NAME REGEX: this kernel has logged a table that the module knows of, too
found()
{
	local addr

	addr=$(dmesg | sed -n "s/.*$2.*/\1/p" | head -n 1)
	check "$1 is known" grep -qi "^0x${addr#0x} " /run/all-tables
}

# Checks where tables are, and what is in them.
tables()
{
	insmod "$here/kho_tables.ko" 2>/run/insmod && fail "kho_tables has stayed loaded"
	dmesg | grep -o 'kho: parser .*' | sort -u >/run/parsers
	is "what firmware says is read as it should" "$(grep -v ': ok$' /run/parsers)" ""
	[ "$(option firmware)" = bios ] || check "all kinds of it" [ "$(wc -l </run/parsers)" -gt 12 ]
	dmesg | sed -n 's/.*kho: table \(0x.*\)/\1/p' | sort -u >/run/all-tables
	sed 's/^/# table /' /run/all-tables >/run/out
	diag /run/out
	grep ' open ' /run/all-tables >/run/tables || true
	is "all of it is reserved" "$(grep -vc ' open 0$' /run/tables)" 0
	if efi_runs; then
		found "the table of memory attributes" 'efi: .*MEMATTR=\(0x[0-9a-f]*\)'
		found "the TPM's log" 'efi: .*TPMEventLog=\(0x[0-9a-f]*\)'
	fi
	if grep -q memmap= /proc/cmdline; then
		found "ACPI's FACP" 'ACPI: FACP 0x0*\([0-9A-F]*\) .*'
		check "it lies in RAM" [ -s /run/tables ]
		found "a long table" 'ACPI: LONG 0x0*\([0-9A-F]*\) .*'
		check "all of it is" grep -q ' 6036 bytes .* open 0' /run/tables
	fi
	# Kernels without EFI at runtime do not start the next one by EFI.
	# And some kernels map the DSDT where others do not.
	if efi_runs; then
		note "same tables $(sed 's/ open.*//' /run/all-tables | md5sum | cut -c 1-32)"
	elif [ "$(option firmware)" = bios ]; then
		note "same tables $(md5sum </run/tables | cut -c 1-32)"
	fi
	if [ -e /sys/firmware/acpi/bgrt/image ]; then
		note "same picture $(md5sum </sys/firmware/acpi/bgrt/image | cut -c 1-32)"
	fi
}

variables()
{
	[ ! -e "/lib/modules/$(uname -r)/efivarfs.ko" ] ||
		insmod "/lib/modules/$(uname -r)/efivarfs.ko"
	check "EFI's variables can be seen" mount -t efivarfs efivarfs $efi/efivars
	check "there are some" [ "$(find $efi/efivars -type f | wc -l)" -gt 10 ]
	note "same variables $(cat $efi/efivars/OsIndicationsSupported-* | md5sum | cut -c 1-32)"
}

# keep NAME FIRST END: preserves memory there, and says what is in it
keep()
{
	[ "$stage" -ne 1 ] || tap place keep "$1" "$2" "$3"
	note "same $1 $(khoctl get "$1" - | md5sum | cut -c 1-32)"
}

# Preserves memory right beside the tables; of tables that lie side by side, only beside
# the first.  With a BIOS nothing behind the tables is free.
beside()
{
	local addr bytes rest i=0 last=0

	# The first kernel's places count: later kernels may not be told of all.
	[ "$stage" -ne 1 ] || check "put their places" khoctl put tables /run/tables
	khoctl get tables /run/first-tables || fail "khoctl get tables"
	while read -r addr bytes rest; do
		[ $((addr - last)) -ge $((0x200000)) ] || continue
		last=$addr
		i=$((i + 1))
		keep "below-$i" $((addr - 0x4000000)) $((addr))
		[ "$(option firmware)" = bios ] ||
			keep "above-$i" $((addr + bytes)) $((addr + 0x4000000))
	done </run/first-tables
}

# Scatters pages with larger gaps than those at the tables, so many that the stub leaves
# only the larger ones open.  What EFI has in RAM is reserved before the stub looks.
holes()
{
	[ "$(option firmware)" = bios ] || return 0
	if [ "$stage" -eq 1 ]; then
		check "scatter pages" agent scatter 1500 1 /run/manifest wide
		check "put the manifest" khoctl put manifest /run/manifest
	fi
	check "get the manifest" khoctl get manifest /run/manifest
	[ "$stage" -eq 1 ] || check "all pages are there" agent verify /run/manifest
}

# Fills most of the free memory with zeros, and frees it again.
write_all()
{
	local kib

	kib=$(awk '$1 == "MemFree:" { print int($2 * 0.8) }' /proc/meminfo)
	mkdir -p /run/all
	mount -t tmpfs -o size=100% tmpfs /run/all
	dd if=/dev/zero of=/run/all/file bs=64k count=$((kib / 64)) 2>/dev/null
	umount /run/all
}

run()
{
	await_release
	# So that a process can get the last free pages, too.
	echo 300 >/proc/sys/vm/min_free_kbytes
	[ "$stage" -eq 1 ] || check "scratch is where it was" sh -c \
		'dmesg | grep -q "kho: scratch is that of the previous kernel"'
	if efi_runs; then
		check "the kernel was started by EFI" [ -d $efi ]
		variables
	fi
	tables
	beside
	holes
	write_all
	rm -f /run/tables /run/all-tables
	if [ "$generation" -ge "$handovers" ]; then
		note "end"
		end_here
		return
	fi
	jump
}

eval "stage_$stage() { run; }"
