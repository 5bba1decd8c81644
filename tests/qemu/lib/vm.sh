#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh [OPTION]... NAME KERNELDIR INITRD: runs a test VM and judges it.
#
#	-t TEST		that the guest runs: its script TEST.sh, by default NAME.sh
#	-s STAGE	to begin with, by default 1
#	-a WORDS	for the kernel's command line; all that are given count
#	-p FILE		tar archive that the guest is to unpack
#	-m SIZE		of its memory, by default 1536M
#	-f FIRMWARE	bios or efi, by default bios
#	-q OPTION	of QEMU's, with its argument after a blank; all count
#	-T SECONDS	until it counts as lost, by default 120
#	-c FEATURES	that its CPU is to have besides, as +pdpe1gb
#	-r FILE		that is its memory, and has in it what is to run; then
#			KERNELDIR has the multiboot image that starts this, and
#			INITRD is -
#	-1		one CPU, instead of two, for what is done one after the other:
#			emulated CPUs that wait for each other take time from all
#	-M		the guest may have QEMU do things: see monitor.pl
#	-S		it has a TPM, by swtpm
#	-P PORT		its console, by default ttyS0; tty0 is one that nobody sees
#	-C		it is to crash: what the console has from there to the next kernel
#			is no failure
#	-o		it is not started once more after process 1, see below
#	-I		its clock counts instructions, one a nanosecond, and it has
#			one CPU
#	-K		it looks for data races: those with no part of ours in them
#			are the kernel's own, and do not count
#	-l		show what the guest has to say to people
#	-i		as -l, and let the user type
#
# The last line on stdout, except after -l and -i, is the outcome, and the exit
# status tells it too:
#
#	0  pass
#	1  fail: the guest says so, or its console has what it must not have
#	3  lost: no verdict came, or the VM did not come to its end
#
# A VM that is lost before its first kernel has come as far as process 1 is
# started once more, and that is said: emulation now and then hangs in a boot
# that nothing of ours has a part in.  So is one in which, at any time, a CPU runs
# into a breakpoint that is not in memory (stale-int3.awk), if all checks were good
# until then.  Not so after -r: FILE is
# what it was no more; and after -o, which says the same of something else, only
# before process 1.
#
# The logs are in build/qemu/NAME/, and the outcome in a file of that name.
# KHO_ACCEL=kvm uses KVM, KHO_VM_PATIENCE=N waits N times as long.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

arguments=("$@")
test='' stage=1 append='' payload='' memory=1536M limit=120 features='' live='' input=''
ram='' cpus=2 icount='' kcsan='' once='' monitor='' crash='' tpm='' firmware=bios where=ttyS0 extra=()
while getopts t:s:a:p:m:f:q:T:c:r:P:1CMSoIKli option; do
	case $option in
	t)	test=$OPTARG ;;
	s)	stage=$OPTARG ;;
	a)	append+=" $OPTARG" ;;
	p)	payload=$OPTARG ;;
	m)	memory=$OPTARG ;;
	f)	firmware=$OPTARG ;;
	q)	read -ra words <<<"$OPTARG"
		extra+=("${words[@]}") ;;
	T)	limit=$OPTARG ;;
	c)	features=,$OPTARG ;;
	r)	ram=$OPTARG ;;
	P)	where=$OPTARG ;;
	1)	cpus=1 ;;
	C)	crash=1 ;;
	M)	monitor=1 ;;
	S)	tpm=1 ;;
	o)	once=1 ;;
	I)	icount=1 cpus=1 ;;
	K)	kcsan=1 ;;
	l)	live=1 ;;
	i)	live=1 input=1 ;;
	*)	exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 3 ] || die "usage: vm.sh [OPTION]... NAME KERNELDIR INITRD"
name=$1 kerneldir=$2 initrd=$3
limit=$((limit * ${KHO_VM_PATIENCE:-1}))

logs=$KHO_BUILD/qemu/$name
console=$logs/console.log
port=$logs/verdict.log
mkdir -p "$logs"
rm -f "$logs/outcome"
: >"$console"
: >"$port"

kernel=$kerneldir/bzImage
[ -e "$kernel" ] || kernel=$kerneldir/boot/vmlinuz-$(cat "$kerneldir/release")

# A CPU that software emulates fast, and that catches stray user accesses.
cpu=(-accel tcg -cpu "Nehalem,+smep,+smap$features")
[ "${KHO_ACCEL:-tcg}" != kvm ] || cpu=(-accel kvm -cpu "host$features")
# Exact, so always by emulation.
[ -z "$icount" ] || cpu=(-accel "tcg,thread=single" -icount "shift=0,sleep=off"
	-cpu "Nehalem,+smep,+smap$features")

qemu=(qemu-system-x86_64 "${cpu[@]}" -smp "$cpus" -m "$memory"
	-nodefaults -no-user-config -display none -no-reboot
	-kernel "$kernel")
case $where in
ttyS0)	qemu+=(-serial "file:$console") ;;
ttyS2)	# After the verdict's, in spite of what comes first here
	qemu+=(-serial null -chardev "file,id=console,path=$console"
		-device "isa-serial,index=2,chardev=console") ;;
tty0)	qemu+=(-serial null) ;;
*)	die "there is no port '$where'" ;;
esac
if [ -n "$ram" ]; then
	qemu+=(-machine "pc,memory-backend=ram" -object
		"memory-backend-file,id=ram,size=$memory,mem-path=$ram,share=on")
else
	qemu+=(-machine q35 -initrd "$initrd" -append
		"console=$where panic=-1 oops=panic printk.devkmsg=on kho.test=${test:-$name} kho.stage=$stage$append")
fi
case $firmware in
bios)
	;;
efi)
	# OVMF, with variables of this VM's own.
	code=/usr/share/OVMF/OVMF_CODE_4M.fd
	[ -e "$code" ] || die "$code is missing: apt-get install ovmf"
	cp "${code/CODE/VARS}" "$logs/vars.fd"
	qemu+=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=$code"
		-drive "if=pflash,format=raw,unit=1,file=$logs/vars.fd")
	;;
*)
	die "there is no firmware '$firmware'"
	;;
esac
qemu+=("${extra[@]}")
[ -z "$payload" ] ||
	qemu+=(-drive "file=$payload,if=virtio,format=raw,readonly=on")

# ---- Run it ----

if [ -n "$monitor$tpm" ]; then
	# The name of a socket must not be long.
	sockets=$(mktemp -d)
	trap 'rm -rf "$sockets"' EXIT
fi
if [ -n "$tpm" ]; then
	mkdir "$sockets/state"
	swtpm socket --tpm2 --terminate --tpmstate "dir=$sockets/state" \
		--ctrl "type=unixio,path=$sockets/tpm" >"$logs/swtpm.log" 2>&1 </dev/null &
	for _ in {1..100}; do
		[ ! -S "$sockets/tpm" ] || break
		sleep 0.1
	done
	qemu+=(-chardev "socket,id=tpm,path=$sockets/tpm" -tpmdev "emulator,id=tpm,chardev=tpm"
		-device "tpm-crb,tpmdev=tpm")
fi
if [ -n "$monitor" ]; then
	qemu+=(-monitor "unix:$sockets/monitor,server=on,wait=off")
	"$KHO_TOP/tests/qemu/lib/monitor.pl" "$sockets/monitor" "$port" \
		>"$logs/monitor.log" 2>&1 &
fi

if [ "${V:-}" = 1 ]; then
	tail -n +1 -f "$console" --pid=$$ | sed -u -e 's/\r$//' -e 's/^/      | /' &
fi

status=0
if [ -n "$input" ]; then
	# The user takes as long as it takes.
	"${qemu[@]}" -chardev "stdio,id=port,mux=on,signal=off,logfile=$port" \
		-serial chardev:port || status=$?
elif [ -n "$live" ]; then
	timeout --foreground -k 5 "$limit" "${qemu[@]}" \
		-chardev "stdio,id=port,logfile=$port" -serial chardev:port \
		</dev/null 2>"$logs/qemu.log" |
		sed -u -e 's/\r$//' -e '/^KHO-/d' || status=${PIPESTATUS[0]}
else
	timeout --foreground -k 5 "$limit" "${qemu[@]}" -serial "file:$port" \
		</dev/null >"$logs/qemu.log" 2>&1 || status=$?
fi
sed -i 's/\r$//' "$port" "$console"

# ---- Judge it ----

# What no kernel must say.  The exceptions are whole lines that are known.
trouble='WARNING:|BUG:|BUG |KASAN:|UBSAN:|KFENCE:|KCSAN:|kmemleak: [0-9]+ new'
trouble+='|possible (circular|recursive) locking|inconsistent lock state'
trouble+='|INFO: (task|rcu|possible|trying)|detected stall|soft lockup'
trouble+='|Call Trace:|Oops|general protection|invalid opcode|Kernel panic'
trouble+='|[Bb]ad page|page allocation failure|unreferenced object'
trouble+='|(list_add|list_del) corruption|refcount_t:|DEBUG_LOCKS'
trouble+='|sleeping function called|scheduling while atomic|segfault at'
trouble+='|[Oo]ut of memory|oom-kill|nobody cared'
allowed="$KHO_TOP/tests/qemu/lib/console-allowed"

judged=$console
if [ -n "$kcsan" ]; then
	judged=$logs/console-ours.log
	"$KHO_TOP/tests/qemu/lib/kcsan-ours.pl" "$console" >"$judged"
fi
if [ -n "$crash" ]; then
	judged=$logs/console-but-crash.log
	sed '/sysrq: Trigger a crash/,/Linux version/d' "$console" >"$judged"
fi
found=$(grep -aE "$trouble" "$judged" |
	grep -avE -f <(grep -vE '^(#|$)' "$allowed") | head -n 1 || true)
verdict=$(grep -a '^KHO-VERDICT ' "$port" || true)

if [ ! -s "$console" ] && [ "$where" != tty0 ]; then
	outcome="lost: its console has said nothing"
elif [ -n "$found" ]; then
	outcome="fail: on the console: $found"
elif [[ $verdict == 'KHO-VERDICT fail '* ]]; then
	read -r _ _ stage why <<<"$verdict"
	outcome="fail: stage $stage: $why"
elif grep -aq '^KHO-NOT-OK ' "$port"; then
	outcome="fail: $(grep -a -m 1 '^KHO-NOT-OK ' "$port" | cut -d ' ' -f 2-)"
elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
	outcome="lost: it did not end within $limit s"
elif [ "$status" -ne 0 ]; then
	outcome="lost: QEMU ended with status $status"
elif [[ $verdict =~ ^KHO-VERDICT\ pass\ [0-9]+\ done$ ]]; then
	outcome=pass
else
	outcome="lost: it ended without a verdict"
fi

case $outcome in
pass)
	status=0 ;;
fail*)
	status=1 ;;
*)
	status=3 ;;
esac
# Both are QEMU's fault: OVMF writes on the port as well, so it is what we say there.
again=
if [ "$status" -eq 3 ] && ! grep -aq '^KHO-' "$port"; then
	again="before process 1"
elif [ "$status" -ne 0 ] && ! grep -aq '^KHO-NOT-OK ' "$port" &&
     awk -f "$KHO_TOP/tests/qemu/lib/stale-int3.awk" "$console"; then
	again="at a breakpoint that was not there"
	if [ -n "$once" ]; then
		outcome="lost: QEMU, $again"
		status=3 again=
	fi
fi
if [ -n "$again" ] && [ -z "${KHO_VM_AGAIN-}$ram" ]; then
	mv "$console" "$logs/console-lost.log"
	[ -z "$monitor$tpm" ] || rm -rf "$sockets"
	say "$name: $outcome, $again; once more"
	KHO_VM_AGAIN=1 exec "${BASH_SOURCE[0]}" "${arguments[@]}"
fi
if [ "$status" -ne 0 ]; then
	[ ! -s "$logs/qemu.log" ] || cat "$logs/qemu.log" >&2
	say "$name: console log $console, verdict log $port"
fi
echo "$outcome" >"$logs/outcome"
[ -n "$live" ] || echo "$outcome"
exit "$status"
