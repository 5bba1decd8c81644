#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module is replaced while it holds everything that it can hold, by khoctl upgrade and
# by others; whatever fails leaves the old one.  Afterwards the kernel that was loaded
# before gets everything.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
stock=$(quick_stock_kernel)

# other_module NAME VERSION MAGIC: makes another version of the module, by changing some
# bytes of the one that was built, as another build takes long.  With another magic number,
# it does not know the record of this one.
other_module()
{
	perl -0777 -pe '
		BEGIN { ($was, $version, $magic) = splice @ARGV, 0, 3 }
		s/(srcversion=.{22})./$1 . chr(ord("V") + substr($version, 2, 1))/e or die "no srcversion";
		s/(?<=[\0=])\Q$was\E(?=\0)/$version/g or die "no version";
		s/kho-left/$magic/g or die "no magic number";
	' "$version" "$2" "$3" "$module" >"$files/$1.ko"
	cmp -s "$module" "$files/$1.ko" && die "$1.ko is not another version"
	return 0
}

version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' "$KHO_TOP/module/version.h")
module=$("$KHO_TOP/scripts/build-module.sh" "$(kernel_release "$stock")" "$stock/headers")
files=$KHO_BUILD/qemu/upgrade/files
rm -rf "$files"
mkdir -p "$files"
other_module new 0.2.0 kho-left
other_module stranger 0.3.0 kho-lost

image=$(initramfs "$stock")
disk=$(payload upgrade "$stock" "$image" "$files")
vm_test -t upgrade -p "$disk" -m 2G -T 400 upgrade "$stock" "$image"

tap_done
