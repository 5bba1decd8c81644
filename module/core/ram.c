// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which memory the next kernel will have: nothing that is preserved may lie anywhere
 * else.
 *
 * A kernel that is started by kexec gets a table of RAM that was made when it was
 * loaded, from what firmware has told of, then or later.  So three things are looked
 * at.  What drivers bring (virtio-mem, CXL and persistent memory as RAM) is in no such
 * table.  What was added after a kernel was loaded is not in that kernel's.  And what is
 * taken away is nobody's any more.
 *
 * Memory comes and goes while the module is loaded.  A notifier renews the tables, and
 * keeps memory from going that has anything preserved in it.
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
 * struct ram_piece - RAM without a gap
 */
struct ram_piece {
	/** @pfn: number of the first page. */
	unsigned long pfn;
	/** @end: number of the page behind the last one. */
	unsigned long end;
};

/**
 * struct ram_table - pieces of RAM by rising number
 */
struct ram_table {
	/** @nr: how many. */
	unsigned int nr;
	/** @room: how many there is room for. */
	unsigned int room;
	/** @rcu: readers may not be done with it yet. */
	struct rcu_head rcu;
	/** @piece: they. */
	struct ram_piece piece[];
};

/* Changed with kho.gate held for writing, or while the module is loaded or unloaded. */
static struct {
	/* What is RAM, and online. */
	struct ram_table __rcu *now;
	/* What the kernel that is loaded will know, online or not; NULL: none is. */
	struct ram_table __rcu *image;
	/* What image is to become once a kernel has been loaded. */
	struct ram_table *next;
	/* The page from which on they have no memory, by their command lines. */
	unsigned long limit;
	unsigned long next_limit;
	/* Going offline: pages from @leaves on, before @leaves_end. */
	unsigned long leaves;
	unsigned long leaves_end;
	/* The page that is the last one of RAM then, if it isn't yet. */
	unsigned long next_last;
	/* The module is ready; before that, its locks may be held for long. */
	bool watching;
	/* Memory has come or gone before that. */
	bool missed;
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
	if (!table || table->nr == table->room)
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
	/* Memory goes online and offline by sections at least. */
	for (; pfn < end; pfn = next) {
		next = min(end, ALIGN(pfn + 1, PAGES_PER_SECTION));
		if (pfn_to_online_page(pfn))
			add_piece(filling, pfn, next);
	}
	return 0;
}

/* Resources may come between counting them and listing them. */
static struct ram_table *make_table(bool online, gfp_t gfp)
{
	struct filling filling = { .online = online };
	unsigned int room;

	for (;;) {
		filling.wanted = 0;
		/* What is not online yet may lie beyond all nodes. */
		kho_walk_ram(0, 1ULL << MAX_PHYSMEM_BITS, fill, &filling);
		if (filling.table && filling.wanted <= filling.table->room)
			return filling.table;
		kvfree(filling.table);
		room = filling.wanted;
		filling.table = kvzalloc(struct_size(filling.table, piece, room), gfp);
		if (!filling.table)
			return NULL;
		filling.table->room = room;
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

/* A kernel with mem= on its command line has nothing behind that. */
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

/* Number of the last page; a kernel without any RAM does not run this. */
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

/* ---- What others ask ---- */

/**
 * kho_ram_check() - can pages lie there that the next kernel is to have?
 * @pfn: number of the first page
 * @nr_pages: how many, side by side
 *
 * Context: any.  What was true may be so no more when nothing keeps kho.gate; see
 * kho_ram_stays() for what matters then.
 * Return: 0; -EREMOTE for memory that a driver has brought; -EADDRNOTAVAIL for the first
 * 2 MiB, the last page of RAM, and for what the kernel that is loaded does not know of.
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
 * kho_ram_piece() - where is there RAM, from a page on?
 * @pfn: number of the page; set to that of the first one from there on that is RAM
 * @end: set to the number of the page behind the last one of that piece
 *
 * Context: any.
 * Return: false if there is none any more.
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
 * kho_ram_piece_below() - where is there RAM, up to a page?
 * @pfn: set to the number of the first page of the highest piece that begins below @end
 * @end: number of the page; lowered to that behind the last one of the piece
 *
 * Context: any.
 * Return: false if there is none.
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
 * kho_ram_last() - which page is no envelope to have in it, nor any behind it?
 *
 * Context: any.
 * Return: number of the last page of RAM, now or for the kernel that is loaded,
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
 * kho_ram_stays() - is none of these pages on its way offline, or the last one then?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: kho.gate or kho.lock held: what is marked then is seen by who takes memory
 * away.
 */
bool kho_ram_stays(unsigned long pfn, unsigned long nr_pages)
{
	return (pfn >= ram.leaves_end || pfn + nr_pages <= ram.leaves) &&
	       (!ram.next_last || ram.next_last - pfn >= nr_pages);
}

/* ---- The kernel that is loaded ---- */

/* What it would be told of now. */
static int begin_image(u64 limit)
{
	struct ram_table *table = make_table(false, GFP_KERNEL);

	if (!table)
		return -ENOMEM;
	kvfree(ram.next);
	ram.next = table;
	ram.next_limit = limit ? PHYS_PFN(limit) : ULONG_MAX;
	return 0;
}

/* It was, unless memory has come or gone since. */
static int end_image(void)
{
	struct ram_table *table;
	bool same;

	if (!ram.next)
		return kho_refuse(-EINVAL, "kho_image.state is %u, but none was begun",
				  KHO_IMAGE_LOADED);
	table = make_table(false, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	same = equal(table, ram.next);
	kvfree(table);
	if (!same)
		return kho_refuse(-ESTALE, "memory was added or taken away while a kernel was loaded: load it again");
	cut(ram.next, ram.next_limit);
	replace(&ram.image, ram.next);
	ram.limit = ram.next_limit;
	ram.next = NULL;
	return 0;
}

/**
 * kho_ram_image() - a kernel is being loaded, was loaded, or is no more
 * @state: KHO_IMAGE_*
 * @limit: with KHO_IMAGE_BEGUN: physical address in bytes from which on that kernel
 * has no memory, by its command line, or 0
 *
 * What is preserved has to lie where that kernel will have RAM, from now on.
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: 0; -EINVAL for a state that there is not, or one out of order; -ESTALE if
 * memory has come or gone since it was begun; -EOPNOTSUPP on the kernel's own KHO;
 * -ENOMEM; -ESHUTDOWN; -EPERM.
 */
int kho_ram_image(u32 state, u64 limit)
{
	int ret;

	if (state != KHO_IMAGE_NONE && state != KHO_IMAGE_BEGUN &&
	    state != KHO_IMAGE_LOADED)
		return kho_refuse(-EINVAL, "kho_image.state is %u, must be 0, 1 or 2",
				  state);
	if (limit && state != KHO_IMAGE_BEGUN)
		return kho_refuse(-EINVAL, "kho_image.limit is 0x%llx, must be 0 but with state 1",
				  limit);
	ret = kho_backend_check_image();
	if (ret)
		return ret;

	kho_stop_changes();
	ret = kho_may_change();
	if (!ret && state == KHO_IMAGE_BEGUN) {
		ret = begin_image(limit);
	} else if (!ret && state == KHO_IMAGE_LOADED) {
		ret = end_image();
	} else if (!ret) {
		kvfree(ram.next);
		ram.next = NULL;
		replace(&ram.image, NULL);
	}
	/* The last page may be another one. */
	if (!ret && state != KHO_IMAGE_BEGUN)
		kho_backend_image_changed();
	kho_resume_changes();
	return ret;
}

/**
 * kho_ram_image_state() - does the kernel that is loaded know the memory as it is?
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
	/* If that can't be told, nobody says that all is well. */
	state = table && equal(table, image) ? KHO_IMAGE_LOADED : KHO_IMAGE_STALE;
	kvfree(table);
	return state;
}

/* ---- Memory that comes and goes ---- */

static void renew_now(void)
{
	replace(&ram.now, make_table(true, GFP_KERNEL | __GFP_NOFAIL));
	kho_backend_memory_changed();
}

/*
 * A page of 1 GiB may be larger than a block of memory, and is moved as a whole or not
 * at all.
 */
static void widen(unsigned long *pfn, unsigned long *end)
{
	struct page *first = pfn_to_online_page(*pfn), *last = pfn_to_online_page(*end - 1);

	if (first && PageHuge(first))
		*pfn = min(*pfn, folio_pfn(page_folio(first)));
	if (last && PageHuge(last))
		*end = max(*end, folio_pfn(page_folio(last)) +
				 folio_nr_pages(page_folio(last)));
}

/* What of ours lies there, or NULL */
static const char *holder(unsigned long pfn, unsigned long end)
{
	const char *what = kho_backend_holds(pfn, end);

	if (what)
		return what;
	widen(&pfn, &end);
	return kho_preserved_lies_in(pfn, end - pfn) ? "what is preserved lies there" : NULL;
}

/* Which page will be the last one of RAM once these are gone; 0: the same as now. */
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

/* Nothing is preserved there from now on; -EBUSY if anything is already. */
static int begin_leaving(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long end = pfn + nr_pages, last = last_without(pfn, end);
	const char *what = holder(pfn, end);

	if (!what && last && kho_backend_spares_last && kho_preserved_lies_in(last, 1))
		what = "RAM would end with a page that is preserved";
	if (kho.frozen)
		what = "the machine is going down";
	if (what) {
		pr_warn_ratelimited("memory of 0x%llx bytes at 0x%llx can't be taken away: %s\n",
				    PFN_PHYS((u64)nr_pages), PFN_PHYS((u64)pfn), what);
		return -EBUSY;
	}
	kho_backend_let_go(pfn, nr_pages);
	ram.leaves = pfn;
	ram.leaves_end = end;
	ram.next_last = last;
	return 0;
}

static void end_leaving(void)
{
	ram.leaves = 0;
	ram.leaves_end = 0;
	ram.next_last = 0;
}

/* One block at a time goes, or comes: the kernel sees to that. */
static int memory_changes(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct memory_notify *notify = data;
	int ret = 0;

	/*
	 * Loading the module may wait for whoever has a page that is to be moved; then
	 * nobody else is to wait for it.
	 */
	if (!READ_ONCE(ram.watching)) {
		if (event == MEM_GOING_OFFLINE)
			return notifier_from_errno(-EBUSY);
		WRITE_ONCE(ram.missed, true);
		/* Pairs with the one in kho_ram_watch(). */
		smp_mb();
		if (!READ_ONCE(ram.watching))
			return NOTIFY_OK;
	}
	kho_stop_changes();
	switch (event) {
	case MEM_GOING_OFFLINE:
		ret = begin_leaving(notify->start_pfn, notify->nr_pages);
		break;
	case MEM_CANCEL_OFFLINE:
		end_leaving();
		break;
	case MEM_OFFLINE:
		end_leaving();
		fallthrough;
	case MEM_ONLINE:
		/* What the next kernel is told may be read at any moment. */
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
 * kho_ram_init() - find out what RAM there is, and watch it from now on
 *
 * Context: may sleep; none of our locks held.
 * Return: 0 or -ENOMEM.
 */
int kho_ram_init(void)
{
	struct ram_table *table;
	int ret;

	/* First watch, then look: it is renewed by whoever is later. */
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
 * kho_ram_watch() - from now on memory that comes or goes waits for the module
 *
 * Context: may sleep; takes kho.gate and kho.lock; the module is loaded.
 */
void kho_ram_watch(void)
{
	WRITE_ONCE(ram.watching, true);
	/* Who has seen it false has left a note, or sees it now. */
	smp_mb();
	if (!READ_ONCE(ram.missed))
		return;
	kho_stop_changes();
	if (!kho.frozen)
		renew_now();
	kho_resume_changes();
}

/**
 * kho_ram_exit() - the opposite of kho_ram_init()
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
