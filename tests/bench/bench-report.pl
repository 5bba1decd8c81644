#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# bench-report.pl --json RAW TOP: makes the results from the samples of bench.sh,
#	lines "NAME ours|base VALUE".
# bench-report.pl --text JSON TOP: prints the results as a table, with bars.
# bench-report.pl --bars JSON TOP: checks the results against tests/bench/bars, and
#	fails if a bar is missed.
# bench-report.pl --docs JSON TOP: writes docs/benchmarks.md, its plots, the table in
#	README.md, and copies of the results: docs/benchmarks.json and -about.json.
# bench-report.pl --check JSON TOP: fails if docs/benchmarks.md, its plots or the
#	table in README.md are not what --docs would write.
#
# TOP is the directory of the project.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use BenchPlot;

my ($mode, $file, $top) = @ARGV;

die("usage: bench-report.pl --json RAW|--text JSON|--bars JSON|--docs JSON|--check JSON TOP\n")
	if @ARGV != 3 || $mode !~ /^--(?:json|text|bars|docs|check)$/;

sub slurp
{
	my ($path) = @_;

	open(my $fh, '<', $path) or die("$path: $!\n");
	local $/ = undef;
	my $text = <$fh>;
	close($fh);
	return $text;
}

sub spew
{
	my ($path, $text) = @_;

	open(my $fh, '>', $path) or die("$path: $!\n");
	print {$fh} $text;
	close($fh) or die("$path: $!\n");
	return;
}

# Lines of a file that are no comment, as fields; the last field has the rest.
sub lines
{
	my ($path, $fields) = @_;

	return map { [split(' ', $_, $fields)] }
		grep { !/^(?:#|$)/ } split(/\n/, slurp("$top/$path"));
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $middle = int(@sorted / 2);

	return @sorted % 2 ? $sorted[$middle] :
		($sorted[$middle - 1] + $sorted[$middle]) / 2;
}

# Rounds to the digits that are significant.
sub rounded
{
	my ($value) = @_;

	return defined($value) ? sprintf('%.5g', $value) + 0 : undef;
}

# ---- The results ----

sub make_json
{
	my %sample;
	my @out;

	for my $line (split(/\n/, slurp($file))) {
		my ($name, $side, $value) = split(' ', $line);

		defined($value) && $side =~ /^(?:ours|base)$/ &&
			$value =~ /^-?[0-9.]+(?:e[-+]?[0-9]+)?$/
			or die("$file: '$line' is no sample\n");
		push(@{$sample{$name}{$side}}, $value + 0);
	}
	for my $row (lines('tests/bench/rows', 5)) {
		my ($name, undef, $unit, undef, $baseline) = @{$row};
		my $of = delete($sample{$name});

		next if !$of || !$of->{ours};
		my $value = rounded(median(@{$of->{ours}}));
		my $base = $of->{base} ? rounded(median(@{$of->{base}})) : undef;

		die("$name has a baseline, and nothing measured it\n")
			if $baseline ne '-' && !defined($base);
		push(@out, {
			name => $name, value => $value, unit => $unit,
			baseline => $baseline eq '-' ? undef : $baseline,
			baseline_value => $base,
			ratio => $base ? rounded($value / $base) : undef,
			n => scalar(@{$of->{ours}}),
		});
	}
	# A name that has no row may only have samples of the baseline.
	for my $name (sort(keys(%sample))) {
		die("tests/bench/rows does not have $name\n") if $sample{$name}{ours};
	}

	my $json = JSON::PP->new->canonical->allow_nonref;
	my @order = qw(name value unit baseline baseline_value ratio n);

	print('[', join(",\n ", map {
		my $e = $_;
		'{' . join(', ', map { "\"$_\": " . $json->encode($e->{$_}) } @order) . '}'
	} @out), "]\n");
	return 0;
}

my (@results, %result, %row);

sub read_results
{
	%row = map { $_->[0] => $_ } lines('tests/bench/rows', 5);
	@results = @{decode_json(slurp($file))};
	for my $e (@results) {
		defined($e->{name}) && defined($e->{value}) && $row{$e->{name}}
			or die("$file has something that is no result\n");
		$result{$e->{name}} = $e;
	}
	return;
}

# A number for people: four significant digits, grouped by thousands.
sub number
{
	my ($value) = @_;

	return '-' if !defined($value);
	return '0' if !$value;
	my $text = abs($value) >= 1000 ? sprintf('%.0f', sprintf('%.4g', $value)) :
		sprintf('%.4g', $value);
	$text = sprintf('%.2e', $value) if abs($value) < 1e-4;
	if ($text =~ /^-?[0-9]+$/) {
		1 while $text =~ s/^(-?[0-9]+)([0-9]{3})/$1,$2/;
	}
	return $text;
}

# How many times better the value is than the baseline's, below 1 if worse.
sub gain
{
	my ($e) = @_;

	return undef if !$e->{ratio} || $e->{ratio} < 0;
	return $row{$e->{name}}[3] eq 'more' ? $e->{ratio} : 1 / $e->{ratio};
}

# ---- On a terminal ----

my $HALF = 12;

# A bar with three characters for each factor of ten; to the right if it is better.
sub bar
{
	my ($gain) = @_;

	return ' ' x (2 * $HALF + 1) if !$gain;
	my $n = int(abs(log($gain) / log(10)) * 3 + 0.5);

	$n = $HALF if $n > $HALF;
	return $gain < 1 ? ' ' x ($HALF - $n) . '-' x $n . '|' . ' ' x $HALF :
		' ' x $HALF . '|' . '#' x $n . ' ' x ($HALF - $n);
}

sub text
{
	my @table = (['name', 'value', 'unit', 'baseline', 'ratio', 'n',
		      ' ' x ($HALF - 5) . 'worse | better', 'baseline is']);
	my @width;

	for my $e (@results) {
		push(@table, [$e->{name}, number($e->{value}), $e->{unit},
			      number($e->{baseline_value}), number($e->{ratio}),
			      $e->{n}, bar(gain($e)), $e->{baseline} // 'none']);
	}
	for my $line (@table) {
		for my $i (0 .. $#{$line}) {
			my $len = length($line->[$i]);

			$width[$i] = $len if $len >= ($width[$i] // 0);
		}
	}
	for my $line (@table) {
		my $out = join('  ', map {
			sprintf($_ =~ /^[1345]$/ ? '%*s' : '%-*s', $width[$_], $line->[$_])
		} 0 .. $#{$line});

		$out =~ s/ +$//;
		print("$out\n");
	}
	print("\nThree characters of a bar are a factor of ten.\n");
	return 0;
}

# ---- Bars ----

# A list of: what, limit as text, value, whether it holds, reason.
sub judge_bars
{
	my @out;

	for my $bar (lines('tests/bench/bars', 20)) {
		my ($what, $name, @rest) = @{$bar};
		my $from = $what eq 'growth' ? shift(@rest) : undef;
		my ($relation, $limit, $because, @reason) = @rest;

		$what =~ /^(?:value|ratio|growth)$/ && $row{$name} &&
			(!defined($from) || $row{$from}) &&
			$relation =~ /^at-(?:least|most)$/ &&
			$limit =~ /^[0-9.]+$/ &&
			(!defined($because) || ($because eq 'because' && @reason))
			or die("tests/bench/bars: '" . join(' ', @{$bar}) . "' is no bar\n");
		my $e = $result{$name};
		my $base = defined($from) ? $result{$from} : undef;
		my $value;

		next if !$e || (defined($from) && !$base);
		$value = $what eq 'value' ? $e->{value} :
			$what eq 'ratio' ? $e->{ratio} : $e->{value} / $base->{value};
		my $holds = defined($value) &&
			($relation eq 'at-least' ? $value >= $limit : $value <= $limit);

		push(@out, {
			name => $what eq 'growth' ? "$name by $from" :
				$what eq 'ratio' ? "$name by its baseline" : $name,
			limit => "$relation $limit", value => $value,
			holds => $holds, reason => join(' ', @reason),
		});
	}
	return @out;
}

sub check_bars
{
	my @missed;

	print("\n");
	for my $bar (judge_bars()) {
		my $verdict = $bar->{holds} ? 'ok' : $bar->{reason} ? 'known' : 'MISSED';

		printf("%-6s  %-60s  %-13s  %s%s\n", $verdict, $bar->{name},
		       $bar->{limit}, number($bar->{value}),
		       $verdict eq 'known' ? ": $bar->{reason}" : '');
		push(@missed, $bar->{name}) if $verdict eq 'MISSED';
	}
	return 0 if !@missed;
	print("\nmissed: ", join(', ', @missed), "\n");
	return 1;
}

# ---- For people to read ----

sub table_of
{
	my ($glob) = @_;
	my $regex = join('|', map { quotemeta($_) =~ s/\\\*/.*/gr } split(/,/, $glob));
	my $out = "| name | value | unit | baseline | baseline's | ratio | n |\n" .
		"|---|--:|---|---|--:|--:|--:|\n";

	for my $e (grep { $_->{name} =~ /^(?:$regex)$/ } @results) {
		$out .= '| ' . join(' | ', "`$e->{name}`", number($e->{value}),
				    $e->{unit}, $e->{baseline} // '-',
				    number($e->{baseline_value}),
				    number($e->{ratio}), $e->{n}) . " |\n";
	}
	return $out;
}

sub bars_table
{
	my $out = "| what | has to be | is | |\n|---|---|--:|---|\n";

	for my $bar (judge_bars()) {
		$out .= '| ' . join(' | ', $bar->{name}, $bar->{limit} =~ s/-/ /r,
				    number($bar->{value}),
				    $bar->{holds} ? 'holds' :
				    '**missed**' . ($bar->{reason} ? ": $bar->{reason}" : '')) .
			" |\n";
	}
	return $out;
}

# Says in words how many times $better or $worse the value is.
sub compared
{
	my ($name, $better, $worse) = @_;
	my $gain = gain($result{$name} // die("there is no result $name\n"));

	return 'the same' if $gain > 0.98 && $gain < 1.02;
	return sprintf('%s times %s', $gain >= 1 ? (number(sprintf('%.3g', $gain)), $better) :
		       (number(sprintf('%.3g', 1 / $gain)), $worse));
}

my $about;

sub expand
{
	my ($what, @args) = split(' ', $_[0]);
	my $e = @args ? $result{$args[0]} : undef;

	return table_of($args[0]) if $what eq 'table';
	return bars_table() if $what eq 'bars';
	return $about->{$args[0]} // die("nothing is known about $args[0]\n")
		if $what eq 'about';
	die("the template wants '$_[0]', which was not measured\n") if !$e;
	return number($e->{value}) if $what eq 'value';
	return number($e->{baseline_value}) if $what eq 'baseline';
	return number($e->{ratio}) if $what eq 'ratio';
	return compared($args[0], $args[1], $args[2]) if $what eq 'compared';
	die("the template wants '$_[0]', which is nothing\n");
}

sub points
{
	my ($prefix, $key) = @_;
	my %count = ('1k' => 1e3, '10k' => 1e4, '100k' => 1e5, '1M' => 1e6);

	return [map { [$count{$_}, $result{"$prefix/$_"}{$key}] }
		grep { $result{"$prefix/$_"} && defined($result{"$prefix/$_"}{$key}) }
		sort { $count{$a} <=> $count{$b} } keys(%count)];
}

sub documents
{
	my $text = slurp("$top/tests/bench/benchmarks.md.in");
	my %out;

	$about = decode_json(slurp($file =~ s/\.json$/-about.json/r));
	$text =~ s/\@\{([^}]*)\}/expand($1)/ge;
	# Tables end with a newline, as do the template's lines: drop extra empty lines.
	$text =~ s/\n\n\n+/\n\n/g;
	$out{'docs/benchmarks.md'} = $text;
	$out{'docs/bench-boot.svg'} = BenchPlot::plot(
		title => 'What isolated 4 KiB pages add to the next kernel\'s boot',
		x => 'pages', y => 'seconds',
		series => [
			grep { @{$_->{points}} }
			{ name => 'mainline 7.3', points => points('stub_boot_added', 'baseline_value') },
			{ name => 'mainline 7.3, with our patches',
			  points => points('mainline_patched_boot_added', 'value') },
			{ name => 'stock 6.1, until all is given back', points => points('stock_release', 'value') },
			{ name => 'boot stub', points => points('stub_boot_added', 'value') },
		]);
	$out{'docs/bench-mark.svg'} = BenchPlot::plot(
		title => 'Marking every second page',
		x => 'pages', y => 'seconds',
		series => [
			{ name => 'mainline 7.3, a call each', points => points('mark_time', 'baseline_value') },
			{ name => 'in batches', points => points('mark_time', 'value') },
		]);
	return %out;
}

my $BEGIN = '<!-- bench: written by tests/bench/bench.sh --update-docs -->';
my $END   = '<!-- end of bench -->';

# README.md with a table of the most important rows.
sub readme
{
	my $text = slurp("$top/README.md");
	my @names = qw(stub_boot_added/100k stub_boot_added/1M stock_release/1M
		mark_single mark_batch_scattered mark_batch_contiguous
		mark_2_threads pin_4k put_bandwidth get_bandwidth blackout
		blackout_time blackout_unchecked);
	my $table = table_of(join(',', @names));

	$text =~ s/^\Q$BEGIN\E\n.*?^\Q$END\E\n/$BEGIN\n\n$table\n$END\n/ms
		or die("$top/README.md has no lines '$BEGIN' and '$END'\n");
	return $text;
}

sub write_docs
{
	$about = decode_json(slurp($file =~ s/\.json$/-about.json/r));
	die("$file is not of a run of everything, or of a quick one\n")
		if !$about->{all} || $about->{quick};
	my %out = documents();

	for my $path (sort(keys(%out))) {
		spew("$top/$path", $out{$path});
	}
	spew("$top/README.md", readme());
	spew("$top/docs/benchmarks.json", slurp($file));
	spew("$top/docs/benchmarks-about.json", slurp($file =~ s/\.json$/-about.json/r));
	return 0;
}

sub check_docs
{
	my %out = documents();
	my $bad = 0;

	for my $path (sort(keys(%out))) {
		next if slurp("$top/$path") eq $out{$path};
		print("$path is not what $file makes of it: tests/bench/bench.sh --update-docs\n");
		$bad = 1;
	}
	if (slurp("$top/README.md") ne readme()) {
		print("README.md is not what $file makes of it: tests/bench/bench.sh --update-docs\n");
		$bad = 1;
	}
	return $bad;
}

exit(make_json()) if $mode eq '--json';
read_results();
exit(text()) if $mode eq '--text';
exit(check_bars()) if $mode eq '--bars';
exit(write_docs()) if $mode eq '--docs';
exit(check_docs());
