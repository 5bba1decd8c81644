# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# The module in use: it can't be unloaded, and agents that are killed in the
# midst of a call leave nothing half-done.
#
#	kho.opt.kills=N		how often two agents are killed, at least
#	kho.opt.mib=N		the maximum size of each of their objects
#	kho.opt.slack=KIB	how much memory may be missing after that
#	kho.opt.more=TEST	goes on with that test in the same VM: it has one
#				stage, and takes less time than a boot

stage_1()
{
	unloading
	killing
	[ -n "$(option more)" ] || return 0
	check "load" load_kho
	# shellcheck disable=SC1090  # named on the command line
	. "/guest/$(option more).sh"
	stage_1
}

unloading()
{
	check "unload while nothing is preserved" rmmod kho
	check "load" load_kho

	check "put an object" khoctl put held /bin/busybox
	refuses "unload with an object" 'busy|unavailable|in use' rmmod kho
	check "status says what holds it" \
		sh -c 'khoctl status | grep -q "held by: 1 object"'
	agent hold held >/run/holder &
	until grep -q holding /run/holder; do sleep 0.1; done
	refuses "remove what is mapped" 'busy|open|use' khoctl rm held
	kill "$!"
	wait "$!" || true
	check "remove it once nobody has it" khoctl rm held
	check "unload after that" rmmod kho
	check "load" load_kho

	check "preserve pages" agent scatter 10 1 /run/manifest
	refuses "unload with pages" 'busy|unavailable|in use' rmmod kho
	check "status says what holds it" \
		sh -c 'khoctl status | grep -q "held by: 0 objects, 10 pages"'
	check "release the pages" agent release /run/manifest
	check "unload after that" rmmod kho
	check "load" load_kho

	exec 3</dev/kho
	refuses "unload with the device open" 'busy|unavailable|in use' rmmod kho
	exec 3<&-
}

# Has an agent been killed that had an object, and one that had pages?
hit_both()
{
	grep -qv '^0 objects' /run/cleaned && grep -qv ' 0 raw' /run/cleaned
}

killing()
{
	local before after i=0 pids memory

	before=$(counters)
	memory=$(free_memory)
	: >/run/cleaned
	# As often as asked for, and on until both kinds of call have been hit: how
	# long an agent spends in each depends on the kernel.
	while [ "$i" -lt "$(option kills)" ] ||
	      { ! hit_both && [ "$i" -lt $(($(option kills) * 8)) ]; }; do
		agent hog "$((i * 2))" "$(option mib)" >/run/hog1 &
		pids=$!
		agent hog "$((i * 2 + 1))" "$(option mib)" >/run/hog2 &
		pids="$pids $!"
		until grep -q going /run/hog1 && grep -q going /run/hog2; do
			sleep 0.05
		done
		# At any point of any call.
		sleep "0.$(awk -v n="$i" 'BEGIN { srand(n); printf "%03d", rand() * 900 }')"
		# shellcheck disable=SC2086  # two numbers
		kill -9 $pids
		# shellcheck disable=SC2086
		wait $pids 2>/dev/null || true
		agent clean hog- >>/run/cleaned || fail "agent clean"
		after=$(counters)
		[ "$after" = "$before" ] || break
		i=$((i + 1))
	done
	is "counters after $i times two agents were killed" "$after" "$before"
	check "some were killed with an object, some with pages" hit_both
	after=$(await_memory $((memory - $(option slack) + 1)))
	check "free memory was $memory KiB and is $after KiB" \
		[ $((memory - after)) -lt "$(option slack)" ]
	check "unload after that" rmmod kho
}
