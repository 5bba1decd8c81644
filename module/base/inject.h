/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places at which a test can delay a caller, to provoke a race or to kill it; and parts
 * of the module in which it can make an allocation fail that none of its own processes
 * makes.  They exist only in builds for the debug kernels of the tests (see Kbuild), and
 * compile to nothing elsewhere.
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
