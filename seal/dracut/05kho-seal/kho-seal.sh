#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Dracut sources this in the initramfs: see kho-seal(8).

/usr/sbin/kho-seal --kmsg
