#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the unit tests with each compiler and runs them, as a subtest for each
# program.  A program that can't be built has failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"

need_packages gcc make clang libclang-rt-dev libfdt-dev

nr=0
bad=0

# result OK NAME: prints the line of a subtest
result()
{
	nr=$((nr + 1))
	if [ "$1" -eq 1 ]; then
		echo "ok $nr - $2"
	else
		bad=$((bad + 1))
		echo "not ok $nr - $2"
	fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT

mapfile -t programs < <(make --no-print-directory -s -C "$here" list)
echo "1..$((${#programs[@]} + 1))"
[ "${#programs[@]}" -gt 0 ] || die "no tests are listed"

# With -k, a test that can't be built does not keep others from being built.
good=1
make --no-print-directory -k -j2 -C "$here" >"$log" 2>&1 || good=0
if [ $good -eq 0 ]; then
	sed 's/^/# /' "$log" >&2
fi
result $good "build"

for program in "${programs[@]}"; do
	name=${program#*/tests/unit/}
	program=$here/$program
	echo "# Subtest: $name"

	status=0
	timeout 300 "$program" >"$log" 2>&1 || status=$?
	sed 's/^/    /' "$log"

	# There must be a plan, and as many good results as it says.
	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$log")
	passed=$(grep -c '^ok ' "$log" || true)
	if [ $status -eq 0 ] && [ "${plan:-0}" -gt 0 ] &&
	   [ "$plan" = "$passed" ]; then
		result 1 "$name: $passed checks"
	else
		grep -v '^ok ' "$log" | sed 's/^#* */# /' >&2 || true
		result 0 "$name: status $status, $passed of ${plan:-?} checks"
	fi
done

[ $bad -eq 0 ]
