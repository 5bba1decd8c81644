#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Scratch turns out to be too small while objects are held: it is made larger, in the first
# kernel and in one that was started there.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
image=$(initramfs "$stock")
disk=$(payload scratch "$stock" "$image")

vm_test -p "$disk" -m 2G -T 300 scratch "$stock" "$image"

tap_done
