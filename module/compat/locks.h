/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assertions about locks.
 */
#ifndef KHO_COMPAT_LOCKS_H
#define KHO_COMPAT_LOCKS_H

#include <linux/bug.h>
#include <linux/lockdep.h>

/*
 * 3e31f94752e4 ("lockdep: Add lockdep_assert_not_held()", 5.13) and d19c81378829
 * ("locking/lockdep: Provide lockdep_assert{,_once}() helpers", 5.15).  Without lockdep,
 * earlier kernels do not even declare lockdep_is_held(): cd539cff9470 ("lockdep: Provide
 * dummy forward declaration of *_is_held() helpers", 5.11).
 */
#ifndef lockdep_assert
#ifdef CONFIG_LOCKDEP
#define lockdep_assert(condition)	WARN_ON(debug_locks && !(condition))
#else
#define lockdep_assert(condition)	do { } while (0)
#endif
#endif

#ifndef lockdep_assert_not_held
#define lockdep_assert_not_held(lock)	lockdep_assert(!lockdep_is_held(lock))
#endif

#endif /* KHO_COMPAT_LOCKS_H */
