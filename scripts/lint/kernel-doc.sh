# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# kernel-doc: runs the kernel's checker on our comments.

check_kernel_doc()
{
	local doc list

	doc=$(scripts/fetch-kernel.sh --headers 6.1)/scripts/kernel-doc
	mapfile -t list < <(files '^(module|include|bootstub)/.*\.[ch]$')
	perl "$doc" -none -Werror "${list[@]}"
}
