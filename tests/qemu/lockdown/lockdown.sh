# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# A handover under Secure Boot's lockdown, and what must not be one.

lockdown=/sys/kernel/security/lockdown
ftrace=/proc/sys/kernel/ftrace_enabled
announced="nothing is handed over"

# At first it is too small for the next kernel and its initrd.
scratch=64
[ "$stage" -eq 1 ] || scratch=140

# The one that is signed
load_kho()
{
	[ -e /sys/module/kho ] || insmod /run/payload/kho.ko scratch_mib=$scratch
}

locked()
{
	is "the kernel is locked down from the beginning" "$(cat $lockdown)" \
		"none [integrity] confidentiality"
	check "by Secure Boot" sh -c 'dmesg | grep -qi "secure boot.*enabled"'
}

loaded()
{
	cat /sys/kernel/kexec_loaded
}

# plainly [FILE]: loads a kernel as somebody else would, who knows nothing of this
plainly()
{
	kexec -s -l "${1:-$(next_kernel)}" --append=nothing
}

# next_is WORD EXIT: what status says of the kernel that is loaded
next_is()
{
	local status=0

	khoctl status --json >/run/out || status=$?
	is "status exits $2" "$status" "$2"
	is "the next kernel is $1" "$(sed -n 's/.*"next_kernel": "\(.*\)".*/\1/p' /run/out)" "$1"
}

# logs DESCRIPTION REGEX: it is in the log, since the last call
logs()
{
	dmesg -c >/run/log
	if grep -qE "$2" /run/log; then
		ok "$1"
	else
		grep kho: /run/log >/run/out || true
		not_ok "$1" /run/out
	fi
}

# No access to memory by its address, and no code that is not signed
forbidden()
{
	refuses "pages by number" 'not permitted' agent scatter 4 1 /run/manifest
	refuses "kexec_load" 'ermitted|ermission' \
		kexec -c -l "$(next_kernel)" --append=nothing
	refuses "an image with one byte changed" '.' plainly /run/payload/changed
	refuses "khoctl load of it" '.' khoctl load /run/payload/changed --append nothing
	is "nothing is loaded" "$(loaded)" 0
	check "unload the module" rmmod kho
	refuses "a module without a signature" '.' insmod "$here/kho.ko"
	check "load the one that has one" load_kho
}

# What others load gets no handover, and what is preserved is not lost in silence.
others()
{
	dmesg -c >/run/log
	check "somebody loads a kernel" plainly
	logs "the log says so" "process [0-9]+ has loaded a kernel .*$announced"
	next_is other 3
	khoctl status >/run/status || true
	check "status names it" grep "BUT not by khoctl: $announced" /run/status
	diag /run/status
	refuses "it can't be declared to be ours" 'EINVAL|nvalid' agent image 2
	check "it is unloaded" kexec -s -u
	next_is none 0

	# Who has asked may load one kernel, and may let a child do so; nobody else may.
	refuses "somebody asks, and loads nothing" 'No such file' agent load-by-file 1 true
	check "somebody else loads a kernel" plainly
	next_is other 3
	refuses "who has asked loads two" 'No such file' \
		agent load-by-file 2 kexec -s -l "$(next_kernel)" --append=nothing
	next_is other 3
	refuses "nor may a child of a child" 'No such file' agent load-by-file 1 \
		sh -c "kexec -s -l $(next_kernel) --append=nothing; true"
	next_is other 3
	check "it is unloaded" kexec -s -u
}

# A load that fails in the middle, as there is no room, and scratch that changes
room()
{
	dmesg -c >/run/log
	refuses "khoctl knows that scratch is too small" 'scratch' load_next
	refuses "so does the module" 'status.*No such file' agent load-by-file 1 \
		kexec -s -l "$(next_kernel)" --initrd="$initrd" --append=nothing
	logs "the log says so" 'kexec_file_load has failed: .* has to fit into scratch'
	is "nothing is loaded" "$(loaded)" 0
	next_is none 0
	check "none is being loaded any more" agent image 0
	agent scratch $((120 << 20)) >/run/grown 2>&1 &
	agent load-by-file 1 kexec -s -l "$(next_kernel)" --append=nothing >/run/raced 2>&1 ||
		true
	wait
	sed 's/^/# /' /run/raced /run/grown >/run/out
	diag /run/out
	case $(loaded),$(cat /run/raced) in
	1,)	next_is unverified 0 ;;
	0,*|1,*LOADED*)
		ok "scratch has changed, so it gets no handover" ;;
	*)	not_ok "a load while scratch changes" /run/raced ;;
	esac
	check "unload whatever is loaded" kexec -s -u
	check "none is loaded" agent image 0
	check "make scratch larger" khoctl scratch 140M
}

# A crash kernel has its own place, and is nobody's next kernel.
crash_kernel()
{
	refuses "who has asked loads a crash kernel" 'No such file' agent load-by-file 1 \
		kexec -s -p "$(next_kernel)" --append=nothing
	is "it is loaded" "$(cat /sys/kernel/kexec_crash_loaded)" 1
	next_is none 0
}

# Whatever root says of a kernel that lies in scratch, scratch stays.
lies()
{
	check "load" load_next
	check "declare it unloaded" agent image 0
	next_is stale 3
	refuses "scratch stays where it is" 'busy' agent scratch $((150 << 20))
	check "unload it" khoctl unload
	next_is none 0
}

# Without ftrace, nobody sees what is loaded.
without_ftrace()
{
	refuses "load without ftrace" "$announced" load_next
	echo 1 >$ftrace
	is "it was unloaded again" "$(loaded)" 0
}

# ours: the loaded kernel gets the handover
ours()
{
	is "a kernel is loaded" "$(loaded)" 1
	next_is ours 0
	refuses "scratch stays where it is" 'unload first' khoctl scratch 150M
}

stage_1()
{
	locked
	check "check" sh -c 'khoctl check >/run/checked; [ $? -eq 0 ]'
	check "it knows of lockdown" grep -q '^ok *lockdown .*kexec_file_load' /run/checked
	forbidden
	check "put an object" khoctl put object /bin/busybox
	others
	room
	crash_kernel

	lies
	check "load" load_next
	ours
	check "somebody replaces it" plainly
	next_is other 3
	check "load" load_next
	ours
	if (echo 0 >$ftrace) 2>/dev/null; then
		without_ftrace
	else
		note "this kernel does not let ftrace be turned off"
	fi

	check "load" load_next
	check "remove the object" khoctl rm object
	check "unload the module, with a kernel loaded" rmmod kho
	scratch=140
	check "load it again" load_kho
	check "put an object" khoctl put object /bin/busybox
	next_is stale 3
	check "load" load_next
	ours
	is "the crash kernel is still there" "$(cat /sys/kernel/kexec_crash_loaded)" 1
	check "put another object" khoctl put late /guest/lib.sh
	check "preserve memory of a process" agent apart apart 200 1
	do_jump
}

# arrived: what stage 1 has preserved is there
arrived()
{
	locked
	is "the object is there" "$(khoctl get object - | md5sum)" "$(md5sum </bin/busybox)"
	is "so is what was put after loading" "$(khoctl get late - | md5sum)" \
		"$(md5sum </guest/lib.sh)"
	check "and the memory" agent check-apart apart 200 1
}

stage_2()
{
	arrived
	refuses "pages by number" 'not permitted' agent scatter 4 1 /run/manifest
	check "put another object" khoctl put another /init
	jump
}

stage_3()
{
	arrived
	is "and what was put here" "$(khoctl get another - | md5sum)" "$(md5sum </init)"
	check "remove an object" khoctl rm object

	# In the next kernel, what leads to the handover is persistent memory: RAM, type 1,
	# becomes type 12.  Root could write to it there before the module is loaded.
	load_options=--force
	jump kho.arrival=none \
		"memmap=2M%$(printf '%#x' $(($(status setup_addr) & ~0x1fffff)))-1+12"
}

stage_4()
{
	locked
	check "what root could have forged is not read" sh -c \
		'dmesg | grep -q "kho: .*: a setup_data node does not lie in reserved RAM"'
	is "nothing of it is there" "$(status objects)" 0
}
