// SPDX-License-Identifier: GPL-2.0
/*
 * The scratch of the fake /dev/kho: see khoctl-fakedev.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "khoctl-fake.h"

#define SCRATCH "0x40000000:0x10000000"

/* SCRATCH has found KHO_FAKE_FOUND_SCRATCH; IMAGE has said BEGUN. */
static bool found, begun;

static bool read_area(const char *text, __u64 *addr, __u64 *size)
{
	unsigned long long a, s;

	if (sscanf(text, "%llx:%llx", &a, &s) != 2)
		return false;
	*addr = a;
	*size = s;
	return true;
}

void query_scratch(struct kho_query *q)
{
	if (begun && read_area(env("KHO_FAKE_MOVED_SCRATCH", ""), &q->scratch_addr,
			       &q->scratch_size))
		return;
	read_area(found ? env("KHO_FAKE_FOUND_SCRATCH", "") :
		  env("KHO_FAKE_SCRATCH", SCRATCH), &q->scratch_addr, &q->scratch_size);
}

void image_told(__u32 state)
{
	begun = state == KHO_IMAGE_BEGUN;
}

int do_scratch(struct kho_scratch_take *arg)
{
	__u64 addr, size = 0;

	if (arg->flags)
		return -EOPNOTSUPP;
	read_area(env("KHO_FAKE_SCRATCH", SCRATCH), &addr, &size);
	if (!size || arg->bytes > size) {
		if (size && getenv("KHO_FAKE_NO_GROW"))
			return -EEXIST;
		if (!read_area(env("KHO_FAKE_FOUND_SCRATCH", ""), &addr, &size) ||
		    arg->bytes > size)
			return -ENOMEM;
		found = true;
	}
	arg->bytes = size;
	arg->held = size / 2;
	return 0;
}
