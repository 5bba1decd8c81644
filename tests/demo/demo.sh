#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The demo: the stock Debian kernel preserves files and pages and jumps by kexec
# to its successor, which reads the same bytes back; all of it in QEMU.  The
# last line says "demo: PASS ..." or "demo: FAIL reason".
#
#	SUCCESSOR=stock		the same kernel of Debian once more (the default),
#		  stub		one with the boot stub, or
#		  mainline	one with in-kernel KHO
#	FIRMWARE=efi		on EFI (OVMF), instead of a BIOS
#	KEEP=1			leaves a shell in the successor
#	V=1			shows the consoles of the kernels as well
#	DEMO_APPEND=WORD	for the successor's command line, such as kho=off
#	DEMO_CORRUPT=WHAT	changes one byte of an object (object or 1) or of
#				a single page (page) before the jump
#	DEMO_CPUS=1		one CPU instead of two
#	DEMO_WORDS=WORDS	for the command lines of both kernels
#	DEMO_MIB=N		how large the largest file is, by default 64
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

pages=1000
mib=${DEMO_MIB:-64}
name=demo${DEMO_NAME:+-$DEMO_NAME}

failed()
{
	echo "demo: FAIL $*"
	exit 1
}

step()
{
	echo "==> $*"
}

kind=${SUCCESSOR:-stock}
case $kind in
stock|stub|mainline)
	;;
*)
	failed "SUCCESSOR=$kind is none of stock, stub and mainline" ;;
esac
firmware=${FIRMWARE:-bios}
case $firmware in
bios|efi)
	;;
*)
	failed "FIRMWARE=$firmware is neither bios nor efi" ;;
esac
case ${DEMO_CORRUPT:-} in
''|0)
	corrupt='' ;;
1|object)
	corrupt=object ;;
page)
	corrupt=page ;;
*)
	failed "DEMO_CORRUPT=$DEMO_CORRUPT is neither object nor page" ;;
esac
case $mib in
[1-9]|[1-9][0-9]|[1-9][0-9][0-9])
	;;
*)
	failed "DEMO_MIB=$mib is not a number from 1 to 999" ;;
esac
# Plus some bytes, so that the last page isn't full.
data_size=$((mib * 1024 * 1024 + 12345))
case ${DEMO_APPEND:-} in
*' '*)
	failed "DEMO_APPEND='$DEMO_APPEND' is more than one word" ;;
esac

if [ "${KEEP:-}" = 1 ] && [ ! -t 0 ]; then
	failed "KEEP=1 leaves a shell, and that needs a terminal"
fi

trap 'status=$?; [ "$status" -eq 0 ] || [ -n "${judged-}" ] ||
	echo "demo: FAIL a step before the VM failed"; exit "$status"' EXIT

need_vm
step "the stock kernel, as apt has it"
stock=$(stock_kernel)
case $kind in
stock)
	step "the successor: the same kernel, unpatched"
	successor=$stock
	kernels=("$stock") ;;
stub)
	step "the successor: linux-source-6.1 with the boot stub"
	successor=$(stub_kernel "$KHO_FLAVOUR")
	kernels=("$stock" "$successor") ;;
mainline)
	step "the successor: linux-source-7.3 with CONFIG_KEXEC_HANDOVER"
	successor=$(mainline_kernel base)
	kernels=("$stock" "$successor") ;;
esac
step "kho.ko by DKMS for both, and an initramfs of the host's packages"
image=$(initramfs "${kernels[@]}")

# ---- Data: files of this machine ----

work=$KHO_BUILD/qemu/$name
data=$work/files/data
rm -rf "$work/files"
mkdir -p "$data"
content "$data_size" >"$data/usr.tar"
[ "$(stat -c %s "$data/usr.tar")" -eq "$data_size" ] ||
	failed "this machine has no $data_size bytes in /usr/bin and /usr/lib"
cp /etc/os-release "$data/os-release"
cp /usr/share/common-licenses/GPL-2 "$data/GPL-2"
cp "$(kernel_config "$stock")" "$data/kernel-config"
(cd "$data" && sha256sum -- *) >"$work/sums"
disk=$(payload "$name" "$successor" "$image" "$work/files")

# ---- Run ----

options="kho.opt.pages=$pages"
[ -z "$corrupt" ] || options+=" kho.opt.corrupt=$corrupt"
[ -z "${DEMO_APPEND:-}" ] || options+=" kho.opt.append=$DEMO_APPEND"
[ -z "${DEMO_WORDS:-}" ] || options+=" $DEMO_WORDS"
mode=-l
if [ "${KEEP:-}" = 1 ]; then
	options+=" kho.opt.keep=1"
	mode=-i
fi
step "QEMU, by software emulation unless KHO_ACCEL=kvm"

status=0
"$KHO_QEMU/lib/vm.sh" "$mode" -f "$firmware" ${DEMO_CPUS:+"-$DEMO_CPUS"} -t demo -p "$disk" -a "$options" \
	"$name" "$stock" "$image" || status=$?
outcome=$(cat "$work/outcome")
judged=1
log=$work/verdict.log
echo

[ "$status" -eq 0 ] || failed "${outcome#fail: }"

# ---- Judge: compare what the guest has read with what it should have read ----

noted()
{
	sed -n "s/^KHO-NOTE $1 //p" "$log"
}

stages=$(sed -n 's/^KHO-STAGE //p' "$log" | tr '\n' ';')
want="1 $(kernel_release "$stock");2 $(kernel_release "$successor");"
[ "$stages" = "$want" ] || failed "the stages were '$stages', not '$want'"

while read -r sum file; do
	got=$(sed -n "s/^KHO-NOTE sha256 \([0-9a-f]*\) $file\$/\1/p" "$log")
	[ "$got" = "$sum" ] ||
		failed "$file: sha256 in the successor is ${got:-missing}, on the host $sum"
done <"$work/sums"
[ "$(noted pages)" = "$pages" ] || failed "not all pages were compared"
bytes=$(($(noted bytes) + $(noted manifest) + pages * 4096))

[ "$(noted kind)" = "$kind" ] ||
	failed "what arrived was of the kind $(noted kind), not $kind"

echo "demo: PASS predecessor=$(kernel_release "$stock")" \
	"successor=$(kernel_release "$successor") kind=$(noted kind)" \
	"objects=$(noted objects) pages=$pages bytes=$bytes" \
	"sha256=$(sed -n 's/ .*usr\.tar$//p' "$work/sums")" "firmware=$firmware"
