# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034 # variables of lib.sh
#
# The kernel that resumes the one that has hibernated in sleep.sh.

module=no
payload=no

stage_1()
{
	log "resuming"
	cat /sys/block/vdb/dev >/sys/power/resume
	dmesg | grep -i 'PM: ' >/run/out
	not_ok "what has hibernated comes back" /run/out
}
