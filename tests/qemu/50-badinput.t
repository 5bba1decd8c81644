#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What goes wrong around the module: unloading in use, agents that are killed,
# files that are no kernels, allocations that fail, damaged handovers.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_vm
stock=$(stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
debug=$(stub_kernel debug)
image=$(initramfs "$stock" "$stub" "$debug")
disk=$(payload badinput "$stub" "$image")

vm_test -p "$disk" load "$stock" "$image"
vm_test -p "$disk" api "$stock" "$image"
vm_test -p "$disk" -T 400 corrupt "$stock" "$image"
# Less than any of the agents has; a debug kernel keeps some for itself.
vm_test -T 200 -a 'kho.opt.kills=8 kho.opt.slack=4096' busy "$stock" "$image"
vm_test -t busy -T 300 -a 'kho.opt.kills=4 kho.opt.slack=65536' \
	busy-debug "$debug" "$image"
vm_test -T 600 failnth "$debug" "$image"

tap_done
