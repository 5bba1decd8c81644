# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# What the module takes to take over many objects.  The stages hand over 1,000 objects
# and 10,000 in turns; the next kernel's first process loads the module, and the host is
# told when it began and when it ended.
#
#	kho.opt.rounds=N	how often, of each

sizes="1000 10000"

# size_of STAGE: prints how many objects that stage hands over
size_of()
{
	# shellcheck disable=SC2086 # they are words
	set -- $sizes $(($1 % 2))
	[ "$3" -eq 1 ] || shift
	echo "$1"
}

run()
{
	local n

	if [ "$stage" -gt 1 ]; then
		check "all objects are there" bench remove "$(size_of $((stage - 1)))"
	fi
	if [ "$stage" -gt $((2 * $(option rounds))) ]; then
		end_here
		return
	fi
	[ "$(status release)" = none ] || await_release
	n=$(size_of "$stage")
	check "$n objects" bench objects "$n"
	load_next rdinit=/bin/bench bench=objects >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	bench jump "$n"
	fail "the jump failed"
}

eval "stage_$stage() { run; }"
