#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make-kit.sh SERIES: makes build/kit/kho-VERSION-linux-SERIES.tar.xz, what a vendor needs
# to bring boot stub and module into a kernel tree of that series: a series of patches for
# git am, a configuration, scripts, tests, and the evidence of earlier tries.  Prints the
# archive's path.  docs/vendor-kit.md describes it.
#
# The patches are made from the same sources as everything else here, against Debian's
# source of that series, and with the time of the last commit: the same commit makes the
# same bytes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

here=$KHO_TOP/kit
series=${1-}
if [ $# -ne 1 ] || [ ! -d "$KHO_TOP/bootstub/linux-$series" ]; then
	known=$(cd "$KHO_TOP/bootstub" && printf '%s ' linux-*)
	die "usage: make-kit.sh SERIES, one of ${known//linux-/}"
fi
need_packages git patch xz-utils

version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' "$KHO_TOP/module/version.h")
name=kho-$version-linux-$series
out=$KHO_BUILD/kit
work=$out/work-$series
tree=$work/tree
kit=$work/$name
rm -rf "$work"
mkdir -p "$tree" "$kit/patches"

# ---- The files of the tree that the patches change ----

touched=(Makefile MAINTAINERS)
while read -r file; do
	touched+=("$file")
done < <(sed -n 's,^+++ b/,,p' "$KHO_TOP/bootstub/linux-$series/hooks.patch")
say "files of Debian's source of $series"
"$here/kernel-source.sh" "$series" "$tree" "${touched[@]}" >&2

# Nothing of the caller's configuration may get into the patches.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
who=$(git -C "$KHO_TOP" log -1 --format='%an <%ae>')
when=$(git -C "$KHO_TOP" log -1 --format='%ct +0000')
mail=${who##*<}
export GIT_AUTHOR_NAME=${who% <*} GIT_COMMITTER_NAME=${who% <*}
export GIT_AUTHOR_EMAIL=${mail%>} GIT_COMMITTER_EMAIL=${mail%>}
export GIT_AUTHOR_DATE=$when GIT_COMMITTER_DATE=$when

# commit MESSAGE PATH...: with the file of that name in messages/
commit()
{
	local message=$here/messages/$1

	shift
	git -C "$tree" add -f -- "$@"
	sed -e "s/@SERIES@/$series/g" "$message" |
		git -C "$tree" commit -q -s -F -
}

git -C "$tree" init -q -b kho
git -C "$tree" add -f .
git -C "$tree" commit -q -m "Linux $series"
git -C "$tree" tag base

# ---- The series ----

"$KHO_TOP/scripts/bootstub-apply.sh" "$tree" 2>&1 | sed "s|$tree|the tree|" >&2
mkdir -p "$tree/include/uapi/linux"
cp "$KHO_TOP"/include/kho/*.h "$tree/include/kho/"
cp "$KHO_TOP/include/uapi/linux/kho.h" "$tree/include/uapi/linux/"
commit 1-headers include/kho include/uapi
commit 2-boot-stub kernel/kho
commit 3-hooks .

# in_tree_makefile <Kbuild: as DKMS has it, but for a folder of the kernel
in_tree_makefile()
{
	local src="\$(srctree)/\$(src)"

	# b1992c3772e6 ("kbuild: use $(src) instead of $(srctree)/$(src) for source
	# directory", 6.10)
	case $series in
	5.*|6.[1-9]) ;;
	*) src="\$(src)" ;;
	esac
	awk -v src="$src" '
		# What only the tests of this repository build
		/^# Only the debug kernels/ { exit }
		/^# What DKMS builds/ { print "# kho.ko.  DKMS builds it from the same files."; next }
		/^obj-m := kho.o$/ { print "obj-$(CONFIG_KHO) += kho.o"; next }
		/scripts\/lint\/layers/ { print "# The folders, lowest layer first"; next }
		/^ccflags-y \+=/ { print "ccflags-y += -I" src; next }
		/^LINUXINCLUDE := / { print "LINUXINCLUDE := -I" src "/../include $(LINUXINCLUDE)"; next }
		{ gsub("module/", ""); print }' |
		sed -e '${/^$/d}'
}

module=$tree/kernel/kho/module
mkdir -p "$module" "$tree/kernel/kho/include"
(cd "$KHO_TOP/module" && find . -name '*.[ch]' ! -path ./base/inject.c -print0 |
	tar -cf - --null -T -) | tar -xf - -C "$module"
cp -r "$KHO_TOP/include/linux" "$tree/kernel/kho/include/"
in_tree_makefile <"$KHO_TOP/Kbuild" >"$module/Makefile"
# shellcheck disable=SC2016  # make expands that
grep -q '^obj-\$(CONFIG_KHO) += kho.o$' "$module/Makefile" || die "Kbuild has changed"
# Each object that it names has a source, and each source is named.
# shellcheck disable=SC2016  # make expands that
sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' "$module/Makefile" |
	sed -n 's/.*\$(addprefix \([^,]*\),\(.*\))$/\1|\2/p' |
	while IFS='|' read -r dir files; do
		# shellcheck disable=SC2086  # words
		printf "${dir// /}%s\n" $files
	done | sed 's/\.o$/.c/' | sort -u >"$work/named"
(cd "$module" && find . -name '*.c' -printf '%P\n') | sort >"$work/sources"
odd=$(comm -3 "$work/named" "$work/sources" | tr -d '\t')
[ -z "$odd" ] || die "Kbuild and module/ do not have the same files: ${odd//$'\n'/ }"
cat "$here/Kconfig.module" >>"$tree/kernel/kho/Kconfig"
cat "$here/Makefile.module" >>"$tree/kernel/kho/Makefile"
commit 4-module kernel/kho

docs=$tree/Documentation/kho
mkdir -p "$docs"
for file in "$KHO_TOP"/docs/*.md; do
	case ${file##*/} in
	benchmarks.md|mainline.md|memory-map.md|testing.md|vendor-kit.md) ;;
	*) cp "$file" "$docs/" ;;
	esac
done
# Links to what is not there lead nowhere.
sed -E -i -e 's/\[([^]]*)\]\((\.\.\/[^)]*|(benchmarks|mainline|memory-map|testing|vendor-kit)\.md)[^)]*\)/\1/g' \
	-e 's/!\[[^]]*\]\([^)]*\)//' "$docs"/*.md
cp "$here/Documentation.index" "$docs/README"
commit 5-documentation Documentation

# The entry goes where the alphabet has it: after those of KEXEC, as many others are not in
# their place.
awk -v entry="$(sed "s|@WHO@|$who|" "$here/MAINTAINERS.entry")" '
	BEGIN { title = entry; sub(/\n.*/, "", title) }
	/^Maintainers List$/ { list = 1 }
	list && !done && /^[A-Z0-9][^\t]*$/ && before == "" {
		if (near && $0 > title) { print entry "\n"; done = 1 }
		near = /^KEXEC/
	}
	{ print; before = $0 }' "$tree/MAINTAINERS" >"$work/MAINTAINERS"
cmp -s "$work/MAINTAINERS" "$tree/MAINTAINERS" && die "MAINTAINERS has no place for the entry"
cp "$work/MAINTAINERS" "$tree/MAINTAINERS"
commit 6-maintainers MAINTAINERS
[ -z "$(git -C "$tree" status --porcelain)" ] || die "no patch has all that was changed"

# One line of context, as the hooks have: a vendor's own changes nearby do not matter.
git -C "$tree" format-patch -q -U1 --no-signature --zero-commit --no-stat -N \
	-o "$kit/patches" base..kho
printf '%s\n' "$kit"/patches/*.patch | sed 's,.*/,,' >"$kit/patches/series"
# What the patches do, whatever their dates and authors
identity=$(cat "$kit"/patches/*.patch | git patch-id --stable | cut -d ' ' -f 1 |
	sha256sum | cut -c 1-16)

# ---- The rest of the kit ----

for file in apply verify reverse kabi lib.sh; do
	cp "$here/bin/$file" "$kit/"
done
cp "$KHO_TOP/scripts/bootstub-landing.awk" "$kit/landing.awk"
cp "$KHO_TOP/bootstub/landing" "$kit/landing"
sed -e "s/@SERIES@/$series/g" "$here/kho.config" >"$kit/kho.config"
case $series in
7.*)
	cat >>"$kit/kho.config" <<-END

		# Mainline's own KHO, which kernels from 6.16 on have, excludes the stub and the
		# module as it is here.
		# CONFIG_KEXEC_HANDOVER is not set
	END
	;;
esac
cp "$KHO_TOP/COPYING" "$kit/"
cp "$KHO_TOP/docs/vendor-kit.md" "$kit/README.md"
printf '{"kho": "%s", "linux": "%s", "patches": "%s", "commit": "%s"}\n' "$version" "$series" \
	"$identity" "$(git -C "$KHO_TOP" rev-parse HEAD)" >"$kit/kit.json"

# Tests: the harness and the programs of this repository's own tests
test=$kit/test
mkdir -p "$test/tests/qemu" "$test/scripts"
cp "$here"/test/* "$test/"
cp "$KHO_TOP/scripts/lib.sh" "$test/scripts/"
cp -r "$KHO_TOP/tests/qemu/lib" "$test/tests/qemu/"
mkdir -p "$test/tests/qemu/progs"
cp -r "$KHO_TOP"/tests/qemu/progs/{lib,agent} "$test/tests/qemu/progs/"
cp -r "$KHO_TOP/include" "$test/"
mkdir "$test/tools"
(cd "$KHO_TOP/tools" && tar -cf - Makefile libkho khoctl man) | tar -xf - -C "$test/tools"
mkdir -p "$test/module" "$test/docs"
cp "$KHO_TOP/module/version.h" "$test/module/"

# What was tried of it, by try-kit.sh.  Evidence of other patches says so.
if [ -e "$here/evidence/$series/series.json" ]; then
	mkdir "$kit/evidence"
	cp -r "$here/evidence/$series/." "$kit/evidence/"
	grep -q "\"patches\": \"$identity\"" "$kit/evidence/series.json" ||
		say "the evidence is of an earlier version of the patches: run kit/try-kit.sh $series"
else
	say "there is no evidence for $series: run kit/try-kit.sh $series"
fi

archive=$out/$name.tar.xz
find "$kit" -type d -exec chmod 755 {} +
tar -cf - --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${when% *}" \
	--format=gnu -C "$work" "$name" | xz -T1 >"$archive.new"
mv "$archive.new" "$archive"
rm -rf "$work"
echo "$archive"
