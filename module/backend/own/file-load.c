// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernels that kexec_file_load() loads, which is the only way under lockdown.
 *
 * That system call has nothing that a caller could announce a handover by, or choose a place
 * by, and it verifies the image's signature.  So this module does both, where the image has
 * been verified and is about to be put into memory:
 *
 *	kexec_add_buffer()	chooses the place of a segment: it has to lie in scratch
 *	machine_kexec_prepare()	comes when the loader is done, and before the checksums are
 *				made: our node is linked into the list that the loader made
 *	kimage_free()		ends each load, and frees what another one has replaced
 *
 * kexec has a lock of its own, so there is one load at a time.  From its first segment to
 * its end, scratch stays where it is: either the load or growing scratch is refused.
 *
 * If a probe is not called, because somebody has turned ftrace off, a kernel is loaded that
 * nothing is announced to; that is no worse than kexec without this module.  It is only
 * announced to a kernel of which every segment lies in scratch.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/kexec.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/lockdown.h"
#include "core/ram.h"
#include "own.h"

#include <linux/kho.h>

#define MIB_OF(nr_pages)	((nr_pages) >> (20 - PAGE_SHIFT))

/**
 * struct load - a load in progress
 */
struct load {
	/** @image: what is loaded, or NULL. */
	const struct kimage *image;
	/** @task: by whom. */
	const struct task_struct *task;
	/** @carry: it is to lie in scratch, and to get the handover. */
	bool carry;
	/** @announced: it gets the handover, unless loading fails. */
	bool announced;
	/** @refused: loading it has to fail, as scratch is about to change. */
	bool refused;
	/** @pages: how many its segments have. */
	unsigned long pages;
	/** @renewals: kho_ram_renewals() before its RAM was looked at. */
	unsigned int renewals;
};

/*
 * Probes are called where nothing may sleep, also with PREEMPT_RT.  Protects all of what
 * follows.  While scratch is held still, it does not change.
 */
static DEFINE_RAW_SPINLOCK(load_lock);
static struct load load;
/* The image that was loaded last, if it gets the handover; only to be compared. */
static const struct kimage *carried;
static unsigned int carried_renewals;
/* Address of the setup page, or 0; whether an image got it. */
static u64 offered;
static bool shown;
/* Scratch is about to change. */
static bool changing;

/* All probes are in place. */
static bool possible;

static void tell_image(struct work_struct *work);
static DECLARE_WORK(image_work, tell_image);

/* Tells the rest of the module what is loaded now. */
static void tell_image(struct work_struct *work)
{
	const struct kimage *image;
	unsigned int renewals;
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	image = carried;
	renewals = carried_renewals;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	if (!image) {
		kho_ram_image_gone();
		return;
	}
	if (kho_ram_image_seen(renewals))
		return;
	pr_warn("memory was added or removed while a kernel was loaded: load it again\n");
	raw_spin_lock_irqsave(&load_lock, flags);
	if (carried == image)
		carried = NULL;
	raw_spin_unlock_irqrestore(&load_lock, flags);
}

/* ---- Probes ---- */

/* Begins with its first segment. */
static void begin_load(const struct kimage *image, bool wanted)
{
	memset(&load, 0, sizeof(load));
	load.image = image;
	load.task = current;
	load.carry = wanted && offered && kho_scratch_pages();
	load.refused = changing;
}

static bool is_of_load(const struct kimage *image)
{
	return load.image && load.image == image && load.task == current;
}

static void confine(struct kexec_buf *kbuf)
{
	/* Without a place below 1, no segment fits, and loading fails. */
	unsigned long first = 0, last = 0;

	load.pages += PFN_UP(kbuf->memsz);
	if (!load.refused) {
		first = PFN_PHYS(kho_scratch_pfn());
		last = first + PFN_PHYS(kho_scratch_pages()) - 1;
	}
	kbuf->buf_min = max(kbuf->buf_min, first);
	kbuf->buf_max = min(kbuf->buf_max, last);
	kho_kexec_no_cma(kbuf->image);
}

static int add_buffer(struct kprobe *probe, struct pt_regs *regs)
{
	struct kexec_buf *kbuf = (void *)regs_get_kernel_argument(regs, 0);
	struct kimage *image = kbuf->image;
	unsigned long flags;
	bool wanted;

	/* A crash kernel has a place of its own, and gets no handover. */
	if (!image->file_mode || image->type != KEXEC_TYPE_DEFAULT)
		return 0;
	wanted = kho_file_load_wanted();
	raw_spin_lock_irqsave(&load_lock, flags);
	if (!image->nr_segments)
		begin_load(image, wanted);
	if (is_of_load(image) && load.carry)
		confine(kbuf);
	raw_spin_unlock_irqrestore(&load_lock, flags);
	return 0;
}

/* Does all of it lie in scratch? */
static bool lies_in_scratch(const struct kimage *image)
{
	u64 first = PFN_PHYS((u64)kho_scratch_pfn());
	u64 bytes = PFN_PHYS((u64)kho_scratch_pages());
	unsigned long i;

	for (i = 0; i < image->nr_segments; i++) {
		const struct kexec_segment *segment = &image->segment[i];

		if (segment->mem < first || segment->memsz > bytes ||
		    segment->mem - first > bytes - segment->memsz)
			return false;
	}
	return i;
}

/* Will it have all the RAM in which pages may be preserved? */
static bool has_ram(const struct kimage *image)
{
	unsigned long pfn, end;

	for (pfn = 0; kho_ram_piece(&pfn, &end); pfn = end)
		if (!kho_arch_image_has(image, PFN_PHYS((u64)pfn), PFN_PHYS((u64)end)))
			return false;
	return true;
}

/* Returns NULL, or why the image gets no handover. */
static const char *announce(struct kimage *image)
{
	const char *why;

	lockdep_assert_held(&load_lock);

	if (!offered)
		return "the module is being unloaded";
	if (!lies_in_scratch(image))
		return "it does not lie in scratch";
	load.renewals = kho_ram_renewals();
	if (!has_ram(image))
		return "this kernel does not tell it of all memory, as some was added since boot or the table is too long: use khoctl load, without lockdown";
	why = kho_arch_image_announce(image, offered);
	if (why)
		return why;
	shown = true;
	return NULL;
}

static int prepare(struct kprobe *probe, struct pt_regs *regs)
{
	struct kimage *image = (void *)regs_get_kernel_argument(regs, 0);
	const char *why = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	if (is_of_load(image) && load.carry) {
		why = announce(image);
		load.announced = !why;
		/* Nobody need take care of it any more. */
		load.carry = !why;
	}
	raw_spin_unlock_irqrestore(&load_lock, flags);
	if (why)
		pr_err("nothing is handed over to the kernel that kexec_file_load has loaded: %s\n",
		       why);
	return 0;
}

static int end_load(struct kprobe *probe, struct pt_regs *regs)
{
	const struct kimage *image = (void *)regs_get_kernel_argument(regs, 0);
	struct load ended = { };
	unsigned long flags;
	bool changed = false;

	raw_spin_lock_irqsave(&load_lock, flags);
	if (image && image == carried) {
		carried = NULL;
		changed = true;
	}
	if (load.image && load.task == current) {
		ended = load;
		memset(&load, 0, sizeof(load));
		/* What is freed is the image that it has replaced, or itself after an error. */
		if (ended.announced && image != ended.image) {
			carried = ended.image;
			carried_renewals = ended.renewals;
			changed = true;
		}
	}
	if (changed && offered)
		queue_work(system_unbound_wq, &image_work);
	raw_spin_unlock_irqrestore(&load_lock, flags);
	if (ended.carry && ended.refused)
		pr_warn("kexec_file_load has failed, as scratch is being made larger: load the kernel again\n");
	else if (ended.carry && !ended.announced)
		pr_warn("kexec_file_load has failed: the kernel, of %lu MiB or more, has to fit into scratch, which has %lu MiB: see khoctl scratch\n",
			MIB_OF(ended.pages) + 1, MIB_OF(kho_scratch_pages()));
	return 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "kexec_add_buffer", .pre_handler = add_buffer },
	{ .symbol_name = "machine_kexec_prepare", .pre_handler = prepare },
	{ .symbol_name = "kimage_free", .pre_handler = end_load },
};

/* ---- For the rest of the backend ---- */

/**
 * kho_file_load_init() - begin to watch kexec_file_load()
 *
 * Context: may sleep; none of our locks held.
 */
void kho_file_load_init(void)
{
	struct kprobe *list[ARRAY_SIZE(probes)];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		list[i] = &probes[i];
	ret = register_kprobes(list, ARRAY_SIZE(probes));
	possible = !ret;
	if (ret)
		pr_notice("kexec_file_load can't carry a handover: error %d from kprobes\n", ret);
}

/**
 * kho_file_load_exit() - end that
 *
 * An image that has got the handover stays valid.  One that is being loaded gets none.
 *
 * Context: may sleep; none of our locks held.
 */
void kho_file_load_exit(void)
{
	struct kprobe *list[ARRAY_SIZE(probes)];
	unsigned int i;

	if (!possible)
		return;
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		list[i] = &probes[i];
	unregister_kprobes(list, ARRAY_SIZE(probes));
	flush_work(&image_work);
	possible = false;
}

/**
 * kho_file_load_possible() - can kexec_file_load() carry a handover?
 *
 * Context: any.
 */
bool kho_file_load_possible(void)
{
	return possible;
}

/**
 * kho_file_load_wanted() - shall it?
 *
 * Context: any.
 */
bool kho_file_load_wanted(void)
{
	return possible && (kho_file_load || kho_locked_kexec()) && !kho_locked_secrets();
}

/**
 * kho_file_load_offer() - offer the announcement to the kernels that are loaded
 * @addr: physical address of the setup page
 *
 * Context: kho.lock held.
 */
void kho_file_load_offer(u64 addr)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	offered = addr;
	raw_spin_unlock_irqrestore(&load_lock, flags);
}

/**
 * kho_file_load_withdraw() - offer it no more
 *
 * Context: kho.lock held.
 * Return: true if an image may have the address.
 */
bool kho_file_load_withdraw(void)
{
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(&load_lock, flags);
	ret = shown;
	offered = 0;
	shown = false;
	carried = NULL;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	return ret;
}

/**
 * kho_file_load_stop() - let nobody load a kernel by kexec_file_load() into scratch
 *
 * Context: any; followed by kho_file_load_resume().
 * Return: false if somebody is doing so.
 */
bool kho_file_load_stop(void)
{
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(&load_lock, flags);
	ret = !load.image || !load.carry;
	if (ret)
		changing = true;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	return ret;
}

/**
 * kho_file_load_resume() - the opposite of kho_file_load_stop()
 *
 * Context: any.
 */
void kho_file_load_resume(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	changing = false;
	raw_spin_unlock_irqrestore(&load_lock, flags);
}

/**
 * kho_file_load_state() - what becomes of a kernel that kexec_file_load() loads
 *
 * Context: any.
 * Return: KHO_FILE_LOAD_*.
 */
u32 kho_file_load_state(void)
{
	unsigned long flags;
	bool is_carried;

	raw_spin_lock_irqsave(&load_lock, flags);
	is_carried = carried;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	if (is_carried)
		return KHO_FILE_LOAD_CARRIED;
	return kho_file_load_wanted() ? KHO_FILE_LOAD_ON : KHO_FILE_LOAD_OFF;
}

/**
 * kho_file_load_sync() - wait until the module knows what is loaded
 *
 * Context: may sleep; none of our locks held.
 */
void kho_file_load_sync(void)
{
	flush_work(&image_work);
}
