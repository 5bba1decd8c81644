#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the units of systemd run, with directories that look like a machine's and programs
# that pretend: kho-entry finds the default boot entry, kho-unit decides, kho-generator
# writes units.  tests/qemu/systemd/70-systemd.t has the real ones.
# shellcheck disable=SC2016 # variables of the programs that are written here
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../qemu/lib/lib.sh"

need_packages dash make systemd

units=$KHO_TOP/systemd
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
root=$top/root
export KHO_SYSROOT=$root

# machine: a new one, with two kernels
machine()
{
	rm -rf "$root"
	mkdir -p "$root"/{proc,dev,boot,bin,run/systemd/system,etc/kho,sys/kernel/boot_params}
	echo 'BOOT_IMAGE=/boot/vmlinuz-6.1 root=/dev/sda1 ro quiet foo="a single b" single systemd.unit=rescue.target' \
		>"$root/proc/cmdline"
	for release in 6.1.0-9 6.1.0-10; do
		echo "$release" >"$root/boot/vmlinuz-$release"
		echo "$release" >"$root/boot/initrd.img-$release"
	done
}

# conf LINE...
conf()
{
	printf '%s\n' "$@" >"$root/etc/kho/kho.conf"
}

# entry: prints the entry on one line
entry()
{
	dash "$units/kho-entry" 2>&1 | tr '\n' '|'
}

# ---- kho-entry ----

machine
tap_is "the newest kernel, with the running command line but for one-time words" "$(entry)" \
	'^source=the newest kernel in /boot\|kernel=/boot/vmlinuz-6.1.0-10\|initrd=/boot/initrd.img-6.1.0-10\|cmdline=root=/dev/sda1 ro quiet foo="a single b"\|$'
ln -s boot/vmlinuz-6.1.0-9 "$root/vmlinuz"
tap_is "a link comes before it, with its initrd" "$(entry)" \
	'^source=/vmlinuz\|kernel=/vmlinuz\|initrd=/boot/initrd.img-6.1.0-9\|'
ln -s boot/initrd.img-6.1.0-9 "$root/initrd.img"
tap_is "or the link to it" "$(entry)" 'kernel=/vmlinuz\|initrd=/initrd.img\|'

mkdir -p "$root/boot/grub"
cat >"$root/boot/grub/grub.cfg" <<'G'
function load_video { true
}
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set boot_once=true
else
   set default="DEFAULT"
fi
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-1' {
	if [ x$grub_platform = xxen ]; then insmod xzio; fi
	linux	/boot/vmlinuz-6.1.0-10 root=UUID=1 ro quiet $vt_handoff
	initrd	/boot/initrd.img-6.1.0-10
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-1' {
	menuentry 'Debian, with Linux 6.1.0-10' --class gnu $menuentry_id_option 'gnulinux-6.1.0-10-1' {
		linux	/boot/vmlinuz-6.1.0-10 root=UUID=1 ro advanced
		initrd	/boot/initrd.img-6.1.0-10
	}
	menuentry 'Debian, with Linux 6.1.0-9' $menuentry_id_option 'gnulinux-6.1.0-9-1' {
		linux	($root)/vmlinuz-6.1.0-9 root=UUID=1 ro old
		initrd	/boot/initrd.img-6.1.0-10 /@rootfs/boot/initrd.img-6.1.0-9
	}
}
menuentry 'Memory test' {
	linux16	/boot/memtest
}
G
cp "$root/boot/grub/grub.cfg" "$top/grub.cfg"
default()
{
	sed "s|DEFAULT|$1|" "$top/grub.cfg" >"$root/boot/grub/grub.cfg"
}

simple='kernel=/boot/vmlinuz-6.1.0-10\|initrd=/boot/initrd.img-6.1.0-10\|cmdline=root=UUID=1 ro quiet\|$'
old='kernel=/boot/vmlinuz-6.1.0-9\|initrd=/boot/initrd.img-6.1.0-10\|initrd=/boot/initrd.img-6.1.0-9\|cmdline=root=UUID=1 ro old\|$'
default 0
tap_is "GRUB's first entry, without GRUB's variables" "$(entry)" \
	"^source=/boot/grub/grub.cfg, Debian GNU/Linux\|$simple"
for name in '1>1' 'gnulinux-advanced-1>gnulinux-6.1.0-9-1' 'Advanced options>Debian, with Linux 6.1.0-9'; do
	default "$name"
	tap_is "GRUB's entry $name" "$(entry)" "$old"
done
# shellcheck disable=SC2016  # GRUB's variable
default '${saved_entry}'
tap_is "GRUB's saved entry, if there is none" "$(entry)" "$simple"
printf '%s\n' '# GRUB Environment Block' 'saved_entry=1>gnulinux-6.1.0-9-1' \
	>"$root/boot/grub/grubenv"
tap_is "GRUB's saved entry" "$(entry)" "$old"
default 5
tap_is "an entry that GRUB does not have" "$(entry)" 'kho-entry: .*grub.cfg: it has no entry "5"'
default 2
tap_is "one whose kernel is missing" "$(entry)" 'kho-entry: .*: the kernel /boot/memtest does not exist'
# shellcheck disable=SC2016  # GRUB's variable
default '${what}'
tap_is "one that only GRUB can tell" "$(entry)" 'kho-entry: .*: its default is \$\{what\}'

mkdir -p "$root/boot/efi/loader/entries" "$root/boot/efi/m/6.1.0-9"
echo k >"$root/boot/efi/m/6.1.0-9/linux"
echo i >"$root/boot/efi/m/6.1.0-9/initrd"
printf '%s\n' 'version 6.1.0-9' 'options root=UUID=2 ro' 'options more' 'linux /m/6.1.0-9/linux' \
	'initrd /m/6.1.0-9/initrd' >"$root/boot/efi/loader/entries/m-6.1.0-9.conf"
printf '%s\n' 'version 6.1.0-10' 'linux /m/none' >"$root/boot/efi/loader/entries/m-6.1.0-10.conf"
tap_is "the newest entry of the Boot Loader Specification, whose kernel is missing" "$(entry)" \
	'kho-entry: .*m-6.1.0-10.conf: the kernel /m/none does not exist'
echo 'default m-6.1.0-9*' >"$root/boot/efi/loader/loader.conf"
tap_is "its default" "$(entry)" \
	'kernel=/boot/efi/m/6.1.0-9/linux\|initrd=/boot/efi/m/6.1.0-9/initrd\|cmdline=root=UUID=2 ro more\|$'
printf '%s\r\n' ' version 6.1.0-9' '  options  root=UUID=2 a\tb\cd ro' 'options more' \
	"$(printf '\tlinux /m/6.1.0-9/linux')" 'initrd /m/6.1.0-9/initrd' \
	>"$root/boot/efi/loader/entries/m-6.1.0-9.conf"
tap_is "blanks around its lines, and backslashes" "$(entry)" \
	'kernel=/boot/efi/m/6.1.0-9/linux\|initrd=/boot/efi/m/6.1.0-9/initrd\|cmdline=root=UUID=2 a\\tb\\cd ro more\|$'
sed -i 's/^options more/options $kernelopts/' "$root/boot/efi/loader/entries/m-6.1.0-9.conf"
tap_is "a command line that only GRUB can tell" "$(entry)" 'kho-entry: .*only GRUB can tell: .*\$kernelopts'
echo 'linux /' >"$root/boot/efi/loader/entries/m-6.1.0-9.conf"
tap_is "a directory is no kernel" "$(entry)" 'kho-entry: .*: the kernel / does not exist'
conf ENTRY=grub
default 0
sed -i -e 's/ro quiet/ro a\\tb\\cd quiet/' -e "s/'Debian GNU/'Debian \\\\c GNU/" "$root/boot/grub/grub.cfg"
tap_is "backslashes in GRUB's entry" "$(entry)" \
	'^source=/boot/grub/grub.cfg, Debian \\c GNU/Linux\|kernel=/boot/vmlinuz-6.1.0-10\|.*cmdline=root=UUID=1 ro a\\tb\\cd quiet\|$'
default 0
tap_is "kho.conf says where to look" "$(entry)" "$simple"
conf ENTRY=links 'APPEND="a b"'
tap_is "and adds words" "$(entry)" 'kernel=/vmlinuz\|.*b" a b\|$'
conf KERNEL=/boot/vmlinuz-6.1.0-9 'CMDLINE=root=/dev/x $(touch /nowhere)'
tap_is "or names the kernel; nothing is expanded" "$(entry)" \
	'^source=/etc/kho/kho.conf\|kernel=/boot/vmlinuz-6.1.0-9\|initrd=/boot/initrd.img-6.1.0-9\|cmdline=root=/dev/x \$\(touch /nowhere\)\|$'
conf INITRD=/boot/initrd.img-6.1.0-9
tap_is "INITRD alone" "$(entry)" 'INITRD= without KERNEL='
conf KERNEL=/nowhere
tap_is "a kernel that does not exist" "$(entry)" '^kho-entry: /etc/kho/kho.conf: the kernel /nowhere does not exist'

# ---- kho-unit ----

# program NAME: its script is on stdin
program()
{
	{
		echo '#!/bin/sh'
		echo "root=$root"
		cat
	} >"$root/bin/$1"
	chmod +x "$root/bin/$1"
}

# pretend FIELD=VALUE...: what khoctl status says
pretend()
{
	local field

	{
		echo '{'
		for field in generation=0 arrival=none release=none backend=module image=none \
			kexec_loaded=false objects=0 raw_pages=0 arrived_pages=0 preserved_pages=0 "$@"
		do
			case ${field#*=} in
			*[!0-9]*)	case $field in
					*=true|*=false)
						echo "  \"${field%%=*}\": ${field#*=}," ;;
					*)	echo "  \"${field%%=*}\": \"${field#*=}\"," ;;
					esac ;;
			*)		echo "  \"${field%%=*}\": ${field#*=}," ;;
			esac
		done | tac | awk -F: '!seen[$1]++' | tac
		echo '  "end": 0'
		echo '}'
	} >"$root/status"
}

with_units()
{
	machine
	: >"$root/dev/kho"
	: >"$root/dev/kmsg"
	program khoctl <<-'E'
		case $1 in
		status)
			cat $root/status; exit $(cat $root/health 2>/dev/null || echo 0) ;;
		settle)
			exit 2 ;;
		load)
			echo "$*" >>$root/loads
			[ ! -e $root/fail ] || { echo 'khoctl: 400 MiB are too little' >&2; exit 1; }
			sed -i -e 's/"image": "[a-z]*"/"image": "loaded"/' \
				-e 's/"kexec_loaded": false/"kexec_loaded": true/' $root/status ;;
		unload)
			echo unload >>$root/loads
			sed -i 's/"kexec_loaded": true/"kexec_loaded": false/' $root/status ;;
		esac
	E
	program wall <<<'cat >>$root/wall'
	program modprobe <<<'[ ! -e $root/no-module ] && touch $root/dev/kho'
	program udevadm <<<''
	program systemctl <<<'echo "$*" >>$root/systemctl'
	program systemd-notify <<<'echo "$*" >>$root/notify'
	program mountpoint <<<''
	program sleep <<<""
	pretend
}

# unit ARGUMENT...: sets out and status
unit()
{
	status=0
	rm -f "$root/loads" "$root/notify"
	out=$(NOTIFY_SOCKET=x dash "$units/kho-unit" "$@" 2>&1) || status=$?
}

loads()
{
	[ ! -e "$root/loads" ] || tr '\n' '|' <"$root/loads"
}

some='objects=3 preserved_pages=20'
newest='load --append .*foo="a single b" /boot/vmlinuz-6.1.0-10\|$'
newest=${newest/--append/--initrd /boot/initrd.img-6.1.0-10 --append}

with_units
for action in reboot kexec poweroff halt; do
	unit gate $action
	tap_is "nothing is preserved: $action" "$status $out" '^0 '
done
tap_is "only kexec has loaded anything" "$(loads)" '^$'
rm "$root/dev/kho"
program khoctl <<<'exit 127'
unit gate reboot
tap_is "the module is not loaded, and nothing was sent" "$status" '^0$'

with_units
# shellcheck disable=SC2086  # these are words
pretend $some
unit gate reboot
tap_is "reboot becomes a kexec" "$status $out" '^10 .*reboot by kexec'
tap_is "to the default boot entry" "$(loads)" "^$newest"
unit gate reboot
tap_is "again if khoctl can't tell whether another program has loaded one since" \
	"$status $(loads)" "^10 $newest"
sed -i 's/^{/{\n  "next_kernel": "ours",/' "$root/status"
unit gate reboot
tap_is "but once if it can" "$status $(loads)" '^10 $'
echo new >>"$root/boot/initrd.img-6.1.0-10"
unit gate kexec
tap_is "again when its initrd is another one" "$status $(loads)" "^0 $newest"
# An administrator's own load, which khoctl records
echo other >"$root/run/kho/loaded.json"
echo newer >>"$root/boot/initrd.img-6.1.0-10"
unit gate kexec
tap_is "what an administrator has loaded stays" "$status $(loads)" '^0 $'
# shellcheck disable=SC2086
pretend $some kexec_loaded=true
unit gate kexec
tap_is "what another program has loaded does not" "$status $(loads)" "^0 $newest"
echo 3 >"$root/health"
unit gate kexec
tap_is "khoctl says that it is not safe: loaded again, and refused" "$status $(loads)" '^11 load'
rm "$root/health"

# Another kernel module preserves pages by the in-kernel API.
with_units
pretend preserved_pages=20
sed -i 's/^  "end": 0/  "subtrees": [\n    {\n      "name": "client",\n      "carried": false\n    }\n  ],\n&/' "$root/status"
unit gate reboot
tap_is "another kernel module holds something: by kexec" "$status $(loads)" "^10 $newest"
touch "$root/fail"
sed -i 's/"loaded"/"none"/' "$root/status"
unit gate reboot
tap_is "or not at all" "$status $out" '^11 .*0 objects, 20 pages would be lost'
sed -i 's/"backend": "module"/"backend": "kernel"/' "$root/status"
unit gate reboot
tap_is "in-kernel KHO has subtrees of its own" "$status" '^0$'

# With a full /run, there is neither a record nor a mark.
with_units
mkdir -p "$root/run/kho/loaded-by-unit.new"
# shellcheck disable=SC2086
pretend $some
unit load
tap_is "the mark can't be written" "$status $out $(loads)" "^0 .*cannot write .*/loaded-by-unit: .*$newest"
# shellcheck disable=SC2086
pretend $some kexec_loaded=true image=loaded next_kernel=unverified
unit load
tap_is "nothing is recorded: it stays until the jump" "$status $(loads)" '^0 $'
unit gate kexec
tap_is "and is loaded again before" "$status $(loads)" "^0 $newest"
# shellcheck disable=SC2086
pretend $some kexec_loaded=true image=loaded next_kernel=unverified next_path=/boot/own
unit gate kexec
tap_is "an administrator's, which is recorded, is not" "$status $(loads)" '^0 $'

with_units
touch "$root/fail"
# shellcheck disable=SC2086
pretend $some
for action in reboot kexec; do
	unit gate $action
	tap_is "the load fails: $action is refused" "$status $out" \
		"^11 .*$action refused: 3 objects, 20 pages would be lost.*400 MiB are too little"
	tap_is "and says what else can be done" "$out" 'touch .*/run/kho/allow-loss.*--force'
	unit late $action
	tap_is "also when all is stopped" "$status $out" "^11 .*$action refused"
done
tap_is "everybody is told" "$(sort -u "$root/wall")" '3 objects, 20 pages would be lost'
tap_is "the console, too" "$(cat "$root/dev/kmsg")" '^<2>kho: .*allow-loss'
unit gate poweroff
tap_is "poweroff loses them, and says so" "$status $out" '^0 .*poweroff loses what is preserved: 3'
conf ON_POWEROFF=refuse
unit gate halt
tap_is "ON_POWEROFF=refuse" "$status $out" '^11 .*halt refused'
conf ON_REBOOT=lose
unit gate reboot
tap_is "ON_REBOOT=lose" "$status $out" '^0 .*reboot loses'
rm "$root/fail"
conf ON_REBOOT=refuse
unit gate reboot
tap_is "ON_REBOOT=refuse" "$status $out$(loads)" '^11 .*reboot refused: 3 objects, 20 pages would be lost'
unit gate kexec
tap_is "does not refuse kexec" "$status" '^0$'
touch "$root/run/kho/allow-loss"
unit gate reboot
tap_is "allow-loss" "$status $out" '^0 .*may be lost'
unit late reboot
tap_is "allow-loss, late" "$status" '^0$'
rm "$root/run/kho/allow-loss"
conf GUARD=no
unit gate reboot
tap_is "GUARD=no" "$status" '^0$'

conf ON_REBOOT=maybe GUARDS=no 'LOAD_SECONDS=08' nonsense PRELOAD=no
unit gate reboot
tap_is "kho.conf: wrong lines are named, and do not count" "$status $out" \
	"^10 .*:1: ON_REBOOT: 'maybe' is none of: kexec refuse lose.*:2: GUARDS: there is no such key.*:3: LOAD_SECONDS: '08'.*:4: 'nonsense' is no KEY=VALUE"
# shellcheck disable=SC2086
pretend $some
unit load
tap_is "PRELOAD=no" "$status $(loads)" '^0 $'
conf 'PRELOAD=yes no' 'ENTRY='
unit load
tap_is "two words, or none, are not one of them" "$out" \
	":1: PRELOAD: 'yes no' is none of: yes no.*:2: ENTRY: '' is none of"
rm "$root/run/kho/loaded-by-unit"
# shellcheck disable=SC2086
pretend $some
conf 'LOAD_OPTIONS=--no-checks --force'
unit load
tap_is "LOAD_OPTIONS, and PRELOAD is the default" "$status $(loads)" '^0 load --no-checks --force --initrd'
tap_is "it says so in its status" "$(cat "$root/notify")" '3 objects, 20 pages preserved; the next kernel is loaded'
pretend image=loaded kexec_loaded=true
unit load
tap_is "nothing is preserved any more: unloaded" "$status $(loads)" '^0 unload\|$'
pretend image=loaded kexec_loaded=true
unit load
tap_is "what somebody else loaded is not unloaded" "$status $(loads)" '^0 $'

# A kexec that hangs must not keep the gate, and so the shutdown, for ever.
with_units
conf LOAD_SECONDS=1
sed -i 's|^load)|load) trap "" TERM; exec /bin/sleep 40 ;;\n&|' "$root/bin/khoctl"
# shellcheck disable=SC2086
pretend $some
start=$SECONDS
unit gate kexec
tap_is "a load that hangs is ended" "$status $out $((SECONDS - start < 30))" '^11 .*it has not ended in 1 s.* 1$'

with_units
program khoctl <<<'echo cannot >&2; exit 1'
unit gate reboot
tap_is "khoctl fails: refused" "$status $out" '^11 .*does not tell what is preserved: cannot'
with_units
pretend arrival=refused release=kept
for action in reboot kexec; do
	unit gate $action
	tap_is "what was sent was refused, and is kept: $action" "$status $out" '^11 .*no next kernel gets it'
done
rm "$root/dev/kho"
mkdir -p "$root/sys/kernel/boot_params/setup_data/0"
echo 0x4b484f45 >"$root/sys/kernel/boot_params/setup_data/0/type"
touch "$root/no-module"
unit gate reboot
tap_is "something was sent, and there is no module" "$status $out" '^11 .*and none loads'
unit arrive
tap_is "kho.service says so, too" "$status $out" '^1 .*the previous kernel has handed over memory'
rm "$root/no-module"
# shellcheck disable=SC2086
pretend $some
unit gate reboot
tap_is "the module is loaded for it" "$status" '^10$'

# khoctl upgrade has unloaded the module, and the next one has not been loaded.
with_units
# shellcheck disable=SC2086
pretend $some
rm "$root/dev/kho"
touch "$root/no-module"
left=$(sed -n 's/^#define KHO_LEFT_NAME[[:space:]]*"\(.*\)"$/\1/p' "$KHO_TOP/include/kho/left.h")
printf '%s\n' '00000000-7fffffff : System RAM' "  01234000-01234fff : $left" >"$root/proc/iomem"
for action in reboot kexec; do
	unit gate $action
	tap_is "a module has left something, and none loads: $action" "$status $out" \
		"^11 .*$action refused: a kho.ko that was unloaded has left what it held, and none loads"
done
unit gate poweroff
tap_is "poweroff loses that, and says so" "$status $out" '^0 .*is lost: kho.ko does not load'
unit arrive
tap_is "kho.service says what was left" "$status $(cat "$root/notify")" \
	'^1 .*does not load here, and a kho.ko that was unloaded has left what it held'
rm "$root/no-module"
unit gate reboot
tap_is "the next one is loaded for it" "$status" '^10$'
rm "$root/dev/kho" "$root/proc/iomem"
mkdir -p "$root/sys/module/kho"
program khoctl <<<'echo "khoctl: /dev/kho: no such device" >&2; exit 1'
unit gate reboot
tap_is "the module is loaded, but has no device" "$status $out" '^11 .*reboot refused: .*: khoctl: /dev/kho'
rmdir "$root/sys/module/kho"
unit gate reboot
tap_is "no module, and nothing is left" "$status" '^0$'
with_units

# shellcheck disable=SC2086
pretend $some arrival=taken arrived_objects=3 previous_release=6.1.0-9 generation=4 arrival_error=
unit arrive
tap_is "kho.service: what arrived" "$status $(cat "$root/notify")" \
	'^0 .*3 objects and 0 other pages arrived from Linux 6.1.0-9, handover number 4$'
# shellcheck disable=SC2086
pretend $some arrival=taken arrived_objects=3 'arrival_error=object "a, b": its record is damaged'
unit arrive
tap_is "what was refused of it" "$status $(cat "$root/notify")" \
	'^1 .*3 objects.*; refused: object "a, b": its record is damaged'
pretend arrival=refused release=kept 'arrival_error=kho-v9'
unit arrive
tap_is "all was refused" "$status $(cat "$root/notify")" '^1 .*REFUSED: kho-v9'

# shellcheck disable=SC2086
pretend $some
unit late reboot
tap_is "preserved while services were stopped: goes by kexec" "$(loads)$(cat "$root/systemctl")" \
	'load .*--force kexec'

for words in '' 'gate' 'gate sleep' 'load reboot' 'nonsense' "gate reboot x"; do
	# shellcheck disable=SC2086
	unit $words
	tap_is "kho-unit '$words': usage" "$status $out" '^2 usage: kho-unit'
done

# ---- kho-metrics.service ----

with_units
command=$(sed -n "s/^ExecStart=.*-c '\(.*\)'$/\1/p" "$units/kho-metrics.service")
metrics()
{
	status=0
	(cd "$top" && PATH=$root/bin:$PATH dash -c "$command") || status=$?
}
program khoctl <<<'echo kho_up 1'
metrics
tap_is "metrics" "$status $(cat "$top/kho.prom")" '^0 kho_up 1$'
program khoctl <<<'echo kho; exit 127'
metrics
tap_is "old ones do not stay" "$status $(cd "$top" && echo kho.prom*)" '^1 kho.prom\*$'

# ---- kho-generator, and the installation ----

machine
make -s -C "$units" install PREFIX=/usr DESTDIR="$root"
program systemctl <<<'echo "systemctl $*"'
: >"$root/dev/kho"
unit changed
tap_is "kho.conf is valid, and a hook has another entry loaded" "$status $out" \
	'^0 systemctl --no-block start kho-load.service$'
tap_is "no path is left to be filled in" "$(grep -rl '@[A-Z]*@' "$root" | tr '\n' ' ')" '^$'
mkdir -p "$root/usr/lib/systemd/system" "$root/etc/systemd/system" "$top/early"
for action in reboot kexec poweroff halt; do
	printf '%s\n' '[Unit]' 'DefaultDependencies=no' "SuccessAction=${action/kexec/reboot}-force" \
		>"$root/usr/lib/systemd/system/systemd-$action.service"
done
ln -s /dev/null "$root/etc/systemd/system/systemd-halt.service"
dash "$root/usr/lib/systemd/system-generators/kho-generator" "$top" "$top/early" "$top"
tap_is "gates, but none for what is masked" "$(cd "$top/early" && echo *)" \
	'^kho-go-kexec.service kho-go-kexec.service.d .* systemd-kexec.service systemd-kexec.service.d .* systemd-reboot.service systemd-reboot.service.d$'
tap_is "the copy is the original" "$(cmp "$top/early/kho-go-reboot.service" \
	"$root/usr/lib/systemd/system/systemd-reboot.service" && echo same)" '^same$'
tap_is "systemd understands them" "$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
	"$top/early"/*.service "$root/usr/lib/systemd/system"/kho*.service \
	"$root/usr/lib/systemd/system"/kho*.timer 2>&1 |
	grep -vE 'is not executable|^Failed to (open|prepare)' | grep -E "$top" || true)" '^$'
mkdir "$top/early1"
SYSTEMD_VIRTUALIZATION=container:lxc dash "$root/usr/lib/systemd/system-generators/kho-generator" \
	"$top" "$top/early1" "$top"
tap_is "none in a container" "$(ls "$top/early1")" '^$'
echo lxc >"$root/run/systemd/container"
dash "$root/usr/lib/systemd/system-generators/kho-generator" "$top" "$top/early1" "$top"
tap_is "also with an older systemd" "$(ls "$top/early1")" '^$'
rm "$root/run/systemd/container"
# gate RESULT DEVICE: runs what the gate executes, with a kho-unit that ends like that, or
# that is gone
gate()
{
	local script

	program systemctl <<<'echo "systemctl $*"'
	rm -f "$root/bin/unit"
	[ "$1" = gone ] || program unit <<<"exit $1"
	script=$(sed -e ':a' -e '/\\$/{N;s/\\\n//;ta' -e '}' "$top/early/systemd-reboot.service" |
		sed -n "s/^ExecStart=.*-c '\(.*\)'\$/\1/p" |
		sed -e 's/\$\$/$/g' -e "s|/[^ ]*/kho-unit|$root/bin/unit|g" -e "s|/dev/kho|$2|")
	status=0
	out=$(PATH=$root/bin:$PATH sh -c "$script" 2>&1) || status=$?
}
while read -r result device wanted; do
	gate "$result" "$device"
	tap_is "the gate: $result, $device" "$status $out" "^$wanted\$"
done <<-'G'
	0	/dev/null	0 systemctl start .*kho-go-reboot.service
	10	/dev/null	0 systemctl start .*kho-go-kexec.service
	11	/nowhere	1 ?
	2	/dev/null	1 .*fails, and kho.ko is loaded
	2	/nowhere	0 systemctl start .*kho-go-reboot.service
	gone	/dev/null	1 .*fails, and kho.ko is loaded
	gone	/nowhere	0 .*systemctl start .*kho-go-reboot.service
G

# What an administrator may have written for another purpose, by systemctl edit
mkdir "$root/etc/systemd/system/systemd-reboot.service.d" "$top/early3"
printf '%s\n' '[Unit]' SuccessAction=reboot-force '[Service]' ExecStartPre= ExecStart= \
	'ExecStart=/bin/echo own' 'ExecStartPost=/bin/echo after' \
	>"$root/etc/systemd/system/systemd-reboot.service.d/override.conf"
dash "$root/usr/lib/systemd/system-generators/kho-generator" "$top" "$top/early3" "$top"
# dumped UNIT: what systemd makes of it
dumped()
{
	SYSTEMD_LOG_LEVEL=debug SYSTEMD_UNIT_PATH="$top/early3:$root/etc/systemd/system:$root/usr/lib/systemd/system:" \
		systemd-analyze verify --man=no "$1" 2>/dev/null |
		awk -v unit="$1" '/-> Unit / { mine = index($0, unit ":") }
			mine && /Success Action|Command Line/ { sub(/^[[:space:]]*/, ""); print }' |
		tr '\n' '|'
}
tap_is "an administrator's drop-in does not replace the gate" "$(dumped systemd-reboot.service)" \
	'^Command Line: /bin/sh -c .*kho-unit gate reboot[^|]*(\|\| [^|]*)*\|$'
tap_is "but applies afterwards" "$(dumped kho-go-reboot.service)" \
	'^Success Action: reboot-force\|Command Line: /bin/sh -c .*kho-unit late reboot.*\|Command Line: /bin/echo own\|.*/bin/echo after\|$'
printf '%s\n' GUARD=yes 'GUARD = "no"' >"$root/etc/kho/kho.conf"
mkdir "$top/early2"
dash "$root/usr/lib/systemd/system-generators/kho-generator" "$top" "$top/early2" "$top"
tap_is "GUARD=no: none" "$(ls "$top/early2")" '^$'
make -s -C "$units" install PREFIX=/usr DESTDIR="$root"
tap_is "the configuration is kept" "$(cat "$root/etc/kho/kho.conf")" 'GUARD'
make -s -C "$units" uninstall PREFIX=/usr DESTDIR="$root" >/dev/null
tap_is "uninstalled" "$(find "$root" -name '*kho*' ! -path "$root/etc/kho*" ! -path "$root/dev/*" -type f)" '^$'
tap_done
