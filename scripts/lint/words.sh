# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# words: finds words that mark unfinished work.

check_words()
{
	local list

	# The quotes keep this line from being found itself.
	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	absent -nwE 'TO''DO|FIX''ME|X''XX|HA''CK' "${list[@]}"
}
