# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Bad input for all that /dev/kho offers.  kho.opt.wide=no on a kernel that runs
# no 32-bit programs.

stage_1()
{
	local before log

	before=$(counters)
	dmesg -c >/dev/null
	tap ioctl-test
	is "the counters are as before" "$(counters)" "$before"
	# Errors are logged, one line each if they aren't too many.
	# Clocks and random numbers come when they come.
	log=$(dmesg | grep -vE 'kho-test:| kho: |callbacks suppressed|hrtimer: interrupt took|random: crng init done| tsc: | clocksource: ' || true)
	is "the log has nothing but lines of the module" "$log" ''
	check "the log has lines of the module" sh -c 'dmesg | grep -q " kho: "'
	[ "$(option wide)" = no ] || tap ioctl-test32
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
}
