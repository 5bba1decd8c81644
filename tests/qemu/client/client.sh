# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# The in-kernel API, by a client that only uses what mainline has, and by one that
# misuses the API; and the module's code that makes folios.
#
#	kho.opt.stages=N	the last stage, by default 3
#	kho.opt.next=NAME	the kernel of stage 3
#	kho.opt.pages=N		how many pages the client preserves in folios, by
#				default 8192

pages=$(option pages)
: "${pages:=8192}"
[ "$stage" -ne 2 ] || next=$(option next)

# said REGEX: counts such lines of the kernel's log
said()
{
	dmesg | grep -v kho-test: | grep -cE "$1"
}

# Folios that the module makes are freed completely.
folios()
{
	local before after

	before=$(free_memory)
	check "folios" insmod "$here/kho_folio.ko"
	check "unload their test" rmmod kho_folio
	after=$(await_memory $((before - 4095)))
	note "free before and after the test of folios: $before $after KiB"
	check "no folio is lost" [ "$((before - after))" -lt 4096 ]
}

# Only where kho.ko provides the API, before and after the jump.
misuse()
{
	[ -e "$here/kho_misuse.ko" ] || return 0
	[ "$(cat "$(next_kernel kind)")" != mainline ] || return 0
	check "misuse" insmod "$here/kho_misuse.ko" stage=1 \
		"scratch=$(status scratch_addr)" \
		"scratch_bytes=$(status scratch_size)"
	is "it says so" "$(said 'kho_misuse: stage 1 ok')" 1
	is "what it gave up twice is logged" \
		"$(said 'misuse.*unpreserves [0-9]+ pages at pfn')" 5
	check "vmalloc memory too" \
		[ "$(said 'misuse.*unpreserves vmalloc memory')" -ge 5 ]
	check "unload it" rmmod kho_misuse
}

misused()
{
	khoctl ls --subtrees | grep -q kho_misuse || return 0
	note "misused"
	check "misuse of what arrived" insmod "$here/kho_misuse.ko" stage=2
	is "it says so" "$(said 'kho_misuse: stage 2 ok')" 1
	check "unload it" rmmod kho_misuse
}

save()
{
	local before

	before=$(counters)
	check "the client saves" insmod "$here/kho_client.ko" "pages=$pages"
	is "it says so" "$(said 'kho_client: saved [1-9][0-9]* folios')" 1
	check "unload it" rmmod kho_client
	is "it has taken all of it back" "$(counters)" "$before"
	check "it saves once more" insmod "$here/kho_client.ko" "pages=$pages"
	note "sum $(dmesg | sed -n 's/.*kho_client: saved .* sum //p' | tail -n 1)"
}

restore()
{
	local before after arrived folios table

	before=$(free_memory)
	arrived=$(status arrived_pages)
	check "the client restores" insmod "$here/kho_client.ko"
	folios=$(dmesg | sed -n 's/.*kho_client: restored \([0-9]*\) folios.*/\1/p')
	check "it says so" [ "$folios" -gt 10 ]
	after=$(await_memory $((before + 4 * pages - 4095)))
	note "free before and after: $before $after KiB"
	# All that the client had, less what the module itself uses.
	check "its memory is free" \
		[ "$((after - before))" -gt "$((4 * pages - 4096))" ]
	note "sum $(dmesg | sed -n 's/.*kho_client: restored .* sum //p')"
	check "unload it" rmmod kho_client
	if [ "$(status backend)" != kernel ]; then
		# 8 bytes for each folio, in pages; a page with their addresses;
		# three pages, eight of text, and the one that leads to all.
		table=$(((8 * folios + 4095) / 4096))
		is "just that is no longer preserved" \
			"$((arrived - $(status arrived_pages)))" \
			"$((pages + table + 1 + 3 + 8 + 1))"
	fi
}

stage_1()
{
	folios
	misuse
	save
	jump
}

stage_2()
{
	await_release
	misused
	restore
	folios
	if [ "$(option stages)" = 2 ]; then
		end_here
		return
	fi
	misuse
	save
	jump
}

stage_3()
{
	await_release
	misused
	restore
}
