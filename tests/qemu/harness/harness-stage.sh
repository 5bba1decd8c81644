# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# For the test of the harness itself: stages that follow each other.

stage_1()
{
	case $(option how) in
	stay)
		ok "not jumping" ;;
	*)
		jump ;;
	esac
}

stage_2()
{
	ok "arrived"
}
