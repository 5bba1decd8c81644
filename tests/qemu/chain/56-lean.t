#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# More scattered pages than a mainline kernel should be told of one by one: do all of
# them arrive there by envelopes, and go on from there, without any memory missing?
# And what do other kernels do with such a handover?
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
mainline=$(mainline_kernel base)
image=$(initramfs "$stock" "$stub" "$mainline")
log()
{
	echo "$KHO_BUILD/qemu/$1/verdict.log"
}

# noted NAME WHAT
noted()
{
	sed -n "s/^KHO-NOTE $2 //p" "$(log "$1")"
}

# ---- From a stock kernel to mainline, and on ----

disk=$(payload -k "stub=$stub" lean "$mainline" "$image")
vm_test -1 -p "$disk" -m 2G -T 300 -a \
	"kho.opt.kernels=successor,stub kho.opt.pages=20000 kho.opt.told=envelopes kho.opt.client=2" \
	lean "$stock" "$image"
tap_is "the kernels were those" \
	"$(sed -n 's/^KHO-STAGE //p' "$(log lean)" | tr '\n' ';')" \
	"^1 $(pattern_of "$stock");2 $(pattern_of "$mainline");3 $(pattern_of "$stub");\$"

# Memory, compared with a cold boot of the same kernel
for entry in "2=$mainline" "3=$stub"; do
	stage=${entry%%=*} kernel=${entry#*=}
	vm_test -1 -t lean -m 2G -a "kho.opt.cold=1 $(kernel_append "$kernel")" \
		"lean-cold-$stage" "$kernel" "$image"
	cold=$(noted "lean-cold-$stage" 'memtotal 1')
	warm=$(noted lean "memtotal $stage")
	echo "# stage $stage: MemTotal ${warm:-0} KiB, $cold KiB after a cold boot"
	tap_result $((${warm:-0} * 100 < ${cold:-1} * 99 ||
		      ${warm:-0} * 100 > ${cold:-1} * 101)) \
		"stage $stage: MemTotal is that of a cold boot, within 1 %"
done

# ---- The same, to a kernel without KHO and then to mainline ----

disk=$(payload -k "mainline=$mainline" lean-stock "$stock" "$image")
vm_test -1 -t lean -p "$disk" -m 2G -T 300 -a \
	"kho.opt.kernels=successor,mainline kho.opt.pages=5000 kho.opt.how=envelopes kho.opt.told=envelopes kho.opt.client=3" \
	lean-stock "$stock" "$image"

# ---- The stub refuses it, if somebody bypasses khoctl ----

disk=$(payload lean-stub "$stub" "$image")
vm_test -1 -t lean -p "$disk" -m 2G -a \
	"kho.opt.kernels=successor kho.opt.pages=5000 kho.opt.told=exact kho.opt.late=envelopes" \
	lean-stub "$stock" "$image"
tap_is "the stub says why" "$(noted lean-stub refused)" 'compatible string'

tap_done
