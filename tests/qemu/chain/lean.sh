# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Hands many scattered pages, an object of such pages and another module's folios to a
# kernel that would take long if it were told of each page; and on from there.
#
#	kho.opt.kernels=A,B...	names of the next kernels
#	kho.opt.pages=N		how many pages
#	kho.opt.how=HOW		--handoff for the first of the next kernels
#	kho.opt.told=HOW	exact or envelopes: what --handoff has to lead to
#	kho.opt.late=HOW	changes that after the load, bypassing khoctl: the next
#				kernel refuses the handover
#	kho.opt.client=N	the stage in which the other module restores its folios
#	kho.opt.cold=1		only report how much memory there is

seed=0x1ea4
next=$(option kernels | awk -F , -v n="$stage" '{ print $n }')
[ "$stage" -ne 1 ] || load_options=${load_options}$(option how | sed 's/^/--handoff /')

said()
{
	dmesg | grep -v kho-test: | grep -cE "$1"
}

memtotal()
{
	note "memtotal $stage $(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)"
}

# scatter NAME COUNT [dense]
scatter()
{
	check "scatter $2 pages" agent scatter "$2" "$seed" "/run/$1" ${3:+$3}
	check "put their manifest" khoctl put "$1" "/run/$1"
}

stage_1()
{
	if [ -n "$(option cold)" ]; then
		memtotal
		end_here
		return
	fi
	check "an object of pages that lie apart" agent apart apart 4000 "$seed"
	scatter manifest-1 "$(option pages)" dense
	# shellcheck disable=SC2046  # a word or none
	load_next $([ -z "$(option late)" ] || echo kho.arrival=refused) \
		>/run/out 2>&1 || fail "khoctl load: $(cat /run/out)"
	diag /run/out
	case $(option told) in
	exact)
		is "each page is told" "$(status handoff)" 0 ;;
	envelopes)
		is "envelopes are told" "$(status handoff)" 1 ;;
	esac

	# What is preserved after the load is handed over as well.
	scatter manifest-2 2000
	check "put an object" khoctl put late /bin/busybox
	check "another module's pages" insmod "$here/kho_client.ko" pages=1024
	if [ "$(option told)" = envelopes ]; then
		check "the kernel is told of no more than these" \
			[ "$(status lean_keys)" -lt 2500 ]
	fi
	khoctl dump --extents >/run/dump 2>&1 || not_ok "khoctl dump" /run/dump
	grep -E '^  */|compatible|handed|^tree' /run/dump >/run/out
	diag /run/out
	khoctl status >/run/out 2>&1 || not_ok "khoctl status" /run/out
	diag /run/out
	if [ -n "$(option late)" ]; then
		check "tell $(option late)" agent handoff "$(option late)"
	fi
	do_jump
}

# All of it is there, whichever kernel handed it over.
compare()
{
	local i

	check "late object" sh -c 'khoctl get late - | cmp - /bin/busybox'
	check "the object of pages that lie apart" \
		agent check-apart apart 4000 "$seed"
	for i in 1 2; do
		check "get manifest $i" \
			khoctl get "manifest-$i" "/run/manifest-$i"
		check "compare pages $i" agent verify "/run/manifest-$i"
	done
}

# Writes other content to the same pages.
rewrite()
{
	check "rewrite pages 1" \
		agent rewrite /run/manifest-1 "0x1ea4$stage" /run/manifest-new
	check "remove their manifest" khoctl rm manifest-1
	check "put another one" khoctl put manifest-1 /run/manifest-new
}

restore_client()
{
	check "the other module has its folios back" insmod "$here/kho_client.ko"
	is "it says so" "$(said 'kho_client: restored [0-9]* folios')" 1
	check "unload it" rmmod kho_client
	is "its name is gone" "$(khoctl ls --subtrees | grep -c kho_client)" 0
}

give_up()
{
	local i others

	# In-kernel KHO may have handed over pages of other clients, too.
	others=$(($(status arrived_pages) - $(option pages) - 2000))
	check "remove objects" khoctl rm apart late manifest-1 manifest-2
	for i in 1 2; do
		check "release pages $i" agent release "/run/manifest-$i"
	done
	is "nothing of it is left" \
		"$(status objects) $(status object_pages) $(status raw_pages) $(status arrived_pages)" \
		"0 0 0 $others"
}

run()
{
	await_release
	dmesg | grep -v kho-test: | grep 'kho: ' >/run/out
	diag /run/out
	if [ "$arrival" = refused ]; then
		is "nothing is there" "$(status objects) $(status arrived_pages)" "0 0"
		note "refused $(status arrival_error)"
		end_here
		return
	fi
	compare
	[ "$(option client)" != "$stage" ] || restore_client
	memtotal
	if [ -n "$next" ]; then
		rewrite
		jump
	fi
	give_up
	end_here
}

stage_2()
{
	run
}

stage_3()
{
	run
}
