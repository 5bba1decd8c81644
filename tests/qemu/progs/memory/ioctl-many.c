// SPDX-License-Identifier: GPL-2.0
/*
 * Many objects, lists of them, and freeing the memory of objects that are removed.
 */
#include <sys/stat.h>
#include <time.h>

#include "ioctl.h"

/* ---- Many ---- */

#define MANY	2000

struct wide {
	struct kho_obj_info info;
	char tail[72];
};

static struct wide wide[MANY];

static int list_infos(void *entries, __u64 first, __u32 *count, __u32 entry_size,
		      __u64 *total)
{
	struct kho_obj_info_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = ptr64(entries),
		.count = *count,
		.entry_size = entry_size,
	};
	int err = call(KHO_OBJ_INFO_LIST, &arg);

	*count = arg.count;
	*total = arg.total;
	return err;
}

static bool listed(const struct kho_obj_info *info, unsigned int i)
{
	char name[16];

	snprintf(name, sizeof(name), "many-%u", i);
	if (!strcmp((const char *)info->name, name) &&
	    info->size == sizeof(*info) && info->bytes == (i % 3 + 1) * PAGE &&
	    info->pages == i % 3 + 1 &&
	    info->flags == KHO_OBJ_CLAIMED && !info->uid && info->mode == 0600)
		return true;
	printf("# entry %u is '%.63s', size %u, %llu bytes, flags %#x\n", i,
	       info->name, info->size, (unsigned long long)info->bytes,
	       info->flags);
	return false;
}

static void test_info_list(void)
{
	static struct kho_obj_info infos[MANY];
	unsigned int i, right = 0;
	__u64 total;
	__u32 count;

	count = MANY;
	done(list_infos(infos, 0, &count, sizeof(*infos), &total), "list all");
	while (right < count && listed(&infos[right], right))
		right++;
	result(count == MANY && total == MANY && right == MANY,
	       "all are there, the oldest first");

	memset(wide, 0x55, sizeof(wide));
	for (i = 0, right = 0; i < MANY; i += count) {
		count = 300;
		need(list_infos(wide + i, i, &count, sizeof(*wide), &total), "list");
		if (!count)
			break;
	}
	for (i = 0; i < MANY; i++) {
		const char *tail = wide[i].tail;

		right += listed(&wide[i].info, i) &&
			 !memcmp(tail, tail + 1, sizeof(wide[i].tail) - 1) &&
			 tail[0] == 0x55;
	}
	result(right == MANY, "300 at a time, with room in between: left alone");
	result(count == MANY % 300, "the last time the rest");

	count = 1;
	failed_with(EINVAL, list_infos(infos, 0, &count, 64, &total),
		    "list with entries that are too small");
	count = 1;
	failed_with(EINVAL, list_infos(infos, 0, &count, sizeof(*infos) + 1, &total),
		    "list with entries that are misaligned");
	count = 1;
	failed_with(EINVAL, list_infos(infos, 0, &count, 0, &total),
		    "list with entries of no size");
	count = 2;
	failed_with(EFAULT, list_infos(NULL, 0, &count, sizeof(*infos), &total),
		    "list to null");
	count = 2;
	failed_with(EINVAL, list_infos(infos, 0, &count, ~7U, &total),
		    "list with entries of 4 GiB");
	count = 0;
	done(list_infos(NULL, 0, &count, sizeof(*infos), &total), "list without room");
	result(!count && total == MANY, "how many there are");
	count = 10;
	done(list_infos(infos, ~0ULL, &count, sizeof(*infos), &total),
	     "list from far behind the end");
	result(!count && total == MANY, "which gives none");
}

void test_many(void)
{
	struct kho_query before;
	char name[16];
	unsigned int i;
	int fd;

	get_query(kho, &before);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many-%u", i);
		need(create(name, (i % 3 + 1) * PAGE, &fd), "create");
		close(fd);
	}
	test_info_list();
	for (i = 0; i < MANY; i++) {
		/* Not in the order they were made in. */
		snprintf(name, sizeof(name), "many-%u", i * 7 % MANY);
		need(remove_object(name), "remove");
	}
	result(unchanged(&before, "many"), "%u objects come and go", MANY);
}

/* ---- Giving back ---- */

/* Waits until all memory that was given up is free; false if that takes too long. */
static bool all_is_free(struct kho_query *q)
{
	int i;

	for (i = 0; i < 1000; i++) {
		get_query(kho, q);
		if (q->freeing_done == q->freeing_pages)
			return true;
		usleep(20000);
	}
	return false;
}

/*
 * Objects of more than half of the free memory: one has to be freed before there can be
 * another.
 */
void test_giving_back(void)
{
	__u64 pages = (__u64)sysconf(_SC_AVPHYS_PAGES) * 6 / 10;
	struct kho_query before, q;
	int i, fd, err = 0;

	result(all_is_free(&before), "all that was given up is free");
	for (i = 0; i < 4 && !err; i++) {
		err = create("large", pages * PAGE, &fd);
		if (err)
			break;
		if (i < 3) {
			close(fd);
			err = remove_object("large");
		}
	}
	if (!done(err, "most of memory, given up and wanted again at once"))
		return;
	get_query(kho, &q);
	result(q.released_pages - before.released_pages == 3 * pages,
	       "three times it was given up");
	result(all_is_free(&q) && q.freeing_pages >= pages &&
	       q.freeing_pages % pages == 0, "and given back in the background");

	done(resize_object(fd, PAGE), "cut it off");
	get_query(kho, &q);
	result(q.object_pages - before.object_pages == 1,
	       "what is cut off is the object's no more");
	result(all_is_free(&q) && q.freeing_pages == pages - 1,
	       "and is given back in the background too");
	done(resize_object(fd, pages * PAGE), "have it back");
	close(fd);
	done(remove_object("large"), "remove");
	result(all_is_free(&q) && unchanged(&before, "giving back"),
	       "nothing is left behind");
}
