#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An agent's own memory, 2 GiB of it: anonymous and memfd pages, transparent huge
# pages, hugetlb pages of 2 MiB and of 1 GiB.  It goes through many handovers in a
# row, to kernels with the boot stub, 6.1 and (from the third on) 6.12, and to unpatched
# ones in turn; and at the end no page is missing.
#
#	KHO_HANDOVERS=N		how many, an even number; by default 2, and 20 in
#				`make soak`
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

handovers=${KHO_HANDOVERS:-2}
[[ $handovers =~ ^([1-9][0-9]*)?[02468]$ && $handovers -gt 0 ]] ||
	die "KHO_HANDOVERS=$handovers is no even number"

need_vm
stock=$(stock_kernel)
stub=$(stub_kernel "$KHO_FLAVOUR")
newer=$(stub_kernel base 6.12)
image=$(initramfs "$stock" "$stub" "$newer")
disk=$(payload -k "stock=$stock" -k "newer=$newer" agents "$stub" "$image")
names=(successor stock newer stock)
kernels=("$stub" "$stock" "$newer" "$stock")

options="mitigations=auto kho.opt.handovers=$handovers"
options+=" kho.opt.kernels=$(IFS=,; echo "${names[*]}")"
vm_test -1 -p "$disk" -m 7G -c +pdpe1gb -T $((120 + 40 * handovers)) \
	-a "$options" agents "$stock" "$image"

log=$KHO_BUILD/qemu/agents/verdict.log
noted()
{
	sed -n "s/^KHO-NOTE $1 //p" "$log"
}

# ---- The stages were those that were asked for ----

want="1 $(kernel_release "$stock");"
for ((i = 0; i < handovers; i++)); do
	want+="$((i + 2)) $(kernel_release "${kernels[i % ${#kernels[@]}]}");"
done
tap_is "$handovers handovers, to kernels of both kinds in turn" \
	"$(sed -n 's/^KHO-STAGE //p' "$log" | tr '\n' ';')" "^$want\$"
tap_is "the last one is the end" "$(grep -cx 'KHO-NOTE end' "$log")" '^1$'

# ---- Nothing is missing ----

tap_is "the counters are those of the start" "$(noted 'last counters')" \
	"^$(noted 'first counters')\$"
read -r first_total first_free <<<"$(noted 'first memory')"
read -r last_total last_free <<<"$(noted 'last memory')"
echo "# MemTotal $first_total KiB, then $last_total KiB;" \
	"free $first_free KiB, then $last_free KiB"

# near DESCRIPTION FIRST LAST KIB: both differ by less than KIB, which allows for what
# the kernel itself uses
near()
{
	local difference=$(($2 - $3))

	tap_result $((${difference#-} > $4)) "$1: less than $4 KiB apart"
}

# After 4 handovers and after 20, 16 KiB of MemTotal were missing, and 1.4 MiB
# more were free than at the start.
near "MemTotal" "${first_total:-0}" "${last_total:-999999}" 512
near "free memory" "${first_free:-0}" "${last_free:-999999}" 4096

start=$(noted time | head -n 1)
end=$(noted time | tail -n 1)
[ -z "$start" ] || echo "# $(((end - start) / handovers)) s for each handover"

tap_done
