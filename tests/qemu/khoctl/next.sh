# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# The kernel that is loaded, and the sizes of the one that gets the handover.

module_params=scratch_mib=160

# As systemd does, before the module is loaded; the second one is the administrator's.
mkdir -p /dev/shm /srv
mount -t tmpfs -o size=50%,nosuid,noexec tmpfs /dev/shm
mount -t tmpfs -o size=50% tmpfs /srv

sizes="kernel/threads-max fs/inotify/max_user_watches fs/epoll/max_user_watches fs/file-max
	net/ipv4/tcp_mem net/ipv4/udp_mem net/ipv4/tcp_rmem net/ipv4/tcp_wmem
	vm/min_free_kbytes vm/user_reserve_kbytes user/max_user_namespaces"

# The first number of each, its name before it, and the size of /dev/shm in KiB
values()
{
	local name

	for name in $sizes; do
		[ ! -e "/proc/sys/$name" ] ||
			echo "$name $(awk '{ print $NF }' "/proc/sys/$name")"
	done
	echo "limit $(awk '/^Max processes/ { print $3 }' /proc/1/limits)"
	echo "shm $(df -k /dev/shm | awk 'END { print $2 }')"
}

# plainly: loads the next kernel as another program would
plainly()
{
	kexec -c -l "$(next_kernel)" --initrd="$initrd" --append="$(next_cmdline "$@")" \
		>/run/out 2>&1 || fail "kexec -l: $(cat /run/out)"
}

# next_is WORD EXIT: what status and check say of the kernel that is loaded
next_is()
{
	local status=0

	khoctl status --json >/run/out || status=$?
	is "status exits $2" "$status" "$2"
	is "the next kernel is $1" "$(sed -n 's/.*"next_kernel": "\(.*\)".*/\1/p' /run/out)" "$1"
	status=0
	khoctl status --quiet >/run/quiet 2>&1 || status=$?
	is "status --quiet exits $2 and says nothing" "$status $(cat /run/quiet)" "$2 "
	status=0
	khoctl check >/run/out || status=$?
	[ "$status" -eq "$2" ] || diag /run/out
	is "check exits $2" "$status" "$2"
}

stage_1()
{
	next_is none 0
	check "load" load_next
	khoctl status | grep '^next' >/run/out
	diag /run/out
	next_is ours 0

	# Nothing is lost yet.
	rmmod kho
	load_kho
	next_is stale 0
	values >/run/values
	check "put the sizes of a cold boot" khoctl put values /run/values
	next_is stale 3
	plainly
	next_is other 3
	check "load" load_next
	next_is ours 0
	plainly
	next_is other 3
	check "load" load_next
	# The memory of the image is free, and the next one may get it.
	kexec -c -u
	next_is none 0
	plainly
	next_is other 3
	check "load" load_next
	next_is ours 0
	check "unload" khoctl unload
	next_is none 0

	# With that in the next kernel's way, it sizes everything small.
	dd if=/dev/zero of=/run/zeros bs=1M seek=600 count=0 2>/dev/null
	check "put large" khoctl put large /run/zeros
	jump
}

# near NAME NOW COLD: within a tenth of what it is after a cold boot
near()
{
	is "$1: $2, after a cold boot $3" \
		"$(($2 * 10 >= $3 * 9 && $2 * 10 <= $3 * 11))" 1
}

stage_2()
{
	local name value

	await_release
	khoctl get values /run/cold
	values >/run/small
	diag /run/small
	check "status names what is small" sh -c \
		'khoctl status | grep -A 1 "^sized .* at boot, of .*khoctl settle raises" |
			grep -q "/dev/shm.*kernel.threads-max.*fs.epoll"'
	check "and hash tables" sh -c 'khoctl status | grep -q "hash tables stay small"'
	diag /run/out
	# Far from what the kernel computes, or it would be taken for that.
	echo 12345 >/proc/sys/fs/file-max
	mount -o remount,size=7m /srv
	check "a dry run" khoctl settle --dry-run
	diag /run/out
	is "changes nothing" "$(values | grep -v file-max)" "$(grep -v file-max /run/small)"
	check "settle" khoctl settle
	diag /run/out
	values >/run/settled
	while read -r name value; do
		[ "$name" = fs/file-max ] ||
			near "$name" "$(sed -n "s#^$name ##p" /run/settled)" "$value"
	done </run/cold
	is "what somebody has set stays" "$(cat /proc/sys/fs/file-max)" 12345
	is "likewise a file system" "$(df -k /srv | awk 'END { print $2 }')" 7168
	check "other options stay" grep -q '/dev/shm tmpfs rw,nosuid,noexec' /proc/mounts
	check "settle again" khoctl settle
	is "changes nothing" "$(values)" "$(cat /run/settled)"
	check "status says so" sh -c 'khoctl status | grep -q "^sized .*: settled"'

	# A jump that is not ours loses it.
	check "remove it" khoctl rm large
	plainly kho.arrival=none
	do_jump
}

stage_3()
{
	echo x | khoctl put lost
	# The console tells of what other modules have preserved as well.
	check "another module preserves memory" insmod "$here/kho_client.ko" pages=64
	# What check runs writes to /run/out.
	khoctl settle >/run/said 2>&1
	check "nothing to settle after a boot with all memory" grep -q "^nothing to do" /run/said
	diag /run/said
}
