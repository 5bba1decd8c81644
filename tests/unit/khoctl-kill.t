#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl is killed at the beginning of each of its system calls, with a fake device
# and a fake kexec, which puts the kernel outside scratch.
use strict;
use warnings;
use Cwd qw(abs_path);
use Fcntl qw(:flock);
use POSIX qw(SIGKILL);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
my $real = abs_path($khoctl);
my $steps = build("$dir/kill-steps", '-D_GNU_SOURCE -static -Itests/qemu/progs/lib',
		  'tests/qemu/progs/faults/kill-steps.c');
make_device();
mkdir("$root/run");

my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $bz = spew("$dir/bzImage", image());
my %env = (FAKE_LOG => "$dir/kexec.log", KHO_FAKE_DIR => "$dir/fake",
	   KHO_SYSROOT => $root, LD_PRELOAD => $fake);

# killed(N, what kexec does, arguments): kills khoctl at its N'th call; returns the exit
# status and the output of kill-steps
sub killed {
	my ($step, $mode, @args) = @_;

	local $khoctl = $steps;
	my ($status, $out) = run({ %env, FAKE_KEXEC => $mode }, $step, $real, @args);
	# khoctl's guard holds this lock until all its processes have ended.
	open(my $lock, '>>', "$root/run/khoctl.lock") or die "khoctl.lock: $!";
	flock($lock, LOCK_EX) or die "khoctl.lock: $!";
	return ($status, $out);
}

# calls(what kexec does, arguments): returns [number, name] of each call
sub calls {
	my (undef, $out) = killed(0, @_);

	return map { [ /^(\d+) \d+ (\S+)$/ ] } grep { /^\d+ \d+ \S+$/ } split(/\n/, $out);
}

sub first {
	my ($name, @calls) = @_;

	for (@calls) {
		return $_->[0] if $_->[1] eq $name;
	}
	return 0;
}

# ---- load ----

my @load = ('load', '--kexec', $kexec, '--append', 'a', $bz);
loaded(0);
my @calls = calls('below', @load);
is(loaded(), 0, 'what is outside of scratch is unloaded');
my ($fork, $end) = (first('fork', @calls), first('exit', @calls));
cmp_ok($end - $fork, '>', 15, "there are steps from $fork to $end");

my (@left, @died);
for my $step ($fork - 3 .. $end) {
	loaded(0);
	my ($status) = killed($step, 'below', @load);
	push @died, $step if $status == 0;
	push @left, $step if loaded();
}
is("@left", '', 'steps after which it is still loaded');
is(scalar(@died), $end - $fork + 4, 'it was killed at each of them');

loaded(0);
@calls = calls('good', @load);
is(loaded(), 1, 'what is right is loaded');
loaded(0);
my ($status) = killed(first('exit', @calls), 'good', @load);
is("$status " . loaded(), '0 1', 'and stays, when it has been checked');
loaded(0);
($status) = killed(first('wait', @calls), 'good', @load);
is("$status " . loaded(), '0 0', 'and does not, when it has not');

# ---- get ----

spew("$dir/data", 'x' x 100_000);
my @put = ('put', 'one', "$dir/data");
is((run({ %env }, @put))[0], 0, 'put');
mkdir("$dir/out");
my @get = ('get', 'one', "$dir/out/file");
@calls = calls('good', @get);
is(-s "$dir/out/file", 100_000, 'get');
my ($whole, $none, @wrong) = (0, 0);
for my $step ($calls[0][0] + 20 .. first('exit', @calls)) {
	# The fake device does not notice that khoctl was killed: start anew.
	unlink(glob("$dir/out/* $dir/fake/*/one"));
	run({ %env }, @put);
	killed($step, 'good', @get);
	my @files = glob("$dir/out/*");
	if (!@files) {
		$none++;
	} elsif (@files == 1 && $files[0] eq "$dir/out/file" &&
		 -s $files[0] == 100_000) {
		$whole++;
	} else {
		push @wrong, $step;
	}
}
is("@wrong", '', 'steps after which a get leaves what is not whole');
cmp_ok($none, '>', 10, "$none times there is nothing");
cmp_ok($whole, '>', 1, "$whole times all of it");

done_testing();
