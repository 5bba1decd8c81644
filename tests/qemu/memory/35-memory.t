#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Agents' own memory: what can be preserved and what can't, what objects can do,
# and who may do it; then what becomes of it in three more kernels, the last of
# which has too little memory for it.  32-debug.t runs the part for one kernel, too.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
image=$(initramfs "$stock")
disk=$(payload memory "$stock" "$image")

# Two CPUs: with one, a kernel warns of a node without CPUs.
vm_test -p "$disk" -T 400 -a 'secretmem.enable=1 numa=fake=2 mitigations=auto' \
	memory "$stock" "$image"
tap_is "memory: all four stages were there" \
	"$(sed -n 's/^KHO-STAGE \([0-9]*\) .*/\1/p' \
		"$KHO_BUILD/qemu/memory/verdict.log" | tr '\n' ' ')" \
	'^1 2 3 4 $'

tap_done
