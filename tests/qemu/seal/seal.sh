# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A secret is preserved, and the next kernel is the stock one with an initramfs
# of Debian's, see 70-seal.t.  There seal/probe.sh goes on.

stage_1()
{
	check "make the secret" sh -c \
		"/run/payload/kho-test/reader make $(option pages) >/run/secret"
	check "preserve it" khoctl put secret /run/secret
	rm /run/secret
	# No other copy is left: who finds it in the next kernel has read this memory.
	jump boot=khotest
}
