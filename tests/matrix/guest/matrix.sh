# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# One pair of kernels of tests/matrix/matrix.sh: the first preserves objects and
# scattered pages, the second has to find them.  It reports what it finds, and the host
# judges that.
#
#	kho.opt.pages=N		how many pages
#	kho.opt.by=kexec	load with kexec -s, not with khoctl
#	kho.opt.abi=N		the version that the first kernel's module speaks

deep=yes
checks=yes
data=/run/payload/data
manifest=agent.manifest
if [ "$stage" -eq 1 ] && [ -n "$(option abi)" ]; then
	module_params="abi=$(option abi)"
fi

# Reports where KASLR has put this kernel, in physical and in virtual memory.
place()
{
	note "place $stage $(sed -n 's/^ *\([0-9a-f]*\)-.* : Kernel code$/0x\1/p' \
		/proc/iomem)/0x$(sed -n '/ T _text$/{s///p;q}' /proc/kallsyms)"
}

stage_1()
{
	local file

	place
	note "backend $(status backend)"
	note "abi $(khoctl status --json | sed -n 's/.*"abi": *\([0-9]*\).*/\1/p' | head -n 1)"
	for file in "$data"/*; do
		check "put ${file##*/}" khoctl put "${file##*/}" "$file"
	done
	check "scatter pages" \
		agent scatter "$(option pages)" 0x6d61 "/run/$manifest"
	check "put the manifest" khoctl put "$manifest" "/run/$manifest"

	if [ "$(option by)" = kexec ]; then
		check "kexec -s -l" kexec -s -l "$(next_kernel)" \
			"--initrd=$initrd" "--command-line=$(next_cmdline)"
	elif ! load_next >/run/out 2>&1; then
		log "khoctl load: $(cat /run/out)"
		note "refused $(grep -m 1 "^khoctl load: " /run/out | cut -d " " -f 3-)"
		is "nothing is loaded" "$(cat /sys/kernel/kexec_loaded)" 0
		end_here
		return
	fi
	do_jump
}

stage_2()
{
	local file others

	place
	note "kind $(status arrival_kind)"
	await_release
	for file in "$data"/*; do
		file=${file##*/}
		khoctl get "$file" - >/run/back 2>/run/out ||
			not_ok "get $file" /run/out
		note "sha256 $file $(sha256sum </run/back | cut -c 1-64)"
	done
	rm -f /run/back
	check "get the manifest" khoctl get "$manifest" "/run/$manifest"
	check "compare the pages" agent verify "/run/$manifest"
	note "pages $(($(wc -l <"/run/$manifest") - 1))"

	# In-kernel KHO may have handed over pages of other clients, too.
	others=$(($(status arrived_pages) - $(option pages)))
	for file in "$data"/*; do
		check "remove ${file##*/}" khoctl rm "${file##*/}"
	done
	check "release the pages" agent release "/run/$manifest"
	check "remove the manifest" khoctl rm "$manifest"
	is "nothing of it is left" \
		"$(status objects) $(status object_pages) $(status arrived_pages)" \
		"0 0 $others"
}
