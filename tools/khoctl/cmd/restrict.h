/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files in which all users can read what arrived.
 */
#ifndef KHOCTL_RESTRICT_H
#define KHOCTL_RESTRICT_H

/*
 * Lets only root read them.  Prints what was done, and what goes wrong.  Return:
 * DONE or FAILED
 */
int restrict_arrived(void);

#endif /* KHOCTL_RESTRICT_H */
