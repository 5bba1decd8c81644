# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# khoctl is killed at each step: as it begins its first system call, its second,
# and so on.  It must have done all that it was told to do, or nothing.

# Waits until nothing of ours runs: a killed khoctl may have left a guard.
await_end()
{
	local i=0

	while pidof khoctl kexec xz zstd >/run/running; do
		i=$((i + 1))
		[ "$i" -lt 300 ] || fail "still there: $(cat /run/running)"
		sleep 0.1
	done
}

# Prints what there is of the object: none, whole, or what is wrong with it
object_state()
{
	if [ "$(status objects)" = 0 ]; then
		echo none
	elif ! khoctl get victim - | cmp -s - /run/file; then
		echo content
	elif ! khoctl getdata victim - | cmp -s - /run/user; then
		echo data
	elif ! khoctl ls --json | grep -q '"mode": "0640"'; then
		echo mode
	elif ! khoctl verify victim >/dev/null; then
		echo sum
	else
		echo whole
	fi
}

killed_put()
{
	local before step=0 status=0 state none=0 whole=0

	cp /bin/busybox /run/file
	head -c 5000 /bin/khoctl >/run/user
	before=$(counters)
	# Steps before the device is opened are the C library's.
	kill-steps 0 khoctl status >/run/steps || true
	step=$(($(step_of ioctl) - 3))
	while :; do
		step=$((step + 1))
		status=0
		kill-steps "$step" khoctl put victim /run/file --seal \
			--data /run/user --mode 640 >/run/out 2>&1 || status=$?
		state=$(object_state)
		case $state in
		none)
			none=$((none + 1)) ;;
		whole)
			whole=$((whole + 1))
			khoctl rm victim || break ;;
		*)
			break ;;
		esac
		[ "$(counters)" = "$before" ] || break
		[ "$status" -eq 0 ] || break
	done
	is "the last put came to its end" "$status $state" "3 whole"
	is "counters after put was killed, up to step $step" "$(counters)" "$before"
	check "it was $none times none, $whole times whole" \
		[ "$none" -gt 10 ] && [ "$whole" -gt 1 ]
}

# Makes a kexec that ignores where it was told to put the kernel.
lying_kexec()
{
	cat >/run/kexec <<-'END'
		#!/bin/sh
		for word; do
			shift
			case $word in
			--mem-m*) ;;
			*) set -- "$@" "$word" ;;
			esac
		done
		exec /bin/kexec "$@"
	END
	chmod 755 /run/kexec
}

# load_killed STEP [DELAY]: kills a load, and prints whether a kernel is loaded then
load_killed()
{
	# Without programs to unpack the image: that takes long, and other tests do it.
	# shellcheck disable=SC2086  # words
	PATH=/few /bin/kill-steps "$@" /bin/khoctl load --no-checks --kexec "$kexec" \
		"$(next_kernel)" $with --append "$(next_cmdline)" \
		>/run/out 2>&1 || true
	await_end
	cat /sys/kernel/kexec_loaded
}

# step_of NAME: number of the first such call in a load
step_of()
{
	awk -v name="$1" '$3 == name { print $1; exit }' /run/steps
}

# With the lying kexec: a kernel outside scratch must never stay loaded.
killed_lie()
{
	local step last delay left='' wait every

	# 1 for all steps, or N for each Nth, which takes less time
	every=$(option every)

	lying_kexec
	# This kernel is not booted, and copying an initrd would take longest.
	kexec=/run/kexec with=''
	load_killed 0 >/run/loaded
	is "a lie is found out" "$(cat /run/loaded) $(grep -c 'outside scratch' /run/out)" "0 1"
	[ ! -s /run/failed ] || diag /run/out
	cp /run/out /run/steps
	step=$(($(step_of fork) - 1))
	last=$(step_of exit)
	wait=$(step_of wait)
	check "a load has $last steps, and starts kexec at $wait" \
		[ "$last" -gt "$wait" ]
	while [ "$step" -le "$last" ]; do
		[ "$(load_killed "$step")" = 0 ] || left="$left $step"
		step=$((step + ${every:-1}))
	done
	# In the midst of kexec.
	for delay in 20 80 200 400 800; do
		[ "$(load_killed "$wait" "$delay")" = 0 ] || left="$left +$delay"
	done
	is "steps after which a kernel was left that nobody has checked" "$left" ''
}

killed_load()
{
	local step last

	kexec=/bin/kexec with="--initrd $initrd"
	load_killed 0 >/run/loaded
	is "it is loaded" "$(cat /run/loaded)" 1
	cp /run/out /run/steps
	check "unload" khoctl unload
	last=$(step_of exit)
	is "not yet when kexec is started" "$(load_killed "$(step_of wait)")" 0
	is "killed as the last thing" "$(load_killed "$last")" 1
}

# After a get is killed, its file is whole or not there, and no other file is left.
killed_get()
{
	local step wrong='' gone=0

	mkdir /run/out.d
	kill-steps 0 khoctl get victim /run/out.d/file >/run/steps 2>&1 || true
	step=$(($(step_of exit) - 25))
	rm /run/out.d/file
	while [ "$step" -lt "$(step_of exit)" ]; do
		step=$((step + 1))
		kill-steps "$step" khoctl get victim /run/out.d/file \
			>/run/out 2>&1 || true
		case $(ls /run/out.d) in
		'')
			gone=$((gone + 1)) ;;
		file)
			cmp -s /run/out.d/file /run/file || wrong="$wrong $step"
			rm /run/out.d/file ;;
		*)
			wrong="$wrong $step" ;;
		esac
	done
	is "steps after which a get left what is not whole" "$wrong" ''
	check "there was no file $gone times" [ "$gone" -gt 5 ]
}

stage_1()
{
	[ "$(option put)" = no ] || killed_put
	cp /bin/busybox /run/file
	check "put" khoctl put victim /run/file
	killed_lie
	killed_load
	killed_get
	is "nothing is left over" "$(echo /tmp/* /run/khoctl.*)" '/tmp/* /run/khoctl.lock'
	# The kernel that is loaded now is the right one.
	do_jump
}

stage_2()
{
	check "what was put has arrived" \
		sh -c 'khoctl get victim - | cmp - /bin/busybox'
}
