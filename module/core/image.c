// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel that is loaded, as far as the module knows of it: what its loader says, and
 * what the backend sees of kexec_file_load().
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/errno.h>

#include "compat/compat.h"
#include "backend.h"
#include "base/log.h"
#include "core.h"
#include "image.h"
#include "ram.h"

#include <linux/kho.h>

/*
 * What is being loaded, or was loaded last, is loaded by kexec_file_load(), and the backend
 * sees that.  Protected by kho.lock.
 */
static bool by_file;

/* Nobody has to say that kexec_file_load() has loaded a kernel, but who has begun may ask. */
static int check_carried(void)
{
	if (!kho_ram_image_begun() && kho_backend_image_carried())
		return 0;
	return kho_refuse(-ENOENT, "kho_image.state is %u, but kexec_file_load has loaded no kernel that gets the handover",
			  KHO_IMAGE_LOADED);
}

static int set_image(u32 state, u64 limit, bool file)
{
	int ret = kho_may_change();

	if (ret)
		return ret;
	switch (state) {
	case KHO_IMAGE_BEGUN:
		ret = kho_ram_image_begin(limit);
		if (!ret)
			by_file = file;
		return ret;
	case KHO_IMAGE_LOADED:
		ret = by_file ? check_carried() : kho_ram_image_end();
		break;
	default:
		kho_ram_image_stop();
		kho_ram_image_forget();
		by_file = false;
	}
	/* The last page of RAM may have changed. */
	if (!ret)
		kho_backend_image_changed();
	return ret;
}

/**
 * kho_image_set() - note that a kernel is being loaded, was loaded, or was unloaded
 * @state: KHO_IMAGE_*
 * @limit: with KHO_IMAGE_BEGUN, the physical address in bytes from which on that kernel
 * has no memory, by its command line; or 0
 * @file: with KHO_IMAGE_BEGUN, the caller, or a child of it, loads it by kexec_file_load()
 *
 * Once a kernel is loaded, everything preserved must lie in RAM that it will have.
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: 0; -EINVAL for an invalid state, or one out of order; -ESTALE if memory was
 * added or removed while the kernel was loaded; -ENOENT if what kexec_file_load() has loaded
 * gets no handover; -EOPNOTSUPP with in-kernel KHO, or if kexec_file_load() can't be
 * followed; -ENOMEM; -ESHUTDOWN; -EPERM.
 */
int kho_image_set(u32 state, u64 limit, bool file)
{
	int ret;

	if (state != KHO_IMAGE_NONE && state != KHO_IMAGE_BEGUN &&
	    state != KHO_IMAGE_LOADED)
		return kho_refuse(-EINVAL, "kho_image.state is %u, must be 0, 1 or 2",
				  state);
	if (limit && state != KHO_IMAGE_BEGUN)
		return kho_refuse(-EINVAL, "kho_image.limit is 0x%llx, must be 0 unless state is 1",
				  limit);
	if (file && state != KHO_IMAGE_BEGUN)
		return kho_refuse(-EINVAL, "kho_image.flags is %u, must be 0 unless state is 1",
				  KHO_IMAGE_BY_FILE);
	ret = kho_backend_check_image();
	if (!ret && file)
		ret = kho_backend_follow_image();
	if (ret)
		return ret;

	/* What the backend has seen until now comes before what we are told. */
	kho_backend_sync_image();
	kho_stop_changes();
	ret = set_image(state, limit, file);
	kho_resume_changes();
	if (!ret)
		kho_backend_expect_image(file);
	return ret;
}

/*
 * kexec's lock is free before the end of a load is seen, so the jump may have begun.  Once
 * frozen, what the next kernel reads must not change.
 */
static void image_changed(void)
{
	if (!kho.frozen)
		kho_backend_image_changed();
}

/**
 * kho_image_seen() - note that kexec_file_load() has loaded a kernel as was said
 * @renewals: what kho_ram_renewals() was before it was told of its RAM
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: false if it does not count, as memory was added or removed since.
 */
bool kho_image_seen(unsigned int renewals)
{
	bool counts;

	kho_stop_changes();
	counts = renewals == kho_ram_renewals() && kho_ram_image_begun() && !kho_ram_image_end();
	if (!counts)
		kho_ram_image_forget();
	image_changed();
	kho_resume_changes();
	return counts;
}

/**
 * kho_image_gone() - note that nothing is handed over to what is loaded, if anything is
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 */
void kho_image_gone(void)
{
	kho_stop_changes();
	kho_ram_image_forget();
	image_changed();
	kho_resume_changes();
}
