// SPDX-License-Identifier: GPL-2.0
/* The agent's commands about scratch, which speak to the module without khoctl's care. */
#include <sys/wait.h>
#include <time.h>

#include "agent.h"

/* So many pages beside scratch, on either side, are too few for it to grow by 144 MiB. */
#define BESIDE		18000UL

static int ask(int kho, __u64 bytes)
{
	struct kho_scratch_take arg = {
		.size = sizeof(arg),
		.bytes = bytes,
	};

	return ioctl(kho, KHO_SCRATCH, &arg) ? errno : 0;
}

static int tell(int kho, __u32 state, __u32 flags)
{
	struct kho_image arg = {
		.size = sizeof(arg),
		.flags = flags,
		.state = state,
	};

	return ioctl(kho, KHO_IMAGE, &arg) ? errno : 0;
}

/* scratch BYTES [COUNT]: asks for so much, COUNT times at once; all have to get it */
int cmd_scratch(char **argv)
{
	__u64 bytes = number(argv[0]), count = argv[1] ? number(argv[1]) : 1, i;
	int kho = open_kho(), status, bad = 0, err = 0;

	for (i = 0; i < count; i++)
		if (!fork())
			_exit(ask(kho, bytes));
	while (wait(&status) > 0) {
		bad += !WIFEXITED(status) || WEXITSTATUS(status);
		if (WIFEXITED(status) && WEXITSTATUS(status))
			err = WEXITSTATUS(status);
	}
	if (bad)
		die("%d of %llu: KHO_SCRATCH: %s", bad, count, strerror(err));
	printf("%llu bytes\n", bytes);
	return 0;
}

/* image STATE: says that a kernel is being loaded (1), or is not any more (0) */
int cmd_image(char **argv)
{
	int err = tell(open_kho(), number(argv[0]), 0);

	if (err)
		die("KHO_IMAGE: %s", strerror(err));
	return 0;
}

/* Runs a command.  Return: its exit status */
static int run(char **argv)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		execvp(argv[0], argv);
		die("%s: %s", argv[0], strerror(errno));
	}
	waitpid(child, &status, 0);
	return status;
}

/*
 * load-by-file TIMES COMMAND [ARGUMENT]...: says that a kernel is about to be loaded by
 * kexec_file_load(), runs the command so many times, and asks whether that kernel gets the
 * handover
 */
int cmd_load_by_file(char **argv)
{
	int kho = open_kho(), err = tell(kho, KHO_IMAGE_BEGUN, KHO_IMAGE_BY_FILE);
	__u64 times = number(argv[0]);
	int failed = 0;

	if (err)
		die("BEGUN: %s", strerror(err));
	while (times--)
		failed |= run(argv + 1);
	err = tell(kho, KHO_IMAGE_LOADED, 0);
	if (failed || err)
		die("%s: status %d; LOADED: %s", argv[1], failed, err ? strerror(err) : "yes");
	return 0;
}

/* What the child of contend got in a round, and how often it was told to come back. */
struct contended {
	int err;
	unsigned int refused;
};

/*
 * Asks for so much until the module is not busy.  In between, it waits for times that have
 * no common measure with those of who loads.
 */
static struct contended ask_until(int kho, __u64 bytes)
{
	struct contended got = { .err = EBUSY };
	time_t end = time(NULL) + 60;

	while (got.err == EBUSY && time(NULL) < end) {
		usleep(3000 + 7100 * (got.refused % 5));
		got.err = ask(kho, bytes);
		got.refused += got.err == EBUSY;
	}
	return got;
}

/*
 * contend STEP ROUNDS: somebody loads kernels, while somebody else asks for STEP bytes more
 * in each round, until the answer is not EBUSY.  Between the beginning and the end of each
 * loading, scratch must stay where it is.
 */
int cmd_contend(char **argv)
{
	__u64 step = number(argv[0]), rounds = number(argv[1]), i;
	unsigned int loads = 0, moved = 0, grown = 0, refused = 0, other = 0;
	struct kho_query before, begun, after;
	int kho = open_kho(), ends[2], err;
	struct contended got;
	pid_t child;

	get_query(kho, &before);
	if (pipe(ends))
		die("pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		for (i = 1; i <= rounds; i++) {
			got = ask_until(kho, before.scratch_size + i * step);
			if (write(ends[1], &got, sizeof(got)) != sizeof(got))
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	while (!waitpid(child, NULL, WNOHANG)) {
		err = tell(kho, KHO_IMAGE_BEGUN, 0);
		if (err)
			die("BEGUN: %s", strerror(err));
		get_query(kho, &begun);
		usleep(loads % 2 ? 100 : 20000);
		get_query(kho, &after);
		moved += begun.scratch_addr != after.scratch_addr ||
			 begun.scratch_size != after.scratch_size;
		err = tell(kho, KHO_IMAGE_NONE, 0);
		if (err)
			die("NONE: %s", strerror(err));
		usleep(loads++ % 2 ? 50000 : 200);
	}
	for (i = 0; i < rounds; i++) {
		if (read(ends[0], &got, sizeof(got)) != sizeof(got))
			die("the child ended early");
		grown += !got.err;
		refused += got.refused;
		other += got.err && got.err != ENOMEM;
	}
	printf("%u loads, grown %u times, refused %u times\n", loads, grown, refused);
	if (moved || other)
		die("moved %u times, %u other errors", moved, other);
	if (!grown)
		die("it has never grown");
	return 0;
}

/* Preserves the first of these pages that is in use, whoever uses it. */
static bool preserve_one(int kho, __u64 first)
{
	struct kho_page arg = { .size = sizeof(arg) };

	for (arg.pfn = first; arg.pfn < first + BESIDE; arg.pfn++) {
		if (ioctl(kho, KHO_PAGE_ADD, &arg))
			continue;
		printf("%#llx\n", arg.pfn);
		return true;
	}
	return false;
}

/* wall: preserves a page below scratch and one above it, so near that it has to move */
int cmd_wall(char **argv)
{
	enum { PIECE = 2048 };
	bool below = false, above = false;
	int kho = open_kho();
	struct kho_query q;
	__u64 first, end;

	(void)argv;
	get_query(kho, &q);
	first = q.scratch_addr / PAGE;
	end = first + q.scratch_size / PAGE;
	for (;;) {
		below = below || preserve_one(kho, first - BESIDE);
		above = above || preserve_one(kho, end);
		/*
		 * With less than BESIDE pages free in all, there is at least one in use
		 * on each side, or the kernel itself, or a hole.
		 */
		if ((below && above) || sysconf(_SC_AVPHYS_PAGES) < 8 * PIECE)
			return 0;
		locked_pages(PIECE);
	}
}
