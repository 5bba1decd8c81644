// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that the next kernel will have: preserved pages must lie there.
 *
 * A kernel started by kexec gets a table of RAM that was made when it was loaded, from what
 * firmware reported at boot or later.  So three kinds of memory are not usable.  Memory added
 * by drivers (virtio-mem; CXL and persistent memory as RAM) is in no such table.  Memory added
 * after a kernel was loaded is not in that kernel's table.  And memory that was removed is gone.
 *
 * Memory may be added and removed while the module is loaded.  A notifier then renews
 * the tables, and refuses to remove memory that contains anything preserved.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "backend.h"
#include "base/log.h"
#include "core.h"
#include "mm/iomem.h"
#include "preserve.h"
#include "ram.h"

/**
 * struct ram_piece - a contiguous piece of RAM
 */
struct ram_piece {
	/** @pfn: number of the first page. */
	unsigned long pfn;
	/** @end: number of the page after the last one. */
	unsigned long end;
};

/**
 * struct ram_table - pieces of RAM in rising order
 */
struct ram_table {
	/** @nr: number of pieces. */
	unsigned int nr;
	/** @capacity: number of pieces that there is space for. */
	unsigned int capacity;
	/** @rcu: for freeing the table after its readers are done. */
	struct rcu_head rcu;
	/** @piece: the pieces. */
	struct ram_piece piece[];
};

/* Changed with kho.gate held for writing, or while the module is loaded or unloaded. */
static struct {
	/* RAM that is online. */
	struct ram_table __rcu *now;
	/* RAM that the loaded kernel will have, online or not; NULL if none is loaded. */
	struct ram_table __rcu *image;
	/* Becomes image once the kernel that is being loaded has been loaded. */
	struct ram_table *next;
	/* The page from which on these kernels have no memory, by their command lines. */
	unsigned long limit;
	unsigned long next_limit;
	/* Pages that are going offline: from the first number up to the second. */
	unsigned long offline_pfn;
	unsigned long offline_end;
	/* The last page of RAM after that, or 0 if that does not change. */
	unsigned long last_after;
	/* The module is ready; until then, its locks may be held for long. */
	bool watching;
	/* Memory was added or removed before that. */
	bool missed;
	/* How often memory was added or removed. */
	unsigned int renewals;
} ram;

/* ---- Tables ---- */

struct filling {
	struct ram_table *table;
	unsigned int wanted;
	bool online;
};

static void add_piece(struct filling *filling, unsigned long pfn, unsigned long end)
{
	struct ram_table *table = filling->table;

	if (table && table->nr && table->piece[table->nr - 1].end == pfn) {
		table->piece[table->nr - 1].end = end;
		return;
	}
	filling->wanted++;
	if (!table || table->nr == table->capacity)
		return;
	table->piece[table->nr].pfn = pfn;
	table->piece[table->nr].end = end;
	table->nr++;
}

static int fill(u64 addr, u64 bytes, void *data)
{
	unsigned long pfn = PFN_UP(addr), end = PHYS_PFN(addr + bytes), next;
	struct filling *filling = data;

	if (!filling->online) {
		if (pfn < end)
			add_piece(filling, pfn, end);
		return 0;
	}
	/* Memory goes online and offline by whole sections. */
	for (; pfn < end; pfn = next) {
		next = min(end, ALIGN(pfn + 1, PAGES_PER_SECTION));
		if (pfn_to_online_page(pfn))
			add_piece(filling, pfn, next);
	}
	return 0;
}

/* Retries if resources were added between counting and listing them. */
static struct ram_table *make_table(bool online, gfp_t gfp)
{
	struct filling filling = { .online = online };
	unsigned int capacity;

	for (;;) {
		filling.wanted = 0;
		/* Memory that is not online yet may lie beyond the end of all nodes. */
		kho_walk_ram(0, 1ULL << MAX_PHYSMEM_BITS, fill, &filling);
		if (filling.table && filling.wanted <= filling.table->capacity)
			return filling.table;
		kvfree(filling.table);
		capacity = filling.wanted;
		filling.table = kvzalloc(struct_size(filling.table, piece, capacity), gfp);
		if (!filling.table)
			return NULL;
		filling.table->capacity = capacity;
	}
}

static bool has(const struct ram_table *table, unsigned long pfn, unsigned long end)
{
	unsigned int low = 0, high = table->nr;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct ram_piece *piece = &table->piece[middle];

		if (pfn < piece->pfn)
			high = middle;
		else if (pfn >= piece->end)
			low = middle + 1;
		else
			return end <= piece->end;
	}
	return false;
}

/* Removes memory from @limit on, which a kernel with mem= does not have. */
static void cut(struct ram_table *table, unsigned long limit)
{
	while (table->nr && table->piece[table->nr - 1].pfn >= limit)
		table->nr--;
	if (table->nr)
		table->piece[table->nr - 1].end = min(table->piece[table->nr - 1].end, limit);
}

static bool equal(const struct ram_table *a, const struct ram_table *b)
{
	return a->nr == b->nr && !memcmp(a->piece, b->piece, a->nr * sizeof(a->piece[0]));
}

/* Number of the last page; no table of a running kernel is empty. */
static unsigned long last_of(const struct ram_table *table)
{
	return table->nr ? table->piece[table->nr - 1].end - 1 : 0;
}

static void replace(struct ram_table __rcu **place, struct ram_table *table)
{
	struct ram_table *old = rcu_replace_pointer(*place, table, true);

	if (old)
		kvfree_rcu(old, rcu);
}

/* ---- Queries ---- */

/**
 * kho_ram_check() - can these pages be preserved where they are?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: any.  Without kho.gate, the result may be out of date at once; see
 * kho_ram_stays() for the check to make with it.
 * Return: 0; -EREMOTE for memory that a driver added; -EADDRNOTAVAIL for the first 2 MiB,
 * the last page of RAM, and memory that the loaded kernel does not know.
 */
int kho_ram_check(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long end = pfn + nr_pages;
	const struct ram_table *now, *image;
	int ret = 0;

	rcu_read_lock();
	now = rcu_dereference(ram.now);
	image = rcu_dereference(ram.image);
	if (!has(now, pfn, end))
		ret = -EREMOTE;
	else if (pfn < kho_backend_lowest_pfn ||
		 (kho_backend_spares_last && end > last_of(now)))
		ret = -EADDRNOTAVAIL;
	else if (image && (!has(image, pfn, end) || end > last_of(image)))
		ret = -EADDRNOTAVAIL;
	rcu_read_unlock();
	return ret;
}

/**
 * kho_ram_has() - is this page RAM of this kernel?
 * @pfn: its number
 *
 * Context: any; after kho_ram_init().
 */
bool kho_ram_has(unsigned long pfn)
{
	bool ret;

	rcu_read_lock();
	ret = has(rcu_dereference(ram.now), pfn, pfn + 1);
	rcu_read_unlock();
	return ret;
}

/**
 * kho_ram_piece() - find the next piece of RAM, upwards
 * @pfn: number of the page to begin at; set to the first page of RAM from there on
 * @end: set to the number of the page after that piece of RAM
 *
 * Context: any.
 * Return: false if there is no more RAM.
 */
bool kho_ram_piece(unsigned long *pfn, unsigned long *end)
{
	const struct ram_table *now;
	unsigned int i;
	bool found;

	rcu_read_lock();
	now = rcu_dereference(ram.now);
	for (i = 0; i < now->nr && now->piece[i].end <= *pfn; i++)
		;
	if (i < now->nr) {
		*pfn = max(*pfn, now->piece[i].pfn);
		*end = now->piece[i].end;
	}
	found = i < now->nr;
	rcu_read_unlock();
	return found;
}

/**
 * kho_ram_piece_below() - find the next piece of RAM, downwards
 * @pfn: set to the first page of the highest piece of RAM that begins below @end
 * @end: number of the page to end before; lowered to the page after that piece
 *
 * Context: any.
 * Return: false if there is no more RAM.
 */
bool kho_ram_piece_below(unsigned long *pfn, unsigned long *end)
{
	const struct ram_table *now;
	unsigned int i;

	rcu_read_lock();
	now = rcu_dereference(ram.now);
	for (i = now->nr; i && now->piece[i - 1].pfn >= *end; i--)
		;
	if (i) {
		*pfn = now->piece[i - 1].pfn;
		*end = min(*end, now->piece[i - 1].end);
	}
	rcu_read_unlock();
	return i;
}

/**
 * kho_ram_last() - find the page that must be beyond the end of all envelopes
 *
 * Context: any.
 * Return: number of the last page of RAM, of this kernel or of the loaded kernel,
 * whichever is lower.
 */
unsigned long kho_ram_last(void)
{
	const struct ram_table *image;
	unsigned long last;

	rcu_read_lock();
	last = last_of(rcu_dereference(ram.now));
	image = rcu_dereference(ram.image);
	if (image)
		last = min(last, last_of(image));
	rcu_read_unlock();
	return last;
}

/**
 * kho_ram_stays() - do these pages stay online, and does none become RAM's last page?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: kho.gate or kho.lock held, so that removing memory either is seen here, or
 * sees pages that are marked now.
 */
bool kho_ram_stays(unsigned long pfn, unsigned long nr_pages)
{
	return (pfn >= ram.offline_end || pfn + nr_pages <= ram.offline_pfn) &&
	       (!ram.last_after || ram.last_after - pfn >= nr_pages);
}

/* ---- The loaded kernel ---- */

/**
 * kho_ram_image_begin() - note the RAM that a kernel loaded now would have
 * @limit: physical address in bytes from which on it has none; or 0
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 * Return: 0 or -ENOMEM.
 */
int kho_ram_image_begin(u64 limit)
{
	struct ram_table *table = make_table(false, GFP_KERNEL);

	if (!table)
		return -ENOMEM;
	kvfree(ram.next);
	ram.next = table;
	ram.next_limit = limit ? PHYS_PFN(limit) : ULONG_MAX;
	return 0;
}

/**
 * kho_ram_image_end() - the kernel was loaded
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 * Return: 0; -EINVAL if none was begun; -ESTALE if memory was added or removed meanwhile;
 * -ENOMEM.
 */
int kho_ram_image_end(void)
{
	struct ram_table *table;
	bool same;

	if (!ram.next)
		return kho_refuse(-EINVAL, "kho_image.state is %u, but no loading was begun",
				  KHO_IMAGE_LOADED);
	table = make_table(false, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	same = equal(table, ram.next);
	kvfree(table);
	if (!same)
		return kho_refuse(-ESTALE, "memory was added or removed while a kernel was loaded: load it again");
	cut(ram.next, ram.next_limit);
	replace(&ram.image, ram.next);
	ram.limit = ram.next_limit;
	ram.next = NULL;
	return 0;
}

/**
 * kho_ram_image_begun() - was a load begun, and not ended?
 *
 * Context: kho.lock held.
 */
bool kho_ram_image_begun(void)
{
	return ram.next;
}

/**
 * kho_ram_image_stop() - none is being loaded
 *
 * Context: kho.gate held for writing, and kho.lock.
 */
void kho_ram_image_stop(void)
{
	kvfree(ram.next);
	ram.next = NULL;
}

/**
 * kho_ram_image_forget() - none is loaded
 *
 * Context: kho.gate held for writing, and kho.lock.
 */
void kho_ram_image_forget(void)
{
	replace(&ram.image, NULL);
}

/**
 * kho_ram_renewals() - how often was memory added or removed?
 *
 * Context: any.
 */
unsigned int kho_ram_renewals(void)
{
	return READ_ONCE(ram.renewals);
}

/**
 * kho_ram_image_state() - is a kernel loaded, and does its table of RAM match?
 *
 * Context: may sleep; kho.lock held.
 * Return: KHO_IMAGE_NONE, KHO_IMAGE_LOADED, or KHO_IMAGE_STALE.
 */
u32 kho_ram_image_state(void)
{
	const struct ram_table *image;
	struct ram_table *table;
	u32 state;

	lockdep_assert_held(&kho.lock);

	image = rcu_dereference_protected(ram.image, lockdep_is_held(&kho.lock));
	if (!image)
		return KHO_IMAGE_NONE;
	table = make_table(false, GFP_KERNEL);
	if (table)
		cut(table, ram.limit);
	/* Without memory to find out, assume the worst. */
	state = table && equal(table, image) ? KHO_IMAGE_LOADED : KHO_IMAGE_STALE;
	kvfree(table);
	return state;
}

/**
 * kho_ram_image_known() - is a kernel loaded, or being loaded, as far as we were told?
 *
 * Context: kho.lock held.
 */
bool kho_ram_image_known(void)
{
	lockdep_assert_held(&kho.lock);

	return ram.next || rcu_access_pointer(ram.image);
}

/* More pieces than any machine has */
#define MOST_PIECES	1000000

static_assert(sizeof(struct ram_piece) == 2 * sizeof(u64));

/**
 * kho_ram_leave() - tell the next module which RAM the loaded kernel will have
 * @left: the record
 *
 * Context: may sleep; kho.gate held for writing.
 */
void kho_ram_leave(struct kho_left *left)
{
	const struct ram_table *image = rcu_dereference_protected(ram.image, true);

	if (!image)
		return;
	left->flags |= KHO_LEFT_IMAGE;
	left->nr_image = image->nr;
	left->image = kho_left_write(image->piece, image->nr * sizeof(image->piece[0]));
	left->image_limit = ram.limit;
}

/**
 * kho_ram_left() - learn that from the previous module
 *
 * Context: may sleep; kho.lock held, while the module is loaded.
 * Return: 0; -EINVAL, which is logged; -ENOMEM.
 */
int kho_ram_left(void)
{
	const struct kho_left *left = kho_left();
	struct ram_table *table;
	unsigned int i;
	int ret;

	if (!(left->flags & KHO_LEFT_IMAGE))
		return 0;
	if (left->nr_image > MOST_PIECES) {
		kho_left_refuse("the loaded kernel has too many pieces of RAM", left->nr_image);
		return -EINVAL;
	}
	table = kvzalloc(struct_size(table, piece, left->nr_image), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	table->nr = left->nr_image;
	table->capacity = table->nr;
	ret = kho_left_read(left->image, table->piece, table->nr * sizeof(table->piece[0]));
	for (i = 0; !ret && i < table->nr; i++) {
		const struct ram_piece *piece = &table->piece[i];

		if (piece->pfn < piece->end && (!i || piece[-1].end <= piece->pfn))
			continue;
		kho_left_refuse("the RAM of the loaded kernel is out of order", piece->pfn);
		ret = -EINVAL;
	}
	if (ret) {
		kvfree(table);
		return ret;
	}
	replace(&ram.image, table);
	ram.limit = left->image_limit;
	return 0;
}

/* ---- Memory hotplug ---- */

static void renew_now(void)
{
	replace(&ram.now, make_table(true, GFP_KERNEL | __GFP_NOFAIL));
	WRITE_ONCE(ram.renewals, ram.renewals + 1);
	kho_backend_memory_changed();
}

/*
 * Widens a range to the huge pages at its ends.  A page of 1 GiB may be larger than a
 * memory block, and is moved as a whole or not at all.
 */
static void widen_to_huge(unsigned long *pfn, unsigned long *end)
{
	struct page *first = pfn_to_online_page(*pfn), *last = pfn_to_online_page(*end - 1);

	if (first && PageHuge(first))
		*pfn = min(*pfn, folio_pfn(page_folio(first)));
	if (last && PageHuge(last))
		*end = max(*end, folio_pfn(page_folio(last)) +
				 folio_nr_pages(page_folio(last)));
}

/* Returns what of ours is in this range, for the log, or NULL. */
static const char *holder(unsigned long pfn, unsigned long end)
{
	const char *what = kho_backend_holds(pfn, end);

	if (what)
		return what;
	widen_to_huge(&pfn, &end);
	return kho_preserved_lies_in(pfn, end - pfn) ? "what is preserved lies there" : NULL;
}

/* Returns the last page of RAM without this range, or 0 if it is the same as now. */
static unsigned long last_without(unsigned long first, unsigned long end)
{
	const struct ram_table *now;
	unsigned long last = 0;
	unsigned int i;

	rcu_read_lock();
	now = rcu_dereference(ram.now);
	if (last_of(now) >= first && last_of(now) < end)
		for (i = 0; i < now->nr && now->piece[i].pfn < first; i++)
			last = min(now->piece[i].end, first) - 1;
	rcu_read_unlock();
	return last;
}

/* Lets nothing be preserved in a range any more; -EBUSY if anything already is. */
static int begin_offline(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long end = pfn + nr_pages, last = last_without(pfn, end);
	const char *what = holder(pfn, end);

	if (!what && last && kho_backend_spares_last && kho_preserved_lies_in(last, 1))
		what = "RAM would end with a page that is preserved";
	if (kho.frozen)
		what = "the machine is going down";
	if (what) {
		pr_warn_ratelimited("0x%llx bytes of memory at 0x%llx can't be removed: %s\n",
				    PFN_PHYS((u64)nr_pages), PFN_PHYS((u64)pfn), what);
		return -EBUSY;
	}
	kho_backend_let_go(pfn, nr_pages);
	ram.offline_pfn = pfn;
	ram.offline_end = end;
	ram.last_after = last;
	return 0;
}

static void end_offline(void)
{
	ram.offline_pfn = 0;
	ram.offline_end = 0;
	ram.last_after = 0;
}

/* The kernel adds or removes one block at a time. */
static int memory_changes(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct memory_notify *notify = data;
	int ret = 0;

	/*
	 * Loading the module may wait for the user of a page that is to be moved.  Memory
	 * hotplug must not wait for that, so it only leaves a note.
	 */
	if (!READ_ONCE(ram.watching)) {
		if (event == MEM_GOING_OFFLINE)
			return notifier_from_errno(-EBUSY);
		WRITE_ONCE(ram.missed, true);
		/* Pairs with smp_mb() in kho_ram_watch(). */
		smp_mb();
		if (!READ_ONCE(ram.watching))
			return NOTIFY_OK;
	}
	kho_stop_changes();
	switch (event) {
	case MEM_GOING_OFFLINE:
		ret = begin_offline(notify->start_pfn, notify->nr_pages);
		break;
	case MEM_CANCEL_OFFLINE:
		end_offline();
		break;
	case MEM_OFFLINE:
		end_offline();
		fallthrough;
	case MEM_ONLINE:
		/* Once frozen, what the next kernel reads must not change. */
		if (!kho.frozen)
			renew_now();
		break;
	}
	kho_resume_changes();
	return notifier_from_errno(ret);
}

static struct notifier_block memory_notifier = {
	.notifier_call = memory_changes,
};

/**
 * kho_ram_init() - find out what RAM there is, and register the notifier
 *
 * Context: may sleep; none of our locks held.
 * Return: 0 or -ENOMEM.
 */
int kho_ram_init(void)
{
	struct ram_table *table;
	int ret;

	/* Register first: then the notifier sees all changes after the table is made. */
	ret = register_memory_notifier(&memory_notifier);
	if (ret)
		return ret;
	kho_stop_changes();
	table = make_table(true, GFP_KERNEL);
	if (table)
		replace(&ram.now, table);
	kho_resume_changes();
	if (table)
		return 0;
	unregister_memory_notifier(&memory_notifier);
	replace(&ram.now, NULL);
	return -ENOMEM;
}

/**
 * kho_ram_watch() - handle memory hotplug at once from now on
 *
 * Context: may sleep; takes kho.gate and kho.lock; the module is loaded.
 */
void kho_ram_watch(void)
{
	WRITE_ONCE(ram.watching, true);
	/* A notifier that has seen false has left its note, or now sees true. */
	smp_mb();
	if (!READ_ONCE(ram.missed))
		return;
	kho_stop_changes();
	if (!kho.frozen)
		renew_now();
	kho_resume_changes();
}

/**
 * kho_ram_exit() - undo kho_ram_init()
 *
 * Context: may sleep; none of our locks held; nothing is preserved any more.
 */
void kho_ram_exit(void)
{
	unregister_memory_notifier(&memory_notifier);
	kvfree(ram.next);
	ram.next = NULL;
	replace(&ram.image, NULL);
	replace(&ram.now, NULL);
}
