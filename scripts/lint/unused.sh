# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# unused: checks that each function of the module is called or exported.

check_unused()
{
	scripts/lint/unused.pl module
}
