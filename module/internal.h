/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the module know of each other, and nobody else does.
 *
 * Lock order, from the outermost on:
 *
 *	reboot notifiers	the chain's lock, while the notifier is called
 *	kho.lock		all of struct kho, the objects and their
 *				records, and that what is preserved changes as
 *				one step
 *	tree->lock		of any one of the three trees; a leaf
 *
 * mmap_lock is taken inside neither: user memory is copied before kho.lock is
 * taken, and after it was dropped.  A page fault on an object takes no lock at
 * all, since an object's pages don't change while a file of it is open.
 */
#ifndef KHO_INTERNAL_H
#define KHO_INTERNAL_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "compat/compat.h"
#include "envelope.h"
#include "native.h"
#include "radix.h"

#include <kho/boot_info.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <linux/kho.h>

struct file;

/* A result other than 0 ends the walk over ranges that it is told of. */
typedef int (*kho_range_fn_t)(u64 addr, u64 bytes, void *data);

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

/**
 * struct kho_state - all that the module has; there is one of it
 */
struct kho_state {
	/** @lock: protects all that follows.  See above. */
	struct mutex lock;
	/** @frozen: the machine is going down; nothing changes any more. */
	bool frozen;
	/** @committed: what arrived, if anything, is ours for good. */
	bool committed;
	/** @pinned: a reference keeps the module loaded. */
	bool pinned;
	/** @changes: grows with each change. */
	u64 changes;
	/** @released: base pages given back. */
	u64 released;

	/** @tree: what the next kernel is to keep. */
	struct kho_radix_tree tree;
	/** @raw: of @tree, what KHO_PAGE_ADD marked here. */
	struct kho_radix_tree raw;
	/** @arrived: of @tree, what arrived and belongs to no object. */
	struct kho_radix_tree arrived;
	/** @kernel_pages: of @tree, base pages that other modules preserved. */
	u64 kernel_pages;

	/** @objects: all objects, oldest first. */
	struct list_head objects;
	/** @nr_objects: how many. */
	u64 nr_objects;
	/** @object_pages: their base pages, without metadata. */
	u64 object_pages;
	/** @arrived_objects: how many of them arrived. */
	u64 arrived_objects;

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

	/** @blocks: what the envelopes have to cover. */
	struct kho_blocks blocks;
	/** @blocks_short: memory was added that it knows nothing of. */
	bool blocks_short;
	/** @envelopes_stale: the best envelopes may be others now. */
	bool envelopes_stale;
	/** @nr_envelopes: of @envelope. */
	unsigned int nr_envelopes;
	/** @envelope: what is announced, by rising address. */
	struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	/** @envelope_pages: base pages of RAM in these. */
	u64 envelope_pages;
	/** @least_open: blocks of RAM in the smallest gap between them, or 0. */
	u64 least_open;

	/** @last_pfn: number of the last page of RAM. */
	unsigned long last_pfn;
	/** @held_pfn: the same, if it is ours so that nobody preserves it, or 0. */
	unsigned long held_pfn;

	/** @setup: the page with the setup_data node and the scratch array. */
	void *setup;
	/** @setup_shown: somebody may have put its address into an image. */
	bool setup_shown;
	/** @scratch_pfn: first page of scratch. */
	unsigned long scratch_pfn;
	/** @scratch_pages: how many it has. */
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
	/** @arrival_error: why it was refused. */
	char arrival_error[128];
	/** @previous_release: of the kernel before. */
	char previous_release[KHO_METADATA_RELEASE];
};

extern struct kho_state kho;
extern unsigned int kho_abi;
extern unsigned long kho_scratch_mib;
extern bool kho_drop;

/* Logs what was wrong with a request, and is the errno to return. */
#define kho_refuse(err, fmt, ...) ({					\
	pr_warn_ratelimited(fmt "\n", ##__VA_ARGS__);			\
	(err);								\
})

/* state.c */
int kho_may_change(void);
void kho_changed(void);
bool kho_in_scratch(u64 pfn, u64 nr_pages);
int kho_take_page(unsigned long pfn);
int kho_mark_page(unsigned long pfn, unsigned int order);
void kho_unmark_page(unsigned long pfn, unsigned int order);
int kho_mark_range(unsigned long pfn, unsigned long nr_pages);
int kho_unmark_range(unsigned long pfn, unsigned long nr_pages);
void kho_put_pages(unsigned long pfn, unsigned long nr_pages);
u64 kho_end_of_memory(void);
void *kho_blob_alloc(void);
void kho_blob_free(void *blob);
void kho_blob_adopt(void *blob);

/* platform.c */
int kho_platform_check(void);
int kho_platform_locked_down(void);

/* scratch.c */
int kho_scratch_alloc(void);
void kho_scratch_free(void);

/* blocks.c */
int kho_envelopes_init(void);
void kho_envelopes_exit(void);
void kho_envelopes_update(void);
void kho_envelopes_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total);
void kho_envelopes_list_arrived(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total);
u64 kho_ram_pages(u64 addr, u64 bytes);
int kho_walk_ram(u64 addr, u64 bytes, kho_range_fn_t fn, void *data);

/* handoff.c */
int kho_handoff_init(void);
int kho_handoff_set_abi(unsigned int abi);
void kho_handoff_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total);
void kho_handoff_exit(void);
int kho_handoff_set_child(const char *name, u64 addr, u64 size);
int kho_handoff_drop_child(u64 addr);

/* arrival.c */
int kho_arrival_init(void);
void kho_arrival_commit(void);
void kho_arrival_exit(void);
void kho_arrival_refuse(const char *why, u64 where, u64 value);
const struct kho_fdt_child *kho_arrival_child(const char *name);
int kho_arrived_take(u64 pfn, u64 nr_pages);

/* arrival-list.c */
const char *kho_list_check_envelopes(u64 *where, u64 *value);
const char *kho_list_check(u64 *where, u64 *value);
bool kho_list_covers(u64 pfn, u64 nr_pages);

/* arrival-native.c */
#ifdef CONFIG_KEXEC_HANDOVER
int kho_arrival_from_kernel(void);
int kho_arrival_native_take(u64 pfn, u64 nr_pages);
int kho_arrival_native_open(u64 pfn, unsigned int order);
bool kho_arrival_native_waits(u64 pfn, unsigned int order);
void kho_arrival_native_drop(u64 pfn, unsigned int order);
void kho_arrival_native_commit(void);
void kho_arrival_native_exit(void);
#else
static inline int kho_arrival_from_kernel(void) { return 0; }
static inline int kho_arrival_native_take(u64 pfn, u64 nr_pages) { return 0; }
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
void kho_arch_taken(const struct kho_list *list);
bool kho_arch_holds_kernel(u64 addr);
int kho_arch_each_reserved(kho_range_fn_t fn, void *data);
void kho_arch_announce(void *page, const struct kho_envelope *envelope,
		       unsigned int nr);
void kho_arch_publish(void *page, u64 fdt_addr);
void kho_arch_retire(void *page);
struct kho_boot_info *kho_arch_boot_info_get(void);
void kho_arch_boot_info_put(void);

/* pages.c */
int kho_pages_add(const struct kho_page_entry *entry, u32 nr, u32 *failed);
int kho_pages_del(const struct kho_page_entry *entry, u32 nr, u32 *failed);
void kho_pages_list(u64 first, u32 room, void *entry, u32 *filled, u64 *total);

/* memfile.c */

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
};

/**
 * struct kho_mem - memory that a file shows; fixed while the file is open
 */
struct kho_mem {
	/** @size: bytes. */
	u64 size;
	/** @nr_pages: base pages. */
	u64 nr_pages;
	/** @nr_extents: of @extent. */
	u64 nr_extents;
	/** @room: for so many. */
	u64 room;
	/** @extent: by rising index; from kvmalloc(). */
	struct kho_extent *extent;
	/** @release: called once the last file is closed. */
	void (*release)(struct kho_mem *mem);
};

bool kho_mem_grow(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages);
int kho_mem_add(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages);
void kho_mem_put_pages(struct kho_mem *mem);
struct file *kho_mem_file(const char *name, struct kho_mem *mem);
struct file *kho_page_file(unsigned long pfn, unsigned int order);

/* objects.c */

/**
 * struct kho_object - a named memory object
 */
struct kho_object {
	/** @list: on kho.objects. */
	struct list_head list;
	/** @mem: its memory. */
	struct kho_mem mem;
	/** @name: NUL-padded. */
	char name[KHO_OBJS_NAME_SIZE];
	/** @files: open files of it. */
	unsigned int files;
	/** @arrived: came from the kernel before. */
	bool arrived;
	/** @created: seconds since 1970. */
	u64 created;
	/** @generation: handovers it has been through. */
	u64 generation;
	/** @record: what the next kernel reads. */
	struct kho_objs_record *record;
};

int kho_name_check(const u8 *name);
int kho_object_create(const char *name, u64 bytes, struct file **file);
int kho_object_open(const char *name, struct file **file, u64 *bytes);
int kho_object_remove(const char *name);
void kho_object_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total);
void kho_object_adopt(struct kho_object *object, struct kho_objs_record *record);
void kho_object_drop_all(void);
struct kho_object *kho_object_find(const char *name);

/* records.c */
int kho_record_write(struct kho_object *object);
void kho_record_erase(struct kho_object *object);
const char *kho_records_read(u64 addr, u64 size);

/* meta.c */
void kho_meta_copy(u64 first, u32 room, struct kho_meta_entry *entry,
		   void *pages, u32 *filled, u64 *total);

/* dev.c */
int kho_dev_init(void);
void kho_dev_exit(void);

#endif /* KHO_INTERNAL_H */
