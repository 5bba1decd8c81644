/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Named memory objects: what other folders use.
 */
#ifndef KHO_OBJECTS_MODULE_H
#define KHO_OBJECTS_MODULE_H

#include <linux/types.h>

#include <linux/kho.h>

struct file;
struct kho_left;

/* Objects that nobody opened for so many handovers are freed on arrival; 0: never. */
extern unsigned int kho_max_idle;

/**
 * struct kho_object_params - what an object is to be like
 */
struct kho_object_params {
	/** @name: its name. */
	const char *name;
	/** @bytes: its size in bytes. */
	u64 bytes;
	/** @flags: KHO_OBJS_*. */
	u32 flags;
	/** @huge: it is made of pages of the PMD's size. */
	bool huge;
	/** @nid: its NUMA node, or NUMA_NO_NODE. */
	int nid;
};

/* name.c: may an object have that name? */
int kho_name_check(const u8 *name);
int kho_new_name_check(const u8 *name);

/* object.c, pin.c: creating, opening and removing them */
int kho_object_create(const struct kho_object_params *params, struct file **file);
int kho_pin_preserve(const struct kho_object_params *params, struct kho_obj_preserve *args,
		     struct file **file);
int kho_object_open(const char *name, u32 flags, struct file **file, u64 *bytes);
int kho_object_remove(const char *name);

/* list.c */
void kho_object_list(u64 first, u32 capacity, void *entries, u32 *filled, u64 *total);
void kho_object_list_info(u64 first, u32 capacity, void *entries, u32 *filled,
			  u64 *total);
u64 kho_objects_nr(void);
void kho_objects_query(struct kho_query *query);

void kho_objects_init(void);

/* restore.c, records.c: what arrived, and what the next kernel reads; kho.lock held */
int kho_records_read(u64 addr, u64 size);
void kho_objects_forget(void);
void kho_objects_commit(void);
int kho_records_init(void);
void kho_records_exit(void);

/* left.c: leaving objects to another module in this kernel; kho.lock held */
void kho_objects_leave(struct kho_left *left);
int kho_objects_left(void);

/* sums.c */
void kho_sums_at_jump(void);

/* access.c */
bool kho_allowed_all(void);

#endif /* KHO_OBJECTS_MODULE_H */
