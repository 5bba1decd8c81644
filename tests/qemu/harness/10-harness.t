#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The harness itself: does it tell pass, fail and lost from each other?
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
# The one that boots faster.
kernel=$(stub_kernel "$KHO_FLAVOUR")
image=$(initramfs "$stock" "$kernel")

# outcome REGEX DESCRIPTION ARGUMENT...
outcome()
{
	local regex=$1 what=$2

	shift 2
	tap_is "$what" "$(vm_outcome "$@" "$kernel" "$image" 2>/dev/null || true)" \
		"$regex"
}

# fails HOW REGEX DESCRIPTION
fails()
{
	outcome "$2" "$3" -T 40 -t harness-fail -a "kho.opt.how=$1" \
		"harness-$1"
}

outcome '^pass$' "a guest that passes" harness-pass
log=$KHO_BUILD/qemu/harness-pass/verdict.log
tap_is "its checks are counted" "$(grep -c '^KHO-OK stage 1: ' "$log")" '^3$'

fails check '^fail: stage 1: 1 failed, first: the sum' "a guest that fails a check"
fails stop '^fail: stage 1: the script stopped' "a guest script that stops"
fails mute '^lost: it ended without a verdict' "a guest without a verdict"
fails warn '^fail: on the console: .*WARNING: CPU' "a guest that passes, with a warning"
outcome '^lost: it did not end within [0-9]+ s' "a guest that hangs" \
	-T 15 -t harness-fail -a kho.opt.how=hang harness-hang

outcome '^fail: stage 1: there is no test' "a test that does not exist" \
	-t nowhere harness-nowhere
outcome '^fail: stage 2: requested with the handover taken, but it is none' \
	"a cold boot that was to be a handover" -t harness-stage -s 2 harness-cold
outcome '^fail: stage 1: the script ended without a jump' \
	"a stage that was to jump" -t harness-stage -a kho.opt.how=stay harness-stay

# A kernel with the stub, which the disk says is unpatched.
disk=$(payload harness-kind "$kernel" "$image")
work=$KHO_BUILD/qemu/harness-kind/other
rm -rf "$work"
mkdir -p "$work"
tar -xf "$disk" -C "$work"
echo stock >"$work/successor/kind"
tar -cf "$disk" -C "$work" .
rm -rf "$work"
outcome '^fail: stage 2: requested as a handover of the kind stock, but it is stub' \
	"a handover of another kind" -t harness-stage -p "$disk" harness-kind

# The panic needs magic sysrq, which only the stock kernel has.
kernel=$stock
fails panic '^fail: on the console: .*Kernel panic' "a kernel that panics"

message=$("$KHO_QEMU/lib/vm.sh" -t nowhere harness-nowhere "$kernel" "$image" 2>&1 ||
	true)
tap_is "a run that fails says where its logs are" "$message" \
	"$KHO_BUILD/qemu/harness-nowhere/console.log"

# An Oops by a breakpoint is QEMU's fault, if memory has none where the CPU met it.
work=$KHO_BUILD/qemu/harness-int3
mkdir -p "$work"
# oops BEFORE BYTE: makes a console with an Oops by a breakpoint, and prints the verdict:
# BEFORE is a line before it, BYTE is in memory where the CPU met the breakpoint
oops()
{
	printf '[    2.%d] %s\n' 1 "$1" 2 "Oops: int3: 0000 [#1] PREEMPT SMP" \
		3 "RIP: 0010:sched_clock_idle_wakeup_event+0x5/0x40" \
		4 "Code: 90 90 f3 0f 1e fa $2 <90> c3 cc cc cc" >"$work/console.log"
	awk -f "$KHO_QEMU/lib/stale-int3.awk" "$work/console.log" && echo stale || echo real
}
tap_is "a breakpoint that is not in memory" "$(oops booting 66)" '^stale$'
tap_is "one that is" "$(oops booting cc)" '^real$'
tap_is "one after a warning" "$(oops 'WARNING: CPU: 1' 66)" '^real$'
echo "[    1.0] Oops: 0002 [#1]" >"$work/console.log"
tap_is "no breakpoint" "$(awk -f "$KHO_QEMU/lib/stale-int3.awk" "$work/console.log" &&
	echo stale || echo real)" '^real$'

tap_done
