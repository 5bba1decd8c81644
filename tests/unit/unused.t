#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Does `lint.sh unused` find a function that nobody calls?  It checks small trees here.
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

# run(FILE => TEXT...): returns its status and output for a tree with these files
sub run
{
	my %files = @_;
	my $dir = tempdir(CLEANUP => 1);

	for my $name (keys %files) {
		my ($folder) = "$dir/$name" =~ m{(.*)/};

		make_path($folder);
		open(my $out, '>', "$dir/$name") or die "$dir/$name: $!\n";
		print $out $files{$name};
	}
	my $said = `scripts/lint/unused.pl $dir 2>&1`;

	$said =~ s{\Q$dir/\E}{}g;
	return ($? >> 8, $said);
}

my $two = "int kho_two(int a,\n\t    int b)\n{\n\treturn 2;\n}\n";
my $main = "static int one(void)\n{\n\treturn kho_two(1, 2);\n}\n";

is_deeply([run('a/two.c' => $two, 'main.c' => $main)], [0, ''],
	  'one that another file calls is all right');
is_deeply([run('a/two.c' => $two)], [1, "a/two.c: kho_two: no other file calls it\n"],
	  'one that nobody calls is not');
is_deeply([run('a/two.c' => "$two\n$main")],
	  [1, "a/two.c: kho_two: no other file calls it\n"],
	  'nor one that its own file alone calls: it should be static');
is_deeply([run('a/two.c' => $two, 'main.c' => "/* kho_two(1, 2) */\n")],
	  [1, "a/two.c: kho_two: no other file calls it\n"], 'a comment is no call');
is_deeply([run('a/two.c' => $two, 'main.c' => "static char t[] = \"kho_two()\";\n")],
	  [1, "a/two.c: kho_two: no other file calls it\n"], 'nor is a text');
is_deeply([run('a/two.c' => $two, 'a/two.h' => "int kho_two(int a, int b);\n")],
	  [1, "a/two.c: kho_two: no other file calls it\n"], 'nor a prototype');
is_deeply([run('a/two.c' => "${two}EXPORT_SYMBOL_GPL(kho_two);\n")], [0, ''],
	  'one that is exported is for others');
is_deeply([run('a/two.c' => $two, 'a/two.h' => "#define TWO(a)\tkho_two(a, 2)\n")], [0, ''],
	  'a macro may call it');
is_deeply([run('a/two.c' => $two,
	       'a/two.h' => "static inline int x(void)\n{\n\treturn kho_two(1, 2);\n}\n")],
	  [0, ''], 'and so may an inline function');
done_testing();
