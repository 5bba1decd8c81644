#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Does each series' hooks.patch tell the stub of tables of ACPI that lie in RAM?  No
# firmware of QEMU's puts them there, so a VM does not notice if it does not.
use strict;
use warnings;
use Test::More;

for my $patch (glob('bootstub/linux-*/hooks.patch')) {
	open(my $in, '<', $patch) or die "$patch: $!\n";
	my ($file, $reserved, $told) = ('', 0, 0);

	while (<$in>) {
		$file = $1 if m{^\+\+\+ b/(\S+)};
		next unless $file eq 'drivers/acpi/tables.c';
		# The very range that acpi_reserve_initial_tables() has reserved.
		$told = 1 if $reserved && /^\+\t\tkho_release_not\(start, size\);$/;
		$reserved = /^ \t\tmemblock_reserve\(start, size\);$/;
	}
	ok($told, "$patch: what ACPI reserves is kept from being freed");
}
done_testing();
