# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# For tests/demo/map.sh: maps of memory before the jump and after it.

# send NAME FILE: sends the file to the host
send()
{
	base64 -w 76 "$2" | sed "s/^/KHO-FILE $1 /" >/dev/ttyS1
}

# maps NAME: makes both maps and sends them
maps()
{
	check "map, as text" sh -c "khoctl map >/run/map.txt"
	check "map, as SVG" khoctl map --svg /run/map.svg
	send "$1.txt" /run/map.txt
	send "$1.svg" /run/map.svg
}

stage_1()
{
	check "put a large object" khoctl put guest-ram /run/payload/data/guest-ram
	check "put a small object" khoctl put config /bin/busybox
	check "scatter pages" agent scatter 300 1 /run/manifest
	check "put the manifest" khoctl put manifest /run/manifest
	maps before
	jump
}

stage_2()
{
	await_release
	check "the pages are there" sh -c \
		'khoctl get manifest /run/manifest && agent verify /run/manifest'
	maps after
}
