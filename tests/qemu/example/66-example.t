#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The example agent: its cache is as warm in the first second after a kernel update
# as in the last second before it, and a cold cache is not.  The agent also builds as
# its README says.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

need_vm
need_packages gcc make pkg-config

# ---- Against a libkho that is installed ----

root=$KHO_BUILD/qemu/example/root
rm -rf "$root"
mkdir -p "$root"
log=$root.log
status=0
{
	make -C "$KHO_TOP/tools" install DESTDIR="$root" PREFIX=/usr &&
	config=$(find "$root" -name libkho.pc) &&
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=${config%/*} \
		make -C "$KHO_TOP/examples" O="$root/example" CFLAGS='-O2 -Werror -Wall'
} >"$log" 2>&1 || status=1
tap_result "$status" "kvcache builds with what pkg-config says"
[ "$status" -eq 0 ] || sed 's/^/# /' "$log"
tap_is "and wants the shared library" \
	"$(ldd "$root/example/kvcache" 2>&1 | grep -c 'libkho\.so\.0')" '^1$'

# ---- In one kernel, and in the next ----

stock=$(quick_stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
image=$(initramfs "$stock" "$stub")
disk=$(payload cache "$stub" "$image")
vm_test -1 -p "$disk" cache "$stock" "$image"
log=$KHO_BUILD/qemu/cache/verdict.log

# said STAGE REGEX: prints the first group of a match in what kvcache said in that stage
said()
{
	sed -nE "s/^KHO-NOTE cache $1: .*$2.*/\\1/p" "$log"
}

sed -n 's/^KHO-NOTE cache /# /p' "$log"
tap_is "in the first kernel the cache was new" \
	"$(said 1 'in Linux (.*), 0 handovers ago')" "^$(pattern_of "$stock")\$"
tap_is "in the second it came from there" \
	"$(said 2 'in Linux (.*), 1 handovers ago')" "^$(pattern_of "$stock")\$"

# In tenths of a percent
percent='([0-9]+\.[0-9]) %'
cold=$(said 1 "first second: $percent" | tr -d .)
before=$(said 1 "last second: $percent" | tr -d .)
after=$(said 2 "first second: $percent" | tr -d .)
: "${cold:=1000}" "${before:=0}" "${after:=1000}"
tap_result $((before < 600)) "the cache got warm: 60 % hits or more"
tap_result $((cold * 2 > before)) "which it was not at first: half of that at most"
difference=$((after - before))
tap_result $((${difference#-} > 30)) \
	"the first second after the update is as the last one before: within 3 points"

tap_done
