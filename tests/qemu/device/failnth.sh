# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Each allocation, and each copy from and to user memory, of each command fails
# once; so do those of loading the module, without and with an incoming handover.  And
# agents are killed at each point of each command.  Needs a kernel with fault injection.

[ "$stage" -ne 2 ] || module=no
parameters=/sys/module/kho/parameters
every=$(option every)

let_fail()
{
	local dir=/sys/kernel/debug

	for file in failslab/ignore-gfp-wait fail_page_alloc/ignore-gfp-wait \
		fail_page_alloc/ignore-gfp-highmem; do
		echo N >"$dir/$file"
	done
	echo 0 >"$dir/fail_page_alloc/min-order"
	# The log should have the module's messages, not those of the injection.
	for file in failslab fail_page_alloc fail_usercopy; do
		echo 0 >"$dir/$file/verbose"
	done
}

# load_each PART: loads the module again and again and lets one allocation of that part
# fail: the first one, then every kho.opt.every-th, until none is left to fail and the
# module stays loaded.  An incoming handover pins the module as soon as that is taken
# over, which needs no memory: an allocation that fails after that is the last one tried.
# So does what another module has left.
load_each()
{
	local n=$((1 - every)) runs=0 failed=0 left=0

	while [ "$left" -eq 0 ] && [ "$n" -lt 300 ]; do
		n=$((n + every))
		runs=$((runs + 1))
		# Little scratch: it is set aside and given back a hundred times.
		if insmod "$here/kho.ko" "inject=$1" "inject_nth=$n" scratch_mib=32 \
				2>/run/out; then
			left=$(cat $parameters/inject_nth)
			[ "$left" -eq 0 ] || break
			# The load could do without that allocation.  With an
			# incoming handover, kho_inject_spoil() fails it then.
			rmmod kho 2>/run/out && continue
			[ "$(status arrival) $(status objects)" = "none 0" ] || left=last
			break
		else
			failed=$((failed + 1))
			grep -qi 'memory' /run/out || break
			[ ! -e /sys/module/kho ] || break
		fi
	done
	check "load, $1: $runs runs, $failed failed for want of memory" \
		[ "$left" != 0 ]
}

commands()
{
	local before

	before=$(counters)
	tap fail-nth
	is "the counters are as before" "$(counters)" "$before"
	check "the module was built for this" [ -e $parameters/inject ]
	tap kill-points
	is "the counters are as before" "$(counters)" "$before"
}

stage_1()
{
	local part

	let_fail
	# kho.opt.commands=no leaves this out, to look at the rest.
	[ "$(option commands)" = no ] || commands
	gives_back
	check "the module can be unloaded" rmmod kho
	tap fail-nth unload "$here/kho.ko"
	for part in init scratch takeover; do
		load_each "$part"
		check "unload" rmmod kho
	done
	check "load" load_kho

	check "put" khoctl put file /bin/busybox
	# The takeover makes an allocation or two for each, which can fail.
	check "scatter pages" agent scatter 40 1 /run/manifest
	check "put the manifest" khoctl put manifest /run/manifest
	replaced
	jump kho.arrival=unasked
}

# What the module has left to the next one stays complete, whatever fails there.
replaced()
{
	local before part

	before=$(counters)
	for part in init takeover; do
		check "leave" upgrade leave
		check "unload, and leave everything" rmmod kho
		load_each "$part"
		is "after that, $part: the counters" "$(counters)" "$before"
		is "after that, $part: no record is left" \
			"$(grep -c 'kho: left' /proc/iomem)" 0
	done
	check "the file is whole" sh -c 'khoctl get file - | cmp - /bin/busybox'
}

# Deferred free must not need any memory itself.
gives_back()
{
	local i=0

	check "put what is not given back at once" \
		sh -c 'head -c 8000000 /dev/zero | khoctl put file -'
	echo 0 >$parameters/inject_came
	echo 1 >$parameters/inject_nth
	echo freeing >$parameters/inject
	check "remove" khoctl rm file
	while [ "$(cat $parameters/inject_came)" -eq 0 ] && [ "$i" -lt 100 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	is "to give memory back none was needed" \
		"$(cat $parameters/inject_came) $(cat $parameters/inject_nth)" "1 1"
	echo 0 >$parameters/inject_nth
}

stage_2()
{
	let_fail
	load_each takeover
	is "it has arrived" "$(status arrival)" taken
	check "the file is whole" \
		sh -c 'khoctl get file - | cmp - /bin/busybox'
	check "get the manifest" khoctl get manifest /run/manifest
	check "the pages too" agent verify /run/manifest
	tap fail-nth arrived
}
