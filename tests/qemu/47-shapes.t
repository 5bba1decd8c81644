#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Kinds of kernels that are rare: see guest/shapes.sh.  In make soak only.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_vm
# 39-rt.t has the one of 6.12.
rt=$(debian_kernel 6.1 rt)
stock=$(stock_kernel)
image=$(initramfs "$rt" "$stock")
disk=$(payload shapes-rt "$stock" "$image")
vm_test -t shapes -p "$disk" -T 400 shapes-rt "$rt" "$image"
tap_is "shapes-rt: the last one is the end" \
	"$(grep -cx 'KHO-NOTE end' "$KHO_BUILD/qemu/shapes-rt/verdict.log")" '^1$'

tap_done
