#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts the boot stub into an unpacked kernel tree, or takes it out again.
# Either all of it is done or, with a message, nothing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	cat <<END
Usage: ${0##*/} [--reverse] TREE

Applies the boot stub to the kernel tree TREE; --reverse takes it out again.
Exit status: 0 done, or nothing to do; 1 refused, TREE unchanged; 2 usage.
END
}

reverse=
tree=
while [ $# -gt 0 ]; do
	case $1 in
	--help)
		usage
		exit 0
		;;
	--reverse)
		reverse=y
		;;
	-*)
		usage >&2
		exit 2
		;;
	*)
		if [ -n "$tree" ]; then
			usage >&2
			exit 2
		fi
		tree=$1
		;;
	esac
	shift
done
if [ -z "$tree" ]; then
	usage >&2
	exit 2
fi

makefile_value()
{
	sed -n "s/^$1 *= *\([0-9][0-9]*\) *$/\1/p" "$tree/Makefile" | head -n 1
}

if [ ! -f "$tree/Makefile" ] || [ ! -f "$tree/kernel/Makefile" ] ||
   [ ! -f "$tree/arch/x86/kernel/setup.c" ]; then
	die "$tree is no kernel tree"
fi
series=$(makefile_value VERSION).$(makefile_value PATCHLEVEL)

if grep -rqs --include='Kconfig*' '^config KEXEC_HANDOVER$' "$tree/kernel"; then
	die "$tree (Linux $series) has CONFIG_KEXEC_HANDOVER of its own"
fi
hooks=$KHO_TOP/bootstub/linux-$series/hooks.patch
if [ ! -f "$hooks" ]; then
	have=$(cd "$KHO_TOP/bootstub" && printf '%s ' linux-*)
	die "$tree is Linux $series; there are hooks for: ${have//linux-/}"
fi

# What goes where, from the repository's root to the tree's.
files=(
	bootstub/Kconfig	kernel/kho/Kconfig
	bootstub/Makefile	kernel/kho/Makefile
	bootstub/kho_boot.c	kernel/kho/kho_boot.c
	bootstub/kho_keep.c	kernel/kho/kho_keep.c
	bootstub/kho_release.c	kernel/kho/kho_release.c
	bootstub/intake.h	kernel/kho/intake.h
	bootstub/x86/setup.c	kernel/kho/x86/setup.c
	bootstub/x86/kaslr.h	kernel/kho/x86/kaslr.h
	bootstub/kho_boot.h	include/kho/kho_boot.h
	include/kho/abi.h	include/kho/abi.h
	include/kho/boot_info.h	include/kho/boot_info.h
	include/kho/fdt.h	include/kho/fdt.h
	include/kho/gaps.h	include/kho/gaps.h
	include/kho/walk.h	include/kho/walk.h
)
dirs=(kernel/kho/x86 kernel/kho include/kho)

# run_patch ARG...: no fuzz, no questions, no backup files.
run_patch()
{
	patch -d "$tree" -p1 -F0 -f -r - --no-backup-if-mismatch "$@" \
		<"$hooks"
}

# Of run_patch's output, the hunks that failed and their files.
failed_hunks()
{
	awk '$2 == "file" { file = $3 } /FAILED at|File to patch/ { print file, $0 }'
}

remove_files()
{
	local i

	for ((i = 1; i < ${#files[@]}; i += 2)); do
		rm -f "$tree/${files[i]}"
	done
	for i in "${dirs[@]}"; do
		[ ! -d "$tree/$i" ] || rmdir --ignore-fail-on-non-empty "$tree/$i"
	done
}

# What there is of the drop-in: none, same, or other.
dropin=
for ((i = 0; i < ${#files[@]}; i += 2)); do
	from=$KHO_TOP/${files[i]}
	to=$tree/${files[i + 1]}
	if [ ! -e "$to" ]; then
		found=none
	elif cmp -s "$from" "$to"; then
		found=same
	else
		found=other
	fi
	[ -n "$dropin" ] || dropin=$found
	[ "$dropin" = "$found" ] || dropin=other
done
hooked=
if run_patch -R --dry-run >/dev/null 2>&1; then
	hooked=y
fi

if [ -n "$reverse" ]; then
	if [ -z "$hooked" ]; then
		[ "$dropin" != none ] ||
			die "$tree does not have the boot stub"
		die "$tree has files of a boot stub but not these hooks"
	fi
	run_patch -R >/dev/null
	remove_files
	say "$tree (Linux $series): the boot stub is out"
	exit 0
fi

if [ -n "$hooked" ] && [ "$dropin" = same ]; then
	say "$tree (Linux $series) has this boot stub already"
	exit 0
fi
if [ -n "$hooked" ] || [ "$dropin" != none ]; then
	die "$tree has another version of the boot stub; take it out first"
fi
if ! why=$(run_patch --dry-run 2>&1); then
	why=$(failed_hunks <<<"$why")
	die "$tree (Linux $series): the hooks do not fit: ${why//$'\n'/; }"
fi

trap 'remove_files; say "$tree: not applied, nothing changed"' EXIT
for i in "${dirs[@]}"; do
	mkdir -p "$tree/$i"
done
for ((i = 0; i < ${#files[@]}; i += 2)); do
	cp "$KHO_TOP/${files[i]}" "$tree/${files[i + 1]}"
done
run_patch >/dev/null
trap - EXIT
say "$tree (Linux $series): the boot stub is in"
