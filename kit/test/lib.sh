# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the harness of the tests expects, for a machine that need not be Debian.

# shellcheck disable=SC2034  # used by those who source this file
KHO_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KHO_BUILD=$KHO_TOP/build

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}
