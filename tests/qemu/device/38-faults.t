#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes everything that can fail do so in turn, in each command, and when the module is
# loaded and takes over a handover; and kills agents at each point of each command.
# Failures have to be reported, and nothing half-done may stay.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
debug=$(stub_kernel debug)
image=$(initramfs "$debug")
disk=$(payload faults "$debug" "$image")

# The module is loaded some hundred times, so `make check` only lets each twelfth
# allocation fail.
vm_test -1 -t failnth -p "$disk" -a "kho.opt.every=${KHO_EVERY:-12}" -T 990 faults "$debug" "$image"

tap_done
