/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decoding metadata: objects.
 */
#ifndef KHOCTL_DECODE_OBJECTS_H
#define KHOCTL_DECODE_OBJECTS_H

#include <kho/fdt.h>

#include "decode/decoded.h"
#include "decode/dumpfile.h"

/* @child: the node of the FDT that leads to them */
void decode_objects(struct meta *m, struct decoded *d,
		    const struct kho_fdt_child *child);

#endif /* KHOCTL_DECODE_OBJECTS_H */
