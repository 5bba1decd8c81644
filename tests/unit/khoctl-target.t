#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# What khoctl says about kernel images, and what it does with them: check
# --target, and how load depends on it.  Also the envelopes of the incoming
# handover that sysfs shows.
use strict;
use warnings;
use Cwd qw(abs_path);
use POSIX qw(EPERM EFAULT);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root, $stock_payload, @stub_strings);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
my $mkdump = build("$dir/mkdump", 'tests/unit/khoctl-mkdump.c');
my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $log = "$dir/kexec.log";
mkdir "$dir/$_" for qw(images bin empty);
my $image = "$dir/images/bzImage";
loaded(0);
spew("$root/proc/sys/kernel/osrelease", "6.1.0-9-test\n");

# target_is(name, {image arguments}, exit status, pattern, environment, options)
sub target_is {
	my ($name, $set, $status, $out, $env, @more) = @_;

	spew($image, image(%$set)) if $set;
	return dev_is("target: $name", ['check', '--target', $image, @more],
		      $status, $out, undef, $env);
}

sub load_is {
	my ($name, $mode, $args, $status, $out, $err, $env) = @_;

	unlink($log, "$log.image");
	return dev_is("load: $name", ['load', '--kexec', $kexec, @$args],
		      $status, $out, $err,
		      { FAKE_KEXEC => $mode, FAKE_LOG => $log, %{$env // {}} });
}

sub stub { return (release => '6.1.192-kho', payload => gz(kernel_text('6.1.192-kho', @stub_strings))) }

sub mainline {
	my ($abi, $release, @strings) = @_;

	return (release => $release,
		payload => gz(kernel_text($release, mainline_strings($abi),
					  @strings)));
}

# ---- What it is ----

my $out = target_is('stock', {}, 0, qr/\nA handover to it is possible\.\n$/);
like($out, qr/^ok    image        \Q$image\E, Linux 6\.1\.0-successor \(bzImage, boot protocol 2\.15\)$/m,
     'stock: image');
like($out, qr/^ok    kind         stock: .* in envelopes,/m, 'stock: kind');
like($out, qr/^ok    evidence     payload \(gzip, [\d.]+ KiB unpacked\): no sign of KHO$/m,
     'stock: evidence');
like($out, qr/^ok    ABI          it needs none$/m, 'stock: ABI');
like($out, qr/^ok    scratch      256 MiB, of which 7 MiB are needed$/m,
     'stock: scratch');
# MiB: 6 image, 64 struct pages, 96 everything else; and 16 KiB page tables
like($out, qr/^ok    RAM          4 GiB outside of 0 envelopes, and its boot needs about 166 MiB$/m,
     'stock: RAM');
target_is('stub', { stub() }, 0,
	  qr/^ok    kind         stub: .*\nok    evidence     payload .*: the boot stub's texts, kho-v3 and kho-v4\nok    ABI          kho-v4, which the module publishes$/m);
target_is('stub, kho-v3', undef, 0,
	  qr/^ok    ABI          kho-v3, which the module publishes$/m,
	  { KHO_FAKE_ABI => 3 });
target_is('stub without printk', { payload => gz(kernel_text('6.1.0-successor',
	  'kho-v3', 'kho-v4', 'kho-v1')) }, 0, qr/^ok    kind         stub: /m);
target_is('mainline', { mainline(4, '7.3.4') }, 0,
	  qr/^ok    kind         mainline: .*; handing it on from there needs kho=on\nok    evidence     payload .*: texts of mainline's KHO, kho-v4\nok    ABI          kho-v4, which/m);
target_is('mainline without printk', { release => '7.3.4', payload =>
	  gz(kernel_text('7.3.4', 'kho-v4')) }, 0,
	  qr/^ok    kind         mainline: .*name of one ABI, kho-v4$/ms);
target_is('mainline, another ABI', { mainline(3, '7.1.3') }, 1,
	  qr/^FAIL  ABI          it speaks kho-v3, and the module publishes kho-v4\n +-> echo 3 > \/sys\/module\/kho\/parameters\/abi$/m);
target_is('mainline, the other way', { mainline(4, '7.3.4') }, 1,
	  qr/^FAIL  ABI          it speaks kho-v4, and the module publishes kho-v3\n +-> echo 4 > /m,
	  { KHO_FAKE_ABI => 3 });
target_is('kho-v1', { mainline(1, '6.18.2') }, 0,
	  qr/^ok    ABI          it needs none: it reads kho-v1 \(Linux 6\.16 to 7\.0\) alone$/m);
target_is('kho-v5', { mainline(5, '7.9.0') }, 1,
	  qr/^FAIL  ABI          it speaks kho-v5, and/m);
target_is('two ABIs', { payload => gz(kernel_text('6.1.0-successor', 'kho-v4',
	  'kho-v5')), release => '7.9.1' }, 1,
	  qr/^FAIL  kind         unknown: .*\n.*\n^ok    evidence .*contradictory signs of KHO, kho-v4 and kho-v5$/m);
target_is('no Linux', { payload => gz("Linux version %s\0" . 'x' x 100) }, 0,
	  qr/no sign of a Linux kernel$/m);
target_is('nothing', { payload => gz('') }, 0, qr/^warn  kind         unknown/m);
target_is('a string that is none', { payload =>
	  gz(kernel_text('6.1.0-successor', 'akho-v4', 'kho-v4b', 'kho-v',
			 'kho-v99999999999')) },
	  0, qr/^ok    kind         stock/m);
target_is('release from the payload', { release => '', payload =>
	  gz(kernel_text('6.5.7-x')) }, 0, qr/Linux 6\.5\.7-x \(bzImage/);

# ---- All formats that kernels are compressed with ----

my $text = kernel_text('6.1.0-successor');

# packed(PROGRAM): compresses as the kernel's build does, with the size at the end
sub packed {
	my ($program) = @_;

	spew("$dir/plain", $text);
	my $data = `$program -c <$dir/plain`;
	BAIL_OUT("$program fails") if $?;
	return $data . pack('V', length $text);
}

for my $program (qw(xz bzip2 lzma)) {
	target_is($program, { payload => packed($program) }, 0,
		  qr/payload \($program, [\d.]+ KiB unpacked\): no sign of KHO$/m);
}
# Scripts stand in for these programs: they just drop the magic number.
my %magic = (zstd => "\x28\xb5\x2f\xfd", lz4 => "\x02\x21\x4c\x18",
	     lzop => "\x89LZO");
for my $program (sort keys %magic) {
	my $name = $program eq 'lzop' ? 'lzo' : $program;

	spew("$dir/bin/$program", "#!/bin/sh\n[ \"\$*\" = -dc ] || exit 3\n" .
	     "exec /usr/bin/tail -c +5\n");
	chmod(0755, "$dir/bin/$program");
	target_is($name, { payload => $magic{$program} . $text .
			   pack('V', length $text) }, 0,
		  qr/payload \($name, [\d.]+ KiB unpacked\): no sign of KHO$/m,
		  { PATH => "$dir/bin" });
	target_is("$name: not installed", undef, 0,
		  qr/^warn  kind         unknown: Linux 6\.1\.0-successor is older than KHO, .*\n +-> apt install $program\nok    evidence     payload: compressed with $name, but there is no program $program$/m,
		  { PATH => "$dir/empty" });
}
# If xz is busybox's and fails, khoctl says so.
spew("$dir/bin/busybox", "#!/bin/sh\nexit 1\n");
chmod(0755, "$dir/bin/busybox");
symlink('busybox', "$dir/bin/xz") or die;
target_is('busybox', { payload => packed('xz') }, 0,
	  qr/^warn  kind .*\n +-> apt install xz-utils\nok    evidence     payload: xz data, which busybox's xz can't unpack$/m,
	  { PATH => "$dir/bin" });
target_is('an unknown format', { payload => 'ABCDEFGH' . $text }, 0,
	  qr/compressed in an unknown format: it begins with 41 42 43 44$/m);
target_is('no program, a newer kernel', { release => '7.2.1', payload =>
	  packed('xz') }, 1,
	  qr/^FAIL  kind         unknown: nothing says which KHO.*\n +-> apt install xz-utils, put its config beside it, or use --abi N/m,
	  { PATH => "$dir/empty" });
target_is('which --abi says', undef, 0,
	  qr/^warn  kind         unknown: assumed to speak kho-v4.*^ok    ABI          kho-v4/ms,
	  { PATH => "$dir/empty" }, '--abi', '4');
target_is('which --abi says, another', undef, 1,
	  qr/^FAIL  ABI          it speaks kho-v3, and the module publishes/m,
	  { PATH => "$dir/empty" }, '--abi', '3');

# ---- Hostile payloads ----

for (['cut', { payload => substr($stock_payload, 0, -20) },
      qr/claims to unpack to \d+ bytes, more than the 4194304 allowed|damaged gzip data/],
     ['flipped', { payload => substr($stock_payload, 0, 60) .
		   chr(ord(substr($stock_payload, 60, 1)) ^ 255) .
		   substr($stock_payload, 61) },
      qr/its payload is damaged gzip data: gzip: exit status 1: .*(crc|format)|unpacks to/],
     ['xz, cut', { payload => substr(packed('xz'), 0, -40) .
		   pack('V', length $text) },
      qr/its payload is damaged xz data: xz: exit status 1: .*end of input/],
     ['another size', { payload => substr(packed('xz'), 0, -4) .
			pack('V', 1000 + length $text) },
      qr/its payload is xz data that unpacks to \d+ bytes instead of \d+/],
     ['more than it says', { payload => substr(packed('xz'), 0, -4) .
			     pack('V', 1000) },
      qr/its payload is xz data that unpacks to more than the 1000 bytes/],
     ['a bomb that tells', { payload => gz("\0" x (8 << 20)) },
      qr/its payload is gzip data that claims to unpack to 8388608 bytes, more than the 4194304 allowed/],
     ['a bomb', { payload => substr(gz("\0" x (40 << 20)), 0, -4) .
		  pack('V', 4194304) },
      qr/its payload is gzip data that unpacks to more than the 4194304 bytes|damaged gzip/]) {
	my ($name, $set, $why) = @$_;

	target_is($name, $set, 1, qr/^FAIL  image        .*$why/m);
	load_is($name, 'good', ['--append', 'a', '--force', $image], 1, undef,
		qr/^khoctl load: \Q$image\E: .*$why/);
	is(slurp($log), undef, "$name: kexec has not been called");
}
for (['beyond the file', { payload_length => 0x20000 }, qr/its payload of 131072 bytes at 0xccc extends beyond the end of the file$/],
     ['far beyond', { payload_offset => 0xfffffff0, payload_length => 0xfffffff0 }, qr/extends beyond the end of the file$/],
     ['none', { payload_length => 0 }, qr/payload_length is 0$/]) {
	my ($name, $set, $why) = @$_;

	spew($image, image(%$set));
	dev_is("target: payload $name", ['check', '--target', $image], 1, undef,
	       $why);
}
dev_is('target: no such file', ['check', '--target', "$dir/none"], 1, undef,
       qr/none: No such file/);
is(scalar(() = glob("/tmp/khoctl-payload* $dir/images/*.??????")), 0,
   'target: no file is left');

# Any byte may have any value: khoctl must not crash, and exits with 0 or 1.
srand(4711);
my ($bad, $whole) = (0, image(mainline(4, '7.3.4')));
for my $n (1 .. 60) {
	my $bytes = $whole;

	substr($bytes, 0x1f1 + int(rand(0x74)), 1) = chr(int(rand(256)))
		for 1 .. 2;
	substr($bytes, 3276 + int(rand(300)), 1) = chr(int(rand(256)))
		if $n % 2;
	spew($image, $bytes);
	my ($status) = run({ LD_PRELOAD => $fake, KHO_SYSROOT => $root },
			   'check', '--json', '--target', $image);
	$bad++, diag("image $n: exit status $status") if $status > 1;
}
is($bad, 0, 'target: 60 damaged images, no crash');

# ---- Configurations ----

my $on = "# Linux/x86 7.2.5 Kernel Configuration\nCONFIG_KEXEC_HANDOVER=y\n";

sub with_config {
	my ($name, $file, $config, $release, $status, $out, $set) = @_;

	spew("$dir/images/$file", $config);
	target_is($name, { release => $release, payload => packed('xz'),
			   %{$set // {}} }, $status, $out,
		  { PATH => "$dir/empty" });
	unlink("$dir/images/$file");
}

with_config('config beside it', 'config', $on, '7.2.5-x', 0,
	    qr/^ok    kind         mainline: .*^ok    evidence     config beside it: CONFIG_KEXEC_HANDOVER=y\nok    ABI          kho-v4/ms);
with_config('config of its release', 'config-7.1.2-x', $on, '7.1.2-x', 1,
	    qr/^FAIL  ABI          it speaks kho-v3,/m);
with_config('config, kho-v1', 'config-6.18.1', $on, '6.18.1', 0,
	    qr/^ok    ABI          it needs none: it reads kho-v1 /m);
with_config('config, 7.0', 'config-7.0.1', $on, '7.0.1', 0,
	    qr/^ok    ABI          it needs none: it reads kho-v1 /m);
with_config('config of another kernel', 'config', $on, '7.3.1', 1,
	    qr/^FAIL  kind         unknown.*config beside it is that of another kernel$/ms);
with_config('config without KHO', 'config-7.2.5-x',
	    "# CONFIG_KEXEC_HANDOVER is not set\n", '7.2.5-x', 0,
	    qr/^ok    kind         stock/m);
with_config('config with the stub', 'config-6.1.7',
	    "X=1\nCONFIG_KHO_BOOTSTUB=y\n", '6.1.7', 0,
	    qr/^ok    kind         stub/m);
with_config('config with the option in a comment', 'config-7.2.5-x',
	    "#CONFIG_KEXEC_HANDOVER=y\nXCONFIG_KEXEC_HANDOVER=y\n", '7.2.5-x',
	    0, qr/^ok    kind         stock/m);
with_config('a release that is a path', 'config', $on, '../7.2.5', 1,
	    qr/^FAIL  kind         unknown/m);
spew("$dir/images/config-6.1.0-successor", $on);
target_is('strings know better than the config', {}, 0,
	  qr/^ok    kind         stock/m);
unlink("$dir/images/config-6.1.0-successor");

sub ikconfig {
	my ($config) = @_;

	return 'IKCFG_ST' . gz($config) . 'IKCFG_ED';
}

target_is('embedded config', { mainline(4, '7.3.4', ikconfig(
	  "CONFIG_KEXEC_HANDOVER=y\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n")) },
	  0, qr/^ok    kind         mainline: in-kernel KHO keeps exactly what is preserved\n.*^ok    evidence     embedded config: CONFIG_KEXEC_HANDOVER=y$/ms);
target_is('embedded config that contradicts', { payload => gz(kernel_text(
	  '7.3.4', ikconfig("CONFIG_KEXEC_HANDOVER=y\n"))), release => '7.3.4' },
	  1, qr/^FAIL  kind         unknown/m);
target_is('embedded config without an end', { payload => gz(kernel_text(
	  '7.3.4', 'IKCFG_ST' . gz('x'))), release => '7.3.4' }, 0,
	  qr/^ok    kind         stock/m);
target_is('embedded config, damaged', { payload => gz(kernel_text('7.3.4',
	  "IKCFG_ST\x1f\x8bxxxxIKCFG_ED")), release => '7.3.4' }, 0,
	  qr/^ok    kind         stock/m);
unlike(target_is('embedded config, empty', { payload => gz(kernel_text('7.3.4',
	  ikconfig(''))), release => '7.3.4' }, 0, qr/^ok    kind         stock/m),
	  qr/embedded/, 'it is none');
target_is('embedded config, a bomb', { payload => gz(kernel_text('7.3.4',
	  ikconfig("\0" x (20 << 20)))), release => '7.3.4' }, 0,
	  qr/^ok    kind         stock/m);

# ---- --abi ----

target_is('--abi that agrees', { stub() }, 0, qr/^ok    ABI          kho-v4/m,
	  undef, '--abi', '4');
target_is('--abi that the module does not publish', undef, 1,
	  qr/^FAIL  ABI          it speaks kho-v3, and the module publishes kho-v4/m,
	  undef, '--abi', '3');
target_is('--abi that contradicts', { mainline(4, '7.3.4') }, 1,
	  qr/^FAIL  ABI          --abi says kho-v3, but the image speaks kho-v4\n +-> leave --abi out$/m,
	  undef, '--abi', '3');
target_is('--abi of a stock kernel', {}, 1,
	  qr/^FAIL  ABI          --abi says kho-v4, but it is a stock kernel/m,
	  undef, '--abi', '4');
target_is('--abi of kho-v1', { mainline(1, '6.18.2') }, 1,
	  qr/^FAIL  ABI          --abi says kho-v4, but the image speaks kho-v1 /m,
	  undef, '--abi', '4');

# ---- Enough memory ----

# With 1 GiB of RAM: 6 + 16 + 96 MiB and 4 KiB, and twice the initrd
my %small = (KHO_FAKE_RAM => 262144,
	     KHO_FAKE_ENVELOPES => '10000000:10000000,20000000:20000000');
spew("$dir/initrd", initramfs(8 << 20));
target_is('enough RAM', {}, 0,
	  qr/^ok    RAM          256 MiB outside of 2 envelopes, and its boot needs about 118 MiB$/m,
	  \%small);
target_is('enough RAM with an initrd', undef, 0,
	  qr/boot needs about 134 MiB$/m, \%small, '--initrd', "$dir/initrd");
my %tight = (%small, KHO_FAKE_ENV_PAGES => 262144 - 30000);
$out = target_is('too little RAM', undef, 1,
		 qr/^FAIL  RAM          its boot needs about 134 MiB, and there are 117\.1 MiB outside of 2 envelopes: image 6 MiB, initrd 8 MiB, unpacked 8 MiB, struct pages 16 MiB, page tables 4 KiB, all else 96 MiB\n/m,
		 \%tight, '--initrd', "$dir/initrd");
target_is('envelopes do not matter to the stub', { stub() }, 0,
	  qr/^ok    RAM          1023\.9 MiB that is not preserved/m, \%tight);
spew($image, image());
load_is('too little RAM', 'good', ['--append', 'a', '--initrd', "$dir/initrd",
	$image], 1, undef,
	qr/^khoctl load: its boot needs about 134 MiB, and there are 117\.1 MiB outside of 2 envelopes.*--force loads it all the same$/,
	\%tight);
is(slurp($log), undef, 'kexec has not been called');
load_is('too little RAM, --force', 'good', ['--append', 'a', '--force',
	'--initrd', "$dir/initrd", $image], 0, qr/^loaded /m,
	qr/^khoctl load: warning: its boot needs about 134 MiB/, \%tight);
is(loaded(), 1, 'it is loaded');
loaded(0);
target_is('no RAM at all outside', {}, 1, qr/and there are 0 B outside/,
	  { %small, KHO_FAKE_ENV_PAGES => 262144 });
target_is('scratch', { init_size => 0x10000000 }, 1,
	  qr/^FAIL  scratch      \Q$image\E needs 259 MiB, but scratch has 256 MiB\n +-> khoctl scratch 259M$/m);
loaded(1);
target_is('scratch, with a kernel loaded there', { init_size => 0x10000000 }, 1,
	  qr/has 256 MiB\n +-> khoctl unload, then khoctl scratch 259M$/m);
loaded(0);
target_is('scratch, an older module', { init_size => 0x10000000 }, 1,
	  qr/has 256 MiB\n +-> load the module with scratch_mib=259$/m,
	  { KHO_FAKE_NO_GROW => 1 });
# 7 MiB of the image; 64 + 8 + 32 MiB and 16 KiB of early memory
target_is('early memory before 7.3', { mainline(4, '7.2.1') }, 0,
	  qr/^ok    scratch      256 MiB, of which 111 MiB are needed, because all early memory comes from there before 7\.3$/m);
target_is('early memory does not fit', undef, 1,
	  qr/^FAIL  scratch      \Q$image\E needs 327 MiB, because all early memory .*, but scratch has 256 MiB\n +-> khoctl scratch 328M$/m,
	  { KHO_FAKE_RAM => 4194304 });
$out = dev_is('target: JSON', ['check', '--json', '--initrd', "$dir/initrd",
	      '--target', $image], 0,
	      qr/"kind": "mainline",\n  "arrives": "exact",\n  "release": "7\.2\.1",\n  "abis": \[\n    4\n  \],\n  "abi": 4,\n  "handoff": "exact",\n  "keys": 100,\n  "evidence": \[\n    "payload/,
	      undef);
like($out, qr/"ram_needed_for": \{\n    "image": 6291456,\n    "initrd": 8388608,\n    "initrd_unpacked": 8392704,\n    "struct_pages": 67108864,\n    "page_tables": 16384,\n    "base": 100663296,\n    "huge_pages": 0,\n    "crash_kernel": 0,\n    "cma": 0,\n    "buffers": 0\n/,
     'JSON: figures');
like($out, qr/"checks": \[.*"name": "ABI",\n      "result": "ok".*"ok": true,\n/s,
     'JSON: checks');

# ---- load ----

my @append = ('--append', 'a kho=on');
spew($image, image());
my %env2 = (KHO_FAKE_ENVELOPES => '10000000:200000,50000000:400000');
load_is('stock', 'good', [@append, $image], 0,
	qr/^target    stock, by its payload \(gzip, .*: no sign of KHO\narrives   in 2 envelopes, 6 MiB, which are kept current: more may be preserved until the jump\nRAM       3\.9 GiB for its boot, which needs about 166 MiB\n/m,
	undef, \%env2);
load_is('stock, JSON', 'good', [@append, '--json', $image], 0,
	qr/"kind": "stock",\n  "arrives": "envelopes".*"ram_left_bytes": 4288675840/s,
	undef, \%env2);
for (['on its start', '40000000:200000'], ['on its end', '403ff000:200000'],
     ['on the last segment', '4ffe8000:1000'], ['within', '40001000:1000']) {
	my ($name, $where) = @$_;

	loaded(0);
	load_is("an envelope lies $name", 'good', [@append, $image], 1, undef,
		qr/segment \d, 0x\w+ bytes at 0x\w+, overlaps the envelope of .*\n.*has been unloaded again/,
		{ KHO_FAKE_ENVELOPES => "10000000:1000,20000000:1000,$where" });
	is(loaded(), 0, 'it is unloaded');
}
load_is('envelopes side by side with it', 'good', [@append, $image], 0,
	qr/^loaded/m, undef,
	{ KHO_FAKE_ENVELOPES => '3fe00000:200000,50000000:200000' });
loaded(0);
load_is('the envelopes can not be read', 'good', [@append, $image], 1, undef,
	qr/^khoctl load: cannot tell where the envelopes are: /,
	{ %env2, KHO_FAKE_FAIL => '76:' . EFAULT });
load_is('an older module and a stock kernel', 'good', [@append, $image], 1,
	undef, qr/^khoctl load: stock: .*too old to send envelopes.*lost: load the module/,
	{ KHO_FAKE_OLD => 1 });
spew($image, image(stub()));
load_is('an older module and the stub', 'good', [@append, $image], 0,
	qr/^target    stub, kho-v4, by .*\narrives   exactly, page by page: more may be preserved until the jump\n/m,
	undef, { KHO_FAKE_OLD => 1 });
loaded(0);
spew($image, image(mainline(3, '7.1.3')));
load_is('another ABI', 'good', [@append, '--force', $image], 1, undef,
	qr/^khoctl load: it speaks kho-v3, and the module publishes kho-v4: echo 3 > \/sys\/module\/kho\/parameters\/abi$/);
is(slurp($log), undef, 'kexec has not been called');
load_is('the same ABI', 'good', [@append, $image], 0, qr/^target    mainline, kho-v3,/m,
	undef, { KHO_FAKE_ABI => 3 });
load_is('mainline without kho=on', 'good', ['--append', 'a', $image], 0,
	qr/^loaded/m, qr/warning: the command line lacks kho=on/,
	{ KHO_FAKE_ABI => 3 });
load_is('mainline with kho=off', 'good', ['--append', 'kho=on kho=0', $image],
	1, undef, qr/kho=off: the next kernel will ignore/, { KHO_FAKE_ABI => 3 });
spew($image, image(mainline(1, '6.18.2')));
load_is('kho-v1', 'good', [@append, $image], 0, qr/^arrives   in 0 envelopes/m,
	qr/warning: that kernel's own KHO is on: it is of no use here/);
loaded(0);
load_is('kho-v5', 'good', [@append, '--force', spew("$dir/v5", image(mainline(5, '7.9.2')))], 1,
	undef, qr/^khoctl load: it speaks kho-v5, and a handover is kho-v3 or kho-v4: use another kernel$/);
load_is('kho-v1, --abi', 'good', [@append, '--abi', '4', $image], 1, undef,
	qr/^khoctl load: --abi says kho-v4, but the image speaks kho-v1/);

# ---- A kernel with in-kernel KHO ----

my %own = (KHO_FAKE_BACKEND => 'kernel');
my $same = image(mainline(4, '7.3.4'));
loaded(0);
spew($image, $same);
load_is('own KHO', 'good', [@append, '--initrd', "$dir/initrd", $image], 0,
	qr/^target    mainline, kho-v4, .*^loaded    by in-kernel KHO\nnext/ms,
	undef, \%own);
is(slurp($log), "-s\n-l\n$image\n--initrd=$dir/initrd\n--append=a kho=on\n",
   'the command');
is(slurp($image), $same, 'the file is as it was');
is(loaded(), 1, 'it is loaded');
load_is('own KHO, replaces', 'good', [@append, $image], 0,
	qr/by in-kernel KHO; it replaces the kernel loaded before$/m, undef,
	\%own);
load_is('own KHO, dry run', 'good', [@append, '--dry-run', $image], 0,
	qr/^command   \Q$kexec\E -s -l \Q$image\E '--append=a kho=on'\n          nothing has been loaded, and/m,
	undef, \%own);
spew("$root/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
load_is('own KHO, lockdown', 'good', [@append, $image], 0, qr/^loaded/m, undef,
	\%own);
unlink("$root/sys/kernel/security/lockdown");
loaded(0);
load_is('own KHO, not loaded', 'not-loaded', [@append, $image], 1, undef,
	qr/reports success, but .*kexec_loaded is not 1/, \%own);
load_is('own KHO, fails', 'fail', [@append, $image], 1, undef,
	qr/exit status 255/, \%own);
load_is('own KHO, another ABI', 'good', [@append, $image], 1, undef,
	qr/^khoctl load: it speaks kho-v4, and in-kernel KHO sends kho-v3: use another kernel$/,
	{ %own, KHO_FAKE_ABI => 3 });
spew($image, image(stub()));
load_is('own KHO to the stub', 'good', [@append, $image], 0,
	qr/^target    stub, kho-v4/m, undef, \%own);
load_is('own KHO, --no-checks', 'good', [@append, '--no-checks', $image], 0,
	qr/^target    stub/m,
	qr/^khoctl load: warning: --no-checks has no effect: this kernel itself takes a checksum of what it loads$/,
	\%own);
unlike(slurp($log), qr/no-checks/, 'kexec is not told so');
spew($image, image());
load_is('own KHO to a stock kernel', 'good', [@append, '--force', $image], 1,
	undef, qr/^khoctl load: stock: it has no KHO, and in-kernel KHO sends no envelopes: all that is preserved would be lost: use a kernel with/,
	\%own);
is(slurp($log), undef, 'kexec has not been called');

# ---- Envelopes in sysfs ----

my $nodes = "$root/sys/kernel/boot_params/setup_data";
my $no = 0;

sub node {
	my ($type, $mode, $data) = @_;

	spew("$nodes/$no/type", sprintf("0x%x\n", $type)) if mkdir("$nodes/$no");
	spew("$nodes/$no/data", $data // 'secret');
	chmod($mode, "$nodes/$no/data");
	return $no++;
}

sub check_is {
	my ($name, $status, $out) = @_;

	return dev_is("check: $name", ['check', '--kexec', $kexec], $status,
		      $out, undef, { FAKE_KEXEC => 'good', FAKE_LOG => $log });
}

my ($kho, $envelope, $sealed, $taken) = (10, 0x4b484f45, 0x4b484f53, 0x4b484f54);
mkdir("$root/sys/module/kho");
loaded(0);
dev_is('restrict: no list', ['restrict'], 0, qr/^there are no open envelopes$/, undef);
check_is('no list', 0, qr/^ok    envelopes    none arrived$/m);
mkdir("$root/sys/kernel/boot_params");
mkdir($nodes);
node(9, 0444);
node($kho, 0444, pack('Q<4', 0x1000, 0x1000, 0x2000, 16));
check_is('none of ours', 0, qr/^ok    envelopes    none arrived$/m);
node($sealed, 0444) for 1, 2;
check_is('sealed by type', 0,
	 qr/^ok    envelopes    sealed by the module: .* 2 envelopes$/m);
my @open = (node($envelope, 0444), node($envelope, 0440), node($envelope, 0404));
node($envelope, 0400);
node($envelope, 0600);
check_is('open', 1,
	 qr/^FAIL  envelopes    open: any user can read what is in 3 envelopes of 7, .*\n +-> khoctl restrict, or install the initramfs hook/m);
dev_is('restrict', ['restrict'], 0,
       qr/^closed 4 envelopes to all users but root; the others were closed already$/,
       undef);
is((stat("$nodes/$_/data"))[2] & 0777, 0400, "node $_ is closed") for @open;
is((stat("$nodes/0/data"))[2] & 0777, 0444, 'what is not ours is as it was');
check_is('sealed by mode', 0,
	 qr/^ok    envelopes    sealed: only root can read what is in 5 envelopes$/m);
dev_is('restrict: again', ['restrict'], 0,
       qr/^all envelopes are closed to all users but root already$/, undef);
# The old name still works, and warns that it is deprecated.
my $seal = qr/^khoctl seal: warning: without NAME this is deprecated: use 'khoctl restrict'\n/;
chmod(0444, "$nodes/$open[0]/data");
dev_is('seal without a name', ['seal'], 0,
       qr/^closed 1 envelope to all users but root; /, qr/$seal\z/);
is((stat("$nodes/$open[0]/data"))[2] & 0777, 0400, 'it is closed');
dev_is('seal without a name, with a device', ['seal', '--device', '/dev/null'],
       0, qr/^all envelopes are closed/, qr/$seal\z/);
chmod(0444, "$nodes/$open[0]/data");
dev_is('seal --sum: no name', ['seal', '--sum'], 2, undef, qr/NAME is missing/);
is((stat("$nodes/$open[0]/data"))[2] & 0777, 0444, 'that closes nothing');
chmod(0444, "$nodes/$open[0]/data");
unlink("$nodes/$open[1]/type");
chmod(0444, "$nodes/$open[1]/data");
dev_is('restrict: what has no type', ['restrict'], 0,
       qr/^closed 2 envelopes/, undef);
is((stat("$nodes/$open[1]/data"))[2] & 0777, 0400, 'to be on the safe side');
check_is('a type that can not be read', 0,
	 qr/^warn  envelopes    the type of 1 node in .* can't be read/m);
unlink("$nodes/$open[0]/data");
dev_is('restrict: no data', ['restrict'], 1, undef,
       qr/setup_data\/$open[0]\/data: No such file/);
dev_is('seal without a name: no data', ['seal'], 1, undef,
       qr/${seal}khoctl seal: .*setup_data\/$open[0]\/data: No such file/);
SKIP: {
	skip('it takes root to be somebody else', 1) if $>;
	chmod(0755, $dir);
	chmod(0444, "$nodes/$open[2]/data");
	my $said = `KHO_SYSROOT=$root setpriv --reuid=65534 --regid=65534 --clear-groups $khoctl restrict 2>&1`;
	like($said, qr/\/$open[2]\/data: Operation not permitted/,
	     'restrict: not root');
	chmod(0700, $dir);
}

rmdir("$root/sys/module/kho");
check_is('a handover waits', 1,
	 qr/^warn  handover     a handover waits for the module\n +-> modprobe kho$/m);
spew("$nodes/1/data", pack('Q<4', 0, 0, 0, 0));
unlike(check_is('nothing waits', 1, qr/module/), qr/waits/, 'no handover');
spew("$nodes/1/data", pack('Q<', 0x1000));
unlike(check_is('a short node', 1, qr/module/), qr/waits/, 'no handover');
spew("$nodes/1/type", sprintf("0x%x\n", $taken));
spew("$nodes/1/data", pack('Q<4', 1, 1, 1, 1));
unlike(check_is('taken', 1, qr/module/), qr/waits/, 'no handover');

# ---- How pages are handed to a mainline kernel ----

my %many = (KHO_FAKE_KEYS => 20000, KHO_FAKE_HANDOFF => "$dir/handoff");
spew("$dir/handoff", 0);
target_is('few keys', { mainline(4, '7.3.4') }, 0,
	  qr/^ok    hand-off     exact: 100 keys, page by page; with 4096 or more, /m);
target_is('one too few', undef, 0, qr/^ok    hand-off     exact: 4095 keys/m,
	  { %many, KHO_FAKE_KEYS => 4095 });
target_is('many keys', undef, 0,
	  qr/^ok    hand-off     by envelopes: the time for 4096 keys .* the kernel gets 2, and.*\nok    kind         mainline: what is preserved arrives in envelopes/m,
	  { %many, KHO_FAKE_KEYS => 4096 });
target_is('many keys of others', undef, 0,
	  qr/^warn  hand-off     5000 keys belong to other modules/m,
	  { %many, KHO_FAKE_LEAN_KEYS => 5000 });
target_is('many keys, RAM', undef, 1,
	  qr/^FAIL  RAM          its boot needs about/m,
	  { %many, KHO_FAKE_ENVELOPES => '100000000:ffff0000' });
target_is('--handoff exact', undef, 0,
	  qr/^ok    hand-off     exact, as --handoff says\nok    kind         mainline: in-kernel KHO/m,
	  \%many, '--handoff', 'exact');
target_is('--handoff envelopes', undef, 0,
	  qr/^ok    hand-off     by envelopes, as --handoff says/m, {},
	  '--handoff', 'envelopes');
target_is('an older module', undef, 0,
	  qr/^(?!.*hand-off)/s, { %many, KHO_FAKE_NO_HANDOFF => 1 });
target_is('--handoff, an older module', undef, 1,
	  qr/^FAIL  hand-off     .* too old for that\n +-> load the module/m,
	  { KHO_FAKE_NO_HANDOFF => 1 }, '--handoff', 'envelopes');
target_is('--handoff on the own KHO', undef, 1,
	  qr/^FAIL  hand-off     .*page by page\n +-> leave --handoff out$/m,
	  { %own }, '--handoff', 'envelopes');
target_is('stub, many keys', { stub() }, 0, qr/^(?!.*hand-off)/s, \%many);
target_is('stub, --handoff envelopes', undef, 1,
	  qr/^FAIL  hand-off     .* the boot stub would refuse that\n/m, {},
	  '--handoff', 'envelopes');
target_is('stock, many keys', {}, 0, qr/^(?!.*hand-off)/s, \%many);
dev_is('--handoff that there is not', ['check', '--target', $image, '--handoff',
	'all'], 2, undef, qr/'all': auto, exact or envelopes/);
is(slurp("$dir/handoff"), 0, 'check changes nothing');

# handoff_is(name, before, mode of kexec, arguments, status, after, environment)
sub handoff_is {
	my ($name, $before, $mode, $args, $status, $after, $env) = @_;

	spew("$dir/handoff", $before);
	load_is("hand-off: $name", $mode, [@$args, '--append', 'x kho=on', $image],
		$status, qr//, qr//, { %many, %{$env // {}} });
	is(slurp("$dir/handoff"), $after, "hand-off: $name: what it is then");
}

spew($image, image(mainline(4, '7.3.4')));
loaded(0);
spew("$dir/handoff", 0);
load_is('hand-off: it says so', 'good', ['--append', 'x kho=on', $image], 0,
	qr/^arrives   in .*^hand-off  by envelopes: the time for 20000 keys would grow /ms, undef,
	\%many);
handoff_is('by envelopes', 0, 'good', [], 0, 1);
handoff_is('still by envelopes', 1, 'good', [], 0, 1);
handoff_is('exact again', 1, 'good', [], 0, 0, { KHO_FAKE_KEYS => 4000 });
handoff_is('--handoff exact', 1, 'good', ['--handoff', 'exact'], 0, 0);
handoff_is('--dry-run', 0, 'good', ['--dry-run'], 0, 0);
handoff_is('what is loaded is not safe', 0, 'none', [], 1, 0);
handoff_is('it fails', 0, 'good', [], 0, 0,
	   { KHO_FAKE_FAIL => sprintf('%u:%u', 0x58, 12) });
spew($image, image(stub()));
loaded(1);
handoff_is('the stub', 1, 'good', [], 0, 0);
loaded(1);
handoff_is('the stub, refused: what was loaded stays', 1, 'fail', [], 1, 1);
loaded(1);
handoff_is('the stub, and exact fails', 1, 'good', [], 1, 1,
	   { KHO_FAKE_FAIL => sprintf('%u:%u', 0x58, 12) });
ok(!-e $log, 'hand-off: kexec was not called');
spew($image, image());
loaded(0);

done_testing();
