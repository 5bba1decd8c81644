#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hands the boot stub one valid or invalid handover after the other, without
# any kexec: mkblob.c writes what a previous kernel would have left into a file
# that is the guest's RAM, and reads the same file when the guest is gone.
#
# CASES="sound many" runs only these cases.  JOBS is the number of guests at a time.
# KHO_STUB is the series of the kernel, by default 6.1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../scripts/lib.sh"

jobs=${JOBS:-2}
logs=$KHO_BUILD/logs/stub-intake
need_packages busybox-static cpio gcc libc6-dev qemu-system-x86
kernel=$("$KHO_TOP/scripts/build-kernel.sh" "stub-${KHO_STUB:-6.1}")

tmp=$(mktemp -d)
pids=()
# Job control gives each guest a process group; none may outlive the test.
set -m
cleanup()
{
	local pid

	for pid in "${pids[@]}"; do
		kill -- "-$pid" 2>/dev/null || :
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
rm -rf "$logs"
mkdir -p "$logs"

# ---- What the guests are made of ----

for program in mkblob mklayout; do
	gcc -O2 -Wall -Wextra -Wno-missing-field-initializers -Werror \
		-o "$tmp/$program" "$here/$program.c" \
		"$here/blob.c"
done
"$here/run.sh" --jump "$tmp/jump.elf"

mkdir -p "$tmp/initrd.d"/{bin,dev,proc,tmp}
cp "$(command -v busybox)" "$tmp/initrd.d/bin/busybox"
cp "$here/init" "$tmp/initrd.d/init"
chmod 755 "$tmp/initrd.d/init"
mknod "$tmp/initrd.d/dev/console" c 5 1
(cd "$tmp/initrd.d" && find . | cpio -o -H newc --quiet) | gzip -1 >"$tmp/initrd"

# What mklayout.c makes, by name: the guest's RAM, then settings.  With "fill"
# each kept page is compared afterwards, as with all cases of mkblob.c.
declare -A layouts=(
	[scattered]='1G scratch=128M append=fill fill every-second'
	[scattered-numa]='1G scratch=128M append=fill\ numa=fake=2 fill every-second'
	[mixed]='4G append=fill fill isolated=2000 blocks=3:9 pitch=600:300 blocks=1:18'
	[million]='12G scratch=512M isolated=1000k'
	[contiguous]='44G scratch=1G contiguous=10M'
	[every-second]='12G scratch=512M every-second'
)

# settings NAME: prints the RAM and the settings of a layout, one in a line
settings()
{
	eval "printf '%s\n' ${layouts[$1]}" | sed '1s/^/ram=/'
}

# boot GUEST: runs a guest from start to end, with its console in the log.  A guest is
# named after its case, with a dot and a number if the case comes again.
boot()
{
	local id=$1 name=${1%.*} ram=$tmp/$1.ram status=0 bytes=512M make=mkblob
	local what=("$name")

	if [ -n "${layouts[$name]:-}" ]; then
		bytes=${layouts[$name]%% *}
		make=mklayout
		mapfile -t what < <(settings "$name")
		"$tmp/mklayout" write "$ram" "$kernel/bzImage" "$tmp/initrd" \
			"${what[@]}"
	else
		"$tmp/mkblob" write "$name" "$ram" "$kernel/bzImage" "$tmp/initrd"
	fi
	timeout -k 5 150 "$here/run.sh" "$tmp/jump.elf" "$ram" "$bytes" \
		"$logs/$id.log" >"$tmp/$id.qemu" 2>&1 || status=$?
	echo "$status" >"$tmp/$id.status"
	if [ "$make" = mkblob ]; then
		"$tmp/mkblob" check "$name" "$ram" >"$tmp/$id.check" 2>&1 ||
			echo changed >"$tmp/$id.changed"
	else
		"$tmp/mklayout" check "$ram" "${what[@]}" >"$tmp/$id.check" 2>&1 ||
			echo changed >"$tmp/$id.changed"
	fi
	rm -f "$ram"
}

# ---- Verdicts ----

nr=0
failed=0

# result NAME MESSAGE...: one line of TAP; the messages are what went wrong.
result()
{
	local name=$1 line

	shift
	nr=$((nr + 1))
	if [ $# -eq 0 ]; then
		echo "ok $nr - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $nr - $name"
	for line; do
		echo "# $line"
	done
}

# in_log GUEST KEY: prints the values that the guest's init printed.
in_log()
{
	tr -d '\r' <"$logs/$1.log" | sed -n "s/^guest-$2: //p"
}

# What no console may have.
trouble='BUG:|WARNING:|Oops|Call Trace|Kernel panic|cut here|early ioremap'
# The memory of a guest without a handover: after a refusal there must be as much.
plain_total=
places=()

judge()
{
	local id=$1 name=${1%.*} log=$logs/$1.log kept expect said late total place scratch
	local extents nodes bad=() what=()

	if [ -n "${layouts[$name]:-}" ]; then
		mapfile -t what < <(settings "$name")
		kept=kept
		expect=$("$tmp/mklayout" show "${what[@]}")
	else
		{ read -r kept; read -r expect; } < <("$tmp/mkblob" show "$name")
	fi
	touch "$log"

	[ "$(<"$tmp/$id.status")" = 0 ] ||
		bad+=("qemu's status is $(<"$tmp/$id.status"): $(<"$tmp/$id.qemu")")
	tr -d '\r' <"$log" | grep -qx 'guest-done' ||
		bad+=("the guest did not boot as usual")
	said=$(in_log "$id" kho)
	# With many extents, what lies between them is reserved as well, for a while.
	late=$(grep '^gave back' <<<"$said" || :)
	said=$(grep -v '^gave back' <<<"$said" || :)
	[ "$(grep -c . <<<"$said")" = 1 ] ||
		bad+=("the stub did not log exactly one line")
	if [[ $said =~ ^kept.*\ in\ ([0-9]+)\ extents,\ ([0-9]+)\ tree ]]; then
		extents=${BASH_REMATCH[1]} nodes=${BASH_REMATCH[2]}
		[ "$extents" -le 512 ] ||
			grep -qE '^gave back [1-9][0-9]* pages \([0-9]+ MiB\) in between, [0-9]+ us$' \
				<<<"$late" || bad+=("the rest was not given back: $late")
		[ $((extents + nodes)) -gt 512 ] || [ -z "$late" ] ||
			bad+=("nothing was to be given back: $late")
	fi
	grep -qE -- "$expect" <<<"$said" ||
		bad+=("the stub said: $said" "wanted: $expect")
	! said=$(grep -m1 -E "$trouble" "$log") || bad+=("$said")

	total=$(in_log "$id" total)
	if [ "$name" = nothing-sent ]; then
		plain_total=$total
	elif [ "$kept" = refused ] && [ -n "$plain_total" ] &&
	     [ $((plain_total - ${total:-0})) -gt 1024 ]; then
		bad+=("refused, but $((plain_total - ${total:-0})) KiB are missing")
	fi

	if [ "$name" = off ]; then
		grep -q '^guest-filled' "$log" && [ -e "$tmp/$id.changed" ] ||
			bad+=("turned off, but nothing was overwritten")
	fi

	# Only what was kept and the stub's array may be missing.
	if [ "$name" = many ] && [ -n "$plain_total" ]; then
		total=$((plain_total - ${total:-0} - (5000 + nodes) * 4))
		[ "$total" -ge -256 ] && [ "$total" -le 256 ] ||
			bad+=("$total KiB were not given back")
	fi

	place=$(in_log "$id" kernel)
	scratch=$((64 << 20))
	if [[ ${what[*]} =~ scratch=([0-9]+)([MG]) ]]; then
		scratch=$((BASH_REMATCH[1] << 20))
		[ "${BASH_REMATCH[2]}" = M ] || scratch=$((scratch << 10))
	fi
	if [ "$kept" = kept ]; then
		[[ ${what[*]} =~ ram= && ! ${what[*]} =~ fill ]] ||
			grep -q '^guest-filled' "$log" ||
			bad+=("the guest did not fill its memory")
		[ ! -e "$tmp/$id.changed" ] ||
			bad+=("$(tr '\n' ';' <"$tmp/$id.check")")
		[ $((${place:-0})) -ge $((0x10000000)) ] &&
			[ $((${place:-0})) -lt $((0x10000000 + scratch)) ] ||
			bad+=("the kernel is at ${place:-?}, outside scratch")
		places+=("$place")
	fi
	[ ${#bad[@]} -eq 0 ] || bad+=("console: $log")
	result "$id" "${bad[@]}"
}

# ---- All of them ----

if [ -n "${CASES:-}" ]; then
	read -ra guests <<<"$CASES"
else
	mapfile -t guests < <("$tmp/mkblob" list)
	# KASLR is random, so place some more kernels.
	guests+=(sound.2 sound.3 sound.4 sound.5)
	guests+=(scattered scattered-numa mixed million contiguous every-second)
fi

for ((i = 0; i < ${#guests[@]}; i += jobs)); do
	batch=("${guests[@]:i:jobs}")
	pids=()
	for id in "${batch[@]}"; do
		boot "$id" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || echo "# a guest could not be started"
	done
	pids=()
	for id in "${batch[@]}"; do
		judge "$id"
	done
done

if [ -z "${CASES:-}" ]; then
	if [ "$(printf '%s\n' "${places[@]}" | sort -u | wc -l)" -gt 1 ]; then
		result "KASLR is on"
	else
		result "KASLR is on" "the kernel always was at ${places[*]}"
	fi
fi
echo "1..$nr"
[ "$failed" -eq 0 ]
