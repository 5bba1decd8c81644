#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs all tests, or those that are named, and says what failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$KHO_TOP"
need_packages gcc clang make perl pkg-config \
	qemu-system-x86 kexec-tools busybox-static cpio kmod xz-utils gzip rsync \
	dkms linux-source-6.1 bc flex bison libelf-dev libssl-dev \
	libfdt-dev libjson-c-dev device-tree-compiler \
	libclang-rt-14-dev shellcheck sparse strace

tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
	tests=(tests/unit/*.t tests/fuzz/*.t tests/lint.t tests/dkms/*.t
	       tests/qemu/*.t)
fi

say "building khoctl"
make -s -C tools
exec prove --timer --verbose --merge "${tests[@]}"
