#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whose kernel is loaded, by the memory of real kernels; what the console says at each way
# down; and what khoctl settle makes of the sizes of a kernel that booted with little memory.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
image=$(initramfs "$stock")
disk=$(payload next "$stock" "$image")
vm_test -1 -p "$disk" -m 1536M -T 300 next "$stock" "$image"

console=$KHO_BUILD/qemu/next/console.log
# The last stage ends by a restart.
tap_is "the console: a jump by khoctl hands over" \
	"$(grep -a 'kho: handing over' "$console" | head -n 1)" \
	'handing over 2 objects and 0 other pages, 60[0-9] MiB$'
tap_is "the console: a jump by another program" \
	"$(grep -a 'kho: .* LOST' "$console" | sed -n 1p)" \
	'1 objects and 0 other pages, 0 MiB, may be LOST: the next kernel was not loaded by khoctl$'
tap_is "the console: a restart" "$(grep -a 'kho: .* LOST' "$console" | sed -n 2p)" \
	'1 objects and [1-9][0-9]+ other pages, 0 MiB, are LOST: the machine restarts, and not by kexec$'

tap_done
