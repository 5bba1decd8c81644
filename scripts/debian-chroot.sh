#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debian-chroot.sh SUITE: makes a small Debian in the cache, once, and prints its
# directory.  SUITE is
#
#	trixie		Debian 13.  Modules for kernels from 7.0 on are built in it: the
#			programs in their headers packages need a newer libc than Debian
#			12 has, and these kernels were built with gcc 14.
#	bullseye	Debian 11, for 5.10, which gcc 10 built.
#
# debian-chroot.sh SUITE run HEADERS DIR COMMAND...: runs a command in it.  HEADERS is a
# tree as fetch-kernel.sh unpacks it, .../usr/src/linux-headers-REL, and is mounted where
# the package has it; DIR is mounted at /build.  Neither the host nor the chroot is
# changed: the mounts are gone when the command ends.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	echo "Usage: ${0##*/} trixie|bullseye [run HEADERS DIR COMMAND...]" >&2
	exit 2
}

# The programs of linux-kbuild depend on the last three.
suite=${1-}
case $suite in
trixie)
	name="Debian 13"
	packages=dkms,gcc-14,gcc,make,kmod,xz-utils,pahole,libelf1t64,libssl3t64 ;;
bullseye)
	name="Debian 11"
	packages=dkms,gcc-10,gcc,make,kmod,xz-utils,dwarves,libelf1,libssl1.1 ;;
*)
	usage ;;
esac
shift
key=$(echo "$packages" | sha256sum | cut -c 1-8)
root=$KHO_CACHE/$suite-$key

# Runs debootstrap in a mount namespace: if it is killed, it leaves /proc mounted.
make_root()
{
	local tmp mirror log=$KHO_CACHE/$suite.log

	suite_apt "$suite"
	mirror=$(awk -v suite="$suite" '$(NF - 1) == suite { print $(NF - 2) }' \
		"${KHO_APT%/*}/sources.list")
	tmp=$(mktemp -d "$KHO_CACHE/.$suite.XXXXXX")
	# shellcheck disable=SC2064  # expand it now: tmp is local
	trap "rm -rf --one-file-system '$tmp'" EXIT
	say "unpacking $name with a compiler, about a minute; log: $log"
	unshare --mount --propagation private \
		debootstrap --variant=minbase --arch=amd64 --include="$packages" \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$suite" "$tmp" "$mirror" >"$log" 2>&1 9>&- || {
		tail -n 5 "$log" >&2
		die "debootstrap failed, see $log"
	}

	# Remove what is not needed: more than half of it.
	rm -rf "$tmp"/var/cache/apt/* "$tmp"/var/lib/apt/lists/* \
		"$tmp"/usr/share/{doc,man,info,locale}/*
	mkdir "$tmp/build"
	rm -f "$tmp/etc/resolv.conf"
	chmod 755 "$tmp"
	mv -T "$tmp" "$root"
}

# Makes $root if it does not exist.  Prints nothing.
need_root()
{
	[ "$(id -u)" -eq 0 ] || die "only root can make a chroot"
	need_packages debootstrap debian-archive-keyring util-linux
	mkdir -p "$KHO_CACHE"
	[ ! -d "$root" ] || return 0
	exec 9>"$KHO_CACHE/$suite.lock"
	if ! flock -n 9; then
		say "waiting for another run that makes the chroot of $name"
		flock 9
	fi
	[ -d "$root" ] || make_root
	exec 9>&-
}

# Runs in its own mount namespace.
enter()
{
	local headers=$1 dir=$2 tree kbuild

	shift 2
	tree=${headers%/src/linux-headers-*}
	# This link leads to the programs of linux-kbuild.
	kbuild=$(readlink "$headers/scripts") ||
		die "$headers has no link to the programs of linux-kbuild"
	kbuild=$(basename "$(dirname "$kbuild")")
	[ -d "$tree/lib/$kbuild" ] || die "there is no $tree/lib/$kbuild"
	mkdir -p "$root/usr/lib/$kbuild"

	# Read-only, as for a user: dkms 2.8 cleans a tree that it is given.
	mount --bind "$tree/src" "$root/usr/src"
	mount -o remount,bind,ro "$root/usr/src"
	mount --bind "$tree/lib/$kbuild" "$root/usr/lib/$kbuild"
	mount --bind "$dir" "$root/build"
	mount --bind /dev "$root/dev"
	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/tmp"
	exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/tmp LC_ALL=C "$@"
}

case ${1-} in
'')
	need_root
	echo "$root"
	;;
run)
	[ $# -ge 4 ] || usage
	headers=$(readlink -f "$2")
	[[ $headers == */usr/src/linux-headers-* ]] ||
		die "$2 is not within an unpacked headers package"
	[ -d "$3" ] || die "$3 is not a directory"
	need_root
	shift
	exec unshare --mount --propagation private \
		"${BASH_SOURCE[0]}" "$suite" enter "$headers" "${@:2}"
	;;
enter)
	# Only called by run.
	shift
	enter "$@"
	;;
*)
	usage
	;;
esac
