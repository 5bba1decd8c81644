#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The in-kernel API: a client modelled on mainline's own test, with the same source
# on every kernel, whether kho.ko or the kernel itself provides the functions.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
debug=$(stub_kernel debug)
mainline=$(mainline_kernel base)

# sums NAME HANDOVERS: what was saved is what was restored, each time
sums()
{
	local log=$KHO_BUILD/qemu/$1/verdict.log sum

	tap_is "$1: all stages were there" \
		"$(grep -c '^KHO-STAGE ' "$log")" "^$(($2 + 1))\$"
	tap_is "$1: a sum for each end of a handover" \
		"$(grep -c '^KHO-NOTE sum [0-9a-f]' "$log")" "^$((2 * $2))\$"
	sum=$(sed -n 's/^KHO-NOTE sum //p' "$log" | uniq -c |
		awk '{ print $1 }' | sort -u)
	tap_is "$1: each pair is equal" "$sum" '^2$'
	# The API is misused where kho.ko is on both sides of a handover.
	tap_is "$1: what misuse left was there" \
		"$(grep -c '^KHO-NOTE misused' "$log")" '^1$'
}

# From a kernel without KHO to another, and from there to mainline.
image=$(initramfs "$stock" "$mainline")
disk=$(payload -k "mainline=$mainline" client "$stock" "$image")
vm_test -1 -p "$disk" -T 300 -a 'kho.opt.next=mainline' client "$stock" "$image"
sums client 2

# From mainline to a debug kernel, and from there to a debug kernel again, in `make soak`.
if [ -n "${KHO_SOAK-}" ]; then
	image=$(initramfs "$mainline" "$debug")
	disk=$(payload client-debug "$debug" "$image")
	vm_test -1 -t client -p "$disk" -T 600 \
		-a "$(kernel_append "$mainline") kho.opt.next=successor kho.opt.pages=3072" \
		client-debug "$mainline" "$image"
	sums client-debug 2
fi

# Releases with different versions of struct page.
middle=$(debian_kernel 6.12)
newer=$(debian_kernel 7.2)
image=$(initramfs "$middle" "$newer")
disk=$(payload client-newer "$newer" "$image")
vm_test -1 -t client -p "$disk" -T 300 -a 'kho.opt.stages=2' \
	client-newer "$middle" "$image"
sums client-newer 1

tap_done
