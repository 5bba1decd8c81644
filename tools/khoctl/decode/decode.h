/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decoding metadata the way the next kernel reads it.
 */
#ifndef KHOCTL_DECODE_H
#define KHOCTL_DECODE_H

#include "decode/decoded.h"
#include "decode/dumpfile.h"

/* Decodes @m into @d, which the caller frees with decoded_free(). */
void decode(struct meta *m, struct decoded *d);

#endif /* KHOCTL_DECODE_H */
