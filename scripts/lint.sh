#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lint.sh [CHECK...]: all static checks, or those that are named.  A line for
# each, and at the end what is wrong.  lint.sh --list names them.
#
# A check is a function check_NAME in a file in lint/, which has its name or what it
# begins with.  Its output is what is wrong, and so is a status other than 0.
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

# ---- All of them ----

checks=(style-module style-bootstub style-wire style-user module-6.1
	module-6.12 module-native module-clang tools headers uapi shell perl modes spdx
	kernel-doc compat versions length words spelling paths whitespace
	manual benchmarks bootstub-size layers unused
	references)

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
