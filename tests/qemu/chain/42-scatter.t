#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Chains of handovers with pages scattered over all of a small machine: each kernel
# has to find a place for the next one, whatever is preserved.
#
#	KHO_HANDOVERS=N		how many; by default 3, and 20 in `make soak`
#	KHO_CHAINS="NAME..."	which chains; by default one, and in `make soak` all
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

handovers=${KHO_HANDOVERS:-3}
[[ $handovers =~ ^[1-9][0-9]*$ ]] || die "KHO_HANDOVERS=$handovers is no number"

need_vm

# What is special about the machine, as vm.sh's arguments
machine=()

# nodes SIZE...: gives the machine nodes with so much memory
nodes()
{
	local i=0 size

	machine=()
	for size; do
		machine+=(-q "-object memory-backend-ram,id=node$i,size=$size"
			-q "-numa node,nodeid=$i,memdev=node$i")
		i=$((i + 1))
	done
}

# chain NAME FIRMWARE MEMORY WORDS KERNEL...: each KERNEL is NAME=DIRECTORY; the last one
# is booted, and then they follow in turn, from the first
chain()
{
	local name=$1 firmware=$2 memory=$3 words=$4 entries=() names=() dirs=()
	local entry image disk log first

	shift 4
	for entry; do
		entries+=(-k "$entry")
		names+=("${entry%%=*}")
		dirs+=("${entry#*=}")
	done
	first=${dirs[-1]}
	image=$(initramfs "${dirs[@]}")
	disk=$(payload "${entries[@]}" "$name" "$first" "$image")
	log=$KHO_BUILD/qemu/$name/verdict.log
	vm_test -1 -t scatter -p "$disk" -m "$memory" -f "$firmware" "${machine[@]}" \
		-T $((120 + 60 * handovers)) \
		-a "kho.opt.handovers=$handovers kho.opt.kernels=$(IFS=,; echo "${names[*]}") $words" \
		"$name" "$first" "$image"
	tap_is "$name: $handovers handovers" \
		"$(grep -c '^KHO-STAGE' "$log")" "^$((handovers + 1))\$"
	tap_is "$name: the last one is the end" "$(grep -cx 'KHO-NOTE end' "$log")" '^1$'
	sed -n 's/^KHO-NOTE \(kernel\|held\) /# \1 /p' "$log"
}

newer=$(debian_kernel 6.12)
: "${KHO_CHAINS:=bios}"

for chain in $KHO_CHAINS; do
	machine=()
	case $chain in
	bios)	# Each kernel lies in the scratch of the previous one.
		chain scatter-bios bios 2G \
			"nokaslr kho.opt.scratch=256 kho.opt.pages=1600" \
			"stock=$newer" ;;
	efi)	chain scatter-efi efi 2G kho.opt.pages=500 "stock=$newer" ;;
	little)	chain scatter-little bios 1536M kho.opt.pages=1000 \
			"stock=$newer" ;;
	stub)	chain scatter-stub bios 2G "nokaslr kho.opt.pages=1600" \
			"stub=$(stub_kernel base 6.12)" ;;
	mixed)	chain scatter-mixed bios 2G kho.opt.pages=1000 \
			"newer=$newer" "newest=$(debian_kernel 7.2)" \
			"stub=$(stub_kernel base)" "stock=$(stock_kernel)" ;;
	efi-mixed)
		chain scatter-efi-mixed efi 2G kho.opt.pages=1000 \
			"newest=$(debian_kernel 7.2)" "newer=$newer" \
			"stock=$(stock_kernel)" ;;
	nodes)	# The first node has no room for scratch, and what a kernel allocates
		# during boot lies right behind that node.
		nodes 192M 1856M
		chain scatter-nodes bios 2G "kho.opt.pages=1000 movable_node" \
			"newer=$newer" "stock=$(stock_kernel)" ;;
	four)	# 40 % of memory is only for movable pages.
		nodes 512M 512M 512M 512M
		chain scatter-four efi 2G "kho.opt.pages=1000 kernelcore=60%" \
			"newest=$(debian_kernel 7.2)" "newer=$newer" ;;
	high)	# Nearly all of it lies above 4 GiB.
		machine=(-q "-machine max-ram-below-4g=256M")
		chain scatter-high bios 3G kho.opt.pages=1000 \
			"stock=$(stock_kernel)" "newer=$newer" ;;
	*)	die "KHO_CHAINS: there is no chain '$chain'" ;;
	esac
done

tap_done
