#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# khoctl is killed at each step of put and load: what was to be done is done, or
# nothing of it is.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
image=$(initramfs "$stock")
disk=$(payload kill "$stock" "$image")

# What is loaded wrongly at each step is seen by tests/unit/khoctl-kill.t; here it is
# a real kernel, and each twelfth.
vm_test -1 -p "$disk" -a "kho.opt.every=${KHO_EVERY:-12}" -T 300 kill "$stock" "$image"

tap_done
