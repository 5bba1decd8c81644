#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# For dracut, which calls these: puts kho-seal into the image.

check()
{
	require_binaries @SBINDIR@/kho-seal chmod ls
}

depends()
{
	echo base
}

install()
{
	inst_multiple chmod ls
	inst_script @SBINDIR@/kho-seal /usr/sbin/kho-seal
	# The first of all hooks.  /sys is mounted, nothing else has run.
	# shellcheck disable=SC2154 # dracut sets moddir
	inst_hook cmdline 00 "$moddir/kho-seal.sh"
}
