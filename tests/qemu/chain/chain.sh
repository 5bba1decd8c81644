# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Three handovers in a row.  Each kernel checks what all previous ones have left,
# changes some of it in place, adds to it, removes some, and hands it on.
#
#	kho.opt.kernels=A,B,C	names of the kernels of stages 2, 3 and 4

next=$(option kernels | cut -d , -f "$stage")
file=/run/payload/data/file

# sum_of NAME: prints the checksum of an object's content
sum_of()
{
	khoctl get "$1" - | sha256sum | cut -d ' ' -f 1
}

# keep_manifest N: puts the list of the pages that stage N has preserved
keep_manifest()
{
	check "put manifest $1" khoctl put "manifest-$1" "/run/manifest-$1"
}

fetch_manifest()
{
	check "get manifest $1" khoctl get "manifest-$1" "/run/manifest-$1"
}

# What every stage but the first has to find.
arrived()
{
	local i

	is "handover number" "$(status generation)" $((stage - 1))
	is "the kernel before is named" "$(status previous_release | grep -c .)" 1
	note "kind $(status arrival_kind)"
	if [ "$(status arrival_kind)" = stub ]; then
		is "one line of the boot stub" \
			"$(dmesg | grep -v kho-test: | grep -c 'kho: kept ')" 1
		is "nothing to release" "$(status release)" none
	else
		await_release
		is "the envelopes are released" "$(status release)" "done"
		is "all of them" "$(status release_done)" "$(status release_pages)"
	fi
	is "the file has its content" "$(sum_of file)" \
		"$(sha256sum <"$file" | cut -d ' ' -f 1)"
	i=1
	while [ "$i" -lt "$stage" ]; do
		fetch_manifest "$i"
		check "pages of stage $i" agent verify "/run/manifest-$i"
		i=$((i + 1))
	done
}

# What every stage but the last adds.
leave()
{
	check "scatter pages" \
		agent scatter 300 "$stage" "/run/manifest-$stage"
	keep_manifest "$stage"
	check "put an object of this stage" \
		sh -c "uname -a | khoctl put from-$stage -"
}

stage_1()
{
	check "put the file" khoctl put file "$file"
	# The next stage changes this byte back, in place.
	check "change it" agent flip-object file 5000000
	leave
	jump
}

stage_2()
{
	check "change the file back" agent flip-object file 5000000
	arrived
	is "the object of stage 1" "$(khoctl get from-1 - | cut -d ' ' -f 1)" Linux

	check "rewrite the pages of stage 1" \
		agent rewrite /run/manifest-1 1000 /run/manifest-1
	check "remove what arrived" khoctl rm manifest-1 from-1
	keep_manifest 1
	leave
	jump
}

stage_3()
{
	arrived
	refuses "what was removed is gone" 'from-1' khoctl get from-1 -
	check "release the pages of stage 2" agent release /run/manifest-2
	refuses "which can't be opened any more" 'No such file' \
		agent verify /run/manifest-2
	check "scatter others" agent scatter 100 2000 /run/manifest-2
	check "remove manifest 2" khoctl rm manifest-2
	keep_manifest 2
	leave
	jump
}

stage_4()
{
	local i before after want

	arrived
	is "objects" "$(khoctl ls --json | grep -c '"name"')" 6
	is "single pages" "$(status arrived_pages)" 700
	before=$(free_memory)
	for i in 1 2 3; do
		check "release the pages of stage $i" \
			agent release "/run/manifest-$i"
		check "remove manifest $i" khoctl rm "manifest-$i"
	done
	check "remove the rest" khoctl rm file from-2 from-3
	want=$((before + $(wc -c <"$file") / 1100))
	after=$(await_memory "$want")
	is "nothing is left" "$(status objects) $(status object_pages) $(status arrived_pages) $(status raw_pages)" \
		"0 0 0 0"
	check "memory came back: $before to $after KiB" \
		[ "$after" -ge "$want" ]
	check "the module can be unloaded" rmmod kho
	check "and loaded again" load_kho
	is "nothing arrives twice" "$(status objects) $(status arrived_pages)" "0 0"
}
