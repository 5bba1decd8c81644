#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rootfs.sh SUITE KERNELDIR: makes a small Debian with systemd as process 1 and with the
# kernel of KERNELDIR, which fetch-kernel.sh has printed, installed from its package.  Prints
# its directory, which is in the cache and must not be changed.
#
# rootfs.sh image TREE DIR IMAGE: makes a disk of TREE with the files of DIR added, with an
# initramfs by its own update-initramfs, which is left in IMAGE.initrd.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

# As on a real machine, but for what takes an emulated one time.  The modules are those that
# the initramfs needs.
packages=systemd,systemd-sysv,udev,kmod,dbus,kexec-tools,initramfs-tools,busybox-static
packages+=,zstd,xz-utils,libjson-c5,libfdt1
modules=(virtio_pci virtio_blk ext4)

# in_tree TREE COMMAND...: runs it there; the mounts are gone when it ends
in_tree()
{
	# shellcheck disable=SC2016  # for that shell
	unshare --mount --propagation private sh -euc '
		tree=$1
		shift
		mount -t proc proc "$tree/proc"
		mount --bind /dev "$tree/dev"
		exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp \
			LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"' sh "$@"
}

make_tree()
{
	local tmp log=$KHO_CACHE/systemd-$suite.log

	tmp=$(mktemp -d "$KHO_CACHE/.systemd.XXXXXX")
	# shellcheck disable=SC2064  # expand it now: tmp is local
	trap "rm -rf --one-file-system '$tmp'" EXIT
	say "unpacking Debian $suite with systemd, one or two minutes; log: $log"
	mkdir "$tmp/deb"
	read -r package version <"$kerneldir/package"
	series_apt "$series"
	(cd "$tmp/deb" && APT_CONFIG=${KHO_APT:-/dev/null} apt-get -qq \
		-o APT::Sandbox::User=root download "$package=$version") >&2 ||
		die "apt-get could not download $package $version"
	{
		unshare --mount --propagation private debootstrap --variant=minbase \
			--arch=amd64 --include="$packages" \
			--keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
			"$suite" "$tmp/tree" http://deb.debian.org/debian &&
		mkdir -p "$tmp/tree/etc/initramfs-tools/conf.d" &&
		echo MODULES=list >"$tmp/tree/etc/initramfs-tools/conf.d/kho-test" &&
		printf '%s\n' "${modules[@]}" >"$tmp/tree/etc/initramfs-tools/modules" &&
		cp "$tmp/deb"/*.deb "$tmp/tree/tmp/kernel.deb" &&
		in_tree "$tmp/tree" dpkg -i /tmp/kernel.deb
	} >"$log" 2>&1 9>&- || {
		tail -n 5 "$log" >&2
		die "making a Debian $suite has failed, see $log"
	}
	# Remove what is not needed.
	rm -rf "$tmp/tree"/var/cache/apt/* "$tmp/tree"/var/lib/apt/lists/* \
		"$tmp/tree"/usr/share/{doc,man,info,locale,i18n}/* "$tmp/tree"/tmp/*
	mv -T "$tmp/tree" "$tree"
	rm -rf "$tmp"
}

make_image()
{
	local tree=$1 add=$2 image=$3 tmp release

	release=$(basename "$tree"/boot/vmlinuz-*)
	release=${release#vmlinuz-}
	tmp=$(mktemp -d "$(dirname "$image")/.image.XXXXXX")
	mkdir "$tmp/upper" "$tmp/work" "$tmp/merged"
	# As root of the disk; what mktemp makes is closed.
	chmod 755 "$tmp/upper" "$tmp/merged"
	cp -a "$add/." "$tmp/upper/"
	# shellcheck disable=SC2016  # for that shell
	unshare --mount --propagation private sh -euc '
		cd "$1"
		mount -t tmpfs tmpfs work -o size=1g
		mkdir work/upper work/work
		cp -a upper/. work/upper/
		mount -t overlay overlay merged \
			-o "lowerdir=$2,upperdir=work/upper,workdir=work/work"
		mount -t proc proc merged/proc
		mount --bind /dev merged/dev
		chroot merged env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C sh -euc "
			depmod $4
			systemd-sysusers kho.conf
			update-initramfs -u -k $4
			systemctl -q enable \$(cat /kho-test/enable)
			systemctl -q mask \$(cat /kho-test/mask)" >&2
		umount merged/proc merged/dev
		cp "merged/boot/initrd.img-$4" "$3.initrd"
		rm -f "$3"
		mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d merged "$3" 700M' sh \
		"$tmp" "$tree" "$image" "$release" || return
	rm -rf "$tmp"
}

[ "$(id -u)" -eq 0 ] || die "only root can make a Debian"
need_packages debootstrap debian-archive-keyring e2fsprogs util-linux
if [ "${1-}" = image ]; then
	[ $# -eq 4 ] || die "usage: rootfs.sh image TREE DIR IMAGE"
	make_image "${@:2}"
	exit
fi
[ $# -eq 2 ] || die "usage: rootfs.sh SUITE KERNELDIR"
suite=$1 kerneldir=$2
series=$(cut -d . -f 1,2 "$kerneldir/release")
key=$({
	echo "$packages" "${modules[@]}"
	declare -f make_tree in_tree
	cat "$kerneldir/package"
} | sha256sum | cut -c 1-12)
tree=$KHO_CACHE/systemd-$suite-$key
mkdir -p "$KHO_CACHE"
if [ ! -d "$tree" ]; then
	exec 9>"$KHO_CACHE/systemd-$suite.lock"
	flock 9
	if [ ! -d "$tree" ]; then
		make_tree
		# Those of earlier kernels, unless a run that began before this may use them.
		find "$KHO_CACHE" -mindepth 1 -maxdepth 1 -type d -mmin +1440 \
			-name "systemd-$suite-*" ! -path "$tree" -exec rm -rf {} +
	fi
	exec 9>&-
fi
echo "$tree"
