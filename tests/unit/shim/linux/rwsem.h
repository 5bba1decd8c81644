/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_RWSEM_H
#define SHIM_LINUX_RWSEM_H

struct rw_semaphore {
	int unused;
};

#define down_read(sem)		((void)(sem))
#define up_read(sem)		((void)(sem))
#define down_write(sem)		((void)(sem))
#define up_write(sem)		((void)(sem))

#endif
