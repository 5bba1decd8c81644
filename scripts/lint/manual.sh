# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# manual: runs groff and mandoc on manual pages, and looks for the pages that they name.

check_manual()
{
	local file list three bad=0

	mapfile -t list < <(files '\.[1-9]$')
	[ ${#list[@]} -gt 0 ] || return
	for file in "${list[@]}"; do
		groff -mandoc -rF0 -ww -z -Tutf8 "$file" 2>&1 | sed "s|^|$file: |" \
			>"$tmp/manual"
		cat "$tmp/manual"
		[ ! -s "$tmp/manual" ] || return 1
	done

	# Pages of other packages need not be installed here; ours are looked for below.
	# What mandoc says of its database goes to stderr.
	mandoc -T lint "${list[@]}" 2>"$tmp/manual-errors" |
		grep -v 'referenced manual not found' >"$tmp/manual" || :
	grep -v 'outdated mandoc.db' "$tmp/manual-errors" >>"$tmp/manual" || :
	cat "$tmp/manual"
	[ ! -s "$tmp/manual" ] || bad=1

	# A page of section 3 describes several functions.
	mapfile -t three < <(files '\.3$')
	{
		printf '%s\n' "${list[@]##*/}"
		sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([a-z_]*\).*/\1.3/p' \
			"${three[@]}"
	} | sort -u >"$tmp/manual-ours"
	grep -Hno '^\.Xr \(lib\)\?kho[^ ]* [1-9]' "${list[@]}" |
		while IFS=' ' read -r where page section; do
			grep -qx "$page.$section" "$tmp/manual-ours" ||
				echo "$where $page $section: there is no such page"
		done >"$tmp/manual"
	cat "$tmp/manual"
	[ ! -s "$tmp/manual" ] || bad=1
	return "$bad"
}
