/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects: for this folder only.
 */
#ifndef KHO_OBJECT_H
#define KHO_OBJECT_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "core/deferred.h"
#include "memory/memory.h"
#include "objects/objects.h"

#include <kho/objects.h>

struct inode;
struct kho_account;
struct vm_area_struct;

/**
 * struct kho_object - a named memory object
 */
struct kho_object {
	/** @list: entry in the list of all objects, oldest first. */
	struct list_head list;
	/** @named: entry in the table of names. */
	struct hlist_node named;
	/** @mem: its memory. */
	struct kho_mem mem;
	/** @name: NUL-padded. */
	char name[KHO_OBJS_NAME_SIZE];
	/** @files: number of open files. */
	unsigned int files;
	/** @arrived: it came from the previous kernel. */
	bool arrived;
	/** @flags: KHO_OBJS_*. */
	u32 flags;
	/** @generation: number of handovers it has been through. */
	u32 generation;
	/** @idle: number of handovers since somebody opened it. */
	u32 idle;
	/** @created: time of creation, in seconds since 1970. */
	u64 created;
	/** @uid: owner. */
	kuid_t uid;
	/** @gid: group. */
	kgid_t gid;
	/** @mode: read and write bits. */
	umode_t mode;
	/** @comm: name of the process that created it. */
	char comm[KHO_OBJS_COMM];
	/** @release: of the kernel in which it was created. */
	char release[KHO_OBJS_RELEASE];
	/** @charge: the account in which its pages are counted, or NULL. */
	struct kho_account *charge;
	/** @charged: number of pages counted there. */
	u64 charged;
	/** @record: what the next kernel reads. */
	struct kho_objs_record *record;
	/** @data_bytes: size of the agent's own data. */
	u32 data_bytes;
	/** @data_charged: number of pages of that data, included in @charged. */
	u32 data_charged;
	/** @deferred: for giving its pages back, once it is given up. */
	struct kho_deferred deferred;
};

/**
 * struct kho_chains - chains of metapages that a record leads to, by address
 */
struct kho_chains {
	/** @more: extents that do not fit into the record. */
	u64 more;
	/** @sums: checksums. */
	u64 sums;
	/** @data: the agent's own data. */
	u64 data;
};

/**
 * struct kho_object_counts - how many objects there are
 */
struct kho_object_counts {
	/** @nr: number of objects. */
	u64 nr;
	/** @pages: number of their base pages, without metapages. */
	u64 pages;
	/** @arrived: number of objects that arrived. */
	u64 arrived;
};

/* object.c; kho.lock held */
extern struct list_head kho_objects;
extern struct kho_object_counts kho_object_counts;

struct kho_object *kho_object_new(const struct kho_object_params *params);
void kho_object_free(struct kho_object *object);
void kho_object_give_up(struct kho_object *object);
int kho_object_may_name(const char *name);
int kho_object_insert(struct kho_object *object, struct file **file);
void kho_object_adopt(struct kho_object *object, struct kho_objs_record *record);
struct kho_object *kho_object_find(const char *name);

/* list.c */
void kho_object_fill_info(const struct kho_object *object, struct kho_obj_info *info);

/* seal.c, resize.c, userdata.c, owner.c: commands on the file of an object */
int kho_object_commit(struct kho_object *object);
int kho_object_seal(struct kho_object *object, struct inode *inode, bool with_sums);
int kho_object_resize(struct kho_object *object, struct inode *inode, u64 bytes);
int kho_object_set_data(struct kho_object *object, const void *data, u32 bytes);
int kho_object_get_data(struct kho_object *object, void *data, u32 capacity,
			u32 *bytes);
void kho_data_free(u64 addr);
int kho_object_set_owner(struct kho_object *object, const struct kho_obj_owner *to);

/* ioctl.c */
long kho_object_ioctl(struct file *file, struct kho_mem *mem, unsigned int cmd,
		      void __user *user);

/* pin.c, pin-move.c */
bool kho_pin_may(struct vm_area_struct *vma, unsigned long addr);
bool kho_pin_move(unsigned long addr, struct page **pages, unsigned long nr);

/* sums.c */
int kho_sums_alloc(u64 nr_pages, u64 *first);
void kho_sums_free(u64 first);
int kho_sums_take(struct kho_object *object, bool may_stop);
int kho_sums_verify(struct kho_object *object, struct kho_obj_verify *verify);

/* access.c */
bool kho_may(const struct kho_object *object, unsigned int mask);
bool kho_sees(const struct kho_object *object);
bool kho_owns(const struct kho_object *object);

/* account.c */
int kho_charge(struct kho_object *object, u64 nr_pages, u64 *charged);
void kho_uncharge(struct kho_object *object, u64 nr_pages);
void kho_charge_move(struct kho_object *to, struct kho_object *from,
		     u64 nr_pages);

/* chain.c */
void kho_write_extent(struct kho_objs_extent *to, const struct kho_extent *from);
int kho_chains_alloc(const struct kho_mem *mem, bool with_sums,
		     struct kho_chains *chains);
void kho_chains_free(struct kho_chains *chains);

/* records.c */
int kho_record_write(struct kho_object *object, struct kho_chains *chains);
void kho_record_erase(struct kho_object *object, struct kho_chains *chains);
void kho_record_resize(struct kho_object *object, struct kho_chains *chains);
void kho_record_update(struct kho_object *object);

#endif /* KHO_OBJECT_H */
