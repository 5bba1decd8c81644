/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places at which a test may hold a caller up, so that a race that needs luck
 * happens at once, or kill it; and parts of the module in which it may let an
 * allocation fail that no process of its own makes.  They are there in builds for
 * the test kernels under scrutiny only (see Kbuild); in any other build nothing is
 * left of them.
 */
#ifndef KHO_INJECT_H
#define KHO_INJECT_H

#ifdef KHO_INJECT
void kho_inject(const char *point);
void kho_inject_begin(const char *part);
void kho_inject_end(const char *part);
int kho_inject_spoil(const char *part);
#else
static inline void kho_inject(const char *point) { }
static inline void kho_inject_begin(const char *part) { }
static inline void kho_inject_end(const char *part) { }
static inline int kho_inject_spoil(const char *part) { return 0; }
#endif

#endif /* KHO_INJECT_H */
