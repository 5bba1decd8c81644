/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred signals: SIGINT, SIGTERM and SIGHUP are recorded, so that a command can clean
 * up before it dies.
 */
#ifndef KHOCTL_SIGNALS_H
#define KHOCTL_SIGNALS_H

/* Starts to record the signals that are not ignored. */
void catch_signals(void);
/* The last signal that was recorded, or 0 */
int caught_signal(void);
/* Call this after cleaning up: dies of the recorded signal, if any. */
void die_of_signal(void);

#endif /* KHOCTL_SIGNALS_H */
