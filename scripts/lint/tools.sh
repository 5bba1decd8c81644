# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# tools: builds khoctl and libkho with two compilers, which must not warn.

check_tools()
{
	local cc bad=0

	for cc in gcc clang; do
		make -s -k -j2 -C tools O="$tmp/tools-$cc" CC="$cc" WERROR=1 ||
			bad=1
		[ -x "$tmp/tools-$cc/khoctl" ] || bad=1
	done
	return "$bad"
}
