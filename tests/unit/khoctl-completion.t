#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# Completion for bash, zsh and fish: each of them knows every command, and every option that
# the command's help lists.
use strict;
use warnings;
use Cwd qw(abs_path);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
system('bash', '-c', '. scripts/lib.sh && need_packages zsh fish >&2') == 0
	or BAIL_OUT('no zsh and fish');

# Completion runs the khoctl of PATH.
mkdir("$dir/bin");
symlink(abs_path($khoctl), "$dir/bin/khoctl") or die;
$ENV{PATH} = "$dir/bin:$ENV{PATH}";
$ENV{HOME} = $dir;
delete @ENV{qw(XDG_CONFIG_HOME XDG_DATA_HOME)};
spew("$dir/some-file", '');

# Each script reads command lines, up to the word to complete, and prints for each the
# words that it would offer, one a line, and then a line "==".
my %shells = (
	bash => [['bash', '--norc'], <<'END'],
. tools/completion/khoctl
while IFS= read -r line; do
	read -ra COMP_WORDS <<<"$line"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
	_khoctl
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
	echo ==
done
END
	# The functions of zsh's completion system, as far as they are used
	zsh => [['zsh', '-f'], <<'END'],
offer() { local word; for word; do [[ $word == $PREFIX* ]] && print -r -- $word; done }
compadd() {
	case $1 in
	-a) offer ${(P)2} ;;
	--) shift; offer "$@" ;;
	*) offer "$@" ;;
	esac
}
_describe() { local name=${@[-1]}; offer ${${(P)name}%%:*} }
_files() { offer $PREFIX*(N) }
_users() { offer ${${(f)"$(</etc/passwd)"}%%:*} }
_message() { : }
compset() { PREFIX=${PREFIX#*=} }
while IFS= read -r line; do
	words=(${(s: :)line})
	[[ $line != *' ' ]] || words+=('')
	CURRENT=$#words PREFIX=$words[-1]
	source tools/completion/_khoctl
	print '=='
done
END
	fish => [['fish', '--no-config'], <<'END'],
source tools/completion/khoctl.fish
while read -l line
	complete -C $line | string replace -r '\t.*' ''
	echo ==
end
END
);

# complete(shell, lines): returns an array of words for each line
sub complete {
	my ($shell, @lines) = @_;
	my ($command, $script) = @{$shells{$shell}};
	my (@all, @words);

	spew("$dir/script", $script);
	spew("$dir/lines", join('', map { "$_\n" } @lines));
	for (`@$command $dir/script <$dir/lines 2>$dir/errors`) {
		chomp;
		if ($_ eq '==') {
			push(@all, [sort @words]);
			@words = ();
		} else {
			push(@words, $_);
		}
	}
	is(slurp("$dir/errors"), '', "$shell: no errors");
	is(scalar(@all), scalar(@lines), "$shell: an answer to each line");
	return @all;
}

my @commands = sort(`$khoctl --help` =~ /^  ([a-z]+) /mg);
my %options = map {
	my $help = `$khoctl $_ --help`;
	($_ => [sort($help =~ /^  (?:-., )?(--[a-z-]+) /mg)]);
} @commands;
cmp_ok(scalar(@commands), '>', 20, 'khoctl has commands');

my @values = (['khoctl st', 'status'], ['khoctl help pr', 'prune'],
	      ['khoctl --device /dev/x lo', 'load'], ['khoctl --json st', 'status'],
	      ['khoctl load --handoff ', 'auto envelopes exact'],
	      ['khoctl check --color a', 'always auto'], ['khoctl --color n', 'never'],
	      ["khoctl load --initrd $dir/some", "$dir/some-file"],
	      ["khoctl load $dir/some", "$dir/some-file"],
	      ["khoctl check --target $dir/some", "$dir/some-file"],
	      ["khoctl put name $dir/some", "$dir/some-file"],
	      ["khoctl dump --keys $dir/some", "$dir/some-file"],
	      ["khoctl own name --owner roo", 'root'], ['khoctl put ', ''],
	      ['khoctl add ', ''], ['khoctl load --abi ', ''], ['khoctl frob ', '']);

for my $shell (sort keys %shells) {
	my @lines = ('khoctl ', (map { "khoctl $_ --" } @commands), map { $_->[0] } @values);
	my @all = complete($shell, @lines);

	is_deeply(shift @all, [sort @commands, 'help'], "$shell: all commands");
	is_deeply(shift @all, $options{$_}, "$shell: $_: all options") for @commands;
	is(join(' ', @{shift @all // ['?']}), $_->[1], "$shell: '$_->[0]'") for @values;
}

# Names of objects come from the device.
make_device();
our ($fake, $root);
spew("$dir/fake/objects/$_", 'x') for qw(one other three);
@ENV{qw(LD_PRELOAD KHO_FAKE_DIR KHO_SYSROOT)} = ($fake, "$dir/fake", $root);
for my $shell (sort keys %shells) {
	my @all = complete($shell, 'khoctl rm o', 'khoctl rm one o', 'khoctl get ',
			   'khoctl verify t');

	is_deeply(\@all, [['one', 'other'], ['one', 'other'], ['one', 'other', 'three'],
			  ['three']], "$shell: names of objects");
}

done_testing();
