# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# A handover whose FDT lies in a node of its tree: that page would be freed, and read
# as a node after that.  Mainline would accept it; a kernel with the boot stub refuses
# it, and on an unpatched kernel the module must do so.

stage_1()
{
	check "put an object" khoctl put object /bin/busybox
	check "load" load_next kho.arrival=refused
	check "forge" insmod "$here/kho_forge.ko" \
		"setup=$(agent where | sed -n 's/^setup=//p')"
	do_jump
}

stage_2()
{
	is "it is refused" "$(status arrival)" refused
	check "for what is wrong: $(status arrival_error)" \
		sh -c "khoctl status --json | grep -q 'node of the tree and something else'"
	# The reason contains addresses.
	people
	# It exits with 4, as something was refused.
	user 'khoctl status --json' >/run/told || true
	is "others are told that there is something, and no address" \
		"$(grep -c 'only CAP_SYS_ADMIN' /run/told) $(grep -c 0x /run/told)" "1 0"
	is "nothing of it is there" "$(status arrived_pages) $(status objects)" "0 0"
}
