#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# The command line of the next kernel: what khoctl load and check --target make of it.
use strict;
use warnings;
use Cwd qw(abs_path);
use JSON::PP;
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root, $stock_payload);
no warnings 'portable';

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
have_module("7.3.0");
my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $log = "$dir/kexec.log";
mkdir "$dir/images";
my $bz = spew("$dir/images/bzImage", image());
my $MIB = 1 << 20;
my $GIB = 1 << 30;

loaded(0);
spew("$root/proc/sys/kernel/osrelease", "6.1.0-9-test\n");
spew("$root/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda quiet\n");
spew("$root/proc/cpuinfo", "flags : fpu sme\n");

# ram([START, END]...): the RAM that kexec reports, and this kernel has
sub ram {
	my $n = 0;
	my $iomem = '';

	system('rm', '-rf', "$root/sys/firmware/memmap");
	for (@_) {
		my ($start, $end) = @$_;
		my $entry = "$root/sys/firmware/memmap/" . $n++;

		system('mkdir', '-p', $entry);
		spew("$entry/start", sprintf("0x%x\n", $start));
		spew("$entry/end", sprintf("0x%x\n", $end - 1));
		spew("$entry/type", "System RAM\n");
		$iomem .= sprintf("%08x-%08x : System RAM\n", $start, $end - 1);
	}
	spew("$root/proc/iomem", $iomem);
}

# 4 GiB: 3 GiB below a hole and 1 GiB above it
my @ram = ([0x100000, 3 * $GIB], [4 * $GIB, 5 * $GIB]);
ram(@ram);

# Scratch is 0x40000000 to 0x4fffffff, as khoctl-fakedev.c says.
my $envelopes = '0x60000000:0x400000,0x80000000:0x200000';

sub load {
	my ($args, $env) = @_;

	return run({ LD_PRELOAD => $fake, KHO_FAKE_DIR => "$dir/fake", KHO_SYSROOT => $root,
		     FAKE_KEXEC => 'good', FAKE_LOG => $log, KHO_FAKE_ENVELOPES => $envelopes,
		     %{$env // {}} }, 'load', '--kexec', $kexec, '--dry-run', @$args);
}

# What load says, check --target says as well.
sub check_target {
	my ($env, @args) = @_;

	return run({ LD_PRELOAD => $fake, KHO_FAKE_DIR => "$dir/fake", KHO_SYSROOT => $root,
		     KHO_FAKE_ENVELOPES => $envelopes, %{$env // {}} },
		   'check', '--target', $bz, @args);
}

sub judged {
	my ($name, $args, $status, $why, $env) = @_;
	my ($s, $o, $e) = load([@$args, $bz], $env);
	my $good = $s == $status && (defined $why ? $e =~ $why : $e eq '');
	my @check = grep { $_ ne '--force' } @$args;

	ok($good, $name) or diag("load: exit status $s, stdout: $o\nstderr: $e");
	return if "@$args" =~ /--force/;
	($s, $o, $e) = check_target($env, @check);
	# It shows a finding in two lines, of which load prints one.
	$o =~ s/\n +-> /: /g;
	ok($s == $status && (defined $why ? $o =~ $why : $o !~ /FAIL|warn/), "$name: so says check")
		or diag("check: exit status $s, stdout: $o\nstderr: $e");
}

sub refused { my ($line, $why, $env) = @_; judged($line, ['--append', $line], 1, $why, $env) }
sub passes { my ($line, $env) = @_; judged($line, ['--append', $line], 0, undef, $env) }

# needs(command line, {what => bytes}, environment): what it takes of the RAM
sub needs {
	my ($line, $what, $env) = @_;
	my ($s, $o, $e) = load(['--json', '--force', '--append', $line, $bz], $env);
	# The command line need not be UTF-8, but JSON has to be.
	my $for = $s ? {} : eval { decode_json($o)->{ram_needed_for} } // {};
	my %got = map { $_ => $for->{$_} // 'nothing' } qw(huge_pages crash_kernel cma buffers);
	my %want = (huge_pages => 0, crash_kernel => 0, cma => 0, buffers => 0, %$what);

	is_deeply(\%got, \%want, "'$line' takes") or diag("exit status $s: $e");
}

# ---- What takes RAM ----

# 300 huge pages are preserved; the next kernel would take as many again, and panic.
ram([0x100000, $GIB]);
my %huge = (KHO_FAKE_RAM => 262144, KHO_FAKE_SCRATCH => '0x2000000:0x8000000',
	    KHO_FAKE_ENVELOPES => '0x10000000:0x25800000');
passes('quiet', \%huge);
refused('quiet hugepages=300',
	qr/its boot needs about 718 MiB, and there are 424 MiB outside of 1 envelope: .*, all else 96 MiB, hugepages=300 of 2 MiB 600 MiB: ask for less by hugepages=300 of 2 MiB on its command line/,
	\%huge);
judged('hugepages= by force', ['--force', '--append', 'hugepages=300'], 0,
       qr/warning: its boot needs about 718 MiB/, \%huge);
refused('hugepagesz=1G hugepages=1', qr/needs about 1\.1 GiB/, \%huge);
refused('crashkernel=512M', qr/crashkernel=512M 512 MiB/, \%huge);
refused('cma=400M', qr/cma=400M 400 MiB/, \%huge);
# Without envelopes too, if it is the command line's fault
refused('hugepages=500', qr/its boot needs about/,
	{ %huge, KHO_FAKE_ENVELOPES => '', KHO_FAKE_BACKEND => '' });
refused('kernelcore=64M', qr/kernelcore=64M: that kernel could use only 64 MiB for itself/, \%huge);
refused('movablecore=1000M', qr/movablecore=1000M: that kernel could use only/, \%huge);
# 650 MiB for itself, of which an envelope has all but 63
refused('kernelcore=650M', qr/kernelcore=650M: that kernel could use only 63 MiB/,
	{ %huge, KHO_FAKE_ENVELOPES => '0x4000000:0x25800000',
	  KHO_FAKE_SCRATCH => '0x30000000:0x8000000' });
passes('kernelcore=90%', \%huge);
ram(@ram);

needs('quiet', {});
for (['hugepages=10', 20], ['hugepages="10"', 20], ['hugepages=10 hugepages=20', 20],
     ['hugepages=0:3,1:4', 14], ['hugepages=0:3,1:x', 6], ['hugepages=x', 0], ['hugepages', 0],
     ['hugepagesz=1G hugepages=2', 2048], ['hugepagesz=1G hugepages=0:1,1:1', 2048],
     ['hugepagesz=2M hugepages=3 hugepagesz=1G hugepages=1', 1030],
     ['hugepages=4 hugepagesz=1G hugepages=1', 1032],
     ['default_hugepagesz=1G hugepages=2', 2048], ['hugepages=2 default_hugepagesz=1G', 2048],
     ['default-hugepagesz=1G hugepages=2', 2048],
     ['hugepagesz=3M hugepages=5 hugepages=6', 12], ['hugepagesz=1G', 0],
     ['hugepagesz=1G hugepages=1 hugepagesz=1G hugepages=2', 1024],
     ["a\thugepages=1\x{a0}hugepagesz=1G\nb" =~ s/\n/ /r, 2],
     ['-- hugepages=10', 0], ['hugepages=10 -- x', 20], ['foo="a hugepages=10"', 0],
     ['"hugepages=10"', 20], ['xhugepages=10', 0], ['hugepages =10', 0]) {
	my ($line, $mib) = @$_;

	needs($line, { huge_pages => $mib * $MIB });
}
for (['crashkernel=256M', 256], ['crashkernel=64M@16M', 64], ['crashkernel=1G,high', 1280],
     ['crashkernel=1G,high crashkernel=128M,low', 1152],
     ['crashkernel=1G,high crashkernel=0,low', 1024], ['crashkernel=128M,low', 0],
     ['crashkernel=64M crashkernel=128M', 128], ['crashkernel=64M crashkernel=1G,high', 64],
     ['crashkernel=64M crashkernel=256M,cma', 320],
     ['crashkernel=1G-2G:64M,2G-8G:128M,8G-:256M', 128], ['crashkernel=8G-:256M', 0],
     ['crashkernel=-2G:64M', 0], ['crashkernel=0-:64M@16M', 64],
     ['crashkernel=64Mx', 0], ['crashkernel="64M"', 0],
     # It is looked for in all of the text.
     ['-- crashkernel=64M', 64], ['xcrashkernel=64M', 64]) {
	my ($line, $mib) = @$_;

	needs($line, { crash_kernel => $mib * $MIB });
}
for (['cma=64M', 64], ['cma=64M@1G', 64], ['cma=1G cma=0', 0], ['cma=64M@0-4G', 64],
     ['hugetlb_cma=1G', 1024], ['hugetlb_cma=1025M', 2048], ['hugetlb_cma=512M', 0],
     ['hugetlb_cma=0:1G,1:2G', 3072], ['numa_cma=0:16M,1:16M', 32], ['cma_pernuma=16M', 16]) {
	my ($line, $mib) = @$_;

	needs($line, { cma => $mib * $MIB });
}
for (['reserve_mem=12M:4096:trace', 12], ['reserve_mem=12M:4K:a reserve_mem=4M:4K:b', 16],
     ['reserve_mem=12M', 0], ['swiotlb=65536', 128], ['swiotlb=65536,force swiotlb=force', 128],
     ['log_buf_len=60M', 288], ['log_buf_len=64M log_buf_len=1M', 288],
     ['dhash_entries=1000000', 8], ['thash_entries=99999999999', 4095 / 16], ['initrd=/boot/x', 0],
     ['initrdmem=0x10000000,1M', 1]) {
	my ($line, $mib) = @$_;

	needs($line, { buffers => $mib * $MIB });
}
mkdir("$root/sys/devices");
system('mkdir', '-p', map { "$root/sys/devices/system/node/$_" } qw(node0 node1 power));
needs('cma_pernuma=16M', { cma => 32 * $MIB });
system('rm', '-r', "$root/sys/devices");
# No sum overflows.
refused('hugepages=99999999999999999999 cma=16E', qr/its boot needs about 15\.9 EiB/);

# ---- What takes RAM away from what is preserved ----

my $lost = qr/what is preserved between 0x60000000 and 0x603fffff would be lost/;
my $lost2 = qr/what is preserved between 0x80000000 and 0x801fffff would be lost/;

for my $line ('mem=1536M', 'mem="1536M"', "a\tmem=1536M", "a\x{b}mem=0x60000000", 'a  "mem=1536M"',
	      'memmap=1536M', 'memmap=8G,1536M', 'mem=2G mem=1536M', 'mem=1536M mem=4G') {
	refused($line, qr/^khoctl load: memmap=1536M: .*$lost|^khoctl load: mem=(?:1536M|0x60000000): .*$lost|FAIL .*$lost/);
}
refused('mem=1537M', qr/mem=1537M: RAM would end in the envelope from 0x60000000 to 0x603fffff: it would not boot/);
refused('mem=0x60400000', qr/RAM would end in the envelope from 0x60000000/);
refused('mem=1G', qr/mem=1G: that takes RAM from scratch, 0x40000000 to 0x4fffffff, .*would not boot/);
judged('by force', ['--force', '--append', 'mem=1536M'], 0, qr/warning: mem=1536M: .*$lost$/m);
judged('not by force', ['--force', '--append', 'mem=1537M'], 1, qr/would not boot/);
for my $line ('-- mem=1G', 'foo="a mem=1G b"', 'foo=" memmap=exactmap"', 'mem=nopentium', 'mem',
	      'memx=1M xmem=1M mem=16777216T', 'mem=8G', 'memmap', 'memmap=x', 'mem=0',
	      'memmap=1M#5G', 'memmap=1M@6G', 'foo="a" -- "mem=1G"') {
	passes($line);
}
for my $mark ('$', '#', '!') {
	refused("memmap=1M${mark}0x60300000",
		qr/memmap=1M\Q$mark\E0x60300000: that is no RAM then, and $lost/);
	refused("quiet memmap=1M${mark}0x10000000,1M${mark}0x80000000",
		qr/memmap=1M\Q$mark\E0x80000000: that is no RAM then, and $lost2/);
	refused("memmap=4K${mark}0x4ffff000", qr/takes RAM from scratch/);
}
refused('memmap=1M%0x60000000-1+2', $lost);
refused('memmap=1M%0x60000000-1', $lost);
refused('memmap=1M%0x60000000', $lost);
refused('memmap=1M%0x60000000+3', $lost);
passes('memmap=1M%0x60000000-2+3');
refused('memmap=exactmap', qr/memmap=exactmap: that takes RAM from scratch/);
passes('memmap=exactmap memmap=3G@0,1G@4G');
passes('memmap=exactmap,3G@0,1G@4G');
refused('memmap=exactmap memmap=2G@0 memmap=1G@4G', $lost2);
refused('memmap=exactmap,2G@0,1G@4G', $lost2);
# RAM that is put back is there, and reserved memory stays reserved.
passes('mem=1G memmap=2G@1G,1G@4G');
refused('memmap=1M$0x60000000 memmap=1M@0x60000000', $lost);
refused('efi_fake_mem=1M@0x60000000:0x40000', $lost);
passes('efi_fake_mem=1M@0x60000000:0x10000');
# Preserved later, it would be lost: the module can't know.
judged('where nothing is', ['--append', 'memmap=1M$0x70000000'], 0,
       qr/memmap=1M\$0x70000000: what is preserved from now on where that leaves no RAM/);
# This kernel does not have it either.
spew("$root/proc/iomem", "00100000-6fffffff : System RAM\n80000000-bfffffff : System RAM\n" .
     "100000000-13fffffff : System RAM\n");
passes('memmap=1M$0x70000000');
ram(@ram);
for ('crashkernel=64M@0x60000000', 'cma=64M@0x60000000', 'initrdmem=0x60000000,1M',
     'initrd=0x60000000,1M') {
	refused($_, qr/\Q$_\E: that is in memory kept for what is preserved, 0x60000000 to/);
}
refused('crashkernel=64M@0x48000000', qr/that is in scratch, 0x40000000 to 0x4fffffff/);
# What is left of RAM: 1536 - 1 MiB, of which 118 are needed
my (undef, $json) = load(['--json', '--force', '--append', 'mem=1536M', $bz]);
is(decode_json($json)->{ram_left}, 1535 * $MIB, 'mem= leaves less RAM');
refused('memmap=exactmap,0x1000000@0x5f000000,256M@1G,4M@0x60000000,2M@0x80000000',
	qr/its boot needs about 166 MiB, and there are 272 MiB|RAM would end in the envelope/);
# In-kernel KHO does not say where pages are.
{
	my %own = (KHO_FAKE_BACKEND => 'kernel');
	spew($bz, image(release => '7.3.0', payload =>
			gz(kernel_text('7.3.0', mainline_strings(4)))));
	spew("$root/boot/config-6.1.0-9-test", "CONFIG_KEXEC_HANDOVER=y\n");
	spew("$dir/fake/pages", "1234 0 0\n");
	refused('kho=on mem=2G', qr/mem=2G: what is preserved where that leaves no RAM/, \%own);
	unlink("$dir/fake/pages");
	passes('kho=on mem=2G', \%own);
	unlink("$root/boot/config-6.1.0-9-test");
	refused('kho=on memtest=1', qr/memtest=1: that kernel writes to all memory before/);
	refused('kho=on memtest', qr/memtest: that kernel writes to all memory before/);
	passes('kho=on memtest=0');
	judged('lacks kho=on', ['--append', 'foo="kho=on" -- kho=on'], 0, qr/lacks kho=on/);
	passes('kho=off "kho=1"');
	spew($bz, image());
}
refused('kho=off', qr/kho=off: the next kernel will ignore the handover: all would be lost/);
refused('kho=on kho=0', qr/kho=off: the next kernel/);
passes('-- kho=off');
refused('mem_encrypt=on', qr/mem_encrypt=on: that kernel could not read what is preserved/);
passes('memtest=4');

# ---- Where it comes from ----

spew("$root/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda mem=1536M\n");
judged('reused', ['--reuse-cmdline'], 1,
       qr/mem=1536M: .*: give the command line by --append, without mem=1536M, which --reuse-cmdline passes on/);
judged('both', ['--reuse-cmdline', '--append', 'memmap=1M$0x60000000'], 1,
       qr/mem=1536M: .*, which --reuse-cmdline passes on/);
spew("$root/proc/cmdline", "root=/dev/vda quiet -- single\n");
judged('appended behind --', ['--reuse-cmdline', '--append', 'mem=1G'], 0, undef);
# kexec removes the first BOOT_IMAGE, up to a space, if a word begins with it.
spew("$root/proc/cmdline", "BOOT_IMAGE=\"/a mem=1G \" quiet\n");
judged('a BOOT_IMAGE in quotes', ['--reuse-cmdline'], 1, qr/mem=1G: that takes/);
spew("$root/proc/cmdline", "BOOT_IMAGE_mem=1G\n");
judged('one without a space', ['--reuse-cmdline'], 0, undef);

# kexec counts the NUL, the space in between, and what is left of the reused one.
spew("$root/proc/cmdline", "BOOT_IMAGE=/vmlinuz " . 'r' x 1000 . "\n");
judged('the longest', ['--append', 'x' x 2046], 0, undef);
judged('too long', ['--append', 'x' x 2047], 1,
       qr/--append: 2048 bytes with the final NUL, and kexec passes at most 2047 to this kernel/);
judged('the longest sum', ['--reuse-cmdline', '--append', 'x' x 1045], 0, undef);
judged('too long a sum', ['--reuse-cmdline', '--append', 'x' x 1046], 1,
       qr/2048 bytes with the final NUL, 1000 of them reused, and kexec passes at most 2047/);
spew("$root/proc/cmdline", 'r' x 5000 . "\n");
judged('too long a reused one', ['--reuse-cmdline'], 1, qr/5001 bytes with the final NUL, 5000 of/);
judged('too long, by force', ['--force', '--reuse-cmdline'], 1, qr/5001 bytes with the final NUL/);
judged('a newline', ['--append', "a\nb"], 1, qr/--append: has a newline in it/);
my ($s, $o) = check_target({});
like($o, qr/^warn  command line neither --append nor --reuse-cmdline: .* an empty command line$/m,
     'check: no command line');
is($s, 0, 'that is no failure');
khoctl_is('check: --append without --target', ['check', '--append', 'a'], 2, undef,
	  qr/--append, .* are for --target/);
khoctl_is('check: --reuse-cmdline without --target', ['check', '--reuse-cmdline'], 2, undef,
	  qr/are for --target/);

# A built-in one, from the configuration beside the image, comes first.
sub config { return spew("$dir/images/config-6.1.0-successor", join("\n", @_, '')) }
config('CONFIG_CMDLINE_BOOL=y', 'CONFIG_CMDLINE="mem=1536M foo=\"a b\""');
judged('built in', ['--append', 'quiet'], 1,
       qr/mem=1536M: .*$lost: use a kernel without mem=1536M in its CONFIG_CMDLINE/);
config('CONFIG_CMDLINE_BOOL=y', 'CONFIG_CMDLINE="quiet"');
judged('not in the built-in one', ['--append', 'mem=1536M'], 1, qr/leave mem=1536M out of --append/);
judged('cut by the kernel', ['--append', 'x' x 2041 . ' mem=1536M'], 1, qr/2052 bytes with/);
judged('cut at its end', ['--append', 'x' x 2035 . ' mem=1536M'], 1,
       qr/with the kernel's own \(CONFIG_CMDLINE\), it has 2051 bytes: the kernel cuts it to 2047.*mem=1: that takes RAM from scratch/s);
config('CONFIG_CMDLINE_BOOL=y', 'CONFIG_CMDLINE="quiet"', 'CONFIG_CMDLINE_OVERRIDE=y');
judged('overridden', ['--append', 'mem=1536M'], 0, qr/the kernel ignores it: it has one of its own/);
config('# CONFIG_CMDLINE_BOOL is not set', 'XCONFIG_CMDLINE="mem=1G"');
passes('quiet');
unlink("$dir/images/config-6.1.0-successor");
spew($bz, image(payload => gz(kernel_text('6.1.0-successor',
     "IKCFG_ST" . gz("CONFIG_CMDLINE_BOOL=y\nCONFIG_CMDLINE=\"mem=1536M\\e\x1b[31m\"\n") . "IKCFG_ED"))));
judged('embedded', ['--append', 'quiet'], 1, qr/mem=1536M/);
spew($bz, image());

# A hostile name does not reach the terminal.
refused("memmap=1M\$0x60000000\x1b[31m", qr/memmap=1M\$0x60000000\\x1b\[31m: /);

done_testing();
