# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# A machine that sleeps with memory preserved and the next kernel loaded: all of it is
# there when it wakes up, and is handed on.
#
# The first kernel hibernates: the machine is off, and another one goes on.  Then it
# suspends, and so does the second; but that may not hibernate, as what would go on is
# not told of the same memory, nor become what has hibernated before.
#
# What goes on is started as resume.sh.

swap=/dev/vdb

leave()
{
	check "put an object" khoctl put --sum "file-$stage" /bin/busybox
	check "preserve memory of a process" agent apart "apart-$stage" 200 "$stage" wide
	check "scatter pages" agent scatter 300 "$stage" "/run/manifest-$stage"
	check "put where they are" khoctl put "manifest-$stage" "/run/manifest-$stage"
}

# left N: what the Nth kernel has preserved
left()
{
	is "object $1 is as it was" "$(khoctl get "file-$1" - | md5sum)" "$(md5sum </bin/busybox)"
	[ "$1" -ne "$stage" ] || return 0
	check "memory of the process is, too" agent check-apart "apart-$1" 200 "$1"
	check "get where the pages are" khoctl get "manifest-$1" /run/manifest
	check "they are there" agent verify /run/manifest
}

# all_left [N]: of kernels up to that, or this
all_left()
{
	local i=1

	while [ "$i" -le "${1:-$stage}" ]; do
		left "$i"
		i=$((i + 1))
	done
}

to_memory()
{
	local before

	before=$(dmesg | grep -c 'PM: suspend exit' || true)
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	echo +4 >/sys/class/rtc/rtc0/wakealarm
	check "suspend to memory" sh -c 'echo mem >/sys/power/state'
	is "it has slept" "$(dmesg | grep -c 'PM: suspend exit')" $((before + 1))
}

to_disk()
{
	check "make swap space" sh -c "mkswap $swap && swapon $swap"
	echo 0 >/sys/power/image_size
	echo shutdown >/sys/power/disk
	log "hibernating"
	# For the machine that ends here.  The other one has a port of its own.
	tell "KHO-VERDICT pass $stage done"
	echo disk >/sys/power/state || fail "it does not hibernate"
	is "it has hibernated" "$(dmesg | grep -c 'PM: hibernation: hibernation exit')" 1
	note "resumed $stage"
	check "give up the swap space" swapoff $swap
}

not_to_disk()
{
	refuses "it does not hibernate" 'not supported' sh -c 'echo disk >/sys/power/state'
	check "it says why" sh -c 'dmesg | grep -q "kho: refused to hibernate: this kernel was"'
	# A copy of what the first kernel has come back from.  No error is told of that.
	check "make it another kernel" sh -c 'cat /sys/block/vdc/dev >/sys/power/resume'
	check "it does not become that, and says why" sh -c 'dmesg | grep -q "kho: refused to resume from hibernation: "'
}

# Who may write to that brings back another kernel's memory, whenever he likes.
snapshot()
{
	[ "$stage" -eq 1 ] || return 0
	exec 4>/dev/snapshot
	refuses "meanwhile nothing can be preserved" 'about to resume' \
		khoctl put object /init
	exec 4>&-
	check "but afterwards it can" khoctl put object /init
	refuses "and then memory stays" 'busy' sh -c ': >/dev/snapshot'
	check "it can be given up" khoctl rm object
	check "another module preserves memory" insmod "$here/kho_client.ko" pages=64
	refuses "which stays as well" 'busy' sh -c ': >/dev/snapshot'
	check "it gives that up" rmmod kho_client
	check "now it need not stay" sh -c ': >/dev/snapshot'
}

# What is not there in Debian's kernels
no_jump_back()
{
	[ "$stage" -eq 1 ] || return 0
	refuses "no kernel is loaded that comes back" 'Invalid argument' \
		kexec -c -l --load-preserve-context --mem-max=0x30000000 "$(next_kernel)" --initrd "$initrd"
	is "and none is loaded" "$(status image)" none
}

run()
{
	local before

	await_release
	no_jump_back
	snapshot
	all_left $((stage - 1))
	if [ "$stage" -eq 3 ]; then
		note end
		end_here
		return
	fi
	leave
	load_next >/run/out 2>&1 || fail "khoctl load: $(cat /run/out)"
	before=$(counters)
	if [ "$stage" -eq 1 ]; then
		to_disk
	else
		not_to_disk
	fi
	to_memory
	is "the counters are as before" "$(counters)" "$before"
	is "the next kernel is still loaded" "$(status image)" loaded
	all_left
	khoctl check >/run/check 2>&1 || true
	is "check has nothing against it" "$(grep -c FAIL /run/check)" 0
	check "more can be preserved" khoctl put "later-$stage" /init
	check "sums are right" khoctl verify
	do_jump
}

eval "stage_$stage() { run; }"
