#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# scripts/bootstub-apply.sh on small trees that have the places of the hooks: it takes the
# hooks of the nearest series that fit, and refuses a tree where one lands elsewhere.  A
# refused tree, and one where the stub was taken out again, has not changed.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my $tmp = tempdir(CLEANUP => 1);
my $count = 0;
my ($setup, $kaslr, $acpi) = ('arch/x86/kernel/setup.c', 'arch/x86/boot/compressed/kaslr.c',
	'drivers/acpi/tables.c');

# What Linux 5.10 to 6.15 have in common, as far as the hooks see it.
my %old = (
	'include/linux/kernel.h' => '',
	'kernel/Makefile' => <<'END',
obj-y += livepatch/
obj-y += dma/
obj-y += entry/
END
	'init/Kconfig' => <<'END',
menu "General setup"

source "kernel/Kconfig.preempt"

menu "CPU/Task time and stats accounting"
END
	$acpi => <<'END',
#include <linux/initrd.h>
#include <linux/security.h>

void __init acpi_reserve_initial_tables(void)
{
	for (i = 0; i < ACPI_MAX_TABLES; i++) {
		u64 start = table_desc->address;

		memblock_reserve(start, size);
	}
}
END
	$kaslr => <<'END',
enum mem_avoid_index {
	MEM_AVOID_BOOTPARAMS,
	MEM_AVOID_MEMMAP_BEGIN,
	MEM_AVOID_MAX,
};

static struct mem_vector mem_avoid[MEM_AVOID_MAX];

static bool process_mem_region(struct mem_vector *region,
			       unsigned long minimum)
{
	return false;
}

static unsigned long find_random_phys_addr(unsigned long minimum,
					   unsigned long image_size)
{
	/* Comments name it too: process_e820_entries(minimum, image_size); */

	if (!process_efi_entries(minimum, image_size))
		process_e820_entries(minimum, image_size);

	phys_addr = slots_fetch_random();
}
END
	$setup => <<'END',
#include <linux/usb/xhci-dbgp.h>
#include <linux/static_call.h>

static void __init parse_setup_data(void)
{
	while (pa_data) {
		data_type = data->type;
		switch (data_type) {
		case SETUP_E820_EXT:
			break;
		}
		pa_data = pa_next;
	}
}

static void __init memblock_x86_reserve_range_setup_data(void)
{
		memblock_reserve(pa_data, sizeof(*data) + data->len);

		if (data->type == SETUP_INDIRECT) {

			if (indirect->type != SETUP_INDIRECT)
				memblock_reserve(indirect->addr, indirect->len);
		}
}

void __init setup_arch(char **cmdline_p)
{
	early_reserve_memory();
	parse_setup_data();
	parse_early_param();
	reserve_brk();
	e820__memblock_setup();

	efi_reserve_boot_services();
	init_mem_mapping();
	initmem_init();
}
END
);

# Linux 7.2 and 7.3, which have a KHO of their own.
my %new = %old;
$new{$kaslr} =~ s/if \(!process_efi/if (!process_kho_entries(minimum, image_size) &&\n\t    !process_efi/ or die;
$new{$kaslr} =~ s{process_e820_entries\(minimum, image_size\); \*/\n}{process_e820_entries() \*/\n\t/*\n\t * With KHO, scratch only.\n\t */} or die;
$new{$kaslr} =~ s{\*/\n\n\tif}{*/\n\tif};
$new{$setup} =~ s/linux\/static_call/linux\/vmalloc/ or die;
$new{$setup} =~ s/(?=#include <linux\/usb)/#include <linux\/kexec_handover.h>\n/ or die;
$new{$setup} =~ s/(\t+)(case SETUP_E820_EXT:)/$1case SETUP_KEXEC_KHO:\n\t\t\tadd_kho(pa_data, data_len);\n\t\t\tbreak;\n$1$2/ or die;
$new{$setup} =~ s/memblock_reserve\(/memblock_reserve_kern(/g;

sub spew
{
	my ($file, $text) = @_;

	make_path(dirname($file));
	open(my $out, '>', $file) or die "$file: $!\n";
	print $out $text;
	close($out) or die "$file: $!\n";
}

# tree(SERIES, FILES, EDIT...): makes a tree.  EDIT is [FILE, FROM, TO] for a piece of
# text that is there once.
sub tree
{
	my ($series, $from, @edits) = @_;
	my %files = %$from;
	my ($version, $patchlevel) = split(/\./, $series);
	my $dir = "$tmp/tree" . ++$count;

	for my $edit (@edits) {
		my ($file, $old, $new) = @$edit;
		my $times = () = $files{$file} =~ /\Q$old\E/g;

		die "$file has '$old' $times times\n" if $times != 1;
		$files{$file} =~ s/\Q$old\E/$new/;
	}
	$files{Makefile} = "VERSION = $version\nPATCHLEVEL = $patchlevel\nSUBLEVEL = 7\n";
	spew("$dir/$_", $files{$_}) for keys %files;
	return $dir;
}

# All of a tree: names and contents.
sub content
{
	my ($dir) = @_;
	my %all;

	find({ no_chdir => 1, wanted => sub {
		my $name = substr($_, length($dir));

		return $all{$name} = 'directory' if -d;
		open(my $in, '<', $_) or die "$_: $!\n";
		local $/;
		$all{$name} = <$in> // '';
	} }, $dir);
	return \%all;
}

sub apply
{
	my $out = qx(scripts/bootstub-apply.sh @_ 2>&1);

	return ($? >> 8, $out);
}

# fits(SERIES, HOOKS, FILES): the stub goes in with the hooks of that series, and out
sub fits
{
	my ($series, $hooks, $files) = @_;
	my $dir = tree($series, $files);
	my $before = content($dir);
	my ($status, $out) = apply($dir);

	is($status, 0, "$series: it goes in") or diag($out);
	like($out, qr/with the hooks of \Q$hooks\E$/m, "$series: the hooks of $hooks");
	my $in = content($dir);
	my $calls = join('', map { $in->{$_} } grep { m{^/(arch|drivers|init|kernel/Makefile)} } sort keys %$in);
	my $all = 9;

	is(scalar(() = $calls =~ /kho_boot_\w+\(|kho_release_not\(|MEM_AVOID_KHO,|x86\/kaslr\.h|kernel\/kho\/Kconfig|\+= kho\//g),
	   $all, "$series: all hooks");
	($status, $out) = apply($dir);
	is($status, 0, "$series: again");
	like($out, qr/has this boot stub already/, "$series: it is said to be there");
	is_deeply(content($dir), $in, "$series: unchanged by that");
	($status, $out) = apply('--reverse', $dir);
	is($status, 0, "$series: it comes out") or diag($out);
	is_deeply(content($dir), $before, "$series: nothing is left");
	($status, $out) = apply('--reverse', $dir);
	is($status, 1, "$series: it can't come out twice");
	like($out, qr/does not have the boot stub/, "$series: why not");
}

# refused(WHAT, PATTERN, TREE): with that message, and without a change
sub refused
{
	my ($what, $pattern, $dir) = @_;
	my $before = content($dir);
	my ($status, $out) = apply($dir);

	is($status, 1, "$what: refused") or diag($out);
	like($out, $pattern, "$what: the message");
	is_deeply(content($dir), $before, "$what: unchanged");
}

# ---- The series, and those between: the nearest hooks, the older of two ----

fits('5.10', '5.10', \%old);
fits('5.15', '5.10', \%old);
fits('5.16', '6.1', \%old);
fits('6.6', '6.1', \%old);
fits('6.12', '6.12', \%old);
# With a KHO of its own, the nearest hooks do not fit, but the next do.
fits('6.16', '7.2', \%new);
fits('7.3', '7.3', \%new);

# ---- No hooks for it ----

my $known = qr/there are hooks for 5\.10 6\.1 6\.12 7\.2 7\.3, and those between/;
refused('5.9', $known, tree('5.9', \%old));
refused('7.4', $known, tree('7.4', \%new));

my $bare = tree('6.1', \%old);
unlink("$bare/kernel/Makefile") or die;
refused('no kernel tree', qr/is no kernel tree/, $bare);
my $nameless = tree('6.1', \%old);
spew("$nameless/Makefile", "all:\n");
refused('a tree without a version', qr/does not say which Linux/, $nameless);

# ---- No place for a hook: patch and file are named ----

refused('a changed line in setup.c',
	qr{^bootstub/linux-5\.10/hooks\.patch: \Q$setup\E: .*FAILED at}m,
	tree('5.15', \%old, [$setup, "\te820__memblock_setup();\n\n", "\te820__memblock_setup();\n\tother();\n"]));
refused('a changed line in tables.c',
	qr{^bootstub/linux-7\.3/hooks\.patch: \Q$acpi\E: .*FAILED at}m,
	tree('7.3', \%new, [$acpi, "memblock_reserve(start, size)", "memblock_reserve_kern(start, size)"]));
refused('several files',
	qr{hooks\.patch: \Q$kaslr\E: .*hooks\.patch: \Q$acpi\E: }s,
	tree('6.1', \%old, [$acpi, "memblock_reserve(start, size)", "reserve()"],
	     [$kaslr, "!process_efi_entries", "!efi_entries"]));

# ---- A place, but the wrong one ----

my $reserve = qr{^bootstub/linux-6\.1/hooks\.patch: \Q$setup\E: "kho_boot_reserve\(\);"}m;
my $elsewhere = "static void __init other(void)\n{\n\te820__memblock_setup();\n\n}\n\nvoid __init setup_arch(";

refused('in another function', qr/$reserve is not in setup_arch/,
	tree('6.1', \%old, [$setup, "\te820__memblock_setup();\n\n", "\tmemblock_setup();\n"],
	     [$setup, 'void __init setup_arch(', $elsewhere]));
refused('too late', qr/$reserve is not before "init_mem_mapping\(\);"/,
	tree('6.1', \%old, [$setup, "\treserve_brk();\n", "\treserve_brk();\n\tinit_mem_mapping();\n"]));
refused('too early', qr/$reserve is not after "parse_early_param\(\);"/,
	tree('6.1', \%old, [$setup, "\tinitmem_init();\n", "\tinitmem_init();\n\tparse_early_param();\n"]));
refused('after an allocation that not all series have',
	qr/$reserve is not before "efi_fake_memmap\(\);"/,
	tree('6.1', \%old, [$setup, "\treserve_brk();\n", "\treserve_brk();\n\tefi_fake_memmap();\n"]));
refused('a statement that orders it is gone', qr{\Q$setup\E: no "reserve_brk\(\);" where}m,
	tree('6.1', \%old, [$setup, "\treserve_brk();\n", '']));
refused('one of two that order it is gone',
	qr{no "early_reserve_memory\(\); or memblock_x86_reserve_range_setup_data\(\);" where},
	tree('6.1', \%old, [$setup, "\tearly_reserve_memory();\n", '']));
refused('under an #if', qr/$reserve is under an #if/,
	tree('6.1', \%old, [$setup, "\te820__memblock_setup();\n\n",
		"#ifdef CONFIG_X86_32\n\te820__memblock_setup();\n\n#endif\n"]));
refused('a case that the tree has already', qr/"case KHO_SETUP_HANDOVER: or case SETUP_KEXEC_KHO:" is there 2 times/,
	tree('6.1', \%old, [$setup, "\t\tcase SETUP_E820_EXT:\n",
		"\t\tcase SETUP_E820_EXT:\n\t\t\tbreak;\n\t\tcase SETUP_KEXEC_KHO:\n\t\t\tadd_kho(pa_data, data_len);\n"]));
refused('ACPI tables elsewhere',
	qr{\Q$acpi\E: "kho_release_not\(start, size\);" is not in acpi_reserve_initial_tables},
	tree('6.12', \%old, [$acpi, 'acpi_reserve_initial_tables', 'acpi_other_tables']));
refused('the decompressor, EFI first',
	qr{\Q$kaslr\E: ".*" is not before "process_e820_entries\(minimum, image_size\);"},
	tree('6.12', \%old, [$kaslr, "\t/* Comments", "\tprocess_e820_entries(minimum, image_size);\n\t/* Comments"]));

# ---- Another version of the stub ----

my $changed = tree('6.1', \%old);
is((apply($changed))[0], 0, 'a tree to be changed');
spew("$changed/kernel/kho/kho_keep.c", "/* ours */\n");
refused('a changed drop-in', qr/has another version of the boot stub/, $changed);
is((apply('--reverse', $changed))[0], 0, 'a changed drop-in comes out');

my $unhooked = tree('6.1', \%old);
spew("$unhooked/include/kho/abi.h", "/* ours */\n");
refused('a drop-in without hooks', qr/has another version/, $unhooked);
is((apply('--reverse', $unhooked))[0], 1, 'a drop-in without hooks does not come out');

done_testing();
