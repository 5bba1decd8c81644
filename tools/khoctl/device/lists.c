// SPDX-License-Identifier: GPL-2.0
/*
 * Reading complete lists from /dev/kho, in several calls if necessary.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "device/device.h"
#include "device/lists.h"

#define CHUNK	4096
#define TRIES	5

typedef int list_fn(int dev, uint64_t first, void *entries, uint32_t *count,
		    uint64_t *total);

/* A list that changes meanwhile may show an entry twice: start over. */
static int list_all(int dev, list_fn *list, size_t size, void **entries,
		    size_t *nr)
{
	struct kho_query before, after;
	uint64_t total = 0;
	char *buf = NULL;
	size_t n, room;
	int ret, tries;

	for (tries = 0; tries < TRIES; tries++) {
		ret = kho_query(dev, &before);
		if (ret)
			goto err_free_buf;
		n = 0;
		room = 0;
		do {
			uint32_t count = CHUNK;

			if (n + CHUNK > room) {
				room = 2 * n + CHUNK;
				buf = xrealloc(buf, room, size);
			}
			ret = list(dev, n, buf + n * size, &count, &total);
			if (ret)
				goto err_free_buf;
			n += count;
			if (!count)
				break;
		} while (n < total);

		ret = kho_query(dev, &after);
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

int list_error(int err)
{
	if (err == -EAGAIN)
		return cmd_err("the list changes faster than it can be read");
	if (err)
		return cmd_err("%s: %s", device_path(), device_error(err));
	return DONE;
}

static int objects(int dev, uint64_t first, void *entries, uint32_t *count,
		   uint64_t *total)
{
	return kho_object_list(dev, first, entries, count, total);
}

static int pages(int dev, uint64_t first, void *entries, uint32_t *count,
		 uint64_t *total)
{
	return kho_page_list(dev, first, entries, count, total);
}

int list_objects(int dev, struct kho_obj_info **entries, size_t *nr)
{
	int ret = list_all(dev, objects, sizeof(**entries), (void **)entries, nr);

	return list_error(ret);
}

int list_pages(int dev, struct kho_page_entry **entries, size_t *nr)
{
	return list_all(dev, pages, sizeof(**entries), (void **)entries, nr);
}

static int envelopes(int dev, uint64_t first, void *entries, uint32_t *count,
		     uint64_t *total)
{
	return kho_envelope_list(dev, 0, first, entries, count, total);
}

static int arrived_envelopes(int dev, uint64_t first, void *entries,
			     uint32_t *count, uint64_t *total)
{
	return kho_envelope_list(dev, KHO_ENVELOPE_ARRIVED, first, entries,
				 count, total);
}

static int subtrees(int dev, uint64_t first, void *entries, uint32_t *count,
		    uint64_t *total)
{
	return kho_subtree_list(dev, first, entries, count, total);
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
