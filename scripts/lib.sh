# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of this directory share.  It is sourced, not run:
#
#	. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#
# Results go to stdout, and messages to stderr.

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

# ---- Debian releases ----

# The host's release: 12 or 13.  Others were not tried.
KHO_DEBIAN=$(sed -n 's/^VERSION_ID="\([0-9]*\).*/\1/p' /etc/os-release)

# kernels_from SERIES: prints which release's kernels of that series are used: the host's
# (host), or another's, which has its own configuration of apt
#
# Debian 11 has 5.10.  Debian 13 has 6.12, and Debian 12 has it besides its own 6.1.
# Later kernels are in trixie-backports, for either release.
kernels_from()
{
	case $KHO_DEBIAN:$1 in
	*:5.10)
		echo bullseye ;;
	13:6.1)
		echo bookworm ;;
	*:[0-5].*|*:6.?|*:6.1[0-2])
		echo host ;;
	*)
		echo trixie ;;
	esac
}

# chroot_for SERIES: prints the release in whose chroot modules of that series are built,
# if this one can't build them: programs in the headers packages of later releases need a
# newer libc, and no later release has the gcc 10 that built 5.10.
chroot_for()
{
	case $KHO_DEBIAN:$(kernels_from "$1") in
	*:bullseye)
		echo bullseye ;;
	13:trixie)
		;;
	*:trixie)
		echo trixie ;;
	esac
}

# series_apt SERIES: sets KHO_APT to a configuration of apt that has that series, or to
# nothing for the host's own
series_apt()
{
	local suite

	suite=$(kernels_from "$1")
	KHO_APT=
	[ "$suite" = host ] || suite_apt "$suite"
}

# is_installed PKG: true if the package, or one that provides it, is installed: Debian
# 12's libssl3 is libssl3t64 in Debian 13
is_installed()
{
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ||
		dpkg-query -W -f='${db:Status-Status}, ${Provides},\n' |
		grep '^installed,' | grep -F -e ", $1," -e ", $1 (" >/dev/null
}

# need_packages PKG...: installs those Debian packages that are missing
need_packages()
{
	# Local, to keep the caller's KHO_APT.
	local pkg missing=() wanted=() debs=() KHO_APT

	for pkg; do
		is_installed "$pkg" || missing+=("$pkg")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	[ "$(id -u)" -eq 0 ] ||
		die "run 'apt-get install ${missing[*]}' as root first"
	say "installing ${missing[*]}"
	mkdir -p "$KHO_CACHE"
	for pkg in "${missing[@]}"; do
		case $pkg in
		linux-source-*)
			series_apt "${pkg#linux-source-}" ;;
		*)
			KHO_APT='' ;;
		esac
		if [ -z "$KHO_APT" ]; then
			wanted+=("$pkg")
			continue
		fi
		# This package is one archive in /usr/src.  Nothing else of another
		# release is ever installed.
		debs+=("$(mktemp -d "$KHO_CACHE/.debs.XXXXXX")")
		(cd "${debs[-1]}" && APT_CONFIG=$KHO_APT apt-get download -qq "$pkg") >&2 ||
			die "apt-get could not download $pkg"
		wanted+=("${debs[-1]}"/*.deb)
	done
	# Two tests may install packages at the same time, and apt does not wait.
	{
		flock 7 &&
		apt-get update -qq 7>&- &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends "${wanted[@]}" 7>&-
	} >&2 7>"$KHO_CACHE/install.lock" ||
		die "apt-get could not install ${missing[*]}"
	rm -rf "${debs[@]}"
}

# need_module_tools HEADERS: installs what building modules against these headers takes:
# the compiler that they name, which need not be this release's default, and what their
# programs depend on
need_module_tools()
{
	local compiler

	compiler=$(sed -n 's/^CC = .*)\(gcc-[0-9]*\)$/\1/p' \
		"$1/.kernelvariables" 2>/dev/null) || compiler=
	need_packages gcc make libelf1 libssl3 pahole ${compiler:+"$compiler"}
}

# separate_apt DIR SUITE...: makes DIR/apt.conf, a configuration of apt with these suites
# and Debian's keyring.  It has its own lists and status, so nothing can be installed by
# it, and the host's apt is not affected.
separate_apt()
{
	local dir=$1 keyring suite archive

	shift
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	need_packages debian-archive-keyring
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	exec 8>"$dir/.lock"
	flock 8
	if [ ! -e "$dir/updated" ] ||
	   [ -n "$(find "$dir/updated" -mmin +1440)" ]; then
		for suite; do
			archive=debian
			[[ $suite != *-security ]] || archive=debian-security
			echo "deb [signed-by=$keyring] http://deb.debian.org/$archive $suite main"
		done >"$dir/sources.list"
		: >"$dir/status"
		cat >"$dir/apt.conf" <<-E
			Dir::State "$dir";
			Dir::State::status "$dir/status";
			Dir::Cache "$dir/cache";
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "/dev/null";
			Dir::Etc::preferences "/dev/null";
			Dir::Etc::preferencesparts "/dev/null";
			APT::Architecture "amd64";
			APT::Sandbox::User "root";
		E
		say "updating apt's lists of $*"
		if APT_CONFIG=$dir/apt.conf apt-get update -qq >&2; then
			touch "$dir/updated"
		else
			[ -e "$dir/updated" ] ||
				die "apt-get update failed for $*"
			say "apt-get update failed, using the existing lists"
		fi
	fi
	exec 8>&-
}

# suite_apt SUITE: sets KHO_APT to a configuration of apt that has that release
suite_apt()
{
	case $1 in
	bullseye|bookworm)
		separate_apt "$KHO_CACHE/apt-$1" "$1" "$1-updates" "$1-security"
		KHO_APT=$KHO_CACHE/apt-$1/apt.conf ;;
	trixie)
		separate_apt "$KHO_CACHE/apt" trixie trixie-backports
		KHO_APT=$KHO_CACHE/apt/apt.conf ;;
	esac
}

# newer_apt: sets KHO_NEWER_APT to a configuration for kernels that are too new for the
# host's release
newer_apt()
{
	local KHO_APT

	suite_apt trixie
	KHO_NEWER_APT=$KHO_APT
}
