#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# The map that khoctl draws of physical memory.
use strict;
use warnings;
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
my $mkdump = build("$dir/mkdump", 'tests/unit/khoctl-mkdump.c');
my %own = (KHO_FAKE_BACKEND => 'kernel');
my $out;

# ---- The map ----

spew("$dir/meta", scalar `$mkdump scattered 12`);
my $iomem = join("\n", '00000000-00000fff : Reserved',
		 '00001000-0009ffff : System RAM',
		 '00100000-7fffffff : System RAM',
		 '  02000000-02ffffff : Kernel code',
		 '  03000000-03ffffff : Kernel bss',
		 'c0000000-cfffffff : PCI Bus 0000:00',
		 '100000000-13fffffff : System RAM', '');
spew("$root/proc/iomem", $iomem);
my %map = (KHO_FAKE_META => "$dir/meta", KHO_FAKE_SETUP => '0x1000000',
	   KHO_FAKE_ENVELOPES => '1000000:200000,10000000:600000,20000000:200000,58000000:18000000',
	   KHO_FAKE_ARRIVED => '70000000:8000000,60000000:1000000',
	   KHO_FAKE_RELEASE => '2:100:100');
$out = dev_is('map', ['map'], 0,
	      qr/^physical memory: a line is 128 MiB, a character 2 MiB\n\n0x000000000  /,
	      undef, \%map);
my @lines = split(/\n/, $out);
is(scalar(grep { length > 80 } @lines), 0, 'map: 80 columns are enough');
my ($first) = grep { /^0x000000000? / } @lines;
like($first, qr/^0x0+  \.{8}\+\.{7}k{16}\.{32}$/, 'map: the first line');
like($out, qr/^0x0*10000000  \++=\.{60,}$/m, 'map: an envelope');
like($out, qr/^0x0*20000000  #\.{63}$/m, 'map: a block');
like($out, qr/^0x0*40000000  s{64}\n0x0*48000000  s{64}$/m, 'map: scratch');
like($out, qr/^0x0*60000000  [+=]{64}$/m, 'map: scattered pages');
like($out, qr/^0x0*70000000  -{64}$/m, 'map: what arrived');
like($out, qr/^0x0*78000000  \.{64}\n +\.\.\.\n0x0*100000000  \.{64}$/m,
     'map: a hole');
like($out, qr/^#  preserved +7\.1 MiB  in \d+ extents; /m, 'map: legend');
like($out, qr/^-  arrived envelopes +144 MiB  given back$/m,
     'map: legend, arrived');
like($out, qr/^envelopes   0x1000000   0x11fffff +2 MiB +\d+ KiB\n/m,
     'map: list of envelopes');
unlike($out, qr/[ \t]$/m, 'map: no spaces at the ends of lines');
for my $width (40, 60, 100, 200) {
	my @wide = split(/\n/, dev_is("map: $width columns",
		['map', '--width', $width], 0, qr/^physical/, undef, \%map));
	my ($bar) = grep { /^0x0*40000000  s/ } @wide;

	cmp_ok(length $bar, '<=', $width, "map: a bar of $width columns");
	cmp_ok(length $bar, '>', $width / 3, 'map: and not too short');
}
for ([ '1.5 GiB', "00001000-7fffffff : System RAM\n", 32 ],
     [ '64 GiB', "00001000-7fffffff : System RAM\n100000000-107fffffff : System RAM\n", 32 ],
     [ '1 TiB', "00001000-7fffffff : System RAM\n100000000-1007fffffff : System RAM\n", 32 ],
     [ 'in two parts', "00001000-7fffffff : System RAM\n100000000-4007fffffff : System RAM\n100000000000-103fffffffff : System RAM\n", 32 ]) {
	my ($name, $ram, $max) = @$_;

	spew("$root/proc/iomem", $ram);
	my @rows = split(/\n/, dev_is("map: $name", ['map'], 0, qr/^phys/,
				      undef, \%map));
	is(scalar(grep { length > 80 } @rows), 0, 'map: it fits in 80 columns');
	my $nr = grep { /^0x/ } @rows;
	cmp_ok($nr, '<=', $max, "map: $nr lines are not too many");
	cmp_ok($nr, '>', 8, 'map: and not too few');
}
spew("$root/proc/iomem", $iomem);
$out = dev_is('map --json', ['map', '--json'], 0, qr/^\{/, undef, \%map);
like($out, qr/"scratch": \[\n    \{\n      "addr": 1073741824,\n      "bytes": 268435456,\n/,
     'map: scratch in JSON');
like($out, qr/"arrived_envelopes": \[\n    \{\n      "addr": 1610612736,\n      "bytes": 16777216,\n      "size": 16777216\n    \},/,
     'map: sorted');
like($out, qr/"ram": 3220828160,\n    "kernel": 33554432,/, 'map: sums');

spew("$root/proc/sys/kernel/osrelease", "6.1.0-<&\"x>\n");
dev_is('map --svg', ['map', '--svg', "$dir/map.svg"], 0, undef, undef, \%map);
my $svg = slurp("$dir/map.svg");
like($svg, qr/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+" role="img">\n<title>Physical memory, Linux 6\.1\.0-&#60;&#38;&#34;x&#62;<\/title>/,
     'SVG: title');
like($svg, qr/prefers-color-scheme:dark/, 'SVG: also for dark readers');
unlike($svg, qr/href|url\(|\@import|<image|<script/, 'SVG: nothing from outside');
like($svg, qr/class="kept"\/>.*class="env".*4 envelopes: 394 MiB/s, 'SVG: parts');
my (@stack, $broken);
while ($svg =~ /<(\/?)([a-z]+)([^<>]*?)(\/?)>/g) {
	my ($close, $tag, $self) = ($1, $2, $4);

	next if $self;
	if (!$close) {
		push @stack, $tag;
	} elsif (($tag ne (pop @stack // ''))) {
		$broken = $tag;
	}
}
ok(!$broken && !@stack, 'SVG: all that begins ends');
dev_is('map --svg -', ['map', '--svg', '-'], 0, qr/^<svg .*<\/svg>\n$/s, undef,
       \%map);
dev_is('map --svg: no such directory', ['map', '--svg', "$dir/none/x"], 1,
       undef, qr/none\/x: cannot make a file/, \%map);
spew("$dir/own", scalar `$mkdump own-kho 12`);
dev_is('map: own KHO', ['map'], 0, qr/^#  preserved/m, undef,
       { %own, KHO_FAKE_META => "$dir/own" });
dev_is('map: an older module', ['map'], 0, qr/^s  scratch/m, undef,
       { %map, KHO_FAKE_OLD => 1 });
spew("$dir/meta", scalar `$mkdump node-loop 12`);
dev_is('map: a broken tree', ['map'], 1, undef,
       qr/the tree of preserved pages can't be read: 'khoctl dump' says why/,
       \%map);
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");
dev_is('map: addresses that are hidden', ['map'], 1, undef,
       qr/shows no address of System RAM: run khoctl as root/, \%map);

done_testing();
