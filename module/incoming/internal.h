/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to this folder: others use kho_incoming(), and can't write to the state. */
#ifndef KHO_INCOMING_INTERNAL_H
#define KHO_INCOMING_INTERNAL_H

#include "incoming.h"

extern struct kho_incoming incoming;

#endif /* KHO_INCOMING_INTERNAL_H */
