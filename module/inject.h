/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places at which a test may hold a caller up, so that a race that needs luck
 * happens at once.  They are there in builds for the test kernels under scrutiny
 * only (see Kbuild); in any other build nothing is left of them.
 */
#ifndef KHO_INJECT_H
#define KHO_INJECT_H

#ifdef KHO_INJECT
void kho_inject(const char *point);
#else
static inline void kho_inject(const char *point) { }
#endif

#endif /* KHO_INJECT_H */
