#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl settle: what the kernel sized by little memory, with made-up /proc files.
use strict;
use warnings;
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
make_device();
loaded(0);
mkdir("$root/$_") for qw(proc/1 proc/self proc/sys/fs proc/sys/fs/inotify proc/sys/fs/epoll
	proc/sys/fs/fanotify proc/sys/vm proc/sys/net proc/sys/net/ipv4 proc/sys/net/netfilter
	proc/sys/user etc etc/sysctl.d usr usr/lib usr/lib/sysctl.d sys/kernel/mm
	sys/kernel/mm/transparent_hugepage);

# 512 MiB at boot, 16 GiB now.  The values are those that a kernel has there.
my $boot = 131072;
my $now = 4194304;
my $arrived = { KHO_FAKE_ARRIVAL => 'taken', KHO_FAKE_KIND => 2 };
my %sysctls = (
	'kernel.threads-max' => 3700,
	'fs.file-max' => 45000,
	'vm.user_reserve_kbytes' => 14000,
	'vm.admin_reserve_kbytes' => 8192,
	'vm.min_free_kbytes' => 2850,
	'vm.lowmem_reserve_ratio' => '256 256 32 0 0',
	'fs.inotify.max_user_watches' => 8192,
	'fs.fanotify.max_user_marks' => 8192,
	'fs.epoll.max_user_watches' => int($boot / 25) * 4096 / 184,
	'net.ipv4.tcp_mem' => "5760\t7680\t11520",
	'net.ipv4.udp_mem' => "11520\t15360\t23040",
	'net.ipv4.tcp_rmem' => "4096\t131072\t3932160",
	'net.ipv4.tcp_wmem' => "4096\t16384\t3932160",
	'net.netfilter.nf_conntrack_buckets' => 4096,
	'net.netfilter.nf_conntrack_max' => 4096,
	'user.max_user_namespaces' => 1850,
	'user.max_net_namespaces' => 0,
);

sub path {
	return "$root/proc/sys/" . $_[0] =~ s/\./\//gr;
}

sub sysctl {
	my ($name) = @_;

	return slurp(path($name)) =~ s/\n$//r;
}

sub fresh {
	my (%more) = @_;
	my %all = (%sysctls, %more);

	$all{'fs.epoll.max_user_watches'} = int($all{'fs.epoll.max_user_watches'});
	spew(path($_), "$all{$_}\n") for keys %all;
	spew("$root/proc/meminfo", 'MemTotal:       ' . 4 * $now . " kB\nMemFree: 1 kB\n");
	system("rm -rf $root/run/kho");
	return;
}

fresh();
spew("$root/proc/1/limits", <<'EOT');
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max processes             1850                 1850                 processes
Max pending signals       1850                 1850                 signals
EOT
spew("$root/proc/self/mountinfo", <<'EOT');
22 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw
25 1 0:23 / /run rw,nosuid shared:6 - tmpfs tmpfs rw,size=107000k,mode=755
26 1 0:24 / /dev/shm rw,nosuid shared:7 - tmpfs tmpfs rw,size=268000k
27 1 0:25 / /run/lock rw,nosuid shared:8 - tmpfs tmpfs rw,size=5120k
28 1 0:26 / /tmp rw - tmpfs tmpfs rw,size=100000k
29 1 0:27 / /run/user/1000 rw - tmpfs tmpfs rw,size=53500k,mode=700,uid=1000
30 1 0:28 / /srv/x rw - tmpfs tmpfs rw,size=268000k
31 1 0:29 / /full rw - tmpfs tmpfs rw
EOT
spew("$root/dev/kmsg", "6,10,0,-;Linux version 6.1\n6,90,0,-;Dentry cache hash table entries: " .
     "65536 (order: 7, 524288 bytes, linear)\n6,91,0,-;futex hash table entries: 512 (order: 3)\n");

# ---- Nothing to do ----

dev_is('nothing arrived', ['settle'], 0, qr/^nothing to do/, undef);
is(sysctl('kernel.threads-max'), 3700, 'and nothing is changed');
$now = 140000;
fresh();
dev_is('hardly more memory', ['settle'], 0, qr/^nothing to do/, undef, $arrived);
is(sysctl('kernel.threads-max'), 3700, 'and nothing is changed');
dev_is('status: hardly more', ['status'], 0, qr/^(?!.*sized)/s, undef, $arrived);

# ---- What is small ----

$now = 4194304;
fresh();
my $out = dev_is('dry run', ['settle', '--dry-run'], 0,
		 qr/^RAM     511\.\d MiB at boot, 16 GiB now\n/, undef, $arrived);
is(sysctl('kernel.threads-max'), 3700, 'it changes nothing');
ok(!-e "$root/run/kho", 'and writes nothing');
for (['kernel.threads-max: 3700 -> 1306\d\d'], ['fs.file-max: 45000 -> 16703\d\d'],
     ['vm.user_reserve_kbytes: 14000 -> 131072'],
     ['vm.min_free_kbytes: 2850 -> 16384'],
     ['fs.inotify.max_user_watches: 8192 -> 1309\d\d'],
     ['fs.fanotify.max_user_marks: 8192 -> 1394\d\d'],
     ['fs.epoll.max_user_watches: 116\d\d\d -> 37\d{5}'],
     ['net.ipv4.tcp_mem: 5760 7680 11520 -> 1962\d\d 2616\d\d 3924\d\d'],
     ['net.ipv4.udp_mem: 11520 15360 23040 -> 392\d\d\d 523\d\d\d 784\d\d\d'],
     ['net.ipv4.tcp_rmem: 4096 131072 3932160 -> 4096 131072 6291456'],
     ['net.ipv4.tcp_wmem: 4096 16384 3932160 -> 4096 16384 4194304'],
     ['net.netfilter.nf_conntrack_buckets: 4096 -> 262144'],
     ['net.netfilter.nf_conntrack_max: 4096 -> 262144'],
     ['user.max_user_namespaces: 1850 -> 653\d\d'],
     ['process 1: Max processes: 1850 -> 653\d\d'],
     ['process 1: Max pending signals: 1850 -> 653\d\d'],
     ['/run: 107000k -> 3355440k'], ['/dev/shm: 268000k -> 8388608k'],
     ['/run/user/1000: 53500k -> 1677720k']) {
	my ($what) = @$_;

	like($out, qr/^small   $what$/m, "small: $what");
}
like($out, qr/^fixed   Dentry cache hash table: 65536 entries: stays so until the next boot$/m,
     'fixed: a hash table');
unlike($out, qr/futex|admin_reserve|net_namespaces|lock|\/tmp|srv|full/, 'nothing else');

dev_is('status names them', ['status'], 0,
       qr/^sized       by 511\.\d MiB of RAM at boot, of 16 GiB now; khoctl settle raises:\n +\/run, .*kernel\.threads-max, .*\n +1 hash table stay/m,
       undef, $arrived);
dev_is('status --json names them', ['status', '--json'], 0,
       qr/"sized_small": \[\n    "\/run",.*"kernel\.threads-max"/s, undef, $arrived);
dev_is('settle --json', ['settle', '--json', '--dry-run'], 0,
       qr/"boot_pages": 131\d\d\d,\n  "now_pages": 4194304,\n  "dry_run": true,.*"name": "kernel\.threads-max",\n      "kind": "sysctl",\n      "state": "small",\n      "from": "3700",\n      "to": "1306/s,
       undef, $arrived);

# ---- What somebody has set stays ----

for my $set ('kernel.threads-max=3700', ' -kernel/threads-max = 5', 'kernel.*=1') {
	spew("$root/etc/sysctl.d/a.conf", "# kernel.threads-max = 1\n;x\n$set\n");
	dev_is("configured: $set", ['settle', '--dry-run'], 0,
	       qr/^kept    kernel\.threads-max: 3700: \/etc\/sysctl\.d\/a\.conf sets it$/m, undef,
	       $arrived);
}
spew("$root/etc/sysctl.d/a.conf", "# kernel.threads-max = 1\nkernel.threads-maximum=1\n");
dev_is('configured: something else', ['settle', '--dry-run'], 0, qr/^small   kernel\.threads/m,
       undef, $arrived);
unlink("$root/etc/sysctl.d/a.conf");
for (['kernel.threads-max', 2000], ['kernel.threads-max', 90000], ['fs.file-max', ~0 >> 1],
     ['net.ipv4.tcp_mem', '5000 7680 11520'], ['net.ipv4.tcp_rmem', '4096 87380 3932160'],
     ['net.netfilter.nf_conntrack_max', 8192], ['vm.min_free_kbytes', 9000],
     ['fs.inotify.max_user_watches', 9999], ['vm.user_reserve_kbytes', 'x']) {
	my ($name, $value) = @$_;

	fresh($name => $value);
	dev_is("set: $name $value", ['settle', '--dry-run'], 0,
	       qr/^(?!.*\Q$name\E: ).*small/s, undef, $arrived);
}
fresh();
spew("$root/etc/fstab", "tmpfs /dev/shm tmpfs size=268000k 0 0\n# x /run tmpfs size=1k\n" .
     "tmpfs /run/user/1000 tmpfs rw,size=10% 0 0\ntmpfs /srv/x tmpfs size=50% 0 0\n");
$out = dev_is('fstab', ['settle', '--dry-run'], 0, qr/^small   \/run\/user\/1000: 53500k/m, undef,
	      $arrived);
unlike($out, qr/\/dev\/shm/, 'its size stays');
like($out, qr/^small   \/srv\/x: 268000k -> 8388608k$/m, 'its percentage counts');
unlink("$root/etc/fstab");

# ---- Putting it right ----

# No mount of the machine that runs this may be touched, so they are left out here.
spew("$root/proc/self/mountinfo", '');
fresh();
spew(path('vm.lowmem_reserve_ratio'), "1 2 3\n");
dev_is('settle', ['settle'], 0, qr/^raised  kernel\.threads-max: 3700 -> 1306/m, undef,
       { %$arrived, KHO_FAKE_RELEASE => '2:1024:1024' });
like(sysctl('kernel.threads-max'), qr/^1306\d\d$/, 'threads-max is raised');
like(sysctl('net.ipv4.tcp_mem'), qr/^1962\d\d 2616\d\d 3924\d\d$/, 'tcp_mem is');
is(sysctl('vm.lowmem_reserve_ratio'), '1 2 3', 'the reserve is written as it was');
is(sysctl('user.max_net_namespaces'), 0, 'what was turned off stays off');
my %after = map { $_ => sysctl($_) } keys %sysctls;
dev_is('again', ['settle'], 0, qr/^RAM .*\n(kept|fixed|all of it)/, undef, $arrived);
is_deeply({ map { $_ => sysctl($_) } keys %sysctls }, \%after, 'it changes nothing');
dev_is('status: settled', ['status'], 0, qr/^sized  .*: settled$/m, undef, $arrived);
$now *= 2;
spew("$root/proc/meminfo", 'MemTotal:       ' . 4 * $now . " kB\n");
dev_is('more memory came', ['settle'], 0, qr/^raised  kernel\.threads-max: 1306\d\d -> 2617\d\d$/m,
       undef, $arrived);
spew(path('kernel.threads-max'), "100000\n");
$now *= 2;
spew("$root/proc/meminfo", 'MemTotal:       ' . 4 * $now . " kB\n");
dev_is('set meanwhile', ['settle'], 0, qr/^(?!.*threads-max).*raised/s, undef, $arrived);
is(sysctl('kernel.threads-max'), 100000, 'it stays');
spew("$root/run/kho/settled.json", "[]");
dev_is('a bad note', ['settle', '--dry-run'], 0, qr/./, undef, $arrived);
$now = 4194304;
fresh();
unlink(path('fs.file-max'));
mkdir(path('fs.file-max'));
dev_is('not all there', ['settle'], 0, qr/^raised/m, undef, $arrived);
rmdir(path('fs.file-max'));

# A file system that can't be remounted
fresh();
spew("$root/proc/self/mountinfo", "26 1 0:24 / /dev/shm rw - tmpfs tmpfs rw,size=268000k\n");
dev_is('what fails is named', ['settle'], 1, qr/^failed  \/dev\/shm: 268000k -> 8388608k: .*^raised/ms,
       qr/1 size could not be raised/, $arrived);

# A real one, in a name space of its own
SKIP: {
	system('unshare -rm true 2>/dev/null') == 0
		or skip('no user name spaces: run as root, or allow them', 1);
	fresh();
	mkdir("$root/dev/shm");
	my $env = "LD_PRELOAD=$fake KHO_FAKE_DIR=$dir/fake KHO_SYSROOT=$root " .
		'KHO_FAKE_ARRIVAL=taken KHO_FAKE_KIND=2';
	my $got = `unshare -rm sh -c 'mount -t tmpfs -o nosuid,noexec,size=268000k x $root/dev/shm &&
		env $env $khoctl settle >&2; grep $root/dev/shm /proc/self/mountinfo' 2>&1`;
	like($got, qr/^raised  \/dev\/shm.*rw,nosuid,noexec.* - tmpfs x rw,.*size=8388608k/ms,
	     'it is remounted, with its other options');
}

dev_is('too many arguments', ['settle', 'x'], 2, undef, qr/too many arguments/);

done_testing();
