#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# references.pl FILE...: is each file of this tree there that these files name?  What
# has moved is named by its old path otherwise, and sends a reader to nowhere.  Says
# what is wrong as FILE:LINE: PATH, and fails then.
use strict;
use warnings;

my $bad = 0;
for my $file (@ARGV) {
	open(my $in, '<', $file) or die "$file: $!\n";
	while (<$in>) {
		# By a path from the top, with an ending; not a pattern, not an address,
		# and not below another directory, such as /sys/module/kho.
		while (m{(?<![\w/.*\$\}-])((?:bootstub|docs|examples|include|module|scripts|tests|tools|udev)/[\w./-]*\.(?:[chtS]|sh|pl|pm|md|in|json|svg|8|3))(?![\w*\{])}g) {
			next if -e $1;
			print "$file:$.: $1\n";
			$bad = 1;
		}
		# What a section of MAINTAINERS has.
		next unless $file eq 'MAINTAINERS' && /^[FXW]:\s*(\S+)/;
		my $pattern = $1;
		my @there = grep { -e } glob($pattern);

		if (!@there) {
			print "$file:$.: $pattern\n";
			$bad = 1;
		}
	}
	close($in);
}
exit $bad;
