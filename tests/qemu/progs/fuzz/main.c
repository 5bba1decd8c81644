// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer of /dev/kho; see fuzz.h.
 *
 *	kho-fuzz init SLATE SEED [KEY=VALUE...]	on the host: a new slate
 *	kho-fuzz report SLATE [all]		on the host: prints what happened
 *	kho-fuzz arrive				compares all that is incoming
 *	kho-fuzz run CALLS quiet|loud|last	runs programs until they have made so
 *						many calls, then
 *		quiet	brings the workers to rest, and jumps
 *		loud	jumps
 *		last	brings the workers to rest, compares, and gives all up
 */
#include <dirent.h>
#include <grp.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz.h"

/* A worker hangs if its operation takes longer than so many seconds. */
#define PATIENCE	120
/* Calls between killing two processes, on average */
#define KILL_EVERY	9000
#define RACE_BYTES	(8 * PAGE)

static const struct {
	void (*run)(struct ctx *c);
	unsigned int weight;
	unsigned int flags;
} ops[] = {
#define OP_ENTRY(name, w, f) \
	[OP_##name] = { .run = op_##name, .weight = (w), .flags = (f) },
	OPS(OP_ENTRY)
};

static const struct {
	unsigned int first;		/* worker */
	unsigned int nr;
	__u32 uid;
} procs[NR_PROCS] = {
	{ 0, 1, 0 }, { 1, 3, 0 }, { 4, 1, 1002 }, { 5, 2, 1003 },
};

static pid_t pids[NR_PROCS];

/* ---- The slate ---- */

static void map_slate(const char *path, bool create)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);

	if (fd < 0 || (create && ftruncate(fd, SLATE_BYTES)))
		die("%s: %s", path, strerror(errno));
	slate = mmap(NULL, SLATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slate == MAP_FAILED)
		die("%s: mmap: %s", path, strerror(errno));
	close(fd);
	if (!create && slate->magic != SLATE_MAGIC)
		die("%s is no slate", path);
}

static bool has_word(const char *dir, const char *file, const char *want)
{
	char path[256], line[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", dir, file);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return !strncmp(line, want, strlen(want));
}

/* The memory of QEMU's ivshmem-plain */
static void find_slate(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	char path[300];
	FILE *f;

	while (dir && (entry = readdir(dir))) {
		if (!has_word(entry->d_name, "vendor", "0x1af4") ||
		    !has_word(entry->d_name, "device", "0x1110"))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable",
			 entry->d_name);
		f = fopen(path, "w");
		if (f) {
			fputs("1", f);
			fclose(f);
		}
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2",
			 entry->d_name);
		map_slate(path, false);
		closedir(dir);
		return;
	}
	die("there is no slate");
}

/* Dies of a finding in the previous kernel, or in the midst of the jump. */
static void tell_findings(void)
{
	if (slate->nr_findings && !slate->keep)
		die("found: %s", slate->finding[0]);
}

static unsigned int op_named(const char *name, size_t n)
{
	unsigned int i;

	for (i = 0; i < NR_OPS; i++)
		if (strlen(op_names[i]) == n && !strncmp(op_names[i], name, n))
			return i;
	die("there is no operation '%s'", name);
}

/* off=OP,OP... */
static void turn_off(const char *list)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		unsigned int op = op_named(list, n);

		slate->off[op / 64] |= 1ULL << op % 64;
		list += n + !!list[n];
	}
}

static void init_slate(__u64 seed, char **words)
{
	__u64 at = (sizeof(*slate) + MIDDLE_BYTES) & ~(MIDDLE_BYTES - 1);
	unsigned int nr, slot;

	slate->seed = seed;
	for (nr = 0; nr < NR_WORKERS; nr++) {
		struct worker *w = &slate->worker[nr];

		w->rng = mix(seed + ((__u64)nr << 48));
		for (slot = 0; slot < NR_SLOTS; slot++) {
			struct model *o = &w->obj[slot];

			o->room = slot < 8 ? SMALL_BYTES : slot < 10 ? MIDDLE_BYTES :
				  LARGE_BYTES;
			o->id = nr * 16 + slot + 1;
			o->content = at;
			at += o->room;
		}
	}
	if (at > SLATE_BYTES)
		die("the slate is too small");
	for (; *words; words++) {
		if (!strncmp(*words, "off=", 4))
			turn_off(*words + 4);
		else if (!strcmp(*words, "lean=1"))
			slate->lean = 1;
		else if (!strcmp(*words, "keep=1"))
			slate->keep = 1;
		else if (!strcmp(*words, "small=1"))
			slate->small = 1;
		else
			die("what is '%s'?", *words);
	}
	slate->magic = SLATE_MAGIC;
}

/* ---- Reports ---- */

static __u64 all_calls(void)
{
	__u64 n = 0;
	unsigned int i;

	for (i = 0; i < NR_WORKERS; i++)
		n += slate->worker[i].calls;
	return n;
}

static void report_op(unsigned int op)
{
	__u64 sum, total = 0;
	unsigned int err, nr;

	printf("op %-14s", op_names[op]);
	for (err = 0; err < NR_ERRS; err++) {
		for (nr = 0, sum = 0; nr < NR_WORKERS; nr++)
			sum += slate->worker[nr].count[op][err];
		total += sum;
		if (sum)
			printf(" %s=%llu", err ? strerrorname_np(err) : "good", sum);
	}
	printf(" all=%llu\n", total);
}

static void report(bool all)
{
	unsigned int i, k, nr = slate->nr_findings;

	printf("seed=%llu calls=%llu jumps=%u loud=%u kills=%u findings=%u\n",
	       slate->seed, all_calls(), slate->jumps, slate->loud_jumps,
	       slate->kills, nr);
	for (i = 0; i < nr && i < NR_FINDINGS; i++)
		printf("finding %s\n", slate->finding[i]);
	if (!all)
		return;
	for (i = 0; i < NR_OPS; i++)
		report_op(i);
	for (i = 0; i < NR_WORKERS; i++) {
		const struct worker *w = &slate->worker[i];

		printf("worker %u: op %llu (%s), flight %u of %u (%#llx %#llx %#llx):",
		       i, w->programs, op_names[w->op], w->flight.kind, w->flight.slot,
		       w->flight.a, w->flight.b, w->flight.c);
		for (k = w->nr_past < NR_PAST ? 0 : w->nr_past - NR_PAST; k < w->nr_past; k++) {
			const struct past *past = &w->past[k % NR_PAST];

			printf(" %s/%x[%u %#llx %#llx]=%d", op_names[past->op], past->cmd,
			       past->slot, past->a, past->b, past->err);
		}
		printf("\n");
	}
}

/* ---- A worker ---- */

static struct ctx *make_ctx(unsigned int nr, bool root, bool alone)
{
	struct ctx *c = calloc(1, sizeof(*c));
	unsigned int k;
	char *p;

	c->w = &slate->worker[nr];
	c->nr = nr;
	c->root = root;
	c->alone = alone;
	c->kho = open_kho();
	for (k = 0; k < NR_SHARED; k++)
		c->window[k].fd = -1;
	c->buf = mmap(NULL, LARGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->buf == MAP_FAILED || p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	mprotect(p + 2 * PAGE, PAGE, PROT_NONE);
	c->guard = p + 2 * PAGE;
	/* Not each of the tests' kernels has sockets. */
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, c->sock))
		c->sock[0] = -1;
	return c;
}

static unsigned int all_weights(void)
{
	unsigned int i, sum = 0;

	for (i = 0; i < NR_OPS; i++)
		sum += ops[i].weight;
	return sum;
}

static unsigned int any_op(struct ctx *c, unsigned int all)
{
	__u64 at = below(c, all);
	unsigned int i;

	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}

static void *work(void *arg)
{
	struct ctx *c = arg;
	struct worker *w = c->w;
	unsigned int all = all_weights();

	while (!__atomic_load_n(&slate->stop, __ATOMIC_RELAXED)) {
		unsigned int op = any_op(c, all);

		if (slate->off[op / 64] >> op % 64 & 1)
			continue;
		if ((ops[op].flags & OP_ROOT && !c->root) ||
		    (ops[op].flags & OP_ALONE && !c->alone))
			continue;
		w->op = op;
		c->slot = 0;
		c->a = 0;
		c->b = 0;
		ops[op].run(c);
		w->programs++;
	}
	w->paused = 1;
	for (;;)
		pause();
	return NULL;
}

static void be_process(unsigned int nr)
{
	const struct rlimit limit = { .rlim_cur = 24 << 20, .rlim_max = 24 << 20 };
	__u32 uid = procs[nr].uid;
	struct ctx *c[NR_WORKERS];
	pthread_t thread;
	unsigned int i;

	setpgid(0, 0);
	catch_signals();
	for (i = 0; i < procs[nr].nr; i++) {
		c[i] = make_ctx(procs[nr].first + i, !uid, procs[nr].nr == 1);
		c[i]->w->uid = uid;
		if (!uid)
			make_pools(c[i]);
	}
	if (uid && (setrlimit(RLIMIT_MEMLOCK, &limit) || setgroups(0, NULL) ||
		    setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		die("can't become uid %u: %s", uid, strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 1; i < procs[nr].nr; i++)
		if (pthread_create(&thread, NULL, work, c[i]))
			die("pthread_create: %s", strerror(errno));
	work(c[0]);
}

/* ---- The process that starts, kills and watches the others ---- */

static void start(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < procs[nr].nr; i++)
		slate->worker[procs[nr].first + i].paused = 0;
	fflush(stdout);
	pids[nr] = fork();
	if (!pids[nr])
		be_process(nr);
	if (pids[nr] < 0)
		die("fork: %s", strerror(errno));
	setpgid(pids[nr], pids[nr]);
}

/* Kills a process and all its children, which become ours then. */
static void end_process(unsigned int nr)
{
	int status;
	pid_t pid;

	kill(-pids[nr], SIGKILL);
	pid = waitpid(pids[nr], &status, 0);
	if (pid == pids[nr] && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
		fprintf(stderr, "found: process %u ended with status %#x\n", nr, status);
		slate->nr_findings++;
	}
	while (waitpid(-pids[nr], &status, 0) > 0)
		;
}

static void settle_process(struct ctx *c, unsigned int nr, bool jumped)
{
	unsigned int i;

	for (i = procs[nr].first; i < procs[nr].first + procs[nr].nr; i++) {
		c->w = &slate->worker[i];
		c->nr = i;
		settle(c, jumped);
	}
}

/* What settle_by_child() compares, if not the workers of one process */
enum {
	ALL_ARRIVED = NR_PROCS,
	ALL_AT_END,
	ALL_WIPED,
};

static void for_all(struct ctx *c, void (*run)(struct ctx *c))
{
	unsigned int nr;

	for (nr = 0; nr < NR_WORKERS; nr++) {
		c->w = &slate->worker[nr];
		c->nr = nr;
		run(c);
	}
}

static void settle_all(unsigned int what)
{
	struct ctx *c = make_ctx(0, true, true);
	unsigned int nr;

	if (what < NR_PROCS) {
		settle_process(c, what, false);
		return;
	}
	if (what == ALL_WIPED) {
		__u8 name[KHO_NAME_SIZE];

		for_all(c, wipe);
		for (nr = 0; nr < NR_SHARED; nr++) {
			shared_name(nr, name);
			remove_name(c, name);
		}
		return;
	}
	for (nr = 0; nr < NR_PROCS; nr++)
		settle_process(c, nr, what == ALL_ARRIVED);
	for (nr = 0; nr < NR_SHARED; nr++)
		check_shared(c, nr, what == ALL_AT_END);
	if (what == ALL_AT_END)
		for_all(c, clear_all);
}

/* finding() waits to be killed, so this is done by a process of its own. */
static void settle_by_child(unsigned int what)
{
	__u32 findings = slate->nr_findings;
	int status, patience = 600 * 100;
	pid_t pid = fork();

	if (!pid) {
		catch_signals();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		settle_all(what);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		usleep(10000);
		if (slate->nr_findings == findings && patience--)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		if (slate->nr_findings == findings)
			die("found: what there is can't be looked at");
		if (!slate->keep)
			exit(1);
		status = 0;
		if (what == ALL_WIPED)
			break;
		settle_by_child(ALL_WIPED);
	}
	if (status)
		die("found: who looks at what there is ended with status %#x", status);
}

static void kill_one(__u64 *rng)
{
	unsigned int nr = mix(++*rng) % NR_PROCS;

	end_process(nr);
	settle_by_child(nr);
	slate->kills++;
	start(nr);
}

static void show_stacks(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (write(fd, "w", 1) != 1 || write(fd, "l", 1) != 1)
		perror("sysrq");
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void watch(void)
{
	static __u64 last[NR_WORKERS];
	static time_t when[NR_WORKERS];
	unsigned int i;
	int status;

	for (i = 0; i < NR_PROCS; i++) {
		if (waitpid(pids[i], &status, WNOHANG) != pids[i])
			continue;
		printf("found: process %u ended with status %#x\n", i, status);
		slate->nr_findings++;
		exit(1);
	}
	for (i = 0; i < NR_WORKERS; i++) {
		struct worker *w = &slate->worker[i];

		if (w->programs != last[i] || !when[i] || w->paused) {
			last[i] = w->programs;
			when[i] = now();
		} else if (now() - when[i] > PATIENCE) {
			show_stacks();
			printf("found: worker %u has been in %s for %d s\n", i,
			       op_names[w->op], PATIENCE);
			slate->nr_findings++;
			exit(1);
		}
	}
}

static bool all_paused(void)
{
	unsigned int i;

	for (i = 0; i < NR_WORKERS; i++)
		if (!__atomic_load_n(&slate->worker[i].paused, __ATOMIC_SEQ_CST))
			return false;
	return true;
}

static void jump(__u32 how)
{
	__atomic_store_n(&slate->jumping, how, __ATOMIC_SEQ_CST);
	slate->loud_jumps += how == 1;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	die("kexec has come back: %s", strerror(errno));
}

/* Lets everybody open the device, and makes files that may only be read. */
static void prepare(void)
{
	char path[64], page[RACE_BYTES];
	unsigned int i;
	int fd;

	chmod("/dev/kho", 0666);
	memset(page, 'r', sizeof(page));
	for (i = 0; i < NR_WORKERS; i++) {
		snprintf(path, sizeof(path), "/run/fuzz-file-%u", i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0444);
		if (fd < 0 || write(fd, page, sizeof(page)) != sizeof(page))
			die("%s: %s", path, strerror(errno));
		close(fd);
	}
}

/* After a finding has stopped the workers: removes everything, and starts them anew. */
static void start_anew(void)
{
	unsigned int nr;

	for (nr = 0; nr < NR_PROCS; nr++)
		end_process(nr);
	settle_by_child(ALL_WIPED);
	slate->stop = 0;
	for (nr = 0; nr < NR_PROCS; nr++)
		start(nr);
}

static bool goes_on(void)
{
	if (slate->stop && slate->keep)
		start_anew();
	return !slate->stop || slate->keep;
}

static void run(__u64 calls, const char *how)
{
	__u64 rng = mix(slate->seed ^ mix(slate->jumps)), first = all_calls();
	__u64 next = first + mix(++rng) % KILL_EVERY;
	unsigned int nr;

	prepare();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	slate->stop = 0;
	slate->jumping = 0;
	for (nr = 0; nr < NR_PROCS; nr++)
		start(nr);
	while (all_calls() - first < calls && goes_on()) {
		usleep(5000);
		watch();
		if (all_calls() < next)
			continue;
		next += mix(++rng) % (2 * KILL_EVERY);
		kill_one(&rng);
	}
	if (!slate->stop && !strcmp(how, "loud"))
		jump(1);
	__atomic_store_n(&slate->stop, 1, __ATOMIC_SEQ_CST);
	while (!all_paused() && (!slate->nr_findings || slate->keep)) {
		usleep(5000);
		watch();
	}
	/* The workers still have files open: what is not committed has to go by the jump. */
	if ((!slate->nr_findings || slate->keep) && !strcmp(how, "quiet"))
		jump(2);
	for (nr = 0; nr < NR_PROCS; nr++)
		end_process(nr);
	if (!slate->nr_findings || slate->keep)
		settle_by_child(ALL_AT_END);
	exit(slate->nr_findings ? 1 : 0);
}

/* ---- */

static void arrive(void)
{
	slate->jumps++;
	settle_by_child(ALL_ARRIVED);
	slate->jumping = 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 4 && !strcmp(argv[1], "init")) {
		map_slate(argv[2], true);
		init_slate(strtoull(argv[3], NULL, 0), argv + 4);
	} else if (argc >= 3 && !strcmp(argv[1], "report")) {
		map_slate(argv[2], false);
		report(argc > 3);
	} else if (argc == 2 && !strcmp(argv[1], "arrive")) {
		find_slate();
		tell_findings();
		arrive();
	} else if (argc == 4 && !strcmp(argv[1], "run")) {
		find_slate();
		tell_findings();
		run(strtoull(argv[2], NULL, 0), argv[3]);
	} else {
		die("usage: kho-fuzz init SLATE SEED [KEY=VALUE...] | report SLATE [all] | arrive | run CALLS quiet|loud|last");
	}
	return 0;
}
