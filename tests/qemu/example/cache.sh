# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# The example agent, examples/kvcache.c: cold in the first kernel, and warm in the
# second.  The host judges what it says.

cache=kvcache-1

# run_cache SECONDS: runs it for so long, and then tells it to stop
run_cache()
{
	kvcache >/run/cache 2>&1 &
	until [ "$(grep -c '^second' /run/cache)" -ge "$1" ]; do
		kill -0 "$!" 2>/dev/null || fail "kvcache: $(cat /run/cache)"
		sleep 0.2
	done
	kill "$!"
	wait "$!" || fail "kvcache: status $?: $(cat /run/cache)"
	sed "s/^/KHO-NOTE cache $stage: /" /run/cache >/dev/ttyS1
	ok "kvcache runs, and stops when it is told to"
}

stage_1()
{
	# A cold cache becomes a warm one.
	run_cache 10
	khoctl ls --json >/run/ls
	is "the cache is there, and closed" \
		"$(grep -c "\"$cache\"" /run/ls) $(grep -c '"busy": *false' /run/ls)" \
		"1 1"
	jump
}

stage_2()
{
	run_cache 2
	check "remove the cache" khoctl rm "$cache"
	is "nothing is left" "$(status objects) $(status object_pages)" "0 0"
}
