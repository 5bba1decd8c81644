#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# kcsan-ours.pl CONSOLE: prints the log without those of KCSAN's reports that have no
# function of the module kho in them.  A report lies between two lines of "=".
use strict;
use warnings;

my @report;
my $inside = 0;

while (my $line = <>) {
	my $edge = $line =~ /={60,}/;

	if (!$inside) {
		if ($edge) {
			@report = ($line);
			$inside = 1;
		} else {
			print $line;
		}
		next;
	}
	push @report, $line;
	next unless $edge || @report > 120;
	my $text = join '', @report;
	print $text if $text !~ /BUG: KCSAN/ || $text =~ /\[kho\]/;
	$inside = 0;
}
print @report if $inside;
