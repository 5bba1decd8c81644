# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Pages that are poisoned: in one kernel, and in the next ones.
#
#	kho.opt.lean=yes	in one kernel only
#	kho.opt.kernels=A,B	names of the next kernels

next=$(option kernels | tr , '\n' | sed -n "${stage}p")

# Checks what khoctl tells an operator.
told()
{
	check "ls says so" sh -c "khoctl ls | grep -qE '^p-base .*,poisoned'"
	check "and how many" \
		sh -c "khoctl ls --json | grep -q '\"poisoned_pages\": *1'"
	# The tests' own small kernels have no xxHash.
	case $(uname -r) in
	*-kho)	return ;;
	esac
	refuses "verify says so" \
		'^p-base: POISONED: 1 of 64 pages .*number 5,' khoctl verify
	refuses "in JSON as well" '"poisoned": *1' khoctl verify --json p-base
}

stage_1()
{
	local before

	echo 2 >/proc/sys/vm/nr_hugepages
	before=$(counters)
	tap poison here
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
	if [ "$(option lean)" = yes ]; then
		end_here
		return
	fi
	check "and loaded again" load_kho
	tap poison leave /run/pfns
	check "ls says so" sh -c "khoctl ls | grep -qE '^p-base .*,poisoned'"
	jump "kho.opt.pfns=$(cat /run/pfns)"
}

# Sets head, page and nr of the list that the next kernel will read.
find_list()
{
	poison where >/run/where || fail "poison where: $(cat /run/where)"
	head=$(sed -n 's/^head=\([^ ]*\) .*/\1/p' /run/where)
	page=$(sed -n 's/.* page=\([^ ]*\) .*/\1/p' /run/where)
	nr=$(sed -n 's/.* nr=//p' /run/where)
}

# poke ADDRESS VALUE
poke()
{
	insmod "$here/kho_poke.ko" "addr=$1" "value=$2" 2>/run/poke &&
		fail "kho_poke has stayed loaded"
	dmesg | tail -n 3 | grep -q "kho_poke: .* is now" ||
		not_ok "poke $1" /run/poke
}

stage_2()
{
	await_release
	tap poison arrived "$(option pfns)"
	told

	# Name a page that is not preserved, one that can't exist, and one twice.
	find_list
	is "three pages are named to the next kernel" "$nr" 3
	poke $((page + 16 + 8 * 3)) 1
	poke $((page + 16 + 8 * 4)) 0x123456789abcdef
	poke $((page + 16 + 8 * 5)) "$(option pfns | cut -d , -f 1)"
	poke $((page + 8)) 6
	poke $((head + 24)) 6
	jump
}

stage_3()
{
	await_release
	is "entries of no page that was preserved are passed over" \
		"$(dmesg | grep -c 'list of poisoned pages at .* has 2 that were not preserved')" 1
	told
	tap poison remove "$(option pfns)"
	is "nothing is left" "$(status objects) $(status arrived_pages)" "0 0"
	is "there are huge pages" "$(echo 2 >/proc/sys/vm/nr_hugepages
		cat /proc/sys/vm/nr_hugepages)" 2
	tap poison here

	# A list in a format of the future.
	tap poison leave /run/pfns
	find_list
	poke "$((head + 8))" 0x32762d6e6f
	jump
}

stage_4()
{
	is "a list in another format is left alone" \
		"$(dmesg | grep -c 'list of poisoned pages at .* is not kho-poison-v1, and left alone')" 1
	check "and carried on" \
		sh -c "khoctl ls --subtrees | grep -q '^kho-poison .*carried on'"
	is "all else has arrived" "$(status objects) $(status arrived_objects)" "2 2"
	check "it can be removed" khoctl rm p-base
	check "all of it" khoctl rm p-huge
}
