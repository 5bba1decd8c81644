#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# libkho: its functions with a fake device, what it exports, and what an author of
# agents has when it is installed.
use strict;
use warnings;
use Cwd qw(abs_path);
require './tests/unit/khoctl-test.pl';
our ($top, $dir, $fake);

my $lib = $ENV{LIBKHO_DIR} // 'build/tools';
my ($version) = slurp('module/version.h') =~ /KHO_VERSION "(.*)"/;
my $warnings = '-Wall -Wextra -Werror -Wpedantic';

BAIL_OUT("$lib/libkho.a: not built (make -C tools)")
	unless -e "$lib/libkho.a" && -e "$lib/libkho.so.$version";
# Without the job server of a make that runs this test.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
make_device();
my $mkdump = build("$dir/mkdump", 'tests/unit/khoctl-mkdump.c');
spew("$dir/meta", scalar `$mkdump good 12`);
$lib = abs_path($lib);

# says(name, command): returns the command's output, stderr included; it must succeed
sub says {
	my ($name, $command) = @_;
	my $out = `($command) 2>&1`;

	is($?, 0, $name) or diag("$command\n$out");
	return $out;
}

sub says_nothing {
	my ($name, $command) = @_;

	is(says("$name: works", $command), '', "$name: without a word");
	return;
}

# ---- Its functions ----

my $source = "-Itools/libkho tests/unit/libkho-test.c";
my %programs = (
	shared => "$source -L$lib -lkho -Wl,-rpath,$lib",
	static => "$source $lib/libkho.a",
	sanitized => "-g -fsanitize=address,undefined -fno-sanitize-recover=all " .
		"-static-libasan -Imodule -Iinclude $source tools/libkho/*.c",
);
for my $kind (sort keys %programs) {
	my $program = build("$dir/libkho-$kind", $programs{$kind});

	system("rm -rf $dir/fake && mkdir -p " . join(' ', map { "$dir/fake/$_" }
		qw(objects uncommitted info data sums)));
	spew("$dir/fake/pages", "32 2 1\n");
	my $out = `LD_PRELOAD=$fake KHO_FAKE_DIR=$dir/fake KHO_FAKE_META=$dir/meta timeout 60 $program $kind 2>&1`;
	my $status = $?;
	my ($plan) = $out =~ /^1\.\.(\d+)$/m;
	my $good = () = $out =~ /^ok /mg;

	ok(!$status && $plan && $plan > 100 && $plan == $good,
	   "$kind: all functions, $good checks")
		or diag("status $status\n", join("\n", grep { !/^ok / }
						 split(/\n/, $out)));
}

# ---- What it exports ----

my $header = slurp('tools/libkho/libkho.h');
$header =~ s/\/\*.*?\*\///gs;
my @declared = sort $header =~ /\b(kho_\w+)\(/g;
my $map = slurp('tools/libkho/libkho.map');
my @mapped = sort $map =~ /^\s+(kho_\w+);$/mg;
my $nm = says('nm', "nm -D --defined-only $lib/libkho.so.$version");
my @exported = sort $nm =~ / T (kho_\w+)\@\@LIBKHO_0\.1$/mg;

is(scalar(@declared), 28, 'functions in the header');
is("@mapped", "@declared", 'the map has them all, and no other');
is("@exported", "@declared", 'so has the library');
is(scalar(() = $nm =~ /^\w+ [^A] /mg), 28, 'and nothing else');
like(says('objdump', "objdump -p $lib/libkho.so.$version"),
     qr/^ +SONAME +libkho\.so\.0$/m, 'soname');
is(readlink("$lib/libkho.so"), 'libkho.so.0', 'the name to link with');
is(readlink("$lib/libkho.so.0"), "libkho.so.$version", 'the name to run with');
like(says('nm', "nm --defined-only $lib/libkho.a"), qr/^\w+ T kho_open$/m,
     'the archive has it too');

# ---- Installed ----

my $dest = "$dir/dest";
my $install = "make -s -C tools O=$lib DESTDIR=$dest PREFIX=/usr LIBDIR=/usr/lib/test";
says('make install', "$install install");
my @want = ('usr/include/libkho.h', 'usr/include/linux/kho.h',
	    'usr/lib/sysusers.d/kho.conf', 'usr/lib/test/libkho.a',
	    'usr/lib/test/libkho.so', 'usr/lib/test/libkho.so.0',
	    "usr/lib/test/libkho.so.$version",
	    'usr/lib/test/pkgconfig/libkho.pc',
	    'usr/lib/udev/rules.d/60-kho.rules', 'usr/sbin/khoctl',
	    'usr/share/bash-completion/completions/khoctl',
	    'usr/share/fish/vendor_completions.d/khoctl.fish',
	    'usr/share/zsh/vendor-completions/_khoctl',
	    'usr/share/man/man3/libkho.3',
	    (map { m{([^/]+\.(\d))$} ? "usr/share/man/man$2/$1" : () }
	     glob('tools/man/*.[4-8]')),
	    (map { m{([^/]+)$} ? "usr/share/kho/json/$1" : () }
	     glob('docs/json/*.schema.json')),
	    map { "usr/share/man/man3/$_.3" } @declared);
chomp(my @have = `cd $dest && find . ! -type d -printf '%P\n'`);
is(join("\n", sort @have), join("\n", sort @want), 'what is installed');

# An agent that uses only what is installed, and nothing of this tree
spew("$dir/agent.c", <<'END');
#include <libkho.h>
#include <stdio.h>

int main(void)
{
	struct kho_query query;
	int dev = kho_open(NULL);

	if (dev < 0 || kho_query(dev, &query))
		return 1;
	printf("%s %u\n", kho_version(), query.page_size);
	return 0;
}
END
system("cp $dir/agent.c $dir/agent.cc");
my $pc = "PKG_CONFIG_PATH=$dest/usr/lib/test/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest pkg-config";
my $flags = "\$($pc --cflags --libs libkho)";
is(says('pkg-config: version', "$pc --modversion libkho"), "$version\n",
   'that of the module');
# pkg-config leaves out /usr/include, as compilers search it; they don't search $dest's.
my $include = "-isystem $dest/usr/include";
says_nothing('C, shared', "cc $warnings -std=c99 $include -o $dir/agent $dir/agent.c $flags");
says_nothing('C, static', "cc $warnings -std=c11 -static $include -o $dir/agent-static $dir/agent.c \$($pc --static --cflags --libs libkho)");
says_nothing('C++, shared', "g++ $warnings -std=c++11 $include -o $dir/agent-cc $dir/agent.cc $flags");
says_nothing("$_: header in C", "$_ $warnings -fsyntax-only -std=c99 $include $dir/agent.c")
	for qw(gcc clang);
says_nothing("$_: header in C++", "$_ $warnings -fsyntax-only -std=c++11 $include $dir/agent.cc")
	for qw(g++ clang++);
my $run = "LD_LIBRARY_PATH=$dest/usr/lib/test";
for my $program (qw(agent agent-cc)) {
	is(says("$program: runs", "$run LD_PRELOAD=$fake KHO_FAKE_DIR=$dir/fake $dir/$program"),
	   "$version 4096\n", 'and talks to the device');
	like(says('its libraries', "readelf -d $dir/$program"),
	     qr/NEEDED.*\[libkho\.so\.0\]/, 'the shared one');
}
system("$dir/agent-static");
ok($? != -1 && !($? & 127), 'the static one runs');

# 32 bits: only compile, as that needs no C library.
says_nothing('32 bits', "clang --target=i386-linux-gnu -isystem /usr/include/\$(gcc -print-multiarch) -fsyntax-only $warnings -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Itools/libkho -Imodule -Iinclude/uapi -Iinclude tools/libkho/*.c -Wno-unused-command-line-argument");

# ---- Manual pages: one for each function, and they are sound ----

for my $name ('libkho', @declared) {
	my $page = slurp("$dest/usr/share/man/man3/$name.3") // '';

	# Follow a link to another page.
	$page = slurp("$dest/usr/share/man/$1") // '' if $page =~ /^\.so (.*)\n$/;
	like($page, qr/^\.Nm $name\b/m, "manual of $name");
	next if $name eq 'libkho';
	like($page, qr/^\.F[no] $name\b/m, "it says how $name is called");
}
for my $page (glob('tools/man/*.[38]')) {
	is(scalar `groff -mandoc -rF0 -ww -z -Tutf8 $page 2>&1`, '',
	   "$page: sound");
	for my $other (slurp($page) =~ /^\.Xr ((?:lib|kho_)\w+) 3/mg) {
		ok(-e "$dest/usr/share/man/man3/$other.3",
		   "$page: there is a page of $other");
	}
}

says('make uninstall', "$install uninstall");
is(scalar `find $dest ! -type d`, '', 'nothing is left');

done_testing();
