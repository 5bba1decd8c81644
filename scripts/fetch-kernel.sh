#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-kernel.sh [SERIES]: unpacks Debian's newest kernel of a series (6.1 if
# none is given) as apt has it, and installs its headers.  Nothing of the
# kernel itself is installed: the host's /boot and /lib/modules stay as they
# are.
#
# Prints a directory that has boot/vmlinuz-REL, boot/config-REL,
# lib/modules/REL/ and a file "release" that says REL.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -le 1 ] || die "usage: fetch-kernel.sh [SERIES]"
series=${1:-6.1}
[[ $series =~ ^[0-9]+\.[0-9]+$ ]] ||
	die "'$series' is no kernel series such as 6.1"

# Sets package, release, version and dir, or fails if apt has no such kernel.
# Releases look like 6.1.0-56-amd64 and 6.12.117+deb12-amd64.
locate()
{
	package=$(apt-cache pkgnames "linux-image-$series." |
		grep -E "^linux-image-$series\.[0-9]+[-+][a-z0-9]+(-[0-9]+)?-amd64\$" |
		grep -vE -- '-(cloud|rt)-amd64$' | sort -V | tail -n 1) || return
	release=${package#linux-image-}
	version=$(apt-cache show --no-all-versions "$package" |
		sed -n 's/^Version: //p')
	dir=$KHO_CACHE/kernels/${release}_$version
}

download()
{
	# A cache below /root is out of reach for the user that apt would be.
	(cd "$tmp" && apt-get -o APT::Sandbox::User=root download -qq \
		"$package=$version") >&2
}

update()
{
	say "$1, updating apt's lists"
	apt-get update -qq >&2 || die "apt-get update failed"
	locate || die "apt has no kernel $series for amd64"
}

need_packages dpkg kmod xz-utils
locate || update "apt knows no kernel $series"
need_packages "linux-headers-$release"

if [ ! -e "$dir/release" ]; then
	mkdir -p "$KHO_CACHE/kernels"
	tmp=$(mktemp -d "$KHO_CACHE/kernels/.tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT

	say "downloading $package $version"
	if ! download; then
		update "$package $version is not there any more"
		need_packages "linux-headers-$release"
		download || die "apt-get could not download $package $version"
	fi
	dpkg-deb -x "$tmp"/*.deb "$tmp/root"
	[ -e "$tmp/root/boot/vmlinuz-$release" ] ||
		die "$package has no boot/vmlinuz-$release"
	depmod -b "$tmp/root" "$release"
	echo "$release" >"$tmp/root/release"

	# Whoever runs at the same time has the same result.
	chmod 755 "$tmp/root"
	mv -T "$tmp/root" "$dir" 2>/dev/null || [ -e "$dir/release" ] ||
		die "can't create $dir"
fi

echo "$dir"
