# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Agents' own memory: all that can be done with it in one kernel, and what is left of it
# in the next kernels.
#
#	kho.opt.lean=yes	in one kernel only, and without the tests of what this
#				kernel lacks

[ "$stage" -ne 3 ] || module_params=max_idle=2

stage_1()
{
	local before

	echo 6 >/proc/sys/vm/nr_hugepages
	is "there are huge pages" "$(cat /proc/sys/vm/nr_hugepages)" 6
	before=$(counters)
	dmesg -c >/dev/null
	if [ "$(option lean)" = yes ]; then
		tap memory-test
		is "the counters are as before" "$(counters)" "$before"
		check "the module can be unloaded" rmmod kho
		end_here
		return
	fi
	tap memory-test full
	is "the counters are as before" "$(counters)" "$before"
	tap memory-test32 full
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
	check "and loaded again" load_kho

	is "nothing is dropped by age, unless it is asked for" \
		"$(cat /sys/module/kho/parameters/max_idle)" 0
	tap memory leave
	memory hold >/run/holder 2>&1 &
	until grep -q holding /run/holder; do
		kill -0 "$!" 2>/dev/null || fail "memory hold: $(cat /run/holder)"
		sleep 0.1
	done
	# The next kernel has no second node.
	jump numa=fake=1 "kho.opt.from=$(uname -r)"
}

stage_2()
{
	is "there is one node" "$(echo /sys/devices/system/node/node[0-9]*)" \
		/sys/devices/system/node/node0
	tap memory arrived "$(option from)"
	jump
}

stage_3()
{
	local limit

	tap memory aged
	is "nothing is left" "$(status objects) $(status object_pages) $(status arrived_objects)" \
		"0 0 0"
	check "max_idle can be changed" \
		sh -c 'echo 0 >/sys/module/kho/parameters/max_idle'
	is "so it is" "$(cat /sys/module/kho/parameters/max_idle)" 0
	check "preserve a page above 1152 MiB" memory high 1152

	# A kernel with less memory: khoctl warns of it.  Where its memory can't end
	# depends on where the envelopes are.  The limits are whole sections: with
	# faked nodes, 6.1 oopses at others by itself.
	refuses "load with less memory" 'would be lost|would not boot' \
		load_next mem=1152M kho.arrival=refused
	load_options=--force
	for limit in 1152 1024 896; do
		! load_next "mem=${limit}M" kho.arrival=refused \
			>/run/out 2>&1 || break
	done
	is "it is loaded by force" "$(cat /sys/kernel/kexec_loaded)" 1
	is "with a warning" "$(grep -c 'would be lost$' /run/out)" 1
	do_jump
}

stage_4()
{
	dmesg | grep -v kho-test: | grep 'handover refused' >/run/refused || true
	is "one line says that it is refused" "$(wc -l </run/refused)" 1
	check "and that memory is missing" \
		grep -q 'an envelope reaches to the end of memory, or beyond' /run/refused
	check "status says why" sh -c 'khoctl status | grep -q "REFUSED: ."'
	is "nothing has arrived" "$(status objects) $(status arrived_pages)" "0 0"
}
