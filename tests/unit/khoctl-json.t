#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# khoctl --json and status --metrics: every command of khoctl's table has a schema, and what
# it prints follows it; a failure is a document, too.
#
# A new command needs docs/json/COMMAND.schema.json, and a line in %samples.
use strict;
use warnings;
use Cwd qw(abs_path);
use JSON::PP qw(decode_json);
use POSIX qw(EBUSY);
require './tests/unit/khoctl-test.pl';
our ($khoctl, $dir, $fake, $root);

BAIL_OUT("$khoctl: not built (make -C tools)") unless -x $khoctl;
system('bash', '-c', '. scripts/lib.sh && need_packages python3-jsonschema >&2') == 0
	or BAIL_OUT('no python3-jsonschema');
make_device();
my $mkdump = build("$dir/mkdump", 'tests/unit/khoctl-mkdump.c');
my $kexec = abs_path('tests/unit/khoctl-fakekexec');
my $docs = "$dir/documents";
mkdir($docs);
mkdir("$dir/empty");
my $none = "$dir/none";

my @commands = `$khoctl --help` =~ /^  ([a-z]+) /mg;
cmp_ok(scalar(@commands), '>', 20, 'khoctl has commands');

# ---- A device with some of everything ----

spew("$root/proc/iomem", "00001000-9fffffff : System RAM\n  01000000-01ffffff : Kernel code\n" .
     "100000000-1ffffffff : System RAM\n");
spew("$dir/meta", scalar `$mkdump good 12`);
spew("$dir/blob", scalar `$mkdump fdt-blob 12`);
spew("$dir/broken", scalar `$mkdump object-size 12`);
spew("$dir/bz", image());
spew("$dir/damaged", image(magic => 'xxxx'));
spew("$dir/data", 'x' x 5000);
loaded(0);
my %env = (KHO_FAKE_META => "$dir/meta", KHO_FAKE_SETUP => '0x1000000',
	   KHO_FAKE_ENVELOPES => '10000000:200000,20000000:400000',
	   KHO_FAKE_ARRIVED => '70000000:8000000', KHO_FAKE_ARRIVAL => 'taken',
	   KHO_FAKE_KIND => 2, KHO_FAKE_RELEASE => '1:1024:256',
	   KHO_FAKE_FREEING => '1024:128', KHO_FAKE_POISONED => 'lost:1:2',
	   KHO_FAKE_SUBTREES => "kho-objects:1000:1000:1,LUO:2000:1800:2,x\e[2J\xff:3000:8:0",
	   FAKE_KEXEC => 'good', FAKE_LOG => "$dir/log");
my ($arrived, $claimed, $sealed, $jump, $summed) = map { 1 << $_ } 0, 2, 3, 5, 6;

sub object {
	my ($name, $content, $flags) = @_;

	spew("$dir/fake/objects/$name", $content);
	spew("$dir/fake/info/$name", sprintf("%x 0 0 600 3 2 0 0\n", $flags));
	spew("$dir/fake/sums/$name", $content) if $flags & $summed;
	return;
}

sub reset_device {
	unlink(glob("$dir/fake/{objects,uncommitted,info,data,sums}/*"));
	object('good', 'g' x 9000, $arrived | $claimed | $summed | $sealed);
	object('bad', 'b' x 9000, $arrived | $summed);
	spew("$dir/fake/objects/bad", 'c' x 9000);
	object('lost', 'l' x 9000, $arrived | $summed);
	object('later', 'l', $jump);
	object('plain', 'p' x 3000, 0);
	object("caf\xc3\xa9 \xff", 'p', 0);
	spew("$dir/fake/pages", "4096 0 0\n32 2 1\n");
	return;
}

# ---- What each command prints ----

# The command's arguments, and its exit status if that is not 0
spew("$dir/initrd", initramfs(4096));
# No module runs there: it would be loaded.
spew("$dir/new.ko", join("\0", "\177ELF", 'name=kho', 'version=9.0', 'srcversion=N',
			   'vermagic=good', 'kho_left=1', ''));
my %samples = (
	add => [['add', '7']],
	check => [['check', '--kexec', $kexec, 1], ['check', '--target', "$dir/bz"],
		  ['check', '--target', "$dir/bz", '--initrd', "$dir/initrd"]],
	del => [['del', '4096']],
	dump => [['dump', "$dir/meta"], ['dump', '--keys', "$dir/meta"], ['dump'],
		 ['dump', '--extents', "$dir/meta"], ['dump', '--fdt', "$dir/meta"],
		 ['dump', "$dir/blob"], ['dump', "$dir/broken", 1],
		 ['dump', '--save', "$dir/saved", "$dir/meta"]],
	get => [['get', 'good', "$dir/out"]],
	getdata => [['getdata', 'good', "$dir/out"]],
	getpage => [['getpage', '32:2', "$dir/out"]],
	load => [['load', '--kexec', $kexec, '--append', "a '\xff'", "$dir/bz"],
		 ['load', '--kexec', $kexec, '--append', 'a', '--initrd', "$dir/initrd", "$dir/bz"],
		 ['load', '--kexec', $kexec, '--append', 'a', '--dry-run', "$dir/bz"]],
	ls => [['ls'], ['ls', '-l', '--pages', '--subtrees']],
	map => [['map']],
	own => [['own', 'plain', '--mode', '0640']],
	prune => [['prune', '--idle', '2'], ['prune', '--idle', '2', '--dry-run']],
	put => [['put', 'new', "$dir/data"]],
	resize => [['resize', 'plain', '5000']],
	restrict => [['restrict']],
	rm => [['rm', 'plain', 'good'], ['rm', '--dry-run', 'plain', 'none', 1]],
	scratch => [['scratch']],
	seal => [['seal', 'plain']],
	settle => [['settle', '--dry-run']],
	setdata => [['setdata', 'plain', "$dir/data"]],
	status => [['status']],
	unload => [['unload', '--kexec', $kexec]],
	upgrade => [['upgrade', '--dry-run', '--to', "$dir/new.ko"]],
	verify => [['verify', 1], ['verify', 'good'], ['verify', 'later', 'none', 1]],
);
my $nr = 0;

# json_is(name, args, status, more environment): runs it with --json, keeps the document
sub json_is {
	my ($name, $args, $status, $more) = @_;
	my ($s, $out, $err) = run({ LD_PRELOAD => $fake, KHO_FAKE_DIR => "$dir/fake",
				    KHO_SYSROOT => $root, %env, %{$more // {}} },
				  @$args);
	my $file = sprintf('%03d-%s', $nr++, $name =~ s/[^a-z]+/-/gr);
	my $doc = eval { decode_json($out) };

	spew("$docs/$file.json", $out);
	ok($s == $status && $doc, "$name: a document, exit status $status")
		or diag("exit status $s\nstdout: $out\nstderr: $err");
	return $doc // {};
}

for my $command (@commands) {
	ok(-e "docs/json/$command.schema.json", "$command: it has a schema")
		or diag("add docs/json/$command.schema.json");
	my $samples = $samples{$command};

	ok($samples, "$command: it is tried") or diag("add it to %samples of $0");
	for (@{$samples // []}) {
		my @args = @$_;
		my $status = $args[-1] eq '1' ? pop(@args) : 0;

		reset_device();
		my $after = json_is("@args", [@args, '--json'], $status);
		reset_device();
		loaded(0);
		my $before = json_is("--json @args", ['--json', @args], $status);
		is($before->{schema}, $command, 'the schema has the name of the command');
		is($after->{schema}, $command, 'wherever --json is');
	}
	my $help = `$khoctl $command --help`;

	like($help, qr/^  --json /m, "$command: --help tells of --json");
}
is_deeply([sort grep { !exists $samples{$_} } @commands], [], 'no command is left out');

# ---- The same thing has the same name everywhere ----

my $ls = json_is('ls', ['ls', '--json', '--subtrees'], 0);
my $status = json_is('status', ['status', '--json'], 0);
my $scratch = json_is('scratch', ['scratch', '--json'], 0);
my $load = json_is('load', ['load', '--json', '--kexec', $kexec, '--append', 'a', "$dir/bz"], 0);
my $check = json_is('check', ['check', '--json', '--target', "$dir/bz"], 0);
my $dump = json_is('dump', ['dump', '--json', "$dir/meta"], 0);
my $map = json_is('map', ['map', '--json'], 0);
my $verify = json_is('verify', ['verify', '--json', 'lost'], 1);

is($_->{scratch_bytes}, 256 << 20, 'scratch_bytes')
	for $status, $scratch, $load, $check;
is($_->{bytes}, $_->{size}, 'bytes, and the old name')
	for $load->{segments}[0], $dump->{scratch}[0], $dump->{tree}{extents}[0],
	    $dump->{objects}[0]{extents}[0], $map->{preserved}[0], $dump->{fdt};
is($_->{metadata_pages}, $_->{meta_pages} // $_->{metadata_pages}, 'metadata_pages')
	for $status, $dump;
is($verify->{objects}[0]{poisoned_pages}, 2, 'poisoned_pages of verify');
is((grep { $_->{name} eq 'lost' } @{$ls->{objects}})[0]{poisoned_pages}, 2,
   'poisoned_pages of ls');
is($status->{generation}, $dump->{metadata}{generation}, 'generation');
is($load->{kernel}, $check->{kernel}, 'kernel');
is($check->{target}, $check->{kernel}, 'and the old name');
like($load->{kernel_version}, qr/^6\.1\.0-successor/, 'the version of the kernel');
is($load->{version}, 1, 'and that of the document');
is($load->{backend}, $status->{backend}, 'backend');
for my $in ([$status, qw(fdt_size scratch_size meta_pages release release_done freeing_done)],
	    [$scratch, qw(scratch_size held)],
	    [$load, qw(needed scratch_needed scratch_size ram_left ram_needed checks own_kho)],
	    [$check, qw(target scratch_needed scratch_size ram_left ram_needed)],
	    [$map, 'bytes'], [$map->{ram}[0], 'size'], [$dump->{metadata}, 'kexec_count'],
	    [$dump->{setup}, qw(len fdt_size scratch_size)], [$dump->{tree}, qw(root lean_root)],
	    [$ls->{objects}[0], 'busy'], [$verify->{objects}[0], qw(bad poisoned poisoned_offset)]) {
	my ($obj, @old) = @$in;

	is_deeply([grep { !exists $obj->{$_} } @old], [], "old names: @old");
}

# ---- Failures ----

# error_is(name, args, status, kind, message, more environment)
sub error_is {
	my ($name, $args, $status, $kind, $message, $more) = @_;
	my $doc = json_is($name, $args, $status, $more);

	is($doc->{schema}, 'error', "$name: it is an error");
	is($doc->{error}{kind}, $kind, "$name: $kind");
	is($doc->{error}{exit_status}, $status, "$name: its exit status");
	like($doc->{error}{message}, $message, "$name: its message");
	return $doc;
}

for my $command (@commands) {
	next unless $samples{$command};
	my @args = @{$samples{$command}[0]};

	pop(@args) if $args[-1] eq '1';
	my $doc = error_is("$command: a bad option", [@args, '--frob', '--json'], 2,
			   'usage', qr/unknown option '--frob'/);
	is($doc->{command}, $command, "$command: its name");
	next if $command =~ /^(check|unload|restrict|dump|upgrade)$/;
	error_is("$command: no device", ['--json', '--device', $none, @args], 1, 'failed',
		 qr/\Q$none\E: no such device/);
}
error_is('no such command', ['frob', '--json'], 2, 'usage', qr/no such command: frob/);
error_is('no command', ['--json'], 2, 'usage', qr/./);
error_is('no value', ['ls', '--json', '--device'], 2, 'usage', qr/needs a value/);
error_is('an empty device', ['ls', '--json', '--device', ''], 2, 'usage', qr/needs a path/);
error_is('--device before', ['--json', '--device', '', 'ls'], 2, 'usage', qr/needs a path/);
error_is('--color', ['--json', '--color', 'x', 'ls'], 2, 'usage', qr/auto, always or never/);
my $doc = error_is('no such file', ['dump', '--json', $none], 1, 'failed', qr/No such file/);
is($doc->{error}{errno}, 'ENOENT', 'and its errno');
error_is('hostile bytes', ['put', '--json', "a\xff\e[2J/", "$dir/data"], 2, 'usage', qr/has a/);
error_is('stdout is taken', ['get', '--json', 'good'], 2, 'usage',
	 qr/stdout is for the JSON: name a FILE/);
error_is('stdout is taken: -', ['dump', '--json', '--save', '-', "$dir/meta"], 2, 'usage',
	 qr/stdout is for the JSON/);
error_is('refused by check', ['load', '--json', '--kexec', $kexec, "$dir/damaged"], 1,
	 'failed', qr/./);
$doc = error_is('busy', ['resize', '--json', 'plain', '9000'], 1, 'failed', qr/open or mapped/,
		{ KHO_FAKE_FAIL => '81:' . EBUSY });
is(scalar(@{$doc->{error}{messages}}), 1, 'all messages are there');
error_is('seal without a name, twice', ['seal', '--json', '--sum'], 2, 'usage',
	 qr/NAME is missing/);
reset_device();
my $many = json_is('many failures', ['rm', '--json', map { "none$_" } 1 .. 300], 1);
is(scalar(@{$many->{objects}}), 300, 'rm: each has its reason');
is((run({}, 'ls', '--device', $none))[1], '', 'no document without --json');
is((run({}, 'load', '--append', '--json', '--device', $none, 'x'))[0], 1,
   '--json as a value is none');

# ---- All of it follows the schemas ----

my @result = `python3 tests/unit/khoctl-schema.py docs/json $docs`;
is($?, 0, 'the documents can be read');
my @faults = grep { /^fault / } @result;
is(scalar(@faults), 0, 'all documents follow their schemas') or diag(@faults);
my %seen = map { /^seen (\S+) (\d+)/ ? ($1 => $2) : () } @result;
cmp_ok($seen{$_} // 0, '>', 0, "schema $_: documents were compared with it")
	for @commands, 'error';
is_deeply([grep { my $s = $_; !grep { $_ eq $s } @commands, 'error' } sort keys %seen], [],
	  'no schema is left over');

# The validator itself finds faults.
mkdir("$dir/wrong");
spew("$dir/wrong/a", '{"schema":"rm","version":1,"objects":[{"name":1,"removed":true,"frob":2}]}');
spew("$dir/wrong/b", '{"schema":"frob","version":1}');
spew("$dir/wrong/c", "{\"schema\":\"rm\",\"version\":2,\"objects\":[]}");
spew("$dir/wrong/d", '{');
@faults = grep { /^fault / } `python3 tests/unit/khoctl-schema.py docs/json $dir/wrong`;
is(scalar(@faults), 5, 'faults are found') or diag(@faults);

# ---- Metrics ----

# Reads the text as promtool check metrics does, and returns name => value.
sub metrics {
	my ($name, $more) = @_;
	my ($s, $out, $err) = run({ LD_PRELOAD => $fake, KHO_FAKE_DIR => "$dir/fake",
				    KHO_SYSROOT => $root, %env, %{$more // {}} },
				  'status', '--metrics');
	my (%type, %help, %value, @why);

	push(@why, "exit status $s") if $s;
	push(@why, 'no newline at the end') unless $out =~ /\n\z/;
	for (split(/\n/, $out)) {
		if (/^# HELP (\S+) (.*\S)$/) {
			push(@why, "HELP $1 twice") if $help{$1}++;
		} elsif (/^# TYPE (\S+) (gauge|counter)$/) {
			push(@why, "TYPE $1 twice or late") if $type{$1} || $value{$1};
			$type{$1} = $2;
		} elsif (/^(kho_[a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\d+(?:\.\d+)?)$/) {
			push(@why, "$1 twice") if exists $value{$1};
			push(@why, "$1 without TYPE") unless $type{$1};
			push(@why, "$1 without HELP") unless $help{$1};
			$value{$1} = $3;
		} else {
			push(@why, "not understood: $_");
		}
	}
	for (sort keys %type) {
		push(@why, "$_: no value") unless exists $value{$_};
		push(@why, "$_: a counter ends in _total")
			if ($type{$_} eq 'counter') != /_total$/;
		push(@why, "$_: not a base unit")
			if /_(kib|mib|kilobytes|ms|usecs|milliseconds|microseconds|percent)(_|$)/;
	}
	ok(!@why, "metrics: $name") or diag("@why\n$out");
	return ({%value}, $out);
}

reset_device();
my ($m, $text) = metrics('of a device');
is($m->{kho_up}, 1, 'metrics: it is up');
is($m->{kho_scratch_bytes}, 256 << 20, 'metrics: scratch');
is($m->{kho_envelopes}, 2, 'metrics: envelopes');
is($m->{kho_arrival_taken}, 1, 'metrics: taken');
is($m->{kho_arrival_refused}, 0, 'metrics: not refused');
is($m->{kho_release_pending_bytes}, 768 * 4096, 'metrics: to be given back');
is($m->{kho_objects_poisoned_pages}, 2, 'metrics: poisoned');
is($m->{kho_objects_unclaimed}, 2, 'metrics: unclaimed');
is($m->{kho_objects_size_bytes}, 3 * 9000 + 3000 + 2, 'metrics: sizes');
is($m->{kho_stub_seconds}, '0.000345', 'metrics: seconds');
like($text, qr/^kho_info\{version="\d[\d.]*",abi="kho-v4",backend="module",previous_release="6\.1\.0-fake"\} 1$/m,
     'metrics: labels');
($m) = metrics('refused', { KHO_FAKE_ARRIVAL => 'refused' });
is($m->{kho_arrival_refused}, 1, 'metrics: refused');
($m) = metrics('an older module', { KHO_FAKE_OLD => 1, KHO_FAKE_NO_AGENTS => 1 });
is($m->{kho_up}, 1, 'metrics: an older module is up');
loaded(1);
($m) = metrics('a stale kernel', { KHO_FAKE_IMAGE => 3 });
is($m->{kho_next_kernel_stale}, 1, 'metrics: stale');
is($m->{kho_next_kernel_loaded}, 1, 'metrics: loaded');
loaded(0);
($m, $text) = metrics('no device', { KHO_DEVICE => $none });
is_deeply($m, { kho_up => 0 }, 'metrics: it is down, and nothing else is known');
khoctl_is('metrics and JSON', ['status', '--metrics', '--json'], 2, qr/"kind": "usage"/,
	  qr/exclude each other/);

# ---- The unit that writes them ----

like(slurp('systemd/kho-metrics.service'),
     qr{^ExecStart=/bin/sh -c 'khoctl status --metrics >\S+\.new && mv \S+\.new \S+\.prom \|\| [^']+'$}m,
     'the unit replaces the file at once');

done_testing();
