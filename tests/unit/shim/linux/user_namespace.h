/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_USER_NAMESPACE_H
#define SHIM_LINUX_USER_NAMESPACE_H

#include <linux/uidgid.h>

#define from_kuid(ns, uid)	((uid).val)
#define from_kgid(ns, gid)	((gid).val)

#endif
