#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module is replaced while it holds everything that it can hold, by khoctl upgrade and
# by others; whatever fails leaves the old one.  Afterwards the kernel that was loaded
# before gets everything.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)

module=$("$KHO_TOP/scripts/build-module.sh" "$(kernel_release "$stock")" "$stock/headers")
files=$KHO_BUILD/qemu/upgrade/files
rm -rf "$files"
mkdir -p "$files"
other_module 0.2.0 <"$module" >"$files/new.ko"
other_module 0.3.0 kho-lost <"$module" >"$files/stranger.ko"

image=$(initramfs "$stock")
disk=$(payload upgrade "$stock" "$image" "$files")
vm_test -t upgrade -p "$disk" -m 2G -T 400 upgrade "$stock" "$image"

tap_done
