/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of race-test share.
 */
#ifndef KHO_TEST_RACE_H
#define KHO_TEST_RACE_H

/* race-held.c: callers that are held up at a named place */
void test_held(void);

#endif /* KHO_TEST_RACE_H */
