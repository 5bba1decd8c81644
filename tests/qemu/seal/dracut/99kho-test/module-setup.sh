#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dracut calls these functions: they install the prober from where 70-seal.t has put it.

depends()
{
	echo base
}

install()
{
	local file

	# shellcheck disable=SC2154 # dracut sets moddir
	for file in "$moddir"/kho-test/*; do
		inst_simple "$file" "/kho-test/${file##*/}"
	done
	inst_simple /bin/busybox /kho-test/busybox
	# The first hook after that of kho-seal.
	inst_hook cmdline 01 "$moddir/kho-test.sh"
}
