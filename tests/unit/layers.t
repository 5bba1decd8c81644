#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Does `lint.sh layers` find faults?  It checks small trees here: a good one, and the same
# with one fault each.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Test::More;

my $tmp = tempdir(CLEANUP => 1);
my $module = "$tmp/module";

my $table = <<'END';
# Rooms
0 log.h compat
1 tree		# trees
1 mm
3 core
5 objects
5 backend/own
5 backend/native
8 main.c
core log.h core/core.h
private tree/node.h
END

my %good = (
	'log.h' => "#include <linux/printk.h>\n",
	'compat/compat.h' => "/* #include \"main.h\" */\n",
	'tree/tree.h' => "struct kho_tree;\n",
	'tree/node.h' => "// of a tree\n",
	'tree/tree.c' => "#include \"tree.h\"\n#include \"node.h\"\n#include \"log.h\"\n",
	'tree/deep/range.c' => "#include \"tree/node.h\"\n",
	'mm/mm.h' => "#include \"log.h\"\n",
	'mm/mm.c' => "#include \"mm/mm.h\"\n",
	'core/internal.h' => "#include \"tree/tree.h\"\n",
	'core/core.c' => "#include \"core.h\"\n#include \"internal.h\"\n",
	'objects/objects.h' => "#include <kho/objects.h>\n",
	'objects/objects.c' => "#include \"core/core.h\"\n#include \"objects.h\"\n",
	'backend/own/own.c' => "#include \"core/core.h\"\n",
	'backend/native/native.c' => "#include \"core/core.h\"\nint kho_native;\n",
	'backend/native/asm.S' => "# kho_native\n",
	'main.c' => "#include \"core/core.h\"\n#include \"objects/objects.h\"\n" .
		"#include \"../include/kho/abi.h\"\n",
	'Kbuild.include' => "# as long as it is\n" x 700,
	# Twelve, however they are written
	'core/core.h' => <<'END',
#include "log.h"

struct kho_core {
	int a, b[2];		/* and not: int c; */
	struct kho_tree *(*find)(int first, int last);
	struct {
		int d, e;
	} one;
	union {
		int f;
		struct {
			int g;
			int h;
		};
	};
	DECLARE_BITMAP(i, 64);
	int j;
	int k;
	int l;
	int m;
};

struct kho_tree;
END
);

# layers({ PATH => content }, [TABLE]): returns its status and output for the good tree
# with these changes; a file without content is left out
sub layers
{
	my ($changes, $rooms) = @_;
	my %files = (%good, %{$changes});

	remove_tree($module);
	for my $path (grep { defined($files{$_}) } keys(%files)) {
		make_path("$module/$path" =~ s,/[^/]*$,,r);
		open(my $file, '>', "$module/$path") or die("$path: $!");
		print $file $files{$path};
		close($file);
	}
	open(my $file, '>', "$tmp/layers") or die("layers: $!");
	print $file $rooms // $table;
	close($file);
	my $out = `scripts/lint/layers.pl $module $tmp/layers 2>&1`;
	return ($? >> 8, $out =~ s,\Q$tmp\E/,,gr);
}

# refuses(WHAT, CHANGES, [LINE...], [TABLE]): it has to print these lines only
sub refuses
{
	my ($what, $changes, $lines, $rooms) = @_;
	my ($status, $out) = layers($changes, $rooms);

	is($status, 1, "$what: refused");
	is($out, join('', map { "$_\n" } @{$lines}), "$what: where, and why");
}

my ($status, $out) = layers({});
is($status, 0, 'a good tree') or diag($out);
is($out, '', 'without a word');

refuses('a room above', { 'tree/tree.c' => "\n#include \"core/core.h\"\n" },
	['module/tree/tree.c:2: includes what is above: core/core.h, from tree (1) to core (3)',
	 'module/tree/tree.c:2: closes a circle of parts: core to tree (core/internal.h:1), ' .
	 'tree to core (tree/tree.c:2)']);
refuses('the room beside', { 'backend/own/own.c' => "#include \"objects/objects.h\"\n" },
	['module/backend/own/own.c:1: includes what is beside: objects/objects.h, ' .
	 'from backend/own (5) to objects (5)']);
refuses('a file of module/ that is above', { 'main.h' => '', 'mm/mm.c' => "#include \"main.h\"\n" },
	['module/mm/mm.c:1: includes what is above: main.h, from mm (1) to main.c (8)'],
	$table =~ s/main\.c/main.c main.h/r);
refuses("another room's internal.h", { 'objects/objects.c' => "#include \"core/internal.h\"\n" },
	['module/objects/objects.c:1: core/internal.h is private to core']);
refuses('what the table calls private', { 'core/core.c' => "#include \"tree/node.h\"\n" },
	['module/core/core.c:1: tree/node.h is private to tree']);
refuses('what is nowhere', { 'mm/mm.c' => "#include \"own.h\"\n" },
	['module/mm/mm.c:1: own.h is neither beside it nor in module/, which paths are relative to']);
refuses('kho_native elsewhere', { 'objects/objects.h' => "\n/* kho_native() is true */\n" },
	['module/objects/objects.h:2: kho_native is only for backend/native/']);
refuses('an unknown folder', { 'extra/a.c' => "#include \"b.h\"\n", 'extra/b.h' => '' },
	['module/extra/a.c:1: the folder extra/ is not in layers']);
refuses('an unknown file', { 'other.c' => '' },
	['module/other.c:1: other.c is not in layers']);
refuses('a circle of rooms',
	{ 'tree/tree.h' => "#include \"mm/mm.h\"\n", 'mm/mm.h' => "#include \"tree/tree.h\"\n" },
	['module/mm/mm.h:1: includes what is beside: tree/tree.h, from mm (1) to tree (1)',
	 'module/tree/tree.h:1: includes what is beside: mm/mm.h, from tree (1) to mm (1)',
	 'module/mm/mm.h:1: closes a circle of parts: tree to mm (tree/tree.h:1), ' .
	 'mm to tree (mm/mm.h:1)',
	 'module/mm/mm.h:1: closes a circle of headers: tree/tree.h to mm/mm.h (tree/tree.h:1), ' .
	 'mm/mm.h to tree/tree.h (mm/mm.h:1)']);
refuses('a circle of headers in one room',
	{ 'objects/objects.h' => "#include \"object.h\"\n",
	  'objects/object.h' => "\n#include \"objects/objects.h\"\n" },
	['module/objects/objects.h:1: closes a circle of headers: ' .
	 'objects/object.h to objects/objects.h (objects/object.h:2), ' .
	 'objects/objects.h to objects/object.h (objects/objects.h:1)']);
refuses('a long file', { 'Kbuild.include' => "#\n" x 701 },
	['module/Kbuild.include:701: 701 lines, more than 700']);
refuses('a header that is everywhere', {},
	['module/core/core.h:1: 5 of 8 sources include it, more than half, and it is not core'],
	$table =~ s,core log.h core/core.h,core log.h,r);
refuses('a core struct that is large',
	{ 'core/core.h' => $good{'core/core.h'} =~ s/int m;/int m, n;/r },
	['module/core/core.h:3: struct kho_core has 13 members, more than 12']);
refuses('a table that says other things', {},
	['layers:1: \'one\' is neither a number nor private nor core',
	 'layers:2: \'2\' of nothing',
	 'layers:3: mm is there twice',
	 'layers:4: there is no module/no.h'],
	"one tree\n2\n1 mm mm\ncore no.h\n" . $table =~ s/^1 mm\n//mr);

done_testing();
