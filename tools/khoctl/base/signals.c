// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred signals.
 */
#include <signal.h>
#include <stdio.h>

#include "base/defs.h"
#include "base/signals.h"

static int signal_number;

static void on_signal(int sig)
{
	__atomic_store_n(&signal_number, sig, __ATOMIC_RELAXED);
}

int caught_signal(void)
{
	return __atomic_load_n(&signal_number, __ATOMIC_RELAXED);
}

void catch_signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	size_t i;

	/* No SA_RESTART: a signal has to interrupt a read that blocks. */
	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		if (!sigaction(sigs[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
}

void die_of_signal(void)
{
	int sig = caught_signal();

	if (!sig)
		return;
	fflush(stdout);
	signal(sig, SIG_DFL);
	raise(sig);
}
