#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Several at a time: with one object, or with the module.  Where luck is needed for
# two to meet, one is held up, in a kernel for which the module is built so.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_vm
stock=$(debian_kernel 7.2)
debug=$(stub_kernel debug)
image=$(initramfs "$stock" "$debug")

vm_test races "$stock" "$image"
vm_test -t races -a kho.opt.held=yes -T 400 races-debug "$debug" "$image"

tap_done
