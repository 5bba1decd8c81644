#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The vendor's kit, without building a kernel: its patches and scripts on the files of a
# tree that they change.  kit/try-kit.sh does the rest.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

need_packages git patch xz-utils
work=$KHO_BUILD/unit-kit
rm -rf "$work"
mkdir -p "$work"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=vendor GIT_AUTHOR_EMAIL=vendor@localhost
export GIT_COMMITTER_NAME=vendor GIT_COMMITTER_EMAIL=vendor@localhost

archive=$("$KHO_TOP/kit/make-kit.sh" 6.1 2>"$work/out") || die "make-kit.sh: $(cat "$work/out")"
first=$(sha256sum <"$archive")
"$KHO_TOP/kit/make-kit.sh" 6.1 >"$work/out" 2>&1 || die "make-kit.sh: $(cat "$work/out")"
tap_is "the same commit makes the same bytes" "$(sha256sum <"$archive")" "^${first%% *} "
tar -xf "$archive" -C "$work"
kit=$work/$(basename "$archive" .tar.xz)
tap_is "six patches" "$(wc -l <"$kit/patches/series")" '^6$'
tap_is "no path of this machine is in it" "$(grep -rlF -e "$KHO_TOP" -e "$HOME/" "$kit" | wc -l)" '^0$'

mapfile -t files < <(sed -n 's,^--- a/,,p' "$kit"/patches/*.patch | grep -v '^kernel/kho/' |
	sort -u)
"$KHO_TOP/kit/kernel-source.sh" 6.1 "$work/pristine" Makefile Kbuild "${files[@]}"

# fresh: $tree is as Debian has it
tree=$work/tree
fresh()
{
	rm -rf "$tree"
	cp -r "$work/pristine" "$tree"
}

# ends DESCRIPTION STATUS REGEX COMMAND...
ends()
{
	local what=$1 want=$2 regex=$3 status=0

	shift 3
	"$@" >"$work/out" 2>&1 || status=$?
	tap_is "$what: exit status" "$status" "^$want\$"
	tap_is "$what: it says so" "$(cat "$work/out")" "$regex"
}

unchanged()
{
	tap_is "$1: the tree is as it was" "$(diff -r "$work/before" "$tree" 2>&1 | head -n 3)" '^$'
}

fresh
ends "verify, before" 1 'is not there as it was applied' "$kit/verify" "$tree"
ends "dry run" 0 'all 6 patches fit' "$kit/apply" --dry-run "$tree"
tap_is "a dry run changes nothing" "$(diff -r "$work/pristine" "$tree")" '^$'
ends "apply" 0 'has all 6 patches' "$kit/apply" "$tree"
ends "verify" 0 'has all 6 patches' "$kit/verify" "$tree"
rm -rf "$work/before"
cp -r "$tree" "$work/before"
ends "a second time" 1 'does not fit' "$kit/apply" "$tree"
unchanged "a second time"
grep '^CONFIG_' "$kit/kho.config" >"$work/config"
ends "a configuration" 0 'what they need' "$kit/verify" --config "$work/config" "$tree"
sed -i /CONTIG_ALLOC/d "$work/config"
ends "a configuration that lacks something" 1 'lacks CONFIG_CONTIG_ALLOC=y' \
	"$kit/verify" --config "$work/config" "$tree"
cp "$kit/kho.config" "$work/kho.config"
grep '^CONFIG_' "$kit/kho.config" >"$work/config"
echo '# CONFIG_KEXEC_HANDOVER is not set' >>"$kit/kho.config"
ends "a configuration that does not mention what must be off" 0 'what they need' \
	"$kit/verify" --config "$work/config" "$tree"
echo CONFIG_KEXEC_HANDOVER=y >>"$work/config"
ends "a configuration that has it" 1 'must not have CONFIG_KEXEC_HANDOVER=y' \
	"$kit/verify" --config "$work/config" "$tree"
mv "$work/kho.config" "$kit/kho.config"
sed -i 's/kho_boot_reserve();/kho_boot_reserve(); kho_more();/' "$tree/arch/x86/kernel/setup.c"
ends "somebody changed a hook" 1 'setup.c: Hunk' "$kit/verify" "$tree"
rm -rf "$work/before"
cp -r "$tree" "$work/before"
ends "and it is not taken out" 1 'is as it was' "$kit/reverse" "$tree"
unchanged "and it is not taken out"
sed -i 's/ kho_more();//' "$tree/arch/x86/kernel/setup.c"
echo >>"$tree/kernel/kho/module/tree/radix.c"
ends "a file of ours was changed" 1 'radix.c is not as it was' "$kit/reverse" "$tree"
sed -i '$d' "$tree/kernel/kho/module/tree/radix.c"
ends "reverse" 0 'has none of the patches' "$kit/reverse" "$tree"
tap_is "all of it is out" "$(diff -r "$work/pristine" "$tree" | grep -v '^Only in .*: \(kho\|include\|Documentation\)$')" '^$'

# A hook that does not fit, in each file that has one
for file in "${files[@]}"; do
	fresh
	case $file in
	# That is of patch 6, and its place depends on the series.
	MAINTAINERS) continue ;;
	arch/x86/kernel/setup.c) change='s/^\te820__memblock_setup();/&\n\tvendor();/; s/e820__memblock_setup/vendor_setup/' ;;
	arch/x86/boot/compressed/kaslr.c) change='s/MEM_AVOID_MEMMAP_BEGIN/MEM_AVOID_VENDOR/' ;;
	drivers/acpi/tables.c) change='s/memblock_reserve(start, size)/vendor_reserve(start, size)/' ;;
	init/Kconfig) change='s,kernel/Kconfig.preempt,kernel/Kconfig.vendor,' ;;
	kernel/Makefile) change='s,+= dma/,+= vendor/,' ;;
	*) die "no change for $file is known" ;;
	esac
	sed -i "$change" "$tree/$file"
	rm -rf "$work/before"
	cp -r "$tree" "$work/before"
	ends "$file does not fit" 1 "0003-[^ ]*.patch does not fit:.*$file: Hunk" \
		"$kit/apply" "$tree"
	unchanged "$file does not fit"
done

# It fits, but the hook is at a place that is too early.
fresh
perl -0pi -e 's/\n\te820__memblock_setup\(\);\n\n/\n/; s/(\n\tparse_early_param\(\);\n)/$1\te820__memblock_setup();\n\n/' \
	"$tree/arch/x86/kernel/setup.c"
rm -rf "$work/before"
cp -r "$tree" "$work/before"
ends "a hook that would land too early" 1 'setup.c' "$kit/apply" "$tree"
unchanged "a hook that would land too early"

fresh
rm "$tree/drivers/acpi/tables.c"
ends "a file is missing" 1 'tables.c' "$kit/apply" "$tree"
ends "no kernel tree" 1 'is no kernel tree' "$kit/apply" "$work"
ends "no argument" 2 'usage' "$kit/apply"

# A repository
fresh
git -C "$tree" init -q
git -C "$tree" add -A
git -C "$tree" commit -q -m base
git -C "$tree" tag base
echo >>"$tree/kernel/Makefile"
ends "changes that are not committed" 1 'not committed' "$kit/apply" "$tree"
git -C "$tree" checkout -q kernel/Makefile
ends "git am" 0 'has all 6 patches' "$kit/apply" "$tree"
tap_is "six commits" "$(git -C "$tree" log --oneline base.. | wc -l)" '^6$'
tap_is "all are signed off" "$(git -C "$tree" log base.. | grep -c Signed-off-by:)" '^6$'
tap_is "nothing else has changed" "$(git -C "$tree" status --porcelain)" '^$'
ends "verify" 0 'has all 6 patches' "$kit/verify" "$tree"

# ---- The kit's own test, as far as that goes without a kernel ----

ends "test/run: no argument" 2 'run BUILD' "$kit/test/run"
ends "test/run: nothing was built" 1 'no kernel was built there' "$kit/test/run" "$tree"
ends "test/run: no such image" 1 "/nowhere can't be read" "$kit/test/run" --image /nowhere \
	--release 1 --config /dev/null --module /dev/null

# ---- kabi ----

symvers()
{
	printf '%s\t%s\tvmlinux\tEXPORT_SYMBOL\t\n' "$@"
}
symvers 0x11111111 one 0x22222222 two >"$work/a"
symvers 0x11111111 one 0x22222222 two 0x33333333 kho_new >"$work/b"
symvers 0x11111111 one 0x22222223 two >"$work/c"
symvers 0x00000000 one 0x00000000 two >"$work/d"
ends "kabi: one more" 0 'added:.*kho_new' "$kit/kabi" "$work/a" "$work/b"
ends "kabi: one less" 1 'removed:.*kho_new' "$kit/kabi" "$work/b" "$work/a"
ends "kabi: another type" 1 'changed types:.*two' "$kit/kabi" "$work/a" "$work/c"
ends "kabi: no CRCs" 2 'MODVERSIONS' "$kit/kabi" "$work/d" "$work/d"
ends "kabi: no Module.symvers" 2 'no Module.symvers' "$kit/kabi" "$work/out" "$work/a"

tap_done
