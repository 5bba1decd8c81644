# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# spdx: checks that sources name their licence.

check_spdx()
{
	local file bad=0

	# All sources, but no texts, data, lists, files that dpkg reads, and parts of files.
	files '' '^((tools/libkho/)?COPYING|LICENSES/.*|debian/.*|docs/(map|matrix|bench|benchmarks)-?[a-z]*\.(svg|txt|json)|dkms\.conf|.*\.(md|md\.in|patch|config)|(.*/)?\.git[^/]*|tests/qemu/lib/console-allowed|kit/messages/.*|kit/[A-Za-z]*\.(module|entry|index))$' \
		>"$tmp/spdx"
	while read -r file; do
		if ! head -n 3 "$file" |
		   grep -qE 'SPDX-License-Identifier: (GPL-2\.0|LGPL-2\.1)'; then
			echo "$file: no SPDX-License-Identifier: GPL-2.0..."
			bad=1
		fi
	done <"$tmp/spdx"
	return "$bad"
}
