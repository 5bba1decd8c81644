# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# How long nobody answers during a jump.  The stages jump in turns:
#
#	agent		hands over an object and single pages; the next kernel's first
#			process is the agent, which reads a byte of the object
#	plain		a plain kexec of the same kernel
#	placed		the same, but kexec puts the kernel where a handover would: into
#			what was scratch
#	unchecked	as agent, but without kexec's checksum
#
#	kho.opt.rounds=N	how often, of each
#	kho.opt.third=WHAT	placed, unchecked, or none of these if it is not given
#	kho.opt.pages=N		how many single pages

checks=yes

# hand_over KIND
hand_over()
{
	echo x >/run/first
	check "an object" khoctl put first /run/first
	check "single pages" agent scatter "$(option pages)" 0x6b686f \
		/run/manifest
	check "their list" khoctl put manifest /run/manifest
	load_next rdinit=/bin/bench "bench=$1" >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	bench jump "$1"
	fail "the jump failed"
}

# plain KIND [KEXEC-OPTION...]: jumps, with nothing preserved and the module unloaded
plain()
{
	local kind=$1

	shift
	kexec -c -l "$(next_kernel)" "$@" --initrd="$initrd" \
		--append="$(next_cmdline rdinit=/bin/bench "bench=$kind" \
		kho.arrival=none kho.generation=0)" || fail "kexec -l"
	bench jump "$kind"
	fail "the jump failed"
}

give_all_up()
{
	[ "$(status release)" = none ] || await_release
	check "their list" khoctl get manifest /run/manifest
	check "all of them are there" agent verify /run/manifest
	check "they are given up" agent release /run/manifest
	check "the objects too" khoctl rm first manifest
}

# The kinds that the third may be

placed()
{
	local first last

	first=$(status scratch_addr)
	last=$((first + $(status scratch_size) - 1))
	check "rmmod" rmmod kho
	plain placed "--mem-min=$first" "--mem-max=$last"
}

unchecked()
{
	checks=no
	hand_over unchecked
}

run()
{
	local third kinds=2

	third=$(option third)
	[ -z "$third" ] || kinds=3
	if [ "$stage" -gt $((kinds * $(option rounds))) ]; then
		end_here
		return
	fi
	case $(((stage - 1) % kinds)) in
	0)
		[ "$third" != unchecked ] || [ "$stage" -eq 1 ] || give_all_up
		hand_over agent
		;;
	1)
		give_all_up
		check "rmmod" rmmod kho
		plain plain
		;;
	2)
		"$third"
		;;
	esac
}

eval "stage_$stage() { run; }"
