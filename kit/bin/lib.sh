# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What apply, verify and reverse share.  They need git, patch, awk, and coreutils.
set -euo pipefail

# Each of them sets it.
tree=
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mapfile -t patches <"$kit/patches/series"
# No configuration of the caller's, and no repository around the tree.
export LC_ALL=C

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# wanted_series, tree_series: the Linux that the kit is for, and the tree's
wanted_series()
{
	sed -n 's/.*"linux": "\([^"]*\)".*/\1/p' "$kit/kit.json"
}

tree_series()
{
	sed -n -e 's/^VERSION *= *\([0-9]*\).*/\1/p' -e 's/^PATCHLEVEL *= *\([0-9]*\).*/\1/p' \
		"$tree/Makefile" | head -n 2 | paste -s -d .
}

# need_tree: $tree is a kernel's
need_tree()
{
	local file

	for file in Makefile Kbuild kernel/Makefile init/Kconfig arch/x86/kernel/setup.c; do
		[ -f "$tree/$file" ] || die "$tree is no kernel tree: it has no $file"
	done
	[ "$(tree_series)" = "$(wanted_series)" ] ||
		say "$tree is Linux $(tree_series), and this kit is for $(wanted_series)"
}

# files_of PATCH...: prints the files that they change
files_of()
{
	local patch

	for patch; do
		sed -n -e 's,^+++ b/,,p' "$kit/patches/$patch"
	done | awk '!seen[$0]++'
}

# copy_touched DIR: copies what all patches change, as far as it is there
copy_touched()
{
	local file there=()

	while IFS= read -r file; do
		[ ! -e "$tree/$file" ] || there+=("$file")
	done < <(files_of "${patches[@]}")
	[ ${#there[@]} -eq 0 ] || (cd "$tree" && cp --parents -- "${there[@]}" "$1/")
}

# run_patch DIR PATCH ARG...: no fuzz, no questions, nothing left behind
run_patch()
{
	patch -d "$1" -p1 -F0 -f -r - --no-backup-if-mismatch "${@:3}" <"$kit/patches/$2"
}

# why_not <OUTPUT OF PATCH: prints file and hunk of what did not fit
why_not()
{
	awk '
		$1 == "patching" || $1 == "checking" { file = $3 }
		/^The next patch would create the file/ { file = $8; sub(/,$/, "", file)
			print "    " file " is already there" }
		/^Not deleting file/ { print "    " $4 " is not as it was" }
		/FAILED at/ { sub(/ -- .*/, ""); print "    " file ": " $0 }
		/^can.t find file to patch/ { lost = 1 }
		lost && /^\|\+\+\+ / { sub(/^b\//, "", $2); print "    " $2 " is not there"; lost = 0 }'
}
