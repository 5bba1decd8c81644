# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# module-*: builds the module and the test modules for several kernels, with all
# warnings.

# kbuild LOG SERIES DIR [ARG...]: builds the modules in DIR
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

# build_modules [-o] SERIES [ARG...]: builds a copy of the module and the test modules
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
	# Debian's headers packages have no vmlinux to take types from, and ours were
	# built without pahole.  7.3.4 wants a newer sparse than Debian 12 and 13 have,
	# and goes on without it.
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

# For a kernel with in-kernel KHO, the module must not export anything.
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

# Prints a compiler for check_module_clang.  It drops gcc's options of Debian's kernels
# that clang 14 and 19 lack.  This makes wrong object code, so objtool is not run; only
# the warnings matter.  The last three options are for 6.12's own headers.
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
	# The older headers show nothing that the newer ones do not, so only in make soak.
	[ -z "${KHO_EVERY-}" ] ||
		build_modules -o 6.1 CC="$tmp/clang" objtool=true || bad=1
	build_modules -o 6.12 CC="$tmp/clang" objtool=true || bad=1
	return "$bad"
}
