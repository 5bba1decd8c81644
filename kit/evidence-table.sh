#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# evidence-table.sh: writes what kit/evidence has into docs/vendor-kit.md.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

page=$KHO_TOP/docs/vendor-kit.md

table()
{
	local dir file

	echo
	echo "| series | Debian's source | kernel | applied | built | the kit's test | kABI: symbols before, changed or removed, added | date |"
	echo "|---|---|---|---|---|---|---|---|"
	for dir in $(printf '%s\n' "$KHO_TOP"/kit/evidence/*/ | sort -V); do
		file=$dir/series.json
		[ -e "$file" ] || continue
		python3 - "$file" "$dir/kabi.txt" <<-'P'
			import json, re, sys
			series = json.load(open(sys.argv[1]))
			try:
			    kabi = open(sys.argv[2]).read()
			except OSError:
			    kabi = ""
			before = re.search(r"before: (\d+)", kabi)
			parts = re.split(r"(?m)^(\w[^:\n]*):", kabi)
			count = lambda head: sum(1 for i, p in enumerate(parts) if p.startswith(head)
			    for l in parts[i + 1].splitlines() if l.startswith("    "))
			yes = lambda b: "yes" if b else "no"
			for t in series["tried"]:
			    print(f"| {series['linux']} | {t['source'].split()[1]} | {t['release']} |"
			          f" {yes(t['applied'])} | {yes(t['built'])} |"
			          f" {'passes, %d checks' % t['tests'] if t['booted'] else 'fails'} |"
			          f" {before.group(1) if before else '?'}, {count('removed') + count('changed')},"
			          f" {count('added')} | {t['date']} |")
		P
	done
	echo
}

mkdir -p "$KHO_BUILD/kit"
table >"$KHO_BUILD/kit/table"
awk -v table="$KHO_BUILD/kit/table" '
	/^<!-- evidence -->$/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
	/^<!-- end of evidence -->$/ { skip = 0 }
	!skip' "$page" >"$page.new"
mv "$page.new" "$page"
