// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl load KERNEL
 *
 * The stock kexec loads a copy of the image in which the boot protocol's
 * setup_data points at the module's node, and keeps to scratch, in which
 * nothing is preserved.  All that it says about that is checked afterwards.
 *
 * A kernel with Kexec Handover of its own does all this by itself, in
 * kexec_file_load(): there the image is loaded as it is.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kho.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/lists.h"
#include "device/loaded.h"
#include "device/scratch.h"
#include "memmap/memmap.h"
#include "target/guard.h"
#include "target/image.h"
#include "target/kexec.h"
#include "target/plan.h"
#include "target/target.h"

struct load {
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *kexec;
	unsigned int abi;
	enum handoff handoff;
	bool reuse_cmdline;
	bool dry_run;
	bool force;
	bool no_checks;

	int dev;
	struct kho_query query;
	bool own_kho;			/* the kernel's own KHO does it */
	struct image_file file;
	struct target target;
	struct plan plan;
	__u64 initrd_size;
	__u64 limit;			/* of its memory, or 0 */
	int fd;				/* the copy of the image, or -1 */
	char *program;
	char *args[13];			/* NULL-terminated; [0] is program */
	struct kexec_segment *segs;
	size_t nr_segs;
	int was_loaded;
	bool fell_back;			/* from envelopes to each page */
};

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
			l->append = optarg;
			break;
		case 'r':
			l->reuse_cmdline = true;
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

/* A copy in a memfd that kexec inherits, with the address of the node in it */
static int copy_image(struct load *l)
{
	size_t at = 0;
	int ret;

	if (l->own_kho)
		return DONE;
	/* Not close-on-exec: kexec opens it by /proc/self/fd. */
	l->fd = memfd_create("kho-image", 0);
	if (l->fd < 0)
		return cmd_errno_err(errno, "cannot make a copy of %s", l->kernel);
	while (at < l->file.size) {
		ssize_t n = write(l->fd, l->file.data + at, l->file.size - at);

		if (n < 0 && errno != EINTR)
			return cmd_errno_err(errno, "cannot make a copy of %s",
					     l->kernel);
		at += n > 0 ? n : 0;
	}
	ret = arch_image_announce(l->fd, l->query.setup_addr, &l->file.image);
	if (ret)
		return cmd_errno_err(ret, "cannot write to the copy of %s",
				     l->kernel);
	return DONE;
}

/* What "kho=" the next kernel gets: 1 on, 0 off, -1 none */
static int next_kho(const struct load *l)
{
	int on = l->append ? cmdline_kho(l->append) : -1;
	char cmdline[4096];

	/* kexec puts --append behind what is reused: it wins. */
	if (on < 0 && l->reuse_cmdline &&
	    sys_read("/proc/cmdline", cmdline, sizeof(cmdline)) > 0)
		on = cmdline_kho(cmdline);
	return on;
}

static int check_cmdline(struct load *l)
{
	int on = next_kho(l);

	if (l->append && strlen(l->append) > l->file.image.cmdline)
		return cmd_err("--append: %zu bytes, and the kernel takes %llu",
			       strlen(l->append), l->file.image.cmdline);
	if (l->append && strchr(l->append, '\n'))
		return cmd_err("--append: has a newline in it");
	if (!on && l->append && !cmdline_kho(l->append))
		cmd_warn("warning: kho=off: the next kernel will ignore the handover");
	else if (!on)
		cmd_warn("warning: this kernel's command line has kho=off, which --reuse-cmdline passes on: the next kernel will ignore the handover");
	else if (on < 0 && l->target.kind == TARGET_MAINLINE && !l->target.on)
		cmd_warn("warning: the command line lacks kho=on: without it that kernel can't hand on what arrives");
	if (!l->append && !l->reuse_cmdline)
		cmd_warn("warning: neither --append nor --reuse-cmdline: the next kernel gets an empty command line");
	return DONE;
}

/* What lies behind the end of its memory is lost to the next kernel. */
static int check_limit(struct load *l)
{
	__u64 scratch_end = l->query.scratch_addr + l->query.scratch_size;
	struct kho_envelope_entry *env = NULL;
	char cmdline[4096];
	size_t nr = 0, i;
	const char *others = NULL;
	__u64 limit;
	int ret;

	limit = arch_memory_limit(l->append, UINT64_MAX, &others);
	if (others)
		cmd_warn("warning: %s on its command line: what is preserved where that leaves no RAM is lost",
			 others);
	if (l->reuse_cmdline &&
	    sys_read("/proc/cmdline", cmdline, sizeof(cmdline)) > 0)
		limit = arch_memory_limit(cmdline, limit, &others);
	if (limit == UINT64_MAX || l->own_kho)
		return DONE;
	l->limit = limit;
	if (limit < scratch_end)
		return cmd_err("mem=%s on its command line: scratch, where it is loaded, ends at 0x%llx: it would not boot",
			       size_str(limit), scratch_end);
	if (!(l->query.features & KHO_FEATURE_ENVELOPES))
		return DONE;
	ret = list_envelopes(l->dev, 0, &env, &nr);
	if (ret)
		return cmd_err("cannot tell where the envelopes are: %s",
			       device_error(ret));
	for (i = 0; i < nr && !ret; i++) {
		const struct kho_envelope_entry *e = &env[i];

		if (e->addr + e->bytes < limit)
			continue;
		/* Some kernels count only RAM that nobody has reserved. */
		if (e->addr < limit)
			ret = cmd_err("mem=%s on its command line: that is in the envelope from 0x%llx to 0x%llx: it would not boot",
				      size_str(limit), e->addr,
				      e->addr + e->bytes - 1);
		else if (!l->force)
			ret = cmd_err("mem=%s on its command line: what is preserved from 0x%llx on would be lost; --force loads it all the same",
				      size_str(limit), e->addr);
		else
			cmd_warn("warning: mem=%s on its command line: what is preserved from 0x%llx on will be lost",
				 size_str(limit), e->addr);
		break;
	}
	free(env);
	return ret;
}

/* All that can be known to fail before the image is looked at */
static int check_module(struct load *l)
{
	const struct kho_query *q = &l->query;
	const char *why;
	int ret = 0;

	l->own_kho = q->backend == KHO_BACKEND_KERNEL;
	if (q->frozen)
		return cmd_err("the machine is going down: it is too late to load a kernel");
	if (!l->own_kho && !q->setup_addr)
		return cmd_err("the module publishes no setup_data node to hand over by");
	/* So it is after much has arrived; by now there may be room. */
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
	why = sys_kexec_refusal(l->own_kho);
	if (why)
		return cmd_err("%s", why);
	l->was_loaded = sys_kexec_loaded();
	if (l->was_loaded < 0)
		return cmd_err("this kernel has no kexec (CONFIG_KEXEC)");
	return DONE;
}

/* What "khoctl check --target" would say: the first failure is the reason. */
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
	plan_make(p);
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

static int build_args(struct load *l)
{
	const struct kho_query *q = &l->query;
	size_t n = 0;

	l->program = kexec_find(l->kexec);
	if (!l->program)
		return cmd_err("%s: no such program (try 'apt install kexec-tools')",
			       l->kexec ? l->kexec : "kexec");
	l->args[n++] = xstrdup(l->program);
	if (l->own_kho) {
		if (l->no_checks)
			cmd_warn("warning: --no-checks: this kernel makes a checksum of what it loads by itself");
		l->args[n++] = xstrdup("-s");
		l->args[n++] = xstrdup("-l");
		/* What begins with '-' would be an option. */
		l->args[n++] = xasprintf("%s%s", *l->kernel == '-' ? "./" : "",
					 l->kernel);
	} else {
		l->args[n++] = xstrdup("-d");
		l->args[n++] = xstrdup("-c");
		l->args[n++] = xstrdup("-l");
		l->args[n++] = xasprintf("/proc/self/fd/%d", l->fd);
		l->args[n++] = xasprintf("--mem-min=0x%llx", q->scratch_addr);
		l->args[n++] = xasprintf("--mem-max=0x%llx",
					 q->scratch_addr + q->scratch_size - 1);
	}
	if (l->no_checks && !l->own_kho)
		l->args[n++] = xstrdup("--no-checks");
	if (l->initrd)
		l->args[n++] = xasprintf("--initrd=%s", l->initrd);
	if (l->reuse_cmdline)
		l->args[n++] = xstrdup("--reuse-cmdline");
	if (l->append)
		l->args[n++] = xasprintf("--append=%s", l->append);
	return DONE;
}

/* What kexec put on an envelope would be lost there. */
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
				ret = cmd_err("segment %zu, 0x%llx bytes at 0x%llx, lies on the envelope of 0x%llx bytes at 0x%llx",
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
	/* The kernel chose the places itself, all in its own scratch. */
	if (l->own_kho)
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
 * Each page may be sent to a kernel that could do with envelopes, but not the
 * other way round.  So that is what is sent while either kernel may be loaded.
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

/* For the kernel that is loaded now */
static int end_handoff(struct load *l, int failed)
{
	__u32 how = l->plan.handoff, before = l->query.handoff;
	int ret;

	/* What was loaded before, if it still is, was made for that. */
	if (failed) {
		if (before != how && before == KHO_HANDOFF_ENVELOPES &&
		    l->was_loaded && sys_kexec_loaded() == 1 &&
		    set_handoff(l, before))
			cmd_warn("warning: the kernel that is loaded will be told of each page: its boot may take long");
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
	cmd_warn("warning: cannot hand over by envelopes: %s; it will be told of each page, and its boot may take long",
		 device_error(ret));
	return DONE;
}

/* What is loaded knows the memory that there is from then on. */
static int tell_image(const struct load *l, __u32 state)
{
	int ret;

	if (!(l->query.features & KHO_FEATURE_IMAGE))
		return DONE;
	ret = image_tell(l->dev, state, state == KHO_IMAGE_BEGUN ? l->limit : 0);
	if (ret == -ESTALE)
		return cmd_err("memory was added or taken away meanwhile: load it again");
	return ret ? cmd_err("cannot tell the module what is loaded: %s",
			     device_error(ret)) : DONE;
}

/*
 * Is the next kernel told of the memory that there is?  That may change at any time, so
 * this is asked before kexec looks, and after: memory that is being plugged in is known
 * to the module first, and to kexec a moment later.
 */
static int check_memmap(const struct load *l, bool after)
{
	enum memmap how;
	int ret = DONE;
	char *text;

	if (l->own_kho)
		return DONE;
	how = memmap_compare(&text);
	if (how == MEMMAP_LESS)
		ret = cmd_err("%s: %s", text, MEMMAP_LESS_FIX);
	else if (how == MEMMAP_MORE && after)
		cmd_warn("warning: %s: %s", text, arch_told_ram_fix);
	free(text);
	return ret;
}

static int run_kexec(struct load *l)
{
	char *output = NULL;
	struct guard guard;
	int status, ret;

	/* What was loaded may have been unloaded by somebody who does not say so. */
	if ((!l->was_loaded && tell_image(l, KHO_IMAGE_NONE)) ||
	    tell_image(l, KHO_IMAGE_BEGUN) || check_memmap(l, false))
		return FAILED;
	if (guard_start(&guard, l->program, l->own_kho))
		return FAILED;
	status = program_run((const char * const *)l->args, &output);
	if (status < 0) {
		ret = cmd_errno_err(status, "cannot run %s", l->program);
	} else if (status) {
		ret = cmd_err("%s: %s: %s", l->program, program_status_str(status),
			      program_last_line(output));
		/*
		 * A load that is refused leaves what was loaded before.  Only
		 * a kexec that was killed may have loaded something.
		 */
		if (WIFEXITED(status) && sys_kexec_loaded() == l->was_loaded) {
			if (l->was_loaded)
				cmd_warn("the kernel that was loaded before is still loaded");
			goto out;
		}
	} else {
		ret = judge(l, output);
		if (!ret)
			ret = check_memmap(l, true);
		if (!ret)
			ret = tell_image(l, KHO_IMAGE_LOADED);
		if (!ret && caught_signal())
			ret = cmd_err("interrupted");
	}
	if (!ret)
		goto out;

	if (kexec_unload(l->program, l->own_kho))
		cmd_warn("DO NOT run kexec -e: what is loaded is not safe for the handover");
	else if (!tell_image(l, KHO_IMAGE_NONE))
		cmd_warn("the kernel has been unloaded again");
out:
	guard_end(&guard);
	free(output);
	return ret;
}

static void report_json(struct load *l)
{
	struct json_object *root = json_new(), *list;
	size_t i;

	json_add_str(root, "kernel", l->kernel);
	json_add_str(root, "version", l->file.image.version);
	json_add_str(root, "format", l->file.image.format);
	if (l->initrd)
		json_add_str(root, "initrd", l->initrd);
	json_add_bool(root, "dry_run", l->dry_run);
	json_add_bool(root, "replaced", l->was_loaded);
	json_add_bool(root, "own_kho", l->own_kho);
	json_add_bool(root, "checks", l->own_kho || !l->no_checks);
	json_add_u64(root, "setup_addr", l->query.setup_addr);
	json_add_u64(root, "scratch_addr", l->query.scratch_addr);
	json_add_u64(root, "needed", l->plan.scratch_needed);
	plan_json(&l->plan, root);
	list = json_list(root, "command");
	for (i = 0; l->args[i]; i++)
		json_add_str(list, NULL, l->args[i]);
	list = json_list(root, "segments");
	for (i = 0; i < l->nr_segs; i++) {
		struct json_object *seg = json_new();

		json_add_u64(seg, "addr", l->segs[i].mem);
		json_add_u64(seg, "size", l->segs[i].memsz);
		json_object_array_add(list, seg);
	}
	json_print(root);
}

/* What the next kernel is, and what that means */
static void report_target(const struct load *l)
{
	const struct kho_query *q = &l->query;
	const struct plan *p = &l->plan;
	size_t i;

	printf("target    %s", target_kind_str(l->target.kind));
	if (p->abis)
		printf(", kho-v%u", q->abi);
	if (l->target.nr_evidence)
		printf(", by its %s", l->target.evidence[0]);
	putchar('\n');
	switch (p->arrives) {
	case ARRIVES_ENVELOPES:
		printf("arrives   in %s, %s, which are kept current: more may be preserved until the jump\n",
		       count_str(q->envelopes, "envelope"),
		       size_str(q->envelope_pages * q->page_size));
		break;
	case ARRIVES_EXACT:
		puts("arrives   exactly, page by page: more may be preserved until the jump");
		break;
	default:
		puts("arrives   as that kernel can");
	}
	for (i = 0; i < p->findings.nr && !l->fell_back; i++)
		if (!strcmp(p->findings.list[i].name, "hand-off") &&
		    p->findings.list[i].verdict == OK)
			printf("hand-off  %s\n", p->findings.list[i].text);
	if (p->left)
		printf("RAM       %s for its boot, which needs about %s\n",
		       size_str(p->left), size_str(p->needed));
}

static void report_dry_run(const struct load *l)
{
	char *command = program_quote((const char * const *)l->args);

	if (!l->own_kho)
		printf("patch     %s, in a copy of the image\n",
		       l->file.image.note);
	printf("command   %s\n", command);
	printf("          ");
	if (!l->own_kho)
		printf("where /proc/self/fd/%d is that copy; ", l->fd);
	printf("nothing has been loaded%s\n", l->was_loaded ?
	       ", and the kernel that is loaded would be replaced" : "");
	free(command);
}

static void report(struct load *l)
{
	const char *replaces = l->was_loaded ?
			       "; it replaces the kernel loaded before" : "";
	const struct kho_query *q = &l->query;
	const struct image *image = &l->file.image;
	__u64 used = 0;
	size_t i;

	if (want_json()) {
		report_json(l);
		return;
	}
	printf("image     %s%s%s (%s)\n", l->kernel,
	       image->version[0] ? ", Linux " : "", image->version,
	       image->format);
	report_target(l);
	if (l->initrd)
		printf("initrd    %s, %s\n", l->initrd,
		       size_str(l->initrd_size));
	if (!l->own_kho)
		printf("scratch   0x%llx to 0x%llx, %s, of which %s are needed\n",
		       q->scratch_addr,
		       q->scratch_addr + q->scratch_size - 1,
		       size_str(q->scratch_size),
		       size_str(l->plan.scratch_needed));
	if (l->dry_run) {
		report_dry_run(l);
		return;
	}
	for (i = 0; i < l->nr_segs; i++) {
		printf("segment   0x%llx to 0x%llx, %s\n",
		       l->segs[i].mem, l->segs[i].mem + l->segs[i].memsz - 1,
		       size_str(l->segs[i].memsz));
		used += l->segs[i].memsz;
	}
	if (l->own_kho)
		printf("loaded    by this kernel's own Kexec Handover%s\n",
		       replaces);
	else
		printf("loaded    %s in %s, all inside scratch%s\n",
		       size_str(used), count_str(l->nr_segs, "segment"),
		       replaces);
	puts("next      'systemctl kexec', or 'kexec -e' at once");
}

int cmd_load(int argc, char **argv)
{
	struct load l = { .fd = -1 };
	int ret, lock;
	size_t i;

	ret = parse(&l, argc, argv);
	if (ret)
		return ret;
	/* Before anything is looked at that another one may change. */
	lock = l.dry_run ? -1 : load_lock();
	l.dev = open_device_query(&l.query, 0);
	if (l.dev < 0) {
		ret = FAILED;
		goto out_unlock;
	}

	/* From here on a signal must not leave an image that nobody checked. */
	catch_signals();
	ret = check_module(&l);
	if (!ret)
		ret = image_read(&l.file, l.kernel);
	if (!ret)
		ret = initrd_size(l.initrd, &l.initrd_size);
	if (!ret)
		ret = check_plan(&l);
	if (!ret)
		ret = check_cmdline(&l);
	if (!ret)
		ret = check_limit(&l);
	if (!ret)
		ret = copy_image(&l);
	if (!ret)
		ret = build_args(&l);
	if (!ret && caught_signal())
		ret = cmd_err("interrupted");
	if (!ret && !l.dry_run) {
		ret = begin_handoff(&l);
		if (!ret)
			ret = end_handoff(&l, run_kexec(&l));
	}
	if (!ret)
		report(&l);

	for (i = 0; i < ARRAY_SIZE(l.args); i++)
		free(l.args[i]);
	free(l.segs);
	free(l.program);
	plan_free(&l.plan);
	target_free(&l.target);
	image_free(&l.file);
	if (l.fd >= 0)
		close(l.fd);
	close(l.dev);
	die_of_signal();
out_unlock:
	if (lock >= 0)
		close(lock);
	return ret;
}
