# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# headers: checks that shared headers compile on their own.

check_headers()
{
	local header cc bad=0

	files '^include/(kho|uapi)/.*\.h$' >"$tmp/headers"
	[ -s "$tmp/headers" ] || bad=1
	while read -r header; do
		echo "#include \"$KHO_TOP/$header\"" >"$tmp/one.c"
		for cc in gcc clang; do
			$cc -fsyntax-only -std=gnu11 -Wall -Wextra -Werror \
				-Wpedantic -Wno-unused-function -Iinclude \
				-Iinclude/uapi "$tmp/one.c" || bad=1
		done
		# For the headers' assertions about sizes and offsets on the wire.
		clang --target=i386-linux-gnu -fsyntax-only -Werror \
			-isystem "/usr/include/$(gcc -print-multiarch)" \
			-Iinclude "$tmp/one.c" || bad=1
	done <"$tmp/headers"
	return "$bad"
}
