#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl's tests once more, with a khoctl that is built with the address, leak and
# undefined-behaviour sanitizers.  If they find a fault, khoctl ends with an exit
# status that no test expects.
use strict;
use warnings;
use Test::More tests => 12;

my $dir = 'build/tools-sanitize';

# Without the job server of a make that runs this test, which is gone by now.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
is(system("make -s -C tools SANITIZE=1 O=../$dir >&2"), 0,
   'it builds with sanitizers') or BAIL_OUT('no program to test');
$ENV{KHOCTL} = "$dir/khoctl";
$ENV{ASAN_OPTIONS} = 'exitcode=86:detect_leaks=1';
$ENV{UBSAN_OPTIONS} = 'exitcode=86:print_stacktrace=1';
for my $test (qw(khoctl-cli khoctl-cmdline khoctl-device khoctl-initrd khoctl-json khoctl-load
		 khoctl-map khoctl-objects khoctl-settle khoctl-status khoctl-target)) {
	my $out = `$^X tests/unit/$test.t 2>&1`;

	is($?, 0, "$test.t") or diag($out);
}
