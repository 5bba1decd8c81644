#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs DKMS as a user does, but in directories of its own: add, build, install and
# remove for Debian's 6.1 and 6.12, kernels that have to be left out, and a build for
# every supported series of Debian's.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(cd "$(dirname "$0")" && pwd)/../../scripts/lib.sh"

need_packages dkms kmod xz-utils
scripts=$KHO_TOP/scripts

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

# run ARG...: runs dkms, with its output in $log.  The sign_file is missing, so that
# dkms makes no signing key in /var/lib.
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

# says TEXT: the last dkms printed it.
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

# no_files DIR [NAME]: DIR has no files, or none that are called NAME.
no_files()
{
	local found

	found=$(find "$1" ! -type d ${2:+-name "$2"} 2>/dev/null)
	echo "$found"
	[ -z "$found" ]
}

# Lists what the host itself has of kho, which must not change.
host_state()
{
	# Some of these need not be there.
	{ find /var/lib/dkms /lib/modules /usr/src \( -name 'kho*' -o \
		-name 'mok.*' \) -printf '%p %T@ %s\n' 2>/dev/null || true; } | sort
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
	t "$release: without warnings" "$scripts/make-log.sh" "$file"
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

# fake NAME SED HEADERS: what dkms reads of a kernel tree, with .config edited by SED
fake()
{
	local config=$top/$1/include/config

	mkdir -p "$config"
	touch "$top/$1/Makefile"
	sed "$2" "$3/.config" >"$top/$1/.config"
	cp "$top/$1/.config" "$config/auto.conf"
}

# excluded WHY RELEASE TREE [ARG...]: dkms leaves this kernel out, and installing the
# kernel does not fail.
excluded()
{
	local why="$1 ($2)" release=$2 tree=$3

	shift 3
	t "excluded: $why: exit 77" exits 77 run build -m kho -v "$version" \
		-k "$release" --kernelsourcedir "$tree" "$@"
	t "excluded: $why: it says so" says "BUILD_EXCLUSIVE"
	t "excluded: $why: no failure at autoinstall" run autoinstall \
		-k "$release" --kernelsourcedir "$tree" "$@"
	t "excluded: $why: nothing is built" no_files "$trees" "kho.ko*"
}

# served WHAT RELEASE TREE MODULE: dkms does not leave this kernel out.  Building is
# another test: here MODULE stands in for what dkms would build.
served()
{
	t "served: $1 ($2)" run build -m kho -v "$version" -k "$2" \
		--kernelsourcedir "$3" --directive "MAKE=cp $4 kho.ko"
}

# later COMMAND...: runs it in the Debian in which modules for later kernels are built;
# $top is /build there
later()
{
	"$scripts/debian-chroot.sh" trixie run "$later_headers" "$top" \
		env sign_file=/nonexistent "$@"
}

# later_dkms ARG...
later_dkms()
{
	local status=0

	later dkms "$@" --dkmstree /build/later --sourcetree /build/usr/src \
		--installtree /build/modules >"$log" 2>&1 || status=$?
	cat "$log"
	return $status
}

# builds SERIES [cloud]: builds the module by the script that the other tests use, which
# picks the right dkms.
builds()
{
	local headers release ko=

	headers=$("$scripts/fetch-kernel.sh" --headers "$@")
	release=${headers##*/linux-headers-}
	ko=$("$scripts/build-module.sh" "$release" "$headers" 2>"$log") || true
	t "$release: build" test -f "$ko"
	[ -n "$ko" ] || sed 's/^/# /' "$log"
	t "$release: without warnings" "$scripts/make-log.sh" \
		"$KHO_BUILD/modules/$release/make.log"
	t "$release: it is what it should be" is_module "$ko" "$release"
}

old_headers=$("$scripts/fetch-kernel.sh" --headers 6.1)
new_headers=$("$scripts/fetch-kernel.sh" --headers 6.12)
later_headers=$("$scripts/fetch-kernel.sh" --headers 7.3)
old=${old_headers##*/linux-headers-}
new=${new_headers##*/linux-headers-}
need_module_tools "$old_headers"
need_module_tools "$new_headers"

before=$(host_state)
mkdir -p "$trees" "$modules" "$top/later"

# What a user installs is what DKMS gets: no file may be missing there.
t "make dkms-install" make -s -C "$KHO_TOP" dkms-install DESTDIR="$top"
t "add" run add -m kho -v "$version"
t "added" status_is "kho/$version: added"
t "dkms has no complaint about dkms.conf" exits 1 \
	grep -iE 'warning|error|deprecated' "$log"

# Kernels that must be left out come first, while nothing has been built.
fake handover '1iCONFIG_KEXEC_HANDOVER=y' "$old_headers"
fake nokexec '/^CONFIG_KEXEC_CORE=/d' "$old_headers"
fake plain '' "$old_headers"
excluded "a kernel without kexec" "$old" "$top/nokexec"
excluded "a kernel that is too old" 5.9.0-1-amd64 "$top/plain"
excluded "a kernel that is too old" 4.19.0-27-amd64 "$top/plain"
excluded "a kernel that is too old" 5.1.0-1-amd64 "$top/plain"
excluded "an architecture that is not there yet" "$old" "$top/plain" -a i686

# Debian 13's dkms does the same, if it is not the host's own.
if [ -n "$(chroot_for 7.3)" ]; then
	t "dkms of Debian 13: add" later_dkms add -m kho -v "$version"
	t "dkms of Debian 13 has no complaint about dkms.conf" exits 1 \
		grep -iE 'warning|error|deprecated' "$log"
	t "dkms of Debian 13: excluded: exit 77" exits 77 later_dkms build -m kho \
		-v "$version" -k 6.18.5+deb13-amd64 --kernelsourcedir /build/nokexec
	t "dkms of Debian 13: it says so" says "BUILD_EXCLUSIVE"
	t "dkms of Debian 13: no failure at autoinstall" later_dkms autoinstall \
		-k 6.18.5+deb13-amd64 --kernelsourcedir /build/nokexec
	t "dkms of Debian 13: nothing is built" no_files "$top/later" "kho.ko*"
fi

a_kernel "$old" "$old_headers"
a_kernel "$new" "$new_headers"

# Releases that resemble those that are left out.
built=$top/built.ko
found=$(find "$trees/kho/$version/$old" -name 'kho.ko*')
case $found in
*.xz)	xz -dc "$found" >"$built" ;;
*)	cp "$found" "$built" ;;
esac
served "a kernel without folios" 5.10.0-30-amd64 "$top/plain" "$built"
served "a kernel without folios" 5.15.0-1-amd64 "$top/plain" "$built"
served "a kernel before 6.1" 6.0.0-1-amd64 "$top/plain" "$built"
served "KHO off" 6.18.5+deb13-amd64 "$top/plain" "$built"
served "KHO off" 7.0.13+deb13-amd64 "$top/plain" "$built"
served "a kernel that speaks kho-v1" 7.0.13+deb13-amd64 "$top/handover" "$built"
served "a kernel with KHO of its own" 7.1.0 "$top/handover" "$built"
served "a kernel with KHO of its own" 7.10.2-custom "$top/handover" "$built"

t "remove one" run remove -m kho -v "$version" -k "$old"
t "its module is gone" no_files "$modules/$old"
t "the other one is still there" status_is "kho/$version, $new, x86_64: installed"
t "remove all" run remove -m kho -v "$version" --all
t "the modules are gone" no_files "$modules"
t "dkms forgot it" no_files "$trees"
t "status is empty" exits 1 grep -q kho <(run status)

# What happens when a new kernel is installed, and what an upgrade of the module starts
# from.  The module that was built above stands in for a new build.
t "add again" run add -m kho -v "$version"
t "autoinstall" run autoinstall -k "$old" --kernelsourcedir "$old_headers" \
	--no-depmod --directive "MAKE=cp $built kho.ko"
t "it did install it" is_module \
	"$(find "$modules/$old/updates/dkms" -name 'kho.ko*')" "$old"
t "remove" run remove -m kho -v "$version" --all
t "the modules are gone again" no_files "$modules"

# make dkms-install, after git pull: the version is the same, and the module is not.
anew()
{
	sed "s/kho-left/$1/" "$built" >"$top/anew.ko"
	KHO_MODULES=$modules sign_file=/nonexistent "$scripts/dkms-install.sh" "$version" \
		--dkmstree "$trees" --sourcetree "$top/usr/src" --installtree "$modules" \
		--no-depmod --directive "MAKE=cp $top/anew.ko kho.ko" >"$log" 2>&1 </dev/null
}

# installed TEXT RELEASE...: their modules contain this.
installed()
{
	local text=$1 release file

	shift
	cat "$log"
	for release in "$@"; do
		file=$(find "$modules/$release/updates/dkms" -name 'kho.ko*')
		case $file in
		*.xz)	xz -dc "$file" ;;
		*)	cat "$file" ;;
		esac | grep -cF -- "$text" || return
	done
}

t "no kernel has headers: it fails" exits 1 anew none
t "no kernel has headers: it says so" says "apt install linux-headers"
mkdir -p "$modules/$old" "$modules/$new" "$modules/5.9.0-1-amd64" "$modules/no-headers"
ln -s "$old_headers" "$modules/$old/build"
ln -s "$new_headers" "$modules/$new/build"
ln -s "$top/plain" "$modules/5.9.0-1-amd64/build"
t "each kernel that has headers gets it" anew kho-1111
t "it did" installed kho-1111 "$old" "$new"
t "with the same version, it is replaced" anew kho-2222
t "it is another one" installed kho-2222 "$old" "$new"
t "says for which" says "is installed for: $old $new"
rm "$modules/$old/build"
t "a kernel without headers keeps its own" anew kho-3333
t "it has" installed kho-2222 "$old"
t "the other one is replaced" installed kho-3333 "$new"
t "remove" run remove -m kho -v "$version" --all

# Every flavour that Debian ships.  Those of one series differ little, and each takes a
# minute or two, so by default there are one of each series, and the cloud kernels of the
# newest; KHO_EVERY=1, as in `make soak`, is all of them.
builds 5.10
for series in 7.2 7.3; do
	builds $series
done
builds 7.3 cloud
if [ "${KHO_EVERY:-}" = 1 ]; then
	for flavour in cloud rt; do
		builds 5.10 $flavour
		builds 6.1 $flavour
		builds 6.12 $flavour
	done
	builds 7.2 cloud
fi

t "the host has not changed" test "$(host_state)" = "$before"

echo "1..$nr"
[ $bad -eq 0 ]
