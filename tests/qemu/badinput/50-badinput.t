#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What goes wrong around the module: unloading in use, agents that are killed,
# files that are no kernels, damaged handovers.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
debug=$(stub_kernel debug)
image=$(initramfs "$stock" "$stub" "$debug")
disk=$(payload badinput "$stub" "$image")

vm_test -1 -p "$disk" api "$stock" "$image"
vm_test -1 -p "$disk" -T 440 corrupt "$stock" "$image"
# On stock the slack is less than what any agent has, so that a leak shows.  A debug
# kernel uses much memory itself, and is slow with large objects.
vm_test -p "$disk" -T 200 \
	-a 'kho.opt.kills=5 kho.opt.mib=48 kho.opt.slack=4096 kho.opt.more=load' \
	busy "$stock" "$image"
if [ -n "${KHO_SOAK:-}" ]; then
	vm_test -t busy -T 400 \
		-a 'kho.opt.kills=3 kho.opt.mib=12 kho.opt.slack=65536' \
		busy-debug "$debug" "$image"
fi

tap_done
