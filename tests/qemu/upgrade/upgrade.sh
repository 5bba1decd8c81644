# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# The module is replaced by another version while it holds objects, pages by number, and
# a process's memory; and whatever can go wrong does.
old=$here/kho.ko
new=/run/payload/new.ko
stranger=/run/payload/stranger.ko
objects='small huge sealed ram'

version()
{
	cat /sys/module/kho/version
}

# All that must not change
inventory()
{
	local name

	for name in $objects; do
		echo "$name $(khoctl get "$name" | sha256sum)"
	done
	khoctl ls --json --pages
	counters
	agent status | grep -E '^(arrival|arrival_kind|generation|image|setup_addr|scratch_addr|scratch_size|abi|handoff)='
}

# sound DESCRIPTION VERSION: that version is loaded, and has all there was
sound()
{
	is "$1: the version" "$(version)" "$2"
	inventory >/run/inventory-now
	if cmp -s /run/inventory /run/inventory-now; then
		ok "$1: everything is there"
	else
		diff /run/inventory /run/inventory-now >/run/out
		not_ok "$1: everything is there" /run/out
	fi
	check "$1: dump finds no problems" khoctl dump
	check "$1: checksums" khoctl verify
	is "$1: no record is left" "$(grep -c 'kho: left' /proc/iomem)" 0
}

preserve_all()
{
	mkdir -p /var/lib
	head -c 3000001 /dev/urandom >/run/small
	head -c 8388608 /dev/urandom >/run/huge
	head -c 9000 /dev/urandom >/run/data
	check "an object" khoctl put --data /run/data small /run/small
	check "a huge one" khoctl put --huge huge /run/huge
	check "a sealed one" khoctl put --seal --mode 640 sealed /run/huge
	check "pages by number" agent scatter 300 1 /run/manifest
	upgrade pin ram 8388608 /run/stop >/run/ram &
	ram=$!
	await grep -q ready /run/ram
}

has_two_lines()
{
	[ "$(wc -l <"$1")" = 2 ]
}

in_use()
{
	local pid sum

	sleep 1000 9</dev/kho &
	pid=$!
	refuses "the device is open: named" "\(pid $pid\) has /dev/kho open" \
		khoctl upgrade --to "$new" --old "$old" --wait 0
	kill "$pid"
	sound "after that" "$first"
	(sleep 1000 9</dev/kho & pid=$!; sleep 5; kill "$pid") &
	sleep 0.5
	check "it is waited for" khoctl upgrade --to "$new" --old "$old" --wait 60
	cp /run/out /run/waited
	check "and named" grep -q '(pid' /run/waited
	sound "replaced" 0.2.0

	upgrade yield huge >/run/yield 2>&1 &
	pid=$!
	await grep -q . /run/yield
	refuses "a mapped object: named" "upgrade \(pid $pid\) has" \
		khoctl upgrade --to "$old" --old "$new" --wait 0
	check "an agent that is asked makes way" \
		khoctl upgrade --to "$old" --old "$new" --wait 60
	await has_two_lines /run/yield
	wait "$pid" || not_ok "the agent goes on" /run/yield
	is "it finds the same" "$(sort -u /run/yield | wc -l)" 1
	sound "and back" "$first"
}

bad_files()
{
	head -c 100000 "$new" >/run/short.ko
	refuses "a truncated module" 'is not kho.ko' \
		khoctl upgrade --to /run/short.ko --old "$old" --wait 0
	sed '/vermagic=/s/ SMP / SMQ /' "$new" >/run/magic.ko
	refuses "for another kernel" "would not load it: it was built for '" \
		khoctl upgrade --to /run/magic.ko --old "$old" --wait 0
	sound "bad files" "$first"
	refuses "not ours" 'is not kho.ko' \
		khoctl upgrade --to "$here/kho_test.ko" --old "$old" --wait 0
	check "dry run" khoctl upgrade --to "$new" --old "$old" --dry-run
	sound "dry run" "$first"
	refuses "one that does not know the record" "version $first is loaded again" \
		khoctl upgrade --to "$stranger" --old "$old" --wait 0
	sound "back after that" "$first"
	check "the same version" khoctl upgrade --to "$old" --old "$old" --force
	sound "the same version" "$first"
	check "saved" [ -s "/var/lib/kho/$(uname -r)/kho.ko" ]
	check "found there" khoctl upgrade --to "$new" --wait 0
	sound "found there" 0.2.0
	rm -r /var/lib/kho
	refuses "no way back" 'is nowhere' khoctl upgrade --to "$old"
	sound "no way back" 0.2.0
	check "again" khoctl upgrade --to "$old" --old "$new"
}

# Whoever loads a module takes over.
by_others()
{
	check "leave" upgrade leave
	khoctl status >/run/out 2>&1
	refuses "opening the device ends it" 'in use|Resource' rmmod kho
	sound "it stays" "$first"
	check "leave" upgrade leave
	check "rmmod by somebody" rmmod kho
	is "a record is there" "$(grep -c 'kho: left' /proc/iomem)" 1
	refuses "a stranger does not load" . insmod "$stranger"
	refuses "again" . insmod "$stranger"
	is "the record stays" "$(grep -c 'kho: left' /proc/iomem)" 1
	check "insmod by somebody" insmod "$new"
	sound "by others" 0.2.0
	check "rmmod by force" rmmod -f kho
	check "insmod after that" insmod "$new"
	sound "by force" 0.2.0
	check "khoctl goes on where one ended: leave" upgrade leave
	check "rmmod" rmmod kho
	check "load" khoctl upgrade --to "$old"
	sound "went on" "$first"
}

# khoctl is killed at each Nth of its last system calls.
killed()
{
	local last step status

	kill-steps 0 khoctl upgrade --to "$old" --old "$new" --force >/run/steps 2>&1 || true
	last=$(awk '$1 + 0 == $1 { n = $1 } END { print n }' /run/steps)
	step=$((last - 90))
	while [ "$step" -lt "$last" ]; do
		status=0
		kill-steps "$step" khoctl upgrade --to "$old" --old "$old" --force --wait 0 \
			>/run/out 2>&1 || status=$?
		[ -e /sys/module/kho ] || insmod "$new"
		inventory >/run/inventory-now
		cmp -s /run/inventory /run/inventory-now || {
			diff /run/inventory /run/inventory-now >/run/out
			not_ok "killed at step $step of $last" /run/out
			return
		}
		[ "$(version)" = "$first" ] || khoctl upgrade --to "$old" --old "$new" >/run/out 2>&1 ||
			not_ok "and back" /run/out
		step=$((step + 9))
	done
	sound "killed at every ninth step of the last 90" "$first"
}

stage_1()
{
	local sum

	first=$(version)
	preserve_all
	inventory >/run/inventory
	check "the first one" khoctl upgrade --to "$new" --old "$old"
	sound "the first one" 0.2.0
	check "and back" khoctl upgrade --to "$old" --old "$new"
	sound "and back" "$first"
	in_use
	bad_files
	by_others
	killed

	# The process's memory is still its own, and the object's.
	touch /run/stop
	wait "$ram" || not_ok "the process's memory" /run/ram
	is "what it wrote last" "$(khoctl get ram | head -c 8 | od -An -tx1 | tr -d ' \n')" 8877665544332211
	inventory >/run/inventory
	check "the process has ended" khoctl upgrade --to "$new" --old "$old"
	sound "the process has ended" 0.2.0
	check "its memory can be freed" khoctl rm ram
	objects='small huge sealed'

	for name in $objects; do
		khoctl get "$name" | sha256sum >"/run/$name.sum"
	done
	tar -C /run -cf /run/sums.tar manifest small.sum huge.sum sealed.sum
	check "what the next kernel compares" khoctl put sums /run/sums.tar
	load_next || fail "khoctl load"
	inventory >/run/inventory
	check "with a kernel loaded" khoctl upgrade --to "$old" --old "$new"
	sound "with a kernel loaded" "$first"
	is "it is still valid" "$(status image)" loaded
	do_jump
}

arrived()
{
	mkdir -p /run/sums
	khoctl get sums | tar -C /run/sums -xf -
	for name in small huge sealed; do
		is "$name has arrived" "$(khoctl get "$name" | sha256sum)" "$(cat "/run/sums/$name.sum")"
	done
	check "checksums" khoctl verify
	check "pages by number have arrived" agent verify /run/sums/manifest
}

# A jump while there is no module
stage_2()
{
	arrived
	await_release
	objects='small huge sealed'
	inventory >/run/inventory
	check "of what has arrived" khoctl upgrade --to "$new" --old "$old"
	sound "of what has arrived" 0.2.0
	check "pages can still be opened" agent verify /run/sums/manifest
	load_next || fail "khoctl load"
	check "leave" upgrade leave
	check "no module" rmmod kho
	do_jump
}

stage_3()
{
	arrived
	check "everything can be freed" khoctl rm small huge sealed sums
	check "pages too" agent release /run/sums/manifest
	check "and the module unloaded" rmmod kho
	is "no record is left" "$(grep -c 'kho: left' /proc/iomem)" 0
}
