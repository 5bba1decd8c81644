// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/takeover.c and the reading of objects, with a backend of the test's own: pages
 * are entries of a table, and any call of the backend and any allocation can be made to
 * fail.
 *
 * Whatever fails, and whatever the records say: up to the commit, no byte of the incoming
 * pages has changed, and each page is either unclaimed or has exactly one owner.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long fail_in;		/* which call of fails() returns true; 0: none */
static unsigned long asked;		/* calls so far */

/* Must the step that asks fail? */
static int fails(void)
{
	return ++asked == fail_in;
}

static void *get_zeroed(size_t bytes)
{
	return fails() ? NULL : calloc(1, bytes);
}

static void *get_more(void *p, size_t bytes)
{
	return fails() ? NULL : realloc(p, bytes);
}

/* Stand-ins for the kernel's allocators, and other definitions. */
#define KHO_COMPAT_H
#define SHIM_LINUX_SLAB_H
#define kzalloc(size, gfp)		get_zeroed(size)
#define krealloc(p, size, gfp)		get_more(p, size)
#define kvmalloc_array(nr, size, gfp)	get_more(NULL, (nr) * (size))
#define kmalloc_array(nr, size, gfp)	get_more(NULL, (nr) * (size))
#define kfree(p)			free(p)
#define kvfree(p)			free(p)
#define GFP_KERNEL_ACCOUNT		0
#define __GFP_RETRY_MAYFAIL		0
#define __GFP_NOWARN			0
#define PAGE_MASK			(~(PAGE_SIZE - 1))
#define PAGE_ALIGNED(x)			(!((x) & ~PAGE_MASK))
#define PFN_PHYS(pfn)			((u64)(pfn) << PAGE_SHIFT)
#define PMD_SHIFT			(PAGE_SHIFT + 9)
#define PUD_SHIFT			(PAGE_SHIFT + 18)
#define U32_MAX				UINT32_MAX
#define __user
#define max(a, b)			((a) > (b) ? (a) : (b))
#define swap(a, b) do { __typeof__(a) was = (a); (a) = (b); (b) = was; } while (0)
#define offset_in_page(at)		((unsigned long)(at) & ~PAGE_MASK)
#define __pa(at)			virt_to_phys(at)
#define lockdep_is_held(lock)		true
#define lockdep_assert(cond)		((void)0)
#define pfn_to_online_page(pfn)		((struct page *)NULL)
#define DECLARE_BITMAP(name, bits)	unsigned long name[((bits) + 63) / 64]
#define strscpy(to, from, size)		strscpy_pad(to, from, size)
#define __GFP_NOFAIL			0

static inline void strscpy_pad(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from);
}

#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "tap.h"

#include "fake-backend.h"

/* ---- Functions that they call, but that are not tested here ---- */

const char *kho_arch_find(struct kho_boot_list *list, bool strict) { return NULL; }
bool kho_locked_pages(void) { return true; }
bool kho_ram_has(unsigned long pfn) { return true; }
bool kho_page_reserved(struct page *page) { return true; }
bool kho_list_covers(u64 pfn, u64 nr_pages) { return true; }
u64 kho_unclaimed_pages(void) { return 0; }
void kho_text_clean(void *text, size_t size) { }
void kho_poison_arrived(void) { }
void kho_poison_forget(void) { }
void kho_poison_commit(void) { }
void kho_trim_start(void) { }
void kho_trim_refused(void) { }
void kho_trim_exit(void) { }
void kho_changed(void) { }
void kho_trim_restore(u32 state, u64 total, u64 done) { }
void kho_trim_query(struct kho_query *query) { }
void kho_uncharge(struct kho_object *object, u64 nr_pages) { }
u64 kho_left_write(const void *data, size_t bytes) { return 0; }

/* What another module has left, or version 0. */
static struct kho_left left;
/* The chain of what is pinned. */
static u64 pinned[4];
static unsigned int refusals, done;

const struct kho_left *kho_left(void)
{
	return left.version ? &left : NULL;
}

bool kho_left_page(u64 pfn)
{
	return true;
}

void kho_left_refuse(const char *why, u64 value)
{
	refusals++;
}

void kho_left_done(void)
{
	done += kho_left() && kho.committed;
	left.version = 0;
}

int kho_left_read(u64 chain, void *data, size_t bytes)
{
	if (fails())
		return -EINVAL;
	memcpy(data, pinned, bytes);
	return 0;
}

int kho_pages_left(void)
{
	return fails() ? -ENOMEM : 0;
}

int kho_ram_left(void)
{
	return fails() ? -ENOMEM : 0;
}

static void sort(void *base, size_t nr, size_t size,
		 int (*compare)(const void *a, const void *b), void *swap)
{
	qsort(base, nr, size, compare);
}

int kho_sums_alloc(u64 nr_pages, u64 *first) { return 0; }
void kho_sums_free(u64 first) { }
void kho_data_free(u64 addr) { }

LIST_HEAD(kho_objects);
struct kho_object_counts kho_object_counts;

int kho_name_check(const u8 *name)
{
	return name[0] && memchr(name, 0, KHO_OBJS_NAME_SIZE) ? 0 : -EINVAL;
}

struct kho_object *kho_object_find(const char *name)
{
	struct kho_object *object;

	list_for_each_entry(object, &kho_objects, list)
		if (!strcmp(object->name, name))
			return object;
	return NULL;
}

void kho_object_adopt(struct kho_object *object, struct kho_objs_record *record)
{
	memcpy(object->name, record->name, sizeof(object->name));
	object->record = record;
	list_add_tail(&object->list, &kho_objects);
	kho_object_counts.nr++;
}

void kho_objects_commit(void)
{
	kho_records_commit();
}

void kho_objects_forget(void)
{
	struct kho_object *object, *next;

	list_for_each_entry_safe(object, next, &kho_objects, list) {
		list_del(&object->list);
		kho_extents_free(&object->mem);
		free(object);
	}
	kho_object_counts.nr = 0;
	kho_records_forget();
}

void kho_mem_init(struct kho_mem *mem, const struct kho_mem_ops *ops)
{
	mem->ops = ops;
}

int kho_mem_add(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		unsigned int order)
{
	struct kho_extent *extent;
	int ret = kho_extents_add_room(mem);

	if (ret)
		return ret;
	extent = kho_extent_at(mem, mem->nr_extents++);
	extent->pfn = pfn;
	extent->nr_pages = nr_pages;
	extent->order = order;
	mem->nr_pages += nr_pages;
	return 0;
}

int kho_extent_each(const struct kho_extent *extent, int (*fn)(u64 pfn, u64 nr_pages))
{
	u64 done, step = extent->nr_pages;
	int ret = 0;

	if (extent->order)
		step = 1ULL << KHO_OBJS_KEY_ORDER(extent->order);
	for (done = 0; done < extent->nr_pages && !ret; done += step)
		ret = fn(extent->pfn + done, step);
	return ret;
}

#include "../../module/incoming/incoming.c"
#include "../../module/incoming/left.c"
#include "../../module/memory/extents.c"
#include "../../module/objects/chain.c"
#include "../../module/objects/left.c"
#include "../../module/objects/records.c"
#undef PER_CHUNK
#include "../../module/objects/restore.c"
#include "../../module/takeover.c"

/* ---- A handover ---- */

#define OBJECTS		12
#define HEAD		0
#define METADATA	1
#define FIRST_RECORDS	2		/* and the next one */
#define FIRST_MORE	4		/* one, of the object with many extents */
#define FIRST_DATA	5		/* one, of the second object */
#define FIRST_PAGE	8		/* of the objects' pages */
#define MANY		9		/* extents of the first object */

static unsigned char before[PAGES][1UL << PAGE_SHIFT];

static u64 phys_of(unsigned long i)
{
	return BASE + ((u64)i << PAGE_SHIFT);
}

static void add_object(struct kho_objs_record *record, unsigned int nr, unsigned long *at)
{
	struct kho_objs_extents *more = (void *)memory[FIRST_MORE];
	unsigned int i, extents = nr ? 1 + nr % 3 : MANY;

	snprintf((char *)record->name, sizeof(record->name), "object %u", nr);
	for (i = 0; i < extents; i++) {
		struct kho_objs_extent *extent = i < KHO_OBJS_INLINE ?
			&record->extents[i] : &more->extents[i - KHO_OBJS_INLINE];

		extent->addr = phys_of(*at);
		extent->nr_pages = 1 + i % 2;
		/* An extent of two blocks, which are claimed one after the other. */
		if (nr % 2) {
			*at = (*at + 1) & ~1UL;
			extent->addr = phys_of(*at) | 1;
			extent->nr_pages = 4;
		}
		record->size += extent->nr_pages << PAGE_SHIFT;
		/* Extents must not be adjacent. */
		*at += extent->nr_pages + 1;
	}
	record->nr_extents = extents;
	record->mode = 0600;
	if (!nr)
		record->more = phys_of(FIRST_MORE);
	if (nr == 1) {
		struct kho_objs_data *data = (void *)memory[FIRST_DATA];

		record->data = phys_of(FIRST_DATA);
		data->bytes = 100;
	}
}

/* Makes all that the previous kernel hands over. */
static void make_handover(void)
{
	struct kho_objs_head *objs = (void *)memory[HEAD];
	struct kho_metadata *metadata = (void *)memory[METADATA];
	struct kho_objs_page *page;
	unsigned long at = FIRST_PAGE;
	unsigned int i;

	memset(memory, 0, sizeof(memory));
	memset(taken, 0, sizeof(taken));
	strcpy((char *)objs->compatible, KHO_OBJS_COMPATIBLE);
	objs->page_shift = PAGE_SHIFT;
	objs->record_size = sizeof(struct kho_objs_record);
	objs->nr_objects = OBJECTS;
	objs->first = phys_of(FIRST_RECORDS);
	page = (void *)memory[FIRST_RECORDS];
	page->next = phys_of(FIRST_RECORDS + 1);
	for (i = 0; i < OBJECTS; i++) {
		page = (void *)memory[FIRST_RECORDS + i % 2];
		add_object(&page->records[i / 2], i, &at);
	}
	if (at > ARRIVED)
		abort();
	metadata->version = KHO_METADATA_VERSION;
	strcpy((char *)metadata->previous_release, "6.1.0-test");
	metadata->kexec_count = 7;

	memset(&fdt, 0, sizeof(fdt));
	fdt.nr = 2;
	strcpy(fdt.child[0].name, KHO_OBJS_NODE);
	fdt.child[0].addr = phys_of(HEAD);
	fdt.child[0].size = sizeof(*objs);
	fdt.child[0].has = 3;
	strcpy(fdt.child[1].name, KHO_METADATA_NODE);
	fdt.child[1].addr = phys_of(METADATA);
	fdt.child[1].size = sizeof(*metadata);
	fdt.child[1].has = 3;
}

/* Sets the state that the module has after it was loaded. */
static void begin(void)
{
	memcpy(before, memory, sizeof(memory));
	memset(&incoming, 0, sizeof(incoming));
	memset(&bad, 0, sizeof(bad));
	incoming.fdt = &fdt;
	kho.committed = false;
	asked = 0;
	reads = 0;
	keeps = 0;
	commits = 0;
	finishes = 0;
	exits = 0;
}

/* Is each incoming page either unclaimed, or owned exactly once? */
static bool each_has_one_owner(void)
{
	static unsigned char owners[PAGES];
	struct kho_object *object;
	unsigned long i;
	u64 e, n;

	for (i = 0; i < PAGES; i++)
		owners[i] = unclaimed[i];
	for (i = 0; i < nr_metapages; i++)
		owners[metapages[i]]++;
	list_for_each_entry(object, &kho_objects, list)
		for (e = 0; e < object->mem.nr_extents; e++) {
			const struct kho_extent *extent = kho_extent_at(&object->mem, e);

			for (n = 0; n < extent->nr_pages; n++)
				owners[extent->pfn - PHYS_PFN(BASE) + n]++;
		}
	for (i = 0; i < ARRIVED; i++)
		if (owners[i] != 1)
			return false;
	return true;
}

static bool is_as_it_came(void)
{
	return !memcmp(before, memory, (size_t)ARRIVED << PAGE_SHIFT);
}

static bool nothing_is_left(void)
{
	unsigned long i;

	for (i = 0; i < ARRAY_SIZE(by_pfn.slot); i++)
		if (by_pfn.slot[i].entry)
			return false;
	return list_empty(&kho_objects) && !nr_metapages && list_empty(&pages) &&
	       list_empty(&with_room) && !head && !kho_object_counts.nr;
}

static void test_all_good(void)
{
	make_handover();
	begin();
	ok(!kho_takeover(), "a good handover is taken over");
	ok(kho_incoming_taken() && kho_object_counts.nr == OBJECTS, "with all its objects");
	ok(each_has_one_owner(), "each page has one owner");
	ok(is_as_it_came(), "no byte has changed");
	ok(incoming.generation == 7 && !strcmp(incoming.previous_release, "6.1.0-test"),
	   "the previous kernel is known");
	ok(reads == 1 && keeps == 1 && !commits && !exits, "each step was taken once");
	kho_takeover_commit();
	ok(commits == 1 && finishes == 1 && kho.committed, "then it is committed");
	ok(is_as_it_came(), "which changes nothing where all was good");
	kho.committed = false;
	kho_takeover_exit();
	ok(exits == 1 && nothing_is_left(), "let go of, nothing is left of it");
}

static void test_faults(void)
{
	unsigned long total, nth, failed = 0;
	bool good = true;

	make_handover();
	begin();
	kho_takeover();
	total = asked;
	kho_takeover_exit();
	for (nth = 1; nth <= total; nth++) {
		int ret;

		begin();
		fail_in = nth;
		ret = kho_takeover();
		fail_in = 0;
		failed += ret == -ENOMEM;
		if (ret && (ret != -ENOMEM || !exits || !nothing_is_left() || commits ||
			    kho_incoming_taken()))
			good = false;
		if (!ret && !each_has_one_owner())
			good = false;
		if (!is_as_it_came())
			good = false;
		if (!ret)
			kho_takeover_exit();
		/* The next try to load the module may find enough memory. */
		begin();
		if (kho_takeover() || kho_object_counts.nr != OBJECTS || !each_has_one_owner())
			good = false;
		kho_takeover_exit();
		if (!good)
			break;
	}
	ok(good, "each of %lu steps fails once: nothing changes, and the next try succeeds", total);
	ok(failed == total, "each of them is -ENOMEM for the caller");
}

static void test_bad_head(void)
{
	static const struct {
		size_t at;
		const char *what;
	} cases[] = {
		{ offsetof(struct kho_objs_head, compatible), "format" },
		{ offsetof(struct kho_objs_head, page_shift), "page size" },
		{ offsetof(struct kho_objs_head, record_size), "record size" },
		{ offsetof(struct kho_objs_head, reserved), "reserved field" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_handover();
		memory[HEAD][cases[i].at] ^= 1;
		begin();
		ok(!kho_takeover() && kho_incoming_taken() && !kho_object_counts.nr &&
		   each_has_one_owner() && unclaimed[FIRST_PAGE] && incoming.error[0] &&
		   is_as_it_came(),
		   "a head with another %s: all pages are kept, and belong to no object",
		   cases[i].what);
		kho_takeover_exit();
		ok(nothing_is_left(), "and nothing is left of that");
	}
}

/* What a module leaves: the third object, of a process, is pinned. */
static void make_left(void)
{
	struct kho_objs_page *page = (void *)memory[FIRST_RECORDS];

	make_handover();
	memset(&left, 0, sizeof(left));
	left.version = KHO_LEFT_VERSION;
	left.arrival = KHO_ARRIVAL_NONE;
	left.generation = 5;
	left.changes = 1000;
	left.nr_pinned = 1;
	pinned[0] = virt_to_phys(&page->records[1]);
	incoming.left = true;
	refusals = 0;
	done = 0;
}

static void test_left(void)
{
	struct kho_object *object;
	unsigned int nr = 0;

	make_left();
	begin();
	incoming.left = true;
	ok(!kho_takeover() && kho_object_counts.nr == OBJECTS && each_has_one_owner() &&
	   is_as_it_came(), "what another module has left is taken over");
	ok(incoming.generation == 5 && kho_incoming_arrival() == KHO_ARRIVAL_NONE &&
	   kho.changes == 1000, "with what it knew of how this kernel was started");
	list_for_each_entry(object, &kho_objects, list)
		nr += object->mem.pinned && !strcmp(object->name, "object 2");
	ok(nr == 1, "and with what is pinned");
	kho_takeover_commit();
	ok(done == 1, "the record is removed once it is committed");
	kho.committed = false;
	kho_takeover_exit();
}

static void test_left_faults(void)
{
	unsigned long total, nth;
	bool good = true;

	make_left();
	begin();
	incoming.left = true;
	kho_takeover();
	total = asked;
	kho_takeover_exit();
	for (nth = 1; nth <= total && good; nth++) {
		make_left();
		begin();
		incoming.left = true;
		fail_in = nth;
		good = kho_takeover() && exits && nothing_is_left() && is_as_it_came() &&
		       !done && !commits && left.version;
		fail_in = 0;
		/* Then the module that has left it is loaded again. */
		begin();
		incoming.left = true;
		good = good && !kho_takeover() && kho_object_counts.nr == OBJECTS &&
		       each_has_one_owner();
		kho_takeover_exit();
	}
	ok(good, "each of %lu steps fails once: it stays for another module", total);
}

static void test_left_bad(void)
{
	static const char *const what[] = {
		"a bad head", "a bad record", "a bad count", "a pinned object that is none",
		"more pinned objects than there are",
	};
	struct kho_objs_page *page = (void *)memory[FIRST_RECORDS];
	struct kho_objs_head *objs = (void *)memory[HEAD];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		make_left();
		if (i == 0)
			objs->page_shift++;
		if (i == 1)
			page->records[0].mode = 07777;
		if (i == 2)
			objs->nr_objects++;
		if (i == 3)
			pinned[0] += 8;
		if (i == 4)
			left.nr_pinned = 1ULL << 40;
		begin();
		incoming.left = true;
		ok(kho_takeover() == -EINVAL && refusals && nothing_is_left() && is_as_it_came() &&
		   left.version, "%s: nothing is taken over, and all of it stays", what[i]);
	}
	left.version = 0;
}

/* Flips a bit, or writes the address of any page. */
static void spoil(void)
{
	unsigned long page = rand() % FIRST_PAGE;
	unsigned long at = rand() % (sizeof(memory[0]) / 8) * 8;
	u64 word = phys_of(rand() % PAGES);

	/* Most members are at the beginning of a page. */
	if (rand() % 2)
		at %= 1024;
	if (rand() % 2)
		memory[page][at + rand() % 8] ^= 1 << rand() % 8;
	else
		memcpy(&memory[page][at], &word, sizeof(word));
}

static void test_spoilt(void)
{
	unsigned int i, n, rounds = 20000, taken_over = 0, objects = 0;
	bool good = true;

	srand(1);
	for (i = 0; i < rounds && good; i++) {
		make_handover();
		for (n = 1 + rand() % 4; n; n--)
			spoil();
		begin();
		if (rand() % 4 == 0)
			fail_in = 1 + rand() % 80;
		if (kho_takeover()) {
			good = nothing_is_left() && exits;
		} else {
			taken_over++;
			objects += kho_object_counts.nr;
			good = each_has_one_owner();
		}
		fail_in = 0;
		good &= is_as_it_came();
		if (!reads || !good)
			break;
		if (kho_incoming_taken())
			kho_takeover_exit();
		good = nothing_is_left();
	}
	ok(good, "%u handovers with wrong bytes: each page has one owner, no byte changes", rounds);
	ok(taken_over > rounds / 2 && objects > rounds * 4, "most objects of them are good");
	if (!good)
		printf("# round %u\n", i);
}

int main(void)
{
	tap_start();
	test_all_good();
	test_faults();
	test_bad_head();
	test_spoilt();
	test_left();
	test_left_faults();
	test_left_bad();
	return tap_done();
}
