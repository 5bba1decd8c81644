# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# What checks share: the list of files, and functions to search them.

# All files that git tracks or would track; in an unpacked archive, all files.
git ls-files -co --exclude-standard >"$tmp/files" 2>/dev/null ||
	find . -path ./build -prune -o -type f -printf '%P\n' >"$tmp/files"
sort -u "$tmp/files" | while read -r file; do
	[ ! -f "$file" ] || printf '%s\n' "$file"
done >"$tmp/all"

# files REGEX [NOT]: prints the files whose path matches REGEX and not NOT
files()
{
	grep -E -- "$1" "$tmp/all" | grep -vE -- "${2:-^$}" || true
}

# scripts INTERPRETER...: prints the files whose first line names one of these
scripts()
{
	local file line wanted

	while read -r file; do
		IFS= read -r line <"$file" 2>/dev/null || true
		for wanted; do
			if [[ $line =~ ^#!.*[/\ ]$wanted($|\ ) ]]; then
				printf '%s\n' "$file"
			fi
		done
	done <"$tmp/all"
}

# absent GREP-ARGUMENT...: prints what grep finds, and is true if it finds nothing
absent()
{
	local status=0

	grep "$@" || status=$?
	[ "$status" -eq 1 ]
}
