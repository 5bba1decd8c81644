# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# How long nobody answers: odd stages preserve an object and single pages and
# hand them over, and the next one's first process is the agent that reads a
# byte of it; even ones jump by a plain kexec of the same kernel.
#
#	kho.opt.rounds=N	how often, of each
#	kho.opt.pages=N		how many single pages

hand_over()
{
	echo x >/run/first
	check "an object" khoctl put first /run/first
	check "single pages" agent scatter "$(option pages)" 0x6b686f \
		/run/manifest
	check "their list" khoctl put manifest /run/manifest
	load_next rdinit=/bin/bench bench=agent >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	bench jump agent
	fail "the jump failed"
}

# Nothing is preserved, and the module is not there, when it comes to the jump.
plain()
{
	[ "$(status release)" = none ] || await_release
	check "their list" khoctl get manifest /run/manifest
	check "all of them are there" agent verify /run/manifest
	check "they are given up" agent release /run/manifest
	check "the objects too" khoctl rm first manifest
	check "rmmod" rmmod kho
	kexec -c -l "$(next_kernel)" --initrd="$initrd" \
		--append="$(next_cmdline rdinit=/bin/bench bench=plain \
		kho.arrival=none kho.generation=0)" || fail "kexec -l"
	bench jump plain
	fail "the jump failed"
}

run()
{
	if [ "$stage" -gt $((2 * $(option rounds))) ]; then
		end_here
	elif [ $((stage % 2)) -eq 1 ]; then
		hand_over
	else
		plain
	fi
}

eval "stage_$stage() { run; }"
