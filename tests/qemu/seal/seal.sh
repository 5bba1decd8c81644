# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A secret is preserved, and the next kernel is the stock one with an initramfs
# of Debian's, see 70-seal.t.  What goes on there is seal/probe.sh.

stage_1()
{
	check "make the secret" sh -c \
		"/run/payload/kho-test/reader make $(option pages) >/run/secret"
	check "preserve it" khoctl put secret /run/secret
	rm /run/secret
	# Whoever finds it there has found it in this kernel's memory.
	jump boot=khotest
}
