/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the commands on objects share.
 */
#ifndef KHOCTL_OBJECTS_H
#define KHOCTL_OBJECTS_H

#include <linux/kho.h>

/* Opens the device for them; prints the reason and returns -1 if it can't. */
int open_objects(struct kho_query *query, __u64 more);
/* Prints the reason and returns -1 if it can't; @bytes may be NULL. */
int open_object(int dev, const char *name, __u32 flags, __u64 *bytes);
/* device_error(), where some errors mean that it is about an object */
const char *object_error(int err);
/* The same for a command that has to do with checksums */
const char *sum_error(int err);
/* The object's name among at most @most arguments; DONE or USAGE */
int name_argument(int argc, char **argv, int most, const char **name);
/* Of a page that is mapped by one entry of the lowest table but one */
__u32 huge_page_size(const struct kho_query *query);
/* @path: NULL or "-" for stdin; the caller frees @data */
int read_user_data(const char *path, void **data, __u32 *bytes);

#endif /* KHOCTL_OBJECTS_H */
