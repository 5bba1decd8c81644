# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# benchmarks: docs/ against the figures of the last run.

# Either there are no figures yet, or all that shows them shows the same.
check_benchmarks()
{
	[ -e docs/benchmarks.json ] || [ -e docs/benchmarks.md ] || return 0
	tests/bench/bench-report.pl --check docs/benchmarks.json "$KHO_TOP"
}
