#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build-kho-v1.sh: builds a small kernel whose own KHO is of the format kho-v1, which
# kernels from 6.16 to 7.0 have.  No release of Debian has kept one of these.  So this is
# Debian's 7.2, which differs from 7.0 in what it does with a handover only once it has
# found it to be of its own format; it is made to have that name for the format, and to
# say that it is 7.0.
#
# Prints a directory as build-kernel.sh does.  It is a script of its own because all of
# build-kernel.sh counts for whether the other kernels have to be built again.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -eq 0 ] || die "usage: build-kho-v1.sh"
package=linux-source-7.2
name=kho-v1
fragments=("$KHO_TOP/tests/qemu/config/common.config"
	   "$KHO_TOP/tests/qemu/config/mainline.config")

# The caller may be a make with ideas of its own.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KBUILD_OUTPUT O
unset ARCH CROSS_COMPILE LOCALVERSION KCONFIG_CONFIG KCFLAGS KAFLAGS

need_packages gcc make flex bison bc libc6-dev libelf-dev libssl-dev xz-utils
newer_apt
version=$(APT_CONFIG=$KHO_NEWER_APT apt-cache show --no-all-versions "$package" |
	sed -n 's/^Version: //p')
[ -n "$version" ] || die "trixie-backports has no $package"
hash=$({
	echo "$package $version"
	dpkg-query -W gcc binutils
	gcc -dumpfullversion
	cat "${fragments[@]}" "${BASH_SOURCE[0]}"
} | sha256sum | cut -c 1-16)
out=$KHO_CACHE/$name-$hash

exec 9>"$KHO_CACHE/$name.lock"
if ! flock -n 9; then
	say "waiting for another build of $name"
	flock 9
fi
if [ -f "$out/bzImage" ]; then
	echo "$out"
	exit 0
fi
work=$(mktemp -d "$KHO_CACHE/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$KHO_CACHE/$name.log
src=$work/src

# run COMMAND...: into the log, which is shown if it fails.
run()
{
	if ! "$@" >>"$log" 2>&1 9>&-; then
		tail -n 25 "$log" >&2
		die "failed: $* (all of the log: $log)"
	fi
}

kmake()
{
	run make -C "$src" -j"$(nproc)" KBUILD_BUILD_USER=kho \
		KBUILD_BUILD_HOST=kho \
		KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' "$@"
}

say "building $name-$hash, some minutes; log: $log"
: >"$log"
(cd "$work" && APT_CONFIG=$KHO_NEWER_APT apt-get download -qq "$package=$version") >&2 ||
	die "apt-get could not download $package $version"
run dpkg-deb -x "$work"/*.deb "$work/package"
mkdir "$src"
run tar -xf "$work/package/usr/src/$package.tar.xz" --strip-components=1 -C "$src"
rm -rf "$work"/*.deb "$work/package"

header=$src/include/linux/kho/abi/kexec_handover.h
grep -q '^#define KHO_FDT_COMPATIBLE "kho-v[34]"$' "$header" ||
	die "$package does not say by a macro what it speaks"
sed -i 's/"kho-v[34]"/"kho-v1"/' "$header"
! grep -rqE '"kho-v[0-9]*[02-9]"' "$src/kernel/liveupdate" "$src/include/linux/kho" ||
	die "$package has another name of a format"
sed -i -e 's/^VERSION = .*/VERSION = 7/' -e 's/^PATCHLEVEL = .*/PATCHLEVEL = 0/' \
	"$src/Makefile"

kmake tinyconfig
cat "${fragments[@]}" >>"$src/.config"
kmake olddefconfig
for line in CONFIG_KEXEC=y CONFIG_KEXEC_HANDOVER=y CONFIG_MODULES=y; do
	grep -qx "$line" "$src/.config" || die "not in the final .config: $line"
done
kmake bzImage modules

mkdir "$work/out" "$work/out/headers"
cp "$src/arch/x86/boot/bzImage" "$src/System.map" "$work/out"
cp "$src/.config" "$work/out/config"
cp "$src/include/config/kernel.release" "$work/out/release"
# What a module's build reads, as in build-kernel.sh
(
	cd "$src"
	{
		find . arch/x86 -maxdepth 1 -name 'Makefile*'
		find include scripts arch/x86/include -type f
		find tools/objtool -maxdepth 1 -name objtool -type f
		echo .config
		echo Module.symvers
	} | grep -v -e '\.o$' -e '\.cmd$' |
		tar -cf - -T - | tar -xf - -C "$work/out/headers"
)
strip "$work/out/headers/tools/objtool/objtool"
find "$KHO_CACHE" -maxdepth 1 -type d -mmin +120 -name "$name-[0-9a-f]*" -exec rm -rf {} +
mv "$work/out" "$out"
echo "$out"
