# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# The next kernel has in-kernel KHO, and speaks another version than we do.

deep=yes
kernel=/run/payload/successor/bzImage

# Prints a number as little-endian bytes, for printf.
bytes_of()
{
	local value=$(($1)) i=0

	while [ "$i" -lt 8 ]; do
		printf '\\%03o' $((value & 255))
		value=$((value >> 8))
		i=$((i + 1))
	done
}

stage_1()
{
	local setup

	check "put an object" khoctl put object /bin/busybox
	check "scatter pages" agent scatter 500 1 /run/manifest
	refuses "load names both versions" \
		'speaks kho-v3, and the module publishes kho-v4' load_next
	is "nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0
	refuses "--force forces nothing of the kind" \
		'speaks kho-v3, and the module publishes kho-v4' \
		khoctl load --force "$kernel" --initrd "$initrd"
	refuses "--abi does not overrule what the image says" 'kho-v4.*kho-v3' \
		khoctl load --abi 4 "$kernel" --initrd "$initrd"
	check "the module can be told" \
		sh -c 'echo 3 >/sys/module/kho/parameters/abi'
	is "it has understood" "$(status abi)" 3
	check "then it is taken" load_next
	check "told back" sh -c 'echo 4 >/sys/module/kho/parameters/abi'
	refuses "and no other version" 'nvalid' \
		sh -c 'echo 2 >/sys/module/kho/parameters/abi'
	is "is taken for one" "$(status abi)" 4

	# Bypass khoctl, which can't prevent that.
	setup=$(agent where | sed -n 's/^setup=//p')
	cp "$kernel" /run/image
	# shellcheck disable=SC2059  # that is the point
	printf "$(bytes_of "$setup")" |
		dd of=/run/image bs=1 seek=592 conv=notrunc 2>/dev/null
	check "kexec by hand" kexec -c -l /run/image "--initrd=$initrd" \
		"--append=$(next_cmdline kho.arrival=none)" \
		"--mem-min=$(status scratch_addr)" \
		"--mem-max=$(($(status scratch_addr) + $(status scratch_size) - 1))"
	do_jump
}

stage_2()
{
	check "the kernel has refused it" sh -c \
		'dmesg | grep -v kho-test: | grep -q "KHO: .*kho-v3\|KHO: .*compatible\|KHO: disabling"'
	is "nothing has arrived" "$(status objects) $(status arrived_pages)" "0 0"
	refuses "by name" 'object' khoctl get object -
}
