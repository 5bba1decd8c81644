#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian with systemd as process 1, on a stock kernel: Debian 12, and in make soak 13 as
# well.  Nobody calls khoctl load: systemctl kexec and systemctl reboot keep three objects,
# or refuse before anything is stopped, and a package replaces the module meanwhile; day.sh
# has the steps.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
need_packages gcc kmod libfdt-dev libjson-c-dev make pkg-config
here=$KHO_QEMU/systemd
work=$KHO_BUILD/qemu/systemd
stock=$(debian_kernel 6.12 cloud)
release=$(kernel_release "$stock")
ko=$("$KHO_TOP/scripts/build-module.sh" "$release" "$(readlink -e "$stock/headers")")
# Debian 12 runs no program that was built on 13, so it brings its libraries.
make -s -C "$KHO_TOP/tools" O="$work/tools" LDFLAGS=-static "$work/tools/khoctl" >&2

# A package as DKMS's module would be in, with what docs/upgrade.md asks of one.
package=$work/package
rm -rf "$package"
mkdir -p "$package/DEBIAN" "$package/usr/lib/modules/$release/updates/dkms"
other_module 0.2.0 <"$ko" >"$package/usr/lib/modules/$release/updates/dkms/kho.ko"
cat >"$package/DEBIAN/control" <<-C
	Package: kho-module
	Version: 0.2.0
	Architecture: amd64
	Maintainer: nobody <nobody@localhost>
	Description: kho.ko of another version
C
printf '#!/bin/sh\nset -e\nkhoctl upgrade --save\n' >"$package/DEBIAN/preinst"
printf '#!/bin/sh\nset -e\ndepmod -a %s\nkhoctl upgrade --wait 60 || true\n' "$release" \
	>"$package/DEBIAN/postinst"
chmod 755 "$package"/DEBIAN/p*inst
dpkg-deb --root-owner-group -Zxz --build "$package" "$work/kho-module.deb" >&2

# make_disk SUITE: prints its path
make_disk()
{
	local tree add=$work/$1/add

	tree=$("$here/rootfs.sh" "$1" "$stock")
	rm -rf "$work/${1:?}"
	mkdir -p "$add"/{kho-test,etc/systemd/system,etc/default,etc/sysctl.d,boot/grub}
	# For the reason see lib/guest/init.
	echo kernel.randomize_va_space=0 >"$add/etc/sysctl.d/kho-test.conf"
	for part in seal systemd; do
		make -s -C "$KHO_TOP/$part" install PREFIX=/usr DESTDIR="$add" >&2
	done
	rm "$add/etc/kho/kho.conf"
	install -D "$work/tools/khoctl" "$add/usr/sbin/khoctl"
	install -D -m 644 "$KHO_TOP/udev/60-kho.rules" "$add/usr/lib/udev/rules.d/60-kho.rules"
	install -D -m 644 "$KHO_TOP/udev/kho.conf" "$add/usr/lib/sysusers.d/kho.conf"
	install -D -m 644 "$ko" "$add/usr/lib/modules/$release/updates/dkms/kho.ko"
	cp "$here/day.sh" "$KHO_QEMU/lib/guest/lib.sh" "$work/kho-module.deb" "$add/kho-test/"
	cp "$here/units"/*.service "$add/etc/systemd/system/"
	echo kho.service kho-load.timer kho-seal.service kho-test.service kho-canary.service \
		kho-late.service >"$add/kho-test/enable"
	echo getty@tty1.service serial-getty@ttyS0.service apt-daily.timer e2scrub_all.timer \
		apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_reap.service \
		systemd-pstore.service >"$add/kho-test/mask"
	echo 5a4e5d2e0f6b4c1c9d7e8f0a1b2c3d4e >"$add/etc/machine-id"
	: >"$add/etc/fstab"
	# It loads a kernel at each reboot, if nobody else has.
	printf '%s\n' LOAD_KEXEC=true KERNEL_IMAGE=/vmlinuz INITRD=/initrd.img \
		>"$add/etc/default/kexec"
	cat >"$add/boot/grub/grub.cfg" <<-G
		if [ "\${next_entry}" ] ; then
		   set default="\${next_entry}"
		else
		   set default="0"
		fi
		menuentry 'Debian GNU/Linux' --class debian \$menuentry_id_option 'gnulinux-simple' {
			linux	/boot/vmlinuz-$release $words kho.from=grub
			initrd	/boot/initrd.img-$release
		}
	G
	"$here/rootfs.sh" image "$tree" "$add" "$work/$1/disk" ||
		die "making the disk of $1 has failed"
	rm -rf "$add"
}

words="root=/dev/vda rw console=ttyS0 panic=-1 oops=panic printk.devkmsg=on mitigations=off"
words+=" systemd.show_status=no systemd.default_timeout_start_sec=900"
words+=" kho.opt.patience=${KHO_VM_PATIENCE:-1}"
# On a busy host, the guest's only CPU may be away for half a minute.
words+=" watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"
for suite in ${KHO_SUITES:-bookworm}; do
	make_disk "$suite"
	vm_test -1 -o -T 900 -a "$words" \
		-q "-drive file=$work/$suite/disk,if=virtio,format=raw,cache=unsafe" \
		"systemd-$suite" "$stock" "$work/$suite/disk.initrd"
	tap_is "$suite: all kernels were there" \
		"$(sed -n 's/^KHO-STAGE \([0-9]\).*/\1/p' \
			"$KHO_BUILD/qemu/systemd-$suite/verdict.log" | tr '\n' ' ')" '^1 2 3 $'
	rm -f "$work/$suite/disk"
done
tap_done
