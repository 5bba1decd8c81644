#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs each fuzzer for FUZZ_SECONDS (8).  The inputs that it finds stay in
# build/tests/fuzz, and the next run starts with them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"

seconds=${FUZZ_SECONDS:-8}
out=$KHO_BUILD/tests/fuzz
nr=0
bad=0

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

need_packages make clang libclang-rt-dev libfdt-dev

mapfile -t programs < <(make --no-print-directory -s -C "$here" list)
echo "1..$((${#programs[@]} + 1))"
[ "${#programs[@]}" -gt 0 ] || die "no fuzzers are listed"

mkdir -p "$out"
good=1
make --no-print-directory -k -j2 -C "$here" >"$out/build.log" 2>&1 || good=0
if [ $good -eq 0 ]; then
	sed 's/^/# /' "$out/build.log" >&2
fi
result $good "build"

for program in "${programs[@]}"; do
	name=${program##*/}
	log=$out/$name.log
	# An operation of fuzz-radix is 8 bytes.  For fuzz-walk: a header and 8 pages.
	max_len=4096
	[ "$name" != fuzz-walk ] || max_len=32776
	mkdir -p "$out/corpus/$name"
	status=0
	timeout $((seconds * 2 + 120)) "$here/$program" \
		-max_total_time="$seconds" -timeout=20 -rss_limit_mb=1500 \
		-print_final_stats=1 -artifact_prefix="$out/$name-" \
		-max_len=$max_len "$out/corpus/$name" "$out/seeds/$name" \
		>"$log" 2>&1 || status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")

	# Too few inputs are a failure too: such a fuzzer finds nothing.
	if [ $status -eq 0 ] && [ "${runs:-0}" -ge $((seconds * 20)) ]; then
		result 1 "$name: $runs inputs in $seconds s"
	else
		tail -n 60 "$log" | sed 's/^/# /' >&2
		result 0 "$name: status $status, ${runs:-no} inputs, see $log"
	fi
done

[ $bad -eq 0 ]
