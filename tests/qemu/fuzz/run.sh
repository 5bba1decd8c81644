#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [KERNEL...]: the campaign: runs VMs with the fuzzer until the time is over or
# there is a finding, and prints what was run.  A KERNEL is as in lib/fuzz.sh; A+B+C is
# a chain, whose kernels come in turn.  By default it runs kernels of all kinds.
#
#	KHO_FUZZ_SECONDS=N	how long VMs are started, by default 3600; 0: each
#				kernel and seed once
#	KHO_FUZZ_SEED="N..."	seeds to be run, by default others each time
#	KHO_FUZZ_CALLS=N	calls in each kernel, by default 60000
#	KHO_FUZZ_JUMPS=N	jumps of each VM, by default 6
#	KHO_FUZZ_CPUS=N		of each VM, 1 or 2, by default 2
#	KHO_FUZZ_OFF=OP,OP...	operations that are left out
#	KHO_FUZZ_KEEP=1		goes on after a finding, from nothing
#	KHO_JOBS=N		VMs at a time, by default 2
#
# The exit status is 1 after a finding; its logs are kept in build/fuzz/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/fuzz.sh"

seconds=${KHO_FUZZ_SECONDS:-3600}
calls=${KHO_FUZZ_CALLS:-60000}
jumps=${KHO_FUZZ_JUMPS:-6}
jobs=${KHO_JOBS:-2}
cpus=${KHO_FUZZ_CPUS:-2}
read -ra seeds <<<"${KHO_FUZZ_SEED:-}"
for number in "$seconds" "$calls" "$jumps" "$jobs" "${seeds[@]}"; do
	[[ $number =~ ^[0-9]+$ ]] || die "'$number' is no number"
done
[[ $cpus =~ ^[12]$ ]] || die "KHO_FUZZ_CPUS=$cpus is neither 1 nor 2"
words=()
[ -z "${KHO_FUZZ_OFF:-}" ] || words+=("off=$KHO_FUZZ_OFF")
[ -z "${KHO_FUZZ_KEEP:-}" ] || words+=(keep=1)
kernels=("$@")
[ $# -gt 0 ] || kernels=(debug stock-6.12 stub-6.12 stock-6.1+stub-6.1+stock-6.12+stub-6.12
	rt stock-7.2 stock-7.3 kcsan)

need_vm
out=$KHO_BUILD/fuzz
mkdir -p "$out"
results=$out/results
: >"$results"
begin=$(date +%s)

# one KERNEL SEED: a VM, its line in the results, and its logs if it was not good
one()
{
	local kernel=$1 seed=$2 name outcome line
	name=fuzz-${kernel//+/-}-$seed

	outcome=$(fuzz_vm "$name" "$seed" "$calls" "$jumps" "$kernel" "${words[@]}" \
		2>"$out/$name.log" | tail -n 1)
	line=$(fuzz_report "$name" | head -n 1)
	[[ $line =~ findings=0$ ]] || outcome="fail: ${outcome#*: }"
	echo "$kernel $line outcome=${outcome:-lost: it did not start}" >>"$results"
	say "$kernel: $line: ${outcome:-lost}"
	# In the second case, all went well until QEMU lost the VM by a fault of its own.
	if [ "$outcome" = pass ] || [[ $outcome == 'lost: QEMU, '* ]]; then
		rm -rf "${KHO_BUILD:?}/qemu/$name" "$out/$name.log"
		return
	fi
	rm -rf "${out:?}/$name"
	fuzz_report "$name" all >"$KHO_BUILD/qemu/$name/report.log"
	mv "$KHO_BUILD/qemu/$name" "$out/$name"
	cp "$results" "$out/$name/results"
	touch "$out/stop"
}

rm -f "$out/stop"
# Fetches and builds the kernels once, before VMs run in parallel.
for kernel in "${kernels[@]}"; do
	IFS=+ read -ra parts <<<"$kernel"
	for part in "${parts[@]}"; do
		fuzz_kernel "$part" >/dev/null
	done
done

round=0
while :; do
	for kernel in "${kernels[@]}"; do
		if [ ${#seeds[@]} -gt 0 ]; then
			seed=${seeds[round]}
		else
			seed=$((begin % 1000000 * 1000 + round))
		fi
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
			wait -n || true
		done
		if [ -e "$out/stop" ] && [ -z "${KHO_FUZZ_KEEP:-}" ]; then
			break 2
		fi
		one "$kernel" "$seed" &
	done
	round=$((round + 1))
	if [ ${#seeds[@]} -gt 0 ]; then
		[ "$round" -lt ${#seeds[@]} ] || break
	elif [ $(($(date +%s) - begin)) -ge "$seconds" ]; then
		break
	fi
done
wait

# ---- What was run ----

awk '
function value(key,    i, word) {
	for (i = 2; i <= NF; i++)
		if (split($i, word, "=") == 2 && word[1] == key)
			return word[2]
	return 0
}
BEGIN {
	format = "%-40s %12s %12s %6s %6s %6s %9s  %s\n"
	printf format, "kernel", "seed", "calls", "jumps", "loud", "kills", "findings", "outcome"
}
{
	outcome = $0
	sub(/.*outcome=/, "", outcome)
	printf format, $1, value("seed"), value("calls"), value("jumps"), value("loud"),
		value("kills"), value("findings"), substr(outcome, 1, 60)
	calls += value("calls"); jumps += value("jumps"); loud += value("loud")
	kills += value("kills"); findings += value("findings")
}
END {
	printf format, "all", "", calls, jumps, loud, kills, findings, ""
}' "$results"

grep -vE ' outcome=(pass|lost: QEMU, .*)$' "$results" >"$out/bad" || exit 0
while read -r kernel line; do
	seed=${line#seed=}
	seed=${seed%% *}
	name=fuzz-${kernel//+/-}-$seed
	echo
	echo "again: make fuzz ARGS=$kernel KHO_FUZZ_SEED=$seed KHO_FUZZ_SECONDS=0 KHO_FUZZ_CALLS=$calls KHO_FUZZ_JUMPS=$jumps ${KHO_FUZZ_OFF:+KHO_FUZZ_OFF=$KHO_FUZZ_OFF}"
	echo "logs: build/fuzz/$name"
	sed -n 's/^finding //p' "$out/$name/report.log"
done <"$out/bad"
exit 1
