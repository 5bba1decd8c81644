#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh: builds the program of the benchmarks, which runs in guests and on the host,
# and prints its path.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

here=$KHO_TOP/tests/bench
program=$KHO_BUILD/bench/bench
libkho=$KHO_BUILD/tools/libkho.a

mkdir -p "${program%/*}"
make -s -C "$KHO_TOP/tools" >&2
if [ ! -e "$program" ] || [ "$libkho" -nt "$program" ] ||
   [ -n "$(find "$here" "$KHO_TOP/include" "$KHO_TOP/tests/qemu/progs/lib" \
	-name '*.[ch]' -newer "$program" -print -quit)" ]; then
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE \
		-D_FILE_OFFSET_BITS=64 -static -s -o "$program" \
		"-I$KHO_TOP/tests/qemu/progs/lib" "-I$KHO_TOP/tools/libkho" \
		"-I$KHO_TOP/include" "-I$KHO_TOP/include/uapi" \
		"$here/bench.c" "$here/first.c" "$here/pin.c" "$libkho" >&2
fi
echo "$program"
