#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl without a device: its command line, and what it says about dump files.
use strict;
use warnings;
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
my $none = "$dir/no-such-device";
my $mkdump = build("$dir/mkdump", 'tests/unit/khoctl-mkdump.c');

# ---- The command line ----

my @commands = qw(check status put get ls rm setdata getdata resize own seal
		  verify prune add del getpage dump map load unload scratch
		  settle upgrade
		  restrict freeze);

khoctl_is('no command: usage', [], 2, undef, qr/^usage: khoctl/);
khoctl_is('--help', ['--help'], 0, qr/^usage: khoctl.*\n  check .*unload/s,
	  undef);
khoctl_is('help', ['help'], 0, qr/^usage: khoctl/, undef);
khoctl_is('--version', ['--version'], 0, qr/^khoctl \d+\.\d+\.\d+\n$/, undef);
khoctl_is('unknown command', ['frob'], 2, undef,
	  qr/^khoctl: no such command: frob\nTry 'khoctl --help'/);
khoctl_is('unknown global option', ['--frob', 'ls'], 2, undef,
	  qr/^khoctl: unknown option '--frob'/);
khoctl_is('help of an unknown command', ['help', 'frob'], 2, undef,
	  qr/no such command: frob/);
for my $c (@commands) {
	khoctl_is("$c --help", [$c, '--help'], 0, qr/^usage: khoctl $c\b/,
		  undef);
	khoctl_is("$c -h", [$c, '-h'], 0, qr/^usage: khoctl $c\b/, undef);
	khoctl_is("help $c", ['help', $c], 0, qr/^usage: khoctl $c\b/, undef);
	khoctl_is("$c: unknown option", [$c, '--frob'], 2, undef,
		  qr/^khoctl $c: unknown option '--frob'\nTry 'khoctl $c --help'/);
	khoctl_is("$c: --device without a value", [$c, '--device'], 2, undef,
		  qr/^khoctl $c: option '--device' needs a value/);
	khoctl_is("$c: --device twice", [$c, '--device', 'a', '--device=b'], 2,
		  undef, qr/option '--device' is given twice/);
}

is(join(' ', sort(`$khoctl --help` =~ /^  ([a-z]+) /mg)),
   join(' ', sort grep { $_ ne 'freeze' } @commands),
   'these are all commands');

# ---- Colour ----

# A finding that fails, on a terminal of script(1)
sub on_terminal {
	my ($env, @args) = @_;

	return scalar `env -u NO_COLOR KHO_SYSROOT=$dir/empty $env script -qec '$khoctl @args' /dev/null </dev/null`;
}

mkdir("$dir/empty");
for (['TERM=xterm', 'check', 1], ['TERM=dumb', 'check', 0], ['TERM=', 'check', 0],
     ['TERM=xterm NO_COLOR=1', 'check', 0], ['TERM=xterm NO_COLOR=', 'check', 1],
     ['TERM=xterm', '--color=never check', 0],
     ['TERM=xterm', 'check --color never', 0],
     ['TERM=dumb', 'check --color=always', 1]) {
	my ($env, $args, $colored) = @$_;
	my $text = on_terminal($env, $args);

	like($text, $colored ? qr/^\e\[1;31mFAIL\e\[0m  device /m : qr/^FAIL  device /m,
	     "colour: $args with $env");
}
khoctl_is('colour: not in a file', ['check'], 1, qr/^FAIL  device /m, undef,
	  { KHO_SYSROOT => "$dir/empty", TERM => 'xterm' });
khoctl_is('colour: if it must be', ['--color', 'always', 'check'], 1,
	  qr/^\e\[33mwarn\e\[0m .*^\e\[1;31mFAIL\e\[0m /ms, undef,
	  { KHO_SYSROOT => "$dir/empty", TERM => 'xterm' });
khoctl_is("--color: nonsense, $_", [split(/ /, $_)], 2, undef,
	  qr/--color: 'x': auto, always or never/)
	for ('--color x check', 'check --color=x');
unlike(khoctl_is('--help lists what is new', ['--help'], 0,
		 qr/^  seal .* object.*^  restrict .* envelopes$/ms, undef),
       qr/^  freeze/m, 'and no deprecated spelling');
khoctl_is('help of a deprecated spelling', ['help', 'freeze'], 0,
	  qr/^This spelling is deprecated: use 'khoctl seal'\.$/m, undef);
khoctl_is('ls: too many arguments', ['ls', 'x'], 2, undef, qr/too many.*'x'/);
khoctl_is('ls: bad short option', ['ls', '-lx'], 2, undef,
	  qr/unknown option '-x'/);
khoctl_is('ls: value that is not wanted', ['ls', '--json=1'], 2, undef,
	  qr/option '--json' takes no value/);
khoctl_is('put: no name', ['put'], 2, undef, qr/NAME is missing/);
khoctl_is('put: too many', ['put', 'a', 'b', 'c'], 2, undef, qr/too many/);
khoctl_is('get: no name', ['get'], 2, undef, qr/NAME is missing/);
khoctl_is('rm: no name', ['rm'], 2, undef, qr/NAME is missing/);
khoctl_is('add: no page', ['add'], 2, undef, qr/which pages/);
khoctl_is('add: both', ['add', '1', '--file', 'x'], 2, undef, qr/not both/);
khoctl_is('load: no kernel', ['load'], 2, undef, qr/which KERNEL/);
khoctl_is("load: --abi $_", ['load', '--abi', $_, 'x'], 2, undef,
	  qr/--abi: '\Q$_\E': 3 or 4/) for ('', '1', '5', '33', 'v4');
khoctl_is('check: --abi without a target', ['check', '--abi', '3'], 2, undef,
	  qr/are for --target/);
khoctl_is('check: --initrd without a target', ['check', '--initrd', 'x'], 2,
	  undef, qr/are for --target/);
khoctl_is('check: --kexec with a target',
	  ['check', '--target', 'x', '--kexec', 'y'], 2, undef,
	  qr/--kexec is not for --target/);
khoctl_is("map: --width $_", ['map', '--width', $_], 2, undef,
	  qr/--width: '\Q$_\E': a number from 40 to 1000/)
	for ('', '39', '1001', '80x', '-80');
khoctl_is('map: two ways at a time', ['map', '--svg', 'x', '--json'], 2,
	  qr/"kind": "usage"/,
	  qr/only one of --svg, --json and --width/);
khoctl_is('map: too many', ['map', 'x'], 2, undef, qr/too many/);
khoctl_is('restrict: too many', ['restrict', 'x'], 2, undef, qr/too many/);
khoctl_is('dump: too many', ['dump', 'a', 'b'], 2, undef, qr/too many/);

khoctl_is('seal: no name, though --sum', ['seal', '--sum'], 2, undef,
	  qr/^khoctl seal: which object\? NAME is missing/);
khoctl_is('seal: too many', ['seal', 'a', 'b'], 2, undef, qr/too many/);
for my $c (qw(setdata getdata resize own freeze)) {
	khoctl_is("$c: no name", [$c], 2, undef, qr/NAME is missing/);
	khoctl_is("$c: too many", [$c, 'a', 'b', 'c'], 2, undef, qr/too many/);
}
khoctl_is('resize: no size', ['resize', 'a'], 2, undef, qr/to which SIZE/);
khoctl_is("resize: '$_'", ['resize', '--', 'a', $_], 2, undef,
	  qr/'\Q$_\E': is not a size/)
	for ('', 'x', '1X', '1k', '1KB', '1Ki', '-1', '1.5G', 'K', ' 1', '0x1K',
	     '16777216T', '18446744073709551616', '9' x 30 . 'K');
khoctl_is('resize: 0', ['resize', 'a', '0K'], 2, undef, qr/at least one byte/);
khoctl_is('own: nothing', ['own', 'a'], 2, undef, qr/nothing to change/);
for my $c (qw(own put)) {
	khoctl_is("$c: --owner '$_'", [$c, '--owner', $_, 'a'], 2, undef,
		  qr/--owner: '\Q$_\E': UID, UID:GID or :GID/)
		for ('', 'root:', ':');
	khoctl_is("$c: --owner $_", [$c, '--owner', $_, 'a'], 2, undef,
		  qr/--owner: '\Q$_\E': no such user/)
		for ('no-such-user', '4294967295', '-1', '99999999999');
	khoctl_is("$c: --owner $_", [$c, '--owner', $_, 'a'], 2, undef,
		  qr/--owner: 'no-such-group': no such group/)
		for ('0:no-such-group', ':no-such-group');
	khoctl_is("$c: --mode '$_'", [$c, '--mode', $_, 'a'], 2, undef,
		  qr/--mode: '\Q$_\E': is not an octal number/)
		for ('', '8', 'rw', '-1', '0x6', '000600');
	khoctl_is("$c: --mode $_", [$c, '--mode', $_, 'a'], 2, undef,
		  qr/--mode: '$_': only read and write bits/)
		for ('700', '0111', '7777', '1000');
}
khoctl_is("put: --node '$_'", ['put', '--node', $_, 'a'], 2, undef,
	  qr/--node: '\Q$_\E': is not the number of a node/)
	for ('', '-1', 'x', '4294967296');
khoctl_is('put: stdin for both', ['put', '--data', '-', 'a', '-'], 2, undef,
	  qr/stdin can't be both/);
khoctl_is('put: stdin for both, unnamed', ['put', '--data', '-', 'a'], 2, undef,
	  qr/stdin can't be both/);
khoctl_is('prune: no --idle', ['prune'], 2, undef, qr/--idle N is missing/);
khoctl_is("prune: --idle '$_'", ['prune', '--idle', $_], 2, undef,
	  qr/--idle: '\Q$_\E': a number of handovers, at least 1/)
	for ('', '0', '-1', 'x', '1.5');
khoctl_is('prune: too many', ['prune', '--idle', '1', 'a'], 2, undef,
	  qr/too many/);

for my $c (qw(put get rm setdata getdata resize own seal freeze verify)) {
	khoctl_is("$c: empty name", [$c, ''], 2, undef, qr/the name is empty/);
	khoctl_is("$c: long name", [$c, 'n' x 64], 2, undef,
		  qr/more than 63 bytes/);
	khoctl_is("$c: name with /", [$c, 'a/b'], 2, undef, qr/has a '\/' in it/);
	khoctl_is("$c: name .", [$c, '.'], 2, undef, qr/"\." or "\.\."/);
	khoctl_is("$c: name ..", [$c, '..'], 2, undef, qr/"\." or "\.\."/);
	khoctl_is("$c: name with a control character", [$c, "a\nb"], 2, undef,
		  qr/control character/);
}
for my $bad ('', 'x', '0x', '12x', '-1', ' 1', '1:', '1:x', '1:-1', ':1',
	     '08x', '1:1:1', '9' x 40) {
	khoctl_is("add: '$bad'", ['add', '--', $bad], 2, undef,
		  qr/khoctl add: '\Q$bad\E': /);
}
khoctl_is('add: a number too wide', ['add', '0x10000000000000'], 2, undef,
	  qr/more bits than an address/);
khoctl_is('add: an order too high', ['add', '0:52'], 2, undef, qr/above 51/);

# ---- No device ----

for my $args (['status'], ['put', 'a', '/etc/passwd'], ['get', 'a'], ['ls'],
	      ['rm', 'a'], ['setdata', 'a'], ['getdata', 'a'],
	      ['resize', 'a', '1'], ['own', 'a', '--mode', '600'],
	      ['seal', 'a'], ['verify'], ['prune', '--idle', '1'],
	      ['add', '1'], ['del', '1'], ['getpage', '1'],
	      ['dump'], ['map'], ['load', '/etc/passwd'],
	      ['check', '--target', '/etc/passwd']) {
	khoctl_is("$args->[0]: no device", [@$args, '--device', $none], 1, undef,
		  qr/^khoctl $args->[0]: \Q$none\E: no such device: .*modprobe kho/);
}
khoctl_is('no device by KHO_DEVICE', ['ls'], 1, undef,
	  qr/\Q$none\E: no such device/, { KHO_DEVICE => $none });
khoctl_is('--device before the command', ['--device', $none, 'ls'], 1, undef,
	  qr/\Q$none\E: no such device/, { KHO_DEVICE => '/other' });
khoctl_is('another device', ['ls', '--device', '/dev/null'], 1, undef,
	  qr/\/dev\/null: is not the device of the kho module/);

# ---- dump ----

sub make_dump {
	my ($kind, $shift) = @_;
	my $data = `$mkdump $kind $shift`;

	die "mkdump $kind $shift" if $?;
	return spew("$dir/dump", $data);
}

for my $shift (12, 14, 16) {
	my $file = make_dump('good', $shift);
	my $depth = { 12 => 6, 14 => 5, 16 => 4 }->{$shift};
	my $json = khoctl_is("dump: good, page shift $shift",
			     ['dump', '--json', '--keys', $file], 0,
			     qr/"sound": true/, undef);

	like($json, qr/"depth": $depth,\n    "complete": true/, 'depth');
	like($json, qr/"order": 9,\n        "keys": 1,\n        "pages": 512\n/,
	     'order 9');
	like($json, qr/"order": 2,\n        "keys": 1,\n        "pages": 4\n/,
	     'order 2');
	like($json, qr/"addr": 536870912,\n        "order": 9,\n        "keys": 1\n/,
	     'the run of order 9');
	my $bytes = 303 * (1 << $shift) - 1;
	like($json, qr/"name": "big",\n      "bytes": $bytes,\n      "pages": 303,/,
	     'object big');
	my $per_page = (1 << $shift - 3) - 1;
	my $sums = int((303 + $per_page - 1) / $per_page);
	like($json, qr/"idle": 1,\n      "uid": 1000,\n      "gid": 100,\n      "mode": "0640",\n      "uncommitted": false,\n      "sealed": true,\n      "sum_at_jump": false,\n      "summed": true,\n      "sum_pages": $sums,\n      "data_bytes": 0,\n      "comm": "agent",\n      "release": "6\.1\.0-test",/,
	     'all that is known of it');
	my $user_data = (1 << $shift) - 16 + 3;
	like($json, qr/"data_bytes": $user_data,/, 'user data of small');
	like($json, qr/"name": "small",\n      "bytes": 5,\n      "pages": 1,/,
	     'object small');
}
my $own = khoctl_is('dump: of a kernel with KHO of its own',
		    ['dump', '--extents', make_dump('own-kho', 12)], 0,
		    qr/^setup node  kept by in-kernel KHO, with scratch and FDT\n.*\nno problems\n$/ms,
		    undef);
like($own, qr/^tree, root at 0x\w+, 824 pages, 3\.2 MiB$/m, 'its tree');
like($own, qr/^  big: 1\.1 MiB \(1241087 bytes\), 303 pages/m, 'its objects');
khoctl_is('dump: of such a kernel, JSON', ['dump', '--json', "$dir/dump"], 0,
	  qr/"fdt_addr": 0,.*"name": "big".*"sound": true/s, undef);
khoctl_is('dump: of such a kernel, two roots',
	  ['dump', make_dump('own-kho-roots', 12)], 1,
	  qr/tree: there are 2 root nodes/, undef);
my $good = make_dump('good', 12);
my $text = khoctl_is('dump: a summary', ['dump', $good], 0,
		     qr/\nno problems\n$/, undef);
like($text, qr/^extents, 310, the largest of 2 MiB \(--extents lists all\)$/m,
     'its extents');
like($text, qr/^  NAME +SIZE +PAGES +EXTENTS +GEN +OWNER +MODE +DATA\n  big +1\.1 MiB +303 +300 +1 +1000:100 +0640 +0\n  small +5 B +1 +1 +0 +0:0 +0600 +4083\n/m,
     'its objects');
cmp_ok(scalar(() = $text =~ /\n/g), '<', 40, 'it fits on a screen');
$text = khoctl_is('dump: text', ['dump', '--extents', $good], 0,
		  qr/\nno problems\n$/, undef);
like($text, qr/^setup node  0x1000000: type 10, length 32, next 0x0$/m, 'setup');
like($text, qr/^scratch     0x000040000000 to 0x00004fffffff  256 MiB$/m,
     'scratch');
like($text, qr/compatible = "kho-v4"/, 'FDT property');
like($text, qr/^sent by     Linux 6\.1\.0-test, handover number 3$/m, 'release');
like($text, qr/^      5      1$/m, 'nodes per level');
# Content: 512 + 4 + 299 + 1.  Metapages: 1 metadata, 4 records and extents, 1 checksums,
# 2 user data.
like($text, qr/^tree, root at 0x\w+, 824 pages, 3\.2 MiB$/m, 'pages');
like($text, qr/^  0x000020000000 to 0x0000201fffff  2 MiB$/m, 'extent');
like($text, qr/^  big: 1\.1 MiB \(1241087 bytes\), 303 pages, created 2023-11-14 22:13:20, generation 1\n    by agent in Linux 6\.1\.0-test, owner 1000:100, mode 0640, idle 1, sealed, has a checksum\n    0x000010000000 to 0x000010003fff  16 KiB, pages of order 0$/m,
     'object');
like($text, qr/^  small: .*\n    by \(unknown\) in Linux \(unknown\), owner 0:0, mode 0600, idle 0\n    user data: 4083 bytes$/m,
     'user data');
unlike($text, qr/^keys, /m, 'no runs');
khoctl_is('dump: --keys', ['dump', '--keys', $good], 0, qr/^keys, \d+ runs/m,
	  undef);
$text = khoctl_is('dump: --fdt', ['dump', '--fdt', $good], 0,
		  qr/^  296 bytes\n  \/\n/, undef);
unlike($text, qr/tree, root/, 'the FDT alone');
khoctl_is('dump: stdin', ['dump', '-'], 0, qr/no problems/, undef,
	  { STDIN => $good });
khoctl_is('dump: --save', ['dump', '--save', "$dir/saved", $good], 0,
	  qr/no problems/, undef);
khoctl_is('dump: the saved file', ['dump', "$dir/saved"], 0, qr/no problems/,
	  undef);
is((stat("$dir/saved"))[2] & 0777, 0600, 'it is private');
is(scalar(() = glob("$dir/saved*")), 1, 'and nothing else is left');
khoctl_is('dump: --save to a missing directory',
	  ['dump', '--save', "$dir/none/x", $good], 1, undef,
	  qr/none\/x: cannot make a file beside it: No such file/);
spew("$dir/stdout", '');
khoctl_is('dump: full disk', ['dump', $good], 1, undef,
	  qr/cannot write the output: No space left/, { STDOUT => '/dev/full' });

# Handovers with one fault each, and what dump says about it.
my @unsound = (
	['key-beyond', qr/an entry for keys beyond the end of memory/],
	['key-order', qr/a key of an order that does not exist/],
	['key-twice', qr/the page at 0x20000000 is marked twice/],
	['key-in-scratch', qr/preserved pages at 0x40000000 lie in it/],
	['key-of-node', qr/the node at 0x1004000 is marked as preserved itself/],
	['node-loop', qr/a node that leads back to itself/],
	['node-shared', qr/is in it twice/],
	['node-missing', qr/a node of level 4 at 0x7000000 is in none/],
	['node-unaligned', qr/not page-aligned: value 0x7000008/],
	['node-orphan', qr/no entry leads to the node/],
	['node-level', qr/is of level 5, not 1/],
	['root-zero', qr/no preserved-memory-map/],
	['fdt-magic', qr/FDT magic is wrong/],
	['fdt-compatible', qr/the handover is kho-v1/],
	['fdt-nowhere', qr/fdt_addr 0x7000000 is not that of any page/],
	['scratch-size', qr/scratch_size is 17/],
	['scratch-array', qr/scratch array: 16 bytes at 0x1000ff8/],
	['scratch-zero', qr/scratch area 0: 0x0 bytes at 0x40000000/],
	['scratch-beyond', qr/scratch area 0: .* are not a range of pages/],
	['setup-type', qr/type is 9, not 10/],
	['object-compatible', qr/compatible is "kho-objects-v9", not "kho-objects-v2"/],
	['object-v1', qr/compatible is "kho-objects-v1", an older format that was never released, not/],
	['object-count', qr/the head says 3, but there are 2/],
	['object-loop', qr/a record page at \w+ is used for something else/],
	['object-size', qr/object small: its size of 4097 bytes takes 2 pages/],
	['object-name', qr/object s\/all: the name has a '\/'/],
	['object-names', qr/object big: there are two of this name/],
	['object-shared', qr/the page at 0x10000000 is in two extents/],
	['object-extents', qr/object big: extent 300: 0 pages at 0x0/],
	['object-reserved', qr/object small: a reserved field is not 0/],
	['object-unmarked', qr/object small: extent 0: not all of .* is preserved/],
	['object-flags', qr/object small: its flags 0x10 are not all known/],
	['object-mode', qr/object small: its mode is 0700, and has other/],
	['object-comm', qr/object small: its comm is not padded/],
	['object-release', qr/object small: its release is not padded/],
	['extent-loop', qr/object big: there are more extent pages/],
	['extent-reserved', qr/object big: a reserved field of the extent page/],
	['extent-order', qr/object big: extent 1: there are no pages of order 19/],
	['extent-made', qr/object big: extent 1: 1 pages at 0x10008000 are not made of pages of order 1/],
	['extent-keys', qr/object big: extent 0: 0x10000000 to 0x10003fff is preserved in blocks of another order/],
	['extent-bits', qr/object big: extent 1: 1 pages at 0x10008040 are impossible/],
	['sum-none', qr/object small: it has no room for checksums, though/],
	['sum-jump', qr/object small: it has no room for checksums, though/],
	['sum-short', qr/object big: it has no room for checksums, though/],
	['sum-loop', qr/object big: there are more pages of checksums/],
	['sum-nowhere', qr/objects: a sum page at 0x7000000 is not one/],
	['data-empty', qr/object small: the data page at \w+ has 0 bytes of 4080, and is the last/],
	['data-over', qr/object small: the data page at \w+ has 4081 bytes/],
	['data-short', qr/object small: the data page at \w+ has 4079 bytes of 4080, and is not the last/],
	['data-loop', qr/a data page at \w+ is used for something else/],
	['data-reserved', qr/object small: a reserved field of the data page/],
);
for (@unsound) {
	my ($kind, $why) = @$_;
	my $file = make_dump($kind, 12);

	khoctl_is("dump: $kind", ['dump', $file], 1, qr/^1 problem.*\n  .*$why|^2 problems\n.*\n  .*$why/m,
		  undef);
	khoctl_is("dump: $kind, JSON", ['dump', '--json', $file], 1,
		  qr/"sound": false/, undef);
}

# An object of 1 TiB, in 524288 extents: takes seconds, and no memory of its size.
my $tera = make_dump('tera', 12);
my $shown = khoctl_is('dump: 1 TiB in 524288 extents',
		      ['dump', '--extents', $tera], 0,
		      qr/\nno problems\n$/, undef);
like($shown, qr/^  tera: 1 TiB \(1099511627776 bytes\), 268435456 pages,/m,
     'its size');
like($shown, qr/^    0x004000000000 to 0x0040001fffff  2 MiB, pages of order 9$/m,
     'its first extent');
like($shown, qr/^    and 523288 more \(--keys shows all\)$/m,
     'the list is not shown to its end');
is(scalar `$khoctl dump --keys $tera | grep -c ' 2 MiB, pages of order 9\$'`,
   "524288\n", 'dump --keys: all extents');
for (['tera-missing', qr/object tera: 524028 of its 524288 extents are missing/],
     ['tera-gone', qr/objects: an extent page at 0x7000000 is not one of the pages/],
     ['tera-total', qr/object tera: its size of 1099511623680 bytes takes 268435455 pages, but its extents have 268435456/]) {
	my ($kind, $why) = @$_;

	khoctl_is("dump: $kind", ['dump', make_dump($kind, 12)], 1,
		  qr/^1 problem\n  $why/m, undef);
}

# Files that are not dumps at all.
my @broken = (
	['magic', qr/neither a dump \(KHODUMP1\) nor an FDT/],
	['page-size', qr/impossible page size: 12345/],
	['count-huge', qr/is truncated: 4294967295 entries make 17660905517104 bytes/],
	['count-more', qr/is truncated: 27 entries/],
	['count-zero', qr/has no entries/],
	['trailing', qr/is too long/],
	['page-twice', qr/the page at 0x1000000 is there twice/],
	['page-unaligned', qr/entry 1: address 0x1002001 is not that of a page/],
	['page-kind', qr/entry 1: unknown kind 77/],
);
for (@broken) {
	my ($kind, $why) = @$_;

	khoctl_is("dump: $kind", ['dump', make_dump($kind, 12)], 1, undef, $why);
}
my $data = slurp($good = make_dump('good', 12));
for my $len (0, 7, 8, 63, 64, 65, 80, 81, length($data) - 1) {
	spew("$dir/cut", substr($data, 0, $len));
	khoctl_is("dump: cut after $len bytes", ['dump', "$dir/cut"], 1, undef,
		  qr/\Q$dir\E\/cut: is truncated/);
	khoctl_is("dump: pipe that ends after $len bytes", ['dump', '-'], 1,
		  undef, qr/stdin: is truncated/, { STDIN => "$dir/cut" });
}
khoctl_is('dump: no such file', ['dump', "$dir/none"], 1, undef,
	  qr/none: No such file/);
khoctl_is('dump: a directory', ['dump', $dir], 1, undef, qr/Is a directory/);

my $blob = make_dump('fdt-blob', 12);
khoctl_is('dump: a bare FDT', ['dump', $blob], 0,
	  qr/compatible = "kho-v4".*no problems/s, undef);
khoctl_is('dump: a bare FDT, JSON', ['dump', '--json', $blob], 0,
	  qr/"string": "kho-v4".*"sound": true/s, undef);
spew("$dir/cut", substr(slurp($blob), 0, 100));
khoctl_is('dump: half an FDT', ['dump', "$dir/cut"], 1, undef,
	  qr/truncated: it ends in the FDT/);
spew("$dir/cut", pack('N2', 0xd00dfeed, 0xffffffff));
khoctl_is('dump: an endless FDT', ['dump', "$dir/cut"], 1, undef,
	  qr/FDT with an impossible size: 4294967295/);
spew("$dir/cut", pack('N2', 0xd00dfeed, 64) . "\xff" x 56);
khoctl_is('dump: an FDT of nonsense', ['dump', "$dir/cut"], 1,
	  qr/libfdt says/, undef);

# Any byte may have any value: khoctl must not crash, and exits with 0 or 1.
srand(12345);
my $crashes = 0;
for my $n (1 .. 150) {
	my $bytes = $data;

	substr($bytes, 64 + int(rand(length($bytes) - 64)), 1) =
		chr(int(rand(256))) for 1 .. 40;
	# Change what is not zeros: the setup page, the FDT and the root node.
	substr($bytes, 80 + int(rand(96)), 1) = chr(int(rand(256)));
	substr($bytes, 64 + 4112 + 16 + int(rand(300)), 1) =
		chr(int(rand(256))) if $n % 3 == 0;
	spew("$dir/cut", $bytes);
	my ($status) = run('dump', '--json', '--keys', "$dir/cut");
	$crashes++, diag("dump $n: exit status $status") if $status > 1;
}
is($crashes, 0, 'dump: 150 damaged files, no crash');

done_testing();
