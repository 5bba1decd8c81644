#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kho-seal with directories that look like sysfs, and with the shells and tools
# that an initramfs may have; and "make install" of it.  tests/qemu/seal/70-seal.t
# uses the real sysfs.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

need_packages busybox-static dash klibc-utils make man-db shellcheck systemd

seal=$KHO_TOP/seal
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT

# ---- Shells: each with only the tools that come with it ----

# use SHELL: chooses a shell.  All of them read files by themselves.
shell=()
use()
{
	variant=$1
	mkdir -p "$top/bin-$variant"
	path=$top/bin-$variant
	case $variant in
	dash)
		shell=(/bin/dash)
		ln -s /bin/chmod /bin/ls "$path/" ;;
	busybox)
		shell=(/bin/busybox sh)
		ln -s /bin/busybox "$path/chmod"
		ln -s /bin/busybox "$path/ls" ;;
	klibc)
		shell=(/usr/lib/klibc/bin/sh)
		ln -s /bin/chmod "$path/chmod"
		ln -s /usr/lib/klibc/bin/ls "$path/ls" ;;
	esac
}

# seal ARGUMENT...: runs kho-seal; sets out and status
seal()
{
	status=0
	out=$(PATH=$path "${shell[@]}" "$seal/kho-seal" "$@" 2>&1) || status=$?
}

# seal_with FUNCTION ARGUMENT...: the same with another chmod, a function of the shell,
# as busybox prefers its own chmod to one in PATH
seal_with()
{
	status=0
	# shellcheck disable=SC2016 # it's for that shell
	out=$(PATH=$path "${shell[@]}" -c "$1"'; . "$0"' "$seal/kho-seal" \
		"${@:2}" 2>&1) || status=$?
}

# says DESCRIPTION STATUS REGEX: tests what the last seal returned and printed
says()
{
	tap_is "$variant: $1" "$status $out" "^$2 $3\$"
}

# ---- Trees ----

envelope=0x4b484f45

# tree NODE...: makes nodes; each is TYPE or TYPE:MODE, or one of the words below
tree()
{
	local i=0 node dir

	rm -rf "$top/sys"
	sys=$top/sys
	list=$sys/kernel/boot_params/setup_data
	mkdir -p "$list"
	for node; do
		dir=$list/$i
		mkdir "$dir"
		echo "the secret" >"$dir/data"
		chmod 444 "$dir/data"
		case $node in
		no-type)
			;;
		empty-type)
			: >"$dir/type" ;;
		bad-type)
			mkdir "$dir/type" ;;
		no-data)
			rm -f "$dir/data"
			echo "$envelope" >"$dir/type" ;;
		*:*)
			echo "${node%:*}" >"$dir/type"
			chmod "${node#*:}" "$dir/data" ;;
		*)
			echo "$node" >"$dir/type" ;;
		esac
		i=$((i + 1))
	done
}

# modes DESCRIPTION MODE...: tests the modes of all data files, in order of their names
modes()
{
	tap_is "$variant: $1" "$(stat -c %a "$list"/*/data | tr '\n' ' ')" \
		"^${*:2} \$"
}

shells=(dash busybox klibc)
for name in "${shells[@]}"; do
	use "$name"

	tree 0xa "$envelope" 0x9 "$envelope" "$envelope"
	seal --check "$sys"
	says "--check tells what is open" 1 \
		'kho-seal: 3 of 3 envelopes are open: every user can read .*'
	modes "and changes nothing" 444 444 444 444 444
	seal "$sys"
	says "it closes them" 0 \
		'kho-seal: 3 of 3 envelopes closed to all users but root'
	modes "but nothing else" 444 400 444 400 400
	seal "$sys"
	says "then there is nothing to do" 0 ''
	seal --check "$sys"
	says "and --check is content" 0 ''

	tree "$envelope:400" "$envelope"
	seal "$sys"
	says "one of two" 0 'kho-seal: 1 of 2 envelopes closed .*'
	modes "both are closed" 400 400
	tree "$envelope:440" "$envelope:404" "$envelope:422" "$envelope:000"
	seal "$sys"
	says "the group, others, and writing count" 0 \
		'kho-seal: 3 of 4 envelopes closed .*'
	modes "what is closed even more stays so" 400 400 400 0

	tree 0x4b484f450 0x4b484f4 0x4b484f53 0x80000000 4b484f45
	seal "$sys"
	says "types that are others" 0 ''
	modes "are left alone" 444 444 444 444 444
	tree no-type empty-type bad-type "$envelope"
	seal "$sys"
	says "types that can't be read" 0 'kho-seal: 4 of 4 envelopes closed .*'
	tree no-data 0xa
	seal "$sys"
	says "an envelope without data" 0 ''

	tree
	seal "$sys"
	says "an empty list" 0 ''
	rmdir "$list"
	seal --check "$sys"
	says "no list" 0 ''
	rmdir "$sys/kernel/boot_params" "$sys/kernel"
	seal "$sys"
	says "no sysfs" 1 "kho-seal: $sys is not a sysfs.*"
	seal --check "$sys/none"
	says "no directory" 1 "kho-seal: $sys/none is not a sysfs.*"

	nodes=()
	for ((i = 0; i < 64; i++)); do
		nodes+=("$envelope")
	done
	tree "${nodes[@]}"
	seal "$sys"
	says "as many as there can be" 0 'kho-seal: 64 of 64 envelopes closed .*'
	tap_is "$variant: none is left" \
		"$(find "$list" -name data -perm /077 | wc -l)" '^0$'
	tree "$envelope"
	mv "$sys" "$top/a * name"
	seal --check "$top/a * name"
	says "an odd name" 1 'kho-seal: 1 of 1 envelopes are open: .*'
	rm -rf "$top/a * name"

	tree 0xa "$envelope" "$envelope"
	seal_with 'chmod() { :; }' "$sys"
	says "a mode that does not hold" 1 \
		'kho-seal: 2 of 2 envelopes are open: .*'
	tree "$envelope" "$envelope" "$envelope"
	# shellcheck disable=SC2016 # it's for that shell
	seal_with 'chmod() {
		case $2 in
		*/1/data)
			echo "no way" >&2
			return 1 ;;
		esac
		command chmod "$@"
	}' "$sys"
	says "one that can't be closed" 1 \
		'kho-seal: no way.kho-seal: 2 of 3 envelopes closed .*.kho-seal: 1 of 3 envelopes are open: .*'
	modes "does not keep it from the others" 400 444 400
	tree "$envelope"
	seal_with 'chmod() { nothing-like-that; }' "$sys"
	says "no chmod at all" 1 \
		'kho-seal: .*nothing-like-that: not found.*1 of 1 envelopes are open: .*'

	for words in '--other' '-c' "$sys $sys" "--check $sys $sys"; do
		# shellcheck disable=SC2086 # words
		seal $words
		says "misused: $words" 2 'kho-seal: .*usage: .*'
	done
	seal ''
	says "misused: an empty name" 2 'kho-seal: SYSFS is empty.*'
	seal --help
	says "--help" 0 'usage: kho-seal .*'
done

# ---- As it is installed ----

result()
{
	local what=$1 status=0

	shift
	"$@" >"$top/out" 2>&1 || status=$?
	tap_result "$status" "$what"
	[ "$status" -eq 0 ] || sed 's/^/# /' "$top/out"
}

mapfile -t scripts < <(grep -rlE '^#!/bin/(ba)?sh' "$seal")
tap_is "there are five scripts" "${#scripts[@]}" '^5$'
result "shellcheck finds nothing" shellcheck "${scripts[@]}"

dest=$top/dest
result "make install" make -s -C "$seal" install PREFIX=/usr DESTDIR="$dest"
result "all paths are filled in" bash -c "! grep -r @SBINDIR@ '$dest'"
tap_is "no file is missing" \
	"$(cd "$dest" && find . -type f | LC_ALL=C sort | tr '\n' ' ')" \
	'^\./usr/lib/dracut/modules\.d/05kho-seal/kho-seal\.sh \./usr/lib/dracut/modules\.d/05kho-seal/module-setup\.sh \./usr/lib/systemd/system/kho-seal\.service \./usr/lib/systemd/system/kho-seal\.service\.d/10-kho-seal\.conf \./usr/lib/systemd/system/service\.d/10-kho-seal\.conf \./usr/sbin/kho-seal \./usr/share/initramfs-tools/hooks/kho-seal \./usr/share/initramfs-tools/scripts/init-top/kho-seal \./usr/share/man/man8/kho-seal\.8 $'

# Check the units as if they were installed, in a mount namespace.  Any output is
# a fault, such as a unit that waits for itself or a circle of units.
cat >"$top/verify" <<-'E'
	set -e
	mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
	systemd-analyze verify kho-seal.service sysinit.target \
		systemd-journald.service systemd-tmpfiles-setup-dev.service \
		systemd-sysusers.service systemd-networkd.service \
		multi-user.target
E
status=0
out=$(unshare -m sh "$top/verify" "$dest" 2>&1) || status=$?
tap_is "systemd-analyze verify" "$status $out" '^0 $'
# Does it report such a fault?
rm "$dest/usr/lib/systemd/system/kho-seal.service.d/10-kho-seal.conf"
out=$(unshare -m sh "$top/verify" "$dest" 2>&1) || true
tap_is "it sees a unit that waits for itself" "$out" \
	'kho-seal\.service: Dependency After=kho-seal\.service'

systemctl --root="$dest" -q enable kho-seal.service
tap_is "it can be enabled" \
	"$(readlink "$dest/etc/systemd/system/sysinit.target.wants/kho-seal.service")" \
	'^/(usr/)?lib/systemd/system/kho-seal\.service$'
result "make uninstall" make -s -C "$seal" uninstall PREFIX=/usr \
	DESTDIR="$dest"
tap_is "leaves nothing" "$(find "$dest" ! -type d | wc -l)" '^0$'

tap_done
