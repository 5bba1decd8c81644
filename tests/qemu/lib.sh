# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests on the host share: each is a bash script that says TAP, has
# sourced this, and ends with "tap_done".
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

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

# The kernels, each built or fetched once per test.
stock_kernel()
{
	"$KHO_TOP/scripts/fetch-kernel.sh" 6.1
}

# For whoever wants to see all of it with the other one.
KHO_FLAVOUR=${KHO_FLAVOUR:-base}

# stub_kernel FLAVOUR
stub_kernel()
{
	"$KHO_TOP/scripts/build-stub-kernel.sh" "$1"
}

initramfs()
{
	"$KHO_QEMU/mkinitramfs.sh" "$@"
}

# payload NAME SUCCESSOR INITRD [DIR]: makes the disk with the next kernel and
# what else is in DIR.  Prints its path.
payload()
{
	local tar=$KHO_BUILD/qemu/$1/payload.tar

	mkdir -p "${tar%/*}"
	tar -cf "$tar" --dereference --transform 's,^.*/bzImage$,successor/bzImage,' \
		--transform 's,^.*\.cpio$,successor/initrd,' \
		-P "$2/bzImage" "$3" ${4:+-C "$4" .}
	echo "$tar"
}

need_vm()
{
	need_packages qemu-system-x86 seabios
}

# vm_outcome ARGUMENT...: runs vm.sh and prints its last line
vm_outcome()
{
	"$KHO_QEMU/vm.sh" "$@" | tail -n 1
}

# vm_test NAME ARGUMENT...: runs a VM whose checks become ours, and which has
# to pass.  The arguments are vm.sh's; the name is the last but two.
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
