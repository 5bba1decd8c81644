#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# monitor.pl SOCKET LOG: lets the guest control QEMU.  The COMMAND of each line
# "KHO-HOST COMMAND" in the file LOG is sent to QEMU's monitor at SOCKET, whose answers go
# to stdout.  Ends with QEMU.
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;

my ($path, $log) = @ARGV;
my $monitor;

for (1 .. 100) {
	$monitor = IO::Socket::UNIX->new(Peer => $path);
	last if $monitor;
	select(undef, undef, undef, 0.1);
}
die "monitor.pl: no monitor at $path\n" unless $monitor;
$monitor->autoflush(1);
STDOUT->autoflush(1);

my $ready = IO::Select->new($monitor);
my $at = 0;

for (;;) {
	if ($ready->can_read(0.1)) {
		sysread($monitor, my $text, 65536) or last;
		print $text;
	}
	open(my $port, '<', $log) or last;
	seek($port, $at, 0);
	while (defined(my $line = <$port>)) {
		# An incomplete line is read again next time.
		last unless $line =~ /\n\z/;
		$at += length $line;
		print $monitor "$1\n" if $line =~ /^KHO-HOST (.*?)\r?\n/;
	}
}
