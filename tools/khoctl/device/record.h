/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The record of what khoctl has loaded: /run/kho/loaded.json.
 */
#ifndef KHOCTL_RECORD_H
#define KHOCTL_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "base/ranges.h"

#define RECORD_DIR	"/run/kho"
#define RECORD_FILE	RECORD_DIR "/loaded.json"
/* Whoever loads or unloads a kernel holds this lock; see target/guard.c */
#define LOAD_LOCK_FILE	"/run/khoctl.lock"

/**
 * struct image_segment - a segment, in the layout of kexec_load()
 */
struct image_segment {
	__u64 buf;
	__u64 bufsz;
	__u64 mem;
	__u64 memsz;
};

/**
 * struct record - a kernel that khoctl has loaded
 */
struct record {
	/** @boot_id: of the kernel that is running. */
	char boot_id[40];
	/**
	 * @setup_addr: address of the module's node, which the loaded kernel was told.  A
	 * module that is loaded again uses another page, so this names its life.
	 */
	__u64 setup_addr;
	/** @time: when it was loaded, in seconds since 1970. */
	__u64 time;
	/** @variable: the kernel's address of kexec_image, or 0. */
	__u64 variable;
	/** @identity: what image_identity() returned then, or 0. */
	__u64 identity;
	/** @kernel: path of the image.  Allocated, like @version. */
	char *kernel;
	/** @version: its version, or empty. */
	char *version;
	/**
	 * @needed: RAM that its boot needs outside of the envelopes, in bytes; 0: not known,
	 * or not to be checked.
	 */
	__u64 needed;
	/** @ram: RAM that its command line leaves to it, in bytes; 0: all. */
	__u64 ram;
	/** @lost: where nothing must be preserved, by its command line. */
	struct ranges lost;
	/** @segs: where it lies.  Only mem and memsz are recorded. */
	struct image_segment *segs;
	size_t nr_segs;
};

/* Fills in what is known of the running system: boot_id and time. */
void record_begin(struct record *r);
/* Return: 0 or a negative errno; then there is no record any more */
int record_write(const struct record *r);
/* Return: 0, -ENOENT or another negative errno; record_free() in any case */
int record_read(struct record *r);
void record_remove(void);
void record_free(struct record *r);
/* Was it made since this kernel has booted? */
bool record_is_of_this_boot(const struct record *r);

/*
 * Finds the kernel that is loaded in the memory of the running one, and computes a number
 * from what describes it there, which differs for each kernel loaded.  @variable: address of
 * kexec_image; 0 looks it up.  @segs: its segments if they are known, else NULL.  Return: 0
 * or a negative errno: -ESTALE if the kernel has other segments, -ENOEXEC if what is there
 * does not look like the description of a loaded kernel
 */
int image_identity(__u64 *variable, const struct image_segment *segs, size_t nr,
		   __u64 *identity);

#endif /* KHOCTL_RECORD_H */
