# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# What other tests do in one kernel each, in this one.
#
#	kho.opt.parts=A,B...	which of them

stage_1()
{
	local part

	for part in $(option parts | tr , ' '); do
		check "load for $part" load_kho
		# Each has functions of the same names.
		(
			# shellcheck disable=SC1090  # named on the command line
			. "/guest/$part.sh"
			stage_1
		) || fail "$part did not come to its end"
	done
}
