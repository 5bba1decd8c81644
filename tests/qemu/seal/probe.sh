#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# probe.sh initramfs|systemd|dracut: runs in the second kernel of 70-seal.t, without
# kho.ko: once in the initramfs and once in the root file system, or with dracut only
# in the initramfs.  The command line says what closes the envelopes:
#
#	kho.opt.seal=hook	the initramfs has kho-seal
#	kho.opt.seal=unit	systemd starts kho-seal.service
#	kho.opt.seal=none	nothing, until this calls it and loads the module
#	kho.opt.pages=N		size of the secret
set -u
export PATH=/bin:/sbin:/usr/bin:/usr/sbin LC_ALL=C

# shellcheck source=tests/qemu/lib/guest/lib.sh
. /kho-test/lib.sh
read_cmdline
seal=$(option seal)
pages=$(option pages)
reader=/kho-test/reader

# number FILE NAME: prints a number of the last line, "uid 0 nodes 5 envelopes 3 ..."
number()
{
	sed -n "\$s/.*\\<$2 \\([0-9]*\\).*/\\1/p" "$1"
}

# nobody_reads WHO FILE: FILE has what the reader printed
nobody_reads()
{
	# Without envelopes there would be nothing to read.
	is "$1 sees the envelopes" "$(number "$2" envelopes)" "$envelopes"
	is "$1 can read none of them" "$(number "$2" readable)" 0
	is "$1 is refused each by name" \
		"$(grep -c "type 0x4b484f45 mode 0400 .*: Permission denied" "$2")" \
		"$envelopes"
	is "$1 finds nothing of the secret" "$(number "$2" pages)" 0
	[ "$(number "$2" pages)" = 0 ] || diag "$2"
}

# somebody_reads WHO FILE: the opposite, as a control
somebody_reads()
{
	is "$1 can read all envelopes" "$(number "$2" readable)" "$envelopes"
	is "$1 finds all of the secret" "$(number "$2" pages)" "$pages"
	[ "$(number "$2" pages)" = "$pages" ] || diag "$2"
}

# judge OPEN WHO FILE: OPEN is yes or no
judge()
{
	if [ "$1" = yes ]; then
		somebody_reads "$2" "$3"
	else
		nobody_reads "$2" "$3"
	fi
}

# look WHERE AS ARGUMENT OPEN
look()
{
	"$reader" "$2" "$3" >/run/look.out 2>&1
	judge "$4" "$1" /run/look.out
}

# Counts the envelopes, as root sees them.
count()
{
	"$reader" root /sys >/run/root.out 2>&1
	envelopes=$(number /run/root.out envelopes)
	envelopes=${envelopes:-0}
}

in_initramfs()
{
	local open=yes

	[ "$seal" != hook ] || open=no
	tell "KHO-STAGE 2 $(uname -r)"
	check "the module has no part in this" [ ! -e /sys/module/kho ]
	check "there are envelopes" [ "$envelopes" -gt 0 ]
	is "no root file system has been mounted" \
		"$(grep -cE ' /(root|sysroot) ' /proc/mounts)" 0
	is "the secret is in the envelopes" "$(number /run/root.out pages)" \
		"$pages"
	diag /run/root.out
	look "initramfs: nobody" user /sys "$open"
	mkdir -p /run/sys
	look "initramfs: a container of nobody's" container /run/sys "$open"

	if [ "$seal" = hook ]; then
		is "one line in the log" \
			"$(dmesg | grep -v kho-test | grep -c 'kho-seal: ')" 1
		check "kho-seal --check finds it closed" kho-seal --check
		kho-seal >/run/out 2>&1
		is "the second time is quiet" "$? $(cat /run/out)" "0 "
	else
		refuses "there is no kho-seal" 'not found' kho-seal --check
	fi
}

under_systemd()
{
	local open=yes

	[ "$seal" = none ] || open=no
	is "process 1" "$(cat /proc/1/comm)" systemd
	check "the module has no part in this either" [ ! -e /sys/module/kho ]
	judge "$open" "systemd: the earliest unit" /run/early.out
	judge "$open" "systemd: a unit after sysinit.target" /run/late.out
	judge "$open" "systemd: a container" /run/container.out
	is "no unit has failed" "$(systemctl --failed --plain --no-legend)" ''
	is "no ordering cycle" \
		"$(journalctl -b -q | grep -c 'ordering cycle')" 0
	case $seal in
	hook)
		is "there is no unit" "$(systemctl is-enabled kho-seal 2>&1 |
			grep -cE 'No such file|^not-found$')" 1 ;;
	unit)
		is "the unit has run" "$(systemctl show -P SubState kho-seal)" exited
		is "and has closed them" \
			"$(dmesg | grep -v kho-test |
			   grep -c "kho-seal: $envelopes of $envelopes envelopes closed")" 1
		is "all services wait for it" \
			"$(systemctl show -P After systemd-journald.service |
			   grep -cw kho-seal.service)" 1
		check "kho-seal --check finds it closed" kho-seal --check ;;
	none)
		too_late ;;
	esac
}

# hold NAME AS ARGUMENT: starts a reader, which goes on when /run/hold/NAME is gone
hold()
{
	local tries=0

	"$reader" "$2" "$3" "/run/hold/$1" >"/run/hold-$1.out" 2>&1 &
	while [ ! -e "/run/hold/$1" ] && [ "$tries" -lt 100 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	check "$1 waits" [ -e "/run/hold/$1" ]
	eval "pid_$1=$!"
}

# let_go NAME: lets that reader go on, and waits for its end
let_go()
{
	rm "/run/hold/$1"
	eval "wait \$pid_$1"
}

# Calls kho-seal while others have opened the files or looked them up.
too_late()
{
	refuses "kho-seal --check finds it open" \
		"$envelopes of $envelopes envelopes are open" kho-seal --check
	mkdir -p /run/hold /run/second
	chmod 1777 /run/hold
	hold opened user /sys
	hold longer user /sys
	hold looked container /mnt
	check "kho-seal" kho-seal
	check "kho-seal --check finds it closed" kho-seal --check
	let_go opened
	let_go looked
	# This is why kho-seal has to run before any user's process.
	somebody_reads "late: who had opened them" /run/hold-opened.out
	nobody_reads "late: who had looked them up in another sysfs" \
		/run/hold-looked.out
	look "late: nobody" user /sys no
	look "late: a container" container /mnt no
	check "mount sysfs once more" mount -t sysfs sysfs /run/second
	look "late: nobody, in the second sysfs" user /run/second no

	check "load the module" insmod /kho-test/kho.ko
	let_go longer
	is "now who had opened them gets 24 bytes of each" \
		"$(grep -c 'type 0x4b484f45 .*: read 24$' /run/hold-longer.out)" \
		"$envelopes"
	is "and nothing of the secret" "$(number /run/hold-longer.out pages)" 0
}

end()
{
	if [ -s /run/failed ]; then
		verdict fail "$(wc -l </run/failed) failed, first: $(head -n 1 /run/failed)"
	else
		verdict pass "done"
	fi
	sync
	echo b >/proc/sysrq-trigger
}

count
case $1 in
initramfs)
	in_initramfs ;;
dracut)
	in_initramfs
	end ;;
systemd)
	under_systemd
	end ;;
esac
