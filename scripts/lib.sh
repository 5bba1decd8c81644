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
	mkdir -p "$KHO_CACHE"
	# Two tests at a time may each want something, and apt waits for nobody.
	{
		flock 7 &&
		apt-get update -qq 7>&- &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends "${missing[@]}" 7>&-
	} >&2 7>"$KHO_CACHE/install.lock" ||
		die "apt-get could not install ${missing[*]}"
}

# newer_apt: sets KHO_NEWER_APT to a configuration for apt that knows trixie and
# trixie-backports, by Debian's own keyring, in the cache: for kernels that are
# newer than this release.  It has lists and a status of its own; nothing can be
# installed by it, and what the host's apt knows stays as it is.
newer_apt()
{
	local dir=$KHO_CACHE/apt keyring suite

	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	need_packages debian-archive-keyring
	KHO_NEWER_APT=$dir/apt.conf
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	exec 8>"$dir/.lock"
	flock 8
	if [ ! -e "$dir/updated" ] ||
	   [ -n "$(find "$dir/updated" -mmin +1440)" ]; then
		for suite in trixie trixie-backports; do
			echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main"
		done >"$dir/sources.list"
		: >"$dir/status"
		cat >"$KHO_NEWER_APT" <<-E
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
		say "asking apt for the kernels of trixie and trixie-backports"
		if APT_CONFIG=$KHO_NEWER_APT apt-get update -qq >&2; then
			touch "$dir/updated"
		else
			[ -e "$dir/updated" ] ||
				die "apt-get update failed for trixie"
			say "apt-get update failed, going on with the lists there are"
		fi
	fi
	exec 8>&-
}
