# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# The first kernel was booted with a pool of huge pages, all of which are preserved, and
# its command line would do for the next one, but for that pool: the next kernel takes as
# much again, of what is left, before it starts any process.
#
#	kho.opt.how=leave	that option is left out, as khoctl says
#	kho.opt.how=force	it is not, by --force

module_params=scratch_mib=128

sum()
{
	khoctl get pool - | md5sum | cut -c 1-32
}

stage_1()
{
	local kernel=/run/payload/successor/bzImage

	is "the pool" "$(cat /proc/sys/vm/nr_hugepages)" 300
	tap place pool pool 300
	[ "$(option how)" = leave ] || {
		load_options=--force
		jump
	}

	note "sum $(sum)"
	refuses "load says what takes too much" \
		'boot needs about [0-9.]+ MiB, and there are [0-9.]+ MiB .*hugepages=300 of 2 MiB 600 MiB' \
		load_next
	diag /run/out
	refuses "also if the command line is reused" 'hugepages=300 of 2 MiB 600 MiB' \
		khoctl load "$kernel" --initrd "$initrd" --reuse-cmdline
	is "nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0
	refuses "check says the same" 'FAIL  RAM .*hugepages=300 of 2 MiB 600 MiB' \
		khoctl check --target "$kernel" --initrd "$initrd" --reuse-cmdline
	grep -A 1 'FAIL  RAM' /run/out >/run/said
	check "and what to do" grep 'hugepages=300' /run/said
	diag /run/said
	words=$(echo "$words" | sed 's/ hugepages=300//')
	jump
}

stage_2()
{
	is "no pool" "$(cat /proc/sys/vm/nr_hugepages)" 0
	note "got $(sum)"
}
