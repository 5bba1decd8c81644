#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# khoctl's commands on objects with the real module, as root and as an agent, and
# what becomes of the objects over a handover.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
image=$(initramfs "$stock")
disk=$(payload khoctl "$stock" "$image")
vm_test -1 -t khoctl -p "$disk" -m 2G khoctl "$stock" "$image"

tap_done
