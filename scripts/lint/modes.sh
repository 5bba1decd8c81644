# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# modes: checks that exactly the files that start with #! are executable.

check_modes()
{
	local file mode line bad=0

	while read -r file; do
		IFS= read -r line <"$file" 2>/dev/null || true
		mode=
		[ ! -x "$file" ] || mode=x
		if [[ $line == '#!'* && -z $mode ]]; then
			echo "$file: starts with #! but can't be executed"
			bad=1
		elif [[ $line != '#!'* && -n $mode ]]; then
			echo "$file: can be executed but does not start with #!"
			bad=1
		fi
	done <"$tmp/all"
	return "$bad"
}
