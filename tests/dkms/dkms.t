#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DKMS as a user has it, but in trees of its own: add, build, install, remove
# for Debian's 6.1 and 6.12, and kernels that have to be left out.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(cd "$(dirname "$0")" && pwd)/../../scripts/lib.sh"

need_packages dkms gcc make kmod xz-utils linux-headers-amd64 \
	linux-headers-6.12-amd64

version=$(sed -n 's/^#define KHO_VERSION "\(.*\)"$/\1/p' \
	"$KHO_TOP/module/version.h")
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
trees=$top/dkms
modules=$top/modules
log=$top/log
nr=0
bad=0

# t NAME COMMAND...: a test is a command, whose output is shown if it fails.
t()
{
	local name=$1 status=0

	shift
	nr=$((nr + 1))
	"$@" >"$top/out" 2>&1 || status=$?
	if [ $status -eq 0 ]; then
		echo "ok $nr - $name"
	else
		bad=$((bad + 1))
		echo "not ok $nr - $name"
		echo "# status $status: $*"
		sed 's/^/# /' "$top/out"
	fi
}

# run ARG...: dkms, its output in $log; without a sign_file it makes no signing
# key in /var/lib.
run()
{
	local status=0

	sign_file=/nonexistent dkms "$@" --dkmstree "$trees" \
		--sourcetree "$top/usr/src" --installtree "$modules" \
		>"$log" 2>&1 </dev/null || status=$?
	cat "$log"
	return $status
}

# exits STATUS COMMAND...
exits()
{
	local want=$1 status=0

	shift
	"$@" || status=$?
	echo "exit status $status, not $want"
	[ "$status" -eq "$want" ]
}

# says TEXT: the last dkms did.
says()
{
	cat "$log"
	grep -qF -- "$1" "$log"
}

status_is()
{
	run status -m kho -v "$version" || return
	echo "wanted: $1"
	[ "$(grep -cxF -- "$1" "$log")" -eq 1 ]
}

# no_files DIR [NAME]: nothing of ours is there.
no_files()
{
	local found

	found=$(find "$1" ! -type d ${2:+-name "$2"} 2>/dev/null)
	echo "$found"
	[ -z "$found" ]
}

# Whatever of ours the host has or has not: it must not change.
host_state()
{
	find /var/lib/dkms /lib/modules /usr/src \( -name 'kho*' -o \
		-name 'mok.*' \) -printf '%p %T@ %s\n' 2>/dev/null | sort
}

newest()
{
	find /usr/src -maxdepth 1 -name "linux-headers-$1*-amd64" \
		-printf '%f\n' | sed 's/^linux-headers-//' | sort -V | tail -n1
}

no_warnings()
{
	cat "$1"
	grep -q 'LD \[M\].*kho\.ko' "$1" &&
		! grep -v 'Skipping BTF generation' "$1" | grep -iE 'warning|error'
}

# The module is for that kernel, of our version and honest about its origin.
is_module()
{
	local file=$1 release=$2

	modinfo "$file" || return
	[ "$(modinfo -F version "$file")" = "$version" ] &&
		[ "$(modinfo -F license "$file")" = GPL ] &&
		[ -z "$(modinfo -F intree "$file")" ] &&
		[[ $(modinfo -F vermagic "$file") = "$release "* ]]
}

a_kernel()
{
	local release=$1 headers=$2 file

	mkdir -p "$modules/$release"
	t "$release: build" run build -m kho -v "$version" -k "$release" \
		--kernelsourcedir "$headers"
	file=$trees/kho/$version/$release/x86_64/log/make.log
	t "$release: without warnings" no_warnings "$file"
	t "$release: built" status_is "kho/$version, $release, x86_64: built"
	t "$release: install" run install -m kho -v "$version" -k "$release" \
		--kernelsourcedir "$headers" --no-depmod
	t "$release: installed" status_is "kho/$version, $release, x86_64: installed"
	file=$(find "$modules/$release/updates/dkms" -name 'kho.ko*')
	t "$release: the module is in updates/dkms" test -f "$file"
	t "$release: it is what it should be" is_module "$file" "$release"
	t "$release: nothing else is installed" test \
		"$(find "$modules/$release" ! -type d)" = "$file"
}

# fake NAME SED HEADERS: a kernel tree with another .config
fake()
{
	mkdir "$top/$1"
	ln -s "$3"/* "$top/$1/"
	sed "$2" "$3/.config" >"$top/$1/.config"
}

# excluded WHY RELEASE HEADERS [ARG...]
excluded()
{
	local why=$1 release=$2 headers=$3

	shift 3
	mkdir -p "$modules/$release"
	t "excluded: $why: exit 77" exits 77 run build -m kho -v "$version" \
		-k "$release" --kernelsourcedir "$headers" "$@"
	t "excluded: $why: it says so" says "BUILD_EXCLUSIVE"
	t "excluded: $why: nothing is built" no_files "$trees" "kho.ko*"
}

before=$(host_state)
mkdir -p "$trees" "$modules"

# What a user installs is what DKMS gets: no file may be missing there.
t "make dkms-install" make -s -C "$KHO_TOP" dkms-install DESTDIR="$top"
t "add" run add -m kho -v "$version"
t "added" status_is "kho/$version: added"
t "dkms has no complaint about dkms.conf" exits 1 \
	grep -iE 'warning|error|deprecated' "$log"

old=$(newest 6.1.)
new=$(newest 6.12.)
for release in "$old" "$new"; do
	t "headers are there" test -f "/usr/src/linux-headers-$release/.config"
done

# First those that must not be built, while nothing is.
fake handover '1iCONFIG_KEXEC_HANDOVER=y' "/usr/src/linux-headers-$old"
excluded "a kernel with its own KHO" "$old" "$top/handover"
fake nokexec '/^CONFIG_KEXEC_CORE=/d' "/usr/src/linux-headers-$old"
excluded "a kernel without kexec" "$old" "$top/nokexec"
excluded "Linux 6.0" 6.0.0-1-amd64 "/usr/src/linux-headers-$old"
excluded "Linux 5.10" 5.10.0-30-amd64 "/usr/src/linux-headers-$old"
excluded "an architecture that is not there yet" "$old" \
	"/usr/src/linux-headers-$old" -a i686

# What comes with a new kernel.  Its status says nothing: dkms 3.0.10 takes
# exit 77 for a failure there, later ones don't.
mkdir -p "$modules/$old"
run autoinstall -k "$old" --kernelsourcedir "$top/handover" >/dev/null || true
t "autoinstall leaves such a kernel out" says "BUILD_EXCLUSIVE"
t "autoinstall built nothing" no_files "$trees" "kho.ko*"

a_kernel "$old" "/usr/src/linux-headers-$old"
a_kernel "$new" "/usr/src/linux-headers-$new"

t "remove one" run remove -m kho -v "$version" -k "$old"
t "its module is gone" no_files "$modules/$old"
t "the other one is still there" status_is "kho/$version, $new, x86_64: installed"
t "remove all" run remove -m kho -v "$version" --all
t "the modules are gone" no_files "$modules"
t "dkms forgot it" no_files "$trees"
t "status is empty" exits 1 grep -q kho <(run status)

# The next version's upgrade starts from nothing as well.
t "the same again: install at once" run install -m kho -v "$version" \
	-k "$old" --kernelsourcedir "/usr/src/linux-headers-$old" --no-depmod
t "remove" run remove -m kho -v "$version" --all
t "the modules are gone again" no_files "$modules"

t "the host has not changed" test "$(host_state)" = "$before"

echo "1..$nr"
[ $bad -eq 0 ]
