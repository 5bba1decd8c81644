// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on module/tree/radix.c and mark.c, with allocations that
 * fail, compared with the model; once for each page size.
 */
#include "tree-before.h"

#define ORDER_MAX	(63 - PAGE_SHIFT)
#define PFN_END		(1UL << (64 - PAGE_SHIFT))

static uint64_t rng;

static uint64_t rnd(uint64_t below)
{
	/* xorshift64* */
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (rng * 0x2545f4914f6cdd1dULL >> 33) % below;
}

static uint64_t random_pfn(unsigned int order)
{
	/* A few places, so that blocks overlap.  Some pages are beyond the end. */
	static const uint64_t places[] = {
		0, 0x8000, 0x1000000, PFN_END / 2, PFN_END - 0x80, 0x40000000,
	};
	uint64_t pfn = places[rnd(6)] + rnd(rnd(4) ? 0x40 : 0x300);

	if (rnd(16))
		pfn = pfn >> order << order;
	return pfn;
}

#define BATCH	200

/* Mostly rising, with gaps; sometimes a step back, a repetition, or misaligned. */
static unsigned long fill_batch(unsigned long *batch, uint64_t pfn,
				unsigned int order, uint64_t nr)
{
	unsigned long i;

	for (i = 0; i < nr && i < BATCH; i++) {
		batch[i] = pfn;
		if (rnd(64))
			pfn += (uint64_t)(1 + rnd(rnd(2) ? 2 : 40)) <<
			       (order <= ORDER_MAX ? order : 0);
		else
			pfn = random_pfn(order <= ORDER_MAX ? order : 0);
	}
	return i;
}

static void test_random(uint64_t seed, unsigned int steps)
{
	static const int wants[] = { 0, -EEXIST, -ENOENT, -EBUSY, -EINVAL,
				     -ERANGE, -ENOMEM };
	unsigned long met[7] = { 0 }, batches = 0;
	struct model m = { 0 }, next;
	unsigned long batch[BATCH], done = 0, want_done = 0;
	unsigned int i;

	rng = seed;
	fresh();
	for (i = 0; i < steps; i++) {
		unsigned int order = rnd(24) ? rnd(rnd(3) ? 3 : 10) :
						rnd(ORDER_MAX + 3);
		uint64_t pfn = order <= ORDER_MAX ? random_pfn(order) : 0;
		uint64_t nr = 1 + rnd(rnd(4) ? 20 : 0x300);
		unsigned int op = rnd(100);
		unsigned long asked = pages_asked(), live = pages_live();
		struct before b = { .pages = NULL };
		int ret, want = 0;
		unsigned int k;

		/* If there are too many blocks, remove some. */
		if (m.nr > 150 && op < 50)
			op += 50;
		/* Sometimes an allocation fails; only then may the result be -ENOMEM. */
		if (!rnd(3))
			pages_fail(1 + rnd(KHO_TREE_MAX_DEPTH));
		if (!rnd(64))
			b = before();

		next = m;
		if (op < 40) {
			want = model_add(&next, pfn, order);
			ret = kho_radix_add_page(&tree, pfn, order);
		} else if (op < 43) {
			nr = rnd(12) ? 1 + rnd(70) : rnd(300);
			if (m.nr + nr > MODEL_MAX - 50)
				nr = 1;
			want = model_run(&next, pfn, order, nr, model_add);
			ret = kho_radix_add_run(&tree, pfn, order, nr);
		} else if (op < 46) {
			nr = fill_batch(batch, pfn, order,
					m.nr > MODEL_MAX - 250 ? 1 : rnd(BATCH));
			want = model_batch(&next, batch, nr, order, &want_done,
					   model_add);
			ret = kho_radix_add_batch(&tree, batch, nr, order, &done);
			if (ret == -ENOMEM) {
				next = m;
				must(!model_batch(&next, batch, done, order,
						  &want_done, model_add),
				     "step %u: a batch went too far", i);
			}
			must(done == want_done, "step %u: %lu of a batch, not %lu",
			     i, done, want_done);
			if (want || ret)
				batches++;
		} else if (op < 50) {
			want = model_range(&next, pfn, nr, model_add);
			ret = kho_radix_add_range(&tree, pfn, nr);
		} else if (op < 53) {
			/* As large as the runs that op < 43 marks. */
			nr = 1 + rnd(70);
			if (m.nr && rnd(4)) {
				k = rnd(m.nr);
				pfn = m.block[k].pfn;
				order = m.block[k].order;
				for (nr = 1; k + nr < m.nr && rnd(40) &&
				     m.block[k + nr].order == order &&
				     m.block[k + nr].pfn == pfn + (nr << order);)
					nr++;
			}
			want = model_run(&next, pfn, order, nr, model_del);
			ret = kho_radix_del_run(&tree, pfn, order, nr);
		} else if (op < 56) {
			nr = 0;
			order = 0;
			for (k = 0; k < m.nr && nr < BATCH; k++)
				if (!m.block[k].order && rnd(3))
					batch[nr++] = m.block[k].pfn;
			if (nr && !rnd(3))
				batch[rnd(nr)] = random_pfn(0);
			want = model_batch(&next, batch, nr, 0, &want_done,
					   model_del);
			ret = kho_radix_del_batch(&tree, batch, nr, 0, &done);
			must(done == want_done, "step %u: %lu of a batch, not %lu",
			     i, done, want_done);
			if (want)
				batches++;
		} else if (op < 80) {
			/* Mostly a block that is marked. */
			if (m.nr && rnd(4)) {
				k = rnd(m.nr);
				pfn = m.block[k].pfn;
				order = m.block[k].order;
			}
			want = model_del(&next, pfn, order);
			ret = kho_radix_del_page(&tree, pfn, order);
		} else if (op < 88) {
			want = model_range(&next, pfn, nr, model_del);
			ret = kho_radix_del_range(&tree, pfn, nr);
		} else if (op < 94) {
			must_match_range(&tree, &m, pfn, nr);
			ret = 0;
		} else {
			ret = 0;
			must(kho_radix_has_page(&tree, pfn, order) ==
			     (model_find(&m, pfn, order) >= 0),
			     "step %u: has 0x%llx order %u", i,
			     (unsigned long long)pfn, order);
		}
		pages_fail(0);

		if (ret == -ENOMEM && op < 50) {
			must(pages_asked() > asked, "step %u: -ENOMEM for nothing", i);
			want = -ENOMEM;
		}
		must(ret == want, "step %u: op %u 0x%llx order %u nr %llu: %d, not %d",
		     i, op, (unsigned long long)pfn, order,
		     (unsigned long long)nr, ret, want);
		/* A batch that fails keeps what it has done so far. */
		if (!want || (op >= 43 && op < 46) || (op >= 53 && op < 56))
			m = next;
		else
			must(pages_live() == live, "step %u: pages changed", i);
		if (b.pages && ((op >= 43 && op < 46) || (op >= 53 && op < 56))) {
			pages_copy_free(b.pages);
			b.pages = NULL;
		}
		if (b.pages && (want || op >= 88))
			must(unchanged(&b), "step %u: not as before", i);
		else if (b.pages)
			pages_copy_free(b.pages);
		must(tree.nr_nodes == pages_live(), "step %u: a page is lost", i);
		if (i % 16 == 0)
			must_match(&tree, &m);
		for (k = 0; k < 7; k++)
			met[k] += want == wants[k];
	}
	must_match(&tree, &m);
	while (m.nr) {
		unsigned int k = rnd(m.nr);

		must(!kho_radix_del_page(&tree, m.block[k].pfn, m.block[k].order),
		     "del of what is there");
		must(!model_del(&m, m.block[k].pfn, m.block[k].order), "model");
	}
	must_match(&tree, &m);
	must(pages_live() == 1, "%lu pages are left", pages_live());
	destroy();

	ok(batches > 20, "random 0x%llx: %lu batches ended early",
	   (unsigned long long)seed, batches);
	for (i = 0; i < 7; i++)
		ok(met[i] > 20, "random 0x%llx: result %d met %lu times",
		   (unsigned long long)seed, wants[i], met[i]);
}

int main(void)
{
	tap_start();
	test_random(0x6b686f, PAGE_SHIFT == 16 ? 10000 : 20000);
	test_random(0x5eed, PAGE_SHIFT == 16 ? 10000 : 20000);
	return tap_done();
}
