# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# How much memory is free once everything that arrived has been given up, and
# how much it is after a cold boot of the very same kernel, initrd and module.
#
#	kho.opt.cold=1		a cold boot

# The same size in all kernels.
module_params=scratch_mib=128
file=/run/payload/data/file

stage_1()
{
	if [ "$(option cold)" = 1 ]; then
		note "free $(free_memory)"
		end_here
		return
	fi
	check "put a file" khoctl put file "$file"
	check "scatter pages" agent scatter 2000 1 /run/manifest
	check "put the manifest" khoctl put manifest /run/manifest
	jump
}

stage_2()
{
	await_release
	note "ram $(status ram_pages)"
	note "given-back $(status release_done)"
	is "all that is not preserved is given back" "$(status release_done)" \
		"$(status release_pages)"
	check "get the manifest" khoctl get manifest /run/manifest
	check "compare the pages" agent verify /run/manifest
	is "the file has its content" \
		"$(khoctl get file - | sha256sum)" "$(sha256sum <"$file")"
	check "release the pages" agent release /run/manifest
	check "remove the objects" khoctl rm file manifest
	rm /run/manifest
	note "free $(free_memory)"
}
