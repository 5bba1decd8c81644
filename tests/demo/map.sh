#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# map.sh: makes docs/map-before.svg and docs/map-after.svg, and the same maps as text,
# from a run in QEMU: a stock kernel's memory before the jump, and its successor's after
# it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

need_vm
stock=$(stock_kernel)
image=$(initramfs "$stock")
work=$KHO_BUILD/qemu/map
mkdir -p "$work/files/data"
content $((200 * 1024 * 1024)) >"$work/files/data/guest-ram"
disk=$(payload map "$stock" "$image" "$work/files")

"$KHO_QEMU/lib/vm.sh" -T 240 -p "$disk" map "$stock" "$image" >&2
for file in before.svg before.txt after.svg after.txt; do
	sed -n "s/^KHO-FILE $file //p" "$work/verdict.log" |
		base64 -d >"$KHO_TOP/docs/map-$file"
	[ -s "$KHO_TOP/docs/map-$file" ] || die "no $file came"
done
