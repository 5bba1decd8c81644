# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Lists of setup_data that are not as the module writes them.  An unpatched
# kernel has believed the list it was started with; here the list is changed in that
# kernel before the module is loaded, in one way after the other.  Each list is
# refused in one line that says why.  Once the list is right again, all of it arrives.

case $stage in
2)
	module=no ;;
esac
kernel_code=$(sed -n 's/^ *\([0-9a-f]*\)-.* : Kernel code$/0x\1/p' /proc/iomem)

# poke ADDRESS VALUE [OP]: sets old to what was there
poke()
{
	dmesg -c >/dev/null
	insmod "$here/kho_poke.ko" "addr=$1" "value=$2" "op=${3:-set}" \
		2>/run/poke && fail "kho_poke has stayed loaded"
	# Some insmods try twice: the first time counts.
	old=$(dmesg | sed -n "s/.*kho_poke: $1: \(0x[0-9a-f]*\) is now .*/\1/p" |
		head -n 1)
	[ -n "$old" ] || fail "poke $1: $(cat /run/poke)"
}

# where NAME: prints the address that "agent where" printed in stage 1
where()
{
	sed -n "s/^$1=//p" /run/where
}

hex()
{
	printf '0x%x' "$(($1))"
}

put_all()
{
	check "put an object" khoctl put object /bin/busybox
	check "scatter pages" agent scatter 1000 1 /run/manifest
	check "put the manifest" khoctl put manifest /run/manifest
}

all_is_there()
{
	is "$1: it arrives" "$(status arrival) $(status arrival_error)" "taken "
	check "$1: the manifest" khoctl get manifest /run/manifest
	check "$1: the pages" agent verify /run/manifest
	is "$1: the object" "$(khoctl get object - | sha256sum | cut -c 1-64)" \
		"$(sha256sum </bin/busybox | cut -c 1-64)"
}

stage_1()
{
	local word places=''

	put_all
	agent where | grep -E '^(node|fdt|scratch|root|envelope[12]|.*_name)' >/run/where
	check "there are some envelopes" [ "$(where nodes)" -gt 3 ]
	# shellcheck disable=SC2013  # words are wanted
	for word in $(grep -E '^(node[012]|fdt|scratch|root|envelope[12]|(objects|metadata)_name)=' \
		/run/where); do
		places="$places kho.opt.at_$word"
	done
	places="$places kho.opt.at_last=$(where "node$(($(where nodes) - 1))")"
	# shellcheck disable=SC2086  # the same
	jump kho.arrival=unasked $places
}

# The state that the envelopes must have.
fate=kept

# refused WHAT REGEX: the module is loaded and refuses
refused()
{
	dmesg -c >/dev/null
	load_kho 2>/run/out || {
		not_ok "$1: the module loads" /run/out
		return
	}
	is "$1: nothing is taken" \
		"$(status arrival) $(status objects) $(status arrived_pages)" \
		"refused 0 0"
	dmesg | grep -v kho-test: | grep 'handover refused' >/run/refused || true
	is "$1: one line says so" "$(wc -l </run/refused)" 1
	if ! grep -qE "$2" /run/refused; then
		echo "this does not match $2" >>/run/refused
		not_ok "$1: and why" /run/refused
	else
		ok "$1: and why: $2"
	fi
	is "$1: the envelopes are $fate" "$(status release)" "$fate"
	check "$1: unload the module" rmmod kho
}

# changed WHAT REGEX ADDRESS VALUE [ADDRESS VALUE]...: refused with these words
# changed, which are put right after that
changed()
{
	local what="$1" regex="$2" undo='' word

	shift 2
	while [ $# -gt 0 ]; do
		poke "$(hex "$1")" "$(hex "$2")"
		undo="$(hex "$1") $old $undo"
		shift 2
	done
	refused "$what" "$regex"
	# shellcheck disable=SC2086  # these are words
	set -- $undo
	while [ $# -gt 0 ]; do
		poke "$1" "$2"
		shift 2
	done
}

stage_2()
{
	local node0 node1 node2 last word fdt scratch e1 e2

	for word in $words; do
		case $word in
		kho.opt.at_*)
			echo "${word#kho.opt.at_}" ;;
		esac
	done >/run/where
	node0=$(where node0) node1=$(where node1) node2=$(where node2)
	last=$(where last) fdt=$(where fdt) scratch=$(where scratch)
	e1=$(where envelope1) e2=$(where envelope2)

	changed "misaligned" 'misaligned' $((node1 + 32)) $((e1 + 4096))
	changed "empty" 'empty or misaligned' $((node1 + 24)) 0
	changed "beyond RAM" 'the end of memory, or beyond' $((node1 + 32)) 0x7f00000000
	changed "longer than RAM" 'the end of memory, or beyond' \
		$((node1 + 24)) 0x7f00000000
	changed "at the end of all addresses" 'the end of memory, or beyond' \
		$((node1 + 32)) -0x200000 $((node1 + 24)) 0x400000
	changed "over this kernel" 'overlaps this kernel' \
		$((node1 + 32)) "$kernel_code" $((node1 + 24)) 0x200000
	changed "over each other" 'overlap|order' $((node2 + 32)) "$e1"
	changed "not in order" 'overlap|order' $((node1 + 32)) "$e2" \
		$((node2 + 32)) "$e1"
	changed "over scratch" 'overlaps scratch' $((scratch)) "$e1" \
		$((scratch + 8)) 0x200000
	agent list 64 >/run/more &
	until [ -s /run/more ]; do sleep 0.1; done
	changed "more than 64" 'too many' $((last)) "$(cat /run/more)"
	kill "$!"
	changed "an end that is a beginning" '.' $((last)) "$node0"
	changed "an end that is an envelope" '.' $((last)) "$node1"
	changed "a foreign SETUP_INDIRECT" 'not reserved|no envelope|node' \
		$((node2 + 8)) $((0x80000000 | 24 << 32)) $((node2 + 16)) 0x12345678
	changed "one that does not say so" 'not reserved|no envelope|node' \
		$((node2 + 8)) $((3 | 24 << 32))
	fate=none
	changed "no envelopes" 'no envelopes' $((node0)) 0
	fate=kept
	changed "two hand-offs" 'more than once' $((node1 + 8)) $((10 | 24 << 32))
	changed "a short hand-off" 'length' $((node0 + 8)) $((10 | 24 << 32))
	changed "a long hand-off" 'length' $((node0 + 8)) $((10 | 4096 << 32))
	changed "FDT at a wrong address" 'FDT' $((node0 + 16)) $((fdt + 8))
	changed "FDT where nothing is preserved" 'no envelope' \
		$((node0 + 16)) "$kernel_code"
	changed "another page as FDT" 'FDT' $((node0 + 16)) "$(where root)"
	changed "FDT longer than its page" 'FDT' $((node0 + 24)) 8192
	changed "scratch array nowhere" 'scratch' $((node0 + 32)) 0xfee00000
	changed "scratch array of no size" 'scratch' $((node0 + 40)) 0
	changed "scratch in a hole" 'scratch' $((scratch)) 0xfee00000
	changed "FDT overwritten" 'FDT' $((fdt)) 0
	changed "FDT's rest overwritten" 'FDT' $((fdt + 8)) 0x1122334455667788
	# Both names are "kho-objectX" then, the second with an FDT_NOP behind it.
	changed "two names alike" 'same name' \
		$(($(where objects_name) + 8)) 0x0300000000587463 \
		$(($(where metadata_name))) 0x656a626f2d6f686b \
		$(($(where metadata_name) + 8)) 0x0400000000587463
	changed "a slash in a name" 'invalid byte' \
		$(($(where objects_name) + 8)) 0x03000000002f7463
	changed "root node overwritten" 'node' $(($(where root))) 0x1122334455667788
	changed "root node that leads to itself" 'node' \
		$(($(where root))) "$(where root)"

	# Nothing of that has done any harm.
	load_kho || fail "the module does not load"
	all_is_there "put right again"
	is "put right again: it is one handover" "$(status generation)" 1

	# Now damage the outgoing handover, after the load.
	load_next kho.arrival=refused kho.generation=2 >/run/out 2>&1 ||
		fail "khoctl load: $(cat /run/out)"
	poke "$(agent where | sed -n 's/^fdt=//p')" 0xff or
	do_jump
}

# peek ADDRESS: sets old to what is there
peek()
{
	poke "$1" 0 or
}

# reserved ADDRESS: bit 32 of /proc/kpageflags, 1 or 0
reserved()
{
	dd if=/proc/kpageflags bs=8 skip="$(($1 / 4096))" count=1 2>/dev/null |
		od -A n -t u1 | awk '{ print $5 % 2 }'
}

# Adds to the list an entry of somebody else's, for a page within an envelope: sets
# inside to the page's address
others()
{
	local node type place

	old=$(hex "0x$(od -A n -t x8 -j 592 -N 8 /sys/kernel/boot_params/data | tr -d ' ')")
	inside=
	while [ $((old)) -ne 0 ]; do
		node=$old
		if [ -z "$inside" ]; then
			peek "$(hex $((node + 8)))"
			type=$((old & 0xffffffff))
			peek "$(hex $((node + 16)))"
			# The last page of the first entry that still is an envelope
			if [ $((old)) -eq $((0x4b484f45)) ] && [ "$type" -ne 0 ]; then
				peek "$(hex $((node + 24)))"
				inside=$old
				peek "$(hex $((node + 32)))"
				inside=$((inside + old - 4096))
			fi
		fi
		peek "$node"
	done
	# The new node is at the end of a page with nodes, which stays where it is.
	place=$(hex $((node / 4096 * 4096 + 0xfc0)))
	poke "$node" "$place"
	node=$place
	poke "$node" 0
	poke "$(hex $((node + 8)))" $((0x80000000 | 24 << 32))
	poke "$(hex $((node + 16)))" 0x80000001
	poke "$(hex $((node + 24)))" 4096
	poke "$(hex $((node + 32)))" "$(hex "$inside")"
}

# was_refused REGEX: checks that, and gives up what is kept for the handover
was_refused()
{
	local before after want inside

	refuses "it was changed before the jump: $1" "$1" sh -c \
		"dmesg | grep -v kho-test: | grep 'handover refused' >&2; false"
	is "nothing has arrived" "$(status objects) $(status arrived_pages)" "0 0"
	is "the envelopes are kept" "$(status release)" kept
	check "the log says how to give them up" sh -c \
		'dmesg | grep -v kho-test: | grep -q "drop=1"'
	check "unload the module" rmmod kho
	others
	before=$(free_memory)
	module_params=drop=1
	check "load the module with drop=1" load_kho
	await_release
	is "what others have in an envelope is kept, and nothing next to it" \
		"$(reserved $((inside - 4096))) $(reserved "$inside")" "0 1"
	is "the envelopes are released" "$(status release)" "done"
	# The module has allocated its scratch area since.
	before=$((before - $(status scratch_size) / 1024))
	want=$((before + $(status release_pages) * 4 * 95 / 100))
	after=$(await_memory "$want")
	check "free memory is back: $before KiB before, $after KiB after" \
		[ "$after" -ge "$want" ]
	check "that was a good deal" [ "$(status release_pages)" -gt 10000 ]
	check "unload the module" rmmod kho
	module_params=
	check "load the module" load_kho
	is "nothing is refused any more" "$(status arrival)" none
}

stage_3()
{
	was_refused 'FDT'
	put_all
	load_next kho.arrival=refused kho.generation=1 >/run/out 2>&1 ||
		fail "khoctl load: $(cat /run/out)"
	# One node is no envelope any more: what is in it gets overwritten.
	poke "$(hex $(($(agent where | sed -n 's/^node1=//p') + 8)))" \
		$((24 << 32))
	do_jump
}

stage_4()
{
	was_refused 'not reserved|no envelope|node'
	put_all
	jump kho.generation=1
}

# The 500th of the pages that are preserved by number
marked_page()
{
	sed -n '501s/ .*//p' /run/manifest
}

stage_5()
{
	local array node

	all_is_there "the next handover"
	# Put the scratch array on a page that is preserved, which mainline accepts.
	load_next kho.generation=2 >/run/out 2>&1 ||
		fail "khoctl load: $(cat /run/out)"
	array=$(hex $(($(marked_page) * 4096)))
	node=$(agent where | sed -n 's/^node0=//p')
	poke "$array" "$(hex "$(status scratch_addr)")"
	poke "$(hex $((array + 8)))" "$(hex "$(status scratch_size)")"
	poke "$(hex $((node + 32)))" "$array"
	do_jump
}

stage_6()
{
	local page

	is "a marked scratch array is taken" \
		"$(status arrival) $(status arrival_error)" "taken "
	is "all other pages arrived" "$(status arrived_pages)" 999
	check "the manifest is there" khoctl get manifest /run/manifest
	page=$(marked_page)
	refuses "nobody can have its page" 'preserved|arrived|No such' \
		khoctl getpage "$page" /run/page
	refuses "nor give it up" 'preserved|arrived|No such' \
		khoctl del "$page"
	is "it stays reserved" "$(reserved $((page * 4096)))" 1
}
