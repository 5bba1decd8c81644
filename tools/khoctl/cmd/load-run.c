// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl load: running kexec and verifying the result.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <libkho.h>
#include <linux/kho.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/sysinfo.h"
#include "cmd/load.h"
#include "device/device.h"
#include "device/lists.h"
#include "device/loaded.h"
#include "device/record.h"
#include "memmap/compare.h"
#include "target/guard.h"
#include "target/kexec.h"
#include "target/plan.h"

int load_build_args(struct load *l)
{
	const struct kho_query *q = &l->query;
	size_t n = 0;

	l->program = kexec_find(l->kexec);
	if (!l->program)
		return cmd_err("%s: no such program (try 'apt install kexec-tools')",
			       l->kexec ? l->kexec : "kexec");
	l->args[n++] = xstrdup(l->program);
	if (l->by_file) {
		if (l->no_checks)
			cmd_warn("warning: --no-checks has no effect: this kernel itself takes a checksum of what it loads");
		l->args[n++] = xstrdup("-s");
		l->args[n++] = xstrdup("-l");
		/*
		 * Part of a file is loaded from a copy.  As an option, kexec would take a
		 * path that begins with '-'.
		 */
		l->args[n++] = l->file.from ? xasprintf("/proc/self/fd/%d", l->file.fd) :
			       xasprintf("%s%s", *l->kernel == '-' ? "./" : "",
					 l->kernel);
	} else {
		l->args[n++] = xstrdup("-d");
		l->args[n++] = xstrdup("-c");
		l->args[n++] = xstrdup("-l");
		l->args[n++] = xasprintf("/proc/self/fd/%d", l->file.fd);
		l->args[n++] = xasprintf("--mem-min=0x%llx", q->scratch_addr);
		l->args[n++] = xasprintf("--mem-max=0x%llx",
					 q->scratch_addr + q->scratch_size - 1);
	}
	if (l->no_checks && !l->by_file)
		l->args[n++] = xstrdup("--no-checks");
	if (l->initrd)
		l->args[n++] = xasprintf("--initrd=%s", l->initrd);
	if (l->plan.cmdline.reuse)
		l->args[n++] = xstrdup("--reuse-cmdline");
	if (l->plan.cmdline.append)
		l->args[n++] = xasprintf("--append=%s", l->plan.cmdline.append);
	return DONE;
}

/* No segment may overlap an envelope, where it would be lost. */
static int judge_envelopes(struct load *l)
{
	struct kho_envelope_entry *env;
	size_t nr, i, j;
	int ret;

	if (!(l->query.features & KHO_FEATURE_ENVELOPES))
		return DONE;
	ret = list_envelopes(l->dev, 0, &env, &nr);
	if (ret)
		return cmd_err("cannot verify where the envelopes are: %s",
			       device_error(ret));
	for (i = 0; i < l->nr_segs && !ret; i++) {
		const struct kexec_segment *s = &l->segs[i];

		for (j = 0; j < nr && !ret; j++)
			if (s->mem < env[j].addr + env[j].bytes &&
			    env[j].addr < s->mem + s->memsz)
				ret = cmd_err("segment %zu, 0x%llx bytes at 0x%llx, overlaps the envelope of 0x%llx bytes at 0x%llx",
					      i, s->memsz, s->mem, env[j].bytes,
					      env[j].addr);
	}
	free(env);
	return ret;
}

static int judge(struct load *l, const char *output)
{
	const struct kho_query *q = &l->query;
	__u64 end = q->scratch_addr + q->scratch_size;
	const char *why;
	size_t i;

	if (sys_kexec_loaded() != 1)
		return cmd_err("%s reports success, but /sys/kernel/kexec_loaded is not 1",
			       l->program);
	/* In-kernel KHO, or the module, has placed all segments in scratch. */
	if (l->by_file)
		return DONE;
	why = kexec_segments(output, &l->segs, &l->nr_segs);
	if (why)
		return cmd_err("cannot verify where the kernel was put: %s", why);
	for (i = 0; i < l->nr_segs; i++) {
		const struct kexec_segment *s = &l->segs[i];

		if (s->mem < q->scratch_addr || s->mem >= end || !s->memsz ||
		    s->memsz > end - s->mem)
			return cmd_err("segment %zu, 0x%llx bytes at 0x%llx, is outside scratch",
				       i, s->memsz, s->mem);
	}
	return judge_envelopes(l);
}

static int set_handoff(const struct load *l, __u32 how)
{
	struct kho_handoff arg = {
		.size = sizeof(arg),
		.how = how,
	};

	return ioctl(l->dev, KHO_HANDOFF, &arg) ? -errno : 0;
}

/*
 * A kernel that suits envelopes can also take an exact handover, but not vice versa.  So
 * hand over exactly while either the old or the new kernel may be loaded.
 */
static int begin_handoff(const struct load *l)
{
	int ret = 0;

	if (l->plan.handoff == KHO_HANDOFF_EXACT &&
	    l->query.handoff != KHO_HANDOFF_EXACT)
		ret = set_handoff(l, KHO_HANDOFF_EXACT);
	return ret ? cmd_err("cannot hand over page by page: %s",
			     device_error(ret)) : DONE;
}

/* Chooses the handover that suits the kernel that is loaded now. */
static int end_handoff(struct load *l, int failed)
{
	__u32 how = l->plan.handoff, before = l->query.handoff;
	int ret;

	/* The old kernel may still be loaded and suit envelopes. */
	if (failed) {
		if (before != how && before == KHO_HANDOFF_ENVELOPES &&
		    l->was_loaded && sys_kexec_loaded() == 1 &&
		    set_handoff(l, before))
			cmd_warn("warning: the loaded kernel will get each page individually: booting may take long");
		return failed;
	}
	if (how == before || how == KHO_HANDOFF_EXACT)
		return DONE;
	ret = set_handoff(l, how);
	if (!ret)
		return DONE;
	l->fell_back = true;
	l->plan.handoff = KHO_HANDOFF_EXACT;
	l->plan.arrives = ARRIVES_EXACT;
	cmd_warn("warning: cannot hand over by envelopes: %s; it will get each page individually, and booting may take long",
		 device_error(ret));
	return DONE;
}

/* Tells the module that the image will know the memory as it is now. */
static int tell_image(const struct load *l, __u32 state)
{
	bool begun = state == KHO_IMAGE_BEGUN;
	int ret;

	if (!(l->query.features & KHO_FEATURE_IMAGE))
		return DONE;
	ret = image_tell(l->dev, state, begun ? l->plan.cmdline.limit : 0,
			 begun && l->by_file && !l->own_kho);
	if (ret == -ESTALE)
		return cmd_err("memory was added or removed meanwhile: load it again");
	if (ret == -ENOENT)
		return cmd_err("kexec_file_load has loaded it, but nothing is handed over to it: the kernel's log says why");
	return ret ? cmd_err("cannot tell the module what is loaded: %s",
			     device_error(ret)) : DONE;
}

/*
 * Checks that kexec reports the existing memory to the next kernel.  Memory may change at any
 * time, so this is checked before and after running kexec: when memory is plugged in, the
 * module knows first, and kexec a moment later.
 */
static int check_memmap(const struct load *l, bool after)
{
	enum memmap how;
	int ret = DONE;
	char *text;

	/* The table of memory is the kernel's, and the module has looked at it. */
	if (l->by_file)
		return DONE;
	how = memmap_compare(&text);
	if (how == MEMMAP_LESS)
		ret = cmd_err("%s: %s", text, MEMMAP_LESS_FIX);
	else if (how == MEMMAP_MORE && after)
		cmd_warn("warning: %s: %s", text, arch_told_ram_fix);
	free(text);
	return ret;
}

/*
 * Notes which kernel was loaded, so that another one can be told from it.  If that can't be
 * noted, the kernel is as good; later on, khoctl knows less of it.
 */
static int make_record(const struct load *l)
{
	struct record r;
	size_t i;
	int ret;

	record_begin(&r);
	r.setup_addr = l->query.setup_addr;
	r.kernel = xstrdup(l->kernel);
	r.version = xstrdup(l->file.image.version);
	r.segs = xcalloc(l->nr_segs + 1, sizeof(*r.segs));
	r.nr_segs = l->nr_segs;
	/* Where --force has taken the risk, it is not asked about again. */
	if (l->plan.arrives == ARRIVES_ENVELOPES && l->plan.left >= l->plan.needed)
		r.needed = l->plan.needed;
	r.ram = l->plan.cmdline.ram;
	for (i = 0; i < l->plan.cmdline.lost.nr && !l->force; i++)
		ranges_add(&r.lost, l->plan.cmdline.lost.list[i].addr,
			   l->plan.cmdline.lost.list[i].end);
	for (i = 0; i < l->nr_segs; i++) {
		r.segs[i].buf = l->segs[i].buf;
		r.segs[i].bufsz = l->segs[i].bufsz;
		r.segs[i].mem = l->segs[i].mem;
		r.segs[i].memsz = l->segs[i].memsz;
	}
	ret = image_identity(&r.variable, l->by_file ? NULL : r.segs, r.nr_segs,
			     &r.identity);
	if (ret == -ESTALE) {
		ret = cmd_err("another program has loaded another kernel meanwhile");
	} else {
		ret = record_write(&r);
		if (ret)
			cmd_warn("warning: cannot write %s: %s: khoctl status won't know this kernel from another",
				 RECORD_FILE, strerror(-ret));
		ret = DONE;
	}
	record_free(&r);
	return ret;
}

/*
 * Once loading has begun, the module leaves scratch where it is.  Until then, somebody may
 * have made it larger, and preserved memory where it was.
 */
static int check_scratch(const struct load *l)
{
	struct kho_query now;
	int ret;

	if (l->own_kho)
		return DONE;
	ret = kho_query(l->dev, &now);
	if (ret)
		return cmd_err("cannot verify where scratch is: %s", device_error(ret));
	if (now.scratch_addr != l->query.scratch_addr ||
	    now.scratch_size != l->query.scratch_size)
		return cmd_err("scratch has changed meanwhile: load it again");
	return DONE;
}

static int run_kexec(struct load *l)
{
	char *output = NULL;
	struct guard guard;
	int status, ret;

	/* Somebody may have unloaded the old kernel without telling the module. */
	if ((!l->was_loaded && tell_image(l, KHO_IMAGE_NONE)) ||
	    tell_image(l, KHO_IMAGE_BEGUN) || check_scratch(l) || check_memmap(l, false))
		return FAILED;
	if (guard_start(&guard, l->program, l->by_file))
		return FAILED;
	status = program_run((const char * const *)l->args, &output);
	if (status < 0) {
		ret = cmd_errno_err(status, "cannot run %s", l->program);
	} else if (status) {
		ret = cmd_err("%s: %s: %s", l->program, program_status_str(status),
			      program_last_line(output));
		/*
		 * If loading is refused, the old kernel stays loaded.  Only a kexec
		 * that was killed may have loaded the new one.
		 */
		if (WIFEXITED(status) && sys_kexec_loaded() == l->was_loaded) {
			if (l->was_loaded)
				cmd_warn("the kernel that was loaded before is still loaded");
			goto out;
		}
	} else {
		ret = judge(l, output);
		if (!ret)
			ret = check_watched(&l->watched_kernel);
		if (!ret)
			ret = check_watched(&l->watched_initrd);
		if (!ret)
			ret = check_memmap(l, true);
		if (!ret)
			ret = tell_image(l, KHO_IMAGE_LOADED);
		if (!ret)
			ret = make_record(l);
		if (!ret && caught_signal())
			ret = cmd_err("interrupted");
	}
	if (!ret)
		goto out;

	if (kexec_unload(l->program, l->by_file))
		cmd_warn("DO NOT run kexec -e: what is loaded is not safe for the handover");
	else if (!tell_image(l, KHO_IMAGE_NONE))
		cmd_warn("the kernel has been unloaded again");
	if (sys_kexec_loaded() != 1)
		record_remove();
out:
	guard_end(&guard);
	free(output);
	return ret;
}

int load_run(struct load *l)
{
	int ret = begin_handoff(l);

	return ret ? ret : end_handoff(l, run_kexec(l));
}
