# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# For the test of the harness itself: a guest that fails, as kho.opt.how says.
# shellcheck disable=SC2034  # for lib.sh
module=no

stage_1()
{
	case $(option how) in
	check)
		is "the sum of two and two" $((2 + 2)) 5
		ok "a check after it" ;;
	stop)
		cat /nowhere
		ok "what comes after it" ;;
	hang)
		while :; do sleep 100; done ;;
	mute)
		reboot -f ;;
	warn)
		echo '<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1' >/dev/kmsg ;;
	panic)
		echo c >/proc/sysrq-trigger
		sleep 100 ;;
	esac
}
