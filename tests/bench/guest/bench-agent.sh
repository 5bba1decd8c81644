# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# How long it takes an agent to preserve memory and files, and to get files back.
#
#	kho.opt.rounds=N	how often
#	kho.opt.mib=N		MiB of memory, and of the file

payload=no

# timed KEY COMMAND...
timed()
{
	local key="$1" ns

	shift
	ns=$(bench time "$@") || fail "$*"
	tell "KHO-TIME $key $ns"
}

pins()
{
	bench pin "$1" $(($(option mib) << 20)) "$(option rounds)" >/run/pins ||
		fail "bench pin $1"
	sed "s/^/KHO-PIN $1 /" /run/pins >/dev/ttyS1
}

stage_1()
{
	local i=0 file=/run/file mib

	mib=$(option mib)
	check "the module that pins" insmod "$here/kho_bench_pin.ko"
	pins 4k
	echo $((mib / 2)) >/proc/sys/vm/nr_hugepages
	is "huge pages" "$(cat /proc/sys/vm/nr_hugepages)" $((mib / 2))
	pins 2m
	echo 0 >/proc/sys/vm/nr_hugepages

	dd if=/dev/urandom of="$file" bs=1M count=1 2>/dev/null
	while [ "$i" -lt "$mib" ]; do
		cat "$file"
		i=$((i + 1))
	done >"$file.all"
	i=0
	while [ "$i" -le "$(option rounds)" ]; do
		# The first round only warms up.
		key=warm-up
		[ "$i" -eq 0 ] || key=cp
		timed "$key" cp "$file.all" "$file.to"
		rm "$file.to"
		[ "$i" -eq 0 ] || key=put
		timed "$key" khoctl put object "$file.all"
		[ "$i" -eq 0 ] || key=get
		timed "$key" khoctl get object "$file.back"
		[ "$i" -ne 0 ] || check "what is got is what was put" \
			cmp "$file.all" "$file.back"
		rm "$file.back"
		khoctl rm object || fail "khoctl rm"
		i=$((i + 1))
	done
}
