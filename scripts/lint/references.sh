# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# references: whether the files are there that documents and comments name.

check_references()
{
	local list

	# Not: pictures and data, what is a patch to another tree, made-up names in
	# tests of lint, what has been so, and paths in a kernel's tree.
	mapfile -t list < <(files '' '\.(svg|json|patch|t)$|^docs/benchmarks|^CHANGELOG\.md$|^scripts/(bootstub-apply|build-module)\.sh$')
	scripts/lint/references.pl "${list[@]}"
}
