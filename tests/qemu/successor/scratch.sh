# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Scratch is too small for the next kernel, and things are preserved already.  It grows,
# does not when that would lose anything, and is what it was after each failure.

[ "$stage" -ne 1 ] || module_params=scratch_mib=32

scratch()
{
	echo "$(status scratch_addr) $(status scratch_size)"
}

# Says what is preserved, by content.
all_is_there()
{
	local i

	for i in 1 2 3; do
		is "$1: object $i" "$(khoctl get "object-$i" - | sha256sum | cut -c 1-64)" \
			"$(cat "/run/sum-$i" 2>/dev/null || khoctl get "sum-$i" -)"
	done
}

# unchanged DESCRIPTION REGEX COMMAND...: refused, and scratch is what it was
unchanged()
{
	local before what="$1"

	before=$(scratch)
	refuses "$@"
	is "$what: scratch is what it was" "$(scratch)" "$before"
}

put_all()
{
	local i

	for i in 1 2 3; do
		dd if=/dev/urandom of=/run/random bs=1M count=$((i * 12)) 2>/dev/null
		sha256sum </run/random | cut -c 1-64 >"/run/sum-$i"
		check "put object $i" khoctl put "object-$i" /run/random
		check "and its sum" khoctl put "sum-$i" "/run/sum-$i"
	done
	rm /run/random
	check "scatter pages" agent scatter 500 1 /run/manifest
	check "put the manifest" khoctl put manifest /run/manifest
}

# enough_memory KIB: is so much free, but for 8 MiB?
enough_memory()
{
	local least=$(($1 - 8192)) free

	free=$(await_memory "$least")
	[ "$free" -ge "$least" ] && echo yes || echo "$free KiB instead of $1"
}

# grows DESCRIPTION COMMAND...: to $size bytes, and nothing that is free is lost
grows()
{
	local what="$1" before old

	shift
	old=$(status scratch_size)
	before=$(free_memory)
	check "$what" "$@"
	is "$what: the size" "$(status scratch_size)" "$size"
	is "$what: it takes no more memory than that" \
		"$(enough_memory $((before - (size - old) / 1024)))" yes
	all_is_there "$what"
}

stage_1()
{
	local fix size addr free

	put_all
	refuses "it is too small, and khoctl says what to do" \
		'but scratch has 32 MiB: khoctl scratch [0-9]+M$' load_next
	fix=$(sed -n 's/^.*: \(khoctl scratch [0-9]*M\)$/\1/p' /run/out)
	size=$(echo "$fix" | sed 's/.* \([0-9]*\)M$/\1/')
	size=$(((size + 3) / 4 * 4 << 20))

	free=$(free_memory)
	people
	unchanged "not by a user" 'not permitted|CAP_SYS_ADMIN' user "$fix"
	unchanged "nor without khoctl" 'not permitted' user "agent scratch $size"
	check "somebody is about to load a kernel" agent image 1
	unchanged "not into what is being loaded" 'busy' agent scratch "$size"
	unchanged "not more than the machine has" 'more than the machine has' \
		khoctl scratch 64G
	unchanged "not more than is free" 'no such piece of memory' \
		khoctl scratch "$((free / 1024 + 100))M"
	is "nor has any of that cost memory" "$(enough_memory "$free")" yes

	# No kernel was loaded after all, which khoctl finds out.
	# shellcheck disable=SC2086 # it is a command line
	grows "what khoctl says works" $fix
	addr=$(status scratch_addr)
	# shellcheck disable=SC2086 # likewise
	check "again, nothing changes" $fix
	is "it is where it was" "$(scratch)" "$addr $size"

	check "so a kernel can be loaded" load_next
	unchanged "not while that is loaded" 'khoctl unload first' khoctl scratch 300M
	unchanged "nor without khoctl" 'busy' agent scratch 300000000
	check "unload" khoctl unload
	check "somebody else loads a kernel" sh -c "kexec -l $(next_kernel) --append=x"
	unchanged "not while that one is loaded" 'khoctl unload first' khoctl scratch 300M
	unchanged "nor without khoctl" 'busy' agent scratch 300000000
	check "unload" khoctl unload

	check "pages on both sides of it" agent wall
	note "wall: $(tr '\n' ' ' </run/out)"
	size=$((size + (144 << 20)))
	grows "it moves" khoctl scratch "$size"
	check "it has moved" [ "$(status scratch_addr)" != "$addr" ]
	size=$((size + (8 << 20)))
	grows "three at once" agent scratch "$size" 3
	check "grow while kernels are being loaded" agent contend 4194304 8
	note "contend: $(cat /run/out)"
	all_is_there "after that"

	check "pages all over" agent scatter 2000 2 /run/wide wide
	unchanged "no room" 'no such piece of memory' khoctl scratch 500M
	check "release them" agent release /run/wide
	jump
}

stage_2()
{
	local size before

	all_is_there "after the jump"
	check "the manifest" khoctl get manifest /run/manifest
	check "the pages" agent verify /run/manifest
	await_release
	before=$(status scratch_size)
	size=$((before + (16 << 20)))
	check "this kernel lies in scratch" sh -c 'khoctl scratch | grep "uses .* itself"'
	check "scratch that arrived grows" khoctl scratch "$size"
	is "to that size" "$(status scratch_size)" "$size"
	check "pages on both sides of it" agent wall
	note "wall: $(tr '\n' ' ' </run/out)"
	size=$((size + (144 << 20)))
	before=$(status scratch_addr)
	check "it moves away" khoctl scratch "$size"
	check "it has moved" [ "$(status scratch_addr)" != "$before" ]
	is "all of it is set aside" "$(khoctl scratch)" "scratch     $((size >> 20)) MiB"
	all_is_there "then"
	# Into memory that was scratch before.
	check "put more" sh -c 'head -c 40000000 /dev/urandom | tee /run/more | khoctl put more -'
	khoctl get more - | sha256sum | cut -c 1-64 >/run/sum-more
	rm /run/more
	check "and its sum" khoctl put sum-more /run/sum-more
	check "load" load_next
	# Others may try until the end.
	(while :; do agent scratch 800000000; done) >/dev/null 2>&1 &
	do_jump
}

stage_3()
{
	all_is_there "after another jump"
	check "the manifest" khoctl get manifest /run/manifest
	check "the pages" agent verify /run/manifest
	is "what was put then" "$(khoctl get more - | sha256sum | cut -c 1-64)" \
		"$(khoctl get sum-more -)"
}
