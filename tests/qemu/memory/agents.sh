# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# An agent with memory of every kind goes through any number of handovers.  It
# checks all of it in each kernel, writes all of it anew, and replaces some.  The
# last kernel gives everything up.  It is the same kernel as the first one, so its
# memory can be compared with the first one's before anything was preserved.
#
#	kho.opt.handovers=N	how many
#	kho.opt.kernels=A,B...	names of the next kernels, which come in turn

handovers=$(option handovers)
kernels=$(option kernels | tr , ' ')
next=$(echo "$kernels" | awk -v n="$stage" '{ print $((n - 1) % NF + 1) }')

# Unpacking a kernel only to see what it is takes several seconds of each
# handover.  Without the program for that, khoctl believes the file beside it.
rm -f /bin/xz /usr/bin/xz

# Reports what can be compared between kernels.
take_stock()
{
	note "$1 memory $(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) $(free_memory)"
	note "$1 counters $(counters | tr '\n' ' ')"
}

# Frees all huge pages that are not in use.
no_pools()
{
	local file

	for file in /sys/kernel/mm/hugepages/*/nr_hugepages; do
		echo 0 >"$file"
	done
}

# A single wrong byte is noticed, and its place is reported.
one_byte()
{
	check "change a byte" agent flip-object thp 123456789
	refuses "it is found" 'thp: byte 123456784: ' keeper look thp 0
	check "change it back" agent flip-object thp 123456789
	check "all is as it was" keeper look thp 0
}

# All stages run this; kho.opt.handovers says how many there are.
run()
{
	note "time $(date +%s)"
	await_release
	if [ "$stage" -eq 1 ]; then
		take_stock first
		check "preserve all kinds of memory" keeper first
		one_byte
	elif [ "$generation" -lt "$handovers" ]; then
		check "all that generation $((generation - 1)) left is there" \
			keeper next "$generation"
	else
		check "all that generation $((generation - 1)) left is there" \
			keeper last "$generation"
		no_pools
		is "there are no objects" \
			"$(status objects) $(status object_pages)" "0 0"
		take_stock last
		note "end"
		return
	fi
	cat /run/out
	note "said $(tr '\n' ';' </run/out)"
	jump
}

eval "stage_$stage() { run; }"
