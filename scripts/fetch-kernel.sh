#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-kernel.sh [--headers] [SERIES [cloud|rt]]: unpacks Debian's newest kernel of a
# series (6.1 by default), or its cloud or PREEMPT_RT flavour, from the release that
# lib.sh names.  It installs nothing: installing 6.12's headers would install that kernel.
#
# Prints a directory that has
#
#	release			the kernel's release, as of uname -r: REL
#	package			the package that the image is from
#	boot/vmlinuz-REL	unless there is not-bootable, a line that says why
#	boot/config-REL
#	lib/modules/REL/	only the modules that test VMs need
#	headers			a link to what modules are built against; if it has
#				../../../needs-chroot, they are built with the tools
#				of the release that it names, see debian-chroot.sh
#
# With --headers, prints the target of that link, and fetches only the headers.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# All modules take 100 to 400 MiB.  Only these are kept, with their dependencies; the
# second list is of those that need not exist.
vm_modules=(virtio_pci virtio_blk)
other_modules=(virtio_mem efivarfs virtio_balloon i6300esb nvme)

usage()
{
	echo "Usage: ${0##*/} [--headers] [SERIES [cloud|rt]]" >&2
	exit 2
}

headers_only=
if [ "${1-}" = --headers ]; then
	headers_only=1
	shift
fi
[ $# -le 2 ] || usage
series=${1:-6.1}
[[ $series =~ ^[0-9]+\.[0-9]+$ ]] ||
	die "'$series' is not a kernel series such as 6.1"
case ${2-} in
'')	flavour=amd64 ;;
cloud|rt)
	flavour=$2-amd64 ;;
*)	usage ;;
esac
# Up to 6.12, PREEMPT_RT is a different source, with its own headers.
own_headers=
[ "$flavour" != rt-amd64 ] || own_headers=-rt
kernels=$KHO_CACHE/kernels
mkdir -p "$kernels"

# After Debian 13's own series, the image is split into three packages, and all of it is
# in usr/lib/modules/REL/.
split=
case $series in
[0-5].*|6.?|6.1[0-2]) ;;
*)
	[ -z "$own_headers" ] || die "there is no kernel $series of the flavour rt"
	split=1 ;;
esac
series_apt "$series"
need_packages dpkg kmod util-linux xz-utils

# kernel_apt COMMAND...: runs an apt command with the lists that have the series
kernel_apt()
{
	if [ -n "$KHO_APT" ]; then
		APT_CONFIG=$KHO_APT "$@"
	else
		"$@"
	fi
}

version_of()
{
	kernel_apt apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Version: //p'
}

# Sets release, common (the part of release that all flavours share), version, and image,
# which is empty if there is none.  Releases look like 6.1.0-56-amd64,
# 6.12.117+deb12-amd64 and 7.2.12+deb13-cloud-amd64.
locate()
{
	local prefix=linux-image package

	[ -z "$split" ] || prefix=linux-headers
	package=$(kernel_apt apt-cache pkgnames "$prefix-$series." |
		grep -E "^$prefix-$series\.[0-9]+(-[0-9]+|\+[a-z0-9]+)-$flavour\$" |
		sort -V | tail -n 1) || return
	release=${package#"$prefix-"}
	common=${release%-"$flavour"}
	version=$(version_of "$package")
	[ -n "$version" ] || return
	image=$package
	[ -n "$split" ] || return 0

	# Debian signs an image some days after it was built.  Until then there is
	# the same image without a signature.
	for image in "linux-binary-$release" "linux-binary-unsigned-$release" ''
	do
		[ -z "$image" ] || [ "$(version_of "$image")" != "$version" ] ||
			break
	done
}

# download PACKAGE[=VERSION]...: downloads into $tmp; VERSION is $version by default
download()
{
	local package packages=()

	for package; do
		[[ $package = *=* ]] || package+="=$version"
		packages+=("$package")
	done
	# The user that apt switches to can't access a cache below /root.
	(cd "$tmp" && kernel_apt apt-get -o APT::Sandbox::User=root download -qq \
		"${packages[@]}") >&2
}

# Names the results by content: a later signed image and a changed list of modules each
# get a new directory.
name_results()
{
	local kind

	case $image in
	'')		kind=not-bootable ;;
	*-unsigned-*)	kind=unsigned ;;
	*)		kind=signed ;;
	esac
	dir=$kernels/${release}_${version}_${kind}_$(echo "${vm_modules[*]}" \
		"${other_modules[*]}" | sha256sum | cut -c 1-8)
	headers=$kernels/headers-$common${own_headers}_$version
	headers+=/usr/src/linux-headers-$release
}

update()
{
	say "$1: updating apt's lists"
	if [ -n "$KHO_APT" ]; then
		rm -f "${KHO_APT%/*}/updated"
		series_apt "$series"
	else
		apt-get update -qq >&2 || die "apt-get update failed"
	fi
	locate || die "apt has no kernel $series for $flavour"
}

# begin: makes $tmp, a new directory beside the results
begin()
{
	tmp=$(mktemp -d "$kernels/.tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
}

# finish FROM TO REGEX: puts a result in place, and removes older ones, unless a run that
# began before this one may still use them.
finish()
{
	chmod 755 "$1"
	mv -T "$1" "$2"
	rm -rf "$tmp"
	touch "$2"
	find "$kernels" -mindepth 1 -maxdepth 1 -type d -mmin +1440 \
		-regextype posix-extended -regex "$kernels/$3_[^/]*" \
		! -path "$2" -exec rm -rf {} +
}

# get PACKAGE...: downloads packages; if they were replaced meanwhile, starts over.
get()
{
	local old=$version

	say "downloading $* $version"
	download "$@" && return
	update "$1 $version is not there any more"
	[ "$version" != "$old" ] || die "apt-get could not download $*"
	# The packages have other names now.
	rm -rf "$tmp" "$answer"
	exec "${BASH_SOURCE[0]}" "${arguments[@]}"
}

# Fetches the headers of all flavours but rt together, as they share nearly everything.
fetch_headers()
{
	local deb kbuild release_of_tools root=${headers%/usr/src/*}
	local flavours=(amd64 cloud-amd64)

	[ ! -e "$headers/.config" ] || return 0
	kbuild=$(kernel_apt apt-cache show --no-all-versions \
		"linux-headers-$release" |
		sed -n 's/^Depends:.*\(linux-kbuild-[^ ,]*\).*/\1/p')
	[ -z "$own_headers" ] || flavours=("$flavour")
	begin
	# A newer kbuild may have replaced this version before there is an image of it.
	get "${flavours[@]/#/linux-headers-$common-}" \
		"linux-headers-$common-common$own_headers" "$kbuild=$(version_of "$kbuild")"
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$tmp/tree"
	done
	[ -e "$tmp/tree/usr/src/linux-headers-$release/.config" ] ||
		die "linux-headers-$release has no .config"
	rm -rf "$tmp"/tree/usr/share "$tmp"/tree/{usr/,}lib/modules
	# In a chroot the headers are where the package expects them.  On the host, fix the
	# path.
	release_of_tools=$(chroot_for "$series")
	if [ -n "$release_of_tools" ]; then
		echo "$release_of_tools" >"$tmp/tree/needs-chroot"
	else
		sed -i "s,/usr/src/,$root/usr/src/," \
			"$tmp"/tree/usr/src/linux-headers-*-amd64/Makefile
	fi
	finish "$tmp/tree" "$root" \
		"headers-$series\.[0-9]+[-+][a-z0-9]+$own_headers"
}

# Unpacks what is of use into $tmp/tree.
unpack_image()
{
	local deb lib=$tmp/tree/lib/modules/$release

	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$tmp/deb"
	done
	mkdir -p "$tmp/tree/boot" "$tmp/tree/lib/modules"
	# Debian 12's packages have lib/, later ones usr/lib/.
	mv "$tmp"/deb/lib/modules/"$release" "$lib" 2>/dev/null ||
		mv "$tmp"/deb/usr/lib/modules/"$release" "$lib"
	if [ -z "$split" ]; then
		mv "$tmp/deb/boot/config-$release" \
			"$tmp/deb/boot/vmlinuz-$release" "$tmp/tree/boot"
	else
		mv "$lib/config" "$tmp/tree/boot/config-$release"
		if [ -n "$image" ]; then
			mv "$lib"/vmlinuz* "$tmp/tree/boot/vmlinuz-$release"
		fi
	fi
	[ -z "$image" ] || [ -s "$tmp/tree/boot/vmlinuz-$release" ] ||
		die "$image has no kernel image"
}

# Removes all modules that are not wanted.
thin_out()
{
	local root=$tmp/tree lib=$tmp/tree/lib/modules/$release file module

	# Modules that are built into a kernel have no file.
	depmod -b "$root" "$release"
	modprobe -d "$root" -S "$release" -D -a "${vm_modules[@]}" \
		>"$tmp/needed" || die "$release lacks one of ${vm_modules[*]}"
	for module in "${other_modules[@]}"; do
		modprobe -d "$root" -S "$release" -D "$module" \
			>>"$tmp/needed" 2>/dev/null || true
	done
	sed -n 's/^insmod \([^ ]*\).*/\1/p' "$tmp/needed" |
		sort -u >"$tmp/wanted"
	mkdir "$tmp/kept"
	while read -r file; do
		install -D -m 644 "$file" "$tmp/kept/${file#*"/$release/"}"
	done <"$tmp/wanted"
	find "$lib" -mindepth 1 -maxdepth 1 ! -name 'modules.builtin*' \
		! -name modules.order -exec rm -rf {} +
	cp -r "$tmp/kept"/. "$lib/"
	# modules.order still names the removed ones, which does no harm.
	depmod -b "$root" "$release"
}

fetch()
{
	local packages=("$image")

	if [ -n "$split" ]; then
		packages=("linux-modules-$release" "linux-base-$release" \
			${image:+"$image"})
	fi
	begin
	get "${packages[@]}"
	unpack_image
	thin_out
	echo "$release" >"$tmp/tree/release"
	echo "${image:-none} $version" >"$tmp/tree/package"
	[ -n "$image" ] || echo "Debian has no image of $release $version" \
		"(linux-binary-$release)" >"$tmp/tree/not-bootable"
	ln -s "../${headers#"$kernels/"}" "$tmp/tree/headers"
	finish "$tmp/tree" "$dir" "$series\.[0-9]+[-+][a-z0-9]+-$flavour"
}

arguments=("$@")
[ -z "$headers_only" ] || arguments=(--headers "$@")

# Asking apt takes seconds, so the answer is kept until its lists change.
answer=$kernels/.newest-$series-$flavour
lists=/var/lib/apt/lists
[ -z "$KHO_APT" ] || lists=${KHO_APT%/*}/updated
if [ "$answer" -nt "$lists" ]; then
	read -r release common version image <"$answer"
elif ! locate; then
	update "apt knows no kernel $series"
fi
name_results
if ! [ "$answer" -nt "$lists" ]; then
	echo "$release $common $version $image" >"$answer.$$"
	mv "$answer.$$" "$answer"
fi

# Only one run at a time fetches; the others find it done.
if [ ! -e "$headers/.config" ] || [ ! -e "$dir/release" ]; then
	exec 9>"$kernels/.lock-$series"
	flock 9
fi
fetch_headers
if [ -n "$headers_only" ]; then
	echo "$headers"
else
	[ -e "$dir/release" ] || fetch
	echo "$dir"
fi
