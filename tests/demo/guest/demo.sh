# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# What tests/demo/demo.sh shows: files and scattered pages are preserved in the
# stock kernel, and found again in its successor.
#
#	kho.opt.pages=N		how many pages
#	kho.opt.corrupt=WHAT	change one byte of it before the jump: object or
#				page
#	kho.opt.keep=1		remove nothing, and start a shell for the user
#	kho.opt.append=WORD	for the successor's command line

measure=yes
data=/run/payload/data
manifest=agent.manifest

stage_1()
{
	local file flip= force=

	title "Stage 1: the stock Debian kernel, with kho.ko as DKMS built it"
	show uname -srv
	show khoctl check

	title "Real files go into preserved memory"
	for file in "$data"/*; do
		show khoctl put "${file##*/}" "$file"
	done

	title "An agent preserves $(option pages) single pages, scattered over its memory, and exits"
	[ "$(option corrupt)" != page ] || flip=flip
	# shellcheck disable=SC2086  # a word or none
	show agent scatter "$(option pages)" 0x6b686f "/run/$manifest" $flip
	show khoctl put "$manifest" "/run/$manifest"
	if [ "$(option corrupt)" = object ]; then
		title "One byte is changed on purpose"
		file=$(largest)
		show agent flip-object "${file##*/}" $(($(stat -c %s "$file") / 2))
	fi

	title "What the next kernel is to find"
	show khoctl ls
	show khoctl status

	title "The successor, $(cat "$(next_kernel kind)"), is loaded with the stock kexec-tools"
	# What is appended is to do harm, and is refused otherwise.
	[ -z "$(option append)" ] || force=--force
	# shellcheck disable=SC2086  # a word or none
	show khoctl load "$(next_kernel)" --initrd "$initrd" $force \
		--append "$(next_cmdline "$(option append)")"

	title "Jump"
	tell "    # kexec -e"
	do_jump
}

# An unpatched kernel has kept whole envelopes: what is not preserved in them is freed.
envelopes()
{
	local before after pages

	title "What lies between the preserved pages goes back to the kernel"
	await_release
	is "the release has come to its end" "$(status release)" "done"
	pages=$(status release_done)
	is "all of it is released" "$pages" "$(status release_pages)"
	# The module has allocated its scratch area since.
	before=$((memory_before - $(status scratch_size) / 1024))
	after=$(await_memory $((before + $(most $((pages * 4))))))
	tell "    free memory: $memory_before KiB before the module came, $after KiB now"
	came_back $((after - before)) $((pages * 4))
	note "released $pages"
}

# most KIB: 95 % of it, as the kernel may have used some memory meanwhile
most()
{
	echo $(($1 * 95 / 100))
}

# came_back KIB EXPECTED
came_back()
{
	[ "$2" -gt 0 ] || fail "there was nothing to come back"
	[ "$1" -ge "$(most "$2")" ] ||
		fail "of $2 KiB only $1 KiB came back"
	ok "free memory is back: $1 of $2 KiB"
}

largest()
{
	find "$data" -type f -size +1024k
}

stage_2()
{
	local file before after bytes

	title "Stage 2: the successor"
	show uname -srv
	note "kind $(status arrival_kind)"
	show sh -c "dmesg | grep -E 'kho: |KHO: ' | grep -v kho-test:"
	[ "$(status arrival_kind)" != stock ] || envelopes
	show khoctl status
	show khoctl ls

	title "The files are read back"
	# Without the originals, the files can only come from preserved memory.
	rm -rf "$data"
	mkdir /run/back
	khoctl ls --json >/run/ls.json || fail "khoctl ls --json"
	sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' /run/ls.json >/run/names
	while read -r file; do
		[ "$file" != "$manifest" ] || continue
		show khoctl get "$file" "/run/back/$file"
	done </run/names
	(cd /run/back && sha256sum -- *) >/run/sums
	tell "    # sha256sum *"
	sed 's/^/    /' /run/sums >/dev/ttyS1
	while read -r sum file; do
		note "sha256 $sum $file"
	done </run/sums
	bytes=$(stat -c %s /run/back/* | awk '{ sum += $1 } END { print sum }')
	note "bytes $bytes"
	rm -rf /run/back

	title "The scattered pages are compared one by one, each byte"
	show khoctl get "$manifest" "/run/$manifest"
	show agent verify "/run/$manifest"
	note "pages $(($(wc -l <"/run/$manifest") - 1))"
	note "objects $(wc -l </run/names)"
	note "manifest $(wc -c <"/run/$manifest")"

	if [ "$(option keep)" = 1 ]; then
		cat >/run/interactive <<-E

			--- A shell in the successor: all is still preserved.  Look around:
			    khoctl status; khoctl ls -l; khoctl dump; khoctl get NAME FILE
			    Ctrl-A X, or exit, ends it.

		E
		return
	fi

	title "Everything is released"
	before=$(free_memory)
	while read -r file; do
		show khoctl rm "$file"
	done </run/names
	show agent release "/run/$manifest"
	after=$(await_memory $((before + $(most $((bytes / 1024))))))
	show khoctl status
	tell "    free memory: $before KiB before, $after KiB after"
	is "nothing is preserved any more" \
		"$(status objects) $(status object_pages) $(status arrived_pages)" \
		"0 0 0"
	came_back $((after - before)) $((bytes / 1024))
}
