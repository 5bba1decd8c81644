# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # tmp is of lint.sh
#
# style-*: runs the kernel's checkpatch.  Types of warnings that do not apply here are
# ignored, for each kind of source.

# Prints where checkpatch.pl is.  Only the package of the source has it: extracted once.
checkpatch_dir()
{
	local version dir

	version=$(dpkg-query -W -f='${Version}' linux-source-6.1)
	dir=$KHO_CACHE/lint-$version
	if [ ! -e "$dir/checkpatch.pl" ]; then
		say "extracting checkpatch from linux-source-6.1"
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

# checkpatch FILES IGNORED...: checks a list of files; IGNORED are types of warnings
checkpatch()
{
	local list=$1 dir ignore file clean bad=0

	shift
	dir=$(checkpatch_dir)
	# Messages are not wrapped, so that grep finds them.
	ignore=LONG_LINE_STRING
	for file; do
		ignore+=,$file
	done
	[ -n "$list" ] || return 0
	# checkpatch leaves a file in its working directory: use one with links.
	if [ ! -e "$tmp/links" ]; then
		mkdir "$tmp/links"
		ln -s "$KHO_TOP"/* "$tmp/links/"
	fi
	# A file that has passed is checked again only if it or this script changes.
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

	# The only place where version tests are allowed.  Checkpatch takes a
	# comparison of two versions for one of two constants.
	checkpatch "$(files '^module/compat/.*\.[ch]$')" LINUX_VERSION_CODE \
		CONSTANT_COMPARISON || bad=1
	# Test modules: a macro that returns keeps each check in one line.
	checkpatch "$(files '^tests/(kmod|bench/kmod)/.*\.[ch]$')" MACRO_WITH_FLOW_CONTROL ||
		bad=1
	checkpatch "$(files '^(module|include/linux)/.*\.[chS]$' \
		'^module/compat/')" || bad=1
	return "$bad"
}

check_style_bootstub()
{
	local bad=0

	# COMPLEX_MACRO: KHO_FN is a storage class, which can't have parentheses.
	checkpatch "$(files '^bootstub/.*\.[chS]$' '^bootstub/compat')" COMPLEX_MACRO ||
		bad=1
	# As in module/compat/.
	checkpatch "$(files '^bootstub/compat\.h$')" LINUX_VERSION_CODE \
		CONSTANT_COMPARISON || bad=1
	return "$bad"
}

check_style_wire()
{
	# These headers depend on nothing, so they can't use __packed and
	# static_assert() (CAMELCASE).  Array sizes must be constant expressions, so
	# macros are needed (MACRO_ARG_REUSE).  KHO_FN is a storage class
	# (COMPLEX_MACRO).  An ioctl's number is right below its struct
	# (LINE_SPACING).
	checkpatch "$(files '^include/(kho|uapi)/')" CAMELCASE COMPLEX_MACRO \
		LINE_SPACING MACRO_ARG_REUSE PREFER_DEFINED_ATTRIBUTE_MACRO
}

# The patches to mainline, as one would send them.  New files need no entry in
# MAINTAINERS: its line for kernel/liveupdate/ has them.
check_style_mainline()
{
	local dir patch bad=0

	dir=$(checkpatch_dir)
	# By stdin: it takes a file that git tracks for a source.
	for patch in mainline/*/000[1-9]-*.patch; do
		perl "$dir/checkpatch.pl" --strict --no-tree --no-summary --terse \
			--show-types --ignore FILE_PATH_CHANGES - <"$patch" || {
			echo "$patch"
			bad=1
		}
	done
	return "$bad"
}

check_style_user()
{
	# Userspace has the C library's types and none of the kernel's macros
	# (ARRAY_SIZE, BIT, __printf).  _Noreturn and libFuzzer's names are given
	# (CAMELCASE).  Macros of tests stand for whole statements (COMPLEX_MACRO,
	# MACRO_ARG_*).  READ_ONCE() needs volatile (VOLATILE).
	checkpatch "$(files '^(tools|tests)/.*\.[chS]$' '^tests/(kmod|bench/kmod)/')" \
		ARRAY_SIZE BIT_MACRO CAMELCASE COMPLEX_MACRO MACRO_ARG_REUSE \
		MACRO_ARG_PRECEDENCE PREFER_DEFINED_ATTRIBUTE_MACRO \
		PREFER_KERNEL_TYPES VOLATILE
}
