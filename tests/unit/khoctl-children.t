#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# The programs that khoctl runs: what they inherit, and what khoctl says when they fail.
# Also how little memory khoctl needs to look into a kernel.
use strict;
use warnings;
use Cwd qw(abs_path);
use Fcntl qw(F_SETFD O_RDWR O_NONBLOCK);
use POSIX qw(mkfifo);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
mkdir "$dir/$_" for qw(images bin);
my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $log = "$dir/kexec.log";
my $image = "$dir/images/bzImage";
loaded(0);
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");

sub target_is {
	my ($name, $set, $status, $out, $env, @more) = @_;

	spew($image, image(%$set)) if $set;
	return dev_is("target: $name", ['check', '--target', $image, @more],
		      $status, $out, undef, $env);
}

# script(name, text): makes a shell script of that name in $dir/bin
sub script {
	my ($name, $text) = @_;

	spew("$dir/bin/$name", "#!/bin/sh\n$text");
	chmod(0755, "$dir/bin/$name");
	return "$dir/bin/$name";
}

my $text = kernel_text('6.1.0-successor');
my $size = pack('V', length $text);
my %zstd = (payload => "\x28\xb5\x2f\xfd" . $text . $size);
my %path = (PATH => "$dir/bin:/usr/bin:/bin");

# khoctl does not let the programs that unpack write files, but pipes they may write to.
mkfifo("$dir/$_", 0600) or die for qw(env fds);
my %pipe;
for my $name (qw(env fds)) {
	sysopen($pipe{$name}, "$dir/$name", O_RDWR | O_NONBLOCK) or die;
}

# said(name): what was written to such a pipe
sub said {
	my ($name) = @_;
	my $text = '';

	sysread($pipe{$name}, $text, 65536);
	ok(length($text), "$name: there is something");
	return $text;
}

# ---- The environment ----

# The real programs, and what their variables would do to them
sub packed {
	my ($program) = @_;

	spew("$dir/plain", $text);
	my $data = `$program -c <$dir/plain`;
	BAIL_OUT("$program fails") if $?;
	return $data . $size;
}

target_is('XZ_DEFAULTS', { payload => packed('xz') }, 0, qr/\(xz, .* no sign of KHO$/m,
	  { XZ_DEFAULTS => '--memlimit=1KiB', XZ_OPT => '--format=lzma' });
target_is('GZIP, BZIP2', { payload => packed('bzip2') }, 0, qr/\(bzip2, .* no sign of KHO$/m,
	  { BZIP2 => '-t', BZIP => '-t', GZIP => '-t' });
{
	delete local $ENV{PATH};
	target_is('no PATH', undef, 0, qr/\(bzip2, .* no sign of KHO$/m);
}

script('zstd', "env | sort >$dir/env\nls -l /proc/self/fd >$dir/fds\nexec tail -c +5\n");
{
	open(my $file, '<', '/etc/passwd') or die;
	fcntl($file, F_SETFD, 0) or die;
	target_is('zstd', { %zstd }, 0, qr/\(zstd, .* no sign of KHO$/m,
		  { %path, ZSTD_CLEVEL => 'x', ZSTD_NBTHREADS => '999', SECRET => 'x',
		    LD_LIBRARY_PATH => '/nowhere', LANG => 'de_DE.UTF-8', TMPDIR => $dir });
}
my $env = said('env');
is(join(' ', grep { !/^(_|PWD|SHLVL|OLDPWD)$/ } $env =~ /^(\w+)=/mg), 'LC_ALL PATH',
   'a program gets PATH and LC_ALL alone');
like($env, qr/^LC_ALL=C$/m, 'messages are not translated');
like($env, qr/^PATH=\Q$dir\E\/bin:/m, 'PATH is that of khoctl');
unlike(said('fds'), qr/passwd|fakedev|kho-image/, 'it inherits no files');
{
	my $own = script('kexec', "env >$dir/env\nls -l /proc/self/fd >$dir/fds\n" .
			 "echo ' -c, --kexec-syscall  --mem-min --mem-max'\n");

	open(my $file, '<', '/etc/passwd') or die;
	fcntl($file, F_SETFD, 0) or die;
	dev_is('kexec', ['check', '--kexec', $own], 1, qr/^ok    kexec-tools /m, undef,
	       { %path, LD_LIBRARY_PATH => '/nowhere', SECRET => 'x' });
	unlike(said('env'), qr/SECRET|LD_|KHO_/, 'kexec gets no variables either');
	unlike(said('fds'), qr/passwd/, 'and no files');
}

# If khoctl has no stdin, stdout or stderr, no other file takes their place.
{
	local $khoctl = abs_path($khoctl);
	my $closed = script('closed', "exec $khoctl \"\$\@\" <&- 2>&-\n");

	local $khoctl = $closed;
	target_is('no stdin, no stderr', { %zstd }, 0, qr/\(zstd, .* no sign of KHO$/m, \%path);
}

# ---- Programs that fail for lack of something ----

my $not_now = qr/^FAIL  payload      \Q$image\E: its payload cannot be examined now: zstd/m;
my $fix = qr/\n +-> free memory, or raise the limit, and try again$/m;

for (['killed', "kill -9 \$\$\n", qr/: killed by signal 9/],
     ['crashed', "kill -SEGV \$\$\n", qr/: killed by signal 11/],
     ['killed at its end', "tail -c +5\nkill -9 \$\$\n", qr/: killed by signal 9/],
     ['no memory', "echo 'zstd: error 11 : Allocation error : not enough memory' >&2\nexit 11\n",
      qr/: exit status 11: zstd: error 11 : Allocation error/],
     ['no memory, xz', "echo 'xz: (stdin): Cannot allocate memory' >&2\nexit 1\n",
      qr/: exit status 1: xz: \(stdin\): Cannot allocate memory/]) {
	my ($name, $script, $why) = @$_;

	script('zstd', $script);
	my $out = target_is($name, { %zstd }, 1, qr/$not_now$why.*$fix/, \%path);
	unlike($out, qr/damaged|apt install/, "$name: nothing is called damaged");
}
unlink("$log");
dev_is('load: killed', ['load', '--kexec', $kexec, '--append', 'a', $image], 1, undef,
       qr/cannot be examined now: .*: free memory, or raise the limit, and try again; --force loads it/,
       { %path, FAKE_KEXEC => 'good', FAKE_LOG => $log });
is(slurp($log), undef, 'kexec was not called');
dev_is('load: killed, forced', ['load', '--force', '--kexec', $kexec, '--append', 'a', $image],
       0, qr/^loaded/m, qr/warning: .*cannot be examined now/,
       { %path, FAKE_KEXEC => 'good', FAKE_LOG => $log });
loaded(0);

# What the dynamic linker says
script('zstd', "echo 'zstd: error while loading shared libraries: libzstd.so.1: cannot open " .
       "shared object file: No such file or directory' >&2\nexit 127\n");
my $out = target_is('a missing library', { %zstd }, 0,
	qr/compressed with zstd, but zstd can't be run: zstd: error while loading shared libraries: libzstd\.so\.1/,
	\%path);
unlike($out, qr/damaged/, 'a missing library: nothing is called damaged');
spew("$dir/bin/zstd", "#!/nonexistent/interpreter\n");
target_is('no interpreter', undef, 0,
	  qr/zstd can't be run: cannot run \S+zstd: No such file or directory/, \%path);
spew("$dir/bin/zstd", "\x7fELF nothing");
target_is('not a program', undef, 0, qr/zstd can't be run: cannot run \S+zstd: Exec format error/,
	  \%path);
unlink("$dir/bin/zstd");

# A real program at a real limit
my $limited = abs_path($khoctl);
{
	my $plain = $text . join('', map { chr(rand(256)) } 1 .. 100000) x 30;

	spew("$dir/plain", $plain);
	my $data = `xz -9 -c <$dir/plain` . pack('V', length $plain);
	# xz -9 needs 65 MiB to unpack.
	local $khoctl = script('limited', "ulimit -v 40000\nexec $limited \"\$\@\"\n");
	my $said = target_is('a limit', { payload => $data, init_size => 0x2000000,
					  syssize => 0x40000 },
		1, qr/its payload cannot be examined now: xz: exit status 1: .*emory/, {});
	unlike($said, qr/damaged/, 'a limit: nothing is called damaged');
}

# ---- kexec that fails ----

sub tools_is {
	my ($name, $script, $out) = @_;
	my $kexec = script('kexec', $script);

	return dev_is("check: $name", ['check', '--kexec', $kexec], 1, $out, undef, \%path);
}

my $old = qr/2\.0\.25/;
for (['killed', "kill -9 \$\$\n", qr/fails: killed by signal 9\n +-> free memory/],
     ['no memory', "echo 'kexec: Cannot allocate memory' >&2\nexit 1\n",
      qr/fails: exit status 1: kexec: Cannot allocate memory\n +-> free memory/],
     ['a missing library', "echo 'kexec: error while loading shared libraries: liblzma.so.5' >&2\nexit 127\n",
      qr/fails: exit status 127: kexec: error while loading shared .*\n +-> apt install --reinstall kexec-tools/]) {
	my ($name, $script, $why) = @$_;

	unlike(tools_is($name, $script, qr/^FAIL  kexec-tools  \S+ $why/m), $old,
	       "$name: it is not called old");
}
tools_is('an old one', "echo 'kexec-tools 2.0.1'\n",
	 qr/^FAIL  kexec-tools  \S+ \(kexec-tools 2\.0\.1\) does not know -c .*\n.*2\.0\.25 or later$/m);

# ---- Memory ----

# 64 MiB in all, of which the image has but little.  Texts lie across what is read at once.
my $big = $text . "\0" x (48 << 20);
substr($big, $_ * 65536 - 3, 7) = "\0kho-v9\0" for 1 .. 3;
my $across = "\0Linux version 6.1.77-across (x)\0";
for my $at (map { $_ * (512 << 10) - 20 } 1 .. 90) {
	substr($big, $at, length $across) = $across;
}
substr($big, (40 << 20) - 4, 8) = "\0kho-v4\0";
my %big = (release => '', init_size => 0x8000000, payload => gz($big), syssize => 0x10000);
{
	local $khoctl = script('limited', "ulimit -v 32000\nexec $limited \"\$\@\"\n");
	# kho-v4 and kho-v9: this is seen only if all of it is looked at.
	target_is('little memory', { %big }, 0,
		  qr/payload \(gzip, [\d.]+ MiB unpacked\): contradictory signs of KHO, kho-v4 and kho-v9$/m);
}

done_testing();
