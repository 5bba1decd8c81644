#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# layers.pl DIR TABLE: checks which files in DIR, which is module/, include which, and
# that nothing is too large.  TABLE describes the parts of DIR; it has lines
#
#	NUMBER PATH...		a part: folders or single files, by their paths in DIR.
#				It contains its subfolders, unless they are parts
#				themselves.  It may include parts with a smaller number.
#	private HEADER...	headers for their own part only, like every internal.h
#	core HEADER...		headers that all may include; their structs must be small
#
# and comments that start with a #.  Prints each fault as FILE:LINE: WHY, and then fails.
use strict;
use warnings;

use constant {
	MAX_LINES => 700,
	MAX_MEMBERS => 12,
};

# Only files in this folder may know whether there is in-kernel KHO.
my $NATIVE = 'backend/native/';

die("usage: layers.pl DIR TABLE\n") unless @ARGV == 2;
my ($dir, $table) = @ARGV;
$dir =~ s,/+$,,;

my %part;		# by path, as in the table: { name, number }
my %private;
my %core;
my %text;		# lines of each file
my %code;		# the same without comments
my @includes;		# { from, to, line }
my $faults = 0;

sub fault
{
	my ($file, $line, $why) = @_;

	print("$file:$line: $why\n");
	$faults++;
}

sub slurp
{
	my ($path) = @_;

	open(my $file, '<', $path) or die("layers.pl: $path: $!\n");
	my @lines = <$file>;
	close($file);
	return \@lines;
}

# ---- Input ----

sub read_table
{
	my $nr = 0;

	for my $line (@{slurp($table)}) {
		$nr++;
		my ($what, @paths) = split(' ', $line =~ s/#.*//sr);
		next unless defined($what);
		s,/+$,, for @paths;
		if (!@paths) {
			fault($table, $nr, "'$what' of nothing");
		} elsif ($what eq 'private') {
			@private{@paths} = (1) x @paths;
		} elsif ($what eq 'core') {
			@core{@paths} = ($nr) x @paths;
		} elsif ($what =~ /^\d+$/) {
			for (@paths) {
				fault($table, $nr, "$_ is there twice") if $part{$_};
				$part{$_} = { name => $paths[0], number => $what };
			}
		} else {
			fault($table, $nr, "'$what' is neither a number nor private nor core");
		}
	}
}

# strip(TEXT): returns its lines without comments
sub strip
{
	my ($text) = @_;

	$text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
		  {defined($1) ? ' ' . ($1 =~ tr/\n//cdr) : $2}gse;
	return [split(/^/, $text)];
}

sub read_files
{
	my @todo = ('');

	while (defined(my $folder = shift(@todo))) {
		opendir(my $handle, "$dir/$folder") or die("layers.pl: $dir/$folder: $!\n");
		for (sort(grep { !/^\./ } readdir($handle))) {
			my $path = "$folder$_";
			if (-d "$dir/$path") {
				push(@todo, "$path/");
			} elsif (/\.[chS]$|^Kbuild|^Makefile/) {
				$text{$path} = slurp("$dir/$path");
				$code{$path} = strip(join('', @{$text{$path}})) if /\.[ch]$/;
			}
		}
		closedir($handle);
	}
	die("layers.pl: there is nothing in $dir\n") unless %text;
}

# part_of(FILE): returns the part of the file, or of the nearest folder in the table
sub part_of
{
	my ($path) = @_;

	for (;;) {
		return $part{$path} if $part{$path};
		return undef unless $path =~ s,/[^/]*$,,;
	}
}

sub folder_of
{
	return $_[0] =~ m,^(.*/), ? $1 : '';
}

sub read_includes
{
	for my $from (sort(keys(%code))) {
		my $nr = 0;
		for (@{$code{$from}}) {
			$nr++;
			next unless /^\s*#\s*include\s*"([^"]*)"/;
			my $to = $1;
			my $beside = folder_of($from) . $to;
			1 while $beside =~ s,(^|/)(?!\.\./)[^/]+/\.\./,$1,;
			next if $beside =~ m,^\.\./include/,;
			$to = $beside if $to !~ m,/, && $text{$beside};
			if ($text{$to}) {
				push(@includes, { from => $from, to => $to, line => $nr });
			} else {
				fault("$dir/$from", $nr, "$to is neither beside it nor in $dir/, " .
				      "which paths are relative to");
			}
		}
	}
}

# ---- Checks ----

sub check_parts
{
	my %known;

	for my $path (sort(keys(%text))) {
		my $folder = folder_of($path);
		# Files that only build the module belong to no part.
		next if part_of($path) || $path !~ /\.[chS]$/;
		# Report an unknown folder once, not for each of its files.
		next if $folder ne '' && $known{$folder}++;
		fault("$dir/$path", 1, ($folder eq '' ? "$path" : "the folder $folder") .
		      " is not in $table");
	}
}

sub check_direction
{
	for my $include (@includes) {
		my ($from, $to) = (part_of($include->{from}), part_of($include->{to}));
		next unless $from && $to && $from->{name} ne $to->{name};

		my $why;
		my $way = "$include->{to}, from $from->{name} ($from->{number}) " .
			"to $to->{name} ($to->{number})";
		if ($to->{number} > $from->{number}) {
			$why = "includes what is above: $way";
		} elsif ($to->{number} == $from->{number}) {
			$why = "includes what is beside: $way";
		}
		fault("$dir/$include->{from}", $include->{line}, $why) if $why;

		if ($private{$include->{to}} || $include->{to} =~ m,(^|/)internal\.h$,) {
			fault("$dir/$include->{from}", $include->{line},
			      "$include->{to} is private to $to->{name}");
		}
	}
}

# find_circles WHAT INCLUDE...: each include also has an "a" and a "b"; "b" must not lead
# back to "a"
sub find_circles
{
	my ($what, @steps) = @_;
	my (%next, %state, $visit);

	for (@steps) {
		$next{$_->{a}}{$_->{b}} ||= $_ if $_->{a} ne $_->{b};
	}
	# @way has the steps that lead to the one that is visited.
	$visit = sub {
		my ($at, @way) = @_;

		$state{$at} = 'open';
		for my $to (sort(keys(%{$next{$at}}))) {
			my $step = $next{$at}{$to};
			if (!$state{$to}) {
				$visit->($to, @way, $step);
			} elsif ($state{$to} eq 'open') {
				my @circle = (@way, $step);
				shift(@circle) while $circle[0]{a} ne $to;
				fault("$dir/$step->{from}", $step->{line}, "closes a circle of $what: " .
				      join(', ', map { "$_->{a} to $_->{b} ($_->{from}:$_->{line})" }
					   @circle));
			}
		}
		$state{$at} = 'done';
	};
	for (sort(keys(%next))) {
		$visit->($_) unless $state{$_};
	}
}

sub check_circles
{
	my @parts;

	for (@includes) {
		my ($from, $to) = (part_of($_->{from}), part_of($_->{to}));
		push(@parts, { %$_, a => $from->{name}, b => $to->{name} }) if $from && $to;
	}
	find_circles('parts', @parts);
	find_circles('headers', map { { %$_, a => $_->{from}, b => $_->{to} } }
		     grep { $_->{from} =~ /\.h$/ } @includes);
}

sub check_native
{
	for my $path (sort(keys(%text))) {
		next if index($path, $NATIVE) == 0;
		my $nr = 0;
		for (@{$text{$path}}) {
			$nr++;
			fault("$dir/$path", $nr, "kho_native is only for $NATIVE") if /\bkho_native\b/;
		}
	}
}

sub check_length
{
	for my $path (sort(keys(%text))) {
		my $lines = @{$text{$path}};
		fault("$dir/$path", MAX_LINES + 1, "$lines lines, more than " . MAX_LINES)
			if $lines > MAX_LINES;
	}
}

sub check_use
{
	my $sources = grep { /\.c$/ } keys(%text);
	my %users;

	for (@includes) {
		$users{$_->{to}}{$_->{from}} = 1 if $_->{from} =~ /\.c$/;
	}
	for my $header (sort(keys(%users))) {
		my $count = keys(%{$users{$header}});
		fault("$dir/$header", 1, "$count of $sources sources include it, more than half, " .
		      "and it is not core")
			if $count * 2 > $sources && !$core{$header};
	}
}

# members TEXT: counts the members between a struct's braces; members of an unnamed struct
# or union count each, as they are used like all others
sub members
{
	my ($text) = @_;

	# Parentheses, brackets and the braces of a named member count as one.
	1 while $text =~ s/\([^()]*\)|\[[^][]*\]/_/;
	while ($text =~ s/\{([^{}]*)\}([^;{}]*);/;/) {
		my ($inside, $name) = ($1, $2);
		$text .= $name =~ /\w/ ? " $name;" : $inside;
	}
	my $count = 0;
	for (split(/;/, $text)) {
		next if /^\s*(?:(?:struct|union|enum)\s*\w*\s*)?$/;
		$count += 1 + tr/,//;
	}
	return $count;
}

sub check_structs
{
	for my $header (sort(keys(%core))) {
		if (!$code{$header}) {
			fault($table, $core{$header}, "there is no $dir/$header");
			next;
		}
		my $text = join('', map { /^\s*#/ ? "\n" : $_ } @{$code{$header}});
		while ($text =~ /\bstruct\s+(\w+)\s*(\{((?:[^{}]++|\{(?3)\})*)\})/g) {
			my ($name, $body, $before) = ($1, $3, $`);
			my $count = members($body);
			fault("$dir/$header", 1 + ($before =~ tr/\n//),
			      "struct $name has $count members, more than " . MAX_MEMBERS)
				if $count > MAX_MEMBERS;
		}
	}
}

read_table();
read_files();
read_includes();
check_parts();
check_direction();
check_circles();
check_native();
check_length();
check_use();
check_structs();
exit($faults ? 1 : 0);
