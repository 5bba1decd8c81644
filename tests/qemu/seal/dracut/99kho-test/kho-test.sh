#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dracut sources this.  Its image has few programs.

/kho-test/busybox sh /kho-test/probe.sh dracut
