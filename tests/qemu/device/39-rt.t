#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where every lock may sleep and nearly everything can be interrupted: /dev/kho,
# agents' memory and agents that are killed on a PREEMPT_RT kernel; and handovers between
# such kernels and others.  In make soak there is one with the boot stub that checks
# itself, too; else only Debian's, as building a kernel takes long.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)
debian=$(debian_kernel 6.12 rt)
rt=$debian
[ -z "${KHO_SOAK-}" ] || rt=$(stub_kernel rt 6.12)
kernels=("$stock" "$debian")
[ "$rt" = "$debian" ] || kernels+=("$rt")
image=$(initramfs "${kernels[@]}")
files=$KHO_BUILD/qemu/rt/files
mkdir -p "$files/data"
# Real content, and not a whole number of pages.
head -c 9000001 "$stock/boot/"vmlinuz-* | tac -b >"$files/data/file"
disk=$(payload -k "stock=$stock" -k "debian=$debian" -k "rt=$rt" rt "$rt" \
	"$image" "$files")

options="kho.opt.parts=ioctl,memory${KHO_SOAK:+,busy}"
options+=' kho.opt.wide=no kho.opt.lean=yes'
options+=' kho.opt.kills=4 kho.opt.mib=12 kho.opt.slack=65536'
vm_test -t parts -p "$disk" -a "$options" -T 400 rt "$rt" "$image"
# From one RT kernel to another, to one without RT, and back.
vm_test -1 -t chain -p "$disk" -a 'kho.opt.kernels=rt,stock,debian' -T 300 \
	rt-chain "$debian" "$image"
tap_is "rt-chain: all four stages were there, in order" \
	"$(sed -n 's/^KHO-STAGE //p' "$KHO_BUILD/qemu/rt-chain/verdict.log" |
		tr '\n' ';')" \
	"^1 $(pattern_of "$debian");2 $(pattern_of "$rt");3 $(pattern_of "$stock");4 $(pattern_of "$debian");\$"

tap_done
