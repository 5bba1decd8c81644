/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Restricting access to envelopes in sysfs.
 */
#ifndef KHOCTL_RESTRICT_H
#define KHOCTL_RESTRICT_H

/* Lets only root read incoming envelopes; prints the result.  Return: DONE or FAILED */
int restrict_arrived(void);

#endif /* KHOCTL_RESTRICT_H */
