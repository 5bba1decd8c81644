# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# For the test of the harness itself: a guest that has nothing to complain of.
# shellcheck disable=SC2034  # for lib.sh
module=no

stage_1()
{
	is "the sum of two and two" $((2 + 2)) 4
	check "a true command" true
	refuses "a file that is not there" 'No such file' cat /nowhere
}
