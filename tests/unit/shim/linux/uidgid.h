/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_UIDGID_H
#define SHIM_LINUX_UIDGID_H

struct shim_id {
	unsigned int val;
};

#define kuid_t		struct shim_id
#define kgid_t		struct shim_id
#define umode_t		unsigned int

#endif
