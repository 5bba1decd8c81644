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
 * This is done for one load by a process that has asked for it, and for no other: a kernel
 * that somebody else loads lies elsewhere, and nothing is announced to it.  The probes are
 * not set before somebody asks, or the kernel is locked down.
 *
 * kexec has a lock of its own, so there is one load at a time.  It lets go of that before the
 * last kimage_free(), so others may load or unload a kernel before we see the end of a load.
 * From a load's first segment on, scratch stays where it is, and as long as its kernel is
 * loaded: either the load or growing scratch is refused.
 *
 * If a probe is not called, because somebody has turned ftrace off, a kernel is loaded that
 * nothing is announced to; that is no worse than kexec without this module.  It is only
 * announced to a kernel of which every segment lies in scratch.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/kexec.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/image.h"
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
	/** @pid: the process of that. */
	pid_t pid;
	/** @wanted: somebody has asked that it gets the handover. */
	bool wanted;
	/** @why_not: why it does not, or NULL. */
	const char *why_not;
	/** @built: the loader is done. */
	bool built;
	/** @announced: it gets the handover, unless loading fails. */
	bool announced;
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
/* The process that has asked, and whether it has not begun to load a kernel since. */
static struct pid *asker;
static bool asked;
/* The image that was loaded last, if it was announced to; only to be compared. */
static const struct kimage *carried;
/* The rest of the module has been told of it. */
static bool carried_told;
/* Memory has changed since, so that it does not fit any more. */
static bool carried_stale;
static unsigned int carried_renewals;
/* The process that has loaded another one, until that is logged; or 0. */
static pid_t stranger;
/* Address of the setup page, or 0; whether an image got it. */
static u64 offered;
static bool shown;
/* Scratch is about to change. */
static bool changing;

/* All probes are possible; they are set, too, which probes_lock protects. */
static bool possible;
static bool probes_set;
static DEFINE_MUTEX(probes_lock);

static void tell_image(struct work_struct *work);
static DECLARE_WORK(image_work, tell_image);

/* Tells the rest of the module what is loaded now. */
static void tell_image(struct work_struct *work)
{
	const struct kimage *image;
	unsigned int renewals;
	unsigned long flags;
	bool told;
	pid_t pid;

	raw_spin_lock_irqsave(&load_lock, flags);
	image = carried;
	told = carried_told;
	carried_told = true;
	renewals = carried_renewals;
	pid = stranger;
	stranger = 0;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	if (pid)
		pr_warn("process %d has loaded a kernel by kexec_file_load without khoctl load: nothing is handed over to it\n",
			pid);
	if (!image) {
		kho_image_gone();
		return;
	}
	/* We may be called once more than needed, if it was loaded just before. */
	if (told || kho_image_seen(renewals))
		return;
	pr_warn("memory has changed while a kernel was loaded: load it again\n");
	raw_spin_lock_irqsave(&load_lock, flags);
	carried_stale |= carried == image;
	raw_spin_unlock_irqrestore(&load_lock, flags);
}

/* ---- Probes ---- */

/* Is this the process that has asked, or a child of it? */
static bool is_asker(void)
{
	bool ret;

	rcu_read_lock();
	ret = asked && (task_tgid(current) == asker ||
			task_tgid(rcu_dereference(current->real_parent)) == asker);
	rcu_read_unlock();
	return ret;
}

/* The load is over.  Its image is loaded if the loader was done, and nobody has freed it. */
static bool end_load(bool freed)
{
	bool loaded = load.built && !freed;

	if (loaded) {
		carried = load.announced ? load.image : NULL;
		carried_told = false;
		carried_stale = false;
		carried_renewals = load.renewals;
		stranger = load.wanted ? 0 : load.pid;
	}
	memset(&load, 0, sizeof(load));
	return loaded;
}

/* The rest of the module is to know. */
static void note_change(void)
{
	if (offered)
		queue_work(system_unbound_wq, &image_work);
}

/* Begins with its first segment. */
static void begin_load(const struct kimage *image, bool secrets)
{
	/* As kexec's lock is ours, the load before this one is over. */
	if (end_load(false))
		note_change();
	load.image = image;
	load.task = current;
	load.pid = task_tgid_nr(current);
	load.wanted = is_asker();
	if (!load.wanted)
		return;
	asked = false;
	if (!offered)
		load.why_not = "the module is being unloaded";
	else if (secrets)
		load.why_not = "the kernel is locked down for confidentiality";
	else if (!kho_scratch_pages())
		load.why_not = "there is no scratch";
	else if (changing)
		load.why_not = "scratch is being made larger";
}

static bool is_of_load(const struct kimage *image)
{
	return load.image && load.image == image && load.task == current;
}

static bool is_to_carry(const struct kimage *image)
{
	return is_of_load(image) && load.wanted && !load.why_not;
}

static void confine(struct kexec_buf *kbuf)
{
	unsigned long first = PFN_PHYS(kho_scratch_pfn());
	unsigned long last = first + PFN_PHYS(kho_scratch_pages()) - 1;

	load.pages += PFN_UP(kbuf->memsz);
	kbuf->buf_min = max(kbuf->buf_min, first);
	kbuf->buf_max = min(kbuf->buf_max, last);
	kho_kexec_no_cma(kbuf->image);
}

static int add_buffer(struct kprobe *probe, struct pt_regs *regs)
{
	struct kexec_buf *kbuf = (void *)regs_get_kernel_argument(regs, 0);
	struct kimage *image = kbuf->image;
	unsigned long flags;
	bool secrets;

	/* A crash kernel has a place of its own, and gets no handover. */
	if (!image->file_mode || image->type != KEXEC_TYPE_DEFAULT)
		return 0;
	secrets = kho_locked_secrets();
	raw_spin_lock_irqsave(&load_lock, flags);
	if (!image->nr_segments)
		begin_load(image, secrets);
	if (is_to_carry(image))
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
	const char *why_not;

	lockdep_assert_held(&load_lock);

	if (!offered)
		return "the module is being unloaded";
	if (!lies_in_scratch(image))
		return "it does not lie in scratch";
	load.renewals = kho_ram_renewals();
	if (!has_ram(image))
		return "it would not know all memory, as some was added since boot";
	why_not = kho_arch_image_announce(image, offered);
	shown |= !why_not;
	return why_not;
}

static int prepare(struct kprobe *probe, struct pt_regs *regs)
{
	struct kimage *image = (void *)regs_get_kernel_argument(regs, 0);
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	if (is_to_carry(image)) {
		load.why_not = announce(image);
		load.announced = !load.why_not;
	}
	load.built |= is_of_load(image);
	raw_spin_unlock_irqrestore(&load_lock, flags);
	return 0;
}

static void log_failure(const struct load *ended)
{
	if (ended->why_not)
		pr_err("nothing is handed over to the kernel that kexec_file_load has loaded: %s\n",
		       ended->why_not);
	else if (!ended->built)
		pr_warn("kexec_file_load has failed: the kernel, of %lu MiB or more, has to fit into scratch, which has %lu MiB: see khoctl scratch\n",
			MIB_OF(ended->pages) + 1, MIB_OF(kho_scratch_pages()));
}

static int free_image(struct kprobe *probe, struct pt_regs *regs)
{
	const struct kimage *image = (void *)regs_get_kernel_argument(regs, 0);
	bool freed, changed = false;
	struct load ended = { };
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	freed = image && image == load.image;
	if (image && image == carried) {
		carried = NULL;
		changed = true;
	}
	/* After a load this is the image that it has replaced, or its own if it has failed. */
	if (load.image && (freed || load.task == current)) {
		ended = load;
		changed |= end_load(freed);
	}
	if (changed)
		note_change();
	raw_spin_unlock_irqrestore(&load_lock, flags);
	if (ended.wanted && !ended.announced)
		log_failure(&ended);
	return 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "kexec_add_buffer", .pre_handler = add_buffer },
	{ .symbol_name = "machine_kexec_prepare", .pre_handler = prepare },
	{ .symbol_name = "kimage_free", .pre_handler = free_image },
};

/* Sets all of them, or none. */
static int set_probes(void)
{
	unsigned int i;
	int ret = 0;

	mutex_lock(&probes_lock);
	for (i = 0; i < ARRAY_SIZE(probes) && !probes_set && !ret; i++)
		ret = enable_kprobe(&probes[i]);
	if (ret)
		for (i--; i--; )
			disable_kprobe(&probes[i]);
	probes_set = !ret;
	mutex_unlock(&probes_lock);
	return ret;
}

/* ---- For the rest of the backend ---- */

/**
 * kho_file_load_init() - find out whether kexec_file_load() can be followed
 *
 * Under lockdown, begins to follow it.
 *
 * Context: may sleep; none of our locks held.
 */
void kho_file_load_init(void)
{
	struct kprobe *list[ARRAY_SIZE(probes)];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		list[i] = &probes[i];
		/* The kernel's code does not change before it has to. */
		probes[i].flags = KPROBE_FLAG_DISABLED;
	}
	ret = register_kprobes(list, ARRAY_SIZE(probes));
	possible = !ret;
	if (!ret && kho_locked_kexec())
		ret = set_probes();
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
	put_pid(asker);
	asker = NULL;
	asked = false;
	probes_set = false;
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
 * kho_file_load_follow() - follow kexec_file_load() from now on
 *
 * Context: may sleep; none of our locks held.
 * Return: 0, -EOPNOTSUPP if that is not possible, or an error of enable_kprobe().
 */
int kho_file_load_follow(void)
{
	int ret = possible ? set_probes() : -EOPNOTSUPP;

	return ret ? kho_refuse(ret, "kexec_file_load can't carry a handover here") : 0;
}

/**
 * kho_file_load_ask() - let a kernel get the handover that kexec_file_load() loads
 * @ask: if the calling process is the next to load one, or a child of it; else no kernel
 * gets it any more
 *
 * Context: may sleep.
 */
void kho_file_load_ask(bool ask)
{
	struct pid *pid = ask ? get_task_pid(current, PIDTYPE_TGID) : NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&load_lock, flags);
	swap(asker, pid);
	asked = ask;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	put_pid(pid);
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
 * kho_file_load_stop() - let no kernel get the handover that kexec_file_load() loads
 *
 * Context: any; followed by kho_file_load_resume().
 * Return: false if one has got it, or is being loaded.
 */
bool kho_file_load_stop(void)
{
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(&load_lock, flags);
	ret = !carried && !(load.wanted && !load.why_not);
	changing |= ret;
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
 * kho_file_load_carries() - is a kernel loaded that gets the handover by this?
 *
 * Context: any.
 */
bool kho_file_load_carries(void)
{
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(&load_lock, flags);
	ret = carried && !carried_stale;
	raw_spin_unlock_irqrestore(&load_lock, flags);
	return ret;
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
