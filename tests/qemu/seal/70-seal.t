#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who can read what was preserved, on a stock kernel that is booted with Debian's
# own initramfs and systemd?  With the hook of seal/ only, with its unit only, and
# with neither; and in an initramfs of dracut's.  The module closes the envelopes as
# well, so it is not loaded there until everything else has been checked.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
need_packages busybox-static cpio gcc gzip initramfs-tools-core kmod make mount \
	systemd udev
stock=$(quick_stock_kernel)
release=$(cat "$stock/release")
image=$(initramfs "$stock")
pages=256

here=$KHO_QEMU/seal
work=$KHO_BUILD/qemu/seal
rm -rf "$work"
mkdir -p "$work/successor" "$work/kho-test"
ln -s "$stock/boot/vmlinuz-$release" "$work/successor/bzImage"

gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -D_GNU_SOURCE \
	-D_FILE_OFFSET_BITS=64 "-I$KHO_QEMU/progs/lib" "-I$KHO_TOP/include" \
	"-I$KHO_TOP/include/uapi" -o "$work/kho-test/reader" "$here/reader.c"
cp "$here/probe.sh" "$KHO_QEMU/lib/guest/lib.sh" "$work/kho-test/"

# As "make install" leaves it.
dest=$work/installed
make -s -C "$KHO_TOP/seal" install PREFIX=/usr DESTDIR="$dest"
mkdir -p "$dest/usr/lib/modules"

# ---- The initramfs, by mkinitramfs and by dracut ----

# privately LOWER COMMAND...: runs it in a mount namespace in which the kernel and the
# files of the directories LOWER are installed.  The host's own files stay as they are.
cat >"$work/private.sh" <<'E'
set -eu
lower=$1 stock=$2
shift 2
mount -t overlay overlay -o "lowerdir=$lower:/usr" /usr
mount --bind "$stock/lib/modules" /usr/lib/modules
mount --bind "$stock/boot" /boot
exec "$@"
E
privately()
{
	local log=$work/private.log

	unshare -m sh "$work/private.sh" "$1" "$stock" "${@:2}" >"$log" 2>&1 || {
		sed 's/^/# /' "$log"
		die "$2 has failed"
	}
}

# make_initramfs NAME USR BUSYBOX: USR is laid over /usr
make_initramfs()
{
	local confdir=$work/conf-$1

	mkdir -p "$confdir/conf.d"
	cp -r "$here/initramfs/." "$work/kho-test" "$confdir/"
	cat >"$confdir/initramfs.conf" <<-E
		MODULES=list
		BUSYBOX=$3
		COMPRESS=gzip
		COMPRESSLEVEL=1
		KEYMAP=n
		RESUME=none
		FSTYPE=auto
	E
	printf '%s\n' virtio_pci virtio_blk >"$confdir/modules"
	privately "$2" mkinitramfs -d "$confdir" -o "$work/$1.cpio" "$release"
}

mkdir -p "$work/nothing/lib/modules"
make_initramfs hook "$dest/usr" y
make_initramfs plain "$work/nothing" y

# in_image NAME FILE: prints 1 if the file is in the image, otherwise 0
in_image()
{
	lsinitramfs "$work/$1.cpio" | grep -cx "$2" || true
}

for file in usr/sbin/kho-seal scripts/init-top/kho-seal; do
	tap_is "the hook puts $file into the image" "$(in_image hook "$file")" \
		'^1$'
	tap_is "without it there is no $file" "$(in_image plain "$file")" '^0$'
done

# Without busybox there is klibc, which has no chmod.
make_initramfs klibc "$dest/usr" n
mkdir "$work/klibc"
unmkinitramfs "$work/klibc.cpio" "$work/klibc"
root=$(dirname "$(find "$work/klibc" -maxdepth 2 -name init)")
node=$root/sys/kernel/boot_params/setup_data/0
mkdir -p "$node"
echo 0x4b484f45 >"$node/type"
echo secret >"$node/data"
chmod 444 "$node/data"
tap_is "this one has no busybox" \
	"$(find "$root/" -name busybox | wc -l)" '^0$'
tap_is "kho-seal works in it" \
	"$(chroot "$root" /usr/sbin/kho-seal 2>&1) $(stat -c %a "$node/data")" \
	'^kho-seal: 1 of 1 envelopes closed to all users but root 400$'

# dracut is only unpacked: installing its package would change the host.
fetch_dracut()
{
	local version

	version=$(apt-cache show --no-all-versions dracut-core 2>&- |
		sed -n 's/^Version: //p') || return
	dracut=$KHO_CACHE/dracut-$version
	[ ! -e "$dracut" ] || return 0
	say "downloading dracut-core $version"
	rm -rf "$work/deb"
	mkdir -p "$work/deb"
	(cd "$work/deb" && apt-get -o APT::Sandbox::User=root -qq download \
		"dracut-core=$version") >&2 || return
	dpkg-deb -x "$work/deb"/*.deb "$work/deb/root" || return
	mv -T "$work/deb/root" "$dracut" 2>&- || [ -e "$dracut" ]
}

if ! fetch_dracut; then
	apt-get update -qq >&2 || die "apt-get update failed"
	fetch_dracut || die "apt-get could not download dracut-core"
fi
module=$work/dracut-test/lib/dracut/modules.d/99kho-test
mkdir -p "${module%/*}" "$work/dracut-conf"
cp -r "$here/dracut/99kho-test" "$module"
cp -r "$work/kho-test" "$module/"
: >"$work/dracut.conf"
privately "$dest/usr:$work/dracut-test:$dracut/usr" dracut --force --gzip \
	--no-hostonly --no-hostonly-cmdline --no-early-microcode \
	--conf "$work/dracut.conf" --confdir "$work/dracut-conf" \
	--modules "base kho-seal kho-test" --no-kernel \
	--kver "$release" "$work/dracut.cpio"
tap_is "dracut calls kho-seal before all others" \
	"$(lsinitramfs "$work/dracut.cpio" | LC_ALL=C sort |
	   grep -m 1 'dracut/hooks/cmdline/.*\.sh')" '/00-kho-seal\.sh$'

# ---- The root file system: systemd as its package has it ----

# add_elf ROOT FILE...: with the libraries that they need
add_elf()
{
	local root=$1 file

	shift
	for file; do
		install -D "$(readlink -f "$file")" "$root$file"
	done
	while read -r file; do
		[ -e "$root$file" ] || install -D "$file" "$root$file"
	done < <(ldd "$@" 2>/dev/null | grep -oE '/[^ )]+\.so[^ )]*' | sort -u)
}

# make_root ROOT
make_root()
{
	local root=$1 dir file elf=()

	mkdir -p "$root/usr"/{bin,sbin,lib,lib64} "$root"/{mnt,tmp}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$root/$dir"
	done
	mkdir -p "$root"/{dev,etc/systemd/system,proc,run,sys,var/log,kho-test}

	# Without this machine's configuration and without documentation.
	dpkg -L systemd | grep -E '^(/usr)?/(bin|lib)/' |
		grep -vE '/(lsb|kernel|modprobe\.d|pam\.d|pcrlock\.d)/' |
		while read -r file; do
			[ -d "$file" ] || echo "$file"
		done >"$work/files"
	tar -cf - -P -T "$work/files" | tar -xf - -C "$root" -P \
		--transform "s,^,$root," --keep-directory-symlink
	while read -r file; do
		[[ ! -x $file || $file == *.so* ]] || elf+=("$file")
	done <"$work/files"
	add_elf "$root" "${elf[@]}" /bin/mount /bin/umount /bin/kmod
	cp /bin/busybox "$root/bin/busybox"
	while read -r file; do
		[ -e "$root/bin/$file" ] || [ -e "$root/sbin/$file" ] ||
			ln -s busybox "$root/bin/$file"
	done < <(busybox --list)
	ln -sf kmod "$root/bin/modprobe"
	ln -sf ../lib/systemd/systemd "$root/sbin/init"

	echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
	echo 'nobody:x:65534:65534:nobody:/:/bin/false' >>"$root/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
	echo 5a4e5d2e0f6b4c1c9d7e8f0a1b2c3d4e >"$root/etc/machine-id"
	: >"$root/etc/fstab"
	# Debian 13's systemd runs it, and it is in another package.
	ln -s /dev/null "$root/etc/systemd/system/ldconfig.service"
	cp "$work/kho-test"/* "$root/kho-test/"

	cp "$here/units"/*.service "$here/units"/*.target \
		"$root/etc/systemd/system/"
	systemctl --root="$root" -q enable probe-early.service \
		probe-late.service probe-container.service kho-test.service
	systemctl --root="$root" -q set-default kho-test.target
}

root=$work/root
make_root "$root"
tar -I 'gzip -1' -cf "$work/root-plain.tar.gz" -C "$root" .
# Where nothing else closes the envelopes, the second kernel runs kho-seal, but too late.
cp "$dest/usr/sbin/kho-seal" "$root/usr/sbin/"
headers=
[ ! -d "$stock/headers" ] || headers=$stock/headers
cp "$("$KHO_TOP/scripts/build-module.sh" "$release" "$headers")" \
	"$root/kho-test/kho.ko"
tar -I 'gzip -1' -cf "$work/root-none.tar.gz" -C "$root" .
rm "$root/kho-test/kho.ko"
make -s -C "$KHO_TOP/seal" install PREFIX=/usr DESTDIR="$root"
systemctl --root="$root" -q enable kho-seal.service
mkdir -p "$root/etc/systemd/system/kho-seal.service.d"
cp "$here/units/slow.conf" "$root/etc/systemd/system/kho-seal.service.d/"
tar -I 'gzip -1' -cf "$work/root-unit.tar.gz" -C "$root" .

# ---- Run ----

# run NAME SEAL INITRAMFS [ROOT]
run()
{
	local name=seal-$1 files=$work/files-$1 disk

	mkdir -p "$files/kho-test"
	cp "$work/kho-test/reader" "$files/kho-test/"
	[ -z "${4-}" ] || ln -s "$4" "$files/root.tar.gz"
	disk=$(payload "$name" "$work/successor" "$3" "$files")
	vm_test -1 -t seal -p "$disk" -T 240 \
		-a "kho.opt.seal=$2 kho.opt.pages=$pages" "$name" "$stock" "$image"
	tap_is "$name: the second kernel was there" \
		"$(sed -n 's/^KHO-STAGE //p' \
			"$KHO_BUILD/qemu/$name/verdict.log" | tr '\n' ';')" \
		"^1 $(pattern_of "$stock");2 $(pattern_of "$stock");\$"
}

run hook hook "$work/hook.cpio" "$work/root-plain.tar.gz"
run unit unit "$work/plain.cpio" "$work/root-unit.tar.gz"
run none none "$work/plain.cpio" "$work/root-none.tar.gz"
# dracut calls the same hook, as was checked above, so this run is only for soak tests.
[ -z "${KHO_SOAK-}" ] || run dracut hook "$work/dracut.cpio"

tap_done
