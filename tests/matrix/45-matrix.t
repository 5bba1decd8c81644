#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs some of the pairs of `make matrix` once each, takes the data of mainline's own
# clients through a kernel with the stub, and checks that the README has the results of
# the whole matrix.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

need_vm

# ---- Pairs ----

json=$KHO_BUILD/qemu/matrix-check.json
status=0
"$KHO_TOP/tests/matrix/matrix.sh" --quick --json "$json" 2>&1 | sed 's/^/# /' ||
	status=$?
tap_result "$status" "matrix.sh says that all is well"
tap_is "it has run all of them" "$(grep -c '"predecessor"' "$json")" '^4$'
while IFS= read -r line; do
	case $line in
	*'"predecessor": "mainline-KHO 7.3", "successor": "stock'*)
		want='"result": "refused", .*"reason": "[^"]' ;;
	*)
		want='"result": "pass"' ;;
	esac
	tap_is "$(sed -E 's/.*"predecessor": "([^"]*)", "successor": "([^"]*)".*/\1 to \2/' <<<"$line")" \
		"$line" "$want"
done <"$json"

# ---- Mainline's clients ----

mainline=$(mainline_kernel base)
for series in 6.1 6.12; do
	stub=$(stub_kernel base "$series")
	image=$(initramfs "$mainline" "$stub")
	disk=$(payload -k "mainline=$mainline" "mainline-$series" "$stub" "$image")
	vm_test -1 -t mainline -p "$disk" -T 400 \
		-a "$(kernel_append "$mainline") liveupdate=on reserve_mem=4M:2M:kho-test" \
		"mainline-$series" "$mainline" "$image"
done

# ---- The README ----

docs=$KHO_TOP/docs/matrix.json
if [ -e "$docs" ]; then
	tap_result "$(grep -c '"result": "fail"' "$docs" || true)" \
		"no pair of the whole matrix fails"
	status=0
	"$KHO_TOP/tests/matrix/matrix-table.pl" --check "$docs" \
		"$KHO_TOP/README.md" || status=$?
	tap_result "$status" "the README has its table"
fi

tap_done
