#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lint.sh [CHECK...]: runs all static checks, or those that are named.  Prints a line for
# each, and then what is wrong.  lint.sh --list prints their names.
#
# A check is a function check_NAME in a file in lint/, which is named after the check or
# the beginning of its name.  It fails by its exit status, and its output says why.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$KHO_TOP"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for file in scripts/lint/*.sh; do
	# shellcheck source=/dev/null
	. "$file"
done

# ---- All checks ----

checks=(style-module style-bootstub style-wire style-mainline style-user module-6.1
	module-6.12 module-native module-clang tools headers uapi shell perl modes spdx
	kernel-doc compat versions length words spelling paths whitespace
	manual benchmarks bootstub-size layers unused
	references)

if [ "${1-}" = --list ]; then
	printf '%s\n' "${checks[@]}"
	exit 0
fi

need_packages gcc g++ make clang sparse shellcheck codespell perl groff-base mandoc \
	dpkg-dev xz-utils pkg-config libfdt-dev libjson-c-dev linux-source-6.1

failed=()
for check in "${@:-${checks[@]}}"; do
	function=check_${check//[-.]/_}
	declare -F "$function" >/dev/null || die "there is no check $check"
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
		echo "(no output)"
	fi
done
exit 1
