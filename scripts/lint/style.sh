# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# style-*: the kernel's checkpatch.  What is not a fault here is left out for each
# kind of source.

# checkpatch.pl comes with no package but the source's: taken out once.
checkpatch_dir()
{
	local version dir

	version=$(dpkg-query -W -f='${Version}' linux-source-6.1)
	dir=$KHO_CACHE/lint-$version
	if [ ! -e "$dir/checkpatch.pl" ]; then
		say "taking checkpatch out of linux-source-6.1"
		mkdir -p "$dir.$$"
		tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$dir.$$" \
			--strip-components=2 --occurrence=1 \
			linux-source-6.1/scripts/checkpatch.pl \
			linux-source-6.1/scripts/spelling.txt \
			linux-source-6.1/scripts/const_structs.checkpatch
		mkdir -p "$dir"
		mv "$dir.$$"/* "$dir/"
		rmdir "$dir.$$"
	fi
	echo "$dir"
}

# checkpatch FILES IGNORED...: FILES is a list, IGNORED are types
checkpatch()
{
	local list=$1 dir ignore file clean bad=0

	shift
	dir=$(checkpatch_dir)
	# What is said to people is not broken: it could not be found by grep.
	ignore=LONG_LINE_STRING
	for file; do
		ignore+=,$file
	done
	[ -n "$list" ] || return 0
	# It leaves a file where it is called: somewhere else, by links.
	if [ ! -e "$tmp/links" ]; then
		mkdir "$tmp/links"
		ln -s "$KHO_TOP"/* "$tmp/links/"
	fi
	# What was found to be in order is so until it changes, or what judges it.
	mkdir -p "$dir/clean"
	while read -r file; do
		clean=$dir/clean/$({ echo "$ignore $file"; cat "$file" \
			"$KHO_TOP/scripts/lint/style.sh"; } | sha256sum | cut -c 1-32)
		[ ! -e "$clean" ] || continue
		if (cd "$tmp/links" &&
			perl "$dir/checkpatch.pl" --strict --no-tree --root=. \
				--no-summary --terse --show-types \
				--max-line-length=100 --ignore "$ignore" \
				-f "$file"); then
			: >"$clean"
		else
			bad=1
		fi
	done <<<"$list"
	find "$dir/clean" -type f -mtime +60 -delete
	return "$bad"
}

check_style_module()
{
	local bad=0

	# The one place where version tests are allowed; and what checkpatch
	# takes for two constants is a version and a version.
	checkpatch "$(files '^module/compat/.*\.[ch]$')" LINUX_VERSION_CODE \
		CONSTANT_COMPARISON || bad=1
	# Test modules: a macro that leaves the function keeps a check a line.
	checkpatch "$(files '^tests/(kmod|bench/kmod)/.*\.[ch]$')" MACRO_WITH_FLOW_CONTROL ||
		bad=1
	checkpatch "$(files '^(module|include/linux)/.*\.[chS]$' \
		'^module/compat/')" || bad=1
	return "$bad"
}

check_style_bootstub()
{
	# COMPLEX_MACRO: KHO_FN is a storage class, for which no parentheses
	# exist.
	checkpatch "$(files '^bootstub/.*\.[chS]$')" COMPLEX_MACRO
}

check_style_wire()
{
	# These depend on nothing, so there is no __packed and no
	# static_assert() (CAMELCASE); sizes of arrays have to be constant
	# expressions, so there are macros (MACRO_ARG_REUSE); KHO_FN is a
	# storage class (COMPLEX_MACRO); an ioctl's number stands right below
	# its struct (LINE_SPACING).
	checkpatch "$(files '^include/(kho|uapi)/')" CAMELCASE COMPLEX_MACRO \
		LINE_SPACING MACRO_ARG_REUSE PREFER_DEFINED_ATTRIBUTE_MACRO
}

check_style_user()
{
	# Userspace has the C library's types and none of the kernel's macros
	# (ARRAY_SIZE, BIT, __printf); _Noreturn and libFuzzer's names are as
	# they are (CAMELCASE).  Macros of tests stand for whole statements
	# (COMPLEX_MACRO, MACRO_ARG_*), and READ_ONCE() has to be made of
	# something (VOLATILE).
	checkpatch "$(files '^(tools|tests)/.*\.[chS]$' '^tests/(kmod|bench/kmod)/')" \
		ARRAY_SIZE BIT_MACRO CAMELCASE COMPLEX_MACRO MACRO_ARG_REUSE \
		MACRO_ARG_PRECEDENCE PREFER_DEFINED_ATTRIBUTE_MACRO \
		PREFER_KERNEL_TYPES VOLATILE
}
