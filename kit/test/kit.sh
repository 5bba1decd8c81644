# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# What a kernel with the kit's patches has to keep: two files and 2,000 scattered pages.
#
#	kho.opt.corrupt=1	one byte of a file is changed before the jump

data=/run/payload
manifest=agent.manifest

stage_1()
{
	local file

	for file in small large sums; do
		check "put $file" khoctl put "$file" "$data/$file"
	done
	check "2,000 pages by number" agent scatter 2000 1 "/run/$manifest"
	check "and their manifest" khoctl put "$manifest" "/run/$manifest"
	[ "$(option corrupt)" != 1 ] || check "one byte is changed" agent flip-object small 5
	check "khoctl check" khoctl check --target "$(next_kernel)" --initrd "$initrd"
	load_next >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	# What comes after the load counts as well.
	check "put late" khoctl put late "$data/small"
	do_jump
}

stage_2()
{
	local sum file

	is "the boot stub has kept it" "$(status arrival_kind)" stub
	check "get sums" khoctl get sums /run/sums
	while read -r sum file; do
		is "$file: its checksum" "$(khoctl get "$file" | sha256sum)" "$sum  -"
	done </run/sums
	read -r sum file </run/sums
	is "late: its checksum" "$(khoctl get late | sha256sum)" "$sum  -"
	check "checksums that the module made" khoctl verify
	check "get the manifest" khoctl get "$manifest" "/run/$manifest"
	check "the pages" agent verify "/run/$manifest"
	for file in small large sums late "$manifest"; do
		check "remove $file" khoctl rm "$file"
	done
	check "release the pages" agent release "/run/$manifest"
	is "nothing of it is left" "$(status objects) $(status object_pages) $(status arrived_pages)" \
		"0 0 0"
	check "unload the module" rmmod kho
}
