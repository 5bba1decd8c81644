/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs of the benchmark share. */
#ifndef KHO_BENCH_H
#define KHO_BENCH_H

#include "guest.h"

/*
 * The only clock that keeps running across a kexec: QEMU's emulation takes it
 * from the host, and with -icount it counts instructions.
 */
static inline __u64 tsc(void)
{
	__u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (__u64)high << 32 | low;
}

/* Sends a line to the host. */
ATTRIBUTE(format(printf, 1, 2))
void tell(const char *format, ...);

int bench_first(__u64 begin);
int bench_pin(char **argv);

#endif /* KHO_BENCH_H */
