#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rare kinds of machines and kernels: see shapes.sh.
#
#	KHO_SHAPES="NAME..."	which kinds; by default pieces, and in `make soak` all
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(stock_kernel)
newer=$(debian_kernel 6.12)

# shape NAME WORDS KERNEL NEXT LAST [OPTION]...: two handovers between these kernels;
# options are vm.sh's
shape()
{
	local name=shapes-$1 shape=$1 words=$2 first=$3 next=$4 last=$5 image disk log

	shift 5
	image=$(initramfs "$first" "$next" "$last")
	disk=$(payload -k "next=$next" -k "last=$last" "$name" "$next" "$image")
	vm_test -t shapes -p "$disk" -T 400 "$@" \
		-a "kho.opt.shape=$shape kho.opt.kernels=next,last $words" \
		"$name" "$first" "$image"
	log=$KHO_BUILD/qemu/$name/verdict.log
	tap_is "$name: the last one is the end" "$(grep -cx 'KHO-NOTE end' "$log")" '^1$'
}

for shape in ${KHO_SHAPES:-pieces}; do
	case $shape in
	levels)	shape levels '' "$stock" "$newer" "$stock" -c +la57 ;;
	large)	# The host only provides the memory that is written to.
		shape large '' "$stock" "$newer" "$newer" -m 256G -T 1500 \
			-q '-object memory-backend-ram,id=node0,size=1G,reserve=off' \
			-q '-numa node,nodeid=0,memdev=node0' \
			-q '-object memory-backend-ram,id=node1,size=253G,reserve=off' \
			-q '-numa node,nodeid=1,memdev=node1' \
			-q '-object memory-backend-ram,id=node2,size=2G,reserve=off' \
			-q '-numa node,nodeid=2,memdev=node2' ;;
	pieces)	shape pieces '' "$newer" "$stock" "$newer" ;;
	rsdp)	shape rsdp '' "$stock" "$newer" "$stock" -f efi ;;
	balloon)
		shape balloon '' "$newer" "$stock" "$newer" -1 -M \
			-q '-device virtio-balloon-pci,free-page-reporting=on' ;;
	console)
		shape console '' "$newer" "$stock" "$newer" -P ttyS2 ;;
	dark)	shape dark '' "$newer" "$stock" "$newer" -P tty0 ;;
	cloud)	shape cloud '' "$(debian_kernel 6.1 cloud)" "$(debian_kernel 6.12 cloud)" \
			"$(debian_kernel 7.2 cloud)" ;;
	rt)	# 39-rt.t has the RT kernel of 6.12.
		shape rt '' "$(debian_kernel 6.1 rt)" "$stock" "$stock" ;;
	*)	die "KHO_SHAPES: there is no machine '$shape'" ;;
	esac
done

tap_done
