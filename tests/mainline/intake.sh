#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# intake.sh [KERNEL]: hands valid and invalid handovers to mainline 7.3 with our patches,
# or to the bzImage KERNEL, as 60-stub-intake.t does with the boot stub; and runs the
# KUnit tests.  It prints TAP.
#
# CASES="sound many" runs only these cases, and kunit.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/../../scripts/lib.sh"

stub=$here/../qemu/stub-intake
logs=$KHO_BUILD/logs/mainline-intake
need_packages busybox-static cpio gcc libc6-dev qemu-system-x86
kernel=${1:-$("$KHO_TOP/scripts/build-kernel.sh" mainline-7.3 patched)/bzImage}

tmp=$(mktemp -d)
pid=
# Job control gives a guest its own process group; none may outlive the test.
set -m
cleanup()
{
	[ -z "$pid" ] || kill -- "-$pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap cleanup EXIT
rm -rf "$logs"
mkdir -p "$logs"

for program in mkblob mklayout; do
	gcc -O2 -Wall -Wextra -Wno-missing-field-initializers -Werror \
		-o "$tmp/$program" "$stub/$program.c" "$stub/blob.c"
done
"$stub/run.sh" --jump "$tmp/jump.elf"
mkdir -p "$tmp/initrd.d"/{bin,dev,proc,tmp}
cp "$(command -v busybox)" "$tmp/initrd.d/bin/busybox"
cp "$stub/init" "$tmp/initrd.d/init"
chmod 755 "$tmp/initrd.d/init"
mknod "$tmp/initrd.d/dev/console" c 5 1
(cd "$tmp/initrd.d" && find . | cpio -o -H newc --quiet) | gzip -1 >"$tmp/initrd"

# What mklayout.c makes, by name: the guest's RAM, then settings.
declare -A layouts=(
	[kunit]='512M append=kunit.enable=1'
	[scattered]='1G scratch=128M append=fill fill every-second'
	[scattered-numa]='1G scratch=128M append=fill\ numa=fake=2 fill every-second'
	[mixed]='4G append=fill fill isolated=2000 blocks=3:9 pitch=600:300 blocks=1:18'
	[million]='12G scratch=512M isolated=1000k'
)

# What the kernel says, as a regular expression; nothing if it keeps all of it.
declare -A says=(
	[nothing-sent]='^$'
	[off]='^handover ignored: kho=off$'
	[kdump]='^handover ignored: this is a kdump kernel$'
	[second-node]='refused: there is more than one '
	[bad-len]='^$'
	[fdt-short]='refused: FDT is not a page of RAM '
	[fdt-long]='refused: FDT is not a page of RAM '
	[fdt-misaligned]='refused: FDT is not a page of RAM '
	[fdt-no-ram]='refused: FDT is not a page of RAM '
	[fdt-in-scratch]='refused: FDT is (invalid|in scratch) '
	[bad-magic]='refused: FDT is invalid '
	[bad-totalsize]='refused: FDT is longer than its page '
	[bad-compatible]='refused: FDT is not compatible '
	[kho-v1]='refused: FDT is not compatible '
	# These two come from a kernel with kho-v3.
	[mainline]='refused: FDT is not compatible '
	[page-on-array]='refused: FDT is not compatible '
	[no-map]='refused: no preserved memory map '
	[root-outside-ram]='refused: tree node is not RAM '
	[root-beyond]='refused: tree node is not RAM '
	[root-misaligned]='refused: tree node is not page-aligned '
	[root-in-scratch]='refused: tree node is in scratch '
	[root-is-fdt]='refused: tree node is the FDT '
	[self-loop]='refused: tree node is used twice '
	[node-twice]='refused: tree node is used twice '
	[node-is-page]='refused: tree node is a preserved page '
	[bad-order]='refused: key of an order that does not exist '
	[wide-key]='refused: tree node is for keys that do not exist '
	[beyond-key]='refused: tree node is for keys beyond the end of memory '
	[page-beyond]='refused: (page is beyond the end of memory|preserved page is not RAM) '
	[page-in-hole]='refused: preserved page is not RAM '
	[page-across-hole]='refused: preserved page is not RAM '
	[page-low]='refused: preserved page is reserved '
	[page-in-scratch]='refused: preserved page is in scratch '
	[page-in-fifth]='refused: preserved page is in scratch '
	[page-on-kernel]='refused: scratch is too small '
	[page-on-initrd]='refused: scratch is too small '
	[root-on-setup]='refused: tree node '
	[page-twice]='refused: page is preserved twice '
	[array-long]='refused: scratch array is not possible '
	[array-odd]='refused: scratch array is not possible '
	[array-no-ram]='refused: scratch array is not possible '
	[scratch-empty]='refused: scratch is too small '
	[scratch-misaligned]='refused: scratch area is not page-aligned '
	[scratch-no-ram]='refused: scratch area is not RAM '
	[scratch-wraps]='refused: scratch area is not RAM '
	[scratch-overlaps]='refused: scratch area overlaps another '
	[no-room]='refused: scratch is too small '
)

# settings NAME: prints the RAM and the settings of a layout, one in a line
settings()
{
	eval "printf '%s\n' ${layouts[$1]}" | sed '1s/^/ram=/'
}

nr=0 failed=0

# result NAME MESSAGE...: one line of TAP; the messages are what went wrong
result()
{
	local name=$1

	shift
	nr=$((nr + 1))
	if [ $# -eq 0 ]; then
		echo "ok $nr - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $nr - $name"
	printf '# %s\n' "$@"
}

trouble='BUG:|WARNING:|Oops|Call Trace|Kernel panic|cut here|early ioremap'
# The memory of a guest without a handover: after a refusal there must be as much.
plain_total=

run_case()
{
	local name=$1 bytes=512M make=mkblob what=("$1") status=0 log=$logs/$1.log
	local ram=$tmp/ram said total bad=()

	if [ -n "${layouts[$name]:-}" ]; then
		bytes=${layouts[$name]%% *} make=mklayout
		mapfile -t what < <(settings "$name")
	fi
	if [ "$make" = mkblob ]; then
		"$tmp/mkblob" write "$name" "$ram" "$kernel" "$tmp/initrd"
	else
		"$tmp/mklayout" write "$ram" "$kernel" "$tmp/initrd" "${what[@]}"
	fi
	timeout -k 5 240 "$stub/run.sh" "$tmp/jump.elf" "$ram" "$bytes" "$log" \
		>"$tmp/qemu" 2>&1 &
	pid=$!
	wait "$pid" || status=$?
	pid=
	touch "$log"
	[ "$status" = 0 ] || bad+=("qemu's status is $status: $(<"$tmp/qemu")")
	tr -d '\r' <"$log" >"$tmp/log"
	grep -qx 'guest-done' "$tmp/log" || bad+=("the guest did not boot as usual")

	said=$(sed -n 's/^.*KHO: \(handover .*\)/\1/p' "$tmp/log")
	[[ $said =~ ${says[$name]:-^$} ]] ||
		bad+=("the kernel said: $said" "wanted: ${says[$name]:-nothing}")
	[ "$(grep -c . <<<"$said")" -le 1 ] || bad+=("that is more than one line")
	! said=$(grep -m1 -E "$trouble" "$tmp/log") || bad+=("$said")

	total=$(sed -n 's/^guest-total: //p' "$tmp/log")
	if [ "$name" = nothing-sent ]; then
		plain_total=$total
	elif [[ ${says[$name]:-} = refused* && $bytes = 512M && -n $plain_total ]] &&
	     [ $((plain_total - ${total:-0})) -gt 1024 ]; then
		bad+=("refused, but $((plain_total - ${total:-0})) KiB are missing")
	fi
	if [ -z "${says[$name]:-}" ] && [ "$name" != kunit ]; then
		grep -q 'KHO: found kexec handover data' "$tmp/log" ||
			bad+=("nothing was found")
		# Mainline does not keep the nodes of the tree.
		if [ "$make" = mkblob ]; then
			[ "$name" = nothing-marked ] ||
				"$tmp/mkblob" marked "$name" "$ram" >"$tmp/check" 2>&1 ||
				bad+=("$(tr '\n' ';' <"$tmp/check")")
		elif [[ ${what[*]} =~ fill ]]; then
			"$tmp/mklayout" marked "$ram" "${what[@]}" >"$tmp/check" 2>&1 ||
				bad+=("$(tr '\n' ';' <"$tmp/check")")
		fi
		[[ ! ${what[*]} =~ fill && $make = mklayout ]] ||
			grep -q '^guest-filled' "$tmp/log" ||
			bad+=("the guest did not fill its memory")
	fi
	if [ "$name" = kunit ]; then
		sed -n 's/^.*\] \( *\(ok\|not ok\|#\) .*\)/# \1/p' "$tmp/log"
		grep -qE '^.*\] ok [0-9]+ kexec_handover$' "$tmp/log" ||
			bad+=("a KUnit test has failed, or none was run")
	fi
	rm -f "$ram"
	[ ${#bad[@]} -eq 0 ] || bad+=("console: $log")
	result "$name" "${bad[@]}"
}

if [ -n "${CASES:-}" ]; then
	read -ra cases <<<"$CASES"
else
	# With "envelopes", all scratch is reserved, and so this kernel could not boot.
	# Nobody sends that.
	mapfile -t cases < <("$tmp/mkblob" list | grep -vx envelopes)
	cases+=(kunit scattered scattered-numa mixed million)
	# nothing-sent says how much memory there is without a handover.
	cases=(nothing-sent "${cases[@]/#nothing-sent}")
fi
for name in "${cases[@]}"; do
	[ -z "$name" ] || run_case "$name"
done
echo "1..$nr"
[ "$failed" -eq 0 ]
