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
[[ $series =~ ^[0-9]+\.[0-9]+$ ]] || die "$tree/Makefile does not say which Linux it is"

# place SERIES: sets place to its number among all series; the last 5.x is 5.19, the last
# 6.x is 6.19
place()
{
	place=$((${1%.*} * 20 + ${1#*.}))
}

# by_distance: prints the series that have hooks, the nearest first, and of two the older
by_distance()
{
	local dir other here

	place "$series"
	here=$place
	for dir in "$KHO_TOP"/bootstub/linux-*/; do
		other=${dir%/}
		other=${other##*/linux-}
		place "$other"
		echo "$((place < here ? here - place : place - here)) $place $other"
	done | sort -n -k 1,1 -k 2,2 | cut -d ' ' -f 3
}

mapfile -t nearest < <(by_distance)
mapfile -t known < <(printf '%s\n' "${nearest[@]}" | sort -V)
place "${known[0]}"
first=$place
place "${known[-1]}"
last=$place
place "$series"
if [ "$place" -lt "$first" ] || [ "$place" -gt "$last" ]; then
	die "$tree is Linux $series; there are hooks for ${known[*]}, and those between"
fi

# What goes where, from the repository's root to the tree's.
files=(
	bootstub/Kconfig	kernel/kho/Kconfig
	bootstub/Makefile	kernel/kho/Makefile
	bootstub/kho_boot.c	kernel/kho/kho_boot.c
	bootstub/kho_keep.c	kernel/kho/kho_keep.c
	bootstub/kho_release.c	kernel/kho/kho_release.c
	bootstub/intake.h	kernel/kho/intake.h
	bootstub/compat.h	kernel/kho/compat.h
	bootstub/x86/setup.c	kernel/kho/x86/setup.c
	bootstub/x86/kaslr.h	kernel/kho/x86/kaslr.h
	bootstub/kho_boot.h	include/kho/kho_boot.h
	bootstub/kho_hooks.h	include/kho/kho_hooks.h
	include/kho/abi.h	include/kho/abi.h
	include/kho/boot_info.h	include/kho/boot_info.h
	include/kho/fdt.h	include/kho/fdt.h
	include/kho/gaps.h	include/kho/gaps.h
	include/kho/walk.h	include/kho/walk.h
)
dirs=(kernel/kho/x86 kernel/kho include/kho)

# run_patch SERIES DIR ARG...: no fuzz, no questions, no backup files.
run_patch()
{
	patch -d "$2" -p1 -F0 -f -r - --no-backup-if-mismatch "${@:3}" \
		<"$KHO_TOP/bootstub/linux-$1/hooks.patch"
}

# Of run_patch's output, the hunks that failed and their files.
failed_hunks()
{
	awk '$2 == "file" { file = $3 } /FAILED at|File to patch/ { print file ": " $0 }'
}

# try_hooks SERIES: prints nothing if its hooks fit and land where they belong, or else
# what is wrong.  This patches a copy.
try_hooks()
{
	local copy file why

	copy=$(mktemp -d)
	while read -r file; do
		mkdir -p "$copy/${file%/*}"
		[ ! -f "$tree/$file" ] || cp "$tree/$file" "$copy/$file"
	done < <(sed -n 's,^+++ b/,,p' "$KHO_TOP/bootstub/linux-$1/hooks.patch")
	if why=$(run_patch "$1" "$copy" 2>&1); then
		awk -v tree="$copy" -f "$KHO_TOP/scripts/bootstub-landing.awk" \
			"$KHO_TOP/bootstub/landing"
	else
		failed_hunks <<<"$why"
	fi
	rm -rf "$copy"
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
# The series whose hooks are there.
hooked=
for other in "${nearest[@]}"; do
	if run_patch "$other" "$tree" -R --dry-run >/dev/null 2>&1; then
		hooked=$other
		break
	fi
done

if [ -n "$reverse" ]; then
	if [ -z "$hooked" ]; then
		[ "$dropin" != none ] ||
			die "$tree does not have the boot stub"
		die "$tree has files of a boot stub but not these hooks"
	fi
	run_patch "$hooked" "$tree" -R >/dev/null
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

fits=
faults=
for other in "${nearest[@]}"; do
	why=$(try_hooks "$other")
	if [ -z "$why" ]; then
		fits=$other
		break
	fi
	# Only those of the nearest are worth reading.
	[ -n "$faults" ] || faults=$why
done
if [ -z "$fits" ]; then
	while IFS= read -r line; do
		echo "bootstub/linux-${nearest[0]}/hooks.patch: $line" >&2
	done <<<"$faults"
	die "$tree (Linux $series): no hooks fit, nothing changed; above, what is wrong with the nearest"
fi

trap 'remove_files; say "$tree: not applied, nothing changed"' EXIT
for i in "${dirs[@]}"; do
	mkdir -p "$tree/$i"
done
for ((i = 0; i < ${#files[@]}; i += 2)); do
	cp "$KHO_TOP/${files[i]}" "$tree/${files[i + 1]}"
done
run_patch "$fits" "$tree" >/dev/null
trap - EXIT
say "$tree (Linux $series): the boot stub is in, with the hooks of $fits"
