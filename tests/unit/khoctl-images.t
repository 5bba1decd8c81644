#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# Files that are no plain bzImage: unified kernel images, which are taken apart, EFI zboot
# images, which are unpacked, and all others, which are called what they are.
use strict;
use warnings;
use Cwd qw(abs_path);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root, @stub_strings);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $log = "$dir/kexec.log";
my $file = "$dir/kernel";
loaded(0);
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");
spew("$root/proc/cmdline", "root=/dev/sda quiet\n");

sub target_is {
	my ($name, $data, $status, $out, $err, @more) = @_;

	spew($file, $data) if defined $data;
	return dev_is("target: $name", ['check', '--target', $file, @more],
		      $status, $out, $err);
}

sub load_is {
	my ($name, $args, $status, $out, $err, $env) = @_;

	unlink($log, "$log.image", "$log.initrd");
	return dev_is("load: $name", ['load', '--kexec', $kexec, @$args, $file],
		      $status, $out, $err,
		      { FAKE_KEXEC => 'good', FAKE_LOG => $log, %{$env // {}} });
}

# bad_is(name, data, pattern): both verbs refuse it, and kexec is not called
sub bad_is {
	my ($name, $data, $why) = @_;

	target_is($name, $data, 1, undef, qr/^khoctl check: \Q$file\E: $why$/);
	load_is($name, ['--append', 'a', '--force'], 1, undef,
		qr/^khoctl load: \Q$file\E: $why$/);
	is(slurp($log), undef, "$name: kexec has not been called");
}

# pe({how}, [name, content, {header}]...): a PE file with these sections
sub pe {
	my ($how, @sections) = @_;
	my %set = (machine => 0x8664, at => 0x80, optional => 0xf0, nr => scalar @sections,
		   magic => "PE\0\0", %$how);
	my $table = $set{at} + 24 + $set{optional};
	my $data = "\0" x ($table + 40 * @sections);
	my $headers = '';

	for (@sections) {
		my ($name, $content, $header) = @$_;
		$data .= "\0" x (-length($data) & 511);
		my %h = (memory => length $content, offset => length $data,
			 size => (length($content) + 511) & ~511, %{$header // {}});

		$headers .= pack('a8 V4 x16', $name, $h{memory}, 0x1000, $h{size}, $h{offset});
		$data .= $content . "\0" x (-length($content) & 511);
	}
	substr($data, 0, 2) = 'MZ';
	substr($data, 0x3c, 4) = pack('V', $set{at});
	substr($data, $set{at}, 24) = pack('a4 v v x12 v v', $set{magic}, $set{machine},
					   $set{nr}, $set{optional}, 0x22);
	substr($data, $table, length $headers) = $headers;
	return $data;
}

my $bz = image();
# One byte more than what needs no padding
my $initrd = initramfs(9216) . "\0";
my @linux = ('.linux', $bz);
my @initrd = ('.initrd', $initrd);
my @cmdline = ('.cmdline', " root=/dev/vda\n\tquiet\n\0");
my $uki = pe({}, ['.text', 'x' x 700], ['.osrel', "ID=x\n"], ['.uname', '6.1.0'],
	     [@cmdline], [@initrd], [@linux]);

# ---- Unified kernel images ----

target_is('UKI', $uki, 0, qr/^ok    image        \Q$file\E, Linux 6\.1\.0-successor \(bzImage, boot protocol 2\.15, from a UKI\)\nok    kind         stock/);
# Its initrd of 9 KiB counts.
target_is('UKI, initrd', undef, 0, qr/^ok    scratch      256 MiB, of which 7 MiB are needed$/m);
like(target_is('UKI, JSON', undef, 0, qr/./, undef, '--json'), qr/"initrd": 9220,/,
     'the initrd counts');
load_is('UKI', [], 0, qr/^image     .* from a UKI\)\n.*^initrd    from the UKI, 9 KiB\ncmdline   from the UKI$/ms);
is(slurp("$log.image"), image(setup_data => 0x100000), 'the image is .linux, with setup_data');
is(slurp("$log.initrd"), $initrd . "\0" x (-length($initrd) & 3), 'the initrd is .initrd');
like(slurp($log), qr/^--append=root=\/dev\/vda  quiet$/m, 'the command line is .cmdline');
is(slurp($file), $uki, 'the file is as it was');
loaded(0);
spew("$dir/initrd", initramfs(2048));
load_is('UKI, others are given', ['--append', 'mine', '--initrd', "$dir/initrd"], 0,
	qr/^initrd    \Q$dir\E\/initrd, /m);
like(slurp($log), qr/^--initrd=\Q$dir\E\/initrd\n--append=mine$/m, 'they are used');
loaded(0);
load_is('UKI, no command line', ['--append', ''], 0, qr/^initrd    from the UKI/m);
like(slurp($log), qr/^--append=$/m, 'it is empty');
loaded(0);
load_is('UKI, --reuse-cmdline', ['--reuse-cmdline'], 0, qr/^initrd    from the UKI/m);
like(slurp($log), qr/^--reuse-cmdline$/m, 'it is reused');
unlike(slurp($log), qr/vda/, 'the UKI\'s is not');
loaded(0);
load_is('UKI, JSON', ['--json'], 0, qr/"from": "a UKI"/);
loaded(0);
load_is('UKI, --dry-run', ['--dry-run'], 0, qr/^command .* --initrd=\/proc\/self\/fd\/\d+ '--append=root=/m);
is(loaded(), 0, 'nothing is loaded');
load_is('UKI to a stock kernel, own KHO', [], 1, undef, qr/./, { KHO_FAKE_BACKEND => 'kernel' });
spew($file, pe({}, ['.linux', image(release => '6.1.192-kho',
	payload => gz(kernel_text('6.1.192-kho', @stub_strings)))], [@initrd], [@cmdline]));
load_is('UKI, own KHO', [], 0, qr/^loaded    by in-kernel KHO/m, undef,
	{ KHO_FAKE_BACKEND => 'kernel' });
like(slurp($log), qr/^-s\n-l\n\/proc\/self\/fd\/\d+\n--initrd=\/proc\/self\/fd\/\d+\n--append=root=/m,
     'the parts are loaded');
loaded(0);
spew($file, $uki);

spew($file, pe({}, [@linux]));
load_is('UKI without more', [], 0, qr/from a UKI/, qr/warning: neither --append nor --reuse/);
unlike(slurp($log), qr/initrd|append/, 'it has neither');
loaded(0);
my $ucode = cpio(entry('kernel/x86/microcode/GenuineIntel.bin', 'x' x 99, 0100644));
spew($file, pe({}, ['.ucode', $ucode], [@initrd], [@linux], ['.cmdline', 'a']));
load_is('UKI with microcode', [], 0, qr/^initrd    from the UKI/m);
is(slurp("$log.initrd"), "$ucode$initrd\0\0\0", 'microcode comes first');
loaded(0);
my $base = initramfs(1024);
spew($file, pe({}, [@linux], ['.cmdline', 'base'], ['.initrd', $base], ['.profile', 'ID=a'],
	       ['.cmdline', 'first'], ['.profile', 'ID=b'], ['.cmdline', 'second'],
	       ['.linux', 'second']));
load_is('UKI with profiles', [], 0, qr/from a UKI/);
like(slurp($log), qr/^--append=first$/m, 'the first one is used');
is(slurp("$log.initrd"), $base, 'and what is for all');
loaded(0);
target_is('UKI that is signed', $uki . "\0" x 4096 . 'signature', 0, qr/from a UKI/);
target_is('bzImage that is a PE file', do {
	my $data = $bz;
	substr($data, 0, 2) = 'MZ';
	substr($data, 0x3c, 4) = pack('V', 0x82);
	$data . 'signature' x 100;
}, 0, qr/\(bzImage, boot protocol 2\.15\)$/m);
target_is('.linux of which only the memory size counts', pe({},
	  ['.linux', $bz . "\0" x 512, { memory => length $bz }]), 0, qr/from a UKI/);
target_is('VirtualSize 0', pe({}, ['.linux', $bz, { memory => 0 }]), 0, qr/from a UKI/);
target_is('VirtualSize beyond the file', pe({}, ['.linux', $bz, { memory => 0xffffffff }]), 0,
	  qr/from a UKI/);
target_is('.initrd of no bytes', pe({}, [@linux], ['.initrd', '']), 0, qr/from a UKI/);

SKIP: {
	my $stub = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';

	skip('systemd-boot-efi or binutils is not installed', 3)
		unless -e $stub && -x '/usr/bin/objcopy';
	spew("$dir/part.$_->[0]", $_->[1]) for [linux => $bz], [initrd => $initrd],
		[cmdline => 'root=/dev/vdb'];
	my @args = map { ('--add-section', ".$_->[0]=$dir/part.$_->[0]",
			  '--change-section-vma', ".$_->[0]=$_->[1]") }
		[cmdline => 0x30000], [linux => 0x2000000], [initrd => 0x3000000];
	is(system('objcopy', @args, $stub, $file), 0, 'objcopy makes a UKI');
	load_is('UKI of systemd-stub', [], 0, qr/from a UKI.*^initrd    from the UKI/ms);
	is(slurp("$log.image"), image(setup_data => 0x100000), 'it is loaded');
	loaded(0);
}

# ---- Hostile PE files ----

my $not = qr/is not a bzImage \(x86 boot image\)/;
my $gone = 0x7fffffff;
bad_is('no PE header', 'MZ' . "\0" x 2000, qr/$not: begins like a PE file, but has no PE header/);
bad_is('a PE header beyond the file', pe({}, [@linux]) =~ s/\A(.{60})..../$1\xff\xff\xff\xff/sr,
       qr/$not: begins like .* has no PE header/);
bad_is('too short', 'MZ', qr/$not: begins like .* has no PE header/);
bad_is('65535 sections', pe({ nr => 65535 }, [@linux]),
       qr/$not: a PE file that claims to have 65535 sections/);
bad_is('more sections than the file has', substr(pe({ nr => 1000 }, [@linux]), 0, 5000),
       qr/$not: a PE file whose 1000 section headers at 0x188 extend beyond the end of the file/);
bad_is('a table that is far away', pe({ optional => 65535 }, [@linux]),
       qr/$not: a PE file whose 1 section headers at 0x10097 extend beyond its first 64 KiB/);
for my $h ([offset => $gone], [size => $gone, 'memory', 0], [offset => 0xffffffff, 'size', 0xffffffff]) {
	bad_is("a section with @$h", pe({}, ['.linux', $bz, { @$h }]),
	       qr/$not: its section \.linux of \d+ bytes at 0x[0-9a-f]+ extends beyond the end of the file/);
}
bad_is('.initrd outside', pe({}, [@linux], ['.initrd', 'x', { offset => $gone }]),
       qr/$not: its section \.initrd of 512 bytes at 0x7fffffff extends beyond the end of the file/);
bad_is('sections that overlap', pe({}, [@linux], ['.initrd', 'x' x 1000, { offset => 0x400 }]),
       qr/$not: its sections \.linux and \.initrd overlap/);
bad_is('two kernels', pe({}, [@linux], [@linux]), qr/$not: it has the section \.linux twice/);
bad_is('two kernels in a profile', pe({}, ['.profile', 'x'], [@linux], [@linux]),
       qr/$not: it has the section \.linux twice/);
bad_is('.linux of no bytes', pe({}, ['.linux', '']), qr/is a UKI whose \.linux $not but an empty file/);
bad_is('.linux that is none', pe({}, ['.linux', "\177ELF" . 'x' x 100]),
       qr/is a UKI whose \.linux $not but an ELF file/);
bad_is('.linux that is cut', pe({}, ['.linux', $bz, { memory => 10000 }]),
       qr/is a UKI whose \.linux is truncated: it has 10000 bytes, .*/);
bad_is('an addon', pe({}, ['.cmdline', 'a']),
       qr/$not but an addon to UKIs, without a kernel \(\.linux\), for x86-64/);
bad_is('an EFI program', pe({ machine => 0xaa64 }, ['.text', 'a']),
       qr/$not but a PE file \(an EFI program\?\) without a kernel \(\.linux\), for arm64/);
bad_is('no sections', pe({}), qr/$not but a PE file .*/);
bad_is('a command line that is too long', pe({}, [@linux], ['.cmdline', 'x' x (1 << 20) . 'x']),
       qr/its section \.cmdline has 1 MiB/);
spew($file, pe({}, [@linux], ['.cmdline', 'x' x 3000]));
load_is('a command line that is too long for the kernel', ['--force'], 1, undef,
	qr/3001 bytes with the final NUL, and kexec passes at most 2047/);

# Any bytes: no crash, and no kexec.
srand(815);
my $bad = 0;
for my $n (1 .. 40) {
	my $data = $uki;

	substr($data, int(rand(2)) ? 0x80 + int(rand(0x200)) : int(rand(0x80)), 1) =
		chr(int(rand(256))) for 1 .. 1 + $n % 5;
	spew($file, $data);
	my ($status) = run({ LD_PRELOAD => $fake, KHO_SYSROOT => $root },
			   'check', '--target', $file);
	$bad++, diag("file $n: exit status $status") if $status > 1;
}
is($bad, 0, '40 damaged UKIs, no crash');

# ---- EFI zboot ----

sub zboot {
	my ($payload, %args) = @_;
	my %set = (at => 0x1000, size => length $payload, %args);
	my $data = "\0" x 0x1000;

	substr($data, 0, 16) = pack('a4 a4 V V', 'MZ', 'zimg', $set{at}, $set{size});
	return $data . $payload . "\0" x 100;
}

target_is('zboot', zboot(gz($bz)), 0, qr/\(bzImage, boot protocol 2\.15, from an EFI zboot image\)$/m);
load_is('zboot', ['--append', 'a'], 0, qr/from an EFI zboot image/);
is(slurp("$log.image"), image(setup_data => 0x100000), 'what was unpacked is loaded');
loaded(0);
spew("$dir/plain", $bz);
target_is('zboot, xz', zboot(scalar(`xz -c $dir/plain`)), 0, qr/from an EFI zboot image/);
my $arm = "MZ" . "\0" x 0x36 . "ARM\x64" . "\0" x 5000;
bad_is('zboot for arm64', zboot(gz($arm)),
       qr/is an EFI zboot image whose payload $not but an arm64 Image/);
bad_is('zboot without a payload', zboot('', size => 0),
       qr/is an EFI zboot image, but its payload is empty/);
bad_is('zboot, payload outside', zboot(gz($bz), at => $gone),
       qr/is an EFI zboot image, but its payload of \d+ bytes at 0x7fffffff extends beyond the end of the file/);
bad_is('zboot, payload too long', zboot(gz($bz), size => 0xffffffff),
       qr/is an EFI zboot image, but its payload of 4294967295 bytes at 0x1000 extends beyond the end of the file/);
bad_is('zboot, cut', zboot(substr(gz($bz), 0, -30)),
       qr/is an EFI zboot image whose payload is damaged gzip data: .*/);
bad_is('zboot, unknown format', zboot('x' x 1000),
       qr/is an EFI zboot image whose payload is compressed in an unknown format: it begins with 78 78 78 78/);

# ---- Everything else ----

sub elf { return "\177ELF\2\1\1" . "\0" x 9 . pack('vv', $_[0], 62) . "\0" x 1000 }

for (['vmlinux', elf(2), 'an ELF file (vmlinux?)'],
     ['a module', elf(1), 'an ELF file (an object or module)'],
     ['a gzip file', gz('x' x 1000), 'a gzip file'],
     ['an xz file', "\xfd7zXZ\0" . 'x' x 100, 'an xz file'],
     ['a zstd file', "\x28\xb5\x2f\xfd" . 'x' x 100, 'a zstd file'],
     ['an arm64 Image', $arm, 'an arm64 Image'],
     ['a RISC-V Image', "MZ" . "\0" x 0x36 . "RSC\x05" . "\0" x 100, 'a RISC-V Image'],
     ['an initrd', $initrd, 'an initrd (cpio)'],
     ['squashfs', 'hsqs' . "\0" x 2000, 'a squashfs image'],
     ['ext4', "\0" x 1080 . "\x53\xef" . "\0" x 2000, 'an ext2, ext3 or ext4 image'],
     ['a script', "#!/bin/sh\n", 'a script'],
     ['a text', "hello\n", 'a text file'],
     ['zeros', "\0" x 4096, 'a file that begins with zeros alone'],
     ['a uImage', "\x27\x05\x19\x56" . "\0" x 100, 'a uImage'],
     ['a Debian package', "!<arch>\ndebian-binary   ", 'a Debian package'],
     ['nothing', '', 'an empty file']) {
	my ($name, $data, $kind) = @$_;

	bad_is($name, $data, qr/$not but \Q$kind\E/);
}
bad_is('something', "\1\2\3" . "\xff" x 100, $not);
dev_is('target: a directory', ['check', '--target', $dir], 1, undef,
       qr/: is not a regular file but a directory$/);
dev_is('target: a device', ['check', '--target', '/dev/null'], 1, undef,
       qr/: is not a regular file$/);

# ---- A kernel that speaks kho-v1 ----

have_module('7.0.13-generic');
my $v1 = image(release => '7.0.13-generic', payload => gz(kernel_text('7.0.13-generic',
	       mainline_strings(1))));
my $out = target_is('kho-v1', $v1, 0, qr/^ok    kind         mainline, kho-v1: its own KHO disregards the handover; .* in envelopes, and page by page once the module is loaded there$/m);
unlike($out, qr/FAIL|keeps exactly|needs kho=on/, 'kho-v1: one verdict');
like($out, qr/^ok    ABI          it needs none: it reads kho-v1 \(Linux 6\.16 to 7\.0\) alone$/m,
     'kho-v1: ABI');
like($out, qr/^ok    scratch      256 MiB, of which 7 MiB are needed$/m,
     'kho-v1: early memory does not come from scratch');
load_is('kho-v1', ['--append', 'a'], 0,
	qr/^target    mainline, by its payload.*^arrives   in \d+ envelopes, .*which are kept current/ms);
loaded(0);
load_is('kho-v1, kho=off', ['--append', 'kho=off'], 0, qr/^loaded /m);
loaded(0);
target_is('kho-v1, --abi', undef, 1,
	  qr/^FAIL  ABI          --abi says kho-v4, but the image speaks kho-v1 /m, undef,
	  '--abi', '4');
$out = dev_is('target: kho-v1 from own KHO', ['check', '--target', $file], 1,
	      qr/^FAIL  kind         mainline, kho-v1: .* in-kernel KHO sends no envelopes: all that is preserved would be lost$/m,
	      undef, { KHO_FAKE_BACKEND => 'kernel' });
is(scalar(() = $out =~ /^FAIL/mg), 1, 'kho-v1 from own KHO: one verdict');

done_testing();
