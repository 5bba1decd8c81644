#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# day.sh: what happens on a machine with systemd, see 70-systemd.t.  It runs as a service,
# once in each kernel.  It never calls khoctl load: that is what the units are for.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
here=/kho-test
disk=/var/lib/kho-test
unit=/usr/libexec/kho/kho-unit
conf=/etc/kho/kho.conf

# shellcheck source=tests/qemu/lib/guest/lib.sh
. $here/lib.sh

if [ "${1-}" = late ]; then
	# An image that is gone, and another that can't be loaded
	if [ -e /run/break-late ]; then
		rm /run/break-late
		kexec -u
		echo KERNEL=/nowhere >$conf
	fi
	exit 0
fi

read_cmdline
patience=$(option patience)
mkdir -p $disk
generation=$(khoctl status --json | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p')
stage=$((generation + 1))

value()
{
	khoctl status --json | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1
}

sums()
{
	for name in one two three; do
		khoctl get "$name" - | cksum
	done
}

# wait_for SECONDS COMMAND...: true once the command succeeds
wait_for()
{
	local i=0 limit=$(($1 * patience))

	shift
	until "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ "$i" -lt "$limit" ] || return 1
		sleep 1
	done
}

ours()
{
	[ "$(value image)" = loaded ] && [ "$(value kexec_loaded)" = true ]
}

no_job()
{
	! systemctl list-jobs --no-legend | grep -q "$1"
}

# alive WHAT: nothing was stopped
alive()
{
	is "$1: 3 objects are preserved" "$(value objects)" 3
	is "$1: the canary has not been stopped" \
		"$(systemctl show -P MainPID kho-canary)" "$canary"
	is "$1: nothing is being stopped" "$(systemctl list-jobs --no-legend |
		grep -cE ' stop |shutdown\.target')" 0
}

# refused WHAT UNIT REGEX COMMAND...: this way down is refused, before anything is stopped
refused()
{
	local what="$1" name="$2" regex="$3" cursor

	shift 3
	systemctl reset-failed "$name" 2>/dev/null
	cursor=$(journalctl -q -n 1 --show-cursor | sed -n 's/^-- cursor: //p')
	"$@" >/run/out 2>&1
	echo "exit status $?" >>/run/out
	if wait_for 60 systemctl -q is-failed "$name"; then
		ok "$what: refused"
	else
		systemctl list-jobs >>/run/out 2>&1
		not_ok "$what: refused" /run/out
	fi
	wait_for 10 no_job "$name"
	# check writes to /run/out.
	journalctl -q -o cat --after-cursor="$cursor" >/run/journal
	check "$what: says why" grep -qE "$regex" /run/journal
	check "$what: names the ways out" grep -q 'touch /run/kho/allow-loss' /run/journal
	grep -qE "$regex" /run/journal || diag /run/journal
	alive "$what"
}

# down COMMAND...: this way down is taken, so this script ends within it
down()
{
	sync
	log "now: $*"
	"$@" >/run/out 2>&1 || not_ok "$*" /run/out
	sleep $((120 * patience))
	not_ok "$*: the machine goes down"
	systemctl list-jobs >/run/out 2>&1
	diag /run/out
	verdict fail "it did not go down"
	echo b >/proc/sysrq-trigger
}

# arrived FROM: what the units say in a next kernel
arrived()
{
	is "kho.service is active" "$(systemctl is-active kho.service)" active
	is "its status says what arrived" "$(systemctl show -P StatusText kho.service |
		grep -c '^3 objects and 0 other pages arrived from Linux .*, handover number')" 1
	sums >/run/sums
	check "the 3 objects are the same" cmp /run/sums $disk/sums
	is "it is the entry of GRUB" "$(tr ' ' '\n' </proc/cmdline | grep '^kho.from=')" \
		kho.from=grub
	is "its initrd hides the envelopes" "$(dmesg | grep -c 'kho-seal: .* closed to all users')" 1
	is "the stage on disk agrees" "$(cat $disk/stage)" "$1"
}

stage_1()
{
	check "nothing was here before" [ ! -e $disk/stage ]
	is "kho.service says that nothing came" "$(systemctl show -P StatusText kho.service)" \
		"nothing was sent to this kernel"
	is "agents of the group may open the device" "$(stat -c %G:%a /dev/kho)" kho:660
	is "no unit has failed" "$(systemctl --failed --plain --no-legend)" ''
	is "no ordering cycle" "$(journalctl -b -q | grep -c 'ordering cycle')" 0
	check "nothing is preserved: a reboot may go" $unit gate reboot
	is "and nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0

	head -c 300000 /usr/bin/dpkg | khoctl put one -
	head -c 5000000 /usr/lib/systemd/systemd | khoctl put two -
	echo three | khoctl put three -
	sums >$disk/sums
	check "a kernel is loaded within a minute" wait_for 60 ours

	# All this is without khoctl load.
	echo KERNEL=/nowhere >$conf
	systemctl stop kho-load.timer
	wait_for 60 no_job kho-load
	kexec -u
	kexec -l /vmlinuz --initrd=/initrd.img --reuse-cmdline --append=kho.from=elsewhere
	refused "systemctl kexec to a kernel that another program loaded" systemd-kexec.service \
		'kexec refused: 3 objects, .* would be lost, .*: /etc/kho/kho.conf: the kernel /nowhere does not exist' \
		systemctl kexec
	kexec -u
	refused "systemctl reboot" systemd-reboot.service \
		'reboot refused: 3 objects, .* /nowhere does not exist' systemctl reboot
	systemctl start kho-load.service
	is "kho-load.service fails" "$(systemctl is-failed kho-load.service)" failed
	is "its status says why" "$(systemctl show -P StatusText kho-load.service |
		grep -c "can't be loaded: .*/nowhere")" 1
	printf 'ON_REBOOT=refuse\nON_POWEROFF=refuse\n' >$conf
	refused "ON_REBOOT=refuse" systemd-reboot.service 'reboot refused: 3 objects' reboot
	refused "ON_POWEROFF=refuse" systemd-poweroff.service 'poweroff refused: 3 objects' \
		shutdown -P now
	if [ -x /usr/bin/kernel-install ] || [ -d /etc/kernel/postinst.d ]; then
		rm $conf
		check "the kernel hook" run-parts --arg="$(uname -r)" --regex '^zzz-kho$' \
			/etc/kernel/postinst.d
		check "has a kernel loaded" wait_for 60 ours
	fi

	# The kernel can't be jumped into when all is stopped already.
	touch /run/break-late
	echo 1 >$disk/stage
	touch $disk/late
	down systemctl kexec
}

# The same kernel still, and the service was started again.
stage_1_late()
{
	rm $disk/late
	check "late: the objects have outlived it" [ "$(value objects)" = 3 ]
	sums >/run/sums
	check "late: they are the same" cmp /run/sums $disk/sums
	is "late: the canary runs again" "$(systemctl is-active kho-canary)" active
	check "late: the log says why" sh -c \
		"journalctl -b -q -o cat | grep -q 'kexec refused: 3 objects, .* /nowhere'"
	rm $conf
	check "late: a kernel is loaded again" wait_for 60 ours
	down systemctl kexec
}

# A package brings another version of the module, and replaces the one that runs.
upgraded()
{
	check "upgrade: a kernel is loaded before" wait_for 60 ours
	check "upgrade: the module is another" [ "$(cat /sys/module/kho/version)" != 0.2.0 ]
	check "upgrade: the package is installed" dpkg -i /kho-test/kho-module.deb
	is "upgrade: the module is the second" "$(cat /sys/module/kho/version)" 0.2.0
	[ "$(cat /sys/module/kho/version)" = 0.2.0 ] || diag /run/out
	alive upgrade
	sums >/run/sums
	check "upgrade: the objects are the same" cmp /run/sums $disk/sums
	is "upgrade: kho.service is still active" "$(systemctl is-active kho.service)" active
	is "upgrade: no unit has failed" "$(systemctl --failed --plain --no-legend)" ''
	check "upgrade: the kernel that was loaded is still ours" ours
	is "upgrade: the device is the group's" "$(stat -c %G:%a /dev/kho)" kho:660
	check "upgrade: the package is installed again" dpkg -i /kho-test/kho-module.deb
	alive "upgrade again"
}

stage_2()
{
	arrived 1
	upgraded
	echo 2 >$disk/stage
	# systemd's own load, kexec-tools' LOAD_KEXEC and an admin's: all give way.
	systemctl stop kho-load.timer
	wait_for 60 no_job kho-load
	kexec -u
	kexec -l /vmlinuz --initrd=/initrd.img --reuse-cmdline --append=kho.from=elsewhere
	down systemctl reboot
}

stage_3()
{
	arrived 2
	echo 3 >$disk/stage
	case $(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p') in
	252)
		;;
	*)
		touch $disk/soft
		down systemctl soft-reboot ;;
	esac
	stage_3_end
}

stage_3_soft()
{
	rm $disk/soft
	is "soft-reboot: 3 objects" "$(value objects)" 3
	sums >/run/sums
	check "soft-reboot: they are the same" cmp /run/sums $disk/sums
	is "soft-reboot: the same kernel" "$(cat /proc/sys/kernel/random/boot_id)" \
		"$(cat $disk/boot)"
	stage_3_end
}

stage_3_end()
{
	touch /run/kho/allow-loss
	check "allow-loss allows a cold reboot" $unit gate reboot
	if [ -s /run/failed ]; then
		verdict fail "$(wc -l </run/failed) failed, first: $(head -n 1 /run/failed)"
	else
		verdict pass "done"
	fi
	# A jump would bring another verdict.  Since 256, reboot jumps if a kernel is loaded.
	down env SYSTEMCTL_SKIP_AUTO_KEXEC=1 systemctl reboot
}

# shellcheck disable=SC2034  # for alive
canary=$(systemctl show -P MainPID kho-canary)
if [ -e $disk/late ]; then
	stage_1_late
elif [ -e $disk/soft ]; then
	stage_3_soft
else
	tell "KHO-STAGE $stage $(uname -r)"
	cat /proc/sys/kernel/random/boot_id >$disk/boot
	"stage_$stage"
fi
