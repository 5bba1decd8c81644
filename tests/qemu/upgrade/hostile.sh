# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Replacing the module, and making scratch larger, on a kernel that checks itself all the
# time: by those who do it wrong, and while the machine goes down.

parameters=/sys/module/kho/parameters

# replaced DESCRIPTION: the module is, and has what there was
replaced()
{
	local before

	before=$(counters)
	check "$1: leave" upgrade leave
	check "$1: unload" rmmod kho
	check "$1: load" insmod "$here/kho.ko"
	is "$1: the counters" "$(counters)" "$before"
	check "$1: the object" sh -c 'khoctl get file - | cmp - /bin/busybox'
	check "$1: checksums" khoctl verify
}

grows()
{
	local size

	size=$(status scratch_size)
	check "scratch grows, three at once" agent scratch $((size + (8 << 20))) 3
	check "scratch grows while kernels are being loaded" agent contend 4194304 3
	note "contend: $(cat /run/out)"
}

# The next module has begun to take over, and goes on once nothing waits for it any more.
going_down()
{
	local i=0

	check "leave" upgrade leave
	check "unload" rmmod kho
	(
		insmod "$here/kho.ko" inject=taking-over inject_ms=60000 2>/dev/null &&
			not_ok "no module takes over while the machine goes down"
	) &
	until [ "$(cat $parameters/inject_held 2>/dev/null)" = 1 ]; do
		i=$((i + 1))
		[ "$i" -lt 300 ] || fail "loading the module is not held up"
		sleep 0.1
	done
	check "the machine goes down slowly" insmod "$here/kho_slow.ko" ms=12000
	(
		sleep 3
		echo none >$parameters/inject
		i=0
		until dmesg | grep -q 'be taken over: the machine is going down'; do
			i=$((i + 1))
			[ "$i" -lt 70 ] || exit 1
			sleep 0.1
		done
		ok "it does not take over what the next kernel is about to read"
	) &
	do_jump
}

stage_1()
{
	check "an object" khoctl put --seal file /bin/busybox
	check "pages by number" agent scatter 40 1 /run/manifest
	check "and their manifest" khoctl put manifest /run/manifest
	check "what the caller can't be told does not happen" upgrade blind
	check "no page that leads to what is preserved can be preserved" upgrade ours
	check "but any other page of the kernel" upgrade theirs 3000
	note "$(cat /run/out)"
	replaced "with pages of the kernel"
	check "still none" upgrade ours
	grows
	replaced "with more scratch"
	check "others use it meanwhile" upgrade race 20 "$here/kho.ko"
	note "$(cat /run/out)"
	# What they were about to remove is theirs.
	for name in $(khoctl ls --json | grep -o '"race-[0-9]"' | tr -d '"' | sort -u); do
		check "remove $name" khoctl rm "$name"
	done
	is "their objects have gone" "$(status objects)" 2
	load_next >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	going_down
}

stage_2()
{
	check "the object has arrived" sh -c 'khoctl get file - | cmp - /bin/busybox'
	check "the manifest" khoctl get manifest /run/manifest
	check "the pages" agent verify /run/manifest
	check "no page that leads to what has arrived can be preserved" upgrade ours
	replaced "what has arrived"
	check "the pages can still be opened" agent verify /run/manifest
	grows
}
