// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marks and unmarks pages in the project's tree, in the kernel's own, and in
 * the tables per order of an early design, in turns, and logs what it took:
 *
 *	kho_bench: WHICH/PATTERN/HOW/mark NANOSECONDS KEYS
 *	kho_bench: WHICH/PATTERN/HOW/unmark NANOSECONDS KEYS
 *	kho_bench: WHICH/PATTERN/HOW/nodes FULL EMPTIED
 *	kho_bench: WHICH/mixed/single/nodes FULL 0
 *	kho_bench: WHICH/empty/single/nodes NONE 0
 *	kho_bench: WHICH/threads/N/mark NANOSECONDS KEYS
 *
 * The page numbers need no memory behind them: a tree only stores the numbers.
 */
#define pr_fmt(fmt) "kho_bench: " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "tree.h"

static unsigned int rounds = 5;
module_param(rounds, uint, 0);
MODULE_PARM_DESC(rounds, "How often everything is measured");

static unsigned long pages = 1UL << 20;
module_param(pages, ulong, 0);
MODULE_PARM_DESC(pages, "How many pages, an even number from 1000 to 2^22");

static bool brief;
module_param(brief, bool, 0);
MODULE_PARM_DESC(brief, "Mark every second page, and no more");

static bool threads = true;
module_param(threads, bool, 0);
MODULE_PARM_DESC(threads, "Measure two threads against one");

/* The pages begin somewhere above 0, as on a real machine. */
#define FIRST		0x40000UL
#define RANDOM_BITS	24		/* 64 GiB */
#define HUGE		9

static unsigned long *pfns;

/* ---- Patterns ---- */

/* A permutation of the numbers below 2^RANDOM_BITS. */
static unsigned long shuffle(unsigned long i)
{
	unsigned long mask = BIT(RANDOM_BITS) - 1;
	unsigned int n;

	for (n = 0; n < 3; n++) {
		i = i * 0x9e3779b1UL & mask;
		i ^= i >> (RANDOM_BITS / 2);
	}
	return i;
}

/* Every second page. */
static void scattered(void)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		pfns[i] = FIRST + 2 * i;
}

static void adjacent(void)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		pfns[i] = FIRST + i;
}

static void random_pages(void)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		pfns[i] = shuffle(i);
}

static void huge(void)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		pfns[i] = FIRST + (i << HUGE);
}

/* ---- One measurement ---- */

typedef int (*mark_t)(void *tree, const unsigned long *pfn, unsigned long nr,
		      unsigned int order);

static int measure(const struct bench_tree *t, const char *pattern,
		   const char *how, unsigned long nr, unsigned int order,
		   mark_t mark, mark_t unmark)
{
	void *tree = t->create();
	u64 full, begin;
	s64 ns;
	int ret;

	if (!tree)
		return -ENOMEM;
	begin = ktime_get_ns();
	ret = mark(tree, pfns, nr, order);
	ns = ktime_get_ns() - begin;
	if (ret)
		goto out;
	pr_info("%s/%s/%s/mark %lld %lu\n", t->name, pattern, how, ns, nr);

	full = t->nodes(tree);
	begin = ktime_get_ns();
	ret = unmark(tree, pfns, nr, order);
	ns = ktime_get_ns() - begin;
	if (ret)
		goto out;
	pr_info("%s/%s/%s/unmark %lld %lu\n", t->name, pattern, how, ns, nr);
	pr_info("%s/%s/%s/nodes %llu %llu\n", t->name, pattern, how, full,
		t->nodes(tree));
out:
	t->destroy(tree);
	if (ret)
		pr_err("%s/%s/%s: error %d\n", t->name, pattern, how, ret);
	cond_resched();
	return ret;
}

/* Counts the nodes of an empty tree, and then of one with a block of each order. */
static int measure_mixed(const struct bench_tree *t)
{
	void *tree = t->create();
	unsigned int order;
	int ret = 0;

	if (!tree)
		return -ENOMEM;
	pr_info("%s/empty/single/nodes %llu 0\n", t->name, t->nodes(tree));
	for (order = 0; order <= HUGE && !ret; order++) {
		unsigned long pfn = FIRST + (2UL << HUGE) * order;

		ret = t->mark(tree, &pfn, 1, order);
	}
	if (!ret)
		pr_info("%s/mixed/single/nodes %llu 0\n", t->name,
			t->nodes(tree));
	t->destroy(tree);
	return ret;
}

static int single(const struct bench_tree *t, const char *pattern,
		  unsigned long nr, unsigned int order)
{
	return measure(t, pattern, "single", nr, order, t->mark, t->unmark);
}

/* ---- Several threads ---- */

struct worker {
	const struct bench_tree *t;
	void *tree;
	const unsigned long *pfn;
	unsigned long nr;
	int ret;
	u64 begin;
	u64 end;
	struct completion done;
};

static atomic_t ready;
static int wanted;

static int work(void *data)
{
	struct worker *w = data;

	/* Spin until all are ready: each has a CPU of its own. */
	atomic_inc(&ready);
	while (atomic_read(&ready) < wanted)
		cpu_relax();
	w->begin = ktime_get_ns();
	w->ret = w->t->mark(w->tree, w->pfn, w->nr, 0);
	w->end = ktime_get_ns();
	complete(&w->done);
	return 0;
}

/* Two threads mark half of the pages each, or one thread marks all. */
static int run_threads(const struct bench_tree *t, unsigned int nr)
{
	struct task_struct *task[2] = { };
	struct worker w[2];
	unsigned int i, cpu = cpumask_first(cpu_online_mask);
	u64 begin, end;
	void *tree;
	int ret = 0;

	tree = t->create();
	if (!tree)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		w[i] = (struct worker){
			.t = t,
			.tree = tree,
			.pfn = pfns + pages / nr * i,
			.nr = pages / nr,
		};
		init_completion(&w[i].done);
		task[i] = kthread_create(work, &w[i], "kho_bench/%u", i);
		if (IS_ERR(task[i])) {
			ret = PTR_ERR(task[i]);
			while (i--)
				kthread_stop(task[i]);
			goto out;
		}
		kthread_bind(task[i], cpu);
		cpu = cpumask_next(cpu, cpu_online_mask);
	}
	atomic_set(&ready, 0);
	wanted = nr;
	for (i = 0; i < nr; i++)
		wake_up_process(task[i]);
	for (i = 0; i < nr; i++)
		wait_for_completion(&w[i].done);

	begin = w[0].begin;
	end = w[0].end;
	for (i = 0; i < nr; i++) {
		begin = min(begin, w[i].begin);
		end = max(end, w[i].end);
		ret = ret ?: w[i].ret;
	}
	if (!ret)
		pr_info("%s/threads/%u/mark %llu %lu\n", t->name, nr,
			end - begin, pages);
out:
	t->destroy(tree);
	return ret;
}

/* ---- All of it ---- */

static const struct bench_tree *const trees[] = {
	&bench_ours, &bench_mainline, &bench_tables,
};

static const struct {
	const char *name;
	void (*fill)(void);
	unsigned int order;
} patterns[] = {
	{ "scattered", scattered, 0 },
	{ "random", random_pages, 0 },
	{ "adjacent", adjacent, 0 },
	{ "huge", huge, HUGE },
};

static int run_brief(unsigned int round)
{
	const struct bench_tree *ours = &bench_ours;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(trees) && !ret; i++)
		ret = single(trees[(i + round) % ARRAY_SIZE(trees)], "scattered",
			     pages, 0);
	return ret ?: measure(ours, "scattered", "batch", pages, 0,
			      ours->mark_batch, ours->unmark_batch);
}

static int run_round(unsigned int round)
{
	const struct bench_tree *ours = &bench_ours;
	unsigned int p, i, n;
	int ret = 0;

	if (brief)
		return run_brief(round);
	for (p = 0; p < ARRAY_SIZE(patterns) && !ret; p++) {
		patterns[p].fill();
		/* Another tree is first in each round. */
		for (i = 0; i < ARRAY_SIZE(trees) && !ret; i++)
			ret = single(trees[(i + round) % ARRAY_SIZE(trees)],
				     patterns[p].name, pages, patterns[p].order);
		if (!ret && patterns[p].fill != huge)
			ret = measure(ours, patterns[p].name, "batch", pages, 0,
				      ours->mark_batch, ours->unmark_batch);
		if (!ret && patterns[p].fill == adjacent)
			ret = measure(ours, patterns[p].name, "run", pages, 0,
				      ours->mark_run, ours->unmark_run);
	}
	/* As much memory in huge pages as in single ones, to compare metadata. */
	for (i = 0; i < ARRAY_SIZE(trees) && !ret; i++) {
		ret = single(trees[i], "few-huge", pages >> HUGE, HUGE);
		if (!ret)
			ret = measure_mixed(trees[i]);
	}
	if (!threads)
		return ret;

	/* The halves of these pages have no leaf in common. */
	scattered();
	for (i = 0; i < ARRAY_SIZE(trees) && !ret; i++) {
		const struct bench_tree *t = trees[(i + round) % ARRAY_SIZE(trees)];

		for (n = 1; n <= 2 && !ret; n++)
			ret = run_threads(t, n);
	}
	return ret;
}

static int __init kho_bench_init(void)
{
	unsigned int round;
	int ret = 0;

	if (pages < 1000 || pages > 1UL << 22 || pages % 2) {
		pr_err("pages=%lu is no even number from 1000 to 2^22\n", pages);
		return -EINVAL;
	}
	if (threads && num_online_cpus() < 2) {
		pr_err("threads=1 needs two CPUs\n");
		return -ENXIO;
	}
	pfns = kvmalloc_array(pages, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return -ENOMEM;
	scattered();
	/* Warm up, so that the first round is like the others. */
	for (round = 0; round < ARRAY_SIZE(trees) && !ret; round++)
		ret = single(trees[round], "warm-up", pages / 16, 0);
	for (round = 0; round < rounds && !ret; round++)
		ret = run_round(round);
	kvfree(pfns);
	if (!ret)
		pr_info("done\n");
	return ret;
}
module_init(kho_bench_init);

static void __exit kho_bench_exit(void)
{
}
module_exit(kho_bench_exit);

MODULE_DESCRIPTION("Compares trees of preserved pages");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");
