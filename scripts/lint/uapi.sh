# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# uapi: checks the header of ioctls, in C and C++, and for 32-bit callers.

# record_layouts TARGET: prints sizes, alignments and offsets of our structs
record_layouts()
{
	clang --target="$1" -fsyntax-only -Wno-everything \
		-isystem "/usr/include/$(gcc -print-multiarch)" \
		-Xclang -fdump-record-layouts-complete "$tmp/uapi.c" |
		awk '/Dumping AST Record Layout/ { text = ""; next }
		     { text = text $0 "\n" }
		     /sizeof=/ && text ~ /struct kho_/ { printf "%s", text }'
}

check_uapi()
{
	local bad=0 target header=include/uapi/linux/kho.h

	echo "#include \"$KHO_TOP/$header\"" >"$tmp/uapi.c"
	cp "$tmp/uapi.c" "$tmp/uapi.cc"
	gcc -fsyntax-only -std=c11 -Wall -Wextra -Wpedantic -Wpadded -Werror \
		"$tmp/uapi.c" || bad=1
	clang -fsyntax-only -std=c11 -Wall -Wextra -Wpedantic -Wpadded -Werror \
		"$tmp/uapi.c" || bad=1
	g++ -fsyntax-only -std=c++11 -Wall -Wextra -Werror "$tmp/uapi.cc" || bad=1
	clang -fsyntax-only -std=c++11 -Wall -Wextra -Werror "$tmp/uapi.cc" ||
		bad=1

	record_layouts x86_64-linux-gnu >"$tmp/layout"
	grep -q 'struct kho_query' "$tmp/layout" || {
		echo "clang does not print the layout of struct kho_query"
		bad=1
	}
	# The layout must be the same for 32-bit callers, which align u64 to 4 or to 8.
	for target in i386-linux-gnu arm-linux-gnueabihf; do
		record_layouts "$target" | diff "$tmp/layout" - || {
			echo "$header: the layout differs on $target"
			bad=1
		}
	done
	# The kernel's own rule for exported headers.
	absent -nE '\b(int|long|short|char|size_t|bool|u(8|16|32|64)|uint[0-9]+_t)\b[^;*]*;' \
		"$header" || bad=1
	return "$bad"
}
