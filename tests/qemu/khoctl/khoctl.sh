# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# khoctl's commands on objects, and their fate over a handover.

dump_is_sound()
{
	check "$1: dump finds no problems" khoctl dump
}

# load_without OPTION...: the next kernel, with an initrd that has only /init
load_without()
{
	# Without programs to unpack the image, which takes long here: see load_next().
	env PATH=/few /bin/khoctl load "$(next_kernel)" --initrd /run/without \
		--append quiet "$@"
}

# A stock kernel without the module could not read anything of what arrives.
module_or_not()
{
	local modules

	modules=/lib/modules/$(uname -r)
	mkdir -p /few
	ln -sf /bin/kexec /few/
	(cd / && echo init | cpio -o -H newc) >/run/without 2>/run/out
	mv "$modules" /run/modules
	refuses "load: no module for it" 'there is no kho.ko for Linux .* dkms install kho/' \
		load_without
	mv /run/modules "$modules"
	refuses "load: the initrd stays, and has no module" \
		'initrd stays its root file system, and has no kho.ko' load_without
	is "nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0
	check "load: forced" load_without --force
	check "unload" khoctl unload
}

stage_1()
{
	people
	head -c 4194304 /dev/urandom >/run/big
	head -c 20001 /dev/urandom >/run/small
	echo 'state of the agent' >/run/state
	check "put" khoctl put --sum small /run/small
	dump_is_sound "a checksum at the jump"
	check "put --huge" khoctl put --huge --sum huge /run/big
	dump_is_sound "huge"
	check "put with everything" khoctl put --seal --data /run/state --owner agent:kho --mode 0640 --node 0 all /run/big
	dump_is_sound "all"
	refuses "no such node" 'the node' khoctl put --node 5 x /run/small
	check "written later" khoctl put --sum written /run/small
	check "resized" khoctl put resized /run/big
	check "resize: smaller" khoctl resize resized 100K
	dump_is_sound "smaller"
	check "resize: larger" khoctl resize resized 3M
	dump_is_sound "larger"
	is "resize: its size" "$(khoctl get resized | wc -c)" 3145728
	is "resize: its start" "$(khoctl get resized | head -c 102400 | sha256sum)" "$(head -c 102400 /run/big | sha256sum)"
	check "resize: huge" khoctl resize huge 8M
	dump_is_sound "huge and larger"
	refuses "resize: a part of a huge page" "can't have a size" khoctl resize huge 3M
	check "resize: huge, back" khoctl resize huge 4M
	dump_is_sound "huge and smaller"
	check "setdata" khoctl setdata resized /run/state
	is "getdata" "$(khoctl getdata resized)" 'state of the agent'
	head -c 65536 /dev/urandom >/run/data
	check "setdata: 64 KiB" khoctl setdata resized /run/data
	dump_is_sound "user data"
	is "getdata: 64 KiB" "$(khoctl getdata resized | sha256sum)" "$(sha256sum </run/data)"
	check "seal" khoctl seal --sum resized
	refuses "seal: again" 'sealed' khoctl seal resized
	refuses "resize: sealed" 'sealed' khoctl resize resized 1M
	refuses "setdata: sealed" 'sealed' khoctl setdata resized /run/state
	check "own: a sealed one" khoctl own --mode 0600 resized
	dump_is_sound "sealed"
	check "verify" khoctl verify
	check "verify: by name" khoctl verify resized all
	refuses "verify: not yet" 'not verifiable' khoctl verify small
	user 'khoctl put mine /run/small; khoctl ls; khoctl status' >/run/out 2>&1 || not_ok "agent" /run/out
	diag /run/out
	refuses "another's" 'no such object' user 'khoctl get small'
	refuses "may not remove" 'not permitted' user 'khoctl rm resized || khoctl own all --owner root'
	check "may read its own" user 'khoctl get all >/dev/null && khoctl getdata all && khoctl verify all && khoctl own all --mode 0600 && khoctl own all --mode 0640 --owner :kho'
	refuses "pages are not for it" 'CAP_SYS_ADMIN' user 'khoctl ls --pages'
	refuses "dump is not for it" 'CAP_SYS_ADMIN' user 'khoctl dump'
	refuses "limit" 'RLIMIT_MEMLOCK' user 'ulimit -l 1024; khoctl put x /run/big'

	# An interrupted put leaves nothing.
	head -c 100000000 /dev/zero >/run/zeros
	for delay in 0.02 0.05 0.1 0.2; do
		khoctl put killed /run/zeros &
		pid=$!
		sleep $delay
		if kill -9 $pid 2>/dev/null; then log "killed after $delay"; fi
		status=0
		wait $pid || status=$?
		left=$(khoctl ls --json | grep -c '"name": "killed"' || :)
		log "status $status left $left"
		if [ $status -eq 137 ]; then
			is "killed after $delay: nothing is left" "$left" 0
		elif [ "$left" = 1 ]; then
			khoctl rm killed
		fi
	done
	rm /run/zeros
	khoctl ls -l >/run/out 2>&1
	diag /run/out
	khoctl ls >/run/out 2>&1
	diag /run/out
	check "keep the sums" sh -c 'sha256sum /run/big /run/small | khoctl put sums -'
	module_or_not
	jump
}

stage_2()
{
	people
	await_release
	khoctl ls -l >/run/out 2>&1
	diag /run/out
	dump_is_sound "arrived"
	check "prune: nothing is as old" sh -c 'khoctl prune --idle 2 | grep "nothing to remove"'
	is "prune: dry run" "$(khoctl prune --idle 1 --dry-run | wc -l)" "$(khoctl ls --json | grep -c '"idle": 1')"
	check "verify all" khoctl verify
	khoctl verify >/run/out 2>&1
	diag /run/out
	check "verify by name" khoctl verify small huge all resized
	khoctl get sums >/run/sums
	is "small" "$(khoctl get small | sha256sum | cut -c1-64)" "$(sed -n 2p /run/sums | cut -c1-64)"
	is "huge" "$(khoctl get huge | sha256sum | cut -c1-64)" "$(sed -n 1p /run/sums | cut -c1-64)"
	check "write" khoctl setdata written /run/sums
	refuses "verify: written" 'not verifiable' khoctl verify written
	khoctl verify >/run/out 2>&1 || not_ok "verify" /run/out
	diag /run/out
	is "user data" "$(khoctl getdata all)" 'state of the agent'
	check "as its owner" user 'khoctl verify all && khoctl getdata all && khoctl rm all'
	dump_is_sound "one removed"
	khoctl prune --idle 1 >/run/out 2>&1 || not_ok "prune" /run/out
	diag /run/out
	khoctl ls >/run/out 2>&1
	diag /run/out
	for name in $(khoctl ls --json | sed -n 's/^ *"name": "\(.*\)",$/\1/p'); do
		check "rm $name" khoctl rm "$name"
	done
	dump_is_sound "all removed"
}
