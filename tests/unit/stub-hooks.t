#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Does each series' hooks.patch tell the stub about ACPI tables in RAM?  QEMU's firmware
# does not put them there, so tests in VMs can't find this fault.
use strict;
use warnings;
use Test::More;

for my $patch (glob('bootstub/linux-*/hooks.patch')) {
	open(my $in, '<', $patch) or die "$patch: $!\n";
	my ($file, $reserved, $told) = ('', 0, 0);

	while (<$in>) {
		$file = $1 if m{^\+\+\+ b/(\S+)};
		next unless $file eq 'drivers/acpi/tables.c';
		# It must be the range that acpi_reserve_initial_tables() has reserved.
		$told = 1 if $reserved && /^\+\t\tkho_release_not\(start, size\);$/;
		$reserved = /^ \t\tmemblock_reserve\(start, size\);$/;
	}
	ok($told, "$patch: what ACPI reserves is kept from being freed");
}
done_testing();
