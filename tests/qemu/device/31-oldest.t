#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module on the oldest kernel that it supports, which has no folios: bad input for
# each command, what can be preserved of agents' memory, and pages that are poisoned.
# KHO_STOCK=5.10 runs other tests there.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
oldest=$(debian_kernel 5.10)
image=$(initramfs "$oldest")
disk=$(payload oldest "$oldest" "$image")

vm_test -1 -t parts -p "$disk" -T 300 \
	-a 'kho.opt.parts=ioctl,memory,poison kho.opt.wide=no kho.opt.lean=yes' \
	oldest "$oldest" "$image"

tap_done
