# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Memory that comes and goes.
#
#	kho.opt.part=driver	a driver brings it: virtio-mem
#	kho.opt.part=dimm	it is plugged in, and out again
#	kho.opt.part=blocks	each block is taken offline, in one kernel only
#	kho.opt.part=pool	huge pages of a pool, whose struct pages are not all there
#	kho.opt.again=1		the successor loads the driver, too, and hands over again
#	kho.opt.late=yes	the driver is loaded after the module

blocks=/sys/devices/system/memory
part=$(option part)
late=$(option late)
[ "$part" != driver ] || [ "$stage" -ne 1 ] || [ "$late" = yes ] || module=no

# place_of TEXT [N]: prints the place of the Nth range that /proc/iomem calls so: its
# first byte, and the one behind its last
place_of()
{
	sed -n "s/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : $1\$/0x\1 0x\2/p" /proc/iomem |
		sed -n "${2:-1}p" | while read -r first last; do
		printf '0x%x 0x%x\n' "$first" "$((last + 1))"
	done
}

total()
{
	awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo
}

is_larger()
{
	[ "$(total)" -gt "$1" ]
}

# put_file NAME BYTES: puts more than there is free memory in one place
put_file()
{
	check "put $1" sh -c \
		"tr '\0' k </dev/zero | head -c $2 | cat - /init | khoctl put $1 -"
}

# has_file NAME BYTES
has_file()
{
	is "$1 is as it was" "$(khoctl get "$1" - | md5sum)" \
		"$(tr '\0' k </dev/zero | head -c "$2" | cat - /init | md5sum)"
}

# ---- A driver's ----

bring()
{
	local before

	before=$(total)
	echo online_kernel >$blocks/auto_online_blocks
	driver virtio_mem
	await is_larger $((before + 400000))
	await grep -q 'System RAM (virtio_mem)' /proc/iomem
}

brought()
{
	# Its blocks are resources of their own, side by side.
	place_of 'System RAM (virtio_mem)' 1 | cut -d ' ' -f 1 | tr '\n' ' '
	place_of 'System RAM (virtio_mem)' '$' | cut -d ' ' -f 2
}

driver_part()
{
	local where

	bring
	load_kho || fail "the module does not load"
	where=$(brought)
	note "brought $where"
	# shellcheck disable=SC2086 # two words
	tap place refused EREMOTE $where
	put_file "file-$stage" 100000000
	# shellcheck disable=SC2086 # two words
	tap place keep "process-$stage" 0x1000000 ${where% *}
	check "preserve scattered pages" sh -c \
		"agent apart apart-$stage 100 $stage wide"
	# shellcheck disable=SC2086 # two words
	tap place clear $where
	is "RAM is what firmware has told of" "$(status ram_pages)" \
		"$(awk -F '[- ]' '/ : System RAM$/ { print }' /proc/iomem | ram_pages)"
}

# Counts the whole pages of ranges of RAM on stdin, in the format of /proc/iomem.
ram_pages()
{
	local range first last sum=0

	while read -r range _; do
		first=0x${range%-*}
		last=0x${range#*-}
		first=$(((first + 4095) / 4096))
		last=$(((last + 1) / 4096))
		[ "$last" -le "$first" ] || sum=$((sum + last - first))
	done
	echo "$sum"
}

# ---- Plugged in ----

# plug N SIZE HOW: plugs in a DIMM, and waits until it is online
plug()
{
	local before

	before=$(total)
	echo "$3" >$blocks/auto_online_blocks
	tell "KHO-HOST object_add memory-backend-ram,id=ram$1,size=$2"
	tell "KHO-HOST device_add pc-dimm,id=dimm$1,memdev=ram$1"
	await is_larger $((before + 100000))
	# Until the last block is online, and all notifiers have run.
	sleep 1
}

# Prints the blocks of memory between two addresses.
blocks_of()
{
	local size first last i

	size=$((0x$(cat $blocks/block_size_bytes)))
	first=$(($1 / size))
	last=$((($2 - 1) / size))
	for i in $(seq "$first" "$last"); do
		echo "$blocks/memory$i"
	done
}

# take_away BLOCK: takes it offline within 15 s, or fails
take_away()
{
	timeout -s KILL 15 sh -c "echo offline >$1/state" 2>/run/out
}

all_offline()
{
	local block

	for block in $(blocks_of "$1" "$2"); do
		[ "$(cat "$block/state")" = offline ] || take_away "$block" || return
	done
}

loaded_knows()
{
	is "$1" "$(status image)" "$2"
}

dimm_part()
{
	local first second page

	plug 1 256M online_kernel
	# So that a process can get all of it; plugging in memory has raised this again.
	echo 300 >/proc/sys/vm/min_free_kbytes
	first=$(place_of 'System RAM' '$')
	note "first $first"
	# shellcheck disable=SC2086 # two words
	tap place last dimm $first
	put_file file 50000000
	loaded_knows "no kernel is loaded" none
	load_next || fail "khoctl load"
	loaded_knows "the kernel that is loaded knows the memory" loaded

	# The loaded kernel knows nothing of memory that comes later.
	plug 2 128M online_kernel
	second=$(place_of 'System RAM' '$')
	note "second $second"
	# /proc/iomem may have it in one range with the first.
	second="$(printf '0x%x' $((${second#* } - 0x8000000))) ${second#* }"
	# shellcheck disable=SC2086 # two words
	tap place refused EADDRNOTAVAIL $second
	put_file file-2 50000000
	# shellcheck disable=SC2086 # two words
	tap place clear $second
	loaded_knows "it is said that it does not know all memory" stale
	refuses "check says so" 'load' khoctl check
	check "status says so" sh -c 'khoctl status | grep -i "load it again"'

	load_next || fail "khoctl load, once more"
	loaded_knows "it knows all memory now" loaded
	# shellcheck disable=SC2086 # two words
	tap place keep dimm-2 $second
	khoctl check >/run/check 2>&1 || true
	is "check has nothing against it" "$(grep -c FAIL /run/check)" 0

	# The loaded kernel would look for memory that goes away.
	plug 3 128M online_movable
	second=$(place_of 'System RAM' '$')
	second="$(printf '0x%x' $((${second#* } - 0x8000000))) ${second#* }"
	load_next || fail "khoctl load, a third time"
	# shellcheck disable=SC2086 # two words
	page=$(place page $second)
	# shellcheck disable=SC2086 # two words
	refuses "memory with a page preserved stays" . all_offline $second
	is "it has refused, and not just taken long" \
		"$(dmesg | grep -c 'be removed: what is preserved lies there')" 1
	# shellcheck disable=SC2086 # two words
	tap place drop "$page"
	# shellcheck disable=SC2086 # two words
	check "without it, it goes" all_offline $second
	tell "KHO-HOST device_del dimm3"
	# shellcheck disable=SC2086 # two words
	await gone $second
	loaded_knows "it does not know that memory has gone" stale
	load_next || fail "khoctl load, a fourth time"
	loaded_knows "it knows what there is" loaded
}

gone()
{
	! grep -q "^ *${1#0x}-" /proc/iomem &&
		[ "$(place_of 'System RAM' '$' | cut -d ' ' -f 2)" != "$2" ]
}

# Tries to take each block offline in turn: none takes too long.
each_block()
{
	local block slow=0 status

	for block in "$blocks"/memory[0-9]*; do
		status=0
		take_away "$block" || status=$?
		[ "$status" -ne 137 ] || slow=$((slow + 1))
	done
	is "no block is being taken away for ever" "$slow" 0
	for block in "$blocks"/memory[0-9]*; do
		[ "$(cat "$block/state")" = online ] || echo online >"$block/state"
	done
}

blocks_part()
{
	local before

	before=$(counters)
	put_file file 50000000
	each_block
	has_file file 50000000
	check "remove it" khoctl rm file
	is "the counters are as before" "$(counters)" "$before"
	check "the module can be unloaded" rmmod kho
}

# ---- Huge pages ----

# pool KEY: prints a number of /proc/meminfo
pool()
{
	awk -v key="HugePages_$1:" '$1 == key { print $2 }' /proc/meminfo
}

has_free()
{
	[ "$(pool Free)" -eq "$1" ]
}

pool_part()
{
	local pfn free

	is "their struct pages are freed" "$(cat /proc/sys/vm/hugetlb_optimize_vmemmap)" 1
	echo 12 >/proc/sys/vm/nr_hugepages
	is "there are huge pages" "$(pool Total) $(pool Free)" "12 12"
	tap place huge "pool-$stage"
	pfn=$(sed -n 's/^# pfn //p' /run/tap)
	is "those that are preserved are not free" "$(pool Total) $(pool Free)" "12 7"
	check "give up the one by number" khoctl del "$pfn:9"
	is "it is in the pool again" "$(pool Total) $(pool Free)" "12 8"
	khoctl get "pool-$stage" - | md5sum >"/run/sum-$stage"
	check "put its checksum" khoctl put "sum-$stage" "/run/sum-$stage"
	tap place huge "gone-$stage"
	check "give up the object" khoctl rm "gone-$stage"
	check "give up the other" khoctl del "$(sed -n 's/^# pfn //p' /run/tap):9"
	await has_free 8
}

pool_arrived()
{
	is "huge pages of kernel $1 are as they were" \
		"$(khoctl get "pool-$1" - | md5sum)" "$(khoctl get "sum-$1" -)"
	check "they can be mapped" khoctl get "pool-$1" /run/pool
	rm /run/pool
}

# ---- Stages ----

stage_1()
{
	case $part in
	driver)	driver_part ;;
	dimm)	dimm_part ;;
	pool)	pool_part ;;
	blocks)
		blocks_part
		return
		;;
	esac
	jump
}

stage_2()
{
	case $part in
	driver)
		has_file file-1 100000000
		check "the pages are there" agent check-apart apart-1 100 1
		if [ "$(option again)" != 1 ]; then
			end_here
			return
		fi
		driver_part
		jump
		;;
	pool)
		pool_arrived 1
		pool_part
		check "give up what arrived" khoctl rm pool-1 sum-1
		jump
		;;
	dimm)
		has_file file 50000000
		has_file file-2 50000000
		is "all objects are there" "$(khoctl ls --json | grep -c '"name"')" 4
		each_block
		has_file file 50000000
		end_here
		;;
	esac
}

stage_3()
{
	if [ "$part" = pool ]; then
		pool_arrived 2
		check "give all up" khoctl rm pool-2 sum-2
		is "nothing is left" "$(status objects) $(status object_pages)" "0 0"
		return
	fi
	has_file file-1 100000000
	has_file file-2 100000000
	check "the pages of the first are there" agent check-apart apart-1 100 1
	check "the pages of the second are there" agent check-apart apart-2 100 2
}
