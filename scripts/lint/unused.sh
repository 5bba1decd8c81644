# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# unused: whether anybody calls each function of the module.

check_unused()
{
	scripts/lint/unused.pl module
}
