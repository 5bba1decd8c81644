#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Handovers by kernels that EFI has started, and those after them: see guest/efi.sh.
# KHO_HANDOVERS=N sets how many, 5 by default.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

handovers=${KHO_HANDOVERS:-5}
[[ $handovers =~ ^[1-9][0-9]*$ ]] || die "KHO_HANDOVERS=$handovers is no number"

need_vm
stock=$(stock_kernel)
# Later kernels, and 6.12 by now, look at no table of memory attributes after a kexec
# (64b45dd46e15), and OVMF has no other table in RAM.
image=$(initramfs "$stock")
disk=$(payload -k "stock=$stock" efi "$stock" "$image")
vm_test -1 -p "$disk" -m 768M -f efi -T $((200 + 60 * handovers)) \
	-a "kho.opt.handovers=$handovers kho.opt.kernels=stock" \
	efi "$stock" "$image"
log=$KHO_BUILD/qemu/efi/verdict.log
tap_is "$handovers handovers" "$(grep -c '^KHO-STAGE' "$log")" "^$((handovers + 1))\$"
tap_is "the last one is the end" "$(grep -cx 'KHO-NOTE end' "$log")" '^1$'
for what in tables variables $(sed -n 's/^KHO-NOTE \(beside-[0-9]*\|picture\) .*/\1/p' "$log" |
	sort -u); do
	tap_is "$what: the same in each kernel" \
		"$(sed -n "s/^KHO-NOTE $what //p" "$log" | sort | uniq -c | awk '{ print $1 }')" \
		"^$((handovers + 1))\$"
done

tap_done
