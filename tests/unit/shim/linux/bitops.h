/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/types.h>

#define BITS_PER_LONG	64
#define BIT(nr)		(1UL << (nr))

/* One bit at a time: slow, but unlike the code that is tested. */
static inline bool test_bit(unsigned long nr, const unsigned long *addr)
{
	return __atomic_load_n(&addr[nr / BITS_PER_LONG], __ATOMIC_RELAXED) &
	       1UL << nr % BITS_PER_LONG;
}

static inline void __set_bit(unsigned long nr, unsigned long *addr)
{
	addr[nr / BITS_PER_LONG] |= 1UL << nr % BITS_PER_LONG;
}

static inline void __clear_bit(unsigned long nr, unsigned long *addr)
{
	addr[nr / BITS_PER_LONG] &= ~(1UL << nr % BITS_PER_LONG);
}

static inline unsigned long find_next_bit(const unsigned long *addr,
					  unsigned long size,
					  unsigned long offset)
{
	while (offset < size && !test_bit(offset, addr)) {
		if (offset % BITS_PER_LONG == 0 &&
		    !__atomic_load_n(&addr[offset / BITS_PER_LONG],
				     __ATOMIC_RELAXED))
			offset += BITS_PER_LONG;
		else
			offset++;
	}
	return offset < size ? offset : size;
}

static inline unsigned long find_next_zero_bit(const unsigned long *addr,
					       unsigned long size,
					       unsigned long offset)
{
	while (offset < size && test_bit(offset, addr))
		offset++;
	return offset < size ? offset : size;
}

static inline unsigned long __ffs(unsigned long word)
{
	unsigned long n = 0;

	if (!word)
		__builtin_trap();	/* undefined in the kernel */
	while (!(word >> n & 1))
		n++;
	return n;
}

#define __ffs64(word)	__ffs(word)

static inline int fls64(u64 word)
{
	int n = 0;

	for (; word; word >>= 1)
		n++;
	return n;
}

static inline unsigned int hweight64(u64 word)
{
	unsigned int n = 0;

	for (; word; word >>= 1)
		n += word & 1;
	return n;
}

#endif
