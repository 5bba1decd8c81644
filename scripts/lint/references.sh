# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# references: checks that the files that documents and comments name exist.

check_references()
{
	local list

	# Leave out pictures and data, patches for other trees, tests, as those of lint
	# have made-up names, the changelog, and scripts with paths in a kernel's tree.
	mapfile -t list < <(files '' '\.(svg|json|patch|t)$|^docs/benchmarks|^CHANGELOG\.md$|^scripts/(bootstub-apply|build-module)\.sh$|^kit/|^docs/vendor-kit\.md$')
	scripts/lint/references.pl "${list[@]}"
}
