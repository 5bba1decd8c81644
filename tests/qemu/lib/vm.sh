#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh [OPTION]... NAME KERNELDIR INITRD: runs a test VM and judges it.
#
#	-t TEST		the guest runs its script TEST.sh, by default NAME.sh
#	-s STAGE	the first stage, by default 1
#	-a WORDS	words for the kernel's command line; may be repeated
#	-p FILE		a tar archive for the guest to unpack
#	-m SIZE		the guest's memory, by default 1536M
#	-f FIRMWARE	bios or efi, by default bios
#	-V FILE		with efi, the variables that it begins with
#	-q OPTION	a QEMU option, with its argument after a blank; may be repeated
#	-T SECONDS	how long it may take until it counts as lost, by default 120
#	-c FEATURES	additional features of its CPU, such as +pdpe1gb
#	-r FILE		the guest's memory is FILE, which contains the kernel to run;
#			then KERNELDIR has the multiboot image that starts it, and
#			INITRD is -
#	-1		one CPU instead of two, for tests that do one thing at a time:
#			emulated CPUs that wait for each other slow everything down
#	-M		the guest may control QEMU: see monitor.pl
#	-S		it has a TPM, by swtpm
#	-P PORT		its console, by default ttyS0; nobody sees tty0
#	-C		it is to crash: whatever the console has between the crash and
#			the next kernel is no failure
#	-o		it is not started again once it has reached process 1, see below
#	-I		its clock counts instructions, one a nanosecond, and it has
#			one CPU
#	-K		it looks for data races; those without any function of ours
#			are the kernel's own, and do not count
#	-l		show what the guest prints for people
#	-i		as -l, and let the user type
#
# The last line on stdout, except after -l and -i, is the outcome; the exit
# status is:
#
#	0  pass
#	1  fail: the guest says so, or its console has what it must not have
#	3  lost: no verdict came, or the VM did not come to its end
#
# A VM that is lost before its first kernel reaches process 1 is started once more, with
# a message: emulation now and then hangs during boot, when no code of ours has run yet.
# So is a VM in which a CPU, at any time, ran into a breakpoint that is not in memory
# (stale-int3.awk), if all checks had passed until then.  With -r, no VM is started
# again, as FILE has changed; with -o, for tests that change something else on the host,
# only one that was lost before process 1.
#
# The logs are in build/qemu/NAME/, the outcome in the file outcome there.
# KHO_ACCEL=kvm uses KVM, KHO_VM_PATIENCE=N waits N times as long.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

arguments=("$@")
test='' stage=1 append='' payload='' memory=1536M limit=120 features='' live='' input='' vars=''
ram='' cpus=2 icount='' kcsan='' once='' monitor='' crash='' tpm='' firmware=bios where=ttyS0 extra=()
while getopts t:s:a:p:m:f:V:q:T:c:r:P:1CMSoIKli option; do
	case $option in
	t)	test=$OPTARG ;;
	s)	stage=$OPTARG ;;
	a)	append+=" $OPTARG" ;;
	p)	payload=$OPTARG ;;
	m)	memory=$OPTARG ;;
	f)	firmware=$OPTARG ;;
	V)	vars=$OPTARG ;;
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

# A CPU that is fast to emulate, and catches stray accesses to user memory.
cpu=(-accel tcg -cpu "Nehalem,+smep,+smap$features")
[ "${KHO_ACCEL:-tcg}" != kvm ] || cpu=(-accel kvm -cpu "host$features")
# Only emulation can count instructions.
[ -z "$icount" ] || cpu=(-accel "tcg,thread=single" -icount "shift=0,sleep=off"
	-cpu "Nehalem,+smep,+smap$features")

qemu=(qemu-system-x86_64 "${cpu[@]}" -smp "$cpus" -m "$memory"
	-nodefaults -no-user-config -display none -no-reboot
	-kernel "$kernel")
case $where in
ttyS0)	qemu+=(-serial "file:$console") ;;
ttyS2)	# The null port is ttyS0, so that the verdict's port stays ttyS1.
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
	cp "${vars:-${code/CODE/VARS}}" "$logs/vars.fd"
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
	# The path of a socket must be short.
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
	# No limit of time for the user.
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

# What no console may have.  Lines that match console-allowed are exceptions.
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
# Both are QEMU's fault.  OVMF writes to the port as well, so only our own lines count.
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
