/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the module know of each other, and nobody else does.
 *
 * Lock order, from the outermost on:
 *
 *	reboot notifiers	the chain's lock, while the notifier is called; that of
 *				sleep notifiers; and that of memory notifiers, inside
 *				memory hotplug's
 *	inode->i_rwsem		of an object's file: who writes, seals or resizes,
 *				and what takes longer the more pages it has
 *	kho.gate		for reading: what is preserved changes; it is
 *				taken for writing when nothing may any more
 *	kho.lock		all of struct kho, the objects and their
 *				records, and that what is preserved changes as
 *				one step
 *	mem->lock		the extents of one object, while they change
 *	tree->lock		of any one of the trees
 *	a tree's region locks	of base pages: see mark.c
 *	kho.blocks.lock		which blocks the envelopes have to cover; a leaf
 *	kho.blobs_lock		the list of metadata pages; a leaf
 *	freeing.lock		freeing.c: what is to be given back; a leaf
 *	accounts_lock		account.c: what users keep; a leaf
 *	patterns_lock		folio.c: how folios are made; a leaf
 *	held_lock		scratch-hold.c: what of scratch is ours; a leaf
 *
 * Who marks pages holds kho.gate or kho.lock: a jump waits for both.  With the
 * gate alone, many may do so at a time; they take kho.lock when they are done, to
 * say kho_changed(), and let go of the gate after that.
 *
 * mmap_lock is taken inside none of them but i_rwsem: user memory is copied
 * before they are taken and after they were dropped, and pinned before.  A page
 * fault on an object takes mem->lock for reading below mmap_lock, which is why
 * nothing that may fault is done under mem->lock.  i_mmap_rwsem, for unmapping
 * what is cut off, is not taken below mem->lock.
 *
 * A fault takes the lock of the page that it is about after mem->lock was dropped,
 * and keeps it until the page is mapped; who cuts pages off locks each of them,
 * with the inode's lock and none of ours below it.  So neither is taken inside
 * the other.
 */
#ifndef KHO_INTERNAL_H
#define KHO_INTERNAL_H

#include <linux/build_bug.h>
#include <linux/container_of.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "compat/compat.h"
#include "backend/own/cover.h"
#include "mm/folio.h"
#include "mm/memory.h"
#include "mm/reserved.h"
#include "backend/native/kernel.h"
#include "poison/poison.h"
#include "tree/tree.h"
#include "base/args.h"
#include "base/log.h"
#include "base/pseudofile.h"
#include "base/text.h"

#include <kho/boot_info.h>
#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <linux/kho.h>

struct file;
struct inode;
struct page;

/**
 * struct kho_list - the setup_data list that this kernel was started with
 */
struct kho_list {
	/** @announcements: nodes of type SETUP_KEXEC_KHO; one is right. */
	unsigned int announcements;
	/** @node: physical address of the last of them. */
	u64 node;
	/** @len: of its data, as it says. */
	u32 len;
	/** @taken: it has been taken over already. */
	bool taken;
	/** @cut_off: only its beginning could be read. */
	bool cut_off;
	/** @data: what it says, if its length is right. */
	struct kho_data data;
	/** @nr: envelopes; more than there is room for is an error. */
	unsigned int nr;
	/** @envelope: as they come. */
	struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	/** @first_node: lowest address of a node of an envelope. */
	u64 first_node;
	/** @last_node: highest address of one. */
	u64 last_node;
};

/* With 100,000 objects some 25 are looked at to find one. */
#define KHO_NAME_BITS	12

/* Pages that a PMD maps. */
#define KHO_PMD_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define KHO_PUD_ORDER	(PUD_SHIFT - PAGE_SHIFT)

/**
 * struct kho_state - all that the module has; there is one of it
 */
struct kho_state {
	/** @gate: held while what is preserved changes.  See above. */
	struct rw_semaphore gate;
	/** @lock: protects all that follows.  See above. */
	struct mutex lock;
	/** @frozen: the machine is going down; set with the gate closed. */
	bool frozen;
	/** @resuming: the machine is about to resume from hibernation; as above. */
	bool resuming;
	/** @committed: what arrived, if anything, is ours for good. */
	bool committed;
	/** @pinned: a reference keeps the module loaded. */
	bool pinned;
	/** @changes: grows with each change. */
	u64 changes;
	/** @released: base pages given up. */
	u64 released;
	/** @freeing: objects whose pages freeing.c has to give back. */
	u64 freeing;

	/** @tree: what the next kernel is to keep. */
	struct kho_radix_tree tree;
	/** @raw: of @tree, what KHO_PAGE_ADD marked here. */
	struct kho_radix_tree raw;
	/** @arrived: of @tree, what arrived and belongs to no object. */
	struct kho_radix_tree arrived;
	/** @lean: of @tree, what a kernel with KHO of its own is told of. */
	struct kho_radix_tree lean;
	/** @kernel_pages: of @tree, base pages that other modules preserved. */
	u64 kernel_pages;

	/** @objects: all objects, oldest first. */
	struct list_head objects;
	/** @by_name: the same objects. */
	struct hlist_head by_name[1 << KHO_NAME_BITS];
	/** @open_mems: memory of which there are files, by kho_mem->open. */
	struct list_head open_mems;
	/** @nr_objects: how many. */
	u64 nr_objects;
	/** @object_pages: their base pages, without metadata. */
	u64 object_pages;
	/** @arrived_objects: how many of them arrived. */
	u64 arrived_objects;

	/** @blobs_lock: protects the following two; a leaf. */
	struct mutex blobs_lock;
	/** @blobs: pages with metadata other than nodes, by page->lru. */
	struct list_head blobs;
	/** @nr_blobs: how many. */
	u64 nr_blobs;
	/** @head: where the records of the objects begin. */
	struct kho_objs_head *head;
	/** @metadata: which kernel this is, for the next one. */
	struct kho_metadata *metadata;
	/** @fdt: the page with the root FDT. */
	void *fdt;
	/** @fdt_room: where the next one is put together. */
	void *fdt_room;
	/** @out: what @fdt says. */
	struct kho_fdt *out;
	/** @exact: leads to @tree while @fdt leads to @lean, else NULL. */
	struct kho_exact *exact;

	/** @blocks: what the envelopes have to cover. */
	struct kho_blocks blocks;
	/** @blocks_short: memory was added that it knows nothing of. */
	bool blocks_short;
	/** @envelopes_stale: the best may be others now; kho.blocks.lock. */
	bool envelopes_stale;
	/** @nr_envelopes: of @envelope. */
	unsigned int nr_envelopes;
	/** @envelope: what is announced, by rising address. */
	struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	/** @envelope_pages: base pages of RAM in these. */
	u64 envelope_pages;
	/** @least_open: blocks of RAM in the smallest gap between them, or 0. */
	u64 least_open;

	/** @held_pfn: the last page of RAM, if it is ours so that nobody has it, or 0. */
	unsigned long held_pfn;

	/** @setup: the page with the setup_data node and the scratch array. */
	void *setup;
	/** @setup_shown: somebody may have put its address into an image. */
	bool setup_shown;
	/** @scratch_pfn: first page of scratch; see scratch-hold.c. */
	unsigned long scratch_pfn;
	/** @scratch_pages: how many it has, or 0: there is none. */
	unsigned long scratch_pages;

	/** @arrival: KHO_ARRIVAL_*. */
	u32 arrival;
	/** @arrival_kind: KHO_KIND_*. */
	u32 arrival_kind;
	/** @generation: handovers that led to this kernel. */
	u32 generation;
	/** @boot: what the stub said, or would have said. */
	struct kho_boot_info boot;
	/** @list: what this kernel was started with. */
	struct kho_list list;
	/** @waiting: what the kernel's own KHO keeps until somebody asks for it. */
	struct kho_radix_tree waiting;
	/** @in: what the FDT that arrived says. */
	struct kho_fdt *in;
	/** @in_root: of the tree of all that arrived. */
	u64 in_root;
	/** @in_lean: it is not the one that @in leads to. */
	bool in_lean;
	/** @arrival_error: why it was refused. */
	char arrival_error[128];
	/** @previous_release: of the kernel before. */
	char previous_release[KHO_METADATA_RELEASE];
};

/*
 * For what is allocated for whoever calls: his memory cgroup is charged, and if
 * that is at its limit, this fails instead of having one of its processes killed.
 */
#define KHO_GFP_CHARGED	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

extern struct kho_state kho;
extern unsigned int kho_abi;
extern unsigned long kho_scratch_mib;
extern bool kho_drop;
extern unsigned int kho_max_idle;

/**
 * kho_in_scratch() - does any of these pages lie in scratch?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Return: true if so.
 */
static inline bool kho_in_scratch(u64 pfn, u64 nr_pages)
{
	unsigned long scratch_pages;

	if (kho_native())
		return kho_native_in_scratch(pfn, nr_pages);
	/* Scratch that comes late has none of these pages: see scratch-hold.c. */
	scratch_pages = smp_load_acquire(&kho.scratch_pages);
	return pfn < kho.scratch_pfn + scratch_pages &&
	       pfn + nr_pages > kho.scratch_pfn;
}

/* state.c */
int kho_may_change(void);
bool kho_holds_any(void);
void kho_hold_module(void);
void kho_changed(void);
int kho_take_page(unsigned long pfn);
int kho_mark_page(unsigned long pfn, unsigned int order);
void kho_unmark_page(unsigned long pfn, unsigned int order);
int kho_mark_batch(const unsigned long *pfn, unsigned long nr,
		   unsigned int order, unsigned long *done);
void kho_unmark_batch(const unsigned long *pfn, unsigned long nr,
		      unsigned int order);
int kho_mark_range(unsigned long pfn, unsigned long nr_pages);
int kho_unmark_range(unsigned long pfn, unsigned long nr_pages);
int kho_mark_cut(unsigned long pfn, unsigned int order, unsigned long nr_pages);
void *kho_blob_alloc(void);
void *kho_blob_alloc_charged(void);
void kho_blob_free(void *blob);
void kho_blob_adopt(void *blob);

/*
 * Below that nothing is preserved: in some versions of the module the first envelope
 * would begin at 0, and the next kernel could not have the page below 1 MiB that it
 * starts its CPUs in.
 */
#define KHO_LOWEST_PFN	BIT(KHO_ENVELOPE_SHIFT - PAGE_SHIFT)

/* ram.c */
int kho_ram_init(void);
void kho_ram_watch(void);
void kho_ram_exit(void);
int kho_ram_check(unsigned long pfn, unsigned long nr_pages);
bool kho_ram_piece(unsigned long *pfn, unsigned long *end);
bool kho_ram_piece_below(unsigned long *pfn, unsigned long *end);
unsigned long kho_ram_last(void);
bool kho_ram_stays(unsigned long pfn, unsigned long nr_pages);
bool kho_ram_is_kept(struct kho_radix_tree *tree, unsigned long pfn,
		     unsigned long nr_pages);
int kho_ram_image(u32 state, u64 limit);
u32 kho_ram_image_state(void);

/* platform.c */
int kho_platform_check(void);
int kho_platform_locked_down(void);

/* sleep.c */
int kho_sleep_init(void);
void kho_sleep_ready(void);
void kho_sleep_exit(void);

/* scratch.c */
void kho_scratch_find(void);
int kho_scratch_alloc(void);
int kho_scratch_take(unsigned long nr_pages, unsigned long *where);
int kho_scratch_take_largest(unsigned long *nr_pages, unsigned long *where);
unsigned long kho_scratch_wanted(unsigned long mib);

/* scratch-before.c */
bool kho_scratch_before(unsigned long align, unsigned long least,
			unsigned long *pfn, unsigned long *nr_pages);

/* scratch-hold.c */
int kho_scratch_set(unsigned long pfn, unsigned long nr_pages, bool whole);
void kho_scratch_quiet(void);
void kho_scratch_clear(void);
void kho_scratch_note(unsigned long pfn, unsigned long nr_pages);
void kho_scratch_hold(unsigned long pfn, unsigned long end, bool known);
bool kho_scratch_in_use(void);
void kho_scratch_hold_all(void);
void kho_scratch_sweep(void);
u64 kho_scratch_held(void);

/* scratch-move.c */
bool kho_scratch_move_out(unsigned long addr, struct page **pages, unsigned long nr);

/* scratch-late.c */
void kho_scratch_later(void);
void kho_scratch_flush(void);
int kho_scratch_ask(u64 bytes);

/* blocks.c */
int kho_envelopes_init(void);
void kho_envelopes_exit(void);
void kho_envelopes_update(void);
void kho_envelopes_settle(void);
void kho_envelopes_flush(void);
void kho_lowest_hold(void);
void kho_envelopes_leave_open(unsigned long pfn, unsigned long nr_pages);
void kho_envelopes_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total);
void kho_envelopes_list_arrived(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total);

/* handoff.c */
int kho_handoff_init(void);
const char *kho_handoff_judge(const struct kho_fdt *in);
int kho_handoff_set_abi(unsigned int abi);
int kho_handoff_set_how(u32 how);
void kho_handoff_new_scratch(void);
void kho_handoff_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total);
void kho_handoff_exit(void);
int kho_handoff_set_child(const char *name, u64 addr, u64 size);
int kho_handoff_drop_child(u64 addr);

/* lean.c */
int kho_lean_init(void);
void kho_lean_exit(void);
int kho_lean_add(unsigned long pfn, unsigned long nr_pages);
void kho_lean_del(unsigned long pfn, unsigned long nr_pages);

/* arrival.c */
int kho_arrival_init(void);
void kho_arrival_commit(void);
void kho_arrival_exit(void);
void kho_arrival_refuse(const char *why, u64 where, u64 value);
const struct kho_fdt_child *kho_arrival_child(const char *name);
int kho_arrived_take(u64 pfn, u64 nr_pages);
int kho_arrived_give_back(u64 pfn, u64 nr_pages);
bool kho_arrival_page_waits(u64 pfn);

/* arrival-sender.c */
int kho_sender_read(void);
bool kho_sender_has(u64 pfn, u64 nr_pages);
bool kho_sender_has_others(u64 pfn, u64 nr_pages);
bool kho_sender_allows_node(u64 pfn);
bool kho_sender_allows_mark(u64 pfn);
int kho_sender_unlist(void);
void kho_sender_forget(void);

/* arrival-exact.c */
const char *kho_exact_read_fdt(const void *fdt, u32 size);
int kho_exact_find_root(void);

/* arrival-list.c */
const char *kho_list_check_envelopes(u64 *where, u64 *value);
const char *kho_list_check(u64 *where, u64 *value);
bool kho_list_covers(u64 pfn, u64 nr_pages);

/* native-exact.c */
#ifdef CONFIG_KEXEC_HANDOVER
int kho_native_exact_list(void);
int kho_native_exact_take(u64 pfn, u64 nr_pages);
int kho_native_exact_mark(void);
void kho_native_exact_commit(void);
#endif

/* arrival-native.c */
#ifdef CONFIG_KEXEC_HANDOVER
int kho_arrival_from_kernel(void);
int kho_arrival_native_take(u64 pfn, u64 nr_pages);
int kho_arrival_native_give_back(u64 pfn, u64 nr_pages);
int kho_arrival_native_open(u64 pfn, unsigned int order);
bool kho_arrival_native_waits(u64 pfn, unsigned int order);
void kho_arrival_native_drop(u64 pfn, unsigned int order);
void kho_arrival_native_commit(void);
void kho_arrival_native_exit(void);
#else
static inline int kho_arrival_from_kernel(void) { return 0; }
static inline int kho_arrival_native_take(u64 pfn, u64 nr_pages) { return 0; }
static inline int kho_arrival_native_give_back(u64 pfn, u64 nr_pages) { return 0; }
static inline int kho_arrival_native_open(u64 pfn, unsigned int order)
{
	return -ENOENT;
}

static inline bool kho_arrival_native_waits(u64 pfn, unsigned int order)
{
	return false;
}

static inline void kho_arrival_native_drop(u64 pfn, unsigned int order) { }
static inline void kho_arrival_native_commit(void) { }
static inline void kho_arrival_native_exit(void) { }
#endif

/* release.c */
int kho_release_prepare(u64 root);
void kho_release_start(void);
void kho_release_refused(void);
void kho_release_exit(void);
void kho_release_query(struct kho_query *query);

/* x86.c */
const char *kho_arch_find(struct kho_list *list);
bool kho_arch_by_kexec(void);
void kho_arch_taken(const struct kho_list *list);
bool kho_arch_holds_kernel(u64 addr);
int kho_arch_each_reserved(kho_range_fn_t fn, void *data);
int kho_arch_each_doubtful(kho_range_fn_t fn, void *data);
int kho_arch_each_setup(kho_range_fn_t fn, kho_range_fn_t others, void *data);
void kho_arch_announce(void *page, const struct kho_envelope *envelope,
		       unsigned int nr);
void kho_arch_publish(void *page, u64 fdt_addr);
void kho_arch_retire(void *page);
struct kho_boot_info *kho_arch_boot_info_get(void);
void kho_arch_boot_info_put(void);

/* firmware.c */
int kho_firmware_each(kho_range_fn_t fn, void *data);
int kho_firmware_each_doubtful(kho_range_fn_t fn, void *data);
int kho_claimed_each(kho_range_fn_t fn, void *data);

/* pages.c */
int kho_pages_add(const struct kho_page_entry *entry, u32 nr, u32 *failed);
int kho_pages_del(const struct kho_page_entry *entry, u32 nr, u32 *failed);
void kho_pages_list(u64 first, u32 room, void *entry, u32 *filled, u64 *total);
u64 kho_nr_keys(const struct kho_radix_tree *tree);

/* mem.c */

/**
 * struct kho_extent - pages that lie side by side
 */
struct kho_extent {
	/** @index: number of the first of them within the object. */
	u64 index;
	/** @pfn: its page number. */
	u64 pfn;
	/** @nr_pages: how many. */
	u64 nr_pages;
	/** @order: of the pages it is made of; both ends are multiples of that. */
	unsigned int order;
};

/**
 * struct kho_mem - memory that files show
 */
struct kho_mem {
	/** @lock: a reader relies on what follows; a leaf. */
	struct rw_semaphore lock;
	/** @size: bytes. */
	u64 size;
	/** @nr_pages: base pages. */
	u64 nr_pages;
	/** @nr_extents: how many extents. */
	u64 nr_extents;
	/** @pmd_pages: pages of the PMD's size in them, */
	u64 pmd_pages;
	/** @pud_pages: and of the PUD's. */
	u64 pud_pages;
	/** @chunk: the extents, by rising index: see extents.c. */
	struct kho_extent **chunk;
	/** @chunks: room in @chunk. */
	u64 chunks;
	/** @room: extents that there is room for. */
	u64 room;
	/** @cuts: how often pages were cut off; changed with @lock held. */
	u64 cuts;
	/** @pinned: the pages belong to a process, and are pinned for us. */
	bool pinned;
	/** @huge: it has, or had, pages of the PMD's size or above. */
	bool huge;
	/** @whole: extents of huge pages are folios of the PMD's size. */
	bool whole;
	/** @inode: while there are files; comes and goes with kho.lock held. */
	struct inode *inode;
	/** @open: on kho.open_mems, just as long. */
	struct list_head open;
	/** @ops: of its owner. */
	const struct kho_mem_ops *ops;
};

/**
 * struct kho_mem_ops - what the owner of memory wants to know
 */
struct kho_mem_ops {
	/** @release: a file was closed. */
	void (*release)(struct kho_mem *mem);
	/** @ioctl: called on a file; NULL if there is nothing to call. */
	long (*ioctl)(struct file *file, struct kho_mem *mem, unsigned int cmd,
		      void __user *user);
	/** @may_write: 0, or why it can't be written; the inode is locked. */
	int (*may_write)(struct kho_mem *mem);
};

/* Extents in a chunk: a page of them, so that it can always be had. */
#define KHO_CHUNK	(PAGE_SIZE / sizeof(struct kho_extent))

/**
 * kho_extent_at() - an extent by its place
 * @mem: of what
 * @i: which, of those there are
 */
static inline struct kho_extent *kho_extent_at(const struct kho_mem *mem, u64 i)
{
	return &mem->chunk[i / KHO_CHUNK][i % KHO_CHUNK];
}

/* extents.c */
int kho_extents_add_room(struct kho_mem *mem);
void kho_extents_free(struct kho_mem *mem);
void kho_extents_swap(struct kho_mem *mem, struct kho_mem *to);

/* mem.c */
void kho_mem_init(struct kho_mem *mem, const struct kho_mem_ops *ops);
int kho_mem_add(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		unsigned int order);
int kho_mem_append(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		   unsigned int order);
u64 kho_mem_put_piece(struct kho_mem *mem);
void kho_mem_put_pages(struct kho_mem *mem);
int kho_mem_mark(const struct kho_mem *mem);
void kho_mem_unmark(const struct kho_mem *mem);
bool kho_mem_is_whole(const struct kho_mem *mem);
int kho_mem_make_whole(struct kho_mem *mem);
struct page *kho_mem_page(const struct kho_mem *mem, u64 index);
unsigned int kho_mem_order(const struct kho_mem *mem, u64 index);
bool kho_mem_splits(const struct kho_mem *mem, u64 nr_pages);
int kho_extent_each(const struct kho_extent *extent,
		    int (*fn)(u64 pfn, u64 nr_pages));
u64 kho_extent_cut(const struct kho_extent *extent, u64 nr_pages,
		   unsigned int *order, u64 *end);
int kho_mem_alloc(struct kho_mem *mem, u64 index, u64 nr_pages, bool huge,
		  int nid);

/* memfile.c */
#define KHO_FS_MAGIC	0x4b484f46

struct file *kho_mem_file(const char *name, struct kho_mem *mem,
			  unsigned int flags, bool largest);
void kho_memfile_keep(bool keep);
void kho_mem_no_file(struct kho_mem *mem);
void kho_mem_unmap(struct kho_mem *mem, const struct kho_mem *pages);
int kho_mem_deny_writers(struct kho_mem *mem);
void kho_mem_allow_writers(struct kho_mem *mem);
void kho_mem_set_inode(struct kho_mem *mem, kuid_t uid, kgid_t gid, umode_t mode);
struct file *kho_page_file(unsigned long pfn, unsigned int order);

/* in-use.c */
int kho_mem_in_use(struct kho_mem *mem);

/* objects.c */

/**
 * struct kho_object - a named memory object
 */
struct kho_object {
	/** @list: on kho.objects. */
	struct list_head list;
	/** @named: on kho.by_name. */
	struct hlist_node named;
	/** @mem: its memory. */
	struct kho_mem mem;
	/** @name: NUL-padded. */
	char name[KHO_OBJS_NAME_SIZE];
	/** @files: open files of it. */
	unsigned int files;
	/** @arrived: came from the kernel before. */
	bool arrived;
	/** @flags: KHO_OBJS_*. */
	u32 flags;
	/** @generation: handovers it has been through. */
	u32 generation;
	/** @idle: handovers since somebody opened it. */
	u32 idle;
	/** @created: seconds since 1970. */
	u64 created;
	/** @uid: owner. */
	kuid_t uid;
	/** @gid: its group. */
	kgid_t gid;
	/** @mode: read and write bits. */
	umode_t mode;
	/** @comm: name of its maker. */
	char comm[KHO_OBJS_COMM];
	/** @release: of the kernel that it was made in. */
	char release[KHO_OBJS_RELEASE];
	/** @charge: whose pages they are counted as, or NULL. */
	struct kho_account *charge;
	/** @charged: how many pages. */
	u64 charged;
	/** @record: what the next kernel reads. */
	struct kho_objs_record *record;
	/** @data_bytes: of the agent's own data. */
	u32 data_bytes;
	/** @data_charged: pages of these that are among @charged. */
	u32 data_charged;
	/** @freed_late: freeing.c counts it, and gives its pages back. */
	bool freed_late;
};

/**
 * struct kho_chains - pages that hang on an object's record
 */
struct kho_chains {
	/** @more: extents that the record has no room for. */
	u64 more;
	/** @sums: checksums. */
	u64 sums;
	/** @data: the agent's own. */
	u64 data;
};

/**
 * struct kho_wish - what an object to be made is to be like
 */
struct kho_wish {
	/** @name: its name. */
	const char *name;
	/** @bytes: its size. */
	u64 bytes;
	/** @flags: KHO_OBJS_*. */
	u32 flags;
	/** @huge: of whole pages of the PMD's size. */
	bool huge;
	/** @nid: on which node, or NUMA_NO_NODE. */
	int nid;
};

int kho_name_check(const u8 *name);
int kho_new_name_check(const u8 *name);
struct kho_object *kho_object_new(const struct kho_wish *wish);
void kho_object_free(struct kho_object *object);
int kho_object_may_name(const char *name);
int kho_object_insert(struct kho_object *object, struct file **file);
int kho_object_create(const struct kho_wish *wish, struct file **file);
int kho_object_open(const char *name, u32 flags, struct file **file, u64 *bytes);
int kho_object_remove(const char *name);
void kho_object_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total);
void kho_object_list_info(u64 first, u32 room, void *entries, u32 *filled,
			  u64 *total);
void kho_object_tell(const struct kho_object *object, struct kho_obj_info *info);
void kho_object_adopt(struct kho_object *object, struct kho_objs_record *record);
void kho_object_arrivals(void);
void kho_object_drop_all(void);
struct kho_object *kho_object_find(const char *name);

/* freeing.c */
void kho_freeing_begin(struct kho_object *object);
void kho_object_give_up(struct kho_object *object);
bool kho_freeing_wait(void);
void kho_freeing_query(struct kho_query *query);
void kho_freeing_exit(void);

/* object-ops.c: what the file of an object is asked for */
int kho_object_commit(struct kho_object *object);
int kho_object_seal(struct kho_object *object, struct inode *inode, bool with_sums);
int kho_object_resize(struct kho_object *object, struct inode *inode, u64 bytes);
int kho_object_set_data(struct kho_object *object, const void *data, u32 bytes);
int kho_object_get_data(struct kho_object *object, void *data, u32 room,
			u32 *bytes);
void kho_data_free(u64 addr);
int kho_object_set_owner(struct kho_object *object, const struct kho_obj_owner *to);

/* object-dev.c */
long kho_object_ioctl(struct file *file, struct kho_mem *mem, unsigned int cmd,
		      void __user *user);

/* pin.c */
int kho_pin_preserve(const struct kho_wish *wish, struct kho_obj_preserve *ask,
		     struct file **file);
bool kho_pin_may(struct vm_area_struct *vma, unsigned long addr);

/* sums.c */
int kho_sums_alloc(u64 nr_pages, u64 *first);
void kho_sums_free(u64 first);
int kho_sums_take(struct kho_object *object, bool may_stop);
int kho_sums_verify(struct kho_object *object, struct kho_obj_verify *verify);
void kho_sums_at_jump(void);

/* access.c */
bool kho_allowed_all(void);
bool kho_may(const struct kho_object *object, unsigned int mask);
bool kho_sees(const struct kho_object *object);
bool kho_owns(const struct kho_object *object);

/* account.c */
struct kho_account;
int kho_charge(struct kho_object *object, u64 nr_pages, u64 *charged);
void kho_uncharge(struct kho_object *object, u64 nr_pages);
void kho_charge_move(struct kho_object *to, struct kho_object *from,
		     u64 nr_pages);

/* records.c */
int kho_record_write(struct kho_object *object, struct kho_chains *chains);
void kho_record_erase(struct kho_object *object, struct kho_chains *chains);
int kho_chains_alloc(const struct kho_mem *mem, bool with_sums,
		     struct kho_chains *chains);
void kho_chains_free(struct kho_chains *chains);
void kho_record_resize(struct kho_object *object, struct kho_chains *chains);
void kho_record_update(struct kho_object *object);
int kho_records_read(u64 addr, u64 size);
void kho_records_commit(void);
void kho_records_forget(void);

/* meta.c */
void kho_meta_copy(u64 first, u32 room, struct kho_meta_entry *entry,
		   void *pages, u32 *filled, u64 *total);

/* dev.c */

int kho_dev_init(void);
void kho_dev_exit(void);

#endif /* KHO_INTERNAL_H */
