/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_INIT_H
#define SHIM_LINUX_INIT_H

#define __init
#define __initdata
/* Called by the test. */
#define pure_initcall(fn)	static int (*const initcall)(void) = fn

#endif
