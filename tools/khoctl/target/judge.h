/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of plan_make() that are about the initrd and the module of the next kernel.
 */
#ifndef KHOCTL_JUDGE_H
#define KHOCTL_JUDGE_H

#include "target/plan.h"

/* ---- The initrd ---- */

/* Looks into it, for all that follows. */
void judge_initrd(struct plan *p);
/* Is there room for its files?  After the RAM has been judged. */
void judge_rootfs(struct plan *p);
/* True if it surely stays the root file system */
bool initrd_stays(const struct plan *p);

/* ---- The module ---- */

/* RAM that loading needs now */
void judge_loading(struct plan *p);
/* Is there a kho.ko for the next kernel? */
void judge_onward(struct plan *p);
/* Will envelopes be hidden there? */
void judge_seal(struct plan *p);

#endif /* KHOCTL_JUDGE_H */
