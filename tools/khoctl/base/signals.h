/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SIGINT, SIGTERM and SIGHUP: they are only noted, so that a command can clean up.
 */
#ifndef KHOCTL_SIGNALS_H
#define KHOCTL_SIGNALS_H

/* From now on they are noted, but for those that are ignored. */
void catch_signals(void);
/* The last one that was noted, or 0 */
int caught_signal(void);
/* After clean-up: dies of the signal that was noted, if any. */
void die_of_signal(void);

#endif /* KHOCTL_SIGNALS_H */
