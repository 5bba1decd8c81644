# SPDX-License-Identifier: GPL-2.0
#
# stale-int3.awk CONSOLE: true if the first thing that went wrong is a breakpoint that
# was not there any more.
#
# A kernel patches its own code by a breakpoint that it takes away again.  QEMU, which
# translates code ahead, rarely runs one of those after that, when another CPU has
# patched the code.  Such a kernel dies at an instruction that is whole: an Oops shows
# the bytes in memory, <> around the one behind the breakpoint, and before it there is
# no cc.
/WARNING:|BUG:|KASAN:|Oops|int3: [0-9a-f]+ \[#|Call Trace:/ && !first {
	first = $0
	if (first !~ /(Oops: |\] )int3: [0-9a-f]+ \[#1\]/)
		exit
}
first && / Code: / {
	stale = / <[0-9a-f][0-9a-f]> / && !/ cc </
	exit
}
END { exit !stale }
