#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# What khoctl says about the initrd of the next kernel, about the module and kho-seal for
# it, and about the RAM that loading and booting need.  Initrds of mkinitramfs and dracut are
# in tests/qemu/seal/70-seal.t.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
my $release = '6.1.0-successor';
my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $log = "$dir/kexec.log";
my $image = spew("$dir/bzImage", image());
my $initrd = "$dir/initrd";
mkdir "$dir/$_" for qw(empty bin);
loaded(0);

# check_is(name, initrd's bytes or undef: as it is, exit status, pattern, environment)
sub check_is {
	my ($name, $bytes, $status, $out, $env) = @_;

	spew($initrd, $bytes) if defined $bytes;
	return dev_is("check: $name", ['check', '--target', $image, '--initrd', $initrd],
		      $status, $out, undef, $env);
}

# load_is(name, options, exit status, stderr, environment): with $initrd
sub load_is {
	my ($name, $args, $status, $err, $env) = @_;

	unlink($log, "$log.image");
	return dev_is("load: $name", ['load', '--kexec', $kexec, '--initrd', $initrd,
		      @$args, $image], $status, $status ? undef : qr/^image/, $err,
		      { FAKE_KEXEC => 'good', FAKE_LOG => $log, %{$env // {}} });
}

# pipe_through(command, text): returns the output
sub pipe_through {
	my ($command, $text) = @_;

	spew("$dir/plain", $text);
	my $out = `$command <$dir/plain`;
	BAIL_OUT("$command fails") if $?;
	return $out;
}

my @tools = (entry('init'), entry('usr/sbin/kho-seal'), entry('scripts/init-bottom/ORDER'));
my $module = entry("usr/lib/modules/$release/updates/dkms/kho.ko", 'm' x 5000, 0100644);
my $good = cpio(@tools, $module);
my $early = cpio(entry('kernel/x86/microcode/GenuineIntel.bin', 'u' x 100_000, 0100644));
# Contents that do not compress, so that sizes tell something.
srand(14);
my $noise = join('', map { chr(int(rand(256))) } 1 .. 200_000);

# ---- What it is ----

my $out = check_is('a cpio archive', $good, 0,
	qr/^ok    initrd       \Q$initrd\E \(cpio, 6 KiB\): 4 files, 12 KiB unpacked$/m);
like($out, qr/^ok    sealing      kho-seal is in the initrd$/m, 'it has kho-seal');
for my $program ('gzip', 'xz --check=crc32', 'bzip2', 'zstd -q', 'lz4 -l', 'lzop', 'lzma') {
	my ($name) = split(/ /, $program =~ s/lzop/lzo/r);
	my $packed = pipe_through("$program -c", $good);

	check_is($program, $packed, 0,
		 qr/^ok    initrd       \S+ \($name, [\d.]+ (?:B|KiB)\): 4 files, 12 KiB unpacked$/m);
	$out = check_is("early cpio and $program", $early . $packed, 0,
		qr/^ok    initrd       \S+ \(cpio and $name, [\d.]+ KiB, of which the first 98 KiB are early\): 5 files, 113 KiB unpacked$/m);
	like($out, qr/kho-seal is in the initrd/, "$program: it has kho-seal");
	check_is("$program, cut", $early . substr(pipe_through("$program -c", cpio(@tools,
		 entry('noise', $noise))), 0, 100_000), 1,
		 qr/^FAIL  initrd       \S+ (?:is damaged: it has damaged $name data|is truncated: its $name data)/m);
	check_is("$program, zeros after it", $packed . "\0" x 512, 0,
		 qr/^ok    initrd       \S+ \($name, .*: 4 files, 12 KiB unpacked$/m);
	check_is("$program, cpio after it", $packed . "\0" x (-length($packed) & 3) . $early, 0,
		 qr/^ok    initrd       \S+ \($name and cpio, .*: 5 files, 113 KiB unpacked$/m)
		unless $name =~ /^(?:lzma|bzip2)$/;
}
for my $program ('gzip', 'zstd -q', 'xz') {
	check_is("$program, twice", pipe_through("$program -c", cpio(@tools)) .
		 pipe_through("$program -c", $early), 0, qr/: 4 files, 104 KiB unpacked$/m);
}
check_is('several, with zeros', "$early$good\0\0\0\0$early", 0,
	 qr/\(cpio, [\d.]+ KiB\): 6 files, 214 KiB unpacked$/m);
check_is('without a trailer', join('', @tools), 0, qr/: 3 files, 3 KiB unpacked$/m);
check_is('names as the kernel takes them', cpio(entry('./init'),
	 entry('/usr/sbin/kho-seal')), 0, qr/^ok    sealing/m);
check_is('with checksums', $good =~ s/070701/070702/gr, 0, qr/: 4 files, /m);

# ---- What it is not ----

for (['text', "hello\n", qr/is no initramfs: at offset 0, .* but 68 65$/m],
     ['an image', image(), qr/is no initramfs: there is nothing|is no initramfs: at offset/],
     ['zeros', "\0" x 5000, qr/is no initramfs: there is nothing in it but zeros$/m],
     ['an old cpio archive', '070707' . '0' x 200, qr/of another format than newc at offset 0$/m],
     ['a header cut', substr($good, 0, 50), qr/is truncated: it ends in the midst/],
     ['a name cut', substr($good, 0, 112), qr/is truncated: it ends in the midst/],
     ['contents cut', substr($good, 0, -2000), qr/is truncated: it ends in the midst/],
     ['junk after it', "${good}x", qr/is no initramfs: at offset \d+, .* but 78 00$/m],
     ['broken padding', "$good\0$good", qr/with broken padding at offset 6145$/m],
     ['no number', $good =~ s/^070701.{8}/0701/r, qr/no cpio header at offset 0$/m],
     ['no digit', '070701' . 'x' x 104 . $good, qr/header at offset 0: field 1 is no number$/m],
     ['a sign', '070701' . '-0000001' x 13 . $good, qr/field 1 is no number$/m],
     ['no name', cpio_head(0, 0100644, 0) . $good, qr/offset 0: a name of 0 bytes, not 1 to 4096$/m],
     ['a long name', cpio_head(4097, 0100644, 0) . 'n' x 5000, qr/a name of 4097 bytes, not 1/],
     ['a huge name', cpio_head(0xffffffff, 0100644, 0) . $good, qr/a name of 4294967295 bytes/],
     ['no NUL', cpio_head(4, 0100644, 0) . 'nameXXXX' . $good, qr/its name has no NUL at its end$/m],
     ['more than there is', cpio_head(2, 0100644, 0x70000000) . "n\0" . $good, qr/is truncated/],
     ['more than all RAM', (cpio_head(2, 0100644, 0xffffffff) . "n\0") . $good,
      qr/unpacks to more than 4 GiB, which is all RAM of the machine$/m],
     ['compressed junk', pipe_through('gzip -c', 'hello' x 100), qr/is no initramfs: its gzip data is no cpio archive at offset 0$/m],
     ['nested', pipe_through('gzip -c', pipe_through('gzip -c', $good)), qr/is no initramfs: its gzip data is no cpio archive at offset 0$/m],
     ['a compressed archive that is damaged', pipe_through('gzip -c', '070701' . 'x' x 500),
      qr/is damaged: in its gzip data, there is a cpio header at offset 0: field 1 is no number$/m],
     ['a compressed archive that is cut', pipe_through('gzip -c', substr($good, 0, 1000)),
      qr/is truncated: its gzip data ends in the midst/],
     ['nothing, compressed', pipe_through('gzip -c', ''), qr/is no initramfs: there is nothing/]) {
	my ($name, $bytes, $why) = @$_;

	check_is($name, $bytes, 1, qr/^FAIL  initrd       \Q$initrd\E .*$why/m);
	load_is($name, ['--append', 'root=x'], 1,
		qr/^khoctl load: \Q$initrd\E .*; --force loads it all the same$/);
	is(slurp($log), undef, "$name: kexec has not been called");
}
load_is('forced', ['--append', 'root=x', '--force'], 0, qr/warning: .* nothing in it but zeros/);
loaded(0);
check_is('a name that a terminal would interpret', cpio(entry('init'),
	 entry("lib/modules/\e[31m/x.ko", '', 0100644)), 1, qr/modules for Linux [^\e]*, and none/);
{
	# A bomb: 400 MiB of zeros in 2 MiB.  The machine has 256 MiB.
	my $bomb = "$dir/bomb";
	my $head = cpio_head(2, 0100644, 0x7ffffff0) . "n\0";

	system("(printf '%s\\0\\0\\0' '@{[$head =~ s/\0.*//sr]}'; head -c 400M /dev/zero) | gzip -1 >$bomb") == 0
		or BAIL_OUT('no bomb');
	spew($initrd, slurp($bomb));
	my $start = time;
	check_is('a bomb', undef, 1, qr/unpacks to more than 256 MiB/, { KHO_FAKE_RAM => 65536 });
	cmp_ok(time - $start, '<', 20, 'and soon');
	# One with any number of small files.
	spew("$dir/many", entry('n', '', 0100644) x 4000);
	system("for i in `seq 70`; do cat $dir/many; done | gzip -1 >$initrd") == 0 or BAIL_OUT('no bomb');
	check_is('many files', undef, 1, qr/unpacks to more than 256 MiB/, { KHO_FAKE_RAM => 65536 });
}

# Any bytes: no crash, exit status 0 or 1
my $bad = 0;
for my $n (1 .. 60) {
	my $bytes = $n % 3 ? $early . pipe_through('gzip -c', $good) : $good . $early;

	substr($bytes, int(rand(length $bytes > 800 ? 800 : length $bytes)), 1) = chr(int(rand(256))) for 1 .. 3;
	substr($bytes, $n % 2 ? -int(rand(1500)) - 1 : 0, 1) = chr(int(rand(256)));
	spew($initrd, $bytes);
	my ($status) = run({ LD_PRELOAD => $fake, KHO_SYSROOT => $root }, 'check', '--json',
			   '--target', $image, '--initrd', $initrd);
	$bad++, diag("initrd $n: exit status $status") if $status > 1;
}
is($bad, 0, '60 damaged initrds, no crash');

{
	my $huge = "$dir/huge";

	spew($huge, $good);
	truncate($huge, 1 << 40) or die;
	dev_is('check: a sparse file of 1 TiB', ['check', '--target', $image, '--initrd', $huge], 1,
	       qr/^FAIL  initrd       \S+huge has 1 TiB, and all RAM of the machine is 4 GiB$/m);
	unlink($huge);
}

# ---- What can't be told ----

check_is('no program', $early . pipe_through('xz -c', $good), 0,
	 qr/^warn  initrd       \S+: what is in it can't be told: compressed with xz, but there is no program xz\n +-> apt install xz-utils$/m,
	 { PATH => "$dir/empty" });
unlike($out = check_is('no program, the rest', undef, 0, qr/^ok    onward/m,
       { PATH => "$dir/empty" }), qr/sealing/, 'nothing is said about kho-seal');
like(dev_is('check: no program, JSON', ['check', '--json', '--target', $image, '--initrd', $initrd],
	    0, qr/"initramfs": \{\n    "format": "cpio and xz",\n    "known": false,\n    "early_bytes": 100352,/,
	    undef, { PATH => "$dir/empty" }),
     qr/"initrd_unpacked": 10[3-9]\d\d\d,/, 'the rest is an estimate');

# ---- The module ----

my $other = '6.9.0-other';
my $lost = qr/what arrives there can't be read, its RAM stays small, and its own next jump loses all/;
my $headers = "$root/lib/modules/$other/build";

spew($image, image(release => $other, payload => gz(kernel_text($other))));
spew($initrd, cpio(@tools));
check_is('no modules at all', undef, 1,
	 qr/^FAIL  onward       there is no kho\.ko for Linux $other, and no \/lib\/modules\/$other: unless its root file system has one, $lost\n +-> install the kho-dkms package, or 'make dkms-install' in the source; then apt install linux-headers-$other && dkms install kho\/[\d.]+ -k $other$/m);
make_path("$root/lib/modules/$other/kernel", "$root/var/lib/dkms/kho/0.0.9/source",
	  "$root/var/lib/dkms/kho/0.0.10/source", "$root/var/lib/dkms/kho/kernel-6.1-x86_64");
check_is('no headers', undef, 1,
	 qr/^FAIL  onward       there is no kho\.ko for Linux $other: $lost\n +-> apt install linux-headers-$other && dkms install kho\/0\.0\.10 -k $other$/m);
make_path($headers);
check_is('headers', undef, 1, qr/^FAIL  onward .*\n +-> dkms install kho\/0\.0\.10 -k $other$/m);
remove_tree($headers);
make_path("$root/var/lib/dkms/kho/0.0.10/$other/x86_64/module");
check_is('built, not installed', undef, 1,
	 qr/^FAIL  onward .*\n +-> dkms install kho\/0\.0\.10 -k $other$/m);
load_is('no module', ['--append', 'root=x'], 1,
	qr/^khoctl load: there is no kho\.ko for Linux $other: $lost: dkms install kho\/0\.0\.10 -k $other; --force loads it all the same$/);
is(slurp($log), undef, 'kexec has not been called');
is(loaded(), 0, 'nothing is loaded');
load_is('no module, forced', ['--append', 'root=x', '--force'], 0,
	qr/^khoctl load: warning: there is no kho\.ko/);
is(loaded(), 1, 'it is loaded');
loaded(0);
spew($initrd, pipe_through('gzip -c', cpio(@tools)));
check_is('no module, and an initrd that can not be read', undef, 0,
	 qr/^warn  onward       \/lib\/modules\/$other has no kho\.ko, and whether the initrd has one can't be told/m,
	 { PATH => "$dir/empty" });
check_is('in the initrd only', cpio(@tools, entry("lib/modules/$other/x/kho.ko.zst", 'm', 0100644)),
	 0, qr/^ok    onward       the module for it is in the initrd: lib\/modules\/$other\/x\/kho\.ko\.zst$/m);
check_is('not quite', cpio(@tools, entry("lib/modules/$other/x/akho.ko", 'm', 0100644),
	 entry("lib/modules/$other/x/kho.kox", 'm', 0100644)), 1, qr/^FAIL  onward/m);
check_is('modules of another', $good, 1,
	 qr/^FAIL  initrd       \S+ has modules for Linux $release, and none for $other\n +-> use the initrd of $other$/m);
spew($image, image(release => '5.4.1', payload => gz(kernel_text('5.4.1'))));
check_is('older than the module', cpio(@tools), 1,
	 qr/^FAIL  onward       there is no kho\.ko for Linux 5\.4\.1, which is older than 5\.10: $lost\n +-> use Linux 5\.10 or later$/m);
spew($image, image(release => '6.9;reboot', payload => gz(kernel_text('6.9;reboot'))));
unlike(check_is('a release that is a command', undef, 0, qr/possible/), qr/dkms|apt/, 'is not one');
spew($image, image(release => '6.1.9-stub', payload => gz(kernel_text('6.1.9-stub', our @stub_strings))));
check_is('a stub kernel', undef, 0,
	 qr/^warn  onward       there is no kho\.ko for Linux 6\.1\.9-stub, .* its own next jump loses all\n +-> apt install/m);
spew($image, image(release => '7.3.9', payload => gz(kernel_text('7.3.9', mainline_strings(4)))));
check_is('a mainline kernel', undef, 0, qr/^warn  onward       there is no kho\.ko for Linux 7\.3\.9/m);

# ---- An initramfs that stays the root file system ----

spew($image, image());
my @bare = (entry('init'), entry('usr/sbin/kho-seal'));
spew($initrd, cpio(@bare));
load_is('it stays, without the module', ['--append', 'quiet'], 1,
	qr/^khoctl load: without root= on its command line, the initrd stays its root file system, and has no kho\.ko: $lost: put \S+kho\.ko into it, or give it root=; --force/);
check_is('the command line is not known', undef, 0, qr/^ok    onward       the module for it is installed/m);
for (['root=/dev/sda1', 0], ['a  root=/dev/sda1 b', 0], ["a\troot=UUID=1", 0], ['root=', 1],
     ['root=x root=', 1], ['noroot=x', 1], ['-- root=x', 1], ['a="b root=x"', 1],
     ['root="/dev/x y"', 0], ['"root=x y"', 0], ['foo="a -- " root=x', 0], ['--root=x', 1]) {
	my ($line, $status) = @$_;

	load_is("command line '$line'", ['--append', $line], $status, $status ? qr/it stays|stays its root/ : undef);
	loaded(0);
}
spew("$root/proc/cmdline", "root=/dev/sda1 quiet\n");
load_is('root= is reused', ['--reuse-cmdline', '--append', 'x'], 0, undef);
loaded(0);
unlink("$root/proc/cmdline");
spew($initrd, cpio(@bare, $module));
load_is('it stays, with the module', ['--append', 'quiet'], 0, undef);
loaded(0);
spew($initrd, cpio(@tools));
load_is('one that looks for it', ['--append', 'quiet'], 0, undef);
loaded(0);

# It may take half of RAM then: of 1 GiB without 6 + 16 MiB and what the file takes.
spew($initrd, cpio(@bare, $module, entry('data', '', 0100644)));
{
	my %small = (KHO_FAKE_RAM => 262144, KHO_FAKE_SCRATCH => '0x40000000:0x30000000');
	my $mib = 350;

	spew($initrd, cpio_head(5, 0100644, $mib << 20) . "data\0\0");
	truncate($initrd, 116 + ($mib << 20)) or die;
	open(my $f, '>>:raw', $initrd) or die;
	print $f cpio(@bare, $module);
	close($f);
	load_is('more than half of RAM', ['--append', 'quiet'], 1,
		qr/without root= on its command line, its files may take half of RAM, 325\.9 MiB, and they need 350 MiB: give it root=, or rootfstype=ramfs/,
		\%small);
	load_is('more than half of RAM, ramfs', ['--append', 'rootfstype=ramfs'], 0, undef, \%small);
	loaded(0);
	load_is('more than half of RAM, a root', ['--append', 'root=x'], 0, undef, \%small);
	loaded(0);
	load_is('more than half of RAM, tmpfs', ['--append', 'root=x rootfstype=tmpfs'], 1,
		qr/may take half of RAM/, \%small);
	check_is('more than half of RAM, perhaps', undef, 0,
		 qr/^warn  initrd       without root= on its command line, its files may take/m, \%small);
}

# ---- /init ----

spew($initrd, cpio(entry('usr/sbin/kho-seal'), entry('etc/initrd-release')));
check_is('no /init', undef, 0, qr/^warn  initrd       \S+ has no \/init: the kernel has to find/m);
load_is('no /init, no root', ['--append', 'quiet'], 1,
	qr/has no \/init, and the command line has no root=: the kernel would find no root file system/);
load_is('no /init, but a root', ['--append', 'root=x'], 0, undef);
loaded(0);
load_is('another init', ['--append', 'rdinit=/usr/sbin/kho-seal'], 0, undef);
loaded(0);
spew($initrd, cpio(@tools));
load_is('another init that is not there', ['--append', 'rdinit=/sbin/none'], 1, qr/has no \/sbin\/none|has no \/\/?sbin\/none/);
spew($initrd, cpio(entry('init', '', 0100644), @tools[1, 2]));
load_is('an init that can not run', ['--append', 'quiet'], 1, qr/has no \/init/);
spew($initrd, cpio(entry('init', 'sbin/x', 0120777), @tools[1, 2]));
load_is('a link', ['--append', 'quiet'], 0, undef);
loaded(0);

# ---- kho-seal ----

spew($initrd, cpio(entry('init'), entry('scripts/init-bottom/ORDER')));
my $open = qr/until the module is loaded there, every user can read what is in envelopes/;
check_is('kho-seal is not installed', undef, 0,
	 qr/^warn  sealing      kho-seal is not in the initrd, and not installed: $open\n +-> install kho-seal, then update-initramfs -u -k $release$/m);
make_path("$root/usr/lib/dracut/modules.d/05kho-seal");
check_is('installed for dracut', undef, 1,
	 qr/^FAIL  sealing      kho-seal is not in the initrd: $open\n +-> dracut --force --kver $release$/m);
make_path("$root/usr/share/initramfs-tools/hooks", "$root/etc/systemd/system/sysinit.target.wants");
spew("$root/usr/share/initramfs-tools/hooks/kho-seal", '');
check_is('installed', undef, 1, qr/^FAIL  sealing .*\n +-> update-initramfs -u -k $release$/m);
load_is('no kho-seal', ['--append', 'root=x'], 1,
	qr/^khoctl load: kho-seal is not in the initrd: $open: update-initramfs -u -k $release; --force/);
load_is('no kho-seal, forced', ['--append', 'root=x', '--force'], 0, qr/warning: kho-seal is not/);
loaded(0);
symlink('/nowhere/kho-seal.service', "$root/etc/systemd/system/sysinit.target.wants/kho-seal.service") or die;
check_is('the unit suffices', undef, 0, qr/^ok    sealing .* but kho-seal\.service is enabled$/m);
spew($initrd, cpio(entry('init'), $module));
load_is('the unit does not suffice', ['--append', 'quiet'], 1, qr/^khoctl load: kho-seal is not in the initrd/);
spew($initrd, cpio(entry('init'), entry('usr/sbin/kho-seal', '', 0100644)));
unlike(check_is('it can not run', undef, 0, qr/./), qr/kho-seal is in the initrd$/m, 'is not there');
spew($image, image(release => '6.1.192-kho', payload => gz(kernel_text('6.1.192-kho', @stub_strings))));
unlike(check_is('the stub hides them', undef, 0, qr/./), qr/sealing/, 'nothing is to be said');
spew($image, image());

# ---- No initrd at all ----

dev_is('check: no initrd', ['check', '--target', $image], 0, qr/possible\.$/m, undef);
spew("$root/boot/initrd.img-$release", 'x');
dev_is('check: no initrd, but there is one', ['check', '--target', $image], 1,
       qr/^FAIL  initrd       none, but there is \/boot\/initrd\.img-$release: .*\n +-> --initrd \/boot\/initrd\.img-$release$/m, undef);
unlink("$root/boot/initrd.img-$release");

# ---- RAM that loading needs, and the balloon ----

spew($initrd, $good);
sub meminfo { return spew("$root/proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: $_[0] kB\nSwapFree:  $_[1] kB\n") }
meminfo(500_000, 0);
# MiB: 4 of the image, 5 of everything else, and little for the files
check_is('RAM for loading', undef, 0, qr/^ok    loading      needs about 9\.1 MiB of RAM now, and 488\.2 MiB are available$/m);
meminfo(9000, 0);
check_is('no RAM for loading', undef, 1,
	 qr/^FAIL  loading      needs about 9\.1 MiB of RAM now, and 8\.7 MiB are available\n +-> end what/m);
load_is('no RAM', ['--append', 'root=x'], 1, qr/^khoctl load: needs about 9\.1 MiB of RAM now, .*; --force/);
load_is('no RAM, forced', ['--append', 'root=x', '--force'], 0, qr/warning: needs about/);
loaded(0);
meminfo(9000, 5000);
check_is('swap may help', undef, 0, qr/^warn  loading /m);
meminfo(500_000, 0);
my %gib = (KHO_FAKE_RAM => 262144, KHO_FAKE_ENVELOPES => '10000000:10000000,20000000:20000000');
spew("$root/proc/vmstat", "nr_free_pages 1\nballoon_inflate 50000\nballoon_deflate 10000\n");
check_is('a balloon', undef, 1,
	 qr/^FAIL  RAM          its boot needs about 118 MiB, and there are 99\.7 MiB outside of 2 envelopes and of 156\.2 MiB that the host takes by a balloon: .*\n +-> have the host deflate the balloon$/m,
	 \%gib);
spew("$root/proc/vmstat", "balloon_inflate 50000\nballoon_deflate 40000\n");
check_is('a small balloon', undef, 0, qr/^ok    RAM          216\.9 MiB outside of 2 envelopes and of 39/m, \%gib);
spew("$root/proc/vmstat", "balloon_inflate 5\nballoon_deflate 40000\n");
unlike(check_is('none', undef, 0, qr/^ok    RAM          256 MiB/m, \%gib), qr/balloon/, 'is not named');
unlink("$root/proc/vmstat", "$root/proc/meminfo");
unlike(check_is('no /proc', undef, 0, qr/^ok    RAM/m), qr/loading/, 'nothing is said of what is not known');
done_testing();
