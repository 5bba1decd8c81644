# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of this directory share.  Sourced, not run:
#
#	. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#
# Results go to stdout, everything that is for people goes to stderr.

# shellcheck disable=SC2034  # used by those who source this file
KHO_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KHO_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kho
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

# need_packages PKG...: installs those Debian packages that are missing.
need_packages()
{
	local pkg missing=()

	for pkg; do
		if [ "$(dpkg-query -W -f='${db:Status-Status}' "$pkg" \
			2>/dev/null)" != installed ]; then
			missing+=("$pkg")
		fi
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	[ "$(id -u)" -eq 0 ] ||
		die "run 'apt-get install ${missing[*]}' as root first"
	say "installing ${missing[*]}"
	{
		apt-get update -qq &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends "${missing[@]}"
	} >&2 || die "apt-get could not install ${missing[*]}"
}
