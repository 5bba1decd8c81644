# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# A crash kernel is loaded as well, here and in the successor; then the successor crashes
# with objects preserved.

# load_crash: loads the crash kernel, which is not the next stage of a handover
load_crash()
{
	check "load a kernel for a crash" kexec -p "$(next_kernel)" --initrd "$initrd" \
		--append "console=ttyS0 panic=-1 nr_cpus=1 reset_devices kho.test=crashed kho.stage=1"
	is "it is loaded" "$(cat /sys/kernel/kexec_crash_loaded)" 1
}

stage_1()
{
	check "there is room for it" [ "$(cat /sys/kernel/kexec_crash_size)" -gt 100000000 ]
	check "put an object" khoctl put object /bin/busybox
	load_crash
	check "preserve memory of a process" agent apart apart 200 1
	jump
}

stage_2()
{
	is "the object is there" "$(khoctl get object - | md5sum)" "$(md5sum </bin/busybox)"
	check "and the memory" agent check-apart apart 200 1
	load_crash
	check "put another object" khoctl put another /bin/busybox
	# The kernel that is loaded for a handover must not run after the crash.
	load_next >/run/out 2>&1 || fail "khoctl load: $(cat /run/out)"
	tell "KHO-JUMP $stage"
	sync
	echo 1 >/proc/sys/kernel/sysrq
	echo c >/proc/sysrq-trigger
	fail "it has not crashed"
}

# The crash kernel runs the test "crashed", so this stage must never run.
stage_3()
{
	fail "there is no third stage"
}
