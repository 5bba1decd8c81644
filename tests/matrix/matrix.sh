#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# matrix.sh [OPTION]... [PAIR]...: boots pairs of kernels in QEMU.  The first of
# a pair preserves objects and scattered pages and jumps to the second, which
# has to find them with the same content.  Every pair runs twice, and KASLR has
# to put the second kernel at different addresses.
#
#	--list		prints all pairs
#	--quick		runs those of `make check`, each once
#	--passes N	how often each pair runs, by default 2
#	--jobs N	how many VMs run at a time, by default 2
#	--json FILE	the results, by default build/matrix.json
#	--add		keeps what FILE has of other pairs
#	--readme	no run: writes the table of docs/matrix.json into README.md
#
# A pair is PREDECESSOR:SUCCESSOR as --list has them, or one side with a colon
# for all of its pairs.
#
# The results are a list of objects with "predecessor", "successor", "kind",
# "abi", "result", "seconds", "commit" (what was tried) and, unless it passed, "reason".
# The result is
#
#	pass	all content is right, each time
#	refused	khoctl load refuses the pair, as it has to, for that reason
#	fail	everything else
#
# NAME-kernels.json describes each kernel, if FILE is NAME.json.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

# ---- Which pairs ----

stock=(stock-6.1 stock-6.12 stock-7.2 stock-7.3)
# As predecessors, stub kernels differ from stock ones only where another stub's kernel or
# mainline's KHO is involved, so not all of them have a row.
predecessors=("${stock[@]}" stub-5.10 stub-7.2 stub-7.3 mainline-7.3 mainline-7.3-patched)
successors=("${stock[@]}" stub-5.10 stub-6.1 stub-6.12 stub-7.2 stub-7.3 mainline-7.3
	mainline-7.3-patched)
# mainline-7.3-v3 is a mainline kernel that speaks kho-v3, mainline-7.3-patched one with
# our patches (mainline/).
more=(stock-6.1:mainline-7.3-v3 stock-7.2:mainline-7.3-v3
	mainline-7.3-v3:stub-6.1 mainline-7.3-v3:stub-6.12
	mainline-7.3-v3:mainline-7.3-v3
	mainline-7.3:mainline-7.3-v3 mainline-7.3-v3:mainline-7.3
	stock-5.10:stock-5.10 stock-5.10:stock-6.1 stock-6.1:stock-5.10
	stock-5.10:stock-6.12 stock-6.12:stock-5.10 stock-5.10:stock-7.3
	stock-7.3:stock-5.10 stock-5.10:stub-6.1 stock-5.10:stub-6.12
	stock-5.10:mainline-7.3 mainline-7.3:stock-5.10)
# Other tests run other pairs: 20-demo.t, 39-rt.t, 40-chain.t, 67-client.t.
quick=(stock-7.2:stock-6.1 mainline-7.3:stub-6.12
	mainline-7.3:stock-6.1 stock-6.1:mainline-7.3-v3)

all_pairs()
{
	local predecessor successor

	for predecessor in "${predecessors[@]}"; do
		for successor in "${successors[@]}"; do
			echo "$predecessor:$successor"
		done
	done
	printf '%s\n' "${more[@]}"
}

# must_refuse PREDECESSOR SUCCESSOR: prints a regular expression for the reason if
# khoctl load has to refuse this pair
must_refuse()
{
	case $1:$2 in
	mainline-*:stock-*)
		echo 'sends no envelopes' ;;
	mainline-7.3:mainline-7.3-v3|mainline-7.3-v3:mainline-7.3)
		echo 'speaks kho-v[34], and .* kho-v[34]' ;;
	esac
}

passes=2 jobs=2 json=$KHO_BUILD/matrix.json wanted=() add=''
while [ $# -gt 0 ]; do
	case $1 in
	--list)
		all_pairs
		exit ;;
	--quick)
		passes=1
		wanted+=("${quick[@]}") ;;
	--passes|--jobs|--json)
		[ $# -gt 1 ] || die "$1 needs a value"
		declare "${1#--}=$2"
		shift ;;
	--add)
		add=1 ;;
	--readme)
		exec "$KHO_TOP/tests/matrix/matrix-table.pl" --readme \
			"$KHO_TOP/docs/matrix.json" "$KHO_TOP/README.md" ;;
	-*)
		die "there is no option $1" ;;
	*)
		wanted+=("$1") ;;
	esac
	shift
done
[[ $passes =~ ^[1-9][0-9]?$ && $jobs =~ ^[1-9][0-9]?$ ]] ||
	die "--passes $passes and --jobs $jobs have to be numbers from 1 to 99"

pairs=()
[ ${#wanted[@]} -gt 0 ] || wanted=(:)
for want in "${wanted[@]}"; do
	found=
	while read -r pair; do
		case $want in
		:)
			;;
		*:)
			[ "${pair%:*}:" = "$want" ] || continue ;;
		:*)
			[ ":${pair#*:}" = "$want" ] || continue ;;
		*)
			[ "$pair" = "$want" ] || continue ;;
		esac
		found=1
		pairs+=("$pair")
	done < <(all_pairs)
	[ -n "$found" ] || die "there is no pair $want, see --list"
done

# as_list: lines of JSON become the elements of a list
as_list()
{
	sed -e '1s/^/[/' -e '1!s/^/ /' -e '$!s/$/,/' -e '$s/$/]/'
}

# as_lines FILE: the reverse
as_lines()
{
	sed -e 's/^[[ ]//' -e 's/[],]$//' "$1"
}

# ---- The kernels ----

work=$KHO_BUILD/qemu/matrix
rm -rf "$work"
mkdir -p "$work/results" "$work/files/data"
need_vm

# title NAME: as people call it
title()
{
	sed -E 's/^mainline/mainline-KHO/; s/-([5-7]\.)/ \1/; s/-(v3|patched)$/ \1/' <<<"$1"
}

declare -A dir=()
missing=() broken=() about=()

# one_kernel NAME: makes it available, builds the module for it, and notes the results
one_kernel()
{
	local name=$1 release headers module=builds bootable=true

	case $name in
	stock-*)
		dir[$name]=$(debian_kernel "${name#*-}") ;;
	stub-*)
		dir[$name]=$(stub_kernel base "${name#*-}") ;;
	mainline-*-v3)
		dir[$name]=$(mainline_kernel v3) ;;
	mainline-*-patched)
		dir[$name]=$(mainline_kernel patched) ;;
	mainline-*)
		dir[$name]=$(mainline_kernel base) ;;
	esac
	release=$(kernel_release "${dir[$name]}")
	headers=${dir[$name]}/headers
	[ -d "$headers" ] || headers=
	"$KHO_TOP/scripts/build-module.sh" "$release" "$headers" >/dev/null ||
		module=fails
	if [ ! -e "$(kernel_image "${dir[$name]}")" ]; then
		bootable=false
		missing+=("$name")
	fi
	about+=("$(printf '{"kernel": "%s", "release": "%s", "bootable": %s, "module": "%s"}' \
		"$(title "$name")" "$release" "$bootable" "$module")")
	say "$(title "$name"): $release, the module $module"
	[ "$module" = builds ] || broken+=("$name")
}

for name in $(printf '%s\n' "${pairs[@]}" | tr : '\n' | awk '!seen[$0]++'); do
	one_kernel "$name"
done
mkdir -p "${json%/*}"
if [ -n "$add" ] && [ -e "${json%.json}-kernels.json" ]; then
	mapfile -t -O ${#about[@]} about < <(as_lines "${json%.json}-kernels.json" |
		grep -vF -f <(for name in "${!dir[@]}"; do
			printf '"kernel": "%s"\n' "$(title "$name")"
		done))
fi
printf '%s\n' "${about[@]}" | as_list >"${json%.json}-kernels.json"

# Leave out pairs with a kernel that can't be booted.
bootable=()
for pair in "${pairs[@]}"; do
	for name in "${missing[@]}"; do
		case $pair in
		"$name":*|*:"$name")
			continue 2 ;;
		esac
	done
	bootable+=("$pair")
done
for name in "${missing[@]}"; do
	say "$(title "$name") has no bootable image: build only"
done
[ ${#broken[@]} -eq 0 ] || die "the module does not build for ${broken[*]}"

say "an initramfs for all of them"
declare -A dirs=()
for name in "${!dir[@]}"; do
	[[ " ${missing[*]} " == *" $name "* ]] ||
		dirs[$(kernel_release "${dir[$name]}")]=${dir[$name]}
done
mapfile -t sorted < <(printf '%s\n' "${dirs[@]}" | sort)
image=$(initramfs "${sorted[@]}")

# ---- Data: real content of several sizes, and its checksums ----

content $((46 * 1024 * 1024)) >"$work/content"
at=0
for size in 1 4096 65537 $((5 * 1024 * 1024 + 3)) $((40 * 1024 * 1024)); do
	tail -c "+$((at + 1))" "$work/content" |
		{ head -c "$size"; cat >/dev/null; } \
		>"$work/files/data/object-$size"
	[ "$(stat -c %s "$work/files/data/object-$size")" -eq "$size" ] ||
		die "this machine has less than $((at + size)) bytes in /usr"
	at=$((at + size))
done
rm "$work/content"
(cd "$work/files/data" && sha256sum -- *) >"$work/sums"

declare -A disk=()
for pair in "${bootable[@]}"; do
	name=${pair#*:}
	[ -n "${disk[$name]-}" ] || disk[$name]=$(payload "matrix/to-$name" \
		"${dir[$name]}" "$image" "$work/files")
done

# ---- One pair ----

pages=500

noted()
{
	sed -n "s/^KHO-NOTE $1 //p" "$log"
}

# judge_pass PREDECESSOR SUCCESSOR STATUS: prints why a run has not passed, if so
judge_pass()
{
	local refusal sum file got stages

	refusal=$(must_refuse "$1" "$2")
	[ "$3" -eq 0 ] || {
		cat "${log%/*}/outcome"
		return
	}
	got=$(noted refused)
	if [ -n "$refusal" ]; then
		if [ -z "$got" ]; then
			echo "fail: khoctl load should have refused this"
		elif ! grep -qE -- "$refusal" <<<"$got"; then
			echo "fail: refused for another reason: $got"
		else
			echo "refused: $got"
		fi
		return
	fi
	[ -z "$got" ] || {
		echo "fail: khoctl load refused it: $got"
		return
	}
	stages=$(sed -n 's/^KHO-STAGE //p' "$log" | tr '\n' ';')
	[ "$stages" = "1 $(kernel_release "${dir[$1]}");2 $(kernel_release "${dir[$2]}");" ] || {
		echo "fail: the stages were $stages"
		return
	}
	[ "$(noted kind)" = "$(kernel_kind "${dir[$2]}")" ] || {
		echo "fail: what arrived is of the kind $(noted kind)"
		return
	}
	[ "$(noted 'pages')" = "$pages" ] || {
		echo "fail: $(noted 'pages') of $pages pages were compared"
		return
	}
	while read -r sum file; do
		got=$(noted "sha256 $file")
		[ "$got" = "$sum" ] || {
			echo "fail: $file has the sha256 ${got:-missing}, not $sum"
			return
		}
	done <"$work/sums"
}

# run_pair NUMBER PREDECESSOR SUCCESSOR: leaves its line in results/NUMBER
run_pair()
{
	local number=$1 from=$2 to=$3 begin=$SECONDS pass options what='' log
	local result=pass reason='' places=() abi=''

	for ((pass = 1; pass <= passes; pass++)); do
		log=$KHO_BUILD/qemu/matrix/$from-$to-$pass/verdict.log
		options="$(kernel_append "${dir[$from]}") kho.opt.pages=$pages"
		# From mainline, every second pass loads by kexec -s instead of khoctl.
		[[ $from != mainline-* || $((pass % 2)) -ne 0 ||
		   -n $(must_refuse "$from" "$to") ]] ||
			options+=" kho.opt.by=kexec"
		[[ $to != *-v3 || $from == mainline-* ]] ||
			options+=" kho.opt.abi=3"
		local status=0
		"$KHO_QEMU/lib/vm.sh" -1 -t matrix -T 180 -p "${disk[$to]}" -a "$options" \
			"matrix/$from-$to-$pass" "${dir[$from]}" "$image" \
			>/dev/null 2>&1 || status=$?
		abi=$(noted abi)
		what=$(judge_pass "$from" "$to" "$status")
		if [ -n "$what" ]; then
			result=${what%%:*} reason=${what#*: }
			[ "$result" != lost ] || result=fail reason=$what
			break
		fi
		places+=("$(noted 'place 2')")
	done
	if [ "$result" = pass ] && [ "$passes" -gt 1 ] &&
	   [ "$(printf '%s\n' "${places[@]}" | sort -u | wc -l)" -eq 1 ]; then
		result=fail reason="the kernel always was at ${places[0]}"
	fi
	reason=${reason//[[:cntrl:]\"\\]/}

	printf '{"predecessor": "%s", "successor": "%s", "kind": "%s", "abi": %s, "result": "%s", "seconds": %d%s%s}\n' \
		"$(title "$from")" "$(title "$to")" \
		"$(kernel_kind "${dir[$to]}")" "${abi:-null}" "$result" \
		$((SECONDS - begin)) "${commit:+, \"commit\": \"$commit\"}" \
		"${reason:+, \"reason\": \"$reason\"}" \
		>"$work/results/.$number"
	mv "$work/results/.$number" "$work/results/$number"
	say "$(printf '%-8s %-22s -> %-22s %3d s%s' "$result" \
		"$(title "$from")" "$(title "$to")" $((SECONDS - begin)) \
		"${reason:+: $reason}")"
	[ ${#places[@]} -eq 0 ] ||
		say "    the successor's code was at: ${places[*]}"
}

# result_of PAIR: prints its line of $json, if there is one
result_of()
{
	as_lines "$json" | grep -F \
		"{\"predecessor\": \"$(title "${1%:*}")\", \"successor\": \"$(title "${1#*:}")\","
}

# keep_others: takes over what $json has of pairs that are not run
keep_others()
{
	local pair line

	number=100
	while read -r pair; do
		number=$((number + 1))
		[[ " ${bootable[*]} " != *" $pair "* ]] || continue
		line=$(result_of "$pair") || continue
		printf '%s\n' "$line" >"$work/results/$number"
	done < <(all_pairs)
}

# Writes the results so far.
write_json()
{
	find "$work/results" -name '[0-9]*' | sort | xargs -r cat | as_list \
		>"$json.new"
	[ -s "$json.new" ] || echo '[]' >"$json.new"
	mv "$json.new" "$json"
}

# ---- All of them ----

# Job control gives each run a process group, so that none outlives us.
set -m
running=()
stop()
{
	local pid

	trap '' INT TERM
	for pid in "${running[@]}"; do
		kill -- "-$pid" 2>/dev/null || true
	done
	write_json
	say "stopped: $json has what was run before"
	exit 130
}
trap stop INT TERM

commit=$(git -C "$KHO_TOP" rev-parse --short HEAD 2>/dev/null) || commit=''
mapfile -t every < <(all_pairs)
[ -z "$add" ] || [ ! -e "$json" ] || keep_others
write_json
for pair in "${bootable[@]}"; do
	while mapfile -t running < <(jobs -pr); [ ${#running[@]} -ge "$jobs" ]; do
		# A trapped signal interrupts wait, so that stop() runs at once.
		wait -n "${running[@]}" || true
		write_json
	done
	for ((number = 0; number < ${#every[@]}; number++)); do
		[ "${every[number]}" != "$pair" ] || break
	done
	run_pair "$((101 + number))" "${pair%:*}" "${pair#*:}" &
	mapfile -t running < <(jobs -pr)
done
while mapfile -t running < <(jobs -pr); [ ${#running[@]} -gt 0 ]; do
	wait -n "${running[@]}" || true
	write_json
done
write_json
for name in "${!disk[@]}"; do
	rm -f "${disk[$name]}"
done

"$KHO_TOP/tests/matrix/matrix-table.pl" --text "$json"
for pair in "${bootable[@]}"; do
	result_of "$pair" >/dev/null || die "$pair was not run"
done
! grep -q '"result": "fail"' "$json"
