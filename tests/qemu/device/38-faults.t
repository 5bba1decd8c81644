#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whatever can fail fails in turn, in each command and when the module is loaded
# and takes over what arrived; and agents are killed at each point of each command.
# It has to be told, and nothing half-done may stay.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
debug=$(stub_kernel debug)
image=$(initramfs "$debug")
disk=$(payload faults "$debug" "$image")

# The module is loaded some hundred times: in `make check` each twelfth allocation fails.
vm_test -1 -t failnth -p "$disk" -a "kho.opt.every=${KHO_EVERY:-12}" -T 990 faults "$debug" "$image"

tap_done
