# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# The fuzzer, through any number of handovers, most of which interrupt its calls.  It
# keeps its state on a slate, memory of the host's: see progs/fuzz/fuzz.h.
#
#	kho.opt.jumps=N		how many
#	kho.opt.calls=N		in each kernel
#	kho.opt.kernels=A,B...	names of the next kernels, which come in turn
#	kho.opt.kcsan=yes	the kernel looks for data races

jumps=$(option jumps)
calls=$(option calls)
next=$(option kernels | tr , ' ' |
	awk -v n="$stage" '{ print $((n - 1) % NF + 1) }')

fuzz()
{
	kho-fuzz "$@" >/run/out 2>&1 && return
	not_ok "kho-fuzz $*" /run/out
	exit 1
}

# KCSAN holds up one of so many accesses and looks for another one meanwhile.  With its
# default of 4000, it would not see much in hours.
look_for_races()
{
	[ "$(option kcsan)" = yes ] || return 0
	echo 200 >/sys/module/kcsan/parameters/skip_watch
	echo on >/sys/kernel/debug/kcsan
}

# Has KCSAN held up enough accesses?
have_looked()
{
	local n

	[ "$(option kcsan)" = yes ] || return 0
	n=$(sed -n 's/^setup_watchpoints: *//p' /sys/kernel/debug/kcsan)
	tell "KHO-NOTE kcsan: $(tr '\n' ' ' </sys/kernel/debug/kcsan)"
	check "KCSAN has held up accesses, and many" test "${n:-0}" -gt 10000
}

run()
{
	local how=loud

	# The fuzzer relies on page numbers, so locked pages must not be moved.
	echo 0 >/proc/sys/vm/compact_unevictable_allowed
	look_for_races
	[ "$stage" -eq 1 ] || fuzz arrive
	echo 24 >/proc/sys/vm/nr_hugepages
	if [ "$generation" -ge "$jumps" ]; then
		fuzz run "$calls" last
		have_looked
		is "nothing is left" "$(status objects) $(status raw_pages) $(status arrived_pages)" \
			"0 0 0"
		return
	fi
	[ $((stage % 3)) -ne 0 ] || how=quiet
	load_next >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	log "jumping from stage $stage, $how"
	tell "KHO-JUMP $stage $how"
	fuzz run "$calls" "$how"
}

eval "stage_$stage() { run; }"
