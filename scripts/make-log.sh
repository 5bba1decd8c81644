#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make-log.sh FILE: checks the output of building a module.  Shows all warnings and errors
# of the compiler, modpost and make, and fails if there are any.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -eq 1 ] || die "usage: make-log.sh FILE"

# Lines that say nothing about the module, each with the reason.
allowed=(
	# Debian 12's headers have no vmlinux to take types from.
	'^Skipping BTF generation for .* due to unavailability of vmlinux$'
	# Debian built the kernel with an earlier version of the compiler.
	'^warning: the compiler differs from the one used to build the kernel$'
	# The same for the program that makes BTF, which no test reads.
	'^warning: pahole version differs from the one used to build the kernel$'
)
pattern=$(printf '|%s' "${allowed[@]}")

grep -q 'LD \[M\].*\.ko' "$1" || die "$1: no module was linked"
if grep -iE 'warning|error' "$1" | grep -vE "${pattern#|}" >&2; then
	die "$1 has warnings"
fi
