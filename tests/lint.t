#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The static checks, as one test.
set -u
cd "$(dirname "$0")/.." || exit 1
echo 1..1
if scripts/lint.sh 2>&1 | sed 's/^/# /'; [ "${PIPESTATUS[0]}" -eq 0 ]; then
	echo "ok 1 - make lint finds nothing"
else
	echo "not ok 1 - make lint finds nothing"
fi
