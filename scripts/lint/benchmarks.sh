# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# benchmarks: checks that docs/ shows the figures of the last run.

# Passes if there are no figures yet.
check_benchmarks()
{
	[ -e docs/benchmarks.json ] || [ -e docs/benchmarks.md ] || return 0
	tests/bench/bench-report.pl --check docs/benchmarks.json "$KHO_TOP"
}
