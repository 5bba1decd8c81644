# SPDX-License-Identifier: GPL-2.0
#
# stale-int3.awk CONSOLE: true if the first thing that went wrong is a breakpoint that
# was not there any more.
#
# To patch its own code, a kernel sets a breakpoint and removes it again.  QEMU, which
# translates code ahead, on rare occasions runs the breakpoint after that, when another
# CPU has patched the code.  The kernel then dies at an intact instruction: the Oops
# shows the bytes in memory, with <> around the byte behind the breakpoint, and the byte
# before that is not cc.
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
