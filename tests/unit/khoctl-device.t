#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl with a fake device, which is a preloaded library: content, lists, status
# and dumps.  Tests of kexec are in khoctl-load.t.
use strict;
use warnings;
use POSIX qw(mkfifo SIGINT SIGTERM ENOMEM EPERM);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
my $mkdump = build("$dir/mkdump", 'tests/unit/khoctl-mkdump.c');
make_device();

sub objects {
	return join(' ', map { s/.*\///r } sort glob("$dir/fake/objects/*"));
}

dev_is('status: nothing', ['status'], 0,
       qr/^holders     none: the module can be unloaded$/m, undef);

# ---- put, get, ls, rm ----

my $data = join('', map { pack('N', $_ * 2654435761 % 2**32) } 1 .. 800_000);
spew("$dir/data", $data);
dev_is('put', ['put', 'one', "$dir/data"], 0, undef, undef);
ok(slurp("$dir/fake/objects/one") eq $data, 'put: the same bytes');
dev_is('get: to stdout', ['get', 'one'], 0, qr/^/, undef);
ok(slurp("$dir/stdout") eq $data, 'get: the same bytes');
dev_is('get: to a file', ['get', 'one', "$dir/copy"], 0, undef, undef);
ok(slurp("$dir/copy") eq $data, 'get: the same bytes in a file');
is((stat("$dir/copy"))[2] & 0777, 0600, 'which is private');
dev_is('get: over a file', ['get', 'one', "$dir/copy"], 0, undef, undef);
dev_is('get: to -', ['get', 'one', '-'], 0, qr/^/, undef);
ok(slurp("$dir/stdout") eq $data, 'get: the same bytes through -');
dev_is('get: to a device', ['get', 'one', '/dev/null'], 0, undef, undef);
dev_is('get: to a full device', ['get', 'one', '/dev/full'], 1, undef,
       qr/\/dev\/full: cannot write: No space left/);
dev_is('get: to a directory', ['get', 'one', $dir], 1, undef,
       qr/is a directory/);
dev_is('get: to a missing directory', ['get', 'one', "$dir/none/x"], 1, undef,
       qr/none\/x: cannot make a file beside it/);
is(scalar(() = glob("$dir/copy*")), 1, 'get: nothing is left beside it');

dev_is('put: the name is taken', ['put', 'one', "$dir/data"], 1, undef,
       qr/one: an object of this name exists/);
ok(slurp("$dir/fake/objects/one") eq $data, 'which is as it was');
dev_is('put: stdin', ['put', 'two'], 0, undef, undef, { STDIN => "$dir/data" });
ok(slurp("$dir/fake/objects/two") eq $data, 'put: the same bytes from stdin');
mkfifo("$dir/fifo", 0600);
if (!(my $pid = fork())) {
	system("cat $dir/data > $dir/fifo");
	POSIX::_exit(0);
}
dev_is('put: a pipe', ['put', 'three', "$dir/fifo"], 0, undef, undef);
wait();
ok(slurp("$dir/fake/objects/three") eq $data, 'put: the same bytes from a pipe');
dev_is('put: a file that claims to be empty', ['put', 'proc', '/proc/version'],
       0, undef, undef);
ok(slurp("$dir/fake/objects/proc") eq slurp('/proc/version'), 'its bytes');

dev_is('put: an empty file', ['put', 'x', '/dev/null'], 1, undef,
       qr/\/dev\/null: is empty/);
dev_is('put: no such file', ['put', 'x', "$dir/none"], 1, undef,
       qr/none: No such file/);
dev_is('put: a directory', ['put', 'x', $dir], 1, undef, qr/Is a directory/);
dev_is('put: no memory', ['put', 'x', "$dir/data"], 1, undef,
       qr/x: not enough memory for 3 MiB/, { KHO_FAKE_FAIL => '71:' . ENOMEM });
spew("$dir/shrinks", $data);
dev_is('put: a file that shrinks', ['put', 'x', "$dir/shrinks"], 1, undef,
       qr/ended after 10 bytes of 3200000: it has shrunk/,
       { KHO_FAKE_ON_CREATE => "$dir/shrinks" });
dev_is('put: interrupted', ['put', 'x', "$dir/data"], 128 + SIGINT, undef,
       qr/interrupted/, { KHO_FAKE_ON_CREATE => 'signal' });
is(objects(), 'one proc three two', 'put: no half object is left by any of these');
dev_is('put: frozen', ['put', 'x', "$dir/data"], 1, undef,
       qr/x: the machine is going down/, { KHO_FAKE_FROZEN => 1 });
dev_is('put: not permitted', ['put', 'x', "$dir/data"], 1, undef,
       qr/x: not permitted: the kernel is locked down$/,
       { KHO_FAKE_FAIL => '71:' . EPERM });

# A signal while khoctl waits for input
{
	my $pid = fork();

	if (!$pid) {
		$ENV{LD_PRELOAD} = $fake;
		$ENV{KHO_FAKE_DIR} = "$dir/fake";
		open(STDERR, '>', '/dev/null');
		exec($khoctl, 'put', 'x', "$dir/fifo");
	}
	open(my $f, '>', "$dir/fifo");
	syswrite($f, 'some');
	select(undef, undef, undef, 0.5);
	kill(TERM => $pid);
	waitpid($pid, 0);
	is($? & 127, SIGTERM, 'put: ends by the signal');
	is(objects(), 'one proc three two', 'and leaves no object');
}

# A progress bar: only on a terminal, only when it takes long
my $slow = "for i in 1 2 3 4 5 6 7 8 9; do echo \$i; sleep 0.1; done";
my $env = "LD_PRELOAD=$fake KHO_FAKE_DIR=$dir/fake";
my $seen = `script -qec "($slow) | env $env $khoctl put bar" /dev/null </dev/null`;
is($?, 0, 'put: on a terminal');
like($seen, qr/^\rstdin \d+ B, \d+ B\/s/, 'progress is shown');
like($seen, qr/\r *\r$/, 'and removed at the end');
$seen = `script -qec "echo x | env $env $khoctl put quick" /dev/null </dev/null`;
is($seen, '', 'no progress when it is quick');
$seen = `($slow) | env $env $khoctl put nobar 2>&1`;
is($seen, '', 'no progress without a terminal');
dev_is('rm', ['rm', 'bar', 'quick', 'nobar', 'proc'], 0, undef, undef);

my $ls = dev_is('ls', ['ls'], 0, qr/^NAME /, undef,
		{ KHO_FAKE_BUSY => 'two' });
is($ls, <<'EOF', 'ls: aligned');
NAME    SIZE  OWNER      GEN  FROM        STATE
one    3 MiB  root:root    0  6.1.0-fake  new
three  3 MiB  root:root    0  6.1.0-fake  new
two    3 MiB  root:root    0  6.1.0-fake  new,open
EOF
dev_is('ls --json', ['ls', '--json'], 0,
       qr/"name": "one",\n      "bytes": 3200000,\n      "pages": 782,/, undef);
dev_is('ls: it changes all the time', ['ls'], 1, undef,
       qr/changes faster than it can be read/, { KHO_FAKE_CHANGING => 1 });

# A name can't send escape sequences to the terminal.
spew("$dir/fake/objects/\e[2Jx\xff\xc3\xa9", 'x');
dev_is('ls: a hostile name', ['ls'], 0, qr/^\\x1b\[2Jx\\xff\xc3\xa9 +1 B /m,
       undef);
unlink("$dir/fake/objects/\e[2Jx\xff\xc3\xa9");

# More than fits into one call
spew(sprintf("$dir/fake/objects/m%04d", $_), 'x') for 1 .. 2100;
my $many = dev_is('ls: many', ['ls'], 0, qr/^m2100 /m, undef);
is(scalar(() = $many =~ /^m\d{4} /mg), 2100, 'all of them, once');
unlink(glob("$dir/fake/objects/m*"));

dev_is('rm: open', ['rm', 'two', 'one'], 1, undef,
       qr/^khoctl rm: two: is open or mapped by a process$/,
       { KHO_FAKE_BUSY => 'two' });
is(objects(), 'three two', 'rm: the others are released');
dev_is('rm: no such object', ['rm', 'one'], 1, undef, qr/one: no such object/);
dev_is('get: no such object', ['get', 'one'], 1, undef,
       qr/one: no such object, or none that you may see \('khoctl ls'/);

# ---- add, del, getpage ----

dev_is('add', ['add', '4096', '0x2000:9', '7:0'], 0, undef, undef);
is(slurp("$dir/fake/pages"), "4096 0 0\n8192 9 0\n7 0 0\n", 'the pages');
dev_is('ls --pages', ['ls', '--pages'], 0,
       qr/\n\n   PFN  ORDER   SIZE  FLAGS\n0x1000      0  4 KiB  -\n0x2000      9  2 MiB  -\n   0x7      0  4 KiB  -\n$/,
       undef);
dev_is('add: again', ['add', '1', '4096', '2'], 1, undef,
       qr/^khoctl add: pfn 0x1000 order 0: the page is preserved already; nothing has changed$/);
dev_is('add: a free page', ['add', '0x666'], 1, undef,
       qr/^khoctl add: pfn 0x666 order 0: free, reserved, poisoned, RAM's last/);
dev_is('add: misaligned', ['add', '0x1235:3'], 1, undef,
       qr/pfn 0x1235 order 3: the page number is not a multiple of 8/);
dev_is('add: no such order', ['add', '0:40'], 1, undef,
       qr/pfn 0x0 order 40: there is no such order/);
dev_is('add: no memory', ['add', '1'], 1, undef,
       qr/^khoctl add: \/dev\/kho: not enough memory; nothing has changed$/,
       { KHO_FAKE_FAIL => '67:' . ENOMEM });
dev_is('del: not there', ['del', '4096', '4097'], 1, undef,
       qr/pfn 0x1001 order 0: no such page is preserved with this order; nothing/);
spew("$dir/list", "# a comment\n\n 4096 # one\n0x2000:9\n7\n");
dev_is('del --file', ['del', '--file', "$dir/list"], 0, undef, undef);
is(slurp("$dir/fake/pages"), '', 'no page is left');
dev_is('add --file -', ['add', '--file', '-'], 0, undef, undef,
       { STDIN => "$dir/list" });
is(slurp("$dir/fake/pages"), "4096 0 0\n8192 9 0\n7 0 0\n", 'the same pages');
spew("$dir/list", "1\n2 3\n");
dev_is('add --file: two words', ['add', '--file', "$dir/list"], 1, undef,
       qr/list, line 2: '2': more than one word/);
spew("$dir/list", "1\n2\e\n");
dev_is('add --file: nonsense', ['add', '--file', "$dir/list"], 1, undef,
       qr/list, line 2: '2\\x1b': is not a page number/);
spew("$dir/list", "# nothing\n");
dev_is('add --file: nothing', ['add', '--file', "$dir/list"], 1, undef,
       qr/list: no pages in it/);

spew("$dir/fake/pages", "4096 0 0\n32 2 1\n");
dev_is('getpage', ['getpage', '32:2', "$dir/page"], 0, undef, undef);
is(slurp("$dir/page"), join('', map { pack('Q<', (32 << 32) + 8 * $_) } 0 .. 2047),
   'its bytes');
dev_is('getpage: of this kernel', ['getpage', '4096'], 1, undef,
       qr/pfn 0x1000 order 0: it was added in this kernel/);
dev_is('getpage: none', ['getpage', '33'], 1, undef, qr/no such page arrived/);

# ---- status ----

dev_is('status', ['status'], 0,
       qr/^holders     module held by: 2 objects, 5 pages$/m, undef);
dev_is('status: arrival', ['status'], 0,
       qr/^arrival     taken over from Linux 6\.1\.0-fake, handover number 3\n +the boot stub kept 4711 pages \(18\.4 MiB\) in 12 extents, in 345 us$/m,
       undef, { KHO_FAKE_ARRIVAL => 'taken' });
dev_is('status: refused', ['status'], 4,
       qr/^arrival     REFUSED: FDT magic is wrong\\x1b\[2J$/m, undef,
       { KHO_FAKE_ARRIVAL => 'refused' });
dev_is('status: off', ['status'], 0, qr/^arrival     turned off/m, undef,
       { KHO_FAKE_ARRIVAL => 'off' });
dev_is('status: frozen', ['status'], 0, qr/^state       frozen/m, undef,
       { KHO_FAKE_FROZEN => 1 });
dev_is('status --json', ['status', '--json'], 0,
       qr/"arrived_pages": 4,.*"objects": 2,.*"arrival": "none",.*"kexec_loaded": false/s,
       undef);

my %env3 = (KHO_FAKE_ENVELOPES => '10000000:200000,20000000:400000,30000000:600000');
dev_is('status: envelopes', ['status'], 0,
       qr/^envelopes   3, with 12 MiB of RAM; outside of them 3\.9 GiB$/m,
       undef, \%env3);
dev_is('status: an older module', ['status'], 0,
       qr/^envelopes   none: the module is older than khoctl; the next kernel needs the boot stub$/m,
       undef, { KHO_FAKE_OLD => 1 });
dev_is('status: an older module, arrival', ['status'], 0,
       qr/^ +the boot stub kept 4711 pages/m, undef,
       { KHO_FAKE_OLD => 1, KHO_FAKE_ARRIVAL => 'taken' });
dev_is('status: arrived in envelopes', ['status'], 0,
       qr/number 3\n +in envelopes, kept by a kernel without KHO\nrelease     25%: 1 MiB of 4 MiB in the envelopes have been given back$/m,
       undef, { KHO_FAKE_ARRIVAL => 'taken', KHO_FAKE_KIND => 2,
		KHO_FAKE_RELEASE => '1:1024:256' });
dev_is('status: released', ['status'], 0,
       qr/^release     done: 4 MiB in the envelopes have been given back$/m,
       undef, { KHO_FAKE_ARRIVAL => 'taken', KHO_FAKE_KIND => 2,
		KHO_FAKE_RELEASE => '2:1024:1024' });
dev_is('status: objects are given back', ['status'], 0,
       qr/^released    .*\nfreeing     12%: 512 KiB of 4 MiB of objects that were removed have been given back\n/m,
       undef, { KHO_FAKE_FREEING => '1024:128' });
dev_is('status: objects have been given back', ['status'], 0,
       qr/^freeing     done: 4 MiB of objects that were removed have been given back$/m,
       undef, { KHO_FAKE_FREEING => '1024:1024' });
dev_is('status: no object was large', ['status'], 0, qr/^(?!.*freeing)/s);
dev_is('status: an older module frees at once', ['status'], 0,
       qr/^(?!.*freeing)/s, undef,
       { KHO_FAKE_OLD => 1, KHO_FAKE_FREEING => '1024:128' });
dev_is('status: kept', ['status'], 4,
       qr/^release     none: the envelopes with 4 MiB stay reserved.*\n.*drop=1/m,
       undef, { KHO_FAKE_ARRIVAL => 'refused', KHO_FAKE_RELEASE => '3:1024:0' });
dev_is('status: arrived by the kernel', ['status'], 0,
       qr/^scratch     the kernel's own\nbackend     in-kernel KHO.*number 3\n +kept page by page by in-kernel KHO$/ms,
       undef, { KHO_FAKE_ARRIVAL => 'taken', KHO_FAKE_KIND => 3,
		KHO_FAKE_BACKEND => 'kernel' });
my %trees = (KHO_FAKE_SUBTREES =>
	     "kho-objects:1000:1000:1,LUO:2000:1800:2,x\e[2J:3000:8:0");
dev_is('status: subtrees', ['status'], 0,
       qr/^subtrees    LUO, 6 KiB, not the module's: carried on\n +x\\x1b\[2J, 8 B, not the module's$/m,
       undef, \%trees);
dev_is('status --json: the new fields', ['status', '--json'], 0,
       qr/"arrival_kind": "envelopes",\n  "backend": "module",\n  "release_state": "running",\n  "release_pages": 1024,\n  "release_done_pages": 256,\n  "freeing_pages": 1024,\n  "freeing_done_pages": 128,\n  "envelopes": 3,\n  "envelope_pages": 3072,\n  "ram_pages": 1048576,\n  "subtrees": \[\n    \{\n      "name": "LUO",/,
       undef, { %env3, %trees, KHO_FAKE_KIND => 2,
		KHO_FAKE_RELEASE => '1:1024:256',
		KHO_FAKE_FREEING => '1024:128' });
dev_is('status --json: numbers that are new to it', ['status', '--json'], 0,
       qr/"arrival_kind": "unknown",.*"release": "unknown"/s, undef,
       { KHO_FAKE_KIND => 9, KHO_FAKE_RELEASE => '9:1:1' });
dev_is('ls --subtrees', ['ls', '--subtrees'], 0,
       qr/\n\nSUBTREE       SIZE  ADDRESS  FLAGS\nkho-objects  4 KiB   0x1000  own\nLUO          6 KiB   0x2000  carried on\nx\\x1b\[2J +8 B   0x3000  -\n$/,
       undef, \%trees);
dev_is('ls --subtrees --json', ['ls', '--subtrees', '--json'], 0,
       qr/"subtrees": \[.*"name": "LUO",\n      "addr": 8192,\n      "bytes": 6144,\n      "own": false,\n      "carried": true\n/s,
       undef, \%trees);
dev_is('ls --subtrees: an older module', ['ls', '--subtrees'], 1, undef,
       qr/the module is older than khoctl/, { KHO_FAKE_OLD => 1 });

# ---- dump of the live system ----

spew("$dir/meta", scalar `$mkdump good 12`);
spew("$root/proc/iomem", "00000000-00000fff : Reserved\n" .
     "00001000-9fffffff : System RAM\n  01000000-01ffffff : Kernel code\n" .
     "100000000-1ffffffff : System RAM\n");
my @live = (KHO_FAKE_META => "$dir/meta", KHO_FAKE_SETUP => '0x1000000');
dev_is('dump: live', ['dump', '--save', "$dir/saved"], 0,
       qr/^source      \/dev\/kho, 26 pages.*^memory end  0x200000000\n.*^no problems\n/ms,
       undef, { @live });
is(length(slurp("$dir/saved")), length(slurp("$dir/meta")), 'dump: saved');
khoctl_is('dump: the saved file', ['dump', "$dir/saved"], 0, qr/no problems/,
	  undef);
dev_is('dump: it changes all the time', ['dump'], 1, undef,
       qr/changes faster than it can be read \(5 tries\)/,
       { @live, KHO_FAKE_CHANGING => 1 });
dev_is('dump: no setup node', ['dump'], 1, qr/there is no setup_data node/,
       undef, { @live, KHO_FAKE_SETUP => 0 });
spew("$root/proc/iomem", "00000000-00000000 : System RAM\n");
dev_is('dump: memory end not known', ['dump'], 0, qr/memory end  not known/,
       undef, { @live });

done_testing();
