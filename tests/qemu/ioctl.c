// SPDX-License-Identifier: GPL-2.0
/*
 * What the programs that test /dev/kho share.
 */
#include "ioctl.h"

int kho;
int tests, failures;

bool result(bool good, const char *format, ...)
{
	va_list ap;

	tests++;
	failures += !good;
	printf("%sok %d - ", good ? "" : "not ", tests);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	return good;
}

/* The name of an errno. */
const char *name_of(int err)
{
	const char *name = err ? strerrorname_np(err) : "success";

	return name ? name : "an unknown error";
}

/* 0 or an errno. */
int call(unsigned long cmd, void *arg)
{
	return ioctl(kho, cmd, arg) < 0 ? errno : 0;
}

/* ---- Whatever was refused must have changed nothing ---- */

static bool same(const struct kho_query *a, const struct kho_query *b)
{
	return a->preserved_pages == b->preserved_pages &&
	       a->raw_pages == b->raw_pages &&
	       a->arrived_pages == b->arrived_pages &&
	       a->objects == b->objects &&
	       a->object_pages == b->object_pages &&
	       a->arrived_objects == b->arrived_objects &&
	       a->meta_pages == b->meta_pages;
}

static void show(const char *what, const char *member, __u64 before, __u64 after)
{
	if (before != after)
		printf("# %s: %s from %llu to %llu\n", what, member, before,
		       after);
}

bool unchanged(const struct kho_query *before, const char *what)
{
	struct kho_query after;

	get_query(kho, &after);
	if (same(before, &after))
		return true;
	show(what, "preserved pages", before->preserved_pages,
	     after.preserved_pages);
	show(what, "raw pages", before->raw_pages, after.raw_pages);
	show(what, "objects", before->objects, after.objects);
	show(what, "object pages", before->object_pages, after.object_pages);
	show(what, "metadata pages", before->meta_pages, after.meta_pages);
	return false;
}

/* The command has to fail with @want, and change nothing. */
void refused(int want, unsigned long cmd, void *arg, const char *what)
{
	struct kho_query before;
	int err;

	get_query(kho, &before);
	err = call(cmd, arg);
	if (!result(err == want && unchanged(&before, what), "%s: %s", what,
		    name_of(want)))
		printf("# got %s\n", name_of(err));
}

bool done(int err, const char *what)
{
	if (!result(!err, "%s", what)) {
		printf("# got %s\n", name_of(err));
		return false;
	}
	return true;
}

/* ---- Good input, to spoil ---- */

char *pool;
__u64 pool_pfn[POOL_PAGES];
__u64 pair_pfn;

void make_pool(void)
{
	int i, k;

	pool = locked_pages(POOL_PAGES);
	pfns_of(pool, pool_pfn, POOL_PAGES);
	for (i = 0; i < POOL_PAGES && !pair_pfn; i++)
		for (k = 0; k < POOL_PAGES && !(pool_pfn[i] & 1); k++)
			if (pool_pfn[k] == pool_pfn[i] + 1)
				pair_pfn = pool_pfn[i];
	if (!pair_pfn)
		die("no two pages of %u lie side by side", POOL_PAGES);
}

int add_page(__u64 pfn, __u32 order)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	return call(KHO_PAGE_ADD, &arg);
}

int del_page(__u64 pfn, __u32 order)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	return call(KHO_PAGE_DEL, &arg);
}

int create(const char *name, __u64 bytes, int *fd)
{
	struct kho_obj_create arg = { .size = sizeof(arg), .bytes = bytes };
	int err;

	memcpy(arg.name, name, strlen(name));
	err = call(KHO_OBJ_CREATE, &arg);
	*fd = err ? -1 : arg.fd;
	return err;
}

int remove_object(const char *name)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, strlen(name));
	return call(KHO_OBJ_REMOVE, &arg);
}

void need(int err, const char *what)
{
	if (err)
		die("%s: %s", what, name_of(err));
}
