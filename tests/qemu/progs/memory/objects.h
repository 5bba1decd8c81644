/* SPDX-License-Identifier: GPL-2.0 */
/* What tests of objects share; in ioctl-objects.c. */
#ifndef KHO_TEST_OBJECTS_H
#define KHO_TEST_OBJECTS_H

#include "ioctl.h"

char *map_object(int fd, size_t bytes);
/* Closes and removes an object. */
void drop(const char *name, int fd);

#endif /* KHO_TEST_OBJECTS_H */
