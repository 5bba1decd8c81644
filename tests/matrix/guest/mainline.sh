# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# A mainline kernel, whose in-kernel KHO has other clients besides us, hands over to a
# kernel with the boot stub, which hands over to the mainline kernel again.  What belongs
# to the other clients has to be kept, listed and left alone.

if [ "$stage" -eq 2 ]; then
	next=mainline
fi

stage_1()
{
	is "preserved by" "$(status backend)" kernel
	is "there is no list of ours" "$(status setup_addr)" 0
	is "mainline's client has left its data" \
		"$(dmesg | grep -v kho-test: | grep -c 'KHO restore')" 0
	khoctl ls --subtrees >/run/subtrees 2>&1 || not_ok "ls --subtrees" /run/subtrees
	diag /run/subtrees
	check "put an object" khoctl put object /bin/busybox
	jump
}

stage_2()
{
	local name

	is "the kernel before" "$(status previous_release | grep -c mainline)" 1
	is "the object" "$(khoctl get object - | sha256sum | cut -c 1-64)" \
		"$(sha256sum </bin/busybox | cut -c 1-64)"
	check "khoctl ls --subtrees" sh -c 'khoctl ls --subtrees >/run/subtrees'
	diag /run/subtrees
	for name in LUO memblock kho_test; do
		check "$name is listed as carried on" \
			grep -qE "^ *$name .*carried" /run/subtrees
	done
	agent kho-test >/run/sum 2>&1 || not_ok "the client's pages" /run/sum
	note "sum $(cat /run/sum)"
	check "the client's pages are intact" \
		grep -q ' 8388608 bytes, have the sum ' /run/sum
	check "put another object" khoctl put second /init
	jump
}

stage_3()
{
	is "mainline's client is content" \
		"$(dmesg | grep -v kho-test: | grep -c 'KHO restore succeeded')" 1
	is "the object" "$(khoctl get object - | sha256sum | cut -c 1-64)" \
		"$(sha256sum </bin/busybox | cut -c 1-64)"
	is "the second object" "$(khoctl get second - | sha256sum | cut -c 1-64)" \
		"$(sha256sum </init | cut -c 1-64)"
	check "remove both" khoctl rm object second
}
