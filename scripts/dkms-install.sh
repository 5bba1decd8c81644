#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms-install.sh VERSION [OPTION...]: has DKMS build the module from its source tree, and
# install it, for each kernel that has headers; dkms gets the OPTIONs as well.
#
# Modules that were built from an earlier state of the same version are replaced, which
# dkms by itself does not do.  The module that runs is left alone.  Fails if a kernel that
# is not left out has got no module; the others have theirs all the same.
set -u
version=$1
shift
# Tests have another one.
modules=${KHO_MODULES:-/lib/modules}
failed='' served=''

# khoctl upgrade goes back to the file of the module that runs, if it has to.
if [ "$modules" = /lib/modules ] && [ -e /sys/module/kho ] && command -v khoctl >/dev/null; then
	khoctl upgrade --save || true
fi

for build in "$modules"/*/build; do
	[ -e "$build/Makefile" ] || continue
	release=$(basename "${build%/build}")
	status=0
	of=(-m kho -v "$version" -k "$release" --kernelsourcedir "$build" "$@")
	dkms build --force "${of[@]}" || status=$?
	# 77: dkms.conf leaves this kernel out.
	if [ $status -eq 77 ]; then
		continue
	elif [ $status -eq 0 ] &&
	     dkms install --force "${of[@]}"; then
		served+=" $release"
	else
		failed+=" $release"
	fi
done

if [ -n "$failed" ]; then
	echo "kho $version could not be installed for:$failed" >&2
	exit 1
elif [ -z "$served" ]; then
	echo "no kernel here has headers: apt install linux-headers-amd64" >&2
	exit 1
fi
echo "kho $version is installed for:$served"
[ ! -e /sys/module/kho ] || [ "$modules" != /lib/modules ] ||
	echo "The module that runs is what it was: khoctl upgrade replaces it."
