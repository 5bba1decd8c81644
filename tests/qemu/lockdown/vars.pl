#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# vars.pl NAME=CERTIFICATE,... <VARS >NEW: adds variables of Secure Boot to a store of
# variables of OVMF that has none of these.  NAME is PK, KEK or db; certificates are files in
# DER.  With a PK, OVMF turns Secure Boot on.
use strict;
use warnings;

my %vendors = (
	PK => '8be4df61-93ca-11d2-aa0d-00e098032b8c',
	KEK => '8be4df61-93ca-11d2-aa0d-00e098032b8c',
	db => 'd719b2cb-3d3a-4596-a3bc-dad00e67656f',
);
my $x509 = 'a5c059a1-94e4-4aa7-87b5-ab155c2bf072';
my $owner = '11111111-2222-3333-4444-555555555555';
my $store_type = 'aaf32c78-947b-439a-a180-2e144ec37792';
# VARIABLE_HEADER of AuthenticatedVariableFormat.h, and its StartId
my $header = 'v C x V Q< a16 V V V a16';
my $start = 0x55aa;
# EFI_VARIABLE_*: NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS, and
# TIME_BASED_AUTHENTICATED_WRITE_ACCESS
my $attributes = 0x27;
my $added = 0x3f;

sub guid
{
	my ($first, $second, $third, @rest) = split /-/, shift;

	return pack 'V v v H4 H12', hex $first, hex $second, hex $third, @rest;
}

# An EFI_SIGNATURE_LIST with one certificate
sub signature_list
{
	my $file = shift;

	open my $in, '<:raw', $file or die "$file: $!\n";
	my $der = do { local $/; <$in> };
	close $in;
	return guid($x509) . pack('V V V', 28 + 16 + length $der, 0, 16 + length $der) .
		guid($owner) . $der;
}

sub variable
{
	my ($name, $data) = @_;
	my $wide = join('', map { "$_\0" } split //, $name) . "\0\0";
	my ($time, $var);

	$time = pack 'v C6 V s< C2', 2026, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0;
	$var = pack($header, $start, $added, $attributes, 0, $time, 0, length $wide,
		length $data, guid($vendors{$name})) . $wide . $data;
	return $var . "\xff" x (-length($var) % 4);
}

binmode STDIN;
binmode STDOUT;
my $store = do { local $/; <STDIN> };
my $at = index $store, guid($store_type);
die "this is no store of authenticated variables\n" if $at < 0;
my $end = $at + unpack 'V', substr $store, $at + 16, 4;
$at += 28;
while (substr($store, $at, 2) eq pack 'v', $start) {
	my ($name, $data) = (unpack $header, substr $store, $at, 60)[6, 7];

	$at += 60 + $name + $data;
	$at += -$at % 4;
}
foreach (@ARGV) {
	my ($name, $files) = /^(PK|KEK|db)=(.+)$/ or die "'$_' is no variable\n";
	my $var = variable($name, join '', map { signature_list($_) } split /,/, $files);

	die "there is no room\n" if $at + length $var > $end;
	substr $store, $at, length $var, $var;
	$at += length $var;
}
print $store;
