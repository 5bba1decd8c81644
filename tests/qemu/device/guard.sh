# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# What users of /dev/kho must not get: see guard.c.  Then what a previous kernel may
# have forged.
#
#	kho.opt.jump=no		in one kernel only

# lines REGEX: counts such lines of the log, without those of the harness
lines()
{
	dmesg | grep -v kho-test: | grep -cE -- "$1" || true
}

stage_1()
{
	local before

	echo 6 >/proc/sys/vm/nr_hugepages
	is "there are huge pages" "$(cat /proc/sys/vm/nr_hugepages)" 6
	before=$(counters)
	dmesg -c >/dev/null
	tap guard names
	check "names are logged" [ "$(lines "kho: name 'a.x0a<0>forged-1")" -gt 0 ]
	is "no name begins a line" \
		"$(dmesg | grep -v kho-test: | grep forged | grep -vc "kho: name ")" 0
	is "no name gives a terminal orders" "$(lines "$(printf '[\033\233]')")" 0
	check "what is none of that is readable" \
		[ "$(lines "$(printf 'it.x27s \304\215 caf.xe9')")" -gt 0 ]
	khoctl rm "$(printf 'it'"'"'s \304\215 caf\351')"

	tap guard
	is "the counters are as before" "$(counters)" "$before"
	if [ "$(option jump)" = no ]; then
		check "the module can be unloaded" rmmod kho
		end_here
		return
	fi
	check "put an object" khoctl put object /bin/busybox
	load_next >/run/out 2>&1 || fail "khoctl load: $(cat /run/out)"
	# A release string that contains a newline and escape sequences.
	insmod "$here/kho_poke.ko" "addr=$(agent where | sed -n 's/^release=//p')" \
		value=0x0a1b5b324a9b0a41 2>/run/poke &&
		fail "kho_poke has stayed loaded"
	do_jump
}

stage_2()
{
	check "the object is there" khoctl get object /run/object
	check "the log is clean" [ "$(lines "$(printf '[\033\233]')")" -eq 0 ]
	check "it says whence it came" \
		[ "$(lines 'kho: .* arrived from A..J2\[\?\?')" -eq 1 ]
	check "and so does the query" \
		sh -c "agent status | grep -q '^previous_release=A??J2\[??'"
}
