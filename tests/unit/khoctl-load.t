#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl load, unload, scratch and check, with a fake device and a fake kexec.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(remove_tree);
use POSIX qw(EBUSY EPERM EOPNOTSUPP);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
# All zeros, as for users without CAP_SYS_ADMIN, until tests of the memory map below.
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");

# ---- load ----

my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $log = "$dir/kexec.log";
my $bz = spew("$dir/bzImage", image());
spew("$dir/initrd", initramfs(5120));

sub load_is {
	my ($name, $mode, $args, $status, $out, $err, $env) = @_;

	unlink($log, "$log.image");
	return dev_is("load: $name", ['load', '--kexec', $kexec, @$args],
		      $status, $out, $err,
		      { FAKE_KEXEC => $mode, FAKE_LOG => $log, %{$env // {}} });
}

loaded(0);
load_is('good', 'good',
	['--append', "a 'b'", '--initrd', "$dir/initrd", $bz], 0,
	qr/^image     \Q$bz\E, Linux 6\.1\.0-successor \(bzImage, boot protocol 2\.15\)\n.*^segment   0x40000000 to 0x403fffff, 4 MiB\n.*^loaded    4\.1 MiB in 3 segments, all inside scratch\n.*kexec -e/ms,
	undef);
like(slurp($log), qr/^-d\n-c\n-l\n\/proc\/self\/fd\/\d+\n--mem-min=0x40000000\n--mem-max=0x4fffffff\n--initrd=\Q$dir\E\/initrd\n--append=a 'b'\n$/,
     'the command');
is(slurp("$log.image"), image(setup_data => 0x100000),
   'the image: the same but for setup_data');
is(slurp($bz), image(), 'the file is as it was');
is(loaded(), 1, 'it is loaded');
load_is('replaces', 'good', ['--reuse-cmdline', $bz], 0,
	qr/it replaces the kernel loaded before/, undef);
is(loaded(), 1, 'it is loaded');
load_is('JSON', 'good', ['--json', '--append', 'a', $bz], 0,
	qr/"kernel_version": "6\.1\.0-successor".*"replaced": true.*"segments": \[\n    \{\n      "addr": 1073741824,\n      "bytes": 4194304,\n/s,
	undef);

# kexec reads the initrd itself, after khoctl has looked into it.
{
	my $good = slurp("$dir/initrd");

	loaded(0);
	load_is('the initrd changes meanwhile', 'writes',
		['--append', 'a', '--initrd', "$dir/initrd", $bz], 1, undef,
		qr/initrd has changed meanwhile, .*: load it again\n.*unloaded again/);
	is(loaded(), 0, 'what was not checked is not loaded');
	ok(!-e "$root/run/kho/loaded.json", 'and not recorded');
	spew("$dir/initrd", $good);
	load_is('the kernel changes, of which there is a copy', 'writes', ['--append', 'a', $bz], 0, qr/^image/,
		undef);
	my %own = (KHO_FAKE_BACKEND => 'kernel');
	loaded(0);
	load_is('in-kernel KHO: the kernel changes meanwhile', 'writes',
		['--force', '--append', 'a', spew("$dir/mainline", image(release => '7.3.4',
		 payload => gz(kernel_text('7.3.4', mainline_strings(4)))))], 1, undef,
		qr/mainline has changed meanwhile/, \%own);
	is(loaded(), 0, 'that is not loaded');
}

loaded(0);
load_is('--no-checks', 'good', ['--no-checks', '--append', 'a', '--json', $bz], 0,
	qr/"checksum": false/, undef);
like(slurp($log), qr/^--no-checks$/m, 'kexec is told so');
loaded(0);
load_is('--dry-run', 'good', ['--dry-run', '--append', "it's \$HOME", $bz], 0,
	qr/^patch     u64 0x100000 at file offset 0x250 \(hdr\.setup_data\).*\ncommand   \Q$kexec\E -d -c -l \/proc\/self\/fd\/\d+ --mem-min=0x40000000 --mem-max=0x4fffffff '--append=it'\\''s \$HOME'\n/m,
	undef);
is(slurp($log), undef, 'kexec has not been called');
is(loaded(), 0, 'and nothing is loaded');
load_is('no command line', 'good', [$bz], 0, qr/^image/,
	qr/warning: neither --append nor --reuse-cmdline/);
spew("$root/proc/cmdline", "root=/dev/sda kho=off quiet\n");
load_is('kho=off reused', 'good', ['--reuse-cmdline', $bz], 1, undef,
	qr/kho=off: the next kernel will ignore the handover: .*, which --reuse-cmdline passes on; --force/);
load_is('kho=off reused by force', 'good', ['--force', '--reuse-cmdline', $bz], 0, qr/^image/,
	qr/warning: kho=off: the next kernel will ignore the handover/);

# states(): returns what the module was told about loaded kernels since the last call
sub states {
	my $states = slurp("$dir/images") // '';

	unlink("$dir/images");
	return join(' ', split(/\n/, $states));
}

loaded(0);
$ENV{KHO_FAKE_IMAGES} = "$dir/images";
load_is('it is told', 'good', ['--append', 'a', $bz], 0, qr/^image/, undef);
is(states(), '0 1 2', 'begun and loaded');
load_is('memory comes meanwhile', 'good', ['--append', 'a', $bz], 1, undef,
	qr/memory was added or removed meanwhile: load it again\n.*has been unloaded again/,
	{ KHO_FAKE_STALE => 1 });
is(states(), '1 2 0', 'begun, not loaded, and nothing is');
is(loaded(), 0, 'it is not');
load_is('kexec refuses', 'fail', ['--append', 'a', $bz], 1, undef, qr/./);
is(states(), '0 1', 'begun only');
dev_is('unload: nothing is loaded', ['unload'], 0, undef, undef);
is(states(), '0', 'and that is said');
load_is('an older module', 'good', ['--append', 'a', $bz], 0, qr/^image/, undef,
	{ KHO_FAKE_NO_IMAGE => 1 });
is(states(), '', 'it is not asked for what it does not know');
load_is('it can not be told', 'good', ['--append', 'a', $bz], 1, undef,
	qr/cannot tell the module what is loaded: not enough memory/,
	{ KHO_FAKE_FAIL => '90:12' });
loaded(1);
dev_is('status: memory is as it was', ['status'], 0, qr/^next kernel loaded by khoctl: .*; whether another program has replaced it since/m, undef,
       { KHO_FAKE_IMAGE => 2 });
dev_is('status: it is not', ['status'], 3,
       qr/^next kernel loaded, BUT memory was added or removed since: load it again/m,
       undef, { KHO_FAKE_IMAGE => 3 });
dev_is('status: JSON', ['status', '--json'], 3, qr/"image": "stale"/, undef,
       { KHO_FAKE_IMAGE => 3 });
dev_is('check: it is not', ['check'], 3,
       qr/^FAIL  next kernel  loaded, BUT memory was added or removed since: load it again/m, undef,
       { KHO_FAKE_IMAGE => 3 });
loaded(0);
dev_is('status: and nothing is loaded', ['status'], 0, qr/^next kernel not loaded/m,
       undef, { KHO_FAKE_IMAGE => 3 });
delete $ENV{KHO_FAKE_IMAGES};

# Less memory for the next kernel than there is
loaded(0);
spew("$root/proc/cmdline", "root=/dev/sda mem=8G mem=0x2fffffff quiet\n");
load_is('mem= below scratch, reused', 'good', ['--reuse-cmdline', $bz], 1,
	undef, qr/mem=0x2fffffff: that takes RAM from scratch, 0x40000000 to 0x4fffffff, where it is loaded: it would not boot/);
spew("$root/proc/cmdline", "root=/dev/sda quiet\n");
{
	local $ENV{KHO_FAKE_ENVELOPES} = '0x200000:0x200000,0x60000000:0x400000,0x80000000:0x200000';

	for (['1536M', qr/what is preserved between 0x60000000 and 0x603fffff would be lost: leave mem=1536M out of --append; --force/],
	     ['1537M', qr/RAM would end in the envelope from 0x60000000 to 0x603fffff: it would not boot/],
	     ['0x60400000', qr/in the envelope from 0x60000000 to/],
	     ['1544m', qr/what is preserved between 0x80000000 and 0x801fffff would be lost/],
	     ['2G', qr/what is preserved between 0x80000000 and 0x801fffff would be lost/]) {
		my ($mem, $why) = @$_;

		load_is("mem=$mem", 'good', ['--append', "a mem=$mem b", $bz],
			1, undef, $why);
	}
	is(loaded(), 0, 'and nothing is loaded');
	load_is('mem= inside an envelope, forced', 'good',
		['--force', '--append', 'mem=1537M', $bz], 1, undef,
		qr/it would not boot/);
	load_is('mem= forced', 'good',
		['--force', '--append', 'mem=1536M', $bz], 0, qr/^image/,
		qr/warning: mem=1536M: .* 0x603fffff would be lost$/);
	load_is('memmap= with nothing but a size', 'good',
		['--append', 'memmap=767M', $bz], 1, undef,
		qr/memmap=767M: that takes RAM from scratch, .*: it would not boot/);
	load_is('mem= above all', 'good', ['--append', 'mem=2100M', $bz], 0,
		qr/^image/, undef);
	load_is('no such word', 'good',
		['--append', 'mem=nopentium memx=1M xmem=1M mem=16777216T', $bz], 0, qr/^image/,
		undef);
}
loaded(0);

# Mistakes of kexec
for (['below', qr/segment 1, 0x1000 bytes at 0x3ffff000, is outside scratch/],
     ['across', qr/segment 1, 0x2000 bytes at 0x4ffff000, is outside/],
     ['above', qr/segment 1, .* is outside scratch/],
     ['wraps', qr/segment 1, .* is outside scratch/],
     ['empty', qr/segment 1, .* is outside scratch/],
     ['nil', qr/segment 1, .* at 0x0, is outside scratch/],
     ['no-segments', qr/cannot verify .* has no list of segments/],
     ['none', qr/cannot verify .* nr_segments is 0/],
     ['no-mem', qr/cannot verify .* lacks address or size of segment 1/],
     ['missing', qr/cannot verify .* lacks address or size of segment 2/],
     ['not-loaded', qr/reports success, but .*kexec_loaded is not 1/],
     ['killed', qr/killed by signal 9/]) {
	my ($mode, $why) = @$_;

	loaded(0);
	load_is($mode, $mode, ['--append', 'a', $bz], 1, undef,
		qr/$why.*\n.*the kernel has been unloaded again/);
	is(loaded(), 0, "$mode: unloaded");
}
loaded(0);
load_is('fails', 'fail', ['--append', 'a', $bz], 1, undef,
	qr/^khoctl load: \Q$kexec\E: exit status 255: locate_hole failed$/);
loaded(1);
load_is('fails, another is loaded', 'fail', ['--append', 'a', $bz], 1, undef,
	qr/the kernel that was loaded before is still loaded/);
is(loaded(), 1, 'it is');

# Images that are refused before kexec is called
my @refused = (
	['ELF', "\177ELF" . "\0" x 2000, qr/is not a bzImage \(x86 boot image\) but an ELF/],
	['gzip', "\x1f\x8b" . "\0" x 2000, qr/is not a bzImage .* but a gzip/],
	['text', 'hello', qr/is not a bzImage \(x86 boot image\) but a text file$/],
	['empty', '', qr/is not a bzImage/],
	['no boot flag', image(boot_flag => 0), qr/is not a bzImage/],
	['no HdrS', image(magic => 'HdrX'), qr/is not a bzImage/],
	['header cut', image(size => 0x263), qr/is not a bzImage/],
	['truncated', image(size => 60000), qr/is truncated: it has 60000 bytes, but its header says 68096$/],
	['truncated by a paragraph', image(size => 68096 - 16), qr/is truncated/],
	['no setup_sects means 4', image(setup_sects => 0, size => 60000), qr/header says 68096$/],
	['old', image(version => 0x208), qr/boot protocol 2\.08 is too old: setup_data/],
	['32 bit by protocol', image(version => 0x20a), qr/is not a 64-bit kernel/],
	['32 bit', image(xloadflags => 2), qr/is not a 64-bit kernel/],
	['not above 4G', image(xloadflags => 1), qr/is not relocatable/],
	['not relocatable', image(relocatable => 0), qr/is not relocatable/],
	['zImage', image(loadflags => 0), qr/is not relocatable/],
	['short header', image(jump => 0x50), qr/setup header ends at 0x252, before init_size/],
	['no kernel', image(syssize => 0), qr/syssize is 0/],
	['no init_size', image(init_size => 0), qr/init_size is 0/],
	['too big', image(init_size => 0x10000000), qr/needs 259 MiB, but scratch has 256 MiB: khoctl scratch 259M$/],
);
loaded(0);
for (@refused) {
	my ($name, $bytes, $why) = @$_;

	load_is($name, 'good', ['--append', 'a', spew("$dir/bad", $bytes)], 1,
		undef, qr/^khoctl load: \Q$dir\E\/bad:? .*$why|\Q$dir\E\/bad: $why/m);
	is(slurp($log), undef, "$name: kexec has not been called");
}
# The signature for Secure Boot follows the kernel.
load_is('with more at its end', 'good',
	['--append', 'a', spew("$dir/signed", image() . 'x' x 999)], 0,
	qr/loaded/, undef);
loaded(0);

open(my $big, '>', "$dir/big") or die;
print $big initramfs(5120);
truncate($big, 300 << 20);
close($big);
load_is('an initrd too big', 'good',
	['--append', 'a', '--initrd', "$dir/big", $bz], 1, undef,
	qr/with its initrd needs 307 MiB, .*: khoctl scratch 307M$/);
loaded(1);
load_is('too big, and one is loaded', 'good',
	['--append', 'a', '--initrd', "$dir/big", $bz], 1, undef,
	qr/needs 307 MiB, .*: khoctl unload, then khoctl scratch 307M$/);
loaded(0);
load_is('too big for an older module', 'good',
	['--append', 'a', '--initrd', "$dir/big", $bz], 1, undef,
	qr/needs 307 MiB, .*: load the module with scratch_mib=307$/, { KHO_FAKE_NO_GROW => 1 });
load_is('scratch moves before loading begins', 'good', ['--append', 'a', $bz], 1, undef,
	qr/scratch has changed meanwhile: load it again/,
	{ KHO_FAKE_MOVED_SCRATCH => '0x80000000:0x10000000' });
is(slurp($log), undef, 'kexec has not been called');
load_is('no initrd', 'good', ['--append', 'a', '--initrd', "$dir/none", $bz],
	1, undef, qr/none: No such file/);
load_is('no kernel', 'good', ["$dir/none"], 1, undef, qr/none: No such file/);
load_is('a directory', 'good', [$dir], 1, undef, qr/is not a regular file/);
load_is('a long command line', 'good', ['--append', 'x' x 2047, $bz], 1, undef,
	qr/--append: 2048 bytes with the final NUL, and kexec passes at most 2047/);
load_is('a newline', 'good', ['--append', "a\nnr_segments = 1", $bz], 1, undef,
	qr/--append: has a newline/);
load_is('frozen', 'good', [$bz], 1, undef, qr/is going down: it is too late/,
	{ KHO_FAKE_FROZEN => 1 });
load_is('no setup node', 'good', [$bz], 1, undef, qr/no setup_data node/,
	{ KHO_FAKE_SETUP => 0 });
load_is('no scratch', 'good', [$bz], 1, undef, qr/no scratch area: release what is not needed, or see khoctl scratch/,
	{ KHO_FAKE_SCRATCH => '0:0' });
load_is('no scratch, older module', 'good', [$bz], 1, undef, qr/no scratch area: load it with scratch_mib=N/,
	{ KHO_FAKE_SCRATCH => '0:0', KHO_FAKE_NO_SCRATCH => 1 });
load_is('scratch that is found', 'good', [$bz], 0, qr/all inside scratch/, qr//,
	{ KHO_FAKE_SCRATCH => '0:0',
	  KHO_FAKE_FOUND_SCRATCH => '0x40000000:0x10000000' });
load_is('scratch beyond all', 'good', [$bz], 1, undef, qr/impossible scratch/,
	{ KHO_FAKE_SCRATCH => '0xfffffffffffff000:0x2000' });
spew("$root/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
load_is('lockdown', 'good', ['--append', 'a', $bz], 1, undef,
	qr/locked down, which forbids kexec_load/);
{
	# The module announces, so the image is loaded as it is.
	my %by_file = (KHO_FAKE_FILE_LOAD => 'yes', KHO_FAKE_IMAGES => "$dir/images");

	loaded(0);
	load_is('lockdown, by file', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m, undef,
		\%by_file);
	is(slurp($log), "-s\n-l\n$bz\n--append=a\n", 'the command');
	is(slurp("$log.image"), image(), 'the image is as it was');
	is(slurp("$dir/images"), "0\n1 by file\n2\n", 'and the module knows of it');
	unlink("$dir/images");
	loaded(0);
	load_is('lockdown, by file, but it gets nothing', 'good', ['--append', 'a', $bz], 1,
		undef, qr/nothing is handed over to it: .*log says why\n.*unloaded again/,
		{ %by_file, KHO_FAKE_FILE_LOAD => 'lost' });
	is(loaded(), 0, 'it is not loaded');
	is(slurp("$dir/images"), "0\n1 by file\n2\n0\n", 'and the module knows of that');
	unlink("$dir/images");
	dev_is('check --target under lockdown, by file', ['check', '--target', $bz, '--append', 'a'], 0,
	       qr/^ok    lockdown     integrity: .*kexec_file_load.*^warn  signature    not checked/ms,
	       undef, \%by_file);
}
spew("$root/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
load_is('lockdown for confidentiality', 'good', ['--append', 'a', $bz], 1, undef,
	qr/locked down, which forbids kexec_load/);
spew("$root/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
load_is('no lockdown', 'good', ['--append', 'a', '--dry-run', $bz], 0,
	qr/command/, undef);
spew("$root/proc/sys/kernel/kexec_load_disabled", "1\n");
load_is('disabled', 'good', ['--append', 'a', $bz], 1, undef,
	qr/kernel\.kexec_load_disabled is 1/);
spew("$root/proc/sys/kernel/kexec_load_disabled", "0\n");

# memmap([START, END, TYPE]...): makes the memory map that firmware has reported, which
# khoctl compares with /proc/iomem
sub memmap {
	my $n = 0;

	system('rm', '-rf', "$root/sys/firmware/memmap");
	for (@_) {
		my ($start, $end, $type) = @$_;
		my $entry = "$root/sys/firmware/memmap/" . $n++;

		system('mkdir', '-p', $entry);
		spew("$entry/start", sprintf("0x%x\n", $start));
		spew("$entry/end", sprintf("0x%x\n", $end));
		spew("$entry/type", "$type\n");
	}
}
no warnings 'portable';
my @firmware = ([0x100000, 0x3fffffff, 'System RAM'], [0, 0x9ffff, 'System RAM'],
		[0x40000000, 0x7fffffff, 'System RAM'], [0x80000000, 0x8fffffff, 'Reserved'],
		[0x100000000, 0x13fffffff, 'System RAM']);
my $ram = "00001000-0009ffff : System RAM\n00100000-7fffffff : System RAM\n" .
	"  01000000-01ffffff : Kernel code\n90000000-afffffff : System RAM (virtio_mem)\n" .
	"100000000-13fffffff : System RAM\n";
spew("$root/proc/iomem", $ram);
spew("$root/proc/cmdline", "quiet\n");
memmap(@firmware);
loaded(0);
load_is('all memory is told of', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m, undef);
dev_is('check: all memory is told of', ['check'], 1, qr/^(?!.*memory map)/s);
spew("$root/proc/iomem", $ram . "140000000-147ffffff : System RAM\n");
loaded(0);
load_is('memory that is not told of', 'good', ['--append', 'a', $bz], 1, undef,
	qr/not told of RAM at 0x140000000 to 0x147ffffff: .*memmap has none.*load again/);
is(loaded(), 0, 'nothing is loaded then');
dev_is('check: memory that is not told of', ['check'], 1,
       qr/^FAIL  memory map   the next kernel is not told of RAM at 0x140000000/m);
spew("$root/proc/cmdline", "quiet memmap=1G%5G\n");
loaded(0);
load_is('the user tells of it', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m, undef);
spew("$root/proc/cmdline", "quiet\n");
spew("$root/proc/iomem", $ram =~ s/100000000-13fffffff/100000000-137ffffff/r);
loaded(0);
load_is('memory that was taken out', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m,
	qr/warning: the next kernel is told of RAM at 0x138000000 to 0x13fffffff, which is not there/);
dev_is('check: memory that was taken out', ['check'], 1,
       qr/^warn  memory map   the next kernel is told of RAM at 0x138000000/mi);
# RAM in a CXL window
spew("$root/proc/iomem", $ram =~
     s/(?=100000000-)(.*)/"100000000-1ffffffff : CXL Window 0\n  $1"/er);
loaded(0);
load_is('RAM in something larger', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m,
	qr/^(?!.*told of RAM)/s);
# Memory is removed in whole blocks: if less is missing, the kernel itself hides it.
spew("$root/proc/iomem", $ram =~ s/100000000-13fffffff/100000000-13effffff/r);
loaded(0);
load_is('less than a block', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m, undef);
memmap();
loaded(0);
load_is('no memory map', 'good', ['--append', 'a', $bz], 0, qr/^loaded/m, undef);
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");

dev_is('load: no kexec program', ['load', '--kexec', "$dir/none", '--append',
       'a', $bz], 1, undef, qr/none: no such program .*apt install kexec-tools/);
unlink("$root/sys/kernel/kexec_loaded");
load_is('a kernel without kexec', 'good', [$bz], 1, undef, qr/CONFIG_KEXEC/);

# ---- unload ----

my %kexec_env = (FAKE_KEXEC => 'good', FAKE_LOG => $log);
loaded(1);
dev_is('unload', ['unload', '--kexec', $kexec], 0, undef, undef, { %kexec_env });
is(loaded(), 0, 'unloaded');
unlink($log);
dev_is('unload: nothing there', ['unload', '--kexec', $kexec], 0, undef, undef,
       { %kexec_env });
is(slurp($log), undef, 'unload: kexec has not been called');
loaded(1);
dev_is('unload: fails', ['unload', '--kexec', $kexec], 1, undef,
       qr/exit status 1/, { %kexec_env, FAKE_KEXEC => 'no-unload' });

# ---- scratch ----

dev_is('scratch: there is some', ['scratch'], 0,
       qr/^scratch     256 MiB, of which this kernel uses 128 MiB itself until the jump$/);
dev_is('scratch: none can be had', ['scratch'], 1, undef,
       qr/no such piece of memory is available/, { KHO_FAKE_SCRATCH => '0:0' });
dev_is('scratch: it is found', ['scratch', '--json'], 0,
       qr/"scratch_addr": 1073741824,\n  "scratch_bytes": 67108864,\n  "held_bytes": 33554432,/,
       undef, { KHO_FAKE_SCRATCH => '0:0',
		KHO_FAKE_FOUND_SCRATCH => '0x40000000:0x4000000' });
mkdir("$root/run");
my %larger = (KHO_FAKE_FOUND_SCRATCH => '0x80000000:0x40000000', KHO_FAKE_IMAGES => "$dir/images");
loaded(0);
unlink("$dir/images");
dev_is('scratch: there is enough', ['scratch', '256M'], 0, qr/^scratch     256 MiB/, undef,
       \%larger);
is(slurp("$dir/images"), undef, 'which has nothing to do with what is loaded');
dev_is('scratch: it grows', ['scratch', '1G'], 0, qr/^scratch     1 GiB/, undef, \%larger);
is(slurp("$dir/images"), "0\n", 'what the module knew of a kernel is forgotten');
dev_is('scratch: it does not grow so much', ['scratch', '2G'], 1, undef,
       qr/no such piece of memory is available: release something/, \%larger);
dev_is('scratch: envelopes are being freed', ['scratch', '2G'], 1, undef,
       qr/no such piece of memory is available yet: envelopes are being freed$/m,
       { %larger, KHO_FAKE_RELEASE => '1:2000:1000' });
loaded(1);
unlink("$dir/images");
dev_is('scratch: a kernel is loaded there', ['scratch', '1G'], 1, undef,
       qr/scratch stays as it is while a kernel is loaded there: khoctl unload first/, \%larger);
is(slurp("$dir/images"), undef, 'and the module is told nothing else');
dev_is('scratch: enough, with a kernel loaded', ['scratch', '1M'], 0, qr/^scratch     256 MiB/);
loaded(0);
dev_is('scratch: the module knows of a kernel', ['scratch', '1G'], 1, undef,
       qr/while a kernel is loaded there: khoctl unload first/,
       { %larger, KHO_FAKE_FAIL => '89:' . EBUSY });
unlink("$dir/images");
dev_is('scratch: it can not grow', ['scratch', '1G'], 1, undef,
       qr/this module can't make it larger: see scratch_mib=N/,
       { %larger, KHO_FAKE_NO_GROW => 1 });
is(slurp("$dir/images"), undef, 'and the module is told nothing');
dev_is('scratch: an older module', ['scratch'], 1, undef,
       qr/the module is older than khoctl/, { KHO_FAKE_NO_SCRATCH => 1 });
dev_is('scratch: no size', ['scratch', '0'], 2, undef, qr/'0' is not a size/);
dev_is('scratch: too many arguments', ['scratch', '1M', '2M'], 2, undef,
       qr/too many arguments: '2M'/);

# ---- check ----

sub check_is {
	my ($name, $status, $out, $env) = @_;

	return dev_is("check: $name", ['check', '--kexec', $kexec], $status,
		      $out, undef, { %kexec_env, %{$env // {}} });
}

loaded(0);
spew("$root/proc/sys/kernel/osrelease", "6.1.0-9-test\n");
spew("$root/proc/cmdline", "quiet\n");
mkdir("$root/sys/module/kho");
spew("$root/sys/module/kho/version", "0.1.0\n");
my $out = check_is('all is well', 0, qr/\nA handover is possible, once khoctl load has loaded the next kernel\.\n$/);
unlike($out, qr/FAIL|warn/, 'check: nothing to complain of');
like($out, qr/^ok    module       loaded, version 0\.1\.0$/m, 'check: module');
like($out, qr/^ok    kexec-tools  \Q$kexec\E, kexec-tools 2\.0\.25$/m,
     'check: kexec-tools');
dev_is('check --json', ['check', '--json', '--kexec', $kexec], 0,
       qr/"name": "scratch",\n      "result": "ok",.*"ok": true/s, undef,
       { %kexec_env });
spew("$root/boot/vmlinuz-6.1.0-9-test", image());
check_is('scratch is enough', 0, qr/^ok    scratch      256 MiB; a kernel like this one needs 7 MiB/m);
check_is('scratch is not enough', 0,
	 qr/^warn  scratch      4 MiB; .* needs 7 MiB .*\n +-> khoctl scratch 7M$/m,
	 { KHO_FAKE_SCRATCH => '0x40000000:0x400000' });
check_is('refused', 4, qr/^warn  arrival .*refused: FDT magic is wrong\\x1b/m,
	 { KHO_FAKE_ARRIVAL => 'refused' });
check_is('arrived', 0, qr/^ok    arrival .*6\.1\.0-fake was taken over$/m,
	 { KHO_FAKE_ARRIVAL => 'taken' });
check_is('off', 0, qr/^warn  arrival .*turned off/m,
	 { KHO_FAKE_ARRIVAL => 'off' });
check_is('frozen', 1, qr/^FAIL  device .*frozen/m, { KHO_FAKE_FROZEN => 1 });
check_is('no setup node', 1, qr/^FAIL  setup_data/m, { KHO_FAKE_SETUP => 0 });
check_is('old kexec-tools', 1, qr/^FAIL  kexec-tools .*does not know --mem-min/m,
	 { FAKE_KEXEC => 'old' });
check_is('no permission', 1, qr/^FAIL  device .*not permitted/m,
	 { KHO_FAKE_FAIL => '64:' . EPERM });
dev_is('check: no kexec-tools', ['check', '--kexec', "$dir/none"], 1,
       qr/^FAIL  kexec-tools .*\n +-> apt install kexec-tools$/m, undef);
dev_is('check: no device', ['check', '--kexec', $kexec, '--device',
       "$dir/none"], 1, qr/^FAIL  device .*No such file/m, undef,
       { %kexec_env });
spew("$root/boot/config-6.1.0-9-test", "CONFIG_KEXEC_HANDOVER=y\n");
check_is('KHO of its own, off', 1,
	 qr/^FAIL  own KHO .* is off\n +-> boot with kho=on$/m);
for (['kho=on', 0], ['quiet kho=1', 0], ['kho=on kho=off', 1],
     ['xkho=on', 1], ['kho=off kho=Y', 0]) {
	my ($words, $status) = @$_;

	spew("$root/proc/cmdline", "$words\n");
	check_is("KHO of its own, $words", $status, qr/own KHO/);
}
spew("$root/proc/cmdline", "kho=on\n");
check_is('KHO of its own, on', 0,
	 qr/^ok    own KHO      the kernel has KHO: the module uses it$/m);
check_is('its scratch', 0, qr/^ok    scratch      the kernel's own$/m,
	 { KHO_FAKE_BACKEND => 'kernel' });
spew("$root/proc/cmdline", "quiet\n");
dev_is('status: no device, KHO off', ['status', '--device', "$dir/none"], 1,
       undef, qr/is off: boot with kho=on, then 'modprobe kho'$/);
dev_is('status: KHO off, says the device', ['status'], 1, undef,
       qr/not supported here, .* boot with kho=on\)$/,
       { KHO_FAKE_FAIL => '64:' . EOPNOTSUPP });
spew("$root/boot/config-6.1.0-9-test",
     "CONFIG_KEXEC_HANDOVER=y\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n");
check_is('KHO of its own, on by default', 0, qr/^ok    own KHO/m);
spew("$root/boot/config-6.1.0-9-test", "# CONFIG_KEXEC_HANDOVER is not set\n");
check_is('no KHO of its own', 0, qr/^ok    own KHO/m);
spew("$root/proc/cmdline", "mem_encrypt=on\n");
check_is('encrypted', 1, qr/^FAIL  memory .*SME/m);
spew("$root/proc/cmdline", "quiet\n");
spew("$root/dev/sev-guest", '');
check_is('encrypted guest', 1, qr/^FAIL  memory .*SEV guest/m);
unlink("$root/dev/sev-guest");
spew("$root/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
check_is('lockdown', 1, qr/^FAIL  lockdown     confidentiality/m);
# It gives a single piece of advice, one that can work.
# Whatever khoctl load refuses, check --target must not call possible.
{
	my $disabled = "$root/proc/sys/kernel/kexec_load_disabled";
	my $lockdown = "$root/sys/kernel/security/lockdown";
	my $before = slurp($lockdown);

	spew($lockdown, "[none] integrity\n");
	dev_is('check --target: good', ['check', '--target', $bz, '--append', 'a'], 0,
	       qr/\n\nA handover to it is possible\.\n$/);
	spew($disabled, "1\n");
	dev_is('check --target: no kernel may be loaded', ['check', '--target', $bz, '--append', 'a'], 1,
	       qr/^FAIL  sysctl       kernel\.kexec_load_disabled is 1.*not possible yet/ms);
	unlink($disabled);
	dev_is('check --target: frozen', ['check', '--target', $bz, '--append', 'a'], 1,
	       qr/^FAIL  device       .*: frozen/m, undef, { KHO_FAKE_FROZEN => 1 });
	dev_is('check --target: no node', ['check', '--target', $bz, '--append', 'a'], 1,
	       qr/^FAIL  setup_data   the module publishes no node/m, undef, { KHO_FAKE_SETUP => 0 });
	dev_is("check: a user's", ['check', '--kexec', $kexec], 1,
	       qr/^FAIL  setup_data   only root can see .*\n +-> run khoctl as root$/m, undef,
	       { FAKE_KEXEC => 'good', FAKE_LOG => $log, KHO_FAKE_USER => 1 });
	load_is("a user's", 'good', ['--append', 'a', $bz], 1, undef,
		qr/not permitted: this needs CAP_SYS_ADMIN/, { KHO_FAKE_USER => 1 });
	spew($lockdown, $before);
}

unlink("$root/sys/module/kho/version");
rmdir("$root/sys/module/kho");
$out = check_is('lockdown, and no module', 1, qr/^FAIL  module       not loaded, and can't be while/m);
is(scalar(() = $out =~ /^ +->/mg), 1, 'lockdown: one advice');
unlike($out, qr/modprobe/, 'and not to load the module');
mkdir("$root/sys/module/kho");
spew("$root/sys/module/kho/version", "0.1.0\n");
dev_is('check --target under lockdown', ['check', '--target', $bz], 1,
       qr/^FAIL  lockdown     confidentiality: kexec_load is forbidden\n +-> turn Secure Boot off/m,
       undef, {});
unlink("$root/sys/kernel/security/lockdown");
spew("$root/proc/sys/kernel/kexec_load_disabled", "1\n");
check_is('disabled', 1, qr/^FAIL  sysctl .*kexec_load_disabled is 1/m);
unlink("$root/proc/sys/kernel/kexec_load_disabled");
unlink("$root/sys/kernel/kexec_loaded");
dev_is('check --target: no kexec', ['check', '--target', $bz], 1, qr/^FAIL  kexec /m);
check_is('no kexec', 1, qr/^FAIL  kexec /m);
loaded(0);
spew("$root/proc/sys/kernel/osrelease", "5.4.0-9-test\n");
check_is('old kernel', 1, qr/^FAIL  kernel       5\.4\.0-9-test is older than 5\.10/m);
spew("$root/proc/sys/kernel/osrelease", "6.1.0-9-test\n");

unlink("$root/sys/module/kho/version");
rmdir("$root/sys/module/kho");
remove_tree("$root/lib/modules", { keep_root => 1 });
check_is('not installed', 1, qr/^FAIL  module       not installed/m);
mkdir("$root/lib/modules/$_") for qw(6.1.0-8-test 6.1.0-9-test
				     6.1.0-8-test/updates 6.1.0-9-test/updates);
spew("$root/lib/modules/6.1.0-8-test/updates/kho.ko", '');
check_is('for another kernel', 1,
	 qr/^FAIL  module       not built for this kernel.*6\.1\.0-8-test.*\n +-> .*dkms autoinstall -k 6\.1\.0-9-test$/m);
spew("$root/lib/modules/6.1.0-9-test/updates/kho.ko.xz", '');
check_is('not loaded', 1,
	 qr/^FAIL  module       not loaded, but installed.*kho\.ko\.xz\n +-> modprobe kho$/m);
# khoctl upgrade has ended halfway.
{
	my $iomem = slurp("$root/proc/iomem");

	spew("$root/proc/iomem", "$iomem  01234000-01234fff : kho: left for the next kho.ko\n");
	check_is('what a module has left waits', 1,
		 qr/^warn  handover     what a module held .* do not reboot\n +-> modprobe kho$/m);
	khoctl_is('status: what a module has left', ['status', '--device', '/nonexistent'], 1, undef,
		  qr/no such device: .* what it held is still in place: 'modprobe kho'; do not reboot$/,
		  { KHO_SYSROOT => $root });
	spew("$root/proc/iomem", $iomem);
}

done_testing();
