/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#include <linux/mutex.h>

#define lockdep_assert_held(lock)	((void)WARN_ON_ONCE(!(lock)->held))

#endif
