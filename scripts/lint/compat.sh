# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# compat: checks that only module/compat/ tests for kernel versions.

# The module is written for the newest kernel; that folder adds what older ones lack.
check_compat()
{
	local list

	mapfile -t list < <(files '^(module|include|tests/kmod|tests/bench/kmod|Kbuild)' \
		'^module/compat/')
	absent -nE 'LINUX_VERSION_CODE|KERNEL_VERSION|RHEL_RELEASE|LINUX_VERSION_(MAJOR|PATCHLEVEL|SUBLEVEL)' \
		"${list[@]}"
}
