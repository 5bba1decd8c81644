// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on the tree that the fuzzer chooses, with allocations that fail
 * where it chooses, compared with the model.
 *
 * Input: 8 bytes per operation.
 */
#include "../unit/tree-common.h"

#define PFN_END		(1UL << (64 - PAGE_SHIFT))

static struct kho_radix_tree tree;
static struct model m, next;

/* Fills a batch with pages from @pfn on, in steps that the fuzzer chooses. */
static unsigned long fill(unsigned long *batch, uint64_t pfn,
			  unsigned int order, const uint8_t *d)
{
	unsigned long i, nr = d[5] % 80;

	for (i = 0; i < nr; i++) {
		batch[i] = pfn;
		pfn += (uint64_t)(d[6 + i % 2] % 8) << (order < 40 ? order : 0);
	}
	return nr;
}

static void one_op(const uint8_t *d)
{
	/* A few places, so that blocks overlap; some at the ends, one beyond. */
	static const uint64_t places[] = {
		0, 0x7ff0, 0x1000000, PFN_END / 2 - 0x40, PFN_END - 0x10000,
		PFN_END - 0x20, 0x40000, ~0ULL - 0xff,
	};
	uint64_t pfn = places[d[1] % 8] + (d[2] | d[3] << 8);
	unsigned int order = d[4] % 64;
	uint64_t nr = d[5] | (uint64_t)(d[6] % 16) << 8;
	unsigned long live = pages_live(), asked = pages_asked();
	unsigned long batch[80], n = 0, done = 0, want_done = 0;
	bool in_part = false;
	int ret, want;

	if (d[1] & 8 && order <= MODEL_ORDER_MAX)
		pfn = pfn >> order << order;
	if (d[6] & 0x80)
		nr <<= d[7] % 40;

	next = m;
	if (d[0] & 0x80)
		pages_fail(1 + d[7] % 16);
	switch (d[0] % 8) {
	case 0:
	case 1:
		want = model_add(&next, pfn, order);
		break;
	case 2:
		if (d[0] & 8)
			want = model_range(&next, pfn, nr, model_add);
		else
			want = model_run(&next, pfn, order, d[5] % 160, model_add);
		break;
	case 3:
	case 4:
		want = model_del(&next, pfn, order);
		break;
	case 5:
		if (d[0] & 8)
			want = model_range(&next, pfn, nr, model_del);
		else
			want = model_run(&next, pfn, order, d[5] % 160, model_del);
		break;
	case 6:
		if (d[0] & 8) {
			n = fill(batch, pfn, order, d);
			in_part = true;
			want = model_batch(&next, batch, n, order, &want_done,
					   d[0] & 16 ? model_add : model_del);
			break;
		}
		pages_fail(0);
		must_match_range(&tree, &m, pfn, nr);
		return;
	default:
		pages_fail(0);
		must(kho_radix_has_page(&tree, pfn, order) ==
		     (model_find(&m, pfn, order) >= 0), "has_page");
		return;
	}
	/* Skip what would fill the model or the allocator. */
	if (want == -ENOSPC || next.nr > MODEL_MAX / 2) {
		pages_fail(0);
		return;
	}

	switch (d[0] % 8) {
	case 0:
	case 1:
		ret = kho_radix_add_page(&tree, pfn, order);
		break;
	case 2:
		ret = d[0] & 8 ? kho_radix_add_range(&tree, pfn, nr) :
				 kho_radix_add_run(&tree, pfn, order, d[5] % 160);
		break;
	case 3:
	case 4:
		ret = kho_radix_del_page(&tree, pfn, order);
		break;
	case 5:
		ret = d[0] & 8 ? kho_radix_del_range(&tree, pfn, nr) :
				 kho_radix_del_run(&tree, pfn, order, d[5] % 160);
		break;
	default:
		ret = d[0] & 16 ?
		      kho_radix_add_batch(&tree, batch, n, order, &done) :
		      kho_radix_del_batch(&tree, batch, n, order, &done);
		break;
	}
	pages_fail(0);

	if (ret == -ENOMEM) {
		must(d[0] & 0x80 && pages_asked() > asked, "-ENOMEM for nothing");
		want = -ENOMEM;
		if (in_part) {
			next = m;
			must(!model_batch(&next, batch, done, order, &want_done,
					  model_add), "a batch went too far");
		}
	}
	must(done == want_done, "%lu of a batch, not %lu", done, want_done);
	must(ret == want, "op %u 0x%llx order %u nr %llu: %d, not %d", d[0] % 8,
	     (unsigned long long)pfn, order, (unsigned long long)nr, ret, want);
	/* A batch that fails keeps what it has done so far. */
	if (!want || in_part)
		m = next;
	else
		must(pages_live() == live, "an error changed the pages");
	must(tree.nr_nodes == pages_live(), "a page is lost");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	must(!pages_live(), "pages are left from the run before");
	m.nr = 0;
	must(!kho_radix_init_tree(&tree), "init_tree");
	for (i = 0; size >= 8; i++, data += 8, size -= 8) {
		one_op(data);
		if (i % 32 == 0)
			must_match(&tree, &m);
	}
	must_match(&tree, &m);

	/* Half of the inputs unmark each block, the others only destroy the tree. */
	if (size % 2)
		while (m.nr) {
			struct model_block *b = &m.block[m.nr / 2];

			must(!kho_radix_del_page(&tree, b->pfn, b->order), "del");
			must(!model_del(&m, b->pfn, b->order), "model");
		}
	if (!m.nr)
		must(pages_live() == 1, "more than the root is left");
	kho_radix_destroy_tree(&tree);
	return 0;
}
