// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl load KERNEL
 *
 * The stock kexec loads a copy of the image that announces the handover.  It places all
 * segments in scratch, where nothing is preserved.  khoctl verifies what it reports about
 * that.
 *
 * With in-kernel KHO, kexec_file_load() does all this, and the image is loaded as it is.  So
 * it is under lockdown, where an image without its signature is refused: there the module
 * lets kexec_file_load() announce the handover.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/kho.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/message.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/sysinfo.h"
#include "cmd/commands.h"
#include "cmd/load.h"
#include "device/device.h"
#include "device/scratch.h"
#include "target/guard.h"
#include "target/image.h"
#include "target/plan.h"
#include "target/target.h"

static int parse(struct load *l, int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "initrd", required_argument, NULL, 'i' },
		{ "append", required_argument, NULL, 'a' },
		{ "reuse-cmdline", no_argument, NULL, 'r' },
		{ "kexec", required_argument, NULL, 'k' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "abi", required_argument, NULL, 'b' },
		{ "handoff", required_argument, NULL, 'H' },
		{ "force", no_argument, NULL, 'f' },
		{ "no-checks", no_argument, NULL, 'c' },
		END_OF_OPTIONS
	};
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		switch (c) {
		case 'i':
			l->initrd = optarg;
			break;
		case 'a':
			l->plan.cmdline.append = optarg;
			break;
		case 'r':
			l->plan.cmdline.reuse = true;
			break;
		case 'k':
			l->kexec = optarg;
			break;
		case 'n':
			l->dry_run = true;
			break;
		case 'b':
			if (parse_abi(optarg, &l->abi))
				return USAGE;
			break;
		case 'H':
			if (parse_handoff(optarg, &l->handoff))
				return USAGE;
			break;
		case 'f':
			l->force = true;
			break;
		case 'c':
			l->no_checks = true;
			break;
		default:
			return USAGE;
		}
	}
	if (optind == argc)
		return usage_error("which KERNEL?");
	if (argc - optind > 1)
		return usage_error("too many arguments: '%s'", argv[optind + 1]);
	l->kernel = argv[optind];
	return DONE;
}

/* Has the copy of the image announce the handover, and lets kexec inherit it. */
static int announce(struct load *l)
{
	int ret;

	image_pass_on(&l->file);
	if (l->by_file)
		return DONE;
	ret = arch_image_announce(l->file.fd, l->query.setup_addr, &l->file.image);
	if (ret)
		return cmd_errno_err(ret, "cannot write to the copy of %s",
				     l->kernel);
	return DONE;
}

/* What came with the image is used unless something else is given. */
static void take_parts(struct load *l)
{
	if (!l->initrd)
		l->initrd = l->file.initrd;
	if (!l->plan.cmdline.append && !l->plan.cmdline.reuse)
		l->plan.cmdline.append = l->file.cmdline;
}

/* Checks everything that does not depend on the image. */
static int check_module(struct load *l)
{
	const struct kho_query *q = &l->query;
	const char *why;
	int ret = 0;

	l->own_kho = q->backend == KHO_BACKEND_KERNEL;
	l->by_file = l->own_kho || (sys_locked_down() && q->features & KHO_FEATURE_FILE_LOAD);
	if (q->frozen)
		return cmd_err("the machine is going down: it is too late to load a kernel");
	if (!l->own_kho && !q->root_addr)
		return cmd_err("%s", device_error(-EPERM));
	if (!l->own_kho && !q->setup_addr)
		return cmd_err("the module publishes no setup_data node to hand over by");
	/* There may be none after a large handover.  By now, there may be room. */
	if (!l->own_kho && !q->scratch_size)
		ret = scratch_take(l->dev, &l->query, 0, NULL);
	if (!l->own_kho && !q->scratch_size)
		return cmd_err("the module has no scratch area: %s", ret == -EOPNOTSUPP ?
			       "load it with scratch_mib=N" :
			       "release what is not needed, or see khoctl scratch");
	if (q->scratch_addr + q->scratch_size < q->scratch_addr)
		return cmd_err("impossible scratch area: 0x%llx bytes at 0x%llx",
			       q->scratch_size,
			       q->scratch_addr);
	why = sys_kexec_refusal(l->by_file);
	if (why)
		return cmd_err("%s", why);
	l->was_loaded = sys_kexec_loaded();
	if (l->was_loaded < 0)
		return cmd_err("this kernel has no kexec (CONFIG_KEXEC)");
	return DONE;
}

/* Checks what "khoctl check --target" checks; reports the first failure. */
static int check_plan(struct load *l)
{
	struct plan *p = &l->plan;
	size_t i;

	target_look(&l->target, &l->file);
	p->query = &l->query;
	p->file = &l->file;
	p->target = &l->target;
	p->initrd = l->initrd;
	p->initrd_size = l->initrd_size;
	p->abi = l->abi;
	p->want = l->handoff;
	p->cmdline.final = true;
	plan_make(p, l->dev);
	for (i = 0; i < p->findings.nr; i++) {
		const struct finding *f = &p->findings.list[i];
		const char *fix = f->fix;

		if (f->verdict == FAIL && !(f->can_force && l->force))
			return cmd_err("%s%s%s%s", f->text, fix ? ": " : "",
				       fix ? fix : "",
				       f->can_force ? "; --force loads it all the same" : "");
		if (f->verdict != OK)
			cmd_warn("warning: %s", f->text);
	}
	return DONE;
}

int cmd_load(int argc, char **argv)
{
	struct load l = { 0 };
	int ret, lock;
	size_t i;

	ret = parse(&l, argc, argv);
	if (ret)
		return ret;
	/* Take the lock before looking at anything that another khoctl may change. */
	lock = l.dry_run ? -1 : load_lock();
	l.dev = open_device_query(&l.query, 0);
	if (l.dev < 0) {
		ret = FAILED;
		goto out_unlock;
	}

	/* From here on, a signal must not leave an unchecked image loaded. */
	catch_signals();
	ret = check_module(&l);
	if (!ret)
		watch_file(&l.watched_kernel, l.by_file ? l.kernel : NULL);
	if (!ret)
		ret = image_read(&l.file, l.kernel);
	if (!ret)
		take_parts(&l);
	if (!ret)
		watch_file(&l.watched_initrd, l.initrd);
	if (!ret)
		ret = initrd_size(l.initrd, &l.initrd_size);
	if (!ret)
		ret = check_plan(&l);
	if (!ret)
		ret = announce(&l);
	if (!ret)
		ret = load_build_args(&l);
	if (!ret && caught_signal())
		ret = cmd_err("interrupted");
	if (!ret && !l.dry_run)
		ret = load_run(&l);
	if (!ret)
		load_report(&l);

	for (i = 0; i < ARRAY_SIZE(l.args); i++)
		free(l.args[i]);
	free(l.segs);
	free(l.program);
	plan_free(&l.plan);
	target_free(&l.target);
	image_free(&l.file);
	close(l.dev);
	die_of_signal();
out_unlock:
	if (lock >= 0)
		close(lock);
	return ret;
}
