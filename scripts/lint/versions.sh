# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# versions: checks that the project's version is the same in all places.

check_versions()
{
	local version found bad=0

	version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' module/version.h)
	if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
		echo "module/version.h: KHO_VERSION is '$version'"
		return 1
	fi

	found=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
	if [ "$found" != "$version" ]; then
		echo "dkms.conf: $found, not $version"
		bad=1
	fi
	# A manual page need not name the version, but must not name another one.
	for found in $(files '\.[1-9]$' | xargs -r grep -ohE \
		'\b(kho|khoctl) [0-9]+\.[0-9]+\.[0-9]+\b' | awk '{ print $2 }'); do
		if [ "$found" != "$version" ]; then
			echo "a manual page: $found, not $version"
			bad=1
		fi
	done
	if [ -e debian/changelog ]; then
		found=$(dpkg-parsechangelog -l debian/changelog -S Version)
		if [ "${found%-*}" != "$version" ]; then
			echo "debian/changelog: $found, not $version"
			bad=1
		fi
	fi
	return "$bad"
}
