#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# From an unpatched kernel to one with in-kernel KHO of the format kho-v1 and back, with
# that KHO off and on.  In `make soak` only: its kernel has to be built.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
v1=$("$KHO_TOP/scripts/build-kho-v1.sh")
image=$(initramfs "$stock" "$v1")
disk=$(payload -k "stock=$stock" kho-v1 "$v1" "$image")

# With less memory, its KHO finds no room for its scratch, and turns itself off.
vm_test -1 -p "$disk" -m 3G -T 400 -a kho.opt.mib=48 kho-v1 "$stock" "$image"
log=$KHO_BUILD/qemu/kho-v1/verdict.log
tap_is "the kernels were those" "$(sed -n 's/^KHO-STAGE //p' "$log" | tr '\n' ';')" \
	"^1 $(pattern_of "$stock");2 $(pattern_of "$v1");3 $(pattern_of "$stock");4 $(pattern_of "$v1");5 $(pattern_of "$stock");\$"
sed -n 's/^KHO-NOTE memory /# memory: /p' "$log"

tap_done
