# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# paths: finds paths of one machine, and the names of mirrors that it gets packages from.

check_paths()
{
	local list hosts host bad=0

	mapfile -t list < <(files '' '^((tools/libkho/)?COPYING|LICENSES/.*)$')
	absent -nE '(^|[^[:alnum:]_.$}])/(wo''rk|ro''ot|ho''me)/' "${list[@]}" ||
		bad=1

	hosts=$(grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list \
		/etc/apt/sources.list.d /etc/apt/apt.conf.d 2>/dev/null |
		sed 's|.*://||; s|.*@||; s|:[0-9]*$||' | sort -u |
		grep -vE '(^|\.)debian\.org$|^(localhost|127\.0\.0\.1)$' || true)
	for host in $hosts; do
		absent -nF -- "$host" "${list[@]}" || bad=1
	done
	return "$bad"
}
