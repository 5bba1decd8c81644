# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# spelling: runs codespell.

check_spelling()
{
	local list

	# Nd and Fo are macros in manual pages, iput() is a function of the kernel, SME
	# encrypts memory, and caf is the beginning of a word that ends in UTF-8.
	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	codespell -L nd,fo,iput,sme,caf "${list[@]}"
}
