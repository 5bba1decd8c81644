#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Several at a time: with one object, or with the module.  Where luck is needed for
# two to meet, one is held up in 32-debug.t.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(debian_kernel 7.2)
image=$(initramfs "$stock")

vm_test races "$stock" "$image"

tap_done
