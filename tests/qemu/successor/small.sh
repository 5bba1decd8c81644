# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# A machine that is too small for an unpatched kernel to boot outside of the
# envelopes.  A kernel with the stub needs no envelopes.

# There has to be room for the image and the initrd, at least.
module_params=scratch_mib=192
if [ "$stage" -eq 1 ]; then
	next=stub
else
	# More than can lie in one piece around what has arrived.
	module_params=scratch_mib=500
	next=stub
fi

stage_1()
{
	local stock=/run/payload/successor i=0

	dd if=/dev/urandom of=/run/random bs=1M count=16 2>/dev/null
	while [ "$i" -lt 16 ]; do
		check "put part $i" khoctl put "part-$i" /run/random
		i=$((i + 1))
	done
	# 600 MiB that the next kernel takes before anything else
	refuses "load says so, with figures" \
		'boot needs about [0-9.]+ MiB, and there are [0-9.]+ MiB' \
		khoctl load "$stock/bzImage" --initrd "$stock/initrd" \
		--append hugepages=300
	is "nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0
	cp /run/out /run/refused
	diag /run/refused
	refuses "check says the same" 'boot needs about [0-9.]+ MiB' \
		khoctl check --target "$stock/bzImage" --initrd "$stock/initrd" \
		--append hugepages=300
	note "sum $(md5sum </run/random | cut -c 1-32)"
	rm /run/random
	# The kernel with the stub must boot with it.
	jump
}

stage_2()
{
	local i=0 sums

	is "scratch is what it was" "$(status scratch_size)" $((192 << 20))
	check "khoctl scratch says so" khoctl scratch
	refuses "it can't grow so much" "no such piece of memory" khoctl scratch 800M
	check "so a kernel can be loaded" load_next
	sums=$(while [ "$i" -lt 16 ]; do
		khoctl get "part-$i" - | md5sum | cut -c 1-32
		i=$((i + 1))
	done | sort -u)
	note "got $sums"
	is "all parts are the same" "$(echo "$sums" | wc -l)" 1
}
