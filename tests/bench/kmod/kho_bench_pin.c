// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins memory of the caller and unpins it again, to measure what pinning alone
 * costs.  The cost of preserving memory by its address is compared with that.
 */
#define pr_fmt(fmt) "kho_bench_pin: " fmt

#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pin.h"

/* How many pages at a time: as many as module/objects/pin.c pins. */
#define PIECE	4096UL

static int pin_all(unsigned long addr, unsigned long nr, struct page **page,
		   unsigned long *done)
{
	int ret;

	for (*done = 0; *done < nr; *done += ret) {
		ret = pin_user_pages_fast(addr + *done * PAGE_SIZE,
					  min(nr - *done, PIECE),
					  FOLL_WRITE | FOLL_LONGTERM,
					  page + *done);
		if (ret <= 0)
			return ret ?: -EFAULT;
		cond_resched();
	}
	return 0;
}

static long bench_pin_ioctl(struct file *file, unsigned int cmd,
			    unsigned long user)
{
	void __user *to = (void __user *)user;
	unsigned long nr, done;
	struct bench_pin arg;
	struct page **page;
	ktime_t begin;
	int ret;

	if (cmd != BENCH_PIN)
		return -ENOTTY;
	if (copy_from_user(&arg, to, sizeof(arg)))
		return -EFAULT;
	nr = arg.bytes >> PAGE_SHIFT;
	if (!nr || nr > 1UL << 20 || offset_in_page(arg.addr | arg.bytes))
		return -EINVAL;
	page = kvmalloc_array(nr, sizeof(*page), GFP_KERNEL);
	if (!page)
		return -ENOMEM;

	begin = ktime_get();
	ret = pin_all(arg.addr, nr, page, &done);
	arg.ns = ktime_to_ns(ktime_sub(ktime_get(), begin));
	unpin_user_pages(page, done);
	kvfree(page);
	if (!ret && copy_to_user(to, &arg, sizeof(arg)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations bench_pin_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = bench_pin_ioctl,
};

static struct miscdevice bench_pin_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kho_bench_pin",
	.mode = 0600,
	.fops = &bench_pin_fops,
};
module_misc_device(bench_pin_dev);

MODULE_DESCRIPTION("Tells what it takes to pin memory");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");
