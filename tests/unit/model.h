/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reference for the tree: a sorted list of blocks, with rules so simple that
 * they can be seen to be right.  It shares no code with the tree: it works out
 * keys and indices itself, bit by bit.
 */
#ifndef MODEL_H
#define MODEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MODEL_MAX	512
#define MODEL_PFN_BITS	(64 - PAGE_SHIFT)
#define MODEL_ORDER_MAX	(63 - PAGE_SHIFT)

struct model_block {
	uint64_t pfn;
	unsigned int order;
};

struct model {
	unsigned int nr;
	struct model_block block[MODEL_MAX];	/* in the order of a walk */
};

/* Blocks are sorted by falling order, then by rising address. */
static inline bool model_before(const struct model_block *a,
				const struct model_block *b)
{
	return a->order > b->order || (a->order == b->order && a->pfn < b->pfn);
}

static inline int model_check(uint64_t pfn, unsigned int order)
{
	if (order > MODEL_ORDER_MAX)
		return -EINVAL;
	if (pfn >= 1ULL << MODEL_PFN_BITS)
		return -ERANGE;
	if (pfn % (1ULL << order))
		return -EINVAL;
	return 0;
}

static inline int model_find(const struct model *m, uint64_t pfn,
			     unsigned int order)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		if (m->block[i].pfn == pfn && m->block[i].order == order)
			return i;
	return -1;
}

/* Does the block share a page with @nr pages from @pfn on? */
static inline bool model_meets(const struct model_block *b, uint64_t pfn,
			       uint64_t nr)
{
	return b->pfn < pfn + nr && pfn < b->pfn + (1ULL << b->order);
}

/* Returns -ENOSPC if the model is full; the tree has no such limit. */
static inline int model_add(struct model *m, uint64_t pfn, unsigned int order)
{
	struct model_block new = { pfn, order };
	int ret = model_check(pfn, order);
	unsigned int i;

	if (ret)
		return ret;
	if (model_find(m, pfn, order) >= 0)
		return -EEXIST;
	for (i = 0; i < m->nr; i++)
		if (model_meets(&m->block[i], pfn, 1ULL << order))
			return -EBUSY;
	if (m->nr == MODEL_MAX)
		return -ENOSPC;
	for (i = m->nr++; i && model_before(&new, &m->block[i - 1]); i--)
		m->block[i] = m->block[i - 1];
	m->block[i] = new;
	return 0;
}

static inline int model_del(struct model *m, uint64_t pfn, unsigned int order)
{
	int ret = model_check(pfn, order);

	if (ret)
		return ret;
	ret = model_find(m, pfn, order);
	if (ret < 0)
		return -ENOENT;
	m->nr--;
	memmove(&m->block[ret], &m->block[ret + 1],
		(m->nr - ret) * sizeof(m->block[0]));
	return 0;
}

/* The order of the first block that a range is cut into. */
static inline unsigned int model_cut(uint64_t pfn, uint64_t nr)
{
	unsigned int order = 0;

	while (order < MODEL_ORDER_MAX && 2ULL << order <= nr &&
	       pfn % (2ULL << order) == 0)
		order++;
	return order;
}

static inline int model_check_range(uint64_t pfn, uint64_t nr)
{
	const uint64_t end = 1ULL << MODEL_PFN_BITS;

	if (!nr)
		return -EINVAL;
	return pfn >= end || nr > end - pfn ? -ERANGE : 0;
}

static inline int model_range(struct model *m, uint64_t pfn, uint64_t nr,
			      int (*op)(struct model *m, uint64_t pfn,
					unsigned int order))
{
	struct model old = *m;
	int ret = model_check_range(pfn, nr);

	while (nr && !ret) {
		unsigned int order = model_cut(pfn, nr);

		ret = op(m, pfn, order);
		pfn += 1ULL << order;
		nr -= 1ULL << order;
	}
	if (ret)
		*m = old;
	return ret;
}

/* Applies @op to @nr adjacent blocks: to all of them, or to none. */
static inline int model_run(struct model *m, uint64_t pfn, unsigned int order,
			    uint64_t nr,
			    int (*op)(struct model *m, uint64_t pfn,
				      unsigned int order))
{
	struct model old = *m;
	int ret = model_check(pfn, order);
	uint64_t i;

	if (!ret && !nr)
		ret = -EINVAL;
	if (!ret && nr > ((1ULL << MODEL_PFN_BITS) - pfn) >> order)
		ret = -ERANGE;
	for (i = 0; i < nr && !ret; i++)
		ret = op(m, pfn + (i << order), order);
	if (ret)
		*m = old;
	return ret;
}

/* Applies @op to blocks until it fails; *@done is how many were done. */
static inline int model_batch(struct model *m, const unsigned long *pfn,
			      unsigned long nr, unsigned int order,
			      unsigned long *done,
			      int (*op)(struct model *m, uint64_t pfn,
					unsigned int order))
{
	int ret = 0;

	for (*done = 0; *done < nr; (*done)++) {
		ret = op(m, pfn[*done], order);
		if (ret)
			break;
	}
	return ret;
}

static inline uint64_t model_pages(const struct model *m)
{
	uint64_t pages = 0;
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		pages += 1ULL << m->block[i].order;
	return pages;
}

static inline uint64_t model_keys(const struct model *m, unsigned int order)
{
	uint64_t keys = 0;
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		keys += m->block[i].order == order;
	return keys;
}

/*
 * The number of nodes of a tree of these blocks, without empty nodes: at each
 * level as many as there are different keys without the bits below.  Blocks are
 * in the order of their keys, so equal ones are adjacent.
 */
static inline uint64_t model_nodes(const struct model *m)
{
	static const struct {
		unsigned int nr;
		/* Bits of a key that a node of each level, and those below, decide. */
		unsigned int below[6];
	} shape = {
#if PAGE_SHIFT == 12
		6, { 15, 24, 33, 42, 51, 60 }
#elif PAGE_SHIFT == 14
		5, { 17, 28, 39, 50, 61 }
#elif PAGE_SHIFT == 16
		4, { 19, 32, 45, 58 }
#endif
	};
	unsigned int level, i;
	uint64_t nodes = 0;

	/* The root exists even without a key: it is added below. */
	for (level = 0; level < shape.nr - 1; level++) {
		uint64_t last = ~0ULL;

		for (i = 0; i < m->nr; i++) {
			const struct model_block *b = &m->block[i];
			uint64_t key = (1ULL << (MODEL_PFN_BITS - b->order)) +
				       (b->pfn >> b->order);

			key >>= shape.below[level];
			nodes += key != last;
			last = key;
		}
	}
	return nodes + 1;
}

#endif /* MODEL_H */
