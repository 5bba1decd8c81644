#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds Debian's linux-source-6.1 with the boot stub, small, for the tests.
# Prints a directory that has
#
#	bzImage  config  release  System.map
#	headers/	what external modules are built against
#
# The result is cached; the key is a hash of all that goes in.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

series=6.1
flavour=${1:-base}
if [ $# -gt 1 ] || [[ $flavour != base && $flavour != debug ]]; then
	echo "Usage: ${0##*/} [base|debug]" >&2
	exit 2
fi
fragments=("$KHO_TOP/tests/qemu/config/base.config")
[ "$flavour" = base ] ||
	fragments+=("$KHO_TOP/tests/qemu/config/$flavour.config")

# The caller may be a make with ideas of its own.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KBUILD_OUTPUT O
unset ARCH CROSS_COMPILE LOCALVERSION KCONFIG_CONFIG KCFLAGS KAFLAGS

need_packages "linux-source-$series" gcc make flex bison bc libc6-dev \
	libelf-dev libssl-dev patch xz-utils

inputs()
{
	local f

	dpkg-query -W "linux-source-$series" gcc binutils
	gcc -dumpfullversion
	cd "$KHO_TOP"
	for f in bootstub/* bootstub/*/* include/kho/* \
		 "${fragments[@]#"$KHO_TOP/"}" scripts/bootstub-apply.sh \
		 scripts/build-stub-kernel.sh; do
		[ ! -f "$f" ] || sha256sum "$f"
	done
}

hash=$(inputs | sha256sum | cut -c 1-16)
name=stub-$series-$flavour
out=$KHO_CACHE/$name-$hash
mkdir -p "$KHO_CACHE"

exec 9>"$KHO_CACHE/$name.lock"
if ! flock -n 9; then
	say "waiting for another build of $name"
	flock 9
fi
if [ -f "$out/bzImage" ]; then
	echo "$out"
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
mkdir "$src"
run tar -xf "/usr/src/linux-source-$series.tar.xz" --strip-components=1 \
	-C "$src"
run "$KHO_TOP/scripts/bootstub-apply.sh" "$src"

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
if left=$(grep -rlF "$work" "$work/out"); then
	die "a path of the build is left in $left"
fi

# Older ones of the same flavour are of no more use, unless a run that began
# before this one still boots them.
find "$KHO_CACHE" -maxdepth 1 -type d -mmin +120 \
	-name "$name-[0-9a-f]*" -exec rm -rf {} +
mv "$work/out" "$out"
echo "$out"
