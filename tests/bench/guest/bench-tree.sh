# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# How long it takes to mark pages, in a kernel with in-kernel KHO.
#
#	kho.opt.rounds=N	how often
#	kho.opt.threads=N	0: does not measure two threads
#	kho.opt.pages=N		how many, by default 2^20 and then fewer

module=no
payload=no

# measure PREFIX PARAMETER...: sends the results to the host, all at once as they are many
measure()
{
	local prefix="$1"

	shift
	dmesg -c >/run/before
	check "$*" insmod "$here/kho_bench_tree.ko" rounds="$(option rounds)" "$@"
	dmesg | sed -n "s/^.*kho_bench: \([a-z].*\)\$/KHO-MARK $prefix\1/p" \
		>/run/marks
	is "it came to its end" "$(grep -c "^KHO-MARK ${prefix}done" /run/marks)" 1
	cat /run/marks >/dev/ttyS1
	rmmod kho_bench_tree
}

stage_1()
{
	local pages

	pages=$(option pages)
	if [ -n "$pages" ]; then
		measure '' pages="$pages" threads="$(option threads)"
		return
	fi
	measure '' pages=1048576 threads="$(option threads)"
	for pages in 1000 10000 100000; do
		measure "$pages " pages="$pages" brief=1
	done
}
