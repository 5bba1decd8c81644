#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Three handovers in a row in one VM, from the stock kernel on.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_vm
stock=$(stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
image=$(initramfs "$stock" "$stub")

files=$KHO_BUILD/qemu/chain/files
mkdir -p "$files/data"
# Real content, and not a whole number of pages.
head -c 9000001 "$stock/boot/"vmlinuz-* | tac -b >"$files/data/file"
disk=$(payload chain "$stub" "$image" "$files")

vm_test -p "$disk" -T 300 chain "$stock" "$image"
stages=$(sed -n 's/^KHO-STAGE \([0-9]*\) .*/\1/p' \
	"$KHO_BUILD/qemu/chain/verdict.log" | tr '\n' ' ')
tap_is "all four stages were there, in order" "$stages" '^1 2 3 4 $'

tap_done
