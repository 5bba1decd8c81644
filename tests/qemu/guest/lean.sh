# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Many scattered pages for a kernel with KHO of its own.
#
#	kho.opt.pages=N		how many pages
#	kho.opt.how=HOW		exact or envelopes; by default khoctl decides

stage_1()
{
	check "scatter pages" \
		agent scatter "$(option pages)" 0x1ea4 /run/manifest dense
	check "put the manifest" khoctl put manifest /run/manifest
	load_next >/run/out 2>&1 || fail "khoctl load: $(cat /run/out)"
	[ -z "$(option how)" ] || check "hand over $(option how)" agent handoff "$(option how)"
	agent status >/run/st; diag /run/st
	do_jump
}

stage_2()
{
	note "release $(status release)"
	await_release
	dmesg | grep kho: >/run/kl; diag /run/kl
	check "get the manifest" khoctl get manifest /run/manifest
	check "compare the pages" agent verify /run/manifest
	check "release the pages" agent release /run/manifest
	check "remove the manifest" khoctl rm manifest
	agent status >/run/st; diag /run/st
}
