# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Two handovers on a rare kind of machine: each kernel must find what all previous ones
# have preserved.
#
#	kho.opt.shape=NAME	what is rare; each kernel checks that it is there:
#		levels		page tables of five levels
#		large		256 GiB, in three nodes
#		pieces		more memory ranges than boot parameters have room for
#		rsdp		from EFI to kernels that find ACPI by the command line
#		balloon		the host takes memory, and gives it back
#		console		the console is another port
#		dark		the console is one that nobody sees
#		cloud, rt	only the kernels are special
#	kho.opt.kernels=A,B	names of the next kernels

shape=$(option shape)
kernels=$(option kernels | tr , ' ')

# For "pieces", an additional kernel comes first, which only breaks up the memory map.
first=1
[ "$shape" != pieces ] || first=2
last=$((first + 2))
if [ -n "$kernels" ] && [ "$stage" -ge "$first" ]; then
	next=$(echo "$kernels" | cut -d ' ' -f $((stage - first + 1)))
	: "${next:=successor}"
fi
if [ "$stage" -lt "$first" ]; then
	module=no
	arrival=unasked
fi

# ---- What is left for the next kernels ----

# Prints some content, which differs for each name.
content_of()
{
	seq 1 400000 | sed "s/\$/ $1/"
}

# put_content NAME [OPTION]...
put_content()
{
	local name=$1

	shift
	content_of "$name" | khoctl put "$@" "$name" -
}

# has NAME: that object has its content
has()
{
	is "$1 is as it was" "$(khoctl get "$1" - | md5sum)" "$(content_of "$1" | md5sum)"
}

# leave NAME: preserves objects and pages by number
leave()
{
	local node

	check "put $1" put_content "$1"
	for node in $(nodes); do
		check "put $1 on node $node" put_content "$1-$node" "--node=$node"
	done
	check "scatter pages" agent scatter 300 "$stage" "/run/manifest-$1"
	check "put where they are" khoctl put "manifest-$1" "/run/manifest-$1"
}

# left NAME: checks that all of that is there, in this kernel or the next
left()
{
	local node

	has "$1"
	for node in $(nodes); do
		has "$1-$node"
	done
	check "get where its pages are" khoctl get "manifest-$1" /run/manifest
	[ "$1" = "stage-$stage" ] || check "they are there" agent verify /run/manifest
}

# all_left: checks what every kernel up to this one has preserved
all_left()
{
	local i=$first

	while [ "$i" -le "$stage" ] && [ "$i" -lt "$last" ]; do
		left "stage-$i"
		i=$((i + 1))
	done
}

# ---- What is rare ----

# The nodes that get an object each
nodes()
{
	[ "$shape" != large ] || echo 0 2
}

total()
{
	awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo
}

pieces()
{
	find /sys/firmware/memmap/* -maxdepth 0 -type d | wc -l
}

# Makes kexec believe that the last page of each 8 MiB of RAM is reserved.
break_memmap()
{
	local n=0 entry type first last

	mkdir /run/memmap
	for entry in /sys/firmware/memmap/*; do
		type=$(cat "$entry/type")
		first=$(($(cat "$entry/start")))
		last=$(($(cat "$entry/end")))
		while [ "$type" = "System RAM" ] && [ $((last - first)) -gt 16777216 ] &&
			[ "$n" -lt 300 ]; do
			piece "$n" $first $((first + 0x7fefff)) "$type"
			piece $((n + 1)) $((first + 0x7ff000)) $((first + 0x7fffff)) Reserved
			first=$((first + 0x800000))
			n=$((n + 2))
		done
		piece "$n" $first $last "$type"
		n=$((n + 1))
	done
	mount -o bind /run/memmap /sys/firmware/memmap
}

# piece N FIRST LAST TYPE
piece()
{
	mkdir "/run/memmap/$1"
	printf '0x%x\n' "$2" >"/run/memmap/$1/start"
	printf '0x%x\n' "$3" >"/run/memmap/$1/end"
	echo "$4" >"/run/memmap/$1/type"
}

# await_total FROM TO: waits until MemTotal is between these, in KiB
await_total()
{
	local i=0 now

	now=$(total)
	while [ "$now" -lt "$1" ] || [ "$now" -gt "$2" ]; do
		i=$((i + 1))
		[ "$i" -lt 150 ] || fail "for 30 s there are $now KiB, not $1 to $2"
		sleep 0.2
		now=$(total)
	done
}

# Checks that the machine is of the kind that it should be.
looks()
{
	local before

	case $shape in
	levels)
		check "page tables have five levels" grep -qw la57 /proc/cpuinfo ;;
	large)
		check "there are 250 GiB" [ "$(total)" -gt 262144000 ]
		is "there are three nodes" "$(cat /sys/devices/system/node/online)" 0-2 ;;
	pieces)
		check "there are $(pieces) ranges" [ "$(pieces)" -gt 140 ] ;;
	rsdp)
		[ "$stage" -ne 1 ] || check "there is EFI" [ -d /sys/firmware/efi ]
		[ "$stage" -eq 1 ] || check "ACPI comes by the command line" \
			grep -q 'acpi_rsdp=0x[0-9a-f]* *' /proc/cmdline
		check "there is ACPI" sh -c 'dmesg | grep -q "ACPI: RSDP"' ;;
	balloon)
		# The host still wants what it took before the jump.  The driver,
		# which knows nothing of the jump, takes it again.
		before=$(total)
		[ "$stage" -ne 1 ] || tell "KHO-HOST balloon 900"
		driver virtio_balloon
		await_total $((before - 800000)) $((before - 400000)) ;;
	console)
		is "the console is another port" "$(cat /sys/class/tty/console/active)" ttyS2 ;;
	dark)
		is "the console is one that nobody sees" \
			"$(cat /sys/class/tty/console/active)" tty0 ;;
	esac
}

# Changes the machine before the next kernel.
turns()
{
	case $shape in
	balloon)
		[ "$stage" -eq 2 ] || return 0
		tell "KHO-HOST balloon 1536"
		await_total 1300000 1600000
		all_left
		tell "KHO-HOST balloon 900"
		await_total 500000 1100000
		all_left ;;
	esac
}

# Checks for what the host would find on a console.
nothing_wrong()
{
	[ "$shape" = dark ] || return 0
	dmesg | grep -E 'WARNING:|BUG|Call Trace:|Oops|[Bb]ad page|Out of memory|stall' \
		>/run/wrong || true
	is "nothing is wrong" "$(cat /run/wrong)" ""
}

# Prints words for the next kernel's command line.
more_words()
{
	[ "$shape" != rsdp ] || [ "$stage" -ne 1 ] ||
		echo "noefi acpi_rsdp=0x$(sed -n 's/^ACPI20=0x//p' /sys/firmware/efi/systab)"
}

# ---- Stages ----

before_all()
{
	break_memmap
	check "load the first kernel of those" kexec -c -l "$(next_kernel)" --initrd "$initrd" \
		--append "$(next_cmdline kho.arrival=none kho.generation=0)"
	do_jump
}

run()
{
	local i=$first

	looks
	await_release
	while [ "$i" -lt "$stage" ]; do
		left "stage-$i"
		i=$((i + 1))
	done
	if [ "$stage" -eq "$last" ]; then
		nothing_wrong
		note end
		end_here
		return
	fi
	leave "stage-$stage"
	all_left
	turns
	nothing_wrong
	# shellcheck disable=SC2046 # words
	jump $(more_words)
}

if [ "$stage" -lt "$first" ]; then
	eval "stage_$stage() { before_all; }"
else
	eval "stage_$stage() { run; }"
fi
