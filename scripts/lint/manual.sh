# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# manual: runs groff on manual pages.

check_manual()
{
	local file list

	mapfile -t list < <(files '\.[1-9]$')
	[ ${#list[@]} -gt 0 ] || return
	for file in "${list[@]}"; do
		groff -mandoc -rF0 -ww -z -Tutf8 "$file" 2>&1 | sed "s|^|$file: |" \
			>"$tmp/manual"
		cat "$tmp/manual"
		[ ! -s "$tmp/manual" ] || return 1
	done
}
