#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Under Secure Boot's lockdown, objects are handed over by kexec_file_load of the signed
# kernel, and nothing else is: see lockdown.sh.
#
# The firmware trusts two keys: Debian's, by the certificate in the signature of its kernel,
# and one made here, which signs the module.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
need_packages openssl
here=$KHO_QEMU/lockdown
stock=$(stock_kernel)
image=$(initramfs "$stock")
work=$KHO_BUILD/qemu/lockdown/files
rm -rf "$work"
mkdir -p "$work/disk"

openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=kho-test \
	-addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
	-keyout "$work/own.key" -out "$work/own.pem" 2>/dev/null
openssl x509 -in "$work/own.pem" -outform DER -out "$work/own.der"
"$here/signature.pl" of "$(kernel_image "$stock")" |
	openssl pkcs7 -inform DER -print_certs |
	openssl x509 -outform DER -out "$work/debian.der"
"$here/vars.pl" PK="$work/own.der" KEK="$work/own.der" \
	db="$work/debian.der,$work/own.der" \
	</usr/share/OVMF/OVMF_VARS_4M.fd >"$work/vars.fd"

module=$KHO_BUILD/modules/$(kernel_release "$stock")/kho.ko
openssl cms -sign -binary -noattr -nocerts -nosmimecap -md sha256 -outform DER \
	-signer "$work/own.pem" -inkey "$work/own.key" -in "$module" |
	"$here/signature.pl" on "$module" >"$work/disk/kho.ko"
# What is signed is the whole file; one byte of its code is enough.
perl -0777 -pe 'substr($_, length() / 2, 1) ^= "\1"' "$(kernel_image "$stock")" \
	>"$work/disk/changed"
disk=$(payload lockdown "$stock" "$image" "$work/disk")

# kexec_file_load takes its checksum without a break, some seconds for each of these kernels
# and initrds: long enough for a soft lockup, if this machine is busy.
vm_test -1 -p "$disk" -f efi -V "$work/vars.fd" -T 300 \
	-a "crashkernel=160M watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120" \
	lockdown "$stock" "$image"
tap_is "all four kernels were there" \
	"$(grep -c 'KHO-STAGE [0-9]' "$KHO_BUILD/qemu/lockdown/verdict.log")" '^4$'

tap_done
