# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the tests on the host.  A test is a bash script that sources this file,
# prints TAP, and ends with "tap_done".
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

KHO_QEMU=$KHO_TOP/tests/qemu

tap_count=0
tap_failed=0

# tap_result STATUS DESCRIPTION: 0 is ok
tap_result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
}

# tap_is DESCRIPTION GOT WANTED-REGEX
tap_is()
{
	if [[ $2 =~ $3 ]]; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		echo "# got: $2"
		echo "# wanted: $3"
	fi
}

tap_done()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
}

# ---- Kernels: directories, as fetch-kernel.sh and build-kernel.sh print them ----

# debian_kernel SERIES [FLAVOUR]: as apt has it
debian_kernel()
{
	"$KHO_TOP/scripts/fetch-kernel.sh" "$@"
}

# KHO_STOCK is for running the tests with another series.
stock_kernel()
{
	debian_kernel "${KHO_STOCK:-6.1}"
}

# For tests that work with any stock kernel: 6.1 is compressed with xz, and unpacking it
# takes an emulated machine as long as the rest of its boot.
quick_stock_kernel()
{
	debian_kernel "${KHO_STOCK:-6.12}"
}

# The flavour of stub kernels, for running the tests with another one.
KHO_FLAVOUR=${KHO_FLAVOUR:-base}
# Their series, where a test does not want a certain one; 6.1 has more flavours.
KHO_STUB=${KHO_STUB:-6.1}

# stub_kernel FLAVOUR [SERIES]
stub_kernel()
{
	local series=6.1

	[ "$1" != base ] || series=$KHO_STUB
	"$KHO_TOP/scripts/build-kernel.sh" "stub-${2:-$series}" "$1"
}

# mainline_kernel FLAVOUR: with in-kernel KHO; base, v3 or patched
mainline_kernel()
{
	"$KHO_TOP/scripts/build-kernel.sh" mainline-7.3 "$1"
}

kernel_release()
{
	cat "$1/release"
}

# pattern_of DIR: prints a regular expression for its release
pattern_of()
{
	kernel_release "$1" | sed 's/[.+]/\\&/g'
}

kernel_image()
{
	if [ -e "$1/bzImage" ]; then
		echo "$1/bzImage"
	else
		echo "$1/boot/vmlinuz-$(kernel_release "$1")"
	fi
}

kernel_config()
{
	if [ -e "$1/config" ]; then
		echo "$1/config"
	else
		echo "$1/boot/config-$(kernel_release "$1")"
	fi
}

# kernel_kind DIR: prints how it keeps an incoming handover: stub, mainline or stock;
# unknown for a directory with nothing but an image
kernel_kind()
{
	local config

	if [ ! -e "$1/release" ]; then
		echo unknown
		return
	fi
	config=$(kernel_config "$1")
	if grep -qx CONFIG_KHO_BOOTSTUB=y "$config"; then
		echo stub
	elif grep -qx CONFIG_KEXEC_HANDOVER=y "$config" &&
	     [[ ! $(kernel_release "$1") =~ ^(6\.(1[6-9])|7\.0)\. ]]; then
		# Before 7.1, its own KHO speaks kho-v1, and disregards the handover.
		echo mainline
	else
		echo stock
	fi
}

# kernel_append DIR: prints the words that its command line needs for handing anything
# over.  By default, in-kernel KHO makes its scratch areas only as large as what the
# kernel used at boot, which is too small for the next kernel and its initrd.
kernel_append()
{
	[ "$(kernel_kind "$1")" != mainline ] ||
		echo 'kho=on kho_scratch=256M,64M,64M'
}

initramfs()
{
	"$KHO_QEMU/lib/mkinitramfs.sh" "$@"
}

# other_module VERSION [MAGIC] <MODULE >OTHER: makes another version of the module, by
# changing some bytes of the one that was built, as another build takes long.  With another
# magic number than kho-left, it does not know the record by which that one is replaced.
other_module()
{
	local version

	version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' "$KHO_TOP/module/version.h")
	perl -0777 -pe '
		BEGIN { ($was, $version, $magic) = splice @ARGV, 0, 3 }
		s/(srcversion=.{22})./$1 . chr(ord("V") + substr($version, 2, 1))/e or die "no srcversion";
		s/(?<=[\0=])\Q$was\E(?=\0)/$version/g or die "no version";
		s/kho-left/$magic/g or die "no magic number";
	' "$version" "$1" "${2:-kho-left}"
}

# payload [-k NAME=KERNELDIR]... NAME SUCCESSOR INITRD [DIR]: makes a disk with the next
# kernels and the contents of DIR, and prints its path.  Each kernel is a directory with
# bzImage, config-RELEASE, kind and append: SUCCESSOR is in "successor", the others in
# their NAMEs.
payload()
{
	local kernels=() entry to work

	while [ "$1" = -k ]; do
		kernels+=("$2")
		shift 2
	done
	work=$KHO_BUILD/qemu/$1/payload
	rm -rf "$work"
	for entry in "successor=$2" "${kernels[@]}"; do
		to=$work/${entry%%=*}
		mkdir -p "$to"
		entry=${entry#*=}
		ln -s "$(kernel_image "$entry")" "$to/bzImage"
		[ ! -e "$entry/release" ] || ln -s "$(kernel_config "$entry")" \
			"$to/config-$(kernel_release "$entry")"
		kernel_kind "$entry" >"$to/kind"
		kernel_append "$entry" >"$to/append"
	done
	ln -s "$3" "$work/successor/initrd"
	tar -cf "$work.tar" --dereference -C "$work" . ${4:+-C "$4" .}
	rm -rf "$work"
	echo "$work.tar"
}

# content BYTES: prints so much real content: programs and libraries of this machine
content()
{
	# tar ends when head has enough.
	(
		set +o pipefail
		tar -C / --sort=name --mtime=@0 --owner=0 --group=0 -cf - \
			usr/bin usr/lib 2>/dev/null | head -c "$1"
	)
}

need_vm()
{
	need_packages qemu-system-x86 seabios ovmf swtpm
}

# vm_outcome ARGUMENT...: runs vm.sh and prints its last line
#
# Mitigations against side channels cost an emulated machine time, and most tests don't
# depend on them.  They stay on in demo.sh, matrix.sh and the benchmarks, which run vm.sh
# directly, and in tests that pass mitigations=auto.
vm_outcome()
{
	"$KHO_QEMU/lib/vm.sh" -a mitigations=off "$@" | tail -n 1
}

# vm_test ARGUMENT...: runs a VM, which has to pass, and reports its checks as ours.
# The arguments are vm.sh's; the third from the end is the name.
vm_test()
{
	local name=${*: -3:1} outcome line

	outcome=$(vm_outcome "$@" || true)
	while IFS= read -r line; do
		case $line in
		'KHO-OK '*)
			tap_result 0 "$name: ${line#KHO-OK }" ;;
		'KHO-NOT-OK '*)
			tap_result 1 "$name: ${line#KHO-NOT-OK }" ;;
		'KHO-DIAG '*)
			echo "# ${line#KHO-DIAG }" ;;
		esac
	done <"$KHO_BUILD/qemu/$name/verdict.log"
	tap_is "$name: the VM passes" "$outcome" '^pass$'
}
