# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# shell: runs shellcheck.

check_shell()
{
	local list

	mapfile -t list < <(scripts bash sh; files '(^|/)lib\.sh$|^(tests/qemu/lib|scripts/lint)/.*\.sh$|^tools/completion/khoctl$')
	shellcheck -x -P SCRIPTDIR -P "$KHO_TOP" "${list[@]}"
}
