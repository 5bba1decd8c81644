#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build-module.sh [--test|--bench] RELEASE [HEADERS]: builds kho.ko for a kernel with the
# real dkms, in its own trees below build/.  It installs nothing, and does not touch the
# host's dkms.  HEADERS is what modules are built against, by default
# /usr/src/linux-headers-RELEASE.  Headers that this Debian can't build against, as
# fetch-kernel.sh unpacks them, are used in a chroot of the release that they name.
#
# Prints the path of kho.ko.  With --test, prints the directory of the test modules, which
# are built against it; with --bench, that of the benchmark modules.  Builds only if
# something has changed.  A warning counts as a failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

modules=
case ${1-} in
--test|--bench)
	modules=${1#--}
	shift ;;
esac
[[ $# -eq 1 || $# -eq 2 ]] ||
	die "usage: build-module.sh [--test|--bench] RELEASE [HEADERS]"
release=$1
headers=$(readlink -f "${2:-/usr/src/linux-headers-$release}") || headers=
[ -e "$headers/Makefile" ] ||
	die "${2:-/usr/src/linux-headers-$release} has no kernel headers to build modules against"

# If the caller is make, its variables must not reach our makes.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KBUILD_OUTPUT O
unset ARCH CROSS_COMPILE LOCALVERSION KCFLAGS KAFLAGS

scripts=$KHO_TOP/scripts
chroot='' suite=''
if [ -e "$headers/../../../needs-chroot" ]; then
	suite=$(cat "$headers/../../../needs-chroot")
	# An earlier fetch-kernel.sh wrote no name: then there was only this one.
	suite=${suite:-trixie}
	chroot=$("$scripts/debian-chroot.sh" "$suite")
	need_packages binutils xz-utils
else
	need_packages dkms kmod xz-utils
	need_module_tools "$headers"
fi

version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' \
	"$KHO_TOP/module/version.h")
[ -n "$version" ] || die "module/version.h does not define KHO_VERSION"
grep -qx "PACKAGE_VERSION=\"$version\"" "$KHO_TOP/dkms.conf" ||
	die "dkms.conf and module/version.h disagree about the version"

out=$KHO_BUILD/modules/$release
mkdir -p "$out"

# One at a time: the tests of several VMs may want the same module.
exec 9>"$out/.lock"
flock 9

# tool COMMAND...: runs a command where the tools are: host or chroot.  Paths below
# build/ and of the headers are translated.
tool()
{
	local argument arguments=()

	if [ -z "$chroot" ]; then
		"$@" 9>&-
		return
	fi
	for argument; do
		argument=${argument//"$headers"/"/usr/src/${headers##*/}"}
		arguments+=("${argument//"$KHO_BUILD"//build}")
	done
	"$scripts/debian-chroot.sh" "$suite" run "$headers" "$KHO_BUILD" \
		"${arguments[@]}" 9>&-
}

# fingerprint DIR...: prints a hash of these directories of the project, the kernel, and
# the tools
fingerprint()
{
	{
		(cd "$KHO_TOP" && find "$@" -type f \
			\( -name '*.[chS]' -o -name 'Kbuild*' -o \
			   -name dkms.conf \) -print0 |
			LC_ALL=C sort -z | xargs -0 sha256sum)
		for file in .config Module.symvers include/generated/utsrelease.h \
			include/config/kernel.release; do
			[ ! -e "$headers/$file" ] ||
				sha256sum <"$headers/$file"
		done
		echo "$headers $chroot"
		if [ -z "$chroot" ]; then
			gcc --version
			dpkg-query -W -f='${Version}\n' dkms
		fi
		cat "${BASH_SOURCE[0]}" "$scripts/make-log.sh" \
			"$scripts/debian-chroot.sh"
	} | sha256sum
}

build()
{
	local tree source log mvka old_dkms=()

	tree=$KHO_BUILD/dkms/$release/tree
	source=$KHO_BUILD/dkms/$release/source
	mvka=$tree/kho/$version/$release/x86_64
	log=$out/dkms.log

	rm -rf "$KHO_BUILD/dkms/$release" "$out/kho.ko" "$out/make.log" \
		"$out/Module.symvers"
	mkdir -p "$tree" "$source/kho-$version/include"
	(cd "$KHO_TOP" && cp -r dkms.conf Kbuild module include \
		"$source/kho-$version/")
	# The test modules are built against this file, which dkms 3.0 deletes.
	printf '#!/bin/sh\nexec cp Module.symvers ..\n' \
		>"$source/kho-$version/keep-symvers"
	chmod 755 "$source/kho-$version/keep-symvers"

	# Debian 11's dkms would configure and clean a tree that it is given.
	[ "$suite" != bullseye ] || old_dkms=(--no-prepare-kernel --no-clean-kernel)

	# Without a sign_file, dkms does not make a signing key in /var/lib.
	if ! tool env sign_file=/nonexistent dkms build "kho/$version" \
		-k "$release" -a x86_64 --kernelsourcedir "$headers" \
		"${old_dkms[@]}" --directive POST_BUILD=keep-symvers \
		--dkmstree "$tree" --sourcetree "$source" >"$log" 2>&1
	then
		cat "$log" >&2
		[ ! -e "$tree/kho/$version/build/make.log" ] ||
			cat "$tree/kho/$version/build/make.log" >&2
		die "dkms could not build kho for $release, see $log"
	fi

	cp "$mvka/log/make.log" "$out/make.log"
	cp "$tree/kho/$version/Module.symvers" "$out/Module.symvers"
	"$scripts/make-log.sh" "$out/make.log"
	if [ -e "$mvka/module/kho.ko.xz" ]; then
		xz -dc "$mvka/module/kho.ko.xz" >"$out/kho.ko"
	else
		cp "$mvka/module/kho.ko" "$out/kho.ko"
	fi
}

# kbuild DIR [VARIABLE=VALUE...]: builds modules without dkms
kbuild()
{
	local dir=$1

	shift
	if ! tool make -j2 -C "$headers" M="$dir" "$@" >"$out/$modules.log" 2>&1
	then
		cat "$out/$modules.log" >&2
		die "the $modules modules do not build for $release"
	fi
	"$scripts/make-log.sh" "$out/$modules.log"
}

build_test()
{
	local dir=$out/test

	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$KHO_TOP" && cp -r tests/kmod/* module include "$dir/")
	kbuild "$dir" KBUILD_EXTRA_SYMBOLS="$out/Module.symvers"
	strip -g "$dir"/*.ko
}

# The benchmark modules compile some of the module's sources themselves.
build_bench()
{
	local dir=$out/bench

	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$KHO_TOP" && cp -r tests/bench/kmod/* module include "$dir/")
	kbuild "$dir"
	strip -g "$dir"/*.ko
}

# build_if_changed STAMP FUNCTION WHAT DIR...
build_if_changed()
{
	local stamp=$out/$1 function=$2 what=$3 new

	shift 3
	new=$(fingerprint "$@")
	if [ "$(cat "$stamp" 2>/dev/null)" != "$new" ]; then
		say "building $what for $release"
		rm -f "$stamp"
		"$function"
		echo "$new" >"$stamp"
	fi
}

build_if_changed .stamp build kho dkms.conf Kbuild module include
case $modules in
test)
	build_if_changed .stamp-test build_test "test modules" \
		dkms.conf Kbuild module include tests/kmod
	echo "$out/test" ;;
bench)
	build_if_changed .stamp-bench build_bench "benchmark modules" \
		module include tests/bench/kmod
	echo "$out/bench" ;;
*)
	echo "$out/kho.ko" ;;
esac
