#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# check.sh [FILE...]: runs all tests, or those that are named, and reports what failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$KHO_TOP"
# Variables of our make, such as TESTS=, must not reach the makes of the tests.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
need_packages gcc clang make perl pkg-config \
	qemu-system-x86 kexec-tools busybox-static cpio kmod xz-utils gzip rsync \
	dkms linux-source-6.1 bc flex bison makedumpfile libelf-dev libssl-dev \
	libfdt-dev libjson-c-dev device-tree-compiler \
	libclang-rt-dev lz4 lzop bzip2 zstd shellcheck sparse strace g++ groff-base ovmf swtpm \
	binutils systemd-boot-efi mandoc python3-jsonschema zsh fish libc6-dev-i386

# Two at a time for two cores: a VM keeps about one core busy.
jobs=${KHO_JOBS:-2}
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
	# Start the longest tests first, so that none of them runs alone at the end.
	tests=(tests/qemu/systemd/70-systemd.t tests/qemu/device/38-faults.t
	       tests/qemu/memory/65-agents.t tests/qemu/memory/35-memory.t tests/lint.t
	       tests/dkms/dkms.t tests/qemu/client/67-client.t tests/unit/unit.t)
	# Then the tests that run VMs, by number, in whatever folder they are.
	mapfile -t numbered < <(printf '%s\n' tests/{demo,matrix,qemu/*}/*.t |
		sed 's|.*/|& |' | sort -k 2 | tr -d ' ')
	for test in "${numbered[@]}" tests/dkms/*.t tests/lint.t tests/unit/*.t \
		tests/fuzz/*.t; do
		case " ${tests[*]} $test" in
		*" $test "*) ;;
		# Run in make soak only.
		*/47-shapes.t | */59-kho-v1.t) ;;
		# khoctl-sanitize.t runs these, with a khoctl that looks closer.
		*/khoctl-cli.t | */khoctl-cmdline.t | */khoctl-device.t | */khoctl-initrd.t) ;;
		*/khoctl-json.t | */khoctl-load.t | */khoctl-settle.t | */khoctl-status.t) ;;
		*/khoctl-map.t | */khoctl-objects.t | */khoctl-target.t) ;;
		*) tests+=("$test") ;;
		esac
	done
	# Many tests need these: build them now, so that the tests do not wait for each
	# other.  Two at a time, as unpacking and linking keep one core busy.
	{
		scripts/build-kernel.sh stub-6.1
		scripts/build-kernel.sh mainline-7.3
	} >/dev/null &
	builds=$!
	{
		scripts/build-kernel.sh stub-6.1 debug
		scripts/build-kernel.sh stub-6.12
		scripts/fetch-kernel.sh 6.12 rt
		for series in 5.10 6.1 6.12 7.2 7.3; do
			scripts/fetch-kernel.sh "$series"
		done
	} >/dev/null
	wait "$builds"
fi

say "building khoctl"
make -s -C tools
mkdir -p "$KHO_BUILD"
log=$KHO_BUILD/check.log
status=0
prove --jobs "$jobs" --timer --verbose --merge "${tests[@]}" | tee "$log" || status=$?
if [ "$status" -ne 0 ]; then
	# Last, so that whoever keeps only the end of the output has it.
	say "what failed, with its comments:"
	awk '/^#/ && more > 0 { more--; print; next } { more = 0 } /^not ok/ { more = 12; print }' \
		"$log"
fi
exit "$status"
