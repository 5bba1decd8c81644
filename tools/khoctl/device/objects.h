/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects: what the commands on them share.
 */
#ifndef KHOCTL_OBJECTS_H
#define KHOCTL_OBJECTS_H

#include <linux/kho.h>

/*
 * Opens the device for a command on objects.  @more: features needed besides those for
 * objects.  Return: a descriptor, or -1 after printing the reason
 */
int open_objects(struct kho_query *query, __u64 more);
/* @bytes may be NULL.  Return: a descriptor, or -1 after printing the reason */
int open_object(int dev, const char *name, __u32 flags, __u64 *bytes);
/* Like device_error(), for an error about an object */
const char *object_error(int err);
/* Like object_error(), for a command that uses checksums */
const char *sum_error(int err);
/*
 * Takes the name of an object from at most @most arguments.  Return: DONE or USAGE
 */
int name_argument(int argc, char **argv, int most, const char **name);
/* Size of a page mapped at the PMD level */
__u32 huge_page_size(const struct kho_query *query);
/* @path: NULL or "-" for stdin.  The caller frees @data.  Return: DONE or FAILED */
int read_user_data(const char *path, void **data, __u32 *bytes);

#endif /* KHOCTL_OBJECTS_H */
