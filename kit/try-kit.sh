#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# try-kit.sh SERIES...: does with each kit what a vendor would: makes it, unpacks a kernel
# source, git init, the kit's apply (git am), configures by its fragment, builds, verifies,
# compares the kABI with a build from before, boots it in QEMU by the kit's own test, and
# takes the patches out again.  It also tries a tree that does not fit.  Prints TAP, and
# leaves what it has seen in kit/evidence/SERIES.
#
# It takes some 10 GiB below build/ and, on two cores, 10 to 20 minutes a series.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../tests/qemu/lib/lib.sh"

[ $# -gt 0 ] || die "usage: try-kit.sh SERIES..."
need_vm
need_packages git gcc make flex bison bc libc6-dev libelf-dev libssl-dev patch xz-utils perl \
	busybox-static cpio kexec-tools kmod libfdt-dev libjson-c-dev pkg-config zstd
# The caller may be a make with ideas of its own.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KBUILD_OUTPUT O
unset ARCH CROSS_COMPILE LOCALVERSION KCONFIG_CONFIG KCFLAGS KAFLAGS
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=vendor GIT_AUTHOR_EMAIL=vendor@localhost
export GIT_COMMITTER_NAME=vendor GIT_COMMITTER_EMAIL=vendor@localhost

# step DESCRIPTION COMMAND...: with its output in the evidence's log
step()
{
	local what=$1 status=0

	shift
	{
		echo "== $what"
		"$@"
	} >>"$log" 2>&1 </dev/null || status=$?
	tap_result "$status" "$series: $what"
	if [ "$status" -ne 0 ]; then
		tail -n 12 "$log" | sed 's/^/# /'
	fi
	return "$status"
}

kmake()
{
	make -C "$src" -j"$(nproc)" KBUILD_BUILD_USER=kho KBUILD_BUILD_HOST=kho "$@"
}

a_repository()
{
	cd "$src" && git init -q -b vendor && git add -A -f . &&
		git -c gc.auto=0 commit -q -m "Linux $version" && git tag base
}

configure_before()
{
	kmake tinyconfig &&
	{
		# The tests' own machine, less what is ours
		grep -hv KHO_ "$KHO_QEMU/config/common.config" "$KHO_QEMU/config/stub.config"
		cat "$KHO_QEMU/config/stub-$series.config" 2>/dev/null || true
		echo CONFIG_MODVERSIONS=y
	} >>"$src/.config" && kmake olddefconfig && grep -qx CONFIG_MODVERSIONS=y "$src/.config"
}

configure_after()
{
	(cd "$src" && scripts/kconfig/merge_config.sh -m .config "$kit/kho.config") &&
		kmake olddefconfig
}

without_warnings()
{
	! grep -E 'kernel/kho|include/kho' "$work/build.log" | grep -E 'warning|error'
}

build_after()
{
	kmake bzImage modules >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; return 1; }
}

# A tree in which the place of one hook has changed, in a file that has several
does_not_fit()
{
	local out

	sed -i 's/^\te820__memblock_setup();$/\te820__memblock_setup_by_vendor();/' \
		"$src/arch/x86/kernel/setup.c"
	git -C "$src" commit -q -a -m "something of the vendor's"
	out=$("$kit/apply" "$src" 2>&1) && return 1
	git -C "$src" reset -q --hard base
	echo "$out"
	grep -q '^0003-.*\.patch does not fit:$' <<<"$out" &&
		grep -q 'arch/x86/kernel/setup.c: Hunk' <<<"$out" && grep -q 'is as it was' <<<"$out"
}

applied()
{
	"$kit/apply" "$src" && [ "$(git -C "$src" log --oneline base.. | wc -l)" -eq 6 ] &&
		[ -z "$(git -C "$src" status --porcelain --untracked-files=no)" ]
}

again()
{
	! "$kit/apply" "$src"
}

style()
{
	local patch bad=0 exceptions

	exceptions=FILE_PATH_CHANGES,GIT_COMMIT_ID,EMAIL_SUBJECT,COMMIT_LOG_LONG_LINE
	exceptions+=,LINUX_VERSION_CODE,CONSTANT_COMPARISON,LONG_LINE_STRING,CAMELCASE
	exceptions+=,COMPLEX_MACRO,LINE_SPACING,MACRO_ARG_REUSE
	exceptions+=,PREFER_DEFINED_ATTRIBUTE_MACRO
	for patch in "$kit"/patches/0*.patch; do
		# New files, and sources that DKMS builds for other versions too, are as
		# they are meant to be.  Other exceptions: scripts/lint/style.sh has the
		# reasons.
		(cd "$src" && perl scripts/checkpatch.pl --no-tree --strict --quiet --ignore \
			"$exceptions" \
			--max-line-length=100 "$patch") || bad=1
	done
	return "$bad"
}

kabi()
{
	"$kit/kabi" "$work/before.symvers" "$src/Module.symvers" >"$evidence/kabi.txt"
	local status=$?
	cat "$evidence/kabi.txt"
	return "$status"
}

runs()
{
	"$kit/test/run" "$src" >"$work/run.log" 2>&1 || { cat "$work/run.log"; return 1; }
	cat "$work/run.log"
}

reversed()
{
	"$kit/verify" "$src" && "$kit/reverse" "$src" && git -C "$src" add -A &&
		git -C "$src" diff --cached --quiet base && ! "$kit/verify" "$src"
}

# One file for a machine to read
record()
{
	local ok=$1

	cat >"$evidence/series.json" <<-J
		{
		  "linux": "$series",
		  "patches": "$(sed -n 's/.*"patches": "\([^"]*\)".*/\1/p' "$kit/kit.json")",
		  "tried": [
		    {
		      "release": "$release",
		      "source": "linux-source-$series $version",
		      "compiler": "$(gcc -dumpfullversion)",
		      "applied": $applied, "built": $built, "booted": $booted,
		      "date": "$(date -u +%F)",
		      "seconds": $((SECONDS - begin)),
		      "tests": $tests,
		      "logs": ["try.log", "kabi.txt", "console.log"]
		    }
		  ],
		  "all": $ok
		}
	J
}

try()
{
	work=$KHO_BUILD/kit/try-$series
	src=$work/src
	evidence=$work/evidence
	log=$evidence/try.log
	rm -rf "$work"
	mkdir -p "$evidence"
	begin=$SECONDS applied=false built=false booted=false release='' tests=0
	local archive before=$tap_failed

	archive=$("$KHO_TOP/kit/make-kit.sh" "$series" 2>>"$log") || {
		tap_result 1 "$series: make-kit.sh"
		return
	}
	tap_result 0 "$series: make-kit.sh"
	tar -xf "$archive" -C "$work"
	kit=$work/$(basename "$archive" .tar.xz)
	version=$("$KHO_TOP/kit/kernel-source.sh" "$series" version)

	step "a source is unpacked" "$KHO_TOP/kit/kernel-source.sh" "$series" "$src" || return 0
	step "git init" a_repository || return 0
	step "on a tree that does not fit, it says which patch and which file" does_not_fit || true
	step "configured, without the patches" configure_before || return 0
	step "built, without the patches" kmake bzImage modules || return 0
	cp "$src/Module.symvers" "$work/before.symvers"
	step "apply" applied || return 0
	applied=true
	step "a second time it refuses" again || true
	step "checkpatch --strict" style || true
	step "configured by kho.config" configure_after || return 0
	step "built" build_after || return 0
	step "without a warning" without_warnings || true
	built=true
	release=$(cat "$src/include/config/kernel.release")
	step "verify" "$kit/verify" --config "$src/.config" "$src" || true
	step "the kABI is as it was" kabi || true
	if step "the kit's own test" runs; then
		booted=true
	fi
	tests=$(grep -c '^ok' "$work/run.log" || true)
	cp "$kit/test/build/qemu/kit/console.log" "$evidence/" 2>/dev/null || true
	step "reverse" reversed || true
	if [ "$tap_failed" -eq "$before" ]; then record true; else record false; fi
	# No paths of this machine
	sed -i -e "s|$work|.|g" -e "s|$KHO_TOP|.|g" "$evidence"/*
	xz -f "$evidence/try.log" "$evidence/console.log" 2>/dev/null || true
	sed -i 's/"try.log"/"try.log.xz"/; s/"console.log"/"console.log.xz"/' "$evidence/series.json"
	rm -rf "$KHO_TOP/kit/evidence/$series"
	mkdir -p "$KHO_TOP/kit/evidence"
	cp -r "$evidence" "$KHO_TOP/kit/evidence/$series"
	[ "$tap_failed" -ne "$before" ] || rm -rf "$src"
}

for series; do
	try
done
[ ! -d "$KHO_TOP/kit/evidence" ] || "$KHO_TOP/kit/evidence-table.sh"
tap_done
