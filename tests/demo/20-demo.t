#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The demo passes, and fails when it should.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

# demo DESCRIPTION STATUS REGEX NAME [VARIABLE=VALUE]: the last line of the output, and
# no other, has the verdict
demo()
{
	local status=0 out=$KHO_BUILD/qemu/demo-$4.out

	mkdir -p "${out%/*}"
	env DEMO_NAME="$4" "${@:5}" "$KHO_TOP/tests/demo/demo.sh" \
		>"$out" 2>"$out.err" </dev/null || status=$?
	tap_is "$1" "$(tail -n 1 "$out")" "$3"
	tap_is "$1: exit status" "$status" "^$2\$"
	tap_is "$1: one verdict" "$(grep -c '^demo: \(PASS\|FAIL\)' "$out")" '^1$'
	[ "$status" -eq "$2" ] || sed 's/^/# /' "$out.err"
}

# passes NAME KIND RELEASE-REGEX [VARIABLE=VALUE]
passes()
{
	demo "the demo, $2" 0 \
		"^demo: PASS predecessor=6\\.1\\.[^ ]*-amd64 successor=$3 kind=$2 objects=5 pages=1000 bytes=[0-9]{7,8} sha256=[0-9a-f]{64} firmware=bios\$" \
		"$1" "${@:4}"
	tap_is "the hash is that of the file" \
		"$(sed -n 's/.* sha256=\([0-9a-f]*\) .*/\1/p' "$KHO_BUILD/qemu/demo-$1.out")" \
		"^$(sha256sum <"$KHO_BUILD/qemu/demo-$1/files/data/usr.tar" |
			cut -c 1-64)\$"
}

# All runs have less data than `make demo`; those that must fail use the successor that
# boots fastest.
passes plain stock '6\.1\.[^ ]*-amd64' DEMO_MIB=24
fast=(DEMO_WORDS=mitigations=off DEMO_CPUS=1)
passes stub stub '6\.1\.[^ ]*-kho[^ ]*' SUCCESSOR=stub DEMO_MIB=8 "${fast[@]}"
passes mainline mainline '7\.3\.[^ ]*-mainline' SUCCESSOR=mainline DEMO_MIB=8 "${fast[@]}"

small=(SUCCESSOR=stub DEMO_MIB=2 "${fast[@]}")
demo "with the stub turned off" 1 \
	"^demo: FAIL stage 2: requested with the handover taken, but it is off" \
	off "${small[@]}" DEMO_APPEND=kho=off
demo "with one byte of the file changed" 1 \
	'^demo: FAIL usr.tar: sha256 in the successor is [0-9a-f]{64}, on the host' \
	object "${small[@]}" DEMO_CORRUPT=1
demo "with one byte of a page changed" 1 \
	'^demo: FAIL stage 2: .*agent verify' page "${small[@]}" \
	DEMO_CORRUPT=page
tap_is "it says which page" \
	"$(grep -c '^KHO-DIAG page [0-9]*, pfn 0x[0-9a-f]*: word 154 is' \
		"$KHO_BUILD/qemu/demo-page/verdict.log")" '^1$'
demo "with a successor that there is not" 1 \
	'^demo: FAIL SUCCESSOR=other is none of' other SUCCESSOR=other

tap_done
