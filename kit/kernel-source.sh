#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-source.sh SERIES DIR [FILE...]: unpacks Debian's kernel source of that series into
# DIR, or these files of it.  The archive is kept in the cache.  With DIR "version", prints
# the version of the package instead.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

[ $# -ge 2 ] || die "usage: kernel-source.sh SERIES DIR [FILE...]"
series=$1 dir=$2
shift 2
need_packages xz-utils
package=linux-source-$series
series_apt "$series"
if [ -z "$KHO_APT" ]; then
	need_packages "$package"
	version=$(dpkg-query -W -f='${Version}' "$package")
	tar=/usr/src/$package.tar.xz
else
	version=$(APT_CONFIG=$KHO_APT apt-cache show --no-all-versions "$package" |
		sed -n 's/^Version: //p')
	[ -n "$version" ] || die "Debian has no $package"
	tar=$KHO_CACHE/sources/${package}_${version//:/-}.tar.xz
fi
if [ "$dir" = version ]; then
	echo "$version"
	exit
fi
if [ ! -e "$tar" ]; then
	mkdir -p "${tar%/*}"
	tmp=$(mktemp -d "$KHO_CACHE/.source.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && APT_CONFIG=$KHO_APT apt-get -o APT::Sandbox::User=root download -qq \
		"$package=$version") >&2 || die "apt-get could not download $package $version"
	dpkg-deb -x "$tmp"/*.deb "$tmp/package"
	mv "$tmp/package/usr/src/$package.tar.xz" "$tar"
fi
mkdir -p "$dir"
# With names, it stops once all of them are there.
tar -xf "$tar" --strip-components=1 -C "$dir" ${1:+--occurrence} "${@/#/$package/}"
