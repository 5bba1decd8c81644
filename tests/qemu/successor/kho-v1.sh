# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# An unpatched kernel and one with KHO of the format kho-v1 take turns.  The latter is
# told of a handover in our format, must not understand it, and keeps it by envelopes, as
# the unpatched one does.
#
#	kho.opt.mib=N	how much is preserved
#	kho.opt.on=yes	only one handover, to such a kernel with kho=on

deep=yes
mib=$(option mib)
v1=/run/payload/successor/bzImage
next=successor
if [ $((stage % 2)) -eq 0 ]; then
	next=stock
fi

sum_of()
{
	khoctl get "$1" - | sha256sum | cut -c 1-64
}

# Adds what the next stages have to find.
leave()
{
	check "scatter pages" agent scatter 500 "$stage" "/run/manifest-$stage"
	check "put their manifest" khoctl put "manifest-$stage" "/run/manifest-$stage"
	head -c 3000001 /dev/urandom >/run/random
	check "put an object" khoctl put "random-$stage" /run/random
	check "and its sum" sh -c "sha256sum </run/random | cut -c 1-64 |
		khoctl put sum-$stage -"
	rm /run/random
}

all_is_there()
{
	local i=1

	await_release
	is "the envelopes are released" "$(status release)" "done"
	is "all of them" "$(status release_done)" "$(status release_pages)"
	while [ "$i" -lt "$stage" ]; do
		check "manifest $i" khoctl get "manifest-$i" "/run/manifest-$i"
		check "pages of stage $i" agent verify "/run/manifest-$i"
		is "object of stage $i" "$(sum_of "random-$i")" "$(khoctl get "sum-$i" -)"
		i=$((i + 1))
	done
	is "what is large" "$(sum_of large)" "$(khoctl get sum-large -)"
}

# Nothing of what that kernel's own KHO does may be left.
disregarded()
{
	check "it has refused the handover, for its format" sh -c \
		"dmesg | grep -v kho-test: | grep \"KHO: .* is incompatible with 'kho-v1'\""
	is "it has found none" \
		"$(dmesg | grep -v kho-test: | grep -c 'found kexec handover')" 0
	is "the module does without it" "$(status backend)" module
	dmesg | grep -v kho-test: | grep 'KHO: \|cma: \|Memory: ' >/run/said || true
	diag /run/said
	note "memory $(awk '/^(MemTotal|MemFree|CmaTotal)/ { print $1, $2 }' /proc/meminfo |
		tr '\n' ' ')"
}

# judged OPTIONS WARNINGS: what khoctl says of it
judged()
{
	check "khoctl says that it can be done$1" khoctl check --target "$v1" \
		--initrd "$initrd" --append "console=ttyS0$1"
	cp /run/out /run/said
	is "in one verdict$1" "$(grep -c '^FAIL' /run/said)" 0
	check "for what it is$1" grep \
		'^ok .*kind .*mainline, kho-v1: its own KHO disregards the handover' /run/said
	is "with a warning of its scratch, if its KHO is on$1" \
		"$(grep -c "that kernel's own KHO is on" /run/said)" "$2"
}

stage_1()
{
	dd if=/dev/urandom of=/run/large bs=1M count="$mib" 2>/dev/null
	check "put what is large" khoctl put large /run/large
	check "and its sum" sh -c 'sha256sum </run/large | cut -c 1-64 | khoctl put sum-large -'
	rm /run/large
	leave
	[ -z "$(option on)" ] || jump kho=on
	judged '' 0
	judged ' kho=on' 1
	jump
}

stage_2()
{
	disregarded
	all_is_there
	if [ -n "$(option on)" ]; then
		end_here
		return
	fi
	leave
	jump
}

stage_3()
{
	all_is_there
	leave
	jump kho=on
}

stage_4()
{
	check "its own KHO is on" [ -d /sys/kernel/debug/kho/out ]
	disregarded
	all_is_there
	leave
	jump
}

stage_5()
{
	all_is_there
}
