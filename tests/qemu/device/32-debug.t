#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs tests on a kernel that checks itself all the time (KASAN, lockdep and more), with
# a module that can hold up callers where a race would need luck: bad input, agents'
# memory, memory that is taken away, poisoned pages, races, and what users must not get.
# Several tests share a VM, as such a kernel takes long to boot.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
debug=$(stub_kernel debug)
image=$(initramfs "$debug")
disk=$(payload checked "$debug" "$image")

# One CPU for tests that do one thing at a time.
vm_test -1 -t parts -p "$disk" -T 600 \
	-a 'kho.opt.parts=ioctl,memory,place,poison kho.opt.wide=no kho.opt.lean=yes kho.opt.part=blocks' \
	checked "$debug" "$image"
vm_test -t parts -T 600 \
	-a 'kho.opt.parts=races,guard kho.opt.held=yes kho.opt.jump=no' \
	checked-races "$debug" "$image"

tap_done
