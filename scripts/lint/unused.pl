#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# unused.pl DIR: checks that each function in DIR, which is module/, that is not static is
# exported or called by another file.  The compiler does not warn about one that is
# neither, so nobody notices that a call is missing.  Prints each fault as
# FILE: NAME: WHY, and then fails.
use strict;
use warnings;

use File::Find;

my $dir = shift // die "usage: unused.pl DIR\n";
my (%text, %defined, %exported);

find({ no_chdir => 1, wanted => sub {
	return unless /\.[ch]$/;
	open(my $in, '<', $_) or die "$_: $!\n";
	local $/;
	my $text = <$in>;
	$text =~ s{/\*.*?\*/}{}gs;
	$text =~ s{"(?:\\.|[^"\\\n])*"}{""}g;
	$text{$_} = $text;
} }, $dir);

for my $file (sort keys %text) {
	$exported{$1} = 1 while $text{$file} =~ /\bEXPORT_SYMBOL_GPL\((\w+)\)/g;
	next unless $file =~ /\.c$/;
	# Definitions begin in the first column and have a body.
	while ($text{$file} =~ /^(?!static\b)[a-z][\w \t*]*?\b(\w+)\([^;{}]*\)\n\{/gm) {
		push @{$defined{$1}}, $file;
	}
}

my $bad = 0;
for my $name (sort keys %defined) {
	my @files = @{$defined{$name}};
	next if $exported{$name};
	next if grep { my $f = $_; $f =~ /\.c$/ && !grep({ $_ eq $f } @files) &&
		       $text{$f} =~ /\b\Q$name\E\b/ } keys %text;
	# Macros and inline functions may call it too.
	next if grep { /\.h$/ && $text{$_} =~ /^(?:#\s*define|\t).*\b\Q$name\E\b/m } keys %text;
	print "$_: $name: no other file calls it\n" for @files;
	$bad = 1;
}
exit $bad;
