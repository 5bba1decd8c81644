#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lint.sh [CHECK...]: all static checks, or those that are named.  A line for
# each, and at the end what is wrong.  lint.sh --list names them.
#
# Checks are called by name: shellcheck takes them for unreachable.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$KHO_TOP"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# ---- Which files ----

# What git knows or would know; in an unpacked archive, what is there.
git ls-files -co --exclude-standard >"$tmp/files" 2>/dev/null ||
	find . -path ./build -prune -o -type f -printf '%P\n' >"$tmp/files"
sort -u "$tmp/files" | while read -r file; do
	[ ! -f "$file" ] || printf '%s\n' "$file"
done >"$tmp/all"

# files REGEX [NOT]: those whose path matches REGEX and not NOT
files()
{
	grep -E -- "$1" "$tmp/all" | grep -vE -- "${2:-^$}" || true
}

# scripts INTERPRETER...: those whose first line says so
scripts()
{
	local file line wanted

	while read -r file; do
		IFS= read -r line <"$file" 2>/dev/null || true
		for wanted; do
			if [[ $line =~ ^#!.*[/\ ]$wanted($|\ ) ]]; then
				printf '%s\n' "$file"
			fi
		done
	done <"$tmp/all"
}

# absent GREP-ARGUMENT...: shows what grep finds, and is true if that's nothing
absent()
{
	local status=0

	grep "$@" || status=$?
	[ "$status" -eq 1 ]
}

# ---- The kernel's own tools ----

# checkpatch.pl comes with no package but the source's: taken out once.
checkpatch_dir()
{
	local version dir

	version=$(dpkg-query -W -f='${Version}' linux-source-6.1)
	dir=$KHO_CACHE/lint-$version
	if [ ! -e "$dir/checkpatch.pl" ]; then
		say "taking checkpatch out of linux-source-6.1"
		mkdir -p "$dir.$$"
		tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$dir.$$" \
			--strip-components=2 --occurrence=1 \
			linux-source-6.1/scripts/checkpatch.pl \
			linux-source-6.1/scripts/spelling.txt \
			linux-source-6.1/scripts/const_structs.checkpatch
		mkdir -p "$dir"
		mv "$dir.$$"/* "$dir/"
		rmdir "$dir.$$"
	fi
	echo "$dir"
}

# checkpatch FILES IGNORED...: FILES is a list, IGNORED are types
checkpatch()
{
	local list=$1 dir ignore file clean bad=0

	shift
	dir=$(checkpatch_dir)
	# What is said to people is not broken: it could not be found by grep.
	ignore=LONG_LINE_STRING
	for file; do
		ignore+=,$file
	done
	[ -n "$list" ] || return 0
	# It leaves a file where it is called: somewhere else, by links.
	if [ ! -e "$tmp/links" ]; then
		mkdir "$tmp/links"
		ln -s "$KHO_TOP"/* "$tmp/links/"
	fi
	# What was found to be in order is so until it changes, or what judges it.
	mkdir -p "$dir/clean"
	while read -r file; do
		clean=$dir/clean/$({ echo "$ignore $file"; cat "$file" \
			"$KHO_TOP/scripts/lint.sh"; } | sha256sum | cut -c 1-32)
		[ ! -e "$clean" ] || continue
		if (cd "$tmp/links" &&
			perl "$dir/checkpatch.pl" --strict --no-tree --root=. \
				--no-summary --terse --show-types \
				--max-line-length=100 --ignore "$ignore" \
				-f "$file"); then
			: >"$clean"
		else
			bad=1
		fi
	done <<<"$list"
	find "$dir/clean" -type f -mtime +60 -delete
	return "$bad"
}

# ---- Checks: output is what is wrong, and so is a status other than 0 ----

check_style_module()
{
	local bad=0

	# The one place where version tests are allowed; and what checkpatch
	# takes for two constants is a version and a version.
	checkpatch "$(files '^module/compat/.*\.[ch]$')" LINUX_VERSION_CODE \
		CONSTANT_COMPARISON || bad=1
	# Test modules: a macro that leaves the function keeps a check a line.
	checkpatch "$(files '^tests/(kmod|bench/kmod)/.*\.[ch]$')" MACRO_WITH_FLOW_CONTROL ||
		bad=1
	checkpatch "$(files '^(module|include/linux)/.*\.[chS]$' \
		'^module/compat/')" || bad=1
	return "$bad"
}

check_style_bootstub()
{
	# COMPLEX_MACRO: KHO_FN is a storage class, for which no parentheses
	# exist.
	checkpatch "$(files '^bootstub/.*\.[chS]$')" COMPLEX_MACRO
}

check_style_wire()
{
	# These depend on nothing, so there is no __packed and no
	# static_assert() (CAMELCASE); sizes of arrays have to be constant
	# expressions, so there are macros (MACRO_ARG_REUSE); KHO_FN is a
	# storage class (COMPLEX_MACRO); an ioctl's number stands right below
	# its struct (LINE_SPACING).
	checkpatch "$(files '^include/(kho|uapi)/')" CAMELCASE COMPLEX_MACRO \
		LINE_SPACING MACRO_ARG_REUSE PREFER_DEFINED_ATTRIBUTE_MACRO
}

check_style_user()
{
	# Userspace has the C library's types and none of the kernel's macros
	# (ARRAY_SIZE, BIT, __printf); _Noreturn and libFuzzer's names are as
	# they are (CAMELCASE).  Macros of tests stand for whole statements
	# (COMPLEX_MACRO, MACRO_ARG_*), and READ_ONCE() has to be made of
	# something (VOLATILE).
	checkpatch "$(files '^(tools|tests)/.*\.[chS]$' '^tests/(kmod|bench/kmod)/')" \
		ARRAY_SIZE BIT_MACRO CAMELCASE COMPLEX_MACRO MACRO_ARG_REUSE \
		MACRO_ARG_PRECEDENCE PREFER_DEFINED_ATTRIBUTE_MACRO \
		PREFER_KERNEL_TYPES VOLATILE
}

# kbuild LOG SERIES DIR [ARG...]
kbuild()
{
	local log=$1 headers dir=$3

	case $2 in
	native)
		headers=$(scripts/build-kernel.sh mainline-7.3)/headers ;;
	*)
		headers=$(scripts/fetch-kernel.sh --headers "$2")
		need_module_tools "$headers" ;;
	esac
	shift 3
	make -k -j2 -C "$headers" M="$dir" W=1 "$@" modules >"$log" 2>&1
}

# The module and the test modules, from a copy.  build_modules [-o] SERIES [ARG...]
#	-o	only the module
build_modules()
{
	local only='' series dir=$tmp/kho status=0

	if [ "$1" = -o ]; then
		only=1
		shift
	fi
	series=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir/kho" "$dir/test" "$dir/bench"
	cp -r Kbuild module include "$dir/kho/"
	kbuild "$dir/log" "$series" "$dir/kho" "$@" || status=$?
	if [ "$status" -eq 0 ] && [ -z "$only" ]; then
		cp -r module include tests/kmod/. "$dir/test/"
		kbuild "$dir/log2" "$series" "$dir/test" "$@" \
			KBUILD_EXTRA_SYMBOLS="$dir/kho/Module.symvers" ||
			status=$?
		cat "$dir/log2" >>"$dir/log"
	fi
	if [ "$status" -eq 0 ] && [ -z "$only" ]; then
		cp -r module include tests/bench/kmod/. "$dir/bench/"
		kbuild "$dir/log3" "$series" "$dir/bench" "$@" || status=$?
		cat "$dir/log3" >>"$dir/log"
	fi
	# Debian's header packages have no vmlinux to take types from, and ours had no
	# pahole to make them.  7.3.4 asks for a sparse that Debian 12 and 13 do not
	# have yet, and goes on without.
	grep -vE -e '^ +(CC|CHECK|LD|BTF|MODPOST) |Skipping BTF generation' \
		-e 'warning: pahole version differs' \
		-e 'C=2 specified, but sparse is not available or not up to date' \
		"$dir/log" >"$dir/rest"
	if [ "$status" -ne 0 ] || grep -qiE 'warning|error' "$dir/rest"; then
		cat "$dir/rest"
		return 1
	fi
	[ -s "$dir/kho/kho.ko" ]
}

check_module_6_1()
{
	build_modules 6.1 C=2
}

check_module_6_12()
{
	build_modules -o 6.12 C=2
}

# A kernel with KHO of its own, whose names are not to be ours.
check_module_native()
{
	local exported

	build_modules -o native C=2 || return
	exported=$(cat "$tmp/kho/kho/Module.symvers")
	[ -z "$exported" ] || {
		echo "exported: $exported"
		return 1
	}
}

# Debian's kernels are built by gcc, with options that clang 14 or 19 doesn't have:
# left out here.  The object code is not what it should be then, so objtool is
# not asked; warnings are what this is about.  The last three are for 6.12's
# own headers.
clang_for_gcc()
{
	cat <<-'END'
	#!/bin/bash
	args=()
	for arg; do
		case $arg in
		-mfunction-return=* | -mharden-sls=* | -mrecord-mcount) ;;
		-fconserve-stack | -ftrivial-auto-var-init=*) ;;
		-fmin-function-alignment=*) ;;
		-Wimplicit-fallthrough=*) args+=(-Wimplicit-fallthrough) ;;
		*) args+=("$arg") ;;
		esac
	done
	exec clang "${args[@]}" -Qunused-arguments \
		-Wno-unknown-warning-option -Wno-duplicate-decl-specifier \
		-Wno-gnu-variable-sized-type-not-at-end -Wno-enum-enum-conversion
	END
}

check_module_clang()
{
	local bad=0

	clang_for_gcc >"$tmp/clang"
	chmod +x "$tmp/clang"
	build_modules -o 6.1 CC="$tmp/clang" objtool=true || bad=1
	build_modules -o 6.12 CC="$tmp/clang" objtool=true || bad=1
	return "$bad"
}

check_tools()
{
	local cc bad=0

	for cc in gcc clang; do
		make -s -k -j2 -C tools O="$tmp/tools-$cc" CC="$cc" WERROR=1 ||
			bad=1
		[ -x "$tmp/tools-$cc/khoctl" ] || bad=1
	done
	return "$bad"
}

# Each header stands by itself, in C.
check_headers()
{
	local header cc bad=0

	files '^include/(kho|uapi)/.*\.h$' >"$tmp/headers"
	[ -s "$tmp/headers" ] || bad=1
	while read -r header; do
		echo "#include \"$KHO_TOP/$header\"" >"$tmp/one.c"
		for cc in gcc clang; do
			$cc -fsyntax-only -std=gnu11 -Wall -Wextra -Werror \
				-Wpedantic -Wno-unused-function -Iinclude \
				-Iinclude/uapi "$tmp/one.c" || bad=1
		done
		# The wire's sizes and offsets are asserted in the headers.
		clang --target=i386-linux-gnu -fsyntax-only -Werror \
			-isystem "/usr/include/$(gcc -print-multiarch)" \
			-Iinclude "$tmp/one.c" || bad=1
	done <"$tmp/headers"
	return "$bad"
}

# record_layouts TARGET: sizes, alignments and offsets of our structs
record_layouts()
{
	clang --target="$1" -fsyntax-only -Wno-everything \
		-isystem "/usr/include/$(gcc -print-multiarch)" \
		-Xclang -fdump-record-layouts-complete "$tmp/uapi.c" |
		awk '/Dumping AST Record Layout/ { text = ""; next }
		     { text = text $0 "\n" }
		     /sizeof=/ && text ~ /struct kho_/ { printf "%s", text }'
}

check_uapi()
{
	local bad=0 target header=include/uapi/linux/kho.h

	echo "#include \"$KHO_TOP/$header\"" >"$tmp/uapi.c"
	cp "$tmp/uapi.c" "$tmp/uapi.cc"
	gcc -fsyntax-only -std=c11 -Wall -Wextra -Wpedantic -Wpadded -Werror \
		"$tmp/uapi.c" || bad=1
	clang -fsyntax-only -std=c11 -Wall -Wextra -Wpedantic -Wpadded -Werror \
		"$tmp/uapi.c" || bad=1
	g++ -fsyntax-only -std=c++11 -Wall -Wextra -Werror "$tmp/uapi.cc" || bad=1
	clang -fsyntax-only -std=c++11 -Wall -Wextra -Werror "$tmp/uapi.cc" ||
		bad=1

	record_layouts x86_64-linux-gnu >"$tmp/layout"
	grep -q 'struct kho_query' "$tmp/layout" || {
		echo "clang says nothing about struct kho_query"
		bad=1
	}
	# Same for 32-bit callers, whether they align u64 to 4 or to 8.
	for target in i386-linux-gnu arm-linux-gnueabihf; do
		record_layouts "$target" | diff "$tmp/layout" - || {
			echo "$header: another layout on $target"
			bad=1
		}
	done
	# And the kernel's own rule for what it exports.
	absent -nE '\b(int|long|short|char|size_t|bool|u(8|16|32|64)|uint[0-9]+_t)\b[^;*]*;' \
		"$header" || bad=1
	return "$bad"
}

check_shell()
{
	local list

	mapfile -t list < <(scripts bash sh; files '(^|/)lib\.sh$|^tests/qemu/lib/.*\.sh$|^tools/completion/')
	shellcheck -x -P SCRIPTDIR -P "$KHO_TOP" "${list[@]}"
}

check_perl()
{
	local file bad=0

	{ scripts perl; files '\.p[lm]$'; } | sort -u >"$tmp/perl"
	while read -r file; do
		perl -wc "$file" >"$tmp/perl-out" 2>&1 || bad=1
		absent -v 'syntax OK$' "$tmp/perl-out" || bad=1
	done <"$tmp/perl"
	return "$bad"
}

# What is a program has to be one, and nothing else.
check_modes()
{
	local file mode line bad=0

	while read -r file; do
		IFS= read -r line <"$file" 2>/dev/null || true
		mode=
		[ ! -x "$file" ] || mode=x
		if [[ $line == '#!'* && -z $mode ]]; then
			echo "$file: starts with #! but can't be executed"
			bad=1
		elif [[ $line != '#!'* && -n $mode ]]; then
			echo "$file: can be executed but does not start with #!"
			bad=1
		fi
	done <"$tmp/all"
	return "$bad"
}

check_spdx()
{
	local file bad=0

	# All that is source.  Not: texts, data, lists, and what dpkg reads.
	files '' '^((tools/libkho/)?COPYING|LICENSES/.*|debian/.*|docs/(map|matrix|bench|benchmarks)-?[a-z]*\.(svg|txt|json)|dkms\.conf|.*\.(md|md\.in|patch|config)|(.*/)?\.git[^/]*|tests/qemu/lib/console-allowed)$' \
		>"$tmp/spdx"
	while read -r file; do
		if ! head -n 3 "$file" |
		   grep -qE 'SPDX-License-Identifier: (GPL-2\.0|LGPL-2\.1)'; then
			echo "$file: no SPDX-License-Identifier: GPL-2.0..."
			bad=1
		fi
	done <"$tmp/spdx"
	return "$bad"
}

check_kernel_doc()
{
	local doc list

	doc=$(scripts/fetch-kernel.sh --headers 6.1)/scripts/kernel-doc
	mapfile -t list < <(files '^(module|include|bootstub)/.*\.[ch]$')
	perl "$doc" -none -Werror "${list[@]}"
}

# The module is written for the newest kernel; what older ones lack is in one
# place.
check_compat()
{
	local list

	mapfile -t list < <(files '^(module|include|tests/kmod|tests/bench/kmod|Kbuild)' \
		'^module/compat/')
	absent -nE 'LINUX_VERSION_CODE|KERNEL_VERSION|RHEL_RELEASE|LINUX_VERSION_(MAJOR|PATCHLEVEL|SUBLEVEL)' \
		"${list[@]}"
}

check_versions()
{
	local version found bad=0

	version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' module/version.h)
	if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
		echo "module/version.h: KHO_VERSION is '$version'"
		return 1
	fi

	found=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
	if [ "$found" != "$version" ]; then
		echo "dkms.conf: $found, not $version"
		bad=1
	fi
	# A manual need not say it, but must not say anything else.
	for found in $(files '\.[1-9]$' | xargs -r grep -ohE \
		'\b(kho|khoctl) [0-9]+\.[0-9]+\.[0-9]+\b' | awk '{ print $2 }'); do
		if [ "$found" != "$version" ]; then
			echo "a manual page: $found, not $version"
			bad=1
		fi
	done
	if [ -e debian/changelog ]; then
		found=$(dpkg-parsechangelog -l debian/changelog -S Version)
		if [ "${found%-*}" != "$version" ]; then
			echo "debian/changelog: $found, not $version"
			bad=1
		fi
	fi
	return "$bad"
}

check_length()
{
	local file lines bad=0

	while read -r file; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt 900 ]; then
			echo "$file: $lines lines, more than 900"
			bad=1
		fi
	# What users are promised is in one piece.
	done < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*|include/uapi/linux/kho\.h)$')
	return "$bad"
}

check_words()
{
	local list

	# Put together so that they are not found here.
	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	absent -nwE 'TO''DO|FIX''ME|X''XX|HA''CK' "${list[@]}"
}

check_spelling()
{
	local list

	# Macros in manual pages: .Nd describes a page, .Fo a function; iput() is
	# the kernel's; SME encrypts memory; caf is all of an UTF-8 word but its end.
	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	codespell -L nd,fo,iput,sme,caf "${list[@]}"
}

# Paths of a single machine, and the mirrors that it has packages from.
check_paths()
{
	local list hosts host bad=0

	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	absent -nE '(^|[^[:alnum:]_.$}])/(wo''rk|ro''ot|ho''me)/' "${list[@]}" ||
		bad=1

	hosts=$(grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list \
		/etc/apt/sources.list.d /etc/apt/apt.conf.d 2>/dev/null |
		sed 's|.*://||; s|.*@||; s|:[0-9]*$||' | sort -u |
		grep -vE '(^|\.)debian\.org$|^(localhost|127\.0\.0\.1)$' || true)
	for host in $hosts; do
		absent -nF -- "$host" "${list[@]}" || bad=1
	done
	return "$bad"
}

check_whitespace()
{
	local list file bad=0

	# In a patch an empty line of context is a single space; the other
	# file has patterns, which may end with one.
	mapfile -t list < <(files '' \
		'^((tools/libkho/)?COPYING|LICENSES/.*|tests/qemu/lib/console-allowed)$|\.patch$')
	absent -nE '[[:space:]]$' "${list[@]}" || bad=1
	for file in "${list[@]}"; do
		if [ -s "$file" ] && [ -n "$(tail -c1 "$file")" ]; then
			echo "$file: no newline at the end"
			bad=1
		fi
	done
	return "$bad"
}

check_manual()
{
	local file list

	mapfile -t list < <(files '\.[1-9]$')
	[ ${#list[@]} -gt 0 ] || return
	for file in "${list[@]}"; do
		groff -mandoc -rF0 -ww -z -Tutf8 "$file" 2>&1 | sed "s|^|$file: |" \
			>"$tmp/manual"
		cat "$tmp/manual"
		[ ! -s "$tmp/manual" ] || return 1
	done
}

# Either there are no figures yet, or all that shows them shows the same.
check_benchmarks()
{
	[ -e docs/benchmarks.json ] || [ -e docs/benchmarks.md ] || return 0
	tests/bench/bench-report.pl --check docs/benchmarks.json "$KHO_TOP"
}

# Own source below 900 lines of code, lines that a kernel tree gets below 60.
check_bootstub_size()
{
	local lines patch

	# What is C, without comments; Kconfig and Makefile only say how it is built.
	lines=$(files '^bootstub/.*\.[ch]$' | xargs cat |
		gcc -fpreprocessed -dD -E -P - 2>/dev/null | grep -c '[^[:space:]]')
	if [ "$lines" -eq 0 ] || [ "$lines" -ge 900 ]; then
		echo "bootstub/: $lines lines of own code; 899 at most"
		return 1
	fi
	files '^bootstub/.*\.patch$' >"$tmp/patches"
	[ -s "$tmp/patches" ] || return
	while read -r patch; do
		lines=$(grep -E '^\+' "$patch" | grep -cvE '^\+\+\+ ')
		if [ "$lines" -ge 60 ]; then
			echo "$patch: adds $lines lines; 59 at most"
			return 1
		fi
	done <"$tmp/patches"
}

# ---- All of them ----

checks=(style-module style-bootstub style-wire style-user module-6.1
	module-6.12 module-native module-clang tools headers uapi shell perl modes spdx
	kernel-doc compat versions length words spelling paths whitespace
	manual benchmarks bootstub-size)

if [ "${1-}" = --list ]; then
	printf '%s\n' "${checks[@]}"
	exit 0
fi

need_packages gcc g++ make clang sparse shellcheck codespell perl groff-base \
	dpkg-dev xz-utils pkg-config libfdt-dev libjson-c-dev linux-source-6.1

failed=()
for check in "${@:-${checks[@]}}"; do
	function=check_${check//[-.]/_}
	declare -F "$function" >/dev/null || die "no check is called $check"
	if "$function" >"$tmp/out-$check" 2>&1; then
		printf 'ok    %s\n' "$check"
	else
		printf 'FAIL  %s\n' "$check"
		failed+=("$check")
	fi
done

[ ${#failed[@]} -gt 0 ] || exit 0
for check in "${failed[@]}"; do
	printf '\n---- %s ----\n' "$check"
	if [ -s "$tmp/out-$check" ]; then
		cat "$tmp/out-$check"
	else
		echo "(without a word)"
	fi
done
exit 1
