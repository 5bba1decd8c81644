# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# A machine that sleeps with memory preserved and the next kernel loaded: all of it is
# there when it wakes up, and is handed on.
#
# The first kernel hibernates: the machine turns off, and another one resumes it.  Then
# the kernel suspends, and so does the second kernel.  But the second kernel must not
# hibernate, as the kernel that would resume it is not told of the same memory; nor may
# it resume what has hibernated before.
#
# The kernel that resumes the first one runs resume.sh.

swap=/dev/vdb

leave()
{
	check "put an object" khoctl put --sum "file-$stage" /bin/busybox
	check "preserve memory of a process" agent apart "apart-$stage" 200 "$stage" wide
	check "scatter pages" agent scatter 300 "$stage" "/run/manifest-$stage"
	check "put where they are" khoctl put "manifest-$stage" "/run/manifest-$stage"
}

# left N: checks what the Nth kernel has preserved
left()
{
	is "object $1 is as it was" "$(khoctl get "file-$1" - | md5sum)" "$(md5sum </bin/busybox)"
	[ "$1" -ne "$stage" ] || return 0
	check "memory of the process is, too" agent check-apart "apart-$1" 200 "$1"
	check "get where the pages are" khoctl get "manifest-$1" /run/manifest
	check "they are there" agent verify /run/manifest
}

# all_left [N]: checks what the kernels up to the Nth have preserved, or up to this one
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
	# The verdict of the machine that turns off here.  What resumes has its own port.
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
	# vdc has a copy of what the first kernel was resumed from.  The write to resume
	# reports no error.
	check "make it another kernel" sh -c 'cat /sys/block/vdc/dev >/sys/power/resume'
	check "it does not become that, and says why" sh -c 'dmesg | grep -q "kho: refused to resume from hibernation: "'
}

# Whoever has /dev/snapshot open can bring back another kernel's memory at any time.
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

# Debian's kernels can't jump to a kernel that comes back.
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
