#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What firmware has left in RAM, in chains of handovers: see firmware.sh.
#
#	KHO_HANDOVERS=N		how many on EFI; 5 by default
#	KHO_FIRMWARE="NAME..."	which machines; by default efi, and in `make soak` all
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

handovers=${KHO_HANDOVERS:-5}
[[ $handovers =~ ^[1-9][0-9]*$ ]] || die "KHO_HANDOVERS=$handovers is no number"
: "${KHO_FIRMWARE:=efi}"

need_vm
# Later kernels, and by now 6.12, don't read the table of memory attributes after a kexec
# (64b45dd46e15), which is the only one of OVMF's own tables that lies in RAM.
stock=$(stock_kernel)
stub=$(stub_kernel base)
image=$(initramfs "$stock" "$stub")

# chain HANDOVERS NAME FIRMWARE TURNS MORE [OPTION]...: the kernels of TURNS come in turn
chain()
{
	local number=$1 name=$2 firmware=$3 turns=$4 more=$5 disk log what

	shift 5
	disk=$(payload -k "stock=$stock" -k "stub=$stub" "$name" "$stock" "$image")
	vm_test -1 -t firmware -p "$disk" -f "$firmware" "$@" -T $((200 + 60 * number)) \
		-a "kho.opt.firmware=$firmware kho.opt.handovers=$number kho.opt.kernels=$turns $more" \
		"$name" "$stock" "$image"
	log=$KHO_BUILD/qemu/$name/verdict.log
	tap_is "$name: $number handovers" "$(grep -c '^KHO-STAGE' "$log")" "^$((number + 1))\$"
	tap_is "$name: the last one is the end" "$(grep -cx 'KHO-NOTE end' "$log")" '^1$'
	while read -r what; do
		tap_is "$name: $what: the same in each kernel" \
			"$(sed -n "s/^KHO-NOTE same $what //p" "$log" | sort | uniq -c |
				awk '{ print $1 }')" "^$((number + 1))\$"
	done < <(sed -n 's/^KHO-NOTE same \([a-z0-9-]*\) .*/\1/p' "$log" | sort -u)
}

for name in $KHO_FIRMWARE; do
	case $name in
	efi)	# What OVMF, the kernel's loader and a TPM leave, on two nodes
		chain "$handovers" firmware-efi efi stub,stock '' -S -m 768M \
			-q '-object memory-backend-ram,id=node0,size=384M' \
			-q '-numa node,nodeid=0,memdev=node0' \
			-q '-object memory-backend-ram,id=node1,size=384M' \
			-q '-numa node,nodeid=1,memdev=node1' ;;
	acpi)	# ACPI tables in memory that memmap= makes usable, one of them longer
		# than a page.  The machine has more memory above 4 GiB, as otherwise the
		# kernel would use all that is near the tables.
		mkdir -p "$KHO_BUILD/qemu/firmware-acpi"
		table=$KHO_BUILD/qemu/firmware-acpi/table
		head -c 6000 /dev/zero | tr '\0' k >"$table"
		chain 3 firmware-acpi bios stub,stock memmap=0x1e000%0x7ffe2000-2+1 -m 2304M \
			-q '-machine max-ram-below-4g=2G' -q "-acpitable sig=LONG,data=$table" ;;
	noruntime)
		chain 2 firmware-noruntime efi stub,stock efi=noruntime -m 768M ;;
	noefi)	chain 2 firmware-noefi efi stub,stock noefi -m 768M ;;
	*)	die "KHO_FIRMWARE: there is no machine '$name'" ;;
	esac
done

tap_done
