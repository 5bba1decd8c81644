/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_PAGE_ISOLATION_H
#define SHIM_LINUX_PAGE_ISOLATION_H

#define MIGRATE_MOVABLE	1

#endif
