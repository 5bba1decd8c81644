# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# Handovers that were damaged right before the jump.  Each is refused in one
# line, the boot is a normal one, and the refusing kernel then sends the next.

# poke ADDRESS VALUE [OP]
poke()
{
	insmod "$here/kho_poke.ko" "addr=$1" "value=$2" "op=${3:-set}" \
		2>/run/poke && fail "kho_poke has stayed loaded"
	dmesg | tail -n 3 | grep -q "kho_poke: $1: .* is now" ||
		not_ok "poke $1" /run/poke
}

# place NAME: prints the address of a part of the handover, by "agent where"
place()
{
	agent where | sed -n "s/^$1=//p" | head -n 1
}

# harm N: damages the handover; reason N: prints what it must be refused for.
harm()
{
	case $1 in
	1)	# wrong magic
		poke "$(place fdt)" 0xff or ;;
	2)	# wrong compatible string
		poke "$(place compatible)" 0xff or ;;
	3)	# no map: it has another name
		poke "$(place map_name)" 0xff or ;;
	4)	# root outside RAM
		poke "$(place map_value)" 0x7ffffffff000 ;;
	5)	# root in a hole
		poke "$(place map_value)" 0xa0000 ;;
	6)	# a node that points to itself
		poke "$(place root_entry)" "$(place root)" ;;
	7)	# a key of an impossible order
		poke "$(place root)" "$(agent nodes)" ;;
	8)	# keys with more bits than there are
		poke "$(printf '0x%x' $(($(place root) + 4000)))" "$(place leaf)" ;;
	9)	# a scratch range that is no RAM
		poke "$(place scratch)" 0xfee00000 ;;
	esac
}

reason()
{
	case $1 in
	1)	echo 'FDT magic is wrong' ;;
	2)	echo 'compatible string is neither kho-v3 nor kho-v4' ;;
	3)	echo 'FDT has no preserved-memory-map' ;;
	4)	echo 'a node beyond the end of memory' ;;
	5)	echo 'tree node is (no RAM|too low)' ;;
	6)	echo 'a node that leads back to itself' ;;
	7)	echo 'a key of an order that does not exist' ;;
	8)	echo 'an entry for keys that do not exist' ;;
	9)	echo 'scratch range is no RAM' ;;
	esac
}

leave()
{
	check "put an object" khoctl put object /bin/busybox
	check "scatter pages" agent scatter 50 1 /run/manifest
	check "put the manifest" khoctl put manifest /run/manifest
	# The damage must come after this: loading reads some of the handover.
	load_next "$@" >/run/out 2>&1 || fail "khoctl load: $(cat /run/out)"
}

# damaged N: jumps with damage N, for which the next kernel is to refuse the handover
damaged()
{
	leave kho.arrival=refused
	harm "$1"
	do_jump
}

# was_refused N
was_refused()
{
	dmesg | grep -v kho-test: | grep 'handover refused' >/run/refused || true
	is "harm $1: one line says that it is refused" "$(wc -l </run/refused)" 1
	check "harm $1: and why: $(reason "$1")" \
		grep -qE "kho: handover refused: .*$(reason "$1")" /run/refused
	check "harm $1: status says it too" \
		sh -c "khoctl status | grep -qE 'REFUSED: .*$(reason "$1")'"
	is "harm $1: nothing has arrived" \
		"$(status objects) $(status arrived_pages)" "0 0"
}

stage_1() { damaged 1; }
stage_2() { was_refused 1; damaged 2; }
stage_3() { was_refused 2; damaged 3; }
stage_4() { was_refused 3; damaged 4; }
stage_5() { was_refused 4; damaged 5; }
stage_6() { was_refused 5; damaged 6; }
stage_7() { was_refused 6; damaged 7; }
stage_8() { was_refused 7; damaged 8; }
stage_9() { was_refused 8; damaged 9; }

# Only the module reads objects: the stub keeps the pages, whatever the objects say.
stage_10()
{
	was_refused 9
	leave kho.generation=1
	poke "$(place objects)" 0xff or
	do_jump
}

stage_11()
{
	is "damaged objects are refused" \
		"$(dmesg | grep -v kho-test: | grep -c 'kho: objects at .* refused')" 1
	is "there are none" "$(status objects)" 0
	check "but their pages are still preserved" \
		[ "$(status arrived_pages)" -gt 300 ]
	check "and can be given up" agent clean none
	is "all of them" "$(status arrived_pages)" 0

	# Damage a reserved field of one record.
	leave kho.generation=2
	poke "$(printf '0x%x' $(($(place record) + 136)))" 1
	do_jump
}

stage_12()
{
	is "one record is refused" \
		"$(dmesg | grep -v kho-test: | grep -c "kho: objects: record 'object' refused")" 1
	check "status says so" \
		sh -c "khoctl status | grep -q \"record 'object' refused: a reserved field is not 0\""
	is "the other object is there" "$(status objects)" 1
	check "the pages of the one refused are preserved" \
		[ "$(status arrived_pages)" -gt 300 ]
	check "the other one can be read" khoctl get manifest /run/manifest
	check "and leads to pages that have arrived" agent verify /run/manifest

	# Finally, a handover that is not damaged.
	check "the name is free" khoctl put object /bin/busybox
	jump
}

stage_13()
{
	is "the next kernel is not told of it any more" \
		"$(dmesg | grep -v kho-test: | grep -c 'kho: objects: .*refused')" 0
	check "a sound handover arrives" khoctl get manifest /run/manifest
	check "with its pages" agent verify /run/manifest
	is "and its object" "$(khoctl get object - | sha256sum | cut -c 1-64)" \
		"$(sha256sum </bin/busybox | cut -c 1-64)"
}
