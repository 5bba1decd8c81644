# SPDX-License-Identifier: GPL-2.0
#
# What khoctl's tests share: finding the program, building helpers, running
# programs, making images.  Tests run in the repository's root and require it.
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Compress::Gzip qw(gzip $GzipError);
use Test::More;

our $top = '.';
our $khoctl = $ENV{KHOCTL} // "$top/build/tools/khoctl";
our $dir = tempdir('khoctl-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $cc = $ENV{CC} // 'cc';
my $includes = "-I$top/include/uapi -I$top/include";

# The user's environment must not matter.
delete @ENV{qw(KHO_DEVICE KHO_SYSROOT)};
delete @ENV{grep { /^KHO_FAKE/ } keys %ENV};
$ENV{LC_ALL} = 'C';
$ENV{TZ} = 'UTC';

# A helper that doesn't build is a failed test, not a skipped one.
sub build {
	my ($to, @args) = @_;

	system("$cc -Wall -Wextra -Werror -O1 $includes -o $to @args") == 0
		or BAIL_OUT("cannot build $to");
	return $to;
}

sub spew {
	my ($path, $data) = @_;

	open(my $f, '>:raw', $path) or die "$path: $!";
	print $f $data;
	close($f) or die "$path: $!";
	return $path;
}

sub slurp {
	my ($path) = @_;

	open(my $f, '<:raw', $path) or return undef;
	local $/;
	my $data = <$f> // '';
	close($f);
	return $data;
}

# run(\%env, @args): returns (exit status or 128 + signal, stdout, stderr)
sub run {
	my $env = ref $_[0] ? shift : {};
	my @args = @_;
	my $pid = fork() // die "fork: $!";

	if (!$pid) {
		my $in = delete $env->{STDIN} // '/dev/null';

		$ENV{$_} = $env->{$_} for keys %$env;
		open(STDIN, '<', $in) or die "$in: $!";
		open(STDOUT, '>', $env->{STDOUT} // "$dir/stdout") or die;
		open(STDERR, '>', "$dir/stderr") or die;
		alarm(60);
		# A test that was started in the background may ignore SIGINT.
		$SIG{INT} = 'DEFAULT';
		exec { $khoctl } 'khoctl', @args or exit(99);
	}
	waitpid($pid, 0);
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, slurp("$dir/stdout"), slurp("$dir/stderr"));
}

# Runs khoctl; tests its exit status and patterns for stdout and stderr (undef: empty)
sub khoctl_is {
	my ($name, $args, $status, $out, $err, $env) = @_;
	my ($s, $o, $e) = run($env // {}, @$args);
	my @why;

	push @why, "exit status $s, not $status" if $s != $status;
	push @why, 'stdout' unless defined $out ? $o =~ $out : $o eq '';
	push @why, 'stderr' unless defined $err ? $e =~ $err : $e eq '';
	ok(!@why, $name)
		or diag("wrong: @why\nargs: @$args\nstdout: ",
			substr($o, 0, 2000), "\nstderr: ", substr($e, 0, 2000));
	return $o;
}

our ($fake, $root);

# Makes a fake device and a fake system, whose /proc and so on are below $root.
sub make_device {
	$fake = build("$dir/fakedev.so", '-shared -fPIC',
		      'tests/unit/khoctl-fakedev.c',
		      'tests/unit/khoctl-fakeobj.c',
		      'tests/unit/khoctl-fakescratch.c', '-ldl');
	mkdir "$dir/$_"
		for qw(fake fake/objects fake/uncommitted fake/info fake/data
		       fake/sums root root/sys root/sys/kernel
		       root/sys/kernel/security root/sys/module root/proc
		       root/proc/sys root/proc/sys/kernel root/lib
		       root/lib/modules root/boot root/dev root/run
		       root/proc/sys/kernel/random);
	$root = "$dir/root";
	have_module($_) for qw(6.1.0-successor 6.1.192-kho 6.1.7 6.5.7-x 6.18.1 6.18.2 7.0.1 7.1.3
			       7.2.1 7.2.5-x 7.3.4);
	return;
}

# have_module(RELEASE): there is a kho.ko for it; returns its path
sub have_module {
	my ($release) = @_;
	my $path = "$root/lib/modules/$release/updates/dkms";

	make_path($path);
	return spew("$path/kho.ko", 'module');
}

# entry(NAME, [DATA, [MODE]]): an entry of a cpio archive in the format newc
sub entry {
	my ($name, $data, $mode) = @_;
	my $head = cpio_head(length($name) + 1, $mode // 0100755, length($data // ''));
	my $text = "$head$name\0";

	$text .= "\0" x (-length($text) & 3) . ($data // '');
	return $text . "\0" x (-length($text) & 3);
}

sub cpio_head {
	my ($name, $mode, $size) = @_;

	return sprintf('070701' . '%08X' x 13, 1, $mode, 0, 0, 1, 0, $size, 0, 0, 0, 0, $name, 0);
}

# cpio(ENTRY...): a whole archive
sub cpio {
	my $text = join('', @_, entry('TRAILER!!!', '', 0));

	return $text . "\0" x (-length($text) & 511);
}

# An initramfs as it should be, of SIZE bytes
sub initramfs {
	my ($size) = @_;
	my @files = (entry('init'), entry('usr/sbin/kho-seal'), entry('etc/initrd-release'));
	my $fixed = length(cpio(@files, entry('data')));

	return cpio(@files, entry('data', 'x' x ($size - $fixed), 0100644));
}

# dev_is(name, args, status, stdout, stderr, more environment): khoctl_is() with the fake
# device
sub dev_is {
	my ($name, $args, $status, $out, $err, $env) = @_;

	return khoctl_is($name, $args, $status, $out, $err,
			 { LD_PRELOAD => $fake, KHO_FAKE_DIR => "$dir/fake",
			   KHO_SYSROOT => $root, %{$env // {}} });
}

# loaded([state]): returns whether a kernel is loaded; sets it first if there is a state
sub loaded {
	my ($state) = @_;

	spew("$root/sys/kernel/kexec_loaded", "$state\n") if defined $state;
	return 0 + slurp("$root/sys/kernel/kexec_loaded");
}

sub gz {
	my ($text) = @_;
	my $out;

	gzip(\$text, \$out, -Minimal => 1) or die $GzipError;
	return $out;
}

# The parts of an unpacked kernel that khoctl looks at: texts with NULs in between.
sub kernel_text {
	my ($release, @strings) = @_;

	return join("\0", "\177ELF", "x" x 5000, "Linux version %s",
		    "Linux version $release (me) #1", @strings, "");
}

our @stub_strings = ("\0014kho: handover refused: %s\n",
	"\0016kho: kept %llu pages (%llu.%llu MiB) in %llu extents, %lld us\n",
	'compatible string is neither kho-v3 nor kho-v4', 'kho-v3', 'kho-v1',
	'kho-v2');

sub mainline_strings {
	my ($abi) = @_;

	return ("compatible", "kho-v$abi", "\0014KHO: disabling KHO revival\n",
		"luo-v1", "Xkho-v9", "kho-v77x");
}

# A bzImage without code; arguments: name => value.  The payload is compressed as
# the kernel's build does.
our $stock_payload = gz(kernel_text('6.1.0-successor'));

sub image {
	my (%args) = @_;
	my %set = (
		setup_sects => 4, syssize => 0x1000, boot_flag => 0xaa55,
		magic => 'HdrS', version => 0x20f, xloadflags => 3,
		relocatable => 1, loadflags => 1, jump => 0x6a,
		init_size => 0x400000, alignment => 0x200000,
		cmdline_size => 2047, size => undef, setup_data => 0,
		payload => $stock_payload, payload_offset => 0x2cc,
		payload_length => undef, release => '6.1.0-successor', %args);
	my $setup = ($set{setup_sects} || 4) * 512 + 512;
	my $data = "\0" x ($setup + 16 * $set{syssize});
	my %at = (
		setup_sects => [0x1f1, 'C'], syssize => [0x1f4, 'V'],
		boot_flag => [0x1fe, 'v'], jump => [0x201, 'C'],
		magic => [0x202, 'a4'], version => [0x206, 'v'],
		loadflags => [0x211, 'C'], alignment => [0x230, 'V'],
		relocatable => [0x234, 'C'], xloadflags => [0x236, 'v'],
		cmdline_size => [0x238, 'V'], payload_offset => [0x248, 'V'],
		payload_length => [0x24c, 'V'], setup_data => [0x250, 'Q<'],
		init_size => [0x260, 'V']);

	$set{payload_length} //= length($set{payload});
	for my $field (keys %at) {
		my ($offset, $format) = @{$at{$field}};
		my $bytes = pack($format, $set{$field});

		substr($data, $offset, length $bytes) = $bytes;
	}
	substr($data, 0x20e, 2) = pack('v', 0x400);
	my $version = "$set{release} (me) #1\0";
	substr($data, 0x600, length $version) = $version;
	# The payload is always here, whatever the header says.
	my $at = $setup + 0x2cc;
	substr($data, $at, length $set{payload}) = $set{payload}
		if $at + length $set{payload} <= length $data;
	$data = substr($data, 0, $set{size}) if defined $set{size};
	return $data;
}

1;
