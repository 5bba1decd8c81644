# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2034 # variables of lib.sh
#
# Two handovers between kinds of kernels that are rare: each has what all before it
# have preserved.

# Content of some size, which is another one for each name
content_of()
{
	seq 1 400000 | sed "s/\$/ $1/"
}

# put NAME
put()
{
	check "put $1" sh -c "seq 1 400000 | sed 's/\$/ $1/' | khoctl put $1 -"
}

# has NAME
has()
{
	is "$1 is as it was" "$(khoctl get "$1" - | md5sum)" "$(content_of "$1" | md5sum)"
}

# leave NAME: memory of a process, and pages by number
leave()
{
	put "$1"
	check "scatter pages" agent scatter 300 "$stage" "/run/manifest-$1"
	check "put where they are" khoctl put "manifest-$1" "/run/manifest-$1"
}

# left NAME: all of that is there, in this kernel or the next
left()
{
	has "$1"
	check "get where its pages are" khoctl get "manifest-$1" /run/manifest
	[ "$stage" -eq "${1#stage-}" ] || check "they are there" agent verify /run/manifest
}

all_left()
{
	local i=1

	while [ "$i" -le "$stage" ]; do
		[ "$i" -eq 3 ] || left "stage-$i"
		i=$((i + 1))
	done
}

run()
{
	local i

	await_release
	i=1
	while [ "$i" -lt "$stage" ]; do
		left "stage-$i"
		i=$((i + 1))
	done
	[ "$stage" -eq 3 ] || leave "stage-$stage"
	all_left
	if [ "$stage" -eq 3 ]; then
		note end
		end_here
		return
	fi
	jump
}

eval "stage_$stage() { run; }"
