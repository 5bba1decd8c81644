# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Pages that lie all over memory go through any number of handovers, and each kernel
# adds its own, so that no two kernels have the same memory free.  Every kernel has to
# be able to hand over.
#
#	kho.opt.handovers=N	how many
#	kho.opt.kernels=A,B...	names of the next kernels, which come in turn
#	kho.opt.pages=N		pages by number, which stay preserved all the time
#	kho.opt.scratch=MIB	scratch_mib=

handovers=$(option handovers)
kernels=$(option kernels | tr , ' ')
next=$(echo "$kernels" | awk -v n="$stage" '{ print $((n - 1) % NF + 1) }')
[ -z "$(option scratch)" ] || module_params=scratch_mib=$(option scratch)

# Reports where this kernel and its scratch lie.
place()
{
	note "kernel $stage $(sed -n 's/^ *\([0-9a-f]*\)-.* : Kernel code$/0x\1/p' \
		/proc/iomem) scratch $(printf 0x%x "$(status scratch_addr)") $(status scratch_size)"
}

# Prints how much of scratch is set aside; this kernel uses the rest.
held()
{
	khoctl scratch --json | sed -n 's/.*"held": *\([0-9]*\).*/\1/p'
}

# Preserves scattered memory of a process, an object, and the object's checksum.
leave()
{
	# The process's memory may also lie in scratch, where that is not set aside.
	note "held $stage $(held)"
	check "preserve scattered pages" \
		agent apart "apart-$stage" 500 "$stage" wide
	note "held $stage then $(held)"
	check "put an object" sh -c \
		"head -c 5000001 /dev/urandom | khoctl put file-$stage -"
	khoctl get "file-$stage" - | md5sum | cut -c 1-32 >/run/sum
	check "put its checksum" khoctl put "sum-$stage" /run/sum
}

arrived()
{
	local before=$((stage - 1))

	check "get the manifest" khoctl get manifest /run/manifest
	check "all pages are there" agent verify /run/manifest
	check "scattered pages of kernel $before" \
		agent check-apart "apart-$before" 500 "$before"
	is "the object of kernel $before" \
		"$(khoctl get "file-$before" - | md5sum | cut -c 1-32)" \
		"$(khoctl get "sum-$before" -)"
	# Memory that only one kernel keeps leaves holes for the kernel after the next.
	check "remove them" khoctl rm "apart-$before" "file-$before" "sum-$before"
}

# With nothing preserved, what was set aside is freed, and can be set aside again.
again()
{
	local before size after

	size=$(status scratch_size)
	before=$(free_memory)
	after=$(held)
	check "unload the module" rmmod kho
	after=$((before + after / 1024 - 4096))
	check "what it held is free: $after KiB" [ "$(await_memory "$after")" \
		-ge "$after" ]
	check "load it again" load_kho
	check "there is scratch" [ "$(status scratch_size)" -ge "$size" ]
}

run()
{
	await_release
	[ "$stage" -eq 1 ] || note "kind $(status arrival_kind)"
	place
	if [ "$stage" -eq 1 ]; then
		check "scatter pages" \
			agent scatter "$(option pages)" 1 /run/manifest wide
		check "put the manifest" khoctl put manifest /run/manifest
	else
		arrived
	fi
	if [ "$generation" -ge "$handovers" ]; then
		check "release the pages" agent release /run/manifest
		check "remove the manifest" khoctl rm manifest
		again
		note "end"
		return
	fi
	leave
	jump
}

eval "stage_$stage() { run; }"
