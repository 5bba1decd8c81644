#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build-kernel.sh KIND-SERIES [FLAVOUR]: builds a kernel of Debian's source
# package, small, for the tests.
#
#	stub-6.1 [base|debug|kcsan]	with the boot stub; under KASAN and the
#				like, or KCSAN
#	stub-6.12 [base|rt]	the same; rt is PREEMPT_RT
#	stub-5.10, stub-7.2, stub-7.3
#				the same, with mainline's own KHO off
#	mainline-7.3 [base|v3]	with the KHO of its own; v3 is the same, made to
#				speak the ABI of 7.1
#	mainline-7.3 patched	with our patches to it (mainline/), and their KUnit
#				tests, which run with kunit.enable=1
#
# Prints a directory that has
#
#	bzImage  config  release  System.map
#	headers/	what external modules are built against
#
# The result is cached; the key is a hash of all that goes in.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage()
{
	echo "Usage: ${0##*/} stub-5.10|stub-6.1|stub-6.12|stub-7.2|stub-7.3|mainline-7.3 [FLAVOUR]" >&2
	exit 2
}

[[ $# -eq 1 || $# -eq 2 ]] || usage
kind=${1%-*} series=${1##*-}
flavour=${2:-base}
case $1/$flavour in
stub-*/base|stub-6.1/debug|stub-6.1/kcsan|stub-6.12/rt)
	[ -d "$KHO_TOP/bootstub/linux-$series" ] || usage
	built=$flavour ;;
mainline-7.3/base|mainline-7.3/v3)
	# One build makes both: they differ in a string.
	built=base ;;
mainline-7.3/patched)
	built=patched ;;
*)
	usage ;;
esac
fragments=("$KHO_TOP/tests/qemu/config/common.config"
	   "$KHO_TOP/tests/qemu/config/$kind.config")
series_fragment=$KHO_TOP/tests/qemu/config/$kind-$series.config
[ ! -f "$series_fragment" ] || fragments+=("$series_fragment")
[ "$kind" = mainline ] || [ "$built" = base ] ||
	fragments+=("$KHO_TOP/tests/qemu/config/scrutiny.config")
[ "$built" = base ] ||
	fragments+=("$KHO_TOP/tests/qemu/config/$built.config")
patches=()
if [ "$built" = patched ]; then
	mapfile -t patches < <(cd "$KHO_TOP" && find "mainline/linux-$series" -name '000[1-9]-*.patch' |
		sort)
	[ ${#patches[@]} -gt 0 ] || die "mainline/linux-$series has no patches"
fi

# The caller may be a make with ideas of its own.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KBUILD_OUTPUT O
unset ARCH CROSS_COMPILE LOCALVERSION KCONFIG_CONFIG KCFLAGS KAFLAGS

need_packages gcc make flex bison bc libc6-dev libelf-dev libssl-dev patch \
	xz-utils
package=linux-source-$series
series_apt "$series"
if [ -z "$KHO_APT" ]; then
	need_packages "$package"
	version=$(dpkg-query -W -f='${Version}' "$package")
else
	version=$(APT_CONFIG=$KHO_APT apt-cache show --no-all-versions "$package" |
		sed -n 's/^Version: //p')
	[ -n "$version" ] || die "Debian has no $package"
fi

inputs()
{
	local f

	echo "$package $version"
	dpkg-query -W gcc binutils
	gcc -dumpfullversion
	cd "$KHO_TOP"
	if [ "$kind" = stub ]; then
		set -- bootstub/*.* bootstub/Kconfig bootstub/Makefile \
			bootstub/x86/* "bootstub/linux-$series"/* \
			include/kho/{abi,boot_info,fdt,gaps,walk}.h \
			bootstub/landing scripts/bootstub-apply.sh \
			scripts/bootstub-landing.awk
	else
		set -- "${patches[@]}"
	fi
	for f in "$@" "${fragments[@]#"$KHO_TOP/"}" scripts/build-kernel.sh; do
		[ ! -f "$f" ] || sha256sum "$f"
	done
}

# The tree, as the package has it.
unpack()
{
	local tar=/usr/src/$package.tar.xz

	if [ -n "$KHO_APT" ]; then
		say "downloading $package $version"
		(cd "$work" && APT_CONFIG=$KHO_APT apt-get download -qq \
			"$package=$version") >&2 ||
			die "apt-get could not download $package $version"
		run dpkg-deb -x "$work"/*.deb "$work/package"
		tar=$work/package$tar
	fi
	mkdir "$src"
	run tar -xf "$tar" --strip-components=1 -C "$src"
	rm -rf "$work"/*.deb "$work/package"
}

hash=$(inputs | sha256sum | cut -c 1-16)
name=$kind-$series-$built
out=$KHO_CACHE/$name-$hash
mkdir -p "$KHO_CACHE"

exec 9>"$KHO_CACHE/$name.lock"
if ! flock -n 9; then
	say "waiting for another build of $name"
	flock 9
fi
result=$out
[ "$flavour" = "$built" ] || result=$out/$flavour
if [ -f "$result/bzImage" ]; then
	echo "$result"
	exit 0
fi

# Built where the result will be, so that moving it there is one rename.
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
unpack
[ "$kind" != stub ] || run "$KHO_TOP/scripts/bootstub-apply.sh" "$src"
for patch in "${patches[@]}"; do
	run patch -d "$src" -p1 -F0 -i "$KHO_TOP/$patch"
done

# A later fragment's line about a symbol replaces an earlier one's.
awk '
/^CONFIG_[A-Z0-9_]+=/ { split($0, part, "="); line[part[1]] = $0; next }
/^# CONFIG_[A-Z0-9_]+ is not set$/ { line[$2] = $0; next }
/^(#|$)/ { next }
{ print FILENAME ": " $0 > "/dev/stderr"; bad = 1 }
END { for (s in line) print line[s]; exit bad }
' "${fragments[@]}" | sort >"$work/wanted" || die "no config line"

kmake tinyconfig
cat "$work/wanted" >>"$src/.config"
kmake olddefconfig
while IFS= read -r line; do
	symbol=${line#\# }
	symbol=${symbol%%[= ]*}
	case $line in
	\#*)
		# Not even visible is as good as not set.
		! grep -q "^$symbol=" "$src/.config" ||
			die "not in the final .config: $line"
		;;
	*)
		grep -qxF -- "$line" "$src/.config" ||
			die "not in the final .config: $line"
		;;
	esac
done <"$work/wanted"

kmake bzImage modules
mkdir "$work/out" "$work/out/headers"
cp "$src/arch/x86/boot/bzImage" "$src/System.map" "$work/out"
cp "$src/.config" "$work/out/config"
cp "$src/include/config/kernel.release" "$work/out/release"

# What a module's build reads: makefiles, headers, and the programs in
# scripts/ and tools/objtool.  Object files and the .cmd files, which have paths
# in them, are for building the kernel itself only.
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

# The ABI of 7.1 and that of 7.2 differ in the string, for what KHO itself reads.
if [ "$kind-$built" = mainline-base ]; then
	header=$src/include/linux/kho/abi/kexec_handover.h
	grep -q '"kho-v4"' "$header" || die "$package does not speak kho-v4"
	sed -i 's/"kho-v4"/"kho-v3"/' "$header"
	kmake bzImage
	mkdir "$work/out/v3"
	cp "$src/arch/x86/boot/bzImage" "$src/System.map" "$work/out/v3"
	cp "$work/out/config" "$work/out/release" "$work/out/v3"
	ln -s ../headers "$work/out/v3/headers"
fi
if left=$(grep -rlF "$work" "$work/out"); then
	die "a path of the build is left in $left"
fi

# Older ones of the same flavour are of no more use, unless a run that began
# before this one still boots them.
find "$KHO_CACHE" -maxdepth 1 -type d -mmin +120 \
	-name "$name-[0-9a-f]*" -exec rm -rf {} +
mv "$work/out" "$out"
echo "$result"
