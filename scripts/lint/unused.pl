#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# unused.pl DIR: is each function of DIR, which is module/, that other files may call
# called by one, or exported?  A function that nobody calls compiles without a warning,
# and what it was to do is not done.  Says what is wrong as FILE: NAME: WHY, and fails
# then.
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
	# Names in the first column, with a body.
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
	# Some are called by macros and inline functions.
	next if grep { /\.h$/ && $text{$_} =~ /^(?:#\s*define|\t).*\b\Q$name\E\b/m } keys %text;
	print "$_: $name: no other file calls it\n" for @files;
	$bad = 1;
}
exit $bad;
