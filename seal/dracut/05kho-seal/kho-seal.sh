#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In dracut's initramfs, which sources this: see kho-seal(8).

/usr/sbin/kho-seal --kmsg
