/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decoding metadata: named objects.
 */
#ifndef KHOCTL_DECODE_OBJECTS_H
#define KHOCTL_DECODE_OBJECTS_H

#include <kho/fdt.h>

#include "decode/decoded.h"
#include "decode/dumpfile.h"

/* @child: where the FDT says that they are */
void decode_objects(struct meta *m, struct decoded *d,
		    const struct kho_fdt_child *child);

#endif /* KHOCTL_DECODE_OBJECTS_H */
