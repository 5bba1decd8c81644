#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# matrix-table.pl --text JSON: prints the results of matrix.sh as a table.
# matrix-table.pl --markdown JSON: prints the table for README.md.
# matrix-table.pl --readme JSON README: writes the table into README, between the lines
#	<!-- matrix: ... --> and <!-- end of matrix -->.
# matrix-table.pl --check JSON README: fails if README has something else there.
use strict;
use warnings;
use JSON::PP;

my $BEGIN = '<!-- matrix: written by tests/matrix/matrix.sh --readme -->';
my $END   = '<!-- end of matrix -->';

sub slurp
{
	my ($path) = @_;

	open(my $fh, '<', $path) or die("$path: $!\n");
	local $/ = undef;
	my $text = <$fh>;
	close($fh);
	return $text;
}

sub results
{
	my ($path) = @_;
	my $list = decode_json(slurp($path));

	for my $e (@{$list}) {
		for my $key (qw(predecessor successor kind result seconds)) {
			defined($e->{$key}) or die("$path: $key is missing\n");
		}
		$e->{result} =~ /^(?:pass|fail|refused)$/
			or die("$path: the result $e->{result} is unknown\n");
		$e->{result} eq 'pass' or $e->{reason}
			or die("$path: $e->{result} without a reason\n");
	}
	return $list;
}

# Kernels that are in no pair, as they have no image to boot.
sub build_only
{
	my ($path) = @_;

	$path =~ s/\.json$/-kernels.json/;
	return grep { !$_->{bootable} } @{decode_json(slurp($path))};
}

sub text
{
	my ($path) = @_;
	my @rows = (['predecessor', 'successor', 'kind', 'abi', 'result', 'seconds', '']);
	my @width;

	for my $e (@{results($path)}) {
		push(@rows, [@{$e}{qw(predecessor successor kind)}, $e->{abi} // '-',
			     @{$e}{qw(result seconds)}, $e->{reason} // '']);
	}
	for my $e (build_only($path)) {
		push(@rows, [$e->{kernel}, '-', '-', '-', 'none', '-',
			     "not bootable: build only; the module $e->{module} for $e->{release}"]);
	}
	for my $row (@rows) {
		for my $i (0 .. $#{$row}) {
			my $len = length($row->[$i]);

			$width[$i] = $len if $len >= ($width[$i] // 0);
		}
	}
	for my $row (@rows) {
		my $line = join('  ', map { sprintf('%-*s', $width[$_], $row->[$_]) }
				0 .. $#{$row});

		$line =~ s/ +$//;
		print("$line\n");
	}
	return 0;
}

sub unique
{
	my %seen;

	return grep { !$seen{$_}++ } @_;
}

# A row for each predecessor, a column for each successor, and the reasons below.
sub markdown
{
	my ($path) = @_;
	my $list = results($path);
	my @from = unique(map { $_->{predecessor} } @{$list});
	my @to   = unique(map { $_->{successor} } @{$list});
	my %cell;
	my @notes;

	for my $e (@{$list}) {
		my $what = $e->{result} eq 'pass' ? 'yes' : $e->{result};

		$what .= ", v$e->{abi}" if $e->{result} eq 'pass' && $e->{abi} != 4;
		if ($e->{reason}) {
			my ($nr) = grep { $notes[$_] eq $e->{reason} } 0 .. $#notes;

			if (!defined($nr)) {
				push(@notes, $e->{reason});
				$nr = $#notes;
			}
			$what .= ' (' . ($nr + 1) . ')';
		}
		$cell{$e->{predecessor}}{$e->{successor}} = $what;
	}

	my $out = join(' | ', '| from \\ to', @to) . " |\n" .
		'|' . '---|' x (@to + 1) . "\n";
	for my $from (@from) {
		$out .= join(' | ', "| $from", map { $cell{$from}{$_} // '' } @to) .
			" |\n";
	}
	my $nr = 0;
	for my $note (@notes) {
		$nr++;
		$out .= "\n($nr) $note\n";
	}
	for my $e (build_only($path)) {
		$out .= "\n$e->{kernel} ($e->{release}) is not bootable: build only; " .
			"the module $e->{module}.\n";
	}
	return $out;
}

my ($mode, $json, $readme) = @ARGV;

if (@ARGV == 2 && $mode eq '--text') {
	exit(text($json));
} elsif (@ARGV == 2 && $mode eq '--markdown') {
	print(markdown($json));
} elsif (@ARGV == 3 && $mode =~ /^--(?:readme|check)$/) {
	my $old = slurp($readme);
	my $new = $old;
	my $table = "$BEGIN\n\n" . markdown($json) . "\n$END\n";

	$new =~ s/^\Q$BEGIN\E\n.*?^\Q$END\E\n/$table/ms
		or die("$readme has no lines '$BEGIN' and '$END'\n");
	exit(0) if $new eq $old;
	die("$readme does not say what $json says: tests/matrix/matrix.sh --readme\n")
		if $mode eq '--check';
	open(my $fh, '>', $readme) or die("$readme: $!\n");
	print {$fh} $new;
	close($fh) or die("$readme: $!\n");
} else {
	die("usage: matrix-table.pl --text|--markdown JSON, or --readme|--check JSON README\n");
}
