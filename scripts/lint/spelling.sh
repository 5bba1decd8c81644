# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# spelling: codespell.

check_spelling()
{
	local list

	# Macros in manual pages: .Nd describes a page, .Fo a function; iput() is
	# the kernel's; SME encrypts memory; caf is all of an UTF-8 word but its end.
	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	codespell -L nd,fo,iput,sme,caf "${list[@]}"
}
