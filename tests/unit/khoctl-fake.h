/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the fake /dev/kho share.
 */
#ifndef KHOCTL_FAKE_H
#define KHOCTL_FAKE_H

#include <dirent.h>
#include <stdbool.h>

#include <linux/kho.h>

#define NR_FDS		1024
#define PAGE_BYTES	4096

const char *env(const char *name, const char *fallback);
/* Stores the path KHO_FAKE_DIR/SUB/NAME in @buf, which has 512 bytes, and returns it */
char *in_dir(char *buf, const char *sub, const char *name);

/* ---- khoctl-fakeobj.c ---- */

int list_names(struct dirent ***names);
void free_names(struct dirent **names, int n);
__u64 object_size(const char *name);
/* Commands on the device and on the file of an object; -ENOTTY for others */
int object_command(unsigned long cmd, void *arg);
int file_command(int fd, unsigned long cmd, void *arg);
bool is_object(int fd);
/* Must be called before a descriptor is closed. */
void object_closed(int fd);

/* ---- khoctl-fakescratch.c ---- */

void query_scratch(struct kho_query *q);
int do_scratch(struct kho_scratch_take *arg);
/* IMAGE has said @state. */
void image_told(__u32 state);

#endif /* KHOCTL_FAKE_H */
