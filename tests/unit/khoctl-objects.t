#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl with objects that have owners, user data, checksums and an age, on a fake
# device.
use strict;
use warnings;
use POSIX qw(SIGINT SIGKILL EPERM EACCES EBUSY EDQUOT ENOMEM EOPNOTSUPP);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();

# Numbers of commands, for KHO_FAKE_FAIL and KHO_FAKE_KILL
my %nr = (create => 71, open => 72, remove => 73, commit => 79, seal => 80,
	  resize => 81, set_data => 82, get_data => 83, set_owner => 84,
	  info => 85, verify => 86, list => 87);
my ($arrived, $busy, $claimed, $sealed, $uncommitted, $jump, $summed, $pinned) =
	map { 1 << $_ } 0 .. 7;

sub objects {
	return join(' ', map { s/.*\///r } sort glob("$dir/fake/objects/*"));
}

# object(name, content, flags, further members of info/): makes an object behind the
# device's back
sub object {
	my ($name, $content, $flags, %set) = @_;
	my %n = (uid => 0, gid => 0, mode => '600', generation => 1, idle => 0,
		 pmd => 0, pud => 0, %set);

	spew("$dir/fake/objects/$name", $content);
	spew("$dir/fake/info/$name",
	     sprintf("%x %s\n", $flags,
		     join(' ', @n{qw(uid gid mode generation idle pmd pud)})));
	spew("$dir/fake/sums/$name", $content) if $flags & $summed;
	return;
}

sub info {
	my ($name) = @_;

	return slurp("$dir/fake/info/$name");
}

sub clear {
	unlink(glob("$dir/fake/{objects,uncommitted,info,data,sums}/*"));
	return;
}

# ---- put: options, and what is left if it ends early ----

my $data = join('', map { pack('N', $_) } 1 .. 5000);
spew("$dir/data", $data);
spew("$dir/blob", 'state of the agent');
spew("$dir/huge", 'h' x (4 << 20));
my @all = ('put', '--sum', '--seal', '--node', '1', '--data', "$dir/blob",
	   '--owner', '1000:100', '--mode', '0640');
dev_is('put: with everything', [@all, 'all', "$dir/data"], 0, undef, undef);
ok(slurp("$dir/fake/objects/all") eq $data, 'its content');
is(slurp("$dir/fake/data/all"), 'state of the agent', 'its user data');
is(info('all'), sprintf("%x 1000 100 640 0 0 0 0\n",
			$claimed | $sealed | $jump | $summed),
   'its owner and its flags');
is(slurp("$dir/fake/sums/all"), $data, 'the checksum is of all of it');
dev_is('put: names of user and group', ['put', '--owner', 'root:root', 'names',
       "$dir/data"], 0, undef, undef);
like(info('names'), qr/^\w+ 0 0 600 /, 'they are numbers now');
dev_is('put: only a group', ['put', '--owner', ':7', 'group', "$dir/data"], 0,
       undef, undef);
like(info('group'), qr/^\w+ 0 7 600 /, 'the user is as it was');
dev_is('put: only a mode', ['put', '--mode', '66', 'mode', "$dir/data"], 0,
       undef, undef);
like(info('mode'), qr/^\w+ 0 0 66 /, 'the owner is as it was');
dev_is('put: huge', ['put', '--huge', 'huge', "$dir/huge"], 0, undef, undef);
dev_is('put: not as huge', ['put', '--huge', 'x', "$dir/data"], 1, undef,
       qr/\/data: has 20000 bytes, but with --huge it has to be a multiple of 2 MiB$/);
dev_is('put: no such node', ['put', '--node', '7', 'x', "$dir/data"], 1, undef,
       qr/^khoctl put: x: the module refuses this name, a size of 19\.5 KiB, or the node$/);
dev_is('put: no memory on the node', ['put', '--node', '1', '--huge', 'x',
       "$dir/huge"], 1, undef,
       qr/x: not enough memory for 4 MiB of huge pages on that node$/,
       { KHO_FAKE_FAIL => "$nr{create}:" . ENOMEM });
dev_is('put: user data from stdin', ['put', '--data', '-', 'in', "$dir/data"],
       0, undef, undef, { STDIN => "$dir/blob" });
is(slurp("$dir/fake/data/in"), 'state of the agent', 'it is there');
dev_is('put: user data, no such file', ['put', '--data', "$dir/none", 'x',
       "$dir/data"], 1, undef, qr/none: No such file/);
spew("$dir/toobig", 'x' x 65537);
dev_is('put: too much user data', ['put', '--data', "$dir/toobig", 'x',
       "$dir/data"], 1, undef,
       qr/toobig: has more than 64 KiB, the maximum of user data$/);
dev_is('put: the limit', ['put', 'x', "$dir/data"], 1, undef,
       qr/x: more memory than your RLIMIT_MEMLOCK allows/,
       { KHO_FAKE_FAIL => "$nr{create}:" . EDQUOT });
dev_is('put: of an older module', ['put', 'x', "$dir/data"], 1, undef,
       qr/\/dev\/kho: the module is older than khoctl: it has no owners/,
       { KHO_FAKE_NO_AGENTS => 1 });

my $before = objects();
for my $step (qw(create set_data seal set_owner commit)) {
	my $message = { create => qr/x: permission denied/,
			set_data => qr/x: user data: permission denied/,
			seal => qr/x: cannot seal: permission denied/,
			set_owner => qr/x: permission denied/,
			commit => qr/x: cannot commit: permission denied/ };

	dev_is("put: fails at $step", [@all, 'x', "$dir/data"], 1, undef,
	       $message->{$step}, { KHO_FAKE_FAIL => "$nr{$step}:" . EACCES });
	is(scalar(grep { -e } glob("$dir/fake/{objects,uncommitted,info,data,sums}/x")),
	   0, 'nothing of it is left');
	dev_is("put: killed at $step", [@all, 'x', "$dir/data"], 128 + SIGKILL,
	       undef, undef, { KHO_FAKE_KILL => $nr{$step} });
	is(objects(), $before, 'no object that stays');
	unlink(glob("$dir/fake/{uncommitted,info,data,sums}/x"));
}
dev_is('put: interrupted', [@all, 'x', "$dir/data"], 128 + SIGINT, undef,
       qr/interrupted/, { KHO_FAKE_ON_CREATE => 'signal' });
is(objects(), $before, 'no object that stays');
dev_is('put: may not give it away', [@all, 'x', "$dir/data"], 1, undef,
       qr/x: not permitted: .* only root may give it/, { KHO_FAKE_USER => 1 });
is(objects(), $before, 'no object that stays');

# ---- getdata, setdata ----

dev_is('getdata', ['getdata', 'all'], 0, qr/^state of the agent$/, undef);
dev_is('getdata: to a file', ['getdata', 'all', "$dir/out"], 0, undef, undef);
is(slurp("$dir/out"), 'state of the agent', 'the same');
is((stat("$dir/out"))[2] & 0777, 0600, 'which is private');
dev_is('getdata: none', ['getdata', 'huge'], 0, undef, undef);
dev_is('setdata: a file', ['setdata', 'huge', "$dir/blob"], 0, undef, undef);
is(slurp("$dir/fake/data/huge"), 'state of the agent', 'setdata: the bytes');
spew("$dir/full", "\0\xff" x 32768);
dev_is('setdata: 64 KiB from stdin', ['setdata', 'huge'], 0, undef, undef,
       { STDIN => "$dir/full" });
dev_is('getdata: 64 KiB', ['getdata', 'huge', '-'], 0, qr/^\0\xff/, undef);
ok(slurp("$dir/stdout") eq "\0\xff" x 32768, 'getdata: all of it');
dev_is('setdata: too much', ['setdata', 'huge', "$dir/toobig"], 1, undef,
       qr/toobig: has more than 64 KiB/);
ok(slurp("$dir/fake/data/huge") eq "\0\xff" x 32768, 'it is as it was');
dev_is('setdata: nothing', ['setdata', 'huge', '-'], 0, undef, undef);
dev_is('getdata: nothing', ['getdata', 'huge'], 0, undef, undef);
dev_is('setdata: sealed', ['setdata', 'all', "$dir/blob"], 1, undef,
       qr/all: it is read-only: it is sealed, or/);
dev_is("$_: no such object", [$_, 'none'], 1, undef,
       qr/none: no such object, or none that you may see/)
	for qw(getdata setdata seal);

# ---- resize, own, seal ----

for (['1', 1], ['3K', 3072], ['5KiB', 5120], ['2M', 2 << 20], ['0x100', 256],
     ['100', 100]) {
	my ($size, $bytes) = @$_;

	dev_is("resize: $size", ['resize', 'mode', $size], 0, undef, undef);
	is(-s "$dir/fake/objects/mode", $bytes, "it has $bytes bytes");
}
dev_is('resize: no memory', ['resize', 'mode', '1T'], 1, undef,
       qr/mode: not enough memory for 1 TiB$/);
object('pinned', 'p' x 4096, $pinned | $claimed);
dev_is('resize: pinned', ['resize', 'pinned', '8K'], 1, undef,
       qr/pinned: is memory of a process, which has a fixed size$/);
object('hugepages', 'p' x (2 << 20), $claimed, pmd => 1);
dev_is('resize: a step of huge pages', ['resize', 'hugepages', '3M'], 1, undef,
       qr/hugepages: can't have a size of 3145728 bytes: .* no multiple of 2 MiB$/);
dev_is('resize: huge pages', ['resize', 'hugepages', '4M'], 0, undef, undef);
dev_is('resize: sealed', ['resize', 'all', '1'], 1, undef,
       qr/all: is sealed, or its mode lets you only read it$/);

dev_is('own: both', ['own', '--owner', '5:6', '--mode', '0604', 'mode'], 0,
       undef, undef);
like(info('mode'), qr/^\w+ 5 6 604 /, 'own: owner and mode');
dev_is('own: what is sealed', ['own', '--mode', '444', 'all'], 0, undef, undef);
like(info('all'), qr/^\w+ 1000 100 444 /, 'own: only the mode');
like(info('all'), qr/^@{[sprintf('%x', $claimed | $sealed | $jump | $summed)]} /,
     'its checksum is still good');
dev_is('own: not permitted', ['own', '--owner', '1', 'mode'], 1, undef,
       qr/mode: not permitted: it is somebody else's, or only root may give it/,
       { KHO_FAKE_USER => 1 });
dev_is('own: may not even read it', ['own', '--mode', '600', 'mode'], 1, undef,
       qr/mode: permission denied: its mode does not let you read it, so only root/,
       { KHO_FAKE_FAIL => "$nr{open}:" . EACCES });

dev_is('seal', ['seal', 'mode'], 0, undef, undef);
like(info('mode'), qr/^@{[sprintf('%x', $claimed | $sealed)]} /, 'it is sealed');
dev_is('seal: again', ['seal', 'mode'], 1, undef,
       qr/mode: not permitted: it is somebody else's, or sealed already$/);
dev_is('seal: with a checksum', ['seal', '--sum', 'names'], 0, undef, undef);
is(slurp("$dir/fake/sums/names"), $data, 'it is taken');
dev_is('seal: mapped', ['seal', 'group'], 1, undef,
       qr/group: is mapped for writing by a process, or in use by direct I\/O$/,
       { KHO_FAKE_FAIL => "$nr{seal}:" . EBUSY });

# The old name still works, and warns that it is deprecated.
my $freeze = qr/^khoctl freeze: warning: this spelling is deprecated: use 'khoctl seal'\n/;
object('old', $data, $claimed);
dev_is('freeze', ['freeze', '--sum', 'old'], 0, undef, qr/$freeze\z/);
like(info('old'), qr/^@{[sprintf('%x', $claimed | $sealed | $summed)]} /,
     'it is sealed');
is(slurp("$dir/fake/sums/old"), $data, 'its checksum is taken');
dev_is('freeze: again', ['freeze', 'old'], 1, undef,
       qr/${freeze}khoctl freeze: old: not permitted: .* sealed already\n\z/);

# ---- rm ----

dev_is('rm: not permitted', ['rm', 'mode'], 1, undef,
       qr/mode: not permitted: it is somebody else's, or the kernel is locked down$/,
       { KHO_FAKE_FAIL => "$nr{remove}:" . EPERM });
dev_is('rm: with all that belongs to it', ['rm', 'all'], 0, undef, undef);
is(scalar(() = glob("$dir/fake/*/all")), 0, 'nothing is left');

# ---- ls ----

clear();
object('a', 'x', $arrived, uid => 4000000, gid => 4000001);
object('b', 'x' x 3000, $arrived | $claimed | $sealed | $summed,
       generation => 12, mode => 640);
object('c', 'x', $claimed | $pinned | $jump);
object('d', 'x', $arrived | $claimed);
spew("$dir/fake/data/d", '12345');
my $ls = dev_is('ls: states', ['ls'], 0, qr/^NAME/, undef,
		{ KHO_FAKE_BUSY => 'd' });
is($ls, <<'END', 'ls: the table');
NAME     SIZE  OWNER            GEN  FROM        STATE
a         1 B  4000000:4000001    1  6.1.0-fake  arrived
b     2.9 KiB  root:root         12  6.1.0-fake  claimed,sealed,summed
c         1 B  root:root          1  6.1.0-fake  new,pinned
d         1 B  root:root          1  6.1.0-fake  claimed,open
END
object('large', '', $claimed, pmd => 3, pud => 1, idle => 4);
truncate("$dir/fake/objects/large", (1 << 30) + (7 << 20));
object('lies', 'x', $claimed, pmd => 4, pud => '18446744073709551615');
$ls = dev_is('ls -l', ['ls', '-l'], 0, qr/^NAME/, undef);
my ($head) = $ls =~ /^(.*)$/m;
is(join(' ', split(' ', $head)),
   'NAME SIZE OWNER GEN FROM STATE MODE 4KiB 2MiB 1GiB EXTENTS DATA CREATED COMM IDLE',
   'ls -l: columns');
like($ls, qr/^b .* 0640 +1 +0 +0 +1 +0 +2023-11-14 22:13:20 +agent +0$/m,
     'ls -l: small pages');
like($ls, qr/^d .* 0600 +1 +0 +0 +1 +5 +2023/m, 'ls -l: user data');
like($ls, qr/^large +1 GiB .* 0600 +256 +3 +1 +1 +0 .* agent +4$/m,
     'ls -l: pages by size');
like($ls, qr/^lies .* 0600 +0 +4 +18446744073709551615 /m,
     'ls -l: pages that cannot be');
dev_is('ls --json', ['ls', '--json'], 0,
       qr/"name": "b",\n      "bytes": 3000,.*?"claimed": true,\n      "sealed": true,\n      "uncommitted": false,\n      "pinned": false,\n      "sum_at_jump": false,\n      "summed": true,\n      "pmd_pages": 0,\n      "pud_pages": 0,\n      "idle": 0,\n      "uid": 0,\n      "gid": 0,\n      "mode": "0640",\n      "data_bytes": 0,\n      "poisoned_pages": 0,\n      "comm": "agent",\n      "release": "6\.1\.0-fake",\n      "busy": false\n/s,
       undef);
dev_is('ls: an older module', ['ls'], 1, undef,
       qr/the module is older than khoctl: it has no owners/,
       { KHO_FAKE_NO_AGENTS => 1 });
dev_is('ls: without CAP_SYS_ADMIN', ['ls'], 0, qr/^a +1 B/m, undef,
       { KHO_FAKE_USER => 1 });
dev_is('ls --pages: without CAP_SYS_ADMIN', ['ls', '--pages'], 1, undef,
       qr/\/dev\/kho: not permitted: this needs CAP_SYS_ADMIN/,
       { KHO_FAKE_USER => 1 });
dev_is('ls: what can not be', ['ls'], 1, undef,
       qr/the module returned impossible values/, { KHO_FAKE_LIES => 1 });
dev_is('status: without CAP_SYS_ADMIN', ['status'], 0,
       qr/^scratch     256 MiB\n.*^addresses   only for callers with CAP_SYS_ADMIN$/ms,
       undef, { KHO_FAKE_USER => 1 });

# ---- verify ----

clear();
dev_is('verify: nothing to do', ['verify'], 0, qr/^no object has a checksum\n$/,
       undef);
object('good', 'g' x (4096 * 250 + 7), $arrived | $summed);
object('bad', 'b' x (4096 * 300), $arrived | $summed | $sealed);
object('written', 'w' x 4096, $arrived | $jump);
object('plain', 'p' x 4096, $arrived);
object('later', 'l' x 4096, $claimed | $jump);
dev_is('verify: by name', ['verify', 'good'], 0, qr/^good: ok, 251 pages\n$/,
       undef);
dev_is('verify: all are good', ['verify', 'good', 'bad'], 0,
       qr/^good: ok, 251 pages\nbad: ok, 300 pages\n$/, undef);
my $bytes = slurp("$dir/fake/objects/bad");
substr($bytes, 4096 * $_ + 5, 1) = 'X' for 150, 151, 299;
spew("$dir/fake/objects/bad", $bytes);
dev_is('verify: bad', ['verify', 'bad'], 1,
       qr/^bad: BAD: 3 of 300 pages differ, the first is number 150, at offset 0x96000\n$/,
       undef);
dev_is('verify: all that have a checksum', ['verify'], 1,
       qr/^bad: BAD: .*\ngood: ok, 251 pages\nlater: not verifiable yet: it gets its checksum at the jump\nwritten: not verifiable: it has no checksum, or was opened for writing since the checksum was taken\n$/,
       undef);
unlink("$dir/fake/objects/bad");
dev_is('verify: what was written to is no failure', ['verify'], 0,
       qr/^good: ok.*\nlater: not verifiable yet: .*\nwritten: not verifiable/,
       undef);
dev_is('verify: unless it is named', ['verify', 'written'], 1,
       qr/^written: not verifiable: /, undef);
dev_is('verify: nor is what has none yet', ['verify', 'later'], 1,
       qr/^later: not verifiable yet: it gets its checksum at the jump\n$/, undef);
dev_is('verify: one without a checksum', ['verify', 'plain'], 1,
       qr/^plain: not verifiable: it has no checksum/, undef);
dev_is('verify: no such object, and another', ['verify', 'none', 'good'], 1,
       qr/^good: ok, 251 pages\n$/, qr/^khoctl verify: none: no such object/);
like(info('good'), qr/^@{[sprintf('%x', $arrived | $claimed | $summed)]} /,
     'verify: a checksum is not lost by it');
dev_is('verify --json', ['verify', '--json', 'good', 'written', 'none'], 1,
       qr/"name": "good",\n      "result": "ok",\n      "pages": 251,\n      "bad_pages": 0,\n.*"result": "unverifiable",.*"why": ".*"result": "error",.*"ok": false/s,
       undef);
object('bad', 'b' x 8192, $arrived | $summed);
spew("$dir/fake/objects/bad", 'b' x 8191 . 'c');
dev_is('verify --json: bad', ['verify', '--json'], 1,
       qr/"name": "bad",\n      "result": "bad",\n      "pages": 2,\n      "bad_pages": 1,\n      "first_bad": 1,\n      "first_bad_offset": 4096,\n.*"ok": false/s,
       undef);
{
	my $poisoned = { KHO_FAKE_POISONED => 'good:120:3' };

	dev_is('verify: poisoned', ['verify', 'good'], 1,
	       qr/^good: POISONED: 3 of 251 pages lost, the first is number 120, at offset 0x78000\n$/,
	       undef, $poisoned);
	dev_is('verify --json: poisoned', ['verify', '--json', 'good'], 1,
	       qr/"result": "poisoned",\n      "pages": 251,\n      "bad_pages": 0,\n      "poisoned_pages": 3,\n      "first_poisoned": 120,\n      "first_poisoned_offset": 491520,\n.*"ok": false/s,
	       undef, $poisoned);
	dev_is('verify: bad and poisoned', ['verify', 'bad'], 1,
	       qr/^bad: BAD: 1 of 2 pages differ, .*\nbad: POISONED: 1 of 2 pages lost, the first is number 0, at offset 0x0\n$/,
	       undef, { KHO_FAKE_POISONED => 'bad:0:1' });
	dev_is('verify: poisoned, without a checksum, is found', ['verify'], 1,
	       qr/^plain: POISONED: 1 of 1 page lost; the rest is not verifiable: it has no checksum/m,
	       undef, { KHO_FAKE_POISONED => 'plain:0:1' });
	dev_is('ls: poisoned', ['ls'], 0, qr/^good .* claimed,summed,poisoned$/m,
	       undef, $poisoned);
	dev_is('ls --json: poisoned', ['ls', '--json'], 0,
	       qr/"name": "good",.*?"poisoned_pages": 3\b/s, undef, $poisoned);
}
dev_is('verify: what can not be', ['verify', 'good'], 1, undef,
       qr/good: the module returned impossible values/, { KHO_FAKE_LIES => 1 });
dev_is("$_->[0]: no xxHash", $_->[1], 1, undef,
       qr/this kernel has no checksums: it was built without CONFIG_XXHASH$/,
       { KHO_FAKE_FAIL => "$nr{$_->[2]}:" . EOPNOTSUPP })
	for (['verify', ['verify', 'good'], 'verify'],
	     ['put --sum', ['put', '--sum', 'x', "$dir/data"], 'create'],
	     ['put --seal', ['put', '--seal', 'x', "$dir/data"], 'seal'],
	     ['seal --sum', ['seal', '--sum', 'plain'], 'seal']);
dev_is('verify: not readable', ['verify', 'good'], 1, undef,
       qr/good: permission denied: its mode/,
       { KHO_FAKE_FAIL => "$nr{open}:" . EACCES });

# ---- prune ----

clear();
dev_is('prune: nothing', ['prune', '--idle', '1'], 0, qr/^nothing to remove\n$/,
       undef);
object("idle$_", 'x' x 5000, $arrived, idle => $_) for 0 .. 3;
dev_is('prune: dry run', ['prune', '--idle', '2', '--dry-run'], 0,
       qr/^would remove idle2, 4\.8 KiB, not opened for 2 handovers\nwould remove idle3, .*\n$/,
       undef);
is(objects(), 'idle0 idle1 idle2 idle3', 'prune: nothing is removed');
dev_is('prune --json: dry run', ['prune', '--idle', '3', '--dry-run', '--json'],
       0, qr/"name": "idle3",\n      "bytes": 5000,\n      "idle": 3,\n      "removed": false\n/,
       undef);
dev_is('prune: what is open stays', ['prune', '--idle', '3'], 0,
       qr/^nothing to remove\n$/, undef, { KHO_FAKE_BUSY => 'idle3' });
dev_is('prune: not permitted', ['prune', '--idle', '3'], 1, undef,
       qr/^khoctl prune: idle3: not permitted: it is somebody else's/,
       { KHO_FAKE_FAIL => "$nr{remove}:" . EPERM });
dev_is('prune', ['prune', '--idle', '2'], 0,
       qr/^removed idle2, 4\.8 KiB, not opened for 2 handovers\nremoved idle3, /,
       undef);
is(objects(), 'idle0 idle1', 'prune: the old ones are gone');
dev_is('prune --json', ['prune', '--idle', '1', '--json'], 0,
       qr/"name": "idle1",.*"removed": true\n/s, undef);
object("x\e[2J", 'x', $arrived, idle => 9);
dev_is('prune: a hostile name', ['prune', '--idle', '9'], 0,
       qr/^removed x\\x1b\[2J, 1 B, not opened for 9 handovers\n$/, undef);
is(objects(), 'idle0', 'it is gone');

# ---- rm ----

clear();
object($_, 'x' x 5000, $arrived) for qw(mine other used);
object('other', 'x', $arrived, uid => 4711);
my %busy = (KHO_FAKE_BUSY => 'used');
dev_is('rm --dry-run', ['rm', '--dry-run', 'mine', 'other'], 0,
       qr/^would remove mine, 4\.8 KiB\nwould remove other, 1 B\n$/, undef);
dev_is('rm --dry-run: what would fail', ['rm', '--dry-run', 'none', 'used', 'mine'],
       1, qr/^would remove mine, /,
       qr/^khoctl rm: none: no such object.*\nkhoctl rm: used: is open or mapped/,
       \%busy);
dev_is('rm --dry-run --json', ['rm', '--dry-run', '--json', 'mine', 'used'], 1,
       qr/"name": "mine",\n      "bytes": 5000,\n      "removed": false\n.*"name": "used",.*"why": "is open/s,
       qr/used: is open or mapped/, \%busy);
is(objects(), 'mine other used', 'rm --dry-run: nothing is removed');
dev_is('rm --json', ['rm', '--json', 'none', 'mine'], 1,
       qr/"name": "none",\n      "removed": false,\n      "why": .*"name": "mine",\n      "removed": true\n/s,
       qr/none: no such object/);
is(objects(), 'other used', 'rm: it is gone');
clear();

# ---- get ----

object('secret', 'content', $arrived | $summed, idle => 2);
dev_is('get', ['get', 'secret'], 0, qr/^content$/, undef);
like(info('secret'), qr/^@{[sprintf('%x', $arrived | $claimed | $summed)]} 0 0 600 1 0 /,
     'get: opens it for reading');

done_testing();
