// SPDX-License-Identifier: GPL-2.0-only
/*
 * KHO_UPGRADE: asking agents to make way, and letting the module be unloaded.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "compat/compat.h"
#include "base/log.h"
#include "dev.h"
#include "leave.h"

static DEFINE_MUTEX(asking);
/* The file of whoever asks agents to make way, or NULL. */
static struct file *asker;
static DECLARE_WAIT_QUEUE_HEAD(waiting);

static void set_asker(struct file *from, struct file *to)
{
	mutex_lock(&asking);
	if (!from || asker == from)
		WRITE_ONCE(asker, to);
	mutex_unlock(&asking);
	wake_up_interruptible_all(&waiting);
}

/**
 * kho_dev_release() - the last reference to a file of the device is gone
 * @inode: unused
 * @file: the file
 *
 * Return: 0.
 */
int kho_dev_release(struct inode *inode, struct file *file)
{
	if (READ_ONCE(asker) == file)
		set_asker(file, NULL);
	return 0;
}

/**
 * kho_dev_poll() - wait until somebody asks agents to make way
 * @file: a file of the device
 * @wait: for poll_wait()
 *
 * Return: EPOLLPRI while somebody asks; whoever asks is not asked.
 */
__poll_t kho_dev_poll(struct file *file, struct poll_table_struct *wait)
{
	const struct file *from;

	poll_wait(file, &waiting, wait);
	from = READ_ONCE(asker);
	return from && from != file ? EPOLLPRI : 0;
}

/**
 * kho_dev_upgrade() - carry out KHO_UPGRADE
 * @file: the caller's file
 * @state: KHO_UPGRADE_*
 * @others: set to how many others use the module
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: 0, -EINVAL, or as kho_leave_prepare().
 */
int kho_dev_upgrade(struct file *file, u32 state, u32 *others)
{
	*others = 0;
	switch (state) {
	case KHO_UPGRADE_NONE:
		set_asker(file, NULL);
		return 0;
	case KHO_UPGRADE_ASK:
		set_asker(NULL, file);
		return 0;
	case KHO_UPGRADE_LEAVE:
		return kho_leave_prepare(others);
	}
	return kho_refuse(-EINVAL, "kho_upgrade.state is %u, must be 0, 1 or 2", state);
}
