# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# words: that mark what is unfinished.

check_words()
{
	local list

	# Put together so that they are not found here.
	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	absent -nwE 'TO''DO|FIX''ME|X''XX|HA''CK' "${list[@]}"
}
