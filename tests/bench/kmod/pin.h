/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctl by which tests/bench/pin.c calls kho_bench_pin.ko. */
#ifndef KHO_BENCH_PIN_H
#define KHO_BENCH_PIN_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct bench_pin {
	__u64 addr;	/* of pages that are there */
	__u64 bytes;
	__u64 ns;	/* out: what pinning all of them took */
};

#define BENCH_PIN	_IOWR('b', 1, struct bench_pin)

#endif /* KHO_BENCH_PIN_H */
