#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mkinitramfs.sh [--bench] KERNELDIR...: makes an initramfs for test VMs with any of
# these kernels, which fetch-kernel.sh and build-kernel.sh print.  It has programs of the
# host's packages, our programs, and the module as dkms builds it for each kernel.
# Kernels of the same release share modules, and must have the same headers.  --bench
# adds what tests/bench/ has for guests.  Prints the image's path; an image with the same
# contents is not made again.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

bench=
if [ "${1-}" = --bench ]; then
	bench=1
	shift
fi
[ $# -gt 0 ] || die "usage: mkinitramfs.sh [--bench] KERNELDIR..."

need_packages busybox-static cpio gcc kexec-tools kmod \
	libc6-dev libc6-dev-i386 libfdt-dev libjson-c-dev make pkg-config zstd \
	xz-utils makedumpfile
# gcc-multilib would bring it for any gcc, but conflicts with cross compilers.
need_packages "lib32gcc-$(gcc -dumpversion)-dev"

here=$KHO_TOP/tests/qemu
out=$KHO_BUILD/qemu/initramfs
bin=$KHO_BUILD/qemu/bin
mkdir -p "$out" "$bin"
exec 9>"$out/.lock"
flock 9

# Drivers for the VM's disk, where they aren't built in; and those that tests load, where
# there are any.
drivers=(virtio_pci virtio_blk)
others=(virtio_mem efivarfs virtio_balloon i6300esb nvme)

make -s -C "$KHO_TOP/tools" >&2 9>&-
khoctl=$KHO_BUILD/tools/khoctl
libkho=$KHO_BUILD/tools/libkho.a
make -s -C "$KHO_TOP/examples" TREE=1 O="$bin" >&2 9>&-

# compile PROGRAM SOURCES [OPTION...]: -static is for programs that are started often,
# or for which the guest has no libraries
progs=$here/progs
compile()
{
	local program=$bin/$1 sources=$2 file

	shift 2
	if [ ! -e "$program" ] ||
	   [ -n "$(find "$progs" "$KHO_TOP/include" "$KHO_TOP/tools/libkho" \
		   -name '*.[ch]' -newer "$program" -print -quit)" ]; then
		for file in $sources; do
			set -- "$progs/$file" "$@"
		done
		gcc -std=gnu11 -O2 -Wall -Wextra -Werror \
			-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -s \
			"-I$progs/lib" "-I$KHO_TOP/include" "-I$KHO_TOP/include/uapi" \
			-o "$program" "$@" >&2
	fi
}

compile agent 'agent/agent.c agent/agent-apart.c agent/agent-mainline.c agent/agent-scratch.c
	agent/agent-status.c agent/agent-where.c' -static
compile keeper agent/keeper.c "-I$KHO_TOP/tools/libkho" "$libkho"
ioctl_test='ioctl/ioctl-test.c ioctl/ioctl-cases.c ioctl/ioctl-envelopes.c lib/ioctl.c'
compile ioctl-test "$ioctl_test"
compile fail-nth 'faults/fail-nth.c faults/fail-objects.c faults/fail-pages.c lib/ioctl.c'
compile kill-points 'faults/kill-points.c lib/ioctl.c'
compile kill-steps faults/kill-steps.c -static
memory_test='memory/memory-test.c memory/ioctl-access.c memory/ioctl-many.c
	memory/ioctl-memory.c memory/ioctl-objects.c memory/ioctl-pinned.c
	memory/ioctl-using.c lib/ioctl.c'
compile memory-test "$memory_test"
compile memory 'memory/memory.c lib/ioctl.c'
compile place 'memory/place.c lib/ioctl.c' -static
compile poison 'memory/poison.c lib/ioctl.c'
compile race-test 'races/race-test.c races/race-held.c lib/ioctl.c'
compile guard 'guard/guard.c guard/guard-limits.c guard/guard-view.c lib/ioctl.c' -pthread
compile dma 'devices/dma.c lib/ioctl.c'
compile upgrade upgrade/upgrade.c
# The host runs it, too, to make a slate and to read it.
compile kho-fuzz 'fuzz/core.c fuzz/main.c fuzz/model.c fuzz/ops-change.c fuzz/ops-device.c
	fuzz/ops-map.c fuzz/ops-object.c fuzz/ops-page.c fuzz/ops-pin.c fuzz/ops-shared.c' -static -pthread
# 32-bit callers.  The architecture's header files serve both sizes.
compile ioctl-test32 "$ioctl_test" \
	-static -m32 -idirafter "/usr/include/$(gcc -print-multiarch)"
compile memory-test32 "$memory_test" \
	-static -m32 -idirafter "/usr/include/$(gcc -print-multiarch)"

# ---- List what goes in: "source destination" ----

list=()
add()
{
	list+=("$1 $2")
}

# add_program FILE: with the libraries that it needs
add_program()
{
	local lib

	add "$1" "bin/${1##*/}"
	while read -r lib; do
		add "$lib" "${lib#/}"
	done < <(ldd "$1" 2>/dev/null | grep -oE '/[^ )]+' | sort -u)
}

add "$here/lib/guest/init" init
add "$here/lib/guest/lib.sh" guest/lib.sh

# add_guest FILE: a script that the guest's init reads
declare -A guests
add_guest()
{
	local name=${1##*/}

	[ -z "${guests[$name]-}" ] || die "$1 and ${guests[$name]} have one name"
	guests[$name]=$1
	add "$1" "guest/$name"
}

# Guest scripts lie beside the test that runs them.  Scripts that can be executed are for
# the host, and so is lib/.
for file in "$here"/*/*.sh "$KHO_TOP"/tests/{demo,matrix}/guest/*.sh; do
	[ -x "$file" ] || [ "${file%/*}" = "$here/lib" ] || add_guest "$file"
done
add /bin/busybox bin/busybox
if [ -n "$bench" ]; then
	for file in "$KHO_TOP"/tests/bench/guest/*.sh; do
		add_guest "$file"
	done
	add "$("$KHO_TOP/tests/bench/build.sh")" bin/bench
	# busybox's cp copies in smaller pieces.
	add_program /bin/cp
fi
programs=(agent dma fail-nth guard keeper kill-points kill-steps kho-fuzz kvcache
	ioctl-test ioctl-test32 memory memory-test memory-test32 place poison race-test
	upgrade)
for file in "${programs[@]}"; do
	add_program "$bin/$file"
done
add_program /sbin/kexec
add_program /usr/bin/makedumpfile
add_program "$khoctl"
# khoctl unpacks kernel images by these; busybox knows only some of the formats.
for file in xz zstd; do
	add_program "/usr/bin/$file"
done

# Kernel modules go in uncompressed: kernels differ in the compression that they know.
add_module()
{
	local ko=$1 plain

	case $ko in
	*.xz)
		plain=$out/modules/$release/$(basename "$ko" .xz)
		mkdir -p "${plain%/*}"
		if [ ! "$plain" -nt "$ko" ]; then
			xz -dc "$ko" >"$plain.new"
			mv "$plain.new" "$plain"
		fi
		ko=$plain
		;;
	esac
	add "$ko" "$2/${ko##*/}"
	module=${ko##*/}
}

# Modules to insert, in that order: at each boot, and for each driver that a test may load
loads=()
needs=()
declare -A headers_of
for dir; do
	release=$(cat "$dir/release")
	headers=$(readlink -e "$dir/headers") ||
		die "$dir has no headers to build modules against"
	if [ -n "${headers_of[$release]-}" ]; then
		[ "${headers_of[$release]}" = "$headers" ] ||
			die "two kernels are called $release, and their headers differ"
		continue
	fi
	headers_of[$release]=$headers
	ko=$("$KHO_TOP/scripts/build-module.sh" "$release" "$headers" 9>&-)
	add "$ko" "lib/modules/$release/kho/kho.ko"
	tests=$("$KHO_TOP/scripts/build-module.sh" --test "$release" \
		"$headers" 9>&-)
	for ko in "$tests"/*.ko; do
		add "$ko" "lib/modules/$release/kho/${ko##*/}"
	done
	if [ -n "$bench" ]; then
		tests=$("$KHO_TOP/scripts/build-module.sh" --bench "$release" \
			"$headers" 9>&-)
		for ko in "$tests"/*.ko; do
			add "$ko" "lib/modules/$release/kho/${ko##*/}"
		done
	fi

	[ -d "$dir/lib/modules/$release" ] || continue
	load=
	while read -r ko; do
		add_module "$ko" "lib/modules/$release"
		load+=$module$'\n'
	done < <(modprobe -d "$dir" -S "$release" -D -a "${drivers[@]}" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++')
	loads+=("$release" "$load")
	for other in "${others[@]}"; do
		load=
		while read -r ko; do
			add_module "$ko" "lib/modules/$release"
			load+=$module$'\n'
		done < <({ modprobe -d "$dir" -S "$release" -D "$other" 2>/dev/null || true; } |
			sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++')
		needs+=("$release $other" "$load")
	done
done

# ---- Put it together ----

key=$(
	{
		cat "${BASH_SOURCE[0]}"
		printf '%s\n' "${loads[@]}" "${needs[@]}"
		for entry in "${list[@]}"; do
			echo "${entry#* }"
			sha256sum <"${entry% *}"
		done
	} | sha256sum | cut -c 1-16
)
image=$out/$key.cpio
if [ ! -e "$image" ]; then
	tmp=$(mktemp -d "$out/.tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	root=$tmp/root
	chmod 755 "$tmp"
	mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,run,tmp}

	for entry in "${list[@]}"; do
		install -D "${entry% *}" "$root/${entry#* }"
	done
	chmod 755 "$root/init"
	while read -r applet; do
		[ -e "$root/bin/$applet" ] ||
			ln -s busybox "$root/bin/$applet"
	done < <(/bin/busybox --list)
	echo 'root::0:0:root:/:/bin/sh' >"$root/etc/passwd"
	echo 'nobody:*:65534:65534:nobody:/:/bin/sh' >>"$root/etc/passwd"
	echo "PS1='(successor) # '" >"$root/etc/profile"
	set -- "${loads[@]}"
	while [ $# -gt 0 ]; do
		printf '%s' "$2" >"$root/lib/modules/$1/load"
		shift 2
	done
	set -- "${needs[@]}"
	while [ $# -gt 0 ]; do
		mkdir -p "$root/lib/modules/${1% *}/needs"
		printf '%s' "$2" >"$root/lib/modules/${1% *}/needs/${1#* }"
		shift 2
	done

	(cd "$root" && find . | LC_ALL=C sort |
		cpio -o -H newc -R 0:0 --quiet) >"$tmp/image"
	find "$out" -name '*.cpio' -mmin +1440 -delete
	mv "$tmp/image" "$image"
fi
echo "$image"
