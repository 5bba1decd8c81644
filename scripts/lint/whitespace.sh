# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# whitespace: checks the ends of lines and files.

check_whitespace()
{
	local list file bad=0

	# In a patch, an empty line of context is a single space.  The patterns in
	# console-allowed may end with a space.
	mapfile -t list < <(files '' \
		'^((tools/libkho/)?COPYING|LICENSES/.*|tests/qemu/lib/console-allowed)$|\.patch$')
	absent -nE '[[:space:]]$' "${list[@]}" || bad=1
	for file in "${list[@]}"; do
		if [ -s "$file" ] && [ -n "$(tail -c1 "$file")" ]; then
			echo "$file: no newline at the end"
			bad=1
		fi
	done
	return "$bad"
}
