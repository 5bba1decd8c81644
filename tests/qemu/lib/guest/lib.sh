# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Shared by the guest's test scripts.  A test is a file NAME.sh with functions
# stage_1, stage_2 and so on; all but the last end with jump, or with end_here.
# Outside of these it may set, for all stages or depending on $stage,
#
#	module=no		don't load kho.ko
#	module_params=...	its parameters
#	payload=no		don't unpack the payload disk
#	measure=yes		see how much memory is free before the module
#				is loaded, for memory_before
#	next=NAME		the next kernel, by its name on the payload disk
#
# Lines that begin with KHO- are for the host, all others for people.

module=yes
module_params=
payload=yes
measure=no
deep=no
checks=no
load_options=
next=successor
here=/lib/modules/$(uname -r)/kho

# ---- The verdict port ----

# Opens the port for each line, as closing it waits until the line is sent.
tell()
{
	echo "$*" >/dev/ttyS1
}

# Writes to the console, where the kernel's lines need a context.
log()
{
	echo "<6>kho-test: $*" >/dev/kmsg
}

verdict()
{
	[ ! -e /run/verdict ] || return 0
	echo "$*" >/run/verdict
	log "verdict: $*"
	tell "KHO-VERDICT $1 $stage $2"
}

note()
{
	tell "KHO-NOTE $*"
}

ok()
{
	log "ok $*"
	tell "KHO-OK stage $stage: $*"
}

# not_ok DESCRIPTION [FILE]: a check has failed; FILE has details
not_ok()
{
	echo "$1" >>/run/failed
	log "not ok $1"
	tell "KHO-NOT-OK stage $stage: $1"
	[ -z "${2-}" ] || diag "$2"
}

diag()
{
	sed 's/^/KHO-DIAG /' "$1" | head -n 60 >/dev/ttyS1
}

# Gives up at once.
fail()
{
	not_ok "$*"
	exit 1
}

# ---- Checks ----

# check DESCRIPTION COMMAND...: it has to succeed
check()
{
	local what="$1"

	shift
	if "$@" >/run/out 2>&1; then
		ok "$what"
	else
		not_ok "$what" /run/out
	fi
}

# Makes a user agent in group kho, and gives that group access to the device
people()
{
	mkdir -p /etc
	echo 'root:x:0:0:root:/:/bin/sh' >/etc/passwd
	echo 'agent:x:1000:1000:agent:/:/bin/sh' >>/etc/passwd
	printf 'root:x:0:\nkho:x:99:agent\nagent:x:1000:\n' >/etc/group
	chgrp kho /dev/kho
	chmod 0660 /dev/kho
	chmod 1777 /run
}

# user COMMAND: runs it as that user
user()
{
	su -s /bin/sh agent -c "$1"
}

# refuses DESCRIPTION REGEX COMMAND...: it has to fail, with such a message
refuses()
{
	local what="$1" regex="$2"

	shift 2
	if "$@" >/run/out 2>&1; then
		echo "it succeeded" >>/run/out
		not_ok "$what" /run/out
	elif ! grep -qE -- "$regex" /run/out; then
		echo "this does not match $regex" >>/run/out
		not_ok "$what" /run/out
	else
		ok "$what"
	fi
}

# is DESCRIPTION GOT WANTED
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		printf 'got    %s\nwanted %s\n' "$2" "$3" >/run/out
		not_ok "$1" /run/out
	fi
}

# tap COMMAND...: runs a program that speaks TAP and passes on what it says
tap()
{
	local status=0 count plan

	log "running $*"
	"$@" >/run/tap 2>&1 || status=$?
	sed -n 's/^not ok [0-9]* - //p' /run/tap >>/run/failed
	sed -e "s/^ok [0-9]* - /KHO-OK stage $stage: $1: /" \
	    -e "s/^not ok [0-9]* - /KHO-NOT-OK stage $stage: $1: /" \
	    -e '/^1\.\./d' -e '/^KHO-/!s/^/KHO-DIAG /' /run/tap >/dev/ttyS1
	count=$(grep -cE '^(not )?ok ' /run/tap)
	plan=$(sed -n 's/^1\.\.//p' /run/tap)
	is "$1: the plan is kept" "$plan" "$count"
	is "$1: exit status" "$status" 0
}

# status KEY: prints a value of KHO_QUERY
status()
{
	agent status | sed -n "s/^$1=//p"
}

# Prints how much is preserved and has arrived, for comparisons.
counters()
{
	agent status | grep -E '^(preserved_pages|raw_pages|arrived_pages|objects|object_pages|arrived_objects)='
}

# Drops all caches and prints the free memory in KiB.  Pages on per-CPU lists count,
# although the kernel does not count them as free.
free_memory()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.2
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print 4 * pages }' /proc/zoneinfo
}

# await_memory KIB: waits until so much is free, or for 20 tries, and prints what is
# free.  While the module sweeps its scratch area, some memory is not counted.
await_memory()
{
	local i=0 free

	free=$(free_memory)
	while [ "$free" -lt "$1" ] && [ "$i" -lt 20 ]; do
		i=$((i + 1))
		sleep 0.5
		free=$(free_memory)
	done
	echo "$free"
}

# Waits until the module has freed what it can of an unpatched kernel's envelopes.
await_release()
{
	local i=0

	while [ "$(status release)" = running ]; do
		i=$((i + 1))
		[ "$i" -lt 600 ] || fail "the release does not come to its end"
		sleep 0.1
	done
}

# await COMMAND...: waits until it succeeds
await()
{
	local i=0

	until "$@" 2>/dev/null; do
		i=$((i + 1))
		[ "$i" -lt 100 ] || fail "for 20 s it is not true: $*"
		sleep 0.2
	done
}

# show COMMAND...: runs it and sends it with its output, as a user would see it
show()
{
	local status=0 word line='    #'

	for word; do
		case $word in
		*' '*)
			line="$line '$word'" ;;
		*)
			line="$line $word" ;;
		esac
	done
	tell "$line"
	"$@" >/run/shown 2>&1 || status=$?
	sed 's/^/    /' /run/shown >/dev/ttyS1
	if [ "$status" -ne 0 ]; then
		not_ok "$1 ${2-}: exit status $status" /run/shown
		exit 1
	fi
}

# title TEXT: what comes next
title()
{
	tell ''
	tell "--- $*"
}

load_kho()
{
	# Process 1 of a benchmark may have loaded it already.
	[ ! -e /sys/module/kho ] || return 0
	# shellcheck disable=SC2086  # these are words
	insmod "$here/kho.ko" $module_params
}

# driver NAME [PARAMETER]...: loads it, unless it is built in, after the modules that it
# needs.  These may fail to load, as some are for newer CPUs only.
driver()
{
	local dir name=$1 file

	dir=/lib/modules/$(uname -r)
	shift
	while read -r file; do
		if [ "$file" = "$name.ko" ]; then
			check "load $name" insmod "$dir/$file" "$@"
		else
			insmod "$dir/$file" 2>/dev/null || true
		fi
	done <"$dir/needs/$name"
}

# ---- What init calls ----

# Sets test, stage, arrival, kind, generation and words.
read_cmdline()
{
	local word

	test='' stage=1 arrival='' kind='' generation='' words=''
	# shellcheck disable=SC2013  # words are wanted
	for word in $(cat /proc/cmdline); do
		case $word in
		kho.test=*)
			test=${word#*=} ;;
		kho.stage=*)
			stage=${word#*=} ;;
		kho.arrival=*)
			arrival=${word#*=} ;;
		kho.kind=*)
			kind=${word#*=} ;;
		kho.generation=*)
			generation=${word#*=} ;;
		kho=*|kho_scratch=*|liveupdate=*|reserve_mem=*)
			# For this kernel only.
			;;
		initrd=*|BOOT_IMAGE=*)
			;;
		*)
			# The next kernel gets these as well.
			words="$words $word" ;;
		esac
	done
	if [ -z "$arrival" ]; then
		if [ "$stage" -eq 1 ]; then arrival=none; else arrival=taken; fi
	fi
	: "${generation:=$((stage - 1))}"
}

# option NAME: the value of kho.opt.NAME=VALUE on the command line
option()
{
	local word

	for word in $words; do
		case $word in
		"kho.opt.$1="*)
			echo "${word#*=}" ;;
		esac
	done
}

begin()
{
	local mod got

	tell "KHO-STAGE $stage $(uname -r)"
	log "test '$test', stage $stage"
	if [ -z "$test" ] || [ ! -e "/guest/$test.sh" ]; then
		verdict fail "there is no test '$test'"
		return 1
	fi
	# shellcheck disable=SC1090  # named on the command line
	. "/guest/$test.sh"

	if [ -e "$here/../load" ]; then
		while read -r mod; do
			insmod "/lib/modules/$(uname -r)/$mod"
		done <"$here/../load"
	fi
	if [ "$payload" = yes ] && [ -e /dev/vda ]; then
		mkdir -p /run/payload
		tar -xf /dev/vda -C /run/payload
	fi

	if [ "$module" = no ]; then
		[ "$stage" -eq 1 ] || was_sent || {
			verdict fail "there is no handover that nobody has asked for"
			return 1
		}
		return 0
	fi
	if [ "$measure" = yes ]; then
		# shellcheck disable=SC2034  # for the test
		memory_before=$(free_memory)
	fi
	load_kho || {
		verdict fail "the module does not load"
		return 1
	}
	got=$(status arrival)
	if [ "$got" != "$arrival" ]; then
		verdict fail "requested with the handover $arrival, but it is $got $(status arrival_error)"
		return 1
	fi
	[ "$got" = taken ] || return 0
	if [ "$(status generation)" != "$generation" ]; then
		verdict fail "requested as handover number $generation, but it is $(status generation)"
		return 1
	fi
	got=$(status arrival_kind)
	if [ "$got" != "$kind" ]; then
		verdict fail "requested as a handover of the kind ${kind:-unknown}, but it is $got"
		return 1
	fi
}

# Without the module: has the previous kernel sent something, as the command line says?
was_sent()
{
	[ "$arrival" = unasked ] &&
		grep -qx 0xa /sys/kernel/boot_params/setup_data/*/type
}

# The test ends with this stage, although there are others.
end_here()
{
	touch /run/ended
}

# finish STATUS: the stage has returned instead of jumping
finish()
{
	if [ -s /run/failed ]; then
		verdict fail "$(wc -l </run/failed) failed, first: $(head -n 1 /run/failed)"
	elif [ "$1" -ne 0 ]; then
		verdict fail "the script stopped with status $1"
	elif [ ! -e /run/ended ] &&
	     grep -q "^stage_$((stage + 1))()" "/guest/$test.sh"; then
		verdict fail "the script ended without a jump"
	elif ! leaks; then
		verdict fail "kmemleak has found something, see the console"
	else
		verdict pass "done"
	fi
}

# Before the verdict: fails if kmemleak has found a leak.
leaks()
{
	local file=/sys/kernel/debug/kmemleak

	[ -e "$file" ] || return 0
	# kmemleak only reports what is some seconds old, and only at the second scan.
	echo scan >"$file"
	sleep 6
	echo scan >"$file"
	if grep -q . "$file"; then
		cat "$file"
		return 1
	fi
}

interactive()
{
	cat /run/interactive >/dev/ttyS1
	# A session of its own, so that Ctrl-C is for what runs in it.
	setsid -c sh -c 'exec sh -l </dev/ttyS1 >/dev/ttyS1 2>&1' </dev/ttyS1
}

# ---- Jump ----

# next_kernel [NAME]: prints the path of one of the next kernel's files, by default its
# image
next_kernel()
{
	echo "/run/payload/$next/${1:-bzImage}"
}

initrd=/run/payload/successor/initrd

# next_cmdline [WORD...]: prints the command line of the next stage.  Later words win, so
# a WORD may be kho.generation=, kho.arrival= or kho.kind=.
next_cmdline()
{
	echo "${words# } kho.test=$test kho.stage=$((stage + 1))" \
		"kho.generation=$((generation + 1))" \
		"kho.kind=$(cat "$(next_kernel kind)")" \
		"$(cat "$(next_kernel append)")${*:+ $*}"
}

# load_next [WORD...]: loads the kernel of the next stage
#
# Unpacking an image takes as long here as booting it.  So unless a test sets deep=yes,
# khoctl goes by the kernel's configuration, as on a machine that has no program to
# unpack the image.  And kexec's checksum of it takes longer than all else that kexec
# does, so it is only made and compared for tests that set checks=yes.
load_next()
{
	local path=/few

	mkdir -p /few
	ln -sf /bin/kexec /few/
	[ "$deep" = no ] || path=$PATH
	# shellcheck disable=SC2046,SC2086 # they are words
	PATH=$path /bin/khoctl load $load_options \
		$([ "$checks" = yes ] || echo --no-checks) "$(next_kernel)" \
		--initrd "$initrd" \
		--append "$(next_cmdline "$@")"
}

# jump [WORD...]: into the next stage, with these added to its command line.
# A kho.generation= or kho.arrival= among them says what to expect there.
jump()
{
	[ ! -s /run/failed ] || exit 1
	load_next "$@" >/run/out 2>&1 || {
		not_ok "khoctl load" /run/out
		exit 1
	}
	do_jump
}

do_jump()
{
	[ ! -s /run/failed ] || exit 1
	log "jumping from stage $stage"
	tell "KHO-JUMP $stage"
	sync
	kexec -e
	fail "kexec -e has returned"
}
