/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusing a request: with an errno, and a line in the log that names the field.
 */
#ifndef KHO_LOG_H
#define KHO_LOG_H

#include <linux/printk.h>

/* Logs what is wrong with a request, and evaluates to the errno to return. */
#define kho_refuse(err, fmt, ...) ({					\
	pr_warn_ratelimited(fmt "\n", ##__VA_ARGS__);			\
	(err);								\
})

#endif /* KHO_LOG_H */
