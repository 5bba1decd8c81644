# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# perl: checks for perl's own warnings.

check_perl()
{
	local file bad=0

	{ scripts perl; files '\.p[lm]$'; } | sort -u >"$tmp/perl"
	while read -r file; do
		perl -wc "$file" >"$tmp/perl-out" 2>&1 || bad=1
		absent -v 'syntax OK$' "$tmp/perl-out" || bad=1
	done <"$tmp/perl"
	return "$bad"
}
