# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# bootstub-size: limits the size of the boot stub, and of its changes to a kernel.

# Fewer than 950 lines of own code, and fewer than 60 lines added to a kernel tree.
check_bootstub_size()
{
	local lines patch

	# Count C code without comments, and neither Kconfig nor Makefile.
	lines=$(files '^bootstub/.*\.[ch]$' | xargs cat |
		gcc -fpreprocessed -dD -E -P - 2>/dev/null | grep -c '[^[:space:]]')
	if [ "$lines" -eq 0 ] || [ "$lines" -ge 950 ]; then
		echo "bootstub/: $lines lines of own code; 949 at most"
		return 1
	fi
	files '^bootstub/.*\.patch$' >"$tmp/patches"
	[ -s "$tmp/patches" ] || return
	while read -r patch; do
		lines=$(grep -E '^\+' "$patch" | grep -cvE '^\+\+\+ ')
		if [ "$lines" -ge 60 ]; then
			echo "$patch: adds $lines lines; 59 at most"
			return 1
		fi
	done <"$tmp/patches"
}
