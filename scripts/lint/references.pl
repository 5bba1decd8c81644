#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# references.pl FILE...: checks that all files of this tree that FILEs name exist, so that
# no reader looks for a file that was moved.  Prints each fault as FILE:LINE: PATH, and
# then fails.
use strict;
use warnings;

my $bad = 0;
for my $file (@ARGV) {
	open(my $in, '<', $file) or die "$file: $!\n";
	while (<$in>) {
		# A path from the top, with a suffix; not a pattern or a URL, and not a
		# part of another path, such as /sys/module/kho.
		while (m{(?<![\w/.*\$\}-])((?:bootstub|docs|examples|include|module|scripts|tests|tools|udev)/[\w./-]*\.(?:[chtS]|sh|pl|pm|md|in|json|svg|8|3))(?![\w*\{])}g) {
			next if -e $1;
			print "$file:$.: $1\n";
			$bad = 1;
		}
		# The patterns of a section of MAINTAINERS.
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
