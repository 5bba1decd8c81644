// SPDX-License-Identifier: GPL-2.0
/*
 * Whole lists from /dev/kho, in as many calls as they take.
 */
#include <errno.h>
#include <stdlib.h>

#include "khoctl.h"

#define CHUNK	1024
#define TRIES	5

typedef int list_fn(int dev, __u64 first, void *entries, __u32 *count,
		    __u64 *total);

/* A list that changes while it is read may show an entry twice: try again. */
static int list_all(int dev, list_fn *list, size_t size, void **entries,
		    size_t *nr)
{
	struct kho_query before, after;
	__u64 total = 0, n;
	char *buf = NULL;
	int ret, tries;

	for (tries = 0; tries < TRIES; tries++) {
		ret = kho_dev_query(dev, &before);
		if (ret)
			goto err_free_buf;
		n = 0;
		do {
			__u32 count = CHUNK;

			buf = xrealloc(buf, n + CHUNK, size);
			ret = list(dev, n, buf + n * size, &count, &total);
			if (ret)
				goto err_free_buf;
			n += count;
			if (!count)
				break;
		} while (n < total);

		ret = kho_dev_query(dev, &after);
		if (ret)
			goto err_free_buf;
		if (before.changes == after.changes) {
			*entries = buf;
			*nr = n;
			return 0;
		}
	}
	ret = -EAGAIN;
err_free_buf:
	free(buf);
	return ret;
}

static int objects(int dev, __u64 first, void *entries, __u32 *count,
		   __u64 *total)
{
	__u64 n = 0;
	int ret = kho_dev_obj_list(dev, first, entries, count, &n);

	*total = n;
	return ret;
}

static int pages(int dev, __u64 first, void *entries, __u32 *count,
		 __u64 *total)
{
	__u64 n = 0;
	int ret = kho_dev_page_list(dev, first, entries, count, &n);

	*total = n;
	return ret;
}

int list_objects(int dev, struct kho_obj_entry **entries, size_t *nr)
{
	return list_all(dev, objects, sizeof(**entries), (void **)entries, nr);
}

int list_pages(int dev, struct kho_page_entry **entries, size_t *nr)
{
	return list_all(dev, pages, sizeof(**entries), (void **)entries, nr);
}

static int envelopes(int dev, __u64 first, void *entries, __u32 *count,
		     __u64 *total)
{
	__u64 n = 0;
	int ret = kho_dev_envelope_list(dev, 0, first, entries, count, &n);

	*total = n;
	return ret;
}

static int arrived_envelopes(int dev, __u64 first, void *entries,
			     __u32 *count, __u64 *total)
{
	__u64 n = 0;
	int ret = kho_dev_envelope_list(dev, KHO_ENVELOPE_ARRIVED, first,
					entries, count, &n);

	*total = n;
	return ret;
}

static int subtrees(int dev, __u64 first, void *entries, __u32 *count,
		    __u64 *total)
{
	__u64 n = 0;
	int ret = kho_dev_subtree_list(dev, first, entries, count, &n);

	*total = n;
	return ret;
}

int list_envelopes(int dev, bool arrived, struct kho_envelope_entry **entries,
		   size_t *nr)
{
	int ret = list_all(dev, arrived ? arrived_envelopes : envelopes,
			   sizeof(**entries), (void **)entries, nr);
	size_t i;

	for (i = 0; !ret && i < *nr; i++) {
		if ((*entries)[i].addr + (*entries)[i].bytes >= (*entries)[i].addr)
			continue;
		free(*entries);
		ret = -EPROTO;
	}
	return ret;
}

int list_subtrees(int dev, struct kho_subtree_entry **entries, size_t *nr)
{
	return list_all(dev, subtrees, sizeof(**entries), (void **)entries, nr);
}
