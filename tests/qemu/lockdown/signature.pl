#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# signature.pl of IMAGE: prints the signature of a PE image, which is in PKCS #7.
# signature.pl on MODULE <SIGNATURE: prints the module with this signature.
use strict;
use warnings;

sub slurp
{
	my $file = shift;

	open my $in, '<:raw', $file or die "$file: $!\n";
	return do { local $/; <$in> };
}

sub of
{
	my $image = slurp(shift);
	my $pe = unpack 'V', substr $image, 0x3c, 4;
	my $optional = $pe + 24;
	my $is_64 = unpack('v', substr $image, $optional, 2) == 0x20b;
	# The fifth entry is the table of certificates.
	my $entry = $optional + ($is_64 ? 112 : 96) + 4 * 8;
	my ($at, $size) = unpack 'V V', substr $image, $entry, 8;

	die "this image has no signature\n" unless $at && $size > 8;
	my ($length) = unpack 'V', substr $image, $at, 4;
	return substr $image, $at + 8, $length - 8;
}

# What follows a signature is struct module_signature and MODULE_SIG_STRING.
sub on
{
	my $module = slurp(shift);
	my $signature = do { local $/; <STDIN> };
	my $pkcs7 = 2;

	return $module . $signature . pack('C3 x5 N', 0, 0, $pkcs7, length $signature) .
		"~Module signature appended~\n";
}

binmode STDIN;
binmode STDOUT;
my ($what, $file) = @ARGV;
my %commands = (of => \&of, on => \&on);
die "usage: signature.pl of IMAGE | on MODULE\n" unless defined $file && $commands{$what};
print $commands{$what}->($file);
