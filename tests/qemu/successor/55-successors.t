#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What can go wrong with a successor that is not the boot stub: lists that were
# changed, things done in another order or not at all, a kernel that speaks
# another version, a machine that is too small.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
image=$(initramfs "$stock" "$stub")

disk=$(payload list "$stock" "$image")
vm_test -1 -p "$disk" -T 300 list "$stock" "$image"

disk=$(payload forge "$stock" "$image")
vm_test -1 -p "$disk" forge "$stock" "$image"

disk=$(payload -k "stub=$stub" order "$stock" "$image")
vm_test -1 -p "$disk" -T 200 order "$stock" "$image"
tap_is "order: all stages were there" \
	"$(sed -n 's/^KHO-STAGE \([0-9]*\) .*/\1/p' \
		"$KHO_BUILD/qemu/order/verdict.log" | tr '\n' ' ')" \
	'^1 2 3 4 5 6 7 $'

disk=$(payload -k "stub=$stub" small "$stock" "$image")
vm_test -p "$disk" -m 896M -T 200 small "$stock" "$image"
log=$KHO_BUILD/qemu/small/verdict.log
tap_is "small: the parts have their content" \
	"$(sed -n 's/^KHO-NOTE got //p' "$log")" \
	"^$(sed -n 's/^KHO-NOTE sum //p' "$log")\$"

v3=$(mainline_kernel v3)
image=$(initramfs "$stock" "$v3")
disk=$(payload abi "$v3" "$image")
vm_test -1 -p "$disk" abi "$stock" "$image"

tap_done
