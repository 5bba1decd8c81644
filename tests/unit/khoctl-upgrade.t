#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl upgrade, with a made-up device and made-up modules.
use strict;
use warnings;
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
my $mod = build("$dir/fakemod.so", '-shared -fPIC', 'tests/unit/khoctl-fakemod.c', '-ldl');
my $uname = '6.9-test';
spew("$root/proc/sys/kernel/osrelease", "$uname\n");
system('mkdir', '-p', "$root/var/lib");

# module_file(PATH, srcversion, "key=value"...): makes a file of the module
sub module_file {
	my ($path, $src, @more) = @_;

	system('mkdir', '-p', $path =~ s/\/[^\/]*$//r);
	return spew($path, join("\0", "\177ELF", 'name=kho', "version=$src.0", "shown=$src.0",
				"srcversion=$src", 'vermagic=good', 'kho_left=1', @more, ''));
}

sub running {
	my ($src) = @_;

	mkdir "$root/sys/module/kho";
	mkdir "$root/sys/module/kho/parameters";
	spew("$root/sys/module/kho/srcversion", "$src\n");
	spew("$root/sys/module/kho/version", "$src.0\n");
	spew("$root/sys/module/kho/parameters/abi", "3\n");
	spew("$root/sys/module/kho/parameters/max_idle", "7\n");
	unlink "$dir/fake/calls";
}

sub now {
	return (slurp("$root/sys/module/kho/srcversion") // 'none') =~ s/\n//r;
}

sub calls {
	return (slurp("$dir/fake/calls") // '') =~ s/\n/,/gr;
}

sub up {
	my ($name, $args, $status, $out, $err, $env) = @_;

	return dev_is($name, ['upgrade', @$args], $status, $out, $err,
		      { LD_PRELOAD => "$mod $fake", %{$env // {}} });
}

my $old = module_file("$dir/old.ko", 'AAA');
my $new = module_file("$dir/new.ko", 'BBB');
spew("$dir/data", 'x' x 10000);
dev_is('put', ['put', 'one', "$dir/data"], 0, undef, undef);

running('AAA');
up('replaced', ['--to', $new, '--old', $old], 0, qr/^replaced: AAA\.0 -> BBB\.0 /, undef);
is(now(), 'BBB', 'the new one runs');
is(calls(), 'state ask,state leave,unload kho,load BBB (abi=3 max_idle=7),',
   'by these steps, with the same parameters');
running('BBB');
up('already running', ['--to', $new], 0, qr/^already running: /, undef);
is(calls(), '', 'nothing was done');
up('--force', ['--to', $new, '--force'], 0, qr/^replaced: BBB\.0 -> BBB\.0/, undef);
unlink "$root/var/lib/kho/$uname/kho.ko";
up('no way back', ['--to', $new, '--force'], 1, undef, qr/is nowhere: give --old FILE/);
up('--no-rollback', ['--to', $new, '--force', '--no-rollback'], 0, qr/^replaced/, undef);

running('AAA');
up('--dry-run', ['--to', $new, '--old', $old, '--dry-run'], 0, qr/^would be replaced/, undef);
is(calls(), '', 'nothing was done');
up('--json', ['--to', $new, '--old', $old, '--dry-run', '--json'], 0,
   qr/"result": "would be replaced".*"srcversion": "AAA".*"srcversion": "BBB"/s, undef);

module_file("$dir/bad.ko", 'CCC', 'fails=1');
up('it fails when it is loaded', ['--to', "$dir/bad.ko", '--old', $old], 1, undef,
   qr/bad\.ko: could not be loaded: Invalid argument.*version AAA\.0 is loaded again/s);
is(now(), 'AAA', 'the old one runs');
like(calls(), qr/unload kho,load CCC \(.*\),load AAA \(/, 'by these steps');
module_file("$dir/bad2.ko", 'DDD', 'fails=1');
running('AAA');
up('so does the old one', ['--to', "$dir/bad.ko", '--old', "$dir/bad2.ko"], 1, undef,
   qr/is not the running module.*no kho\.ko is loaded now\. What was preserved is still in place/s);
up('then one can be loaded', ['--to', $new], 0, qr/^loaded: BBB/, undef);
is(now(), 'BBB', 'it runs');

running('AAA');
spew("$dir/magic.ko", slurp($new) =~ s/vermagic=good/vermagic=bad/r);
up('for another kernel', ['--to', "$dir/magic.ko", '--old', $old], 1, undef,
   qr/would not load it: it was built for 'bad'/);
spew("$dir/ancient.ko", slurp($new) =~ s/kho_left=1\0//r);
up('too old', ['--to', "$dir/ancient.ko", '--old', $old], 1, undef,
   qr/version BBB\.0 can't take over/);
spew("$dir/other.ko", slurp($new) =~ s/name=kho\0/name=ext4\0/r);
up('another module', ['--to', "$dir/other.ko", '--old', $old], 1, undef, qr/is not kho\.ko: its name is 'ext4'/);
up('no such file', ['--to', "$dir/none.ko", '--old', $old], 1, undef, qr/No such file/);
up('none installed', [], 1, undef, qr/no kho\.ko is installed/);
# Of several that are installed, it takes the one that modprobe would take.
for my $where (qw(extra updates/dkms)) {
	module_file("$root/lib/modules/$uname/$_/kho.ko", 'BBB') for qw(extra updates/dkms);
	module_file("$root/lib/modules/$uname/$where/kho.ko.dpkg-new", 'CCC');
	spew("$root/lib/modules/$uname/modules.dep",
	     "$where/kho.ko.dpkg-new:\nkernel/x.ko: kernel/kho.ko\n$where/kho.ko:\n");
	up("installed: $where", ['--old', $old, '--dry-run'], 0,
	   qr/^would be replaced: .* \(\S+\/$uname\/$where\/kho\.ko\)$/, undef);
	unlink("$root/lib/modules/$uname/$where/kho.ko");
	up("it is not there: $where", ['--old', $old, '--dry-run'], 0,
	   qr/^would be replaced: .* \(\S+\/kho\.ko\)$/, undef);
}
system("rm -r $root/lib/modules/$uname");
unlink("$dir/fake/calls");
up('a module that can not leave', ['--to', $new, '--old', $old], 1, undef,
   qr/version AAA\.0\) is too old to leave/, { KHO_FAKE_NO_UPGRADE => 1 });
up('in-kernel KHO', ['--to', $new, '--old', $old], 1, undef, qr/in-kernel KHO/,
   { KHO_FAKE_NO_UPGRADE => 1, KHO_FAKE_BACKEND => 'kernel' });
is(now(), 'AAA', 'the old one runs after all that');
is(calls(), '', 'and was not touched');

# Others: this process has what looks like an object's file.
mkdir "$root/proc/77";
mkdir "$root/proc/77/fd";
symlink '/dev/kho', "$root/proc/77/fd/3";
spew("$root/proc/77/comm", "agent\n");
mkdir "$root/proc/78";
spew("$root/proc/78/maps", "7f00-7f01 rw-s 00000000 00:0f 12 /kho:vm\e1 (deleted)\n");
spew("$root/proc/78/comm", "qemu\n");
mkdir "$root/sys/module/kho/holders";
mkdir "$root/sys/module/kho/holders/kho_client";
spew("$dir/others", "1000\n");
up('others', ['--to', $new, '--old', $old, '--wait', '0'], 1, undef,
   qr/agent \(pid 77\) has \/dev\/kho open\n.*qemu \(pid 78\) has kho:vm\\e1|qemu \(pid 78\) has kho:vm[^\e]*1 mapped.*kernel module kho_client/s,
   { KHO_FAKE_OTHERS => "$dir/others" });
is(now(), 'AAA', 'the old one runs');
is(calls(), 'state leave,', 'nobody was asked');
spew("$dir/others", "3\n");
up('they make way', ['--to', $new, '--old', $old, '--wait', '20'], 0, qr/^replaced/,
   qr/asks and waits for others, for at most 20 seconds:\n.*agent \(pid 77\)/,
   { KHO_FAKE_OTHERS => "$dir/others" });
is(now(), 'BBB', 'the new one runs');

running('AAA');
up('an object is lost', ['--to', $new, '--old', $old], 1, undef,
   qr/there were 1 objects, and now there are 0/, { KHO_FAKE_LOSES => 1 });

# Which file is that of the running module?
module_file("$root/lib/modules/$uname/updates/dkms/kho.ko", 'BBB');
module_file("$root/var/lib/dkms/kho/0.1/$uname/x86_64/module/kho.ko", 'AAA');
running('AAA');
up('the installed one; dkms has the old one', [], 0, qr/^replaced: AAA\.0 -> BBB\.0/, undef);
ok(-e "$root/var/lib/kho/$uname/kho.ko", 'what runs now is kept');
running('BBB');
module_file("$root/lib/modules/$uname/updates/dkms/kho.ko", 'EEE');
up('what was kept is the way back', [], 0, qr/^replaced: BBB\.0 -> EEE\.0/, undef);
running('EEE');
unlink "$root/var/lib/kho/$uname/kho.ko";
up('--save', ['--save'], 0, undef, undef);
like(slurp("$root/var/lib/kho/$uname/kho.ko"), qr/srcversion=EEE/, 'keeps the running one');

up('usage: --wait', ['--wait', 'x'], 2, undef, qr/is not a number of seconds/);
up('usage: an argument', ['x'], 2, undef, qr/too many arguments/);
done_testing();
