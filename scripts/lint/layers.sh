# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# layers: checks which files of the module include which, by the table in lint/layers.

check_layers()
{
	scripts/lint/layers.pl module scripts/lint/layers
}
