#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Dracut calls these functions to put kho-seal into the image.

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
	# The first of all hooks: /sys is mounted, and nothing else has run.
	# shellcheck disable=SC2154 # dracut sets moddir
	inst_hook cmdline 00 "$moddir/kho-seal.sh"
}
