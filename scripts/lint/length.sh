# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# length: checks the length of files.

check_length()
{
	local file lines most=700 bad=0

	while read -r file; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt "$most" ]; then
			echo "$file: $lines lines, more than $most"
			bad=1
		fi
	# The UAPI is one file, whatever its length.
	done < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*|include/uapi/linux/kho\.h)$')
	return "$bad"
}
