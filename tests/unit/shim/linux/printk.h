/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_PRINTK_H
#define SHIM_LINUX_PRINTK_H

/* Tests do not look at messages. */
#define pr_err(...)			((void)0)
#define pr_warn(...)			((void)0)
#define pr_err_ratelimited(...)		((void)0)
#define pr_warn_ratelimited(...)	((void)0)

#endif
