# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Each allocation of each command fails once; for a kernel that can do that.

stage_1()
{
	local before dir=/sys/kernel/debug

	for file in failslab/ignore-gfp-wait fail_page_alloc/ignore-gfp-wait \
		fail_page_alloc/ignore-gfp-highmem; do
		echo N >"$dir/$file"
	done
	echo 0 >"$dir/fail_page_alloc/min-order"
	# It is the module that is to say something, not the injection.
	echo 0 >"$dir/failslab/verbose"
	echo 0 >"$dir/fail_page_alloc/verbose"

	before=$(counters)
	tap fail-nth
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
}
