# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Steps that are done in another order than intended, or not at all.

case $stage in
4)
	module=no ;;
5)
	next=stub ;;
6)
	module=no ;;
esac

# Jumps into a kernel that is not told of a handover.
jump_plain()
{
	check "kexec by itself" kexec -c -l "$(next_kernel)" "--initrd=$initrd" \
		"--append=$(next_cmdline "$@")"
	do_jump
}

# The next kernel is told of a list that is gone.
stage_1()
{
	check "load" load_next kho.arrival=none
	check "unload the module" rmmod kho
	do_jump
}

stage_2()
{
	is "nothing has arrived" "$(status objects) $(status arrived_pages)" "0 0"
	is "and nothing is kept for it" "$(status release)" none

	check "put an object" khoctl put before /bin/busybox
	check "scatter pages" agent scatter 200 1 /run/manifest-1
	check "put the manifest" khoctl put manifest-1 /run/manifest-1
	check "load" load_next kho.generation=7
	check "load once more" load_next kho.generation=1
	# All of this is where the envelopes had no reason to be at the load.
	check "put an object after that" khoctl put after /bin/kexec
	check "scatter pages after that" agent scatter 2000 2 /run/manifest-2
	check "put their manifest" khoctl put manifest-2 /run/manifest-2
	check "remove an object after that" khoctl rm before
	do_jump
}

stage_3()
{
	is "the object that came last" \
		"$(khoctl get after - | sha256sum | cut -c 1-64)" \
		"$(sha256sum </bin/kexec | cut -c 1-64)"
	refuses "the one that was removed" 'before' khoctl get before -
	for i in 1 2; do
		check "manifest $i" \
			khoctl get "manifest-$i" "/run/manifest-$i"
		check "pages $i" agent verify "/run/manifest-$i"
	done
	jump kho.arrival=unasked
}

# This kernel has received all of that, but does not load the module.
stage_4()
{
	jump_plain kho.arrival=none
}

stage_5()
{
	is "nothing has arrived" \
		"$(status arrival) $(status objects) $(status arrived_pages)" "none 0 0"
	check "the log says so" \
		sh -c 'dmesg | grep -v kho-test: | grep -q "kho: .*nothing arrived"'
	check "put an object" khoctl put object /bin/busybox
	jump kho.arrival=unasked
}

# The same with the stub.
stage_6()
{
	jump_plain kho.arrival=none
}

stage_7()
{
	is "nothing has arrived" \
		"$(status arrival) $(status objects) $(status arrived_pages)" "none 0 0"
	check "the log says so" \
		sh -c 'dmesg | grep -v kho-test: | grep -q "kho: .*nothing arrived"'
}
