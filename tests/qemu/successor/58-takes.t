#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the next kernel's command line takes.  khoctl refuses what would not fit.  That
# this is no idle warning shows in a second machine, where it is forced: that one panics.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
image=$(initramfs "$stock")
disk=$(payload takes "$stock" "$image")
machine=(-1 -t takes -p "$disk" -m 1152M)

vm_test "${machine[@]}" -a "hugepages=300 kho.opt.how=leave" takes "$stock" "$image"
log=$KHO_BUILD/qemu/takes/verdict.log
tap_is "takes: the huge pages have their content" "$(sed -n 's/^KHO-NOTE got //p' "$log")" \
	"^$(sed -n 's/^KHO-NOTE sum //p' "$log")\$"

outcome=$(vm_outcome "${machine[@]}" -o -a "hugepages=300 kho.opt.how=force" \
	takes-forced "$stock" "$image" 2>/dev/null || true)
log=$KHO_BUILD/qemu/takes-forced/verdict.log
tap_is "forced: it jumps" "$(grep -cx 'KHO-JUMP 1' "$log")" '^1$'
tap_is "forced: the next kernel starts no process" "$(grep -c '^KHO-STAGE 2' "$log" || true)" '^0$'
tap_is "forced: the VM fails for that" "$outcome" \
	'^fail: on the console: .*(oom-killer|Out of memory|Kernel panic)'
tap_is "forced: it panics" "$(grep -ac 'Kernel panic - not syncing: System is deadlocked' \
	"$KHO_BUILD/qemu/takes-forced/console.log")" '^1$'

tap_done
