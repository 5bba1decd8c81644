#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench-report.pl, which makes results, a verdict and a page of a benchmark's figures.
# The figures are made up here, so the right verdict is known.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

need_packages perl
report=$KHO_TOP/tests/bench/bench-report.pl
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A project that has only what the report needs.
top=$tmp/top
mkdir -p "$top/tests/bench" "$top/docs"
cat >"$top/tests/bench/rows" <<'E2'
# A comment, and then
boot/1k p s less the other kernel
boot/10k p s less the other kernel
speed p pages/s more the other tree
alone p s less -
E2
cat >"$top/raw" <<'E2'
boot/1k ours 3
boot/1k base 100
boot/1k ours 1
boot/1k base 200
boot/1k ours 2
boot/1k base 300
boot/10k ours 20
boot/10k ours 22
boot/10k base 1e4
speed ours 30
speed base 10
alone ours -0.5
left-over base 1
E2

nr=0
failed=0

# result STATUS NAME: prints the result of a test, and the report's output unless STATUS
# is 0
result()
{
	nr=$((nr + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $nr - $2"
	else
		failed=$((failed + 1))
		echo "not ok $nr - $2"
		sed 's/^/# /' "$tmp/out"
	fi
}

# run WANTED-STATUS NAME REGEX ARGUMENT...: runs the report, whose output has to match
run()
{
	local want=$1 name=$2 regex=$3 status=0 good=0

	shift 3
	"$report" "$@" >"$tmp/out" 2>&1 || status=$?
	[ "$status" -eq "$want" ] && grep -qE -- "$regex" "$tmp/out" || good=1
	result $good "$name"
}

bars()
{
	printf '%s\n' "$@" >"$top/tests/bench/bars"
}

run 0 "medians, and their ratio" \
	'"boot/1k", "value": 2, .*"baseline_value": 200, "ratio": 0.01, "n": 3' \
	--json "$top/raw" "$top"
run 0 "of an even number the middle of two" \
	'"boot/10k", "value": 21, .*"baseline_value": 10000, .*"n": 2' \
	--json "$top/raw" "$top"
run 0 "without a baseline there is no ratio" \
	'"alone", "value": -0.5, .*"baseline_value": null, "ratio": null' \
	--json "$top/raw" "$top"
"$report" --json "$top/raw" "$top" >"$tmp/results.json"
run 0 "a table with bars" '^speed .* 3 +1 +\|# ' --text "$tmp/results.json" "$top"

for line in 'boot/1k theirs 1' 'boot/1k ours fast' 'boot/1k ours' \
	'unknown ours 1'; do
	{ cat "$top/raw"; echo "$line"; } >"$tmp/raw"
	run 255 "no sample: $line" "no sample|does not have unknown" \
		--json "$tmp/raw" "$top"
done
grep -v 'speed base' "$top/raw" >"$tmp/raw"
run 255 "a baseline that nobody has measured" 'speed has a baseline' \
	--json "$tmp/raw" "$top"

bars 'ratio boot/1k at-most 0.01' 'value speed at-least 30' \
	'growth boot/10k boot/1k at-most 10.5'
run 0 "bars that hold, if only just" '^ok +boot/10k by boot/1k .* 10.5$' \
	--bars "$tmp/results.json" "$top"
for bar in 'ratio boot/1k at-most 0.0099' 'value speed at-least 31' \
	'ratio speed at-least 3.01' 'growth boot/10k boot/1k at-most 10.4' \
	'ratio alone at-most 100'; do
	bars 'ratio boot/1k at-most 0.01' "$bar"
	run 1 "missed: $bar" '^missed: [a-z]' --bars "$tmp/results.json" "$top"
done
bars 'ratio boot/1k at-most 0.001 because the sky is blue'
run 0 "a bar with a reason is known" '^known .*: the sky is blue$' \
	--bars "$tmp/results.json" "$top"
for bar in 'ratio boot/2k at-most 1' 'ratio boot/1k below 1' \
	'ratio boot/1k at-most one' 'speed boot/1k at-most 1' \
	'ratio boot/1k at-most 1 because' 'growth boot/1k at-most 1'; do
	bars "$bar"
	run 255 "no bar: $bar" 'is no bar' --bars "$tmp/results.json" "$top"
done

echo "1..$nr"
[ "$failed" -eq 0 ]
