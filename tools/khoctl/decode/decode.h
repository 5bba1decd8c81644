/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decoding metadata the way the next kernel reads it.
 */
#ifndef KHOCTL_DECODE_H
#define KHOCTL_DECODE_H

#include "decode/decoded.h"
#include "decode/dumpfile.h"

/* @d has to be freed by decoded_free(). */
void decode(struct meta *m, struct decoded *d);

#endif /* KHOCTL_DECODE_H */
