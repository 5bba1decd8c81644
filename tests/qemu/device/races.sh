# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Several at a time: with one object, or with the module.
#
#	kho.opt.held=yes	and where callers can be held up at a named place

stage_1()
{
	local before

	before=$(counters)
	tap race-test
	[ "$(option held)" != yes ] || tap race-test held
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
}
