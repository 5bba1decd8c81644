# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Several callers at a time, with one object or with the module.
#
#	kho.opt.held=yes	also with callers that are held up at named places

stage_1()
{
	local before

	before=$(counters)
	tap race-test
	[ "$(option held)" != yes ] || tap race-test held
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
}
