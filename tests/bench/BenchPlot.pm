# SPDX-License-Identifier: GPL-2.0
#
# Plots measured points on logarithmic axes, as SVG.  Colours are classes of a style
# sheet in the file, which has a second set for dark mode.
package BenchPlot;
use strict;
use warnings;

my ($WIDTH, $HEIGHT) = (760, 440);
my ($LEFT, $RIGHT, $TOP, $BOTTOM) = (84, 28, 56, 62);
my $LEGEND = 24;

my $STYLE = <<'END';
<style>
text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:13px;fill:#24292f}
.page{fill:#ffffff}
.head{font-size:17px;font-weight:600}
.soft{fill:#57606a;font-size:12px}
.grid{stroke:#d0d7de;stroke-width:1}
.axis{stroke:#57606a;stroke-width:1.2;fill:none}
.line{fill:none;stroke-width:2.4}
.s0{stroke:#cf222e}.s1{stroke:#8250df}.s2{stroke:#0969da}.s3{stroke:#1a7f37}
.d0{fill:#cf222e}.d1{fill:#8250df}.d2{fill:#0969da}.d3{fill:#1a7f37}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}
.page{fill:#0d1117}
.soft{fill:#9aa4af}
.grid{stroke:#30363d}
.axis{stroke:#9aa4af}
.s0{stroke:#ff7b72}.s1{stroke:#d2a8ff}.s2{stroke:#79c0ff}.s3{stroke:#7ee787}
.d0{fill:#ff7b72}.d1{fill:#d2a8ff}.d2{fill:#79c0ff}.d3{fill:#7ee787}
}
</style>
END

sub log10
{
	return log($_[0]) / log(10);
}

sub floor
{
	my $n = int($_[0]);

	return $n > $_[0] ? $n - 1 : $n;
}

sub escaped
{
	my ($text) = @_;

	$text =~ s/([<>&"'])/'&#' . ord($1) . ';'/ge;
	return $text;
}

# The exponents of the powers of ten around all arguments.
sub decades
{
	my @sorted = sort { $a <=> $b } @_;
	my ($low, $high) = (floor(log10($sorted[0]) + 1e-9),
			    -floor(-log10($sorted[-1]) + 1e-9));

	$high = $low + 1 if $high <= $low;
	return ($low, $high);
}

sub label
{
	my ($power) = @_;
	my %name = (-6 => '1 µs', -5 => '10 µs', -4 => '100 µs', -3 => '1 ms',
		    -2 => '10 ms', -1 => '100 ms', 0 => '1 s', 1 => '10 s',
		    2 => '100 s', 3 => '1,000 s');

	return $name{$power} // "1e$power s";
}

sub count
{
	my $text = sprintf('%.0f', 10**$_[0]);

	1 while $text =~ s/^([0-9]+)([0-9]{3})/$1,$2/;
	return $text;
}

sub marker
{
	my ($i, $x, $y) = @_;

	return sprintf("<circle class=\"d%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", $i, $x, $y)
		if $i % 3 == 0;
	return sprintf("<rect class=\"d%d\" x=\"%.1f\" y=\"%.1f\" width=\"7.6\" height=\"7.6\"/>\n",
		       $i, $x - 3.8, $y - 3.8) if $i % 3 == 1;
	return sprintf("<path class=\"d%d\" d=\"M%.1f %.1fl5 9h-10z\"/>\n", $i, $x, $y - 6);
}

# plot(title, x, y, series): series is a list of names with points; a point is a count
# and a number of seconds.  Points of 0 or less are left out: the axis has no place for
# them.
sub plot
{
	my (%arg) = @_;
	my @series = map {
		{ name => $_->{name}, points => [grep { $_->[1] > 0 } @{$_->{points}}] }
	} @{$arg{series}};
	my @all = map { @{$_->{points}} } @series;

	die("$arg{title}: there is nothing to plot\n") if !@all;
	my ($x0, $x1) = decades(map { $_->[0] } @all);
	my ($y0, $y1) = decades(map { $_->[1] } @all);
	my $height = $HEIGHT + $LEGEND * @series;
	my ($w, $h) = ($WIDTH - $LEFT - $RIGHT, $HEIGHT - $TOP - $BOTTOM);
	my $px = sub { $LEFT + 14 + ($w - 28) * (log10($_[0]) - $x0) / ($x1 - $x0) };
	my $py = sub { $TOP + $h * (1 - (log10($_[0]) - $y0) / ($y1 - $y0)) };
	my $title = escaped($arg{title});
	my $out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 $WIDTH $height\"" .
		" width=\"$WIDTH\" height=\"$height\" role=\"img\" aria-label=\"$title\">\n" .
		"$STYLE<rect class=\"page\" width=\"$WIDTH\" height=\"$height\"/>\n" .
		"<text class=\"head\" x=\"$LEFT\" y=\"32\">$title</text>\n";

	for my $power ($y0 .. $y1) {
		my $y = $py->(10**$power);

		$out .= sprintf("<path class=\"grid\" d=\"M%d %.1fh%d\"/>\n", $LEFT, $y, $w);
		$out .= sprintf("<text class=\"soft\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
				$LEFT - 10, $y + 4, label($power));
	}
	for my $power ($x0 .. $x1) {
		my $x = $px->(10**$power);

		$out .= sprintf("<path class=\"grid\" d=\"M%.1f %dv%d\"/>\n", $x, $TOP, $h);
		$out .= sprintf("<text class=\"soft\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
				$x, $TOP + $h + 20, count($power));
	}
	$out .= sprintf("<path class=\"axis\" d=\"M%d %dv%dh%d\"/>\n", $LEFT, $TOP, $h, $w);
	$out .= sprintf("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			$LEFT + $w / 2, $TOP + $h + 42, escaped($arg{x}));

	for my $i (0 .. $#series) {
		my @at = map { [$px->($_->[0]), $py->($_->[1])] } @{$series[$i]{points}};
		my $y = $HEIGHT + $LEGEND * $i;

		$out .= "<path class=\"line s$i\" d=\"M" .
			join('L', map { sprintf('%.1f %.1f', @{$_}) } @at) . "\"/>\n"
			if @at > 1;
		$out .= join('', map { marker($i, @{$_}) } @at);
		$out .= sprintf("<path class=\"line s%d\" d=\"M%d %dh32\"/>\n", $i, $LEFT, $y - 4);
		$out .= marker($i, $LEFT + 16, $y - 4);
		$out .= sprintf("<text x=\"%d\" y=\"%d\">%s</text>\n", $LEFT + 42, $y,
				escaped($series[$i]{name}));
	}
	return "$out</svg>\n";
}

1;
