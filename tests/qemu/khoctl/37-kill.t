#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# khoctl is killed at each step of put and load: it must have done all that it was told
# to do, or nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
image=$(initramfs "$stock")
disk=$(payload kill "$stock" "$image")

# tests/unit/khoctl-kill.t sees at each step what is loaded wrongly; this test has a real
# kernel, and tries each twelfth step.
vm_test -1 -p "$disk" -a "kho.opt.every=${KHO_EVERY:-12}" -T 300 kill "$stock" "$image"

tap_done
