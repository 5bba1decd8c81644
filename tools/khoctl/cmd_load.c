// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl load KERNEL
 *
 * The stock kexec loads a copy of the image in which the boot protocol's
 * setup_data points at the module's node, and keeps to scratch, in which
 * nothing is preserved.  All that it says about that is checked afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "khoctl.h"
#include "kexec.h"
#include "sysinfo.h"

struct load {
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *kexec;
	bool reuse_cmdline;
	bool dry_run;

	struct kho_query query;
	struct image image;
	__u64 initrd_size;
	int fd;				/* the copy of the image */
	char *program;
	char *args[12];			/* NULL-terminated; [0] is program */
	struct kexec_segment *segs;
	size_t nr_segs;
	int was_loaded;
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

/* Checks the file and copies it into a memfd that kexec inherits. */
static int copy_image(struct load *l)
{
	struct stat st;
	const char *why;
	int in, ret = FAILED;
	char *buf = NULL;
	__u64 at, size;

	in = open(l->kernel, O_RDONLY | O_CLOEXEC);
	if (in < 0 || fstat(in, &st)) {
		cmd_errno_err(errno, "%s", l->kernel);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		cmd_err("%s: is no regular file", l->kernel);
		goto out;
	}
	size = st.st_size;
	if (size > UINT32_MAX) {
		cmd_err("%s: is no bzImage (x86 boot image): it has %s", l->kernel,
			size_str(size));
		goto out;
	}
	/* One read and one check, of the copy: the file may change. */
	buf = xmalloc(size);
	for (at = 0; at < size; ) {
		ssize_t n = read(in, buf + at, size - at);

		if (n < 0 && errno == EINTR && !caught_signal())
			continue;
		if (n <= 0) {
			cmd_err("%s: cannot read: %s", l->kernel,
				n ? strerror(errno) : "it has shrunk meanwhile");
			goto out;
		}
		at += n;
	}
	why = image_check(buf, at, at, &l->image);
	if (why) {
		cmd_err("%s: %s", l->kernel, why);
		goto out;
	}

	/* Not close-on-exec: kexec opens it by /proc/self/fd. */
	l->fd = memfd_create("kho-image", 0);
	if (l->fd < 0) {
		cmd_errno_err(errno, "cannot make a copy of %s", l->kernel);
		goto out;
	}
	for (at = 0; at < size; ) {
		ssize_t n = write(l->fd, buf + at, size - at);

		if (n < 0 && errno != EINTR) {
			cmd_errno_err(errno, "cannot make a copy of %s", l->kernel);
			goto out;
		}
		at += n > 0 ? n : 0;
	}
	ret = image_place(l->fd, l->query.setup_addr, &l->image);
	if (ret)
		ret = cmd_errno_err(ret, "cannot write to the copy of %s",
				    l->kernel);
out:
	free(buf);
	if (in >= 0)
		close(in);
	return ret;
}

static int check_initrd(struct load *l)
{
	struct stat st;

	if (!l->initrd)
		return DONE;
	if (access(l->initrd, R_OK) || stat(l->initrd, &st))
		return cmd_errno_err(errno, "%s", l->initrd);
	if (!S_ISREG(st.st_mode))
		return cmd_err("%s: is no regular file", l->initrd);
	if (!st.st_size)
		return cmd_err("%s: is empty", l->initrd);
	l->initrd_size = st.st_size;
	return DONE;
}

static int check_cmdline(struct load *l)
{
	if (l->append && strlen(l->append) > l->image.cmdline)
		return cmd_err("--append: %zu bytes, and the kernel takes %llu",
			       strlen(l->append), l->image.cmdline);
	if (l->append && strchr(l->append, '\n'))
		return cmd_err("--append: has a newline in it");
	if (l->reuse_cmdline && sys_has_word("/proc/cmdline", "kho=off"))
		cmd_warn("warning: this kernel's command line has kho=off, which --reuse-cmdline passes on: the next kernel will ignore the handover");
	if (l->append && strstr(l->append, "kho=off"))
		cmd_warn("warning: kho=off: the next kernel will ignore the handover");
	if (!l->append && !l->reuse_cmdline)
		cmd_warn("warning: neither --append nor --reuse-cmdline: the next kernel gets an empty command line");
	return DONE;
}

/* All that can be known to fail before kexec is called */
static int check_module(struct load *l)
{
	const struct kho_query *q = &l->query;
	const char *why;

	if (q->frozen)
		return cmd_err("the machine is going down: it is too late to load a kernel");
	if (!q->setup_addr)
		return cmd_err("the module publishes no setup_data node to hand over by");
	if (!q->scratch_size)
		return cmd_err("the module has no scratch area: load it with scratch_mib=N");
	if (q->scratch_addr + q->scratch_size < q->scratch_addr)
		return cmd_err("impossible scratch area: 0x%llx bytes at 0x%llx",
			       q->scratch_size,
			       q->scratch_addr);
	why = sys_kexec_refusal();
	if (why)
		return cmd_err("%s", why);
	l->was_loaded = sys_kexec_loaded();
	if (l->was_loaded < 0)
		return cmd_err("this kernel has no kexec (CONFIG_KEXEC)");
	return DONE;
}

static int check_fit(const struct load *l)
{
	__u64 needs = image_needs(&l->image, l->initrd_size);

	if (needs <= l->query.scratch_size)
		return DONE;
	return cmd_err("%s%s needs %s, and scratch has %s: load the module with scratch_mib=%llu",
		       l->kernel, l->initrd ? " with its initrd" : "",
		       size_str(needs), size_str(l->query.scratch_size),
		       (needs + MIB - 1) / MIB);
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
	l->args[n++] = xstrdup("-d");
	l->args[n++] = xstrdup("-c");
	l->args[n++] = xstrdup("-l");
	l->args[n++] = xasprintf("/proc/self/fd/%d", l->fd);
	l->args[n++] = xasprintf("--mem-min=0x%llx",
				 q->scratch_addr);
	l->args[n++] = xasprintf("--mem-max=0x%llx",
				 q->scratch_addr + q->scratch_size - 1);
	if (l->initrd)
		l->args[n++] = xasprintf("--initrd=%s", l->initrd);
	if (l->reuse_cmdline)
		l->args[n++] = xstrdup("--reuse-cmdline");
	if (l->append)
		l->args[n++] = xasprintf("--append=%s", l->append);
	return DONE;
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
	return DONE;
}

static int run_kexec(struct load *l)
{
	char *output = NULL;
	int status, ret;

	status = kexec_run((const char * const *)l->args, &output);
	if (status < 0) {
		ret = cmd_errno_err(status, "cannot run %s", l->program);
	} else if (status) {
		ret = cmd_err("%s: %s: %s", l->program, kexec_status_str(status),
			      kexec_last_line(output));
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
		if (!ret && caught_signal())
			ret = cmd_err("interrupted");
	}
	if (!ret)
		goto out;

	if (kexec_unload(l->program))
		cmd_warn("DO NOT run kexec -e: what is loaded is not safe for the handover");
	else
		cmd_warn("the kernel has been unloaded again");
out:
	free(output);
	return ret;
}

static void report_json(struct load *l)
{
	struct json_object *root = json_new(), *list;
	size_t i;

	json_add_str(root, "kernel", l->kernel);
	json_add_str(root, "version", l->image.version);
	json_add_str(root, "format", l->image.format);
	if (l->initrd)
		json_add_str(root, "initrd", l->initrd);
	json_add_bool(root, "dry_run", l->dry_run);
	json_add_bool(root, "replaced", l->was_loaded);
	json_add_u64(root, "setup_addr", l->query.setup_addr);
	json_add_u64(root, "scratch_addr", l->query.scratch_addr);
	json_add_u64(root, "scratch_size", l->query.scratch_size);
	json_add_u64(root, "needed", image_needs(&l->image, l->initrd_size));
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

static void report(struct load *l)
{
	const struct kho_query *q = &l->query;
	__u64 used = 0;
	char *command;
	size_t i;

	if (want_json()) {
		report_json(l);
		return;
	}
	printf("image     %s%s%s (%s)\n", l->kernel,
	       l->image.version[0] ? ", Linux " : "", l->image.version,
	       l->image.format);
	if (l->initrd)
		printf("initrd    %s, %s\n", l->initrd,
		       size_str(l->initrd_size));
	printf("scratch   0x%llx to 0x%llx, %s, of which %s are needed\n",
	       q->scratch_addr,
	       q->scratch_addr + q->scratch_size - 1,
	       size_str(q->scratch_size),
	       size_str(image_needs(&l->image, l->initrd_size)));
	if (l->dry_run) {
		command = kexec_quote((const char * const *)l->args);
		printf("patch     %s, in a copy of the image\n", l->image.note);
		printf("command   %s\n", command);
		printf("          where /proc/self/fd/%d is that copy; nothing has been loaded%s\n",
		       l->fd, l->was_loaded ?
		       ", and the kernel that is loaded would be replaced" : "");
		free(command);
		return;
	}
	for (i = 0; i < l->nr_segs; i++) {
		printf("segment   0x%llx to 0x%llx, %s\n",
		       l->segs[i].mem, l->segs[i].mem + l->segs[i].memsz - 1,
		       size_str(l->segs[i].memsz));
		used += l->segs[i].memsz;
	}
	printf("loaded    %s in %s, all inside scratch%s\n", size_str(used),
	       count_str(l->nr_segs, "segment"),
	       l->was_loaded ? "; it replaces the kernel loaded before" : "");
	puts("next      'systemctl kexec', or 'kexec -e' at once");
}

int cmd_load(int argc, char **argv)
{
	struct load l = { .fd = -1 };
	size_t i;
	int dev, ret;

	ret = parse(&l, argc, argv);
	if (ret)
		return ret;
	dev = open_device_query(&l.query, 0);
	if (dev < 0)
		return FAILED;
	close(dev);

	/* From here on a signal must not leave an image that nobody checked. */
	catch_signals();
	ret = check_module(&l);
	if (!ret)
		ret = copy_image(&l);
	if (!ret)
		ret = check_initrd(&l);
	if (!ret)
		ret = check_cmdline(&l);
	if (!ret)
		ret = check_fit(&l);
	if (!ret)
		ret = build_args(&l);
	if (!ret && !l.dry_run)
		ret = run_kexec(&l);
	if (!ret)
		report(&l);

	for (i = 0; i < ARRAY_SIZE(l.args); i++)
		free(l.args[i]);
	free(l.segs);
	free(l.program);
	if (l.fd >= 0)
		close(l.fd);
	die_of_signal();
	return ret;
}
