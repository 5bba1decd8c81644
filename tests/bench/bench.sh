#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [OPTION]... [NAME]...: measures what the project does and a baseline without
# it, in QEMU, and checks the figures against tests/bench/bars.  With NAMEs it measures
# only what begins with one of them in tests/bench/rows, and what is measured along with
# that.
#
#	--list		prints the names
#	--quick		as few repetitions as possible, to see that everything works
#	--json FILE	the results, by default build/bench.json
#	--update-docs	no run: makes docs/benchmarks.md and its plots from the last
#			run of everything
#
# The results are a list of objects with "name", "value", "unit", "baseline",
# "baseline_value", "ratio" (value divided by baseline_value) and "n".  Values are
# medians of n samples.  Ours and the baseline's are measured in turns, in the same VM
# if the kernel is the same.  NAME-about.json describes the machine, if FILE is NAME.json.
#
# It needs the machine to itself: two cores, and 6 GiB of memory in /dev/shm.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

report=$KHO_TOP/tests/bench/bench-report.pl
rows=$KHO_TOP/tests/bench/rows
json=$KHO_BUILD/bench.json
quick='' wanted=()
while [ $# -gt 0 ]; do
	case $1 in
	--list)
		awk '!/^(#|$)/ { print $1 }' "$rows"
		exit ;;
	--quick)
		quick=1 ;;
	--json)
		[ $# -gt 1 ] || die "$1 needs a value"
		json=$2
		shift ;;
	--update-docs)
		need_packages perl
		exec "$report" --docs "$json" "$KHO_TOP" ;;
	-*)
		die "there is no option $1" ;;
	*)
		wanted+=("$1") ;;
	esac
	shift
done

# ---- What to run: the parts that measure what is wanted ----

declare -A part=()
for want in "${wanted[@]:-}"; do
	found=
	while read -r name of _; do
		[[ $name == "$want"* ]] || continue
		for name in ${of//,/ }; do
			part[$name]=1
		done
		found=1
	done < <(grep -vE '^(#|$)' "$rows")
	[ -n "$found" ] || die "there is no name that begins with $want, see --list"
done

need_vm
need_packages busybox-static cpio gcc libc6-dev make perl
work=$KHO_BUILD/bench
raw=$work/raw
memory=/dev/shm/kho-bench.$$
# A guest touches one or two of its 10 GiB.  A file on a disk would be written out.
if [ "$(df --output=avail -k /dev/shm | tail -n 1)" -lt $((6 << 20)) ]; then
	say "/dev/shm has less than 6 GiB: guests have their memory on a disk"
	memory=$work/memory.$$
fi
mkdir -p "$work" "$memory" "${json%/*}"
: >"$raw"

# Job control gives each VM a process group; no VM may outlive this script.
set -m
cleanup()
{
	local pid

	trap '' INT TERM
	for pid in $(jobs -pr); do
		kill -- "-$pid" 2>/dev/null || true
	done
	rm -rf "$memory"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# rounds N: prints how often to measure: N times, or once with --quick
rounds()
{
	if [ -n "$quick" ]; then
		echo 1
	else
		echo "$1"
	fi
}

# sample NAME ours|base VALUE
sample()
{
	echo "$*" >>"$raw"
}

# run_vm NAME ARGUMENT...: runs a VM that has to pass, and sets log to its log
run_vm()
{
	local name=$1 outcome

	shift
	log=$KHO_BUILD/qemu/bench/$name/verdict.log
	outcome=$("$KHO_QEMU/lib/vm.sh" "$@" | tail -n 1) || true
	[ "$outcome" = pass ] || die "the VM $name: $outcome"
}

say "kernels, modules and an initramfs"
stock=$(stock_kernel)
mainline=$(mainline_kernel base)
# shellcheck disable=SC2034 # by ${!kernel}
patched=$(mainline_kernel patched)
stub=$(stub_kernel base)
image=$("$KHO_QEMU/lib/mkinitramfs.sh" --bench "$stock" "$stub" "$mainline")
bench=$("$KHO_TOP/tests/bench/build.sh")
hz=$("$bench" hz)
begin=$SECONDS

# ---- The tree ----

# What is compared: NAME OURS BASELINE, the latter two by tree-main.c's names.
tree_rates='
mark_single ours/scattered/single/mark mainline/scattered/single/mark
mark_single_random ours/random/single/mark mainline/random/single/mark
mark_batch_scattered ours/scattered/batch/mark mainline/scattered/single/mark
mark_batch_random ours/random/batch/mark mainline/random/single/mark
mark_batch_contiguous ours/adjacent/run/mark mainline/adjacent/single/mark
mark_order9 ours/huge/single/mark mainline/huge/single/mark
unmark ours/scattered/single/unmark mainline/scattered/single/unmark
unmark_random ours/random/single/unmark mainline/random/single/unmark
unmark_batch_scattered ours/scattered/batch/unmark mainline/scattered/single/unmark
unmark_batch_contiguous ours/adjacent/run/unmark mainline/adjacent/single/unmark
order_tables/mark_single tables/scattered/single/mark mainline/scattered/single/mark
order_tables/mark_single_random tables/random/single/mark mainline/random/single/mark
order_tables/mark_order9 tables/huge/single/mark mainline/huge/single/mark
order_tables/unmark tables/scattered/single/unmark mainline/scattered/single/unmark
'
# The same for metadata: NAME PATTERN GIB.  Bytes are divided by GIB.
tree_nodes='
metadata_bytes/order0_dense adjacent 4
metadata_bytes/order0_scattered scattered 4
metadata_bytes/order9 few-huge 4
metadata_bytes/mixed_orders mixed 1
metadata_bytes/empty empty 1
'

# as_samples PREFIX PAGES: turns lines of the module's log into samples
as_samples()
{
	awk -v rates="$tree_rates" -v nodes="$tree_nodes" -v prefix="$1" \
		-v pages="$2" '
	function put(name, side, value)
	{
		printf "%s%s %s %.9g\n", prefix, name, side, value
	}
	# All keys are of the same number, so time for one or keys a second.
	function cost(ns, n)
	{
		return prefix == "instructions/" ? ns / n : n * 1e9 / ns
	}
	BEGIN {
		n = split(rates, field)
		for (i = 1; i + 2 <= n; i += 3)
			row[++nr] = field[i] " ours " field[i + 1]
		for (i = 1; i + 2 <= n; i += 3)
			row[++nr] = field[i] " base " field[i + 2]
		n = split(nodes, field)
		for (i = 1; i + 2 <= n; i += 3) {
			name[field[i + 1]] = field[i]
			gib[field[i + 1]] = field[i + 2]
		}
	}
	$1 != "KHO-MARK" { next }
	$2 ~ /\/(mark|unmark)$/ {
		for (i = 1; i <= nr; i++) {
			split(row[i], field)
			if (field[3] == $2)
				put(field[1], field[2], cost($3, $4))
		}
	}
	prefix != "" { next }
	$2 ~ /\/threads\/1\/mark$/ { split($2, field, "/"); one[field[1]] = $3 }
	$2 ~ /\/threads\/2\/mark$/ {
		split($2, field, "/")
		speed = one[field[1]] / $3
		if (field[1] == "ours")
			put("mark_2_threads", "ours", speed)
		if (field[1] == "mainline") {
			put("mark_2_threads", "base", speed)
			put("order_tables/mark_2_threads", "base", speed)
		}
		if (field[1] == "tables")
			put("order_tables/mark_2_threads", "ours", speed)
	}
	$2 ~ /\/single\/nodes$/ {
		split($2, field, "/")
		what = name[field[2]]
		if (what == "")
			next
		value = $3 * 4096 / gib[field[2]]
		if (field[1] == "ours")
			put(what, "ours", value)
		if (field[1] == "tables")
			put("order_tables/" what, "ours", value)
		if (field[1] == "mainline") {
			put(what, "base", value)
			put("order_tables/" what, "base", value)
		}
		if (field[2] != "scattered")
			next
		what = "metadata_bytes/after_delete"
		if (field[1] == "ours")
			put(what, "ours", $4 * 4096)
		if (field[1] == "tables")
			put("order_tables/" what, "ours", $4 * 4096)
		if (field[1] == "mainline") {
			put(what, "base", $4 * 4096)
			put("order_tables/" what, "base", $4 * 4096)
		}
	}'
}

# size N: prints N as the names have it, such as 10k
size()
{
	case $1 in
	*000000)
		echo "${1%000000}M" ;;
	*000)
		echo "${1%000}k" ;;
	*)
		echo "$1" ;;
	esac
}

run_tree()
{
	local n

	run_vm tree -t bench-tree -T 400 \
		-a "kho.opt.rounds=$(rounds 7) kho.opt.threads=1" \
		bench/tree "$mainline" "$image"
	grep '^KHO-MARK .* 1048576$\|/nodes \|/few-huge/' "$log" |
		as_samples '' 1048576 >>"$raw"
	for n in 1000 10000 100000; do
		sed -n "s|^KHO-MARK $n \(.*\)/scattered/\(.*\)/mark \([0-9]*\) .*|\1/\2 \3|p" \
			"$log" | awk -v name="mark_time/$(size $n)" '
			$1 == "ours/batch" { print name, "ours", $2 / 1e9 }
			$1 == "mainline/single" { print name, "base", $2 / 1e9 }' \
			>>"$raw"
	done
	# 1M in the names of this part is 2^20.
	sed -n 's|^KHO-MARK \(.*\)/scattered/\(.*\)/mark \([0-9]*\) .*|\1/\2 \3|p' \
		"$log" | awk '
		$1 == "ours/batch" { print "mark_time/1M ours", $2 / 1e9 }
		$1 == "mainline/single" { print "mark_time/1M base", $2 / 1e9 }' \
		>>"$raw"
}

run_instructions()
{
	run_vm tree-icount -t bench-tree -I -T 400 \
		-a "kho.opt.rounds=$(rounds 5) kho.opt.threads=0 kho.opt.pages=65536" \
		bench/tree-icount "$mainline" "$image"
	as_samples instructions/ 65536 <"$log" >>"$raw"
}

# ---- An agent ----

run_agent()
{
	local mib=256

	[ -z "$quick" ] || mib=64
	run_vm agent -t bench-agent -T 300 -m 2560M \
		-a "kho.opt.rounds=$(rounds 11) kho.opt.mib=$mib" \
		bench/agent "$stock" "$image"
	sed -n 's/^KHO-PIN //p' "$log" |
		awk '{ print "pin_" $1, $2, $3 / $4 }' >>"$raw"
	sed -n 's/^KHO-TIME //p' "$log" | awk -v mib="$mib" '
		$1 == "cp" {
			print "put_bandwidth base", mib * 1e9 / $2
			print "get_bandwidth base", mib * 1e9 / $2
		}
		$1 ~ /^(put|get)$/ {
			print $1 "_bandwidth ours", mib * 1e9 / $2
		}' >>"$raw"
}

# ---- Blackout: the time in which nobody answers ----

# run_blackout NAME SUFFIX KERNEL THIRD [-I]: measures jumps with an agent, plain jumps
# and, if THIRD is not empty, a third kind; with -I in instructions
run_blackout()
{
	local disk name=blackout_time unit=$hz

	if [ $# -gt 4 ]; then
		name=blackout
		unit=1
	fi
	disk=$(payload "bench/$1" "$3" "$image")
	run_vm "$1" -t bench-blackout -T 600 -p "$disk" "${@:5}" -a \
		"kho.opt.rounds=$(rounds 5) kho.opt.third=$4 kho.opt.pages=10000" \
		"bench/$1" "$3" "$image"
	rm -f "$disk"
	sed -n 's/^KHO-TSC //p' "$log" | awk -v name="$name" -v s="$2" -v hz="$unit" \
		-v third="$4" '
		$1 == "jump" { jump = $2; next }
		{ took = ($2 - jump) / hz }
		$1 == "agent" {
			put(name, "ours")
			if (third == "placed")
				put("blackout_placed", "ours")
			if (third == "unchecked")
				put("blackout_unchecked", "base")
		}
		$1 == "plain" {
			put(name, "base")
			if (third == "placed")
				put("placed", "base")
		}
		$1 == "placed" {
			put("blackout_placed", "base")
			put("placed", "ours")
		}
		$1 == "unchecked" { put("blackout_unchecked", "ours") }
		function put(what, side)
		{
			print what s, side, took
		}' >>"$raw"
}

# ---- Boots ----

layout=$memory/mklayout
jump=$memory/jump

prepare_boots()
{
	local here=$KHO_QEMU/stub-intake dir kernel release

	[ ! -e "$layout" ] || return 0
	gcc -O2 -Wall -Wextra -Wno-missing-field-initializers -Werror \
		-DLAYOUT_LARGE -o "$layout" "$here/mklayout.c" "$here/blob.c"
	mkdir -p "$jump"
	"$here/run.sh" --jump "$jump/bzImage" -DLAYOUT_LARGE
	for kernel in stub patched mainline stock; do
		dir=$memory/$kernel
		release=$(kernel_release "${!kernel}")
		mkdir -p "$dir/dev"
		cp "$bench" "$dir/init"
		mknod "$dir/dev/console" c 5 1
		if [ $kernel != mainline ]; then
			mkdir -p "$dir/lib/modules/$release/kho"
			cp "$("$KHO_TOP/scripts/build-module.sh" "$release" \
				"${!kernel}/headers")" \
				"$dir/lib/modules/$release/kho/"
		fi
		(cd "$dir" && find . | LC_ALL=C sort |
			cpio -o -H newc -R 0:0 --quiet) >"$dir.cpio"
	done
}

# boot KIND N [ARGUMENT...]: boots a kernel that finds N isolated pages, and sets ticks
# to the time until process 1, or on a stock kernel until the envelopes are given back, or
# with $arrive to what it takes to load the module.
# As in vm.sh, a mainline kernel that hangs before process 1 is booted once more: no
# code of ours has run by then.
boot()
{
	local kind=$1 n=$2 what=boot settings=() name=boot-$1 got limit=60 try

	shift 2
	name+=${lane:+-$lane}
	log=$KHO_BUILD/qemu/bench/$name/verdict.log
	[ "$kind/$n" != mainline/100000 ] || limit=300
	if [ "$kind" = stock ]; then
		what=release
		settings=(envelopes)
	fi
	[ -z "${arrive-}" ] || what=arrive
	for try in 1 2; do
		"$layout" write "$memory/$name.ram" \
			"$(kernel_image "${!kind}")" "$memory/$kind.cpio" \
			ram=10G scratch=512M "isolated=$n" \
			"append=oops=panic printk.devkmsg=on bench=$what" \
			"${settings[@]}"
		got=$("$KHO_QEMU/lib/vm.sh" -T $limit -m 10G \
			-r "$memory/$name.ram" "$@" "bench/$name" "$jump" - |
			tail -n 1) || true
		rm -f "$memory/$name.ram"
		[[ $kind =~ ^(mainline|patched)$ && $got == lost* && ! -s $log &&
		   $try -eq 1 ]] || break
		say "$name: $got, before process 1; once more"
	done
	[ "$got" = pass ] || die "the VM $name: $got"
	case ${arrive:+arrive}$kind in
	stub)
		got=$(sed -n 's/^KHO-NOTE log kho: kept \([0-9]*\) pages.*/\1/p' \
			"$log") ;;
	stock|arrive*)
		got=$(sed -n 's/^KHO-NOTE arrived //p' "$log") ;;
	mainline|patched)
		got=$n
		grep -q 'KHO: found kexec handover data' "$log" || got=none
		! grep -q 'KHO: handover refused' "$log" || got=refused ;;
	esac
	[ "$got" = "$n" ] || die "$name: of $n pages ${got:-none} were kept"
	ticks=$(sed -n "s/^KHO-TSC $what //p" "$log")
	[ -z "${arrive-}" ] ||
		ticks=$((ticks - $(sed -n 's/^KHO-TSC load //p' "$log")))
}

# added NAME SIDE TICKS TICKS-OF-NONE: a sample of the difference, in seconds
added()
{
	sample "$1" "$2" "$(awk -v a="$3" -v b="$4" -v hz="$hz" \
		'BEGIN { printf "%.6f", (a - b) / hz }')"
}

# boots KIND N...: boots it once for each N, with N pages, and before and after that
# with nothing preserved.  Sets took[N] to the ticks of the former, and none to the mean
# of the latter two.
boots()
{
	local kind=$1 n

	shift
	took=()
	boot "$kind" 0
	none=$ticks
	for n; do
		boot "$kind" "$n"
		took[n]=$ticks
	done
	boot "$kind" 0
	none=$(((none + ticks) / 2))
}

# The rows whose baseline is mainline's boot with the same pages.
slow_rows=(stub_boot_added mainline_patched_boot_added stock_release arrive/stock arrive/stub)
# The same, but only with the sizes of run_objects.
object_rows=(arrive_objects/stock arrive_objects/stub)

# The fast boots, one after the other.
run_boot()
{
	local round kind n sizes none name names side

	prepare_boots
	for ((round = 1; round <= $(rounds 7); round++)); do
		for kind in stub patched mainline; do
			side=ours
			# With more pages, mainline takes minutes.
			sizes=(1000 10000 100000 1000000)
			case $kind in
			stub)
				names=(stub_boot_added) ;;
			patched)
				names=(mainline_patched_boot_added) ;;
			mainline)
				side=base
				sizes=(1000 10000)
				names=("${slow_rows[@]}" "${object_rows[@]}") ;;
			esac
			boots $kind "${sizes[@]}"
			for n in "${sizes[@]}"; do
				for name in "${names[@]}"; do
					added "$name/$(size "$n")" $side \
						"${took[$n]}" "$none"
				done
			done
		done
	done
}

# With 100,000 pages mainline takes minutes: two VMs run at a time, each on its own core.
one_lane()
{
	local round none name

	for ((round = 1; round <= $(rounds 3); round++)); do
		boot mainline 0
		none=$ticks
		boot mainline 100000
		for name in "${slow_rows[@]}"; do
			added "$name/100k" base "$ticks" "$none"
		done
	done
}

run_boot_100k()
{
	local lane lanes=(1 2) pids=() pid failed=''

	[ -z "$quick" ] || lanes=(1)
	prepare_boots
	for lane in "${lanes[@]}"; do
		one_lane &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	[ -z "$failed" ] || die "boots with 100,000 pages failed"
}

run_stock()
{
	local round n sizes=(1000 10000 100000 1000000) none

	prepare_boots
	for ((round = 1; round <= $(rounds 5); round++)); do
		boots stock "${sizes[@]}"
		for n in "${sizes[@]}"; do
			added "stock_release/$(size "$n")" ours "${took[$n]}" "$none"
		done
	done
}

# What the module takes to take over what arrived.
run_arrive()
{
	local round kind n arrive=1 ticks

	prepare_boots
	for ((round = 1; round <= $(rounds 5); round++)); do
		for kind in stub stock; do
			for n in 1000 10000 100000 1000000; do
				boot $kind $n
				added "arrive/$kind/$(size $n)" ours "$ticks" 0
			done
		done
	done
}

# run_objects KIND KERNEL: the same for objects of a page, after a jump
run_objects()
{
	local disk

	disk=$(payload "bench/objects-$1" "$2" "$image")
	run_vm "objects-$1" -t bench-objects -T 600 -p "$disk" \
		-a "kho.opt.rounds=$(rounds 3)" "bench/objects-$1" "$2" "$image"
	rm -f "$disk"
	awk -v kind="$1" -v hz="$hz" '
		$1 == "KHO-BENCH" { n = $2 / 1000 "k" }
		$1 == "KHO-TSC" && $2 == "load" { load = $3 }
		$1 == "KHO-TSC" && $2 == "objects" {
			print "arrive_objects/" kind "/" n, "ours", ($3 - load) / hz
		}' "$log" >>"$raw"
}

# Boots with pages once more, but exact: the clock counts instructions.
run_boot_instructions()
{
	local round kind side n none

	prepare_boots
	for ((round = 1; round <= $(rounds 5); round++)); do
		for kind in stub mainline; do
			side=ours
			[ $kind = stub ] || side=base
			boot $kind 0 -I
			none=$ticks
			for n in 1000 10000 100000 1000000; do
				if [ $kind = mainline ] && [ $n -gt 10000 ]; then
					continue
				fi
				boot $kind $n -I
				sample "instructions/stub_boot_added/$(size $n)" $side \
					$((ticks - none))
			done
		done
	done
}

# ---- All of them ----

# run PART FUNCTION [ARGUMENT...]
run()
{
	local of=$1 at=$SECONDS

	[ -n "${part[$of]-}" ] || return 0
	shift
	say "$of"
	"$@"
	say "$of took $((SECONDS - at)) s"
}

run tree run_tree
run agent run_agent
run blackout run_blackout blackout-stock "" "$stock" unchecked
run blackout run_blackout blackout-stub /stub "$stub" placed
run boot run_boot
run stock run_stock
run arrive run_arrive
run objects run_objects stub "$stub"
run objects run_objects stock "$stock"
run boot-100k run_boot_100k

# Other load does not change the number of instructions, so two VMs run at a time, each
# on its own core and with its own file of samples.
count_jumps()
{
	run blackout-instructions run_blackout blackout-icount-stock "" "$stock" '' -I
	run blackout-instructions run_blackout blackout-icount-stub /stub "$stub" '' -I
}

count_others()
{
	run instructions run_instructions
	run boot-instructions run_boot_instructions
}

# apart FUNCTION: runs it with its own file of samples
apart()
{
	local raw=$raw.$1

	: >"$raw"
	"$1"
}

pids=()
for counting in count_jumps count_others; do
	apart $counting &
	pids+=($!)
done
failed=''
for pid in "${pids[@]}"; do
	wait "$pid" || failed=1
done
[ -z "$failed" ] || die "counting instructions failed"
cat "$raw".count_jumps "$raw".count_others >>"$raw"

printf '{"seconds": %d, "quick": %s, "all": %s, "qemu": "%s", "accel": "%s", "cpu": "%s", "cores": %d, "stock": "%s", "stub": "%s", "mainline": "%s", "commit": "%s", "date": "%s"}\n' \
	$((SECONDS - begin)) "$([ -n "$quick" ] && echo true || echo false)" \
	"$([ ${#wanted[@]} -eq 0 ] && echo true || echo false)" \
	"$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')" \
	"${KHO_ACCEL:-tcg}" \
	"$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" \
	"$(nproc)" "$(kernel_release "$stock")" "$(kernel_release "$stub")" \
	"$(kernel_release "$mainline")" \
	"$(git -C "$KHO_TOP" describe --always --dirty 2>/dev/null || true)" \
	"$(date -u +%F)" >"${json%.json}-about.json"
"$report" --json "$raw" "$KHO_TOP" >"$json.new"
mv "$json.new" "$json"

# Each row that was to be measured must be there, with enough samples.
while read -r name of _; do
	for of in ${of//,/ }; do
		[ -n "${part[$of]-}" ] || continue 2
	done
	n=$(sed -n "s|.*\"name\": \"$name\",.*\"n\": \([0-9]*\)}.*|\1|p" "$json")
	[ "${n:-0}" -ge "$(rounds 5)" ] ||
		die "$name was measured ${n:-0} times, not $(rounds 5)"
done < <(grep -vE '^(#|$)' "$rows")
say "all of it took $((SECONDS - begin)) s; the results are in $json"
"$report" --text "$json" "$KHO_TOP"
"$report" --bars "$json" "$KHO_TOP"
