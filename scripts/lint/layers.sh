# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# layers: which files of the module may include which.  The rooms are in the table.

check_layers()
{
	scripts/lint/layers.pl module scripts/lint/layers
}
