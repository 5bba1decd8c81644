#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# layers.pl DIR TABLE: may those files of DIR, which is module/, include what they
# include, and is nothing too large?  TABLE says what rooms there are; it has lines
#
#	NUMBER PATH...		a room: folders, or single files, by their paths in DIR.
#				Folders below are part of it, unless they are rooms
#				themselves.  It may include what has a smaller number.
#	private HEADER...	these are for their own room, as is every internal.h
#	core HEADER...		these may be for all, and so their structs are small
#
# and comments, from a # on.  Says what is wrong as FILE:LINE: WHY, and fails then.
use strict;
use warnings;

use constant {
	MAX_LINES => 700,
	MAX_MEMBERS => 12,
};

# Who alone may know whether the kernel has a KHO of its own
my $NATIVE = 'backend/native/';

die("usage: layers.pl DIR TABLE\n") unless @ARGV == 2;
my ($dir, $table) = @ARGV;
$dir =~ s,/+$,,;

my %room;		# of a path, as the table has it: { name, number }
my %private;
my %core;
my %text;		# of a file, in lines
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

# ---- What there is ----

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
				fault($table, $nr, "$_ is there twice") if $room{$_};
				$room{$_} = { name => $paths[0], number => $what };
			}
		} else {
			fault($table, $nr, "'$what' is neither a number nor private nor core");
		}
	}
}

# strip(TEXT): its lines without comments
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

# room_of(FILE): itself or the nearest folder that the table has
sub room_of
{
	my ($path) = @_;

	for (;;) {
		return $room{$path} if $room{$path};
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

# ---- What is wrong ----

sub check_rooms
{
	my %known;

	for my $path (sort(keys(%text))) {
		my $folder = folder_of($path);
		# What builds the module is of no room.
		next if room_of($path) || $path !~ /\.[chS]$/;
		# A folder is unknown once, and not for each of its files.
		next if $folder ne '' && $known{$folder}++;
		fault("$dir/$path", 1, ($folder eq '' ? "$path" : "the folder $folder") .
		      " is no room of $table");
	}
}

sub check_direction
{
	for my $include (@includes) {
		my ($from, $to) = (room_of($include->{from}), room_of($include->{to}));
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

# find_circles WHAT INCLUDE...: each has besides its "a" and its "b", which must not
# lead back to it
sub find_circles
{
	my ($what, @steps) = @_;
	my (%next, %state, $visit);

	for (@steps) {
		$next{$_->{a}}{$_->{b}} ||= $_ if $_->{a} ne $_->{b};
	}
	# On the way there are all that lead to the one that is visited.
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
	my @rooms;

	for (@includes) {
		my ($from, $to) = (room_of($_->{from}), room_of($_->{to}));
		push(@rooms, { %$_, a => $from->{name}, b => $to->{name} }) if $from && $to;
	}
	find_circles('rooms', @rooms);
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
			fault("$dir/$path", $nr, "kho_native is for $NATIVE alone") if /\bkho_native\b/;
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

# members TEXT: of what is between a struct's braces; those of a struct or a union
# without a name count each, as they are used like all others
sub members
{
	my ($text) = @_;

	# What is in parentheses, in brackets, or in the braces of one with a name, is one.
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
check_rooms();
check_direction();
check_circles();
check_native();
check_length();
check_use();
check_structs();
exit($faults ? 1 : 0);
