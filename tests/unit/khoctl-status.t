#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl status and check: whose kernel is loaded, and what their exit statuses say, with a
# fake device, a fake kexec and made-up kernel memory.
use strict;
use warnings;
no warnings 'portable';
use Cwd qw(abs_path);
use Fcntl qw(:flock);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");
spew("$root/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
spew("$root/proc/sys/kernel/osrelease", "6.1.0-9-test\n");
mkdir("$root/sys/module/kho");

my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $bz = spew("$dir/bzImage", image());
my $record = "$root/run/kho/loaded.json";
my %env = (FAKE_KEXEC => 'good', FAKE_LOG => "$dir/kexec.log");

# ---- Made-up kernel memory ----

my $variable = 0xffffffff82001000;
my $image_at = 0xffff888012345000;

# The segments that the fake kexec prints
my @ours = ([0x7f0000000000, 0x1000, 0x40000000, 0x400000],
	    [0x7f0000000000, 0x1000, 0x4fff0000, 0x10000],
	    [0x7f0000000000, 0x1000, 0x4ffe0000, 0x10000]);
my @others = ([0x7e0000000000, 0x1000, 0x10000000, 0x400000],
	      [0x7e0000001000, 0x1000, 0x20000000, 0x10000]);

# kimage(head, segments): what the kernel has at kexec_image
sub kimage {
	my ($head, @segs) = @_;
	my $image = pack('Q<9', $head, $head + 8, $head + 16, 0x4fffd1a0, 0xffffea0000001000,
			 0, 0, 0, scalar(@segs));

	$image .= pack('Q<4', @$_) for @segs;
	return $image . "\0" x (1024 - length $image);
}

# kernel_memory(image or undef, where it is): writes /proc/kallsyms and /proc/kcore
sub kernel_memory {
	my ($image, $at) = @_;
	my @parts = ([$variable & ~0xfff, pack('Q<', 0) x 512],
		     [$image_at & ~0xfff, "\0" x 8192]);

	$at //= $image_at;
	if (defined $image) {
		substr($parts[0][1], $variable & 0xfff, 8) = pack('Q<', $at);
		substr($parts[1][1], $at - ($image_at & ~0xfff), 1024) = $image;
	}
	my $offset = 64 + 56 * @parts;
	my ($head, $data) = ('', '');

	for (@parts) {
		$head .= pack('L<L<Q<6', 1, 6, $offset + length($data), $_->[0], 0,
			      length $_->[1], length $_->[1], 0x1000);
		$data .= $_->[1];
	}
	spew("$root/proc/kcore", "\177ELF\2\1\1" . "\0" x 9 .
	     pack('S<2L<Q<3L<S<6', 4, 62, 1, 0, 64, 0, 0, 64, 56, scalar(@parts), 0, 0, 0) .
	     $head . $data);
	spew("$root/proc/kallsyms",
	     sprintf("%016x t kexec_image\t[odd]\n%016x t kexec_image_x\n%016x B kexec_image\n",
		     1, 2, $variable));
	return;
}

sub load_is {
	my ($name, $status, $err, $env) = @_;

	return dev_is("load: $name", ['load', '--kexec', $kexec, '--append', 'a', $bz], $status,
		      $status ? undef : qr/^image/, $err, { %env, %{$env // {}} });
}

# next_is(name, exit status, pattern, environment): what status, check and their kinds of
# output say of the next kernel
sub next_is {
	my ($name, $status, $word, $text, $env) = @_;

	$env = { %env, KHO_FAKE_IMAGE => 2, %{$env // {}} };
	dev_is("status: $name", ['status'], $status, qr/^next kernel $text/m, undef, $env);
	dev_is("status --quiet: $name", ['status', '--quiet'], $status, undef, undef, $env);
	dev_is("status --json: $name", ['status', '--json'], $status,
	       qr/"next_kernel": "$word",.*"health": "@{[ $status == 3 ? 'unsafe' : 'healthy' ]}"/s,
	       undef, $env);
	my $sure = $word !~ /^(unverified|kernel)$/;
	my $sentence = $status == 3 ? 'NOT SAFE TO JUMP: ' : !$sure ?
		'A handover is possible, but the loaded kernel may not get it' :
		'A handover is possible, (and|once)';
	my $line = $status == 3 ? 'FAIL' : !$sure ? 'warn' : '(ok|warn)';

	dev_is("check: $name", ['check', '--kexec', $kexec], $status,
	       qr/^$line +next kernel +$text.*\n\n$sentence[^\n]*\.\n$/ms, undef, $env);
	return;
}

# ---- Whose kernel it is ----

spew("$dir/fake/objects/one", 'x' x 5000);
loaded(0);
kernel_memory(undef);
next_is('none is loaded', 0, 'none', 'not loaded', { KHO_FAKE_IMAGE => 0 });

kernel_memory(kimage(0x1000, @ours));
load_is('good', 0, undef);
is((stat($record))[2] & 0777, 0600, 'the record is root\'s');
like(slurp($record), qr/"setup_addr": *1048576,.*"segments": *\[\s*\{\s*"addr": *1073741824,\s*"bytes": *4194304/s,
     'it has what was loaded');
next_is('ours', 0, 'ours', qr/loaded by khoctl: Linux 6\.1\.0-successor from \Q$bz\E, 20/);

kernel_memory(kimage(0x9000, @others), $image_at + 0x400);
next_is('replaced', 3, 'other', 'loaded, BUT not by khoctl: another program has replaced');
# kexec -u frees the image, and the next one may get the same memory.
kernel_memory(kimage(0x1000, @others));
next_is('replaced, at the same place', 3, 'other', 'loaded, BUT not by khoctl: another program');
kernel_memory(kimage(0x9000, @ours));
next_is('the same kernel, loaded by another', 3, 'other', 'loaded, BUT not by khoctl: another');
kernel_memory(kimage(0x1000, @ours), $image_at + 0x400);
next_is('elsewhere', 3, 'other', 'loaded, BUT not by khoctl: another');
{
	rename("$dir/fake/objects/one", "$dir/one");
	next_is('replaced, but nothing is preserved', 0, 'other', 'loaded, BUT not by khoctl');
	next_is('replaced, and another kernel module preserves something', 3, 'other',
		'loaded, BUT not by khoctl', { KHO_FAKE_OTHER_PAGES => 100 });
	rename("$dir/one", "$dir/fake/objects/one");
}

kernel_memory(kimage(0x1000, @ours));
unlink($record);
next_is('the module knows of none', 3, 'other',
	'loaded, BUT not by khoctl: nothing is handed over', { KHO_FAKE_IMAGE => 0 });
load_is('again', 0, undef);
next_is('the module was loaded again', 3, 'stale',
	'loaded, BUT the module was loaded again since',
	{ KHO_FAKE_IMAGE => 0, KHO_FAKE_SETUP => '0x200000' });
next_is('memory was added', 3, 'stale', 'loaded, BUT memory was added or removed since',
	{ KHO_FAKE_IMAGE => 3 });
next_is('scratch was moved', 3, 'stale', 'loaded, BUT scratch, where it lies, was moved',
	{ KHO_FAKE_SCRATCH => '0x60000000:0x10000000' });
next_is('scratch has shrunk', 3, 'stale', 'loaded, BUT scratch, where it lies, was moved',
	{ KHO_FAKE_SCRATCH => '0x40000000:0xfff0000' });
next_is('scratch has grown', 0, 'ours', 'loaded by khoctl',
	{ KHO_FAKE_SCRATCH => '0x30000000:0x40000000' });
next_is('another life, and the module says loaded', 0, 'unverified',
	'loaded; whether by khoctl is not known: .*is about another kernel',
	{ KHO_FAKE_SETUP => '0x200000' });
next_is('of a module that can not be told', 0, 'ours', 'loaded by khoctl',
	{ KHO_FAKE_NO_IMAGE => 1 });

# ---- More is preserved than when it was loaded ----

# A stock kernel boots in what is outside of envelopes.
{
	my @grown = (KHO_FAKE_ENV_PAGES => 1020000);

	load_is('envelopes grow', 0, undef, { KHO_FAKE_ENV_PAGES => 1000 });
	next_is('still enough RAM', 0, 'ours', 'loaded by khoctl', { KHO_FAKE_ENV_PAGES => 900000 });
	next_is('too little RAM is left', 3, 'stale',
		qr/loaded, BUT more is preserved since: its boot needs about 166 MiB, and 111\.6 MiB are left outside of the envelopes: preserve less/,
		{ @grown });
	like(slurp($record), qr/"ram_needed_bytes": *\d/, 'the record has what it needs');
	load_is('it could not be loaded now', 1, qr/its boot needs about 166 MiB/, { @grown });
	next_is('and what was loaded is no better', 3, 'stale', 'loaded, BUT more is preserved since', { @grown });
	next_is('less is preserved again', 0, 'ours', 'loaded by khoctl', { KHO_FAKE_ENV_PAGES => 900000 });
	spew("$root/proc/vmstat", "balloon_inflate 900000\nballoon_deflate 0\n");
	next_is('a balloon has taken it', 3, 'stale', 'loaded, BUT more is preserved since',
		{ KHO_FAKE_ENV_PAGES => 130000 });
	unlink("$root/proc/vmstat");
	dev_is('load: by force', ['load', '--force', '--kexec', $kexec, '--append', 'a', $bz], 0,
	       qr/^image/, qr/warning: its boot needs/, { %env, @grown });
	next_is('the administrator takes the risk', 0, 'ours', 'loaded by khoctl', { @grown });
	load_is('again', 0, undef);
	my $good = slurp($record);

	spew($record, $good =~ s/"ram_needed_bytes": *\d+,\s*//r =~ s/"ram_bytes": *\d+,\s*//r);
	next_is('the record of an earlier khoctl', 0, 'ours', 'loaded by khoctl', { @grown });
	spew($record, $good);
	# By its command line, it has 1 GiB less.
	mkdir("$root/sys/firmware");
	mkdir("$root/sys/firmware/memmap");
	mkdir("$root/sys/firmware/memmap/0");
	spew("$root/sys/firmware/memmap/0/$_->[0]", "$_->[1]\n")
		for ['start', '0x0'], ['end', '0xffffffff'], ['type', 'System RAM'];
	dev_is('load: mem=3G', ['load', '--kexec', $kexec, '--append', 'mem=3G', $bz], 0,
	       qr/^image/, undef, \%env);
	next_is('mem=3G, enough', 0, 'ours', 'loaded by khoctl', { KHO_FAKE_ENV_PAGES => 700000 });
	next_is('mem=3G, too little', 3, 'stale', 'loaded, BUT more is preserved since',
		{ KHO_FAKE_ENV_PAGES => 760000 });
	# Some of it is reserved there, or taken.
	for my $word ('memmap=64M$0x70000000', 'memmap=64M!0x70000000', 'crashkernel=64M@0x70000000') {
		my %inside = (KHO_FAKE_ENVELOPES => '0x60000000:0x200000,0x73e00000:0x400000');
		my %outside = (KHO_FAKE_ENVELOPES => '0x60000000:0x200000,0x74000000:0x400000');

		dev_is("load: $word", ['load', '--kexec', $kexec, '--append', $word, $bz], 0,
		       qr/^image/, undef, \%env);
		next_is("$word: elsewhere", 0, 'ours', 'loaded by khoctl', \%outside);
		next_is("$word: there", 3, 'stale',
			'loaded, BUT more is preserved since, where its command line leaves no memory',
			\%inside);
		dev_is("load: $word, by force", ['load', '--force', '--kexec', $kexec, '--append',
						 $word, $bz], 0, qr/^image/, qr/warning/,
		       { %env, %inside });
		next_is("$word: by force", 0, 'ours', 'loaded by khoctl', \%inside);
	}
	system("rm -r $root/sys/firmware");
	load_is('good', 0, undef);
}

# ---- What can't be seen ----

spew("$root/proc/kcore", '');
next_is('no kcore', 0, 'unverified', 'loaded by khoctl: .*; whether another program');
spew("$root/proc/kcore", 'x' x 200);
next_is('a bad kcore', 0, 'unverified', 'loaded by khoctl: .*; whether another program');
kernel_memory(kimage(0x1000, @ours));
for (['not JSON', '{'], ['a list', '[]'], ['nothing', ''], ['a version to come', '{"version": 2}'],
     ['segments are none', slurp($record) =~ s/"segments":.*/"segments": 1}/sr],
     ['a segment is none', slurp($record) =~ s/"segments":.*/"segments": [7]}/sr],
     ['a number is text', slurp($record) =~ s/"identity": *\d+/"identity": "1"/r],
     ['the id of a boot is long', slurp($record) =~ s/11111111/1 x 60/er]) {
	my $good = slurp($record);

	spew($record, $_->[1]);
	next_is("record: $_->[0]", 0, 'unverified', 'loaded; whether by khoctl is not known');
	spew($record, $good);
}
{
	my $good = slurp($record);

	spew($record, $good =~ s/\Q$bz\E/\\u001b[2Jx/r);
	next_is('record: a hostile path', 0, 'ours', qr/.* from \\x1b\[2Jx, /);
	spew($record, $good);
}
spew("$root/proc/sys/kernel/random/boot_id", "9\n");
next_is('record: of another boot', 0, 'unverified', '.*is about another kernel');
spew("$root/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");

# ---- Loading and unloading ----

dev_is('unload', ['unload', '--kexec', $kexec], 0, undef, undef, \%env);
ok(!-e $record, 'unload: the record is gone');
load_is('good', 0, undef);
# Whoever is quicker than khoctl
kernel_memory(kimage(0x1000, @others));
load_is('another program loads at the same time', 1,
	qr/another program has loaded another kernel meanwhile\n.*unloaded again/);
ok(!-e $record, 'the record is gone');
is(loaded(), 0, 'and nothing is loaded');
# A kernel of which khoctl does not know how it notes its image
kernel_memory("\0" x 1024);
load_is('a kernel of another kind', 0, undef);
next_is('it can not be told', 0, 'unverified', 'loaded by khoctl: .*that could not be seen');
spew("$root/proc/kallsyms", "0000000000000000 B kexec_image\n");
load_is('addresses are hidden', 0, undef);
next_is('likewise', 0, 'unverified', 'loaded by khoctl: .*that could not be seen');
system("rm -r $root/run/kho; : > $root/run/kho");
load_is('no record can be made', 0, qr/warning: cannot write .*loaded\.json: Not a directory/);
unlink("$root/run/kho");
kernel_memory(kimage(0x1000, @ours));
load_is('kexec fails', 1, qr/locate_hole failed/, { FAKE_KEXEC => 'fail' });

# While khoctl loads a kernel, module and record disagree.
load_is('good', 0, undef);
{
	open(my $lock, '>>', "$root/run/khoctl.lock") or die;
	flock($lock, LOCK_EX) or die;
	my $start = time();

	kernel_memory(kimage(0x9000, @others));
	if (!(my $pid = fork())) {
		sleep(1);
		kernel_memory(kimage(0x1000, @ours));
		POSIX::_exit(0);
	}
	dev_is('status: waits for khoctl load', ['status'], 0, qr/^next kernel loaded by khoctl/m,
	       undef, { %env, KHO_FAKE_IMAGE => 2 });
	wait();
}

# ---- In-kernel KHO ----

my %own = (KHO_FAKE_BACKEND => 'kernel', KHO_FAKE_IMAGE => 0, KHO_FAKE_SETUP => 0);
next_is('in-kernel KHO: ours', 0, 'ours', 'loaded by khoctl', \%own);
kernel_memory(kimage(0x9000, @others));
next_is('in-kernel KHO: another', 0, 'kernel', 'loaded, not by khoctl: in-kernel KHO', \%own);

# ---- The rest of the exit status ----

loaded(0);
dev_is('status: refused', ['status', '--quiet'], 4, undef, undef,
       { KHO_FAKE_ARRIVAL => 'refused' });
dev_is('status: refused, JSON', ['status', '--json'], 4, qr/"health": "refused"/, undef,
       { KHO_FAKE_ARRIVAL => 'refused' });
dev_is('check: refused', ['check', '--kexec', $kexec], 4,
       qr/\n\nA handover is possible, but what was sent .* refused: see arrival\.\n$/, undef,
       { %env, KHO_FAKE_ARRIVAL => 'refused' });
loaded(1);
dev_is('status: refused and not safe', ['status', '--quiet'], 3, undef, undef,
       { KHO_FAKE_ARRIVAL => 'refused', KHO_FAKE_IMAGE => 0 });
dev_is('check: not safe and not possible', ['check', '--kexec', '/none'], 3,
       qr/FAIL  kexec-tools.*\n\nNOT SAFE TO JUMP: .*\.\n$/s, undef,
       { %env, KHO_FAKE_IMAGE => 0 });
unlink($record);
dev_is('check: not possible', ['check', '--kexec', '/none'], 1,
       qr/\n\nA handover is not possible yet: see the lines marked FAIL\.\n$/, undef,
       { %env, KHO_FAKE_IMAGE => 2 });
dev_is('check --json: the sentence', ['check', '--json', '--kexec', $kexec], 3,
       qr/"verdict": "NOT SAFE TO JUMP: /, undef, { %env, KHO_FAKE_IMAGE => 0 });
dev_is('status: no device', ['status', '--quiet', '--device', '/nonexistent'], 1, undef,
       qr/nonexistent/);
dev_is('status: quiet JSON', ['status', '--quiet', '--json'], 2,
       qr/"schema": "error".*"exit_status": 2,/s, qr/exclude each other/);

done_testing();
