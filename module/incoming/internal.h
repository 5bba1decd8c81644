/* SPDX-License-Identifier: GPL-2.0-only */
/* For this folder alone: all others have kho_incoming(), and can't write to it. */
#ifndef KHO_INCOMING_INTERNAL_H
#define KHO_INCOMING_INTERNAL_H

#include "incoming.h"

extern struct kho_incoming incoming;

#endif /* KHO_INCOMING_INTERNAL_H */
