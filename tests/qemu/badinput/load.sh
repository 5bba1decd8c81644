# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# khoctl load of files that can't be loaded, and under lockdown, which forbids loading what
# is not signed.

kernel=/run/payload/successor/bzImage
initrd=/run/payload/successor/initrd

# load_refused DESCRIPTION REGEX ARGUMENT...
load_refused()
{
	local what="$1" regex="$2"

	shift 2
	refuses "load $what" "$regex" khoctl load "$@"
	is "load $what: nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0
}

stage_1()
{
	local size

	check "put" khoctl put file /bin/busybox

	load_refused "of no file" 'No such file' /nowhere
	load_refused "of a directory" 'directory|regular' /bin
	load_refused "of a text file" 'bzImage' /init
	load_refused "of an ELF file" 'bzImage' /bin/busybox
	: >/run/empty
	load_refused "of an empty file" 'bzImage|short|empty' /run/empty
	size=$(wc -c <"$kernel")
	for cut in 100 600 20000 $((size / 2)) $((size - 4096)); do
		head -c "$cut" "$kernel" >/run/cut
		load_refused "of $cut bytes of a bzImage" 'bzImage|trunc|short' \
			/run/cut
	done
	load_refused "with no initrd" 'No such file' "$kernel" --initrd /nowhere
	load_refused "with an initrd that is none" 'is no initramfs' "$kernel" --initrd /init
	: >/run/zeros
	dd if=/dev/zero of=/run/zeros bs=1M seek=4 count=0 2>/dev/null
	load_refused "with an initrd of zeros" 'nothing in it but zeros' \
		"$kernel" --initrd /run/zeros
	head -c 100000 "$initrd" >/run/cut
	load_refused "with an initrd that is cut" 'is truncated' "$kernel" --initrd /run/cut
	# Zeros may follow.  They are sparse; scratch has the default size for such a machine.
	(cd / && echo init | cpio -o -H newc) >/run/large 2>/dev/null
	dd if=/dev/zero of=/run/large bs=1M seek=400 count=1 2>/dev/null
	load_refused "with an initrd larger than scratch" 'scratch has' \
		"$kernel" --initrd /run/large

	check "a dry run" sh -c \
		"khoctl load $kernel --initrd $initrd --dry-run >/run/dry"
	check "it shows the command" grep -q -- 'kexec .*--mem-min=' /run/dry
	is "it loads nothing" "$(cat /sys/kernel/kexec_loaded)" 0
	check "load" load_next
	is "it is loaded" "$(cat /sys/kernel/kexec_loaded)" 1
	check "unload" khoctl unload
	is "it is unloaded" "$(cat /sys/kernel/kexec_loaded)" 0

	check "remove" khoctl rm file
	check "unload the module" rmmod kho
	load_refused "without the module" 'modprobe kho|module' "$kernel"
	refuses "status without the module" 'modprobe kho|module' khoctl status
	check "load the module" load_kho

	locked_down
}

# With integrity there is no firmware here from which the kernel could have got a key that it
# trusts; 46-lockdown.t has one.
locked_down()
{
	local file=/sys/kernel/security/lockdown

	check "lock the kernel down" sh -c "echo integrity >$file"
	check "put under lockdown" khoctl put file /bin/busybox
	load_refused "under lockdown" 'kexec_file_load failed' "$kernel" --initrd "$initrd"
	check "check under lockdown" khoctl check
	check "remove" khoctl rm file

	check "lock it down for confidentiality" sh -c "echo confidentiality >$file"
	refuses "put under confidentiality" 'lock' khoctl put file /bin/busybox
	load_refused "under confidentiality" 'lock' "$kernel" --initrd "$initrd"
	refuses "check under confidentiality" 'lock' khoctl check
	check "unload the module" rmmod kho
	refuses "the module under lockdown" '.' load_kho
	refuses "check without it" 'lockdown .*confidentiality: kexec_load is forbidden' \
		khoctl check
	is "it has one advice" "$(khoctl check | grep -A 1 '^FAIL' | grep -c -e '->')" 1
	is "and not to load the module" "$(khoctl check | grep -c modprobe)" 0
	refuses "load names lockdown, without the module" 'locked down .confidentiality.' \
		khoctl load "$kernel" --initrd "$initrd" --append quiet
	refuses "and so does check --target" 'locked down .confidentiality.' \
		khoctl check --target "$kernel"
}
