# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# Runs several tests that need only one kernel each, all in this one.
#
#	kho.opt.parts=A,B...	which tests

stage_1()
{
	local part

	for part in $(option parts | tr , ' '); do
		check "load for $part" load_kho
		# A subshell, as all have functions of the same names.
		(
			# shellcheck disable=SC1090  # named on the command line
			. "/guest/$part.sh"
			stage_1
		) || fail "$part did not come to its end"
	done
}
