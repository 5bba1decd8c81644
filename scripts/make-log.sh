#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make-log.sh FILE: reads what building a module said.  Fails if there is any
# warning or error of the compiler, of modpost or of make, and shows these.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -eq 1 ] || die "usage: make-log.sh FILE"

# What says nothing about the module, each line with the reason for it.
allowed=(
	# Debian 12's headers have no vmlinux to take types from.
	'^Skipping BTF generation for .* due to unavailability of vmlinux$'
	# A kernel of Debian's is built with the compiler of its day.
	'^warning: the compiler differs from the one used to build the kernel$'
	# The same of the program that makes BTF, which none of these tests read.
	'^warning: pahole version differs from the one used to build the kernel$'
)
pattern=$(printf '|%s' "${allowed[@]}")

grep -q 'LD \[M\].*\.ko' "$1" || die "$1: no module was linked"
if grep -iE 'warning|error' "$1" | grep -vE "${pattern#|}" >&2; then
	die "$1 has warnings"
fi
