#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fuzzer for a few minutes, with fixed seeds: on a kernel that checks itself all the
# time, and from one unpatched kernel to the next.  `make fuzz` runs it for any time.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/fuzz.sh"

# fuzzed NAME SEED CALLS JUMPS KERNELS: the run passes, with all its calls and jumps
fuzzed()
{
	local line calls outcome

	outcome=$(fuzz_vm "$@")
	if [[ $outcome == 'lost: QEMU, '* ]]; then
		echo "# $1: $outcome; once more, from the beginning"
		outcome=$(fuzz_vm "$@")
	fi
	tap_is "$1: the VM passes" "$outcome" '^pass$'
	line=$(fuzz_report "$1" | head -n 1)
	echo "# $line"
	tap_is "$1: all jumps, and nothing was found" "$line" \
		"jumps=$4 loud=[0-9]+ kills=[0-9]+ findings=0\$"
	fuzz_report "$1" | sed -n 's/^finding /# &/p'
	calls=${line#*calls=}
	tap_result $((${calls%% *} < $3 * ($4 + 1))) \
		"$1: as many calls as asked for"
}

need_vm
fuzzed fuzz-debug 1 1200 1 debug
fuzzed fuzz-stock 2 8000 1 stock-6.12

tap_done
