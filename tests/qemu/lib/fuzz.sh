# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the scripts that start VMs with the fuzzer, after lib.sh.

# fuzz_kernel NAME: prints the directory of a kernel: stock-6.1, -6.12, -7.2, -7.3;
# stub-6.1, stub-6.12; debug, kcsan, rt; mainline
fuzz_kernel()
{
	case $1 in
	stock-*)	debian_kernel "${1#stock-}" ;;
	stub-*)		stub_kernel base "${1#stub-}" ;;
	debug | kcsan)	stub_kernel "$1" ;;
	rt)		stub_kernel rt 6.12 ;;
	mainline)	mainline_kernel base ;;
	*)		die "no kernel is called '$1'" ;;
	esac
}

# fuzz_vm NAME SEED CALLS JUMPS KERNEL[+KERNEL]... [WORD...]: runs a VM and prints
# its outcome.  The first kernel is booted, the others follow in turn, and then the
# first again.  Each kernel makes CALLS.  The WORDs are settings of the slate.
fuzz_vm()
{
	local name=$1 seed=$2 calls=$3 jumps=$4 kernels dirs=() names=() extra=()
	local i image disk slate append memory=1536M more=() limit

	IFS=+ read -ra kernels <<<"$5"
	shift 5
	for i in "${kernels[@]}"; do
		dirs+=("$(fuzz_kernel "$i")")
	done
	image=$(initramfs "${dirs[@]}")
	# The successor of the last one is the first.
	for i in "${!dirs[@]}"; do
		extra+=(-k "k$i=${dirs[i]}")
		names+=("k$(((i + 1) % ${#dirs[@]}))")
	done
	disk=$(payload "${extra[@]}" "$name" "${dirs[0]}" "$image")
	slate=$KHO_BUILD/qemu/$name/slate

	# Stub kernels lack xxHash, for checksums, and ZONE_DEVICE, for moving pages.
	case " ${kernels[*]} " in
	*" stub-"*)	set -- "$@" small=1 ;;
	esac
	"$KHO_BUILD/qemu/bin/kho-fuzz" init "$slate" "$seed" "$@"

	append="kho.opt.jumps=$jumps kho.opt.calls=$calls"
	append+=" kho.opt.kernels=$(IFS=,; echo "${names[*]}")"
	case " ${kernels[*]} " in
	*" kcsan "*)	append+=' kho.opt.kcsan=yes'
			more=(-K) ;;
	*)		append+=' panic_on_warn=1' ;;
	esac
	[ "${KHO_FUZZ_CPUS:-2}" = 2 ] || more+=(-1)
	limit=$((240 + (jumps + 1) * (120 + calls / 100)))
	vm_outcome -o -t fuzz -p "$disk" -m "$memory" -T "$limit" "${more[@]}" -a "$append" \
		-q "-object memory-backend-file,id=slate,size=128M,mem-path=$slate,share=on" \
		-q '-device ivshmem-plain,memdev=slate' "$name" "${dirs[0]}" "$image" || true
}

# fuzz_report NAME [all]: prints what is on its slate
fuzz_report()
{
	"$KHO_BUILD/qemu/bin/kho-fuzz" report "$KHO_BUILD/qemu/$1/slate" "${@:2}"
}
