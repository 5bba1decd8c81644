// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl check
 *
 * Each check prints a line: what was found, whether that is good enough for a handover, and
 * if not, what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libkho.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/json.h"
#include "base/message.h"
#include "base/modfile.h"
#include "base/options.h"
#include "base/program.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/next.h"
#include "device/scratch.h"
#include "memmap/compare.h"
#include "target/image.h"
#include "target/kexec.h"
#include "target/plan.h"
#include "target/target.h"

static struct findings all;

static void check_kernel(void)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(sys_release(), "%u.%u", &major, &minor) != 2)
		found(&all, "kernel", WARN, NULL, "release '%s' cannot be read",
		      sys_release());
	else if (major < 5 || (major == 5 && minor < 10))
		found(&all, "kernel", FAIL, "use Linux 5.10 or later",
		      "%s is older than 5.10", sys_release());
	else
		found(&all, "kernel", OK, NULL, "%s", sys_release());
}

static void check_own_kho(void)
{
	if (!sys_own_kho())
		found(&all, "own KHO", OK, NULL,
		      "the kernel has none: the module takes its place");
	else if (sys_kho_off())
		found(&all, "own KHO", FAIL, "boot with kho=on",
		      "the kernel has KHO, which the module would use, but it is off");
	else
		found(&all, "own KHO", OK, NULL,
		      "the kernel has KHO: the module uses it");
}

static void check_kexec(void)
{
	const char *why = sys_kexec_refusal(sys_own_kho());
	const char *lockdown = sys_lockdown();

	if (sys_kexec_loaded() < 0)
		found(&all, "kexec", FAIL, "use a kernel with CONFIG_KEXEC=y",
		      "the kernel has no kexec");
	else
		found(&all, "kexec", OK, NULL, "supported; %s",
		      sys_kexec_loaded() ? "a kernel is loaded" :
					   "no kernel is loaded");

	if (!lockdown)
		found(&all, "lockdown", OK, NULL,
		      "no lockdown (or securityfs is not mounted)");
	else if (!strcmp(lockdown, "none"))
		found(&all, "lockdown", OK, NULL, "none");
	else if (sys_own_kho())
		found(&all, "lockdown", WARN, NULL,
		      "%s: only kernels with a trusted signature can be loaded",
		      lockdown);
	if (why && (sys_own_kho() || !lockdown || !strcmp(lockdown, "none")))
		found(&all, "sysctl", FAIL, "reboot: it can't be undone",
		      "%s", why);
	else if (!why)
		found(&all, "sysctl", OK, NULL,
		      "kernels may be loaded (kernel.kexec_load_disabled)");
}

/*
 * Lockdown forbids kexec_load.  The module says whether it can hand over by kexec_file_load
 * here; @q is NULL if there is no module.
 */
static void check_lockdown(const struct kho_query *q)
{
	const char *level = sys_locked_down();

	if (!level)
		return;
	if (q && q->features & KHO_FEATURE_FILE_LOAD)
		found(&all, "lockdown", OK, NULL,
		      "%s: handing over by kexec_file_load, which loads only kernels with a trusted signature; no pages by number",
		      level);
	else if (!q && !strcmp(level, "integrity"))
		found(&all, "lockdown", WARN, NULL,
		      "%s: kexec_load is forbidden; the module, which has to be signed, will say whether kexec_file_load can hand over",
		      level);
	else
		found(&all, "lockdown", FAIL, LOCKDOWN_FIX,
		      "%s: kexec_load is forbidden", level);
}

/* With in-kernel KHO, kexec_file_load() reports the memory that the kernel knows. */
static void check_memmap(bool all_of_it)
{
	enum memmap how;
	char *text;

	if (sys_own_kho())
		return;
	how = memmap_compare(&text);
	if (how == MEMMAP_LESS)
		found(&all, "memory map", FAIL, MEMMAP_LESS_FIX, "%s", text);
	else if (how == MEMMAP_MORE && all_of_it)
		found(&all, "memory map", WARN, arch_told_ram_fix, "%s", text);
	free(text);
}

static void check_encryption(void)
{
	const char *fix, *why = arch_memory_encryption(&fix);

	if (why)
		found(&all, "memory", FAIL, fix, "%s", why);
	else
		found(&all, "memory", OK, NULL, "no sign of memory encryption");
}

static void check_module(void)
{
	char version[64], *fix, *file, *other;

	if (sys_exists("/sys/module/kho")) {
		sys_read("/sys/module/kho/version", version, sizeof(version));
		found(&all, "module", OK, NULL, "loaded%s%s",
		      version[0] ? ", version " : "", version);
		return;
	}
	/* The advice about lockdown is enough, and has to be followed first. */
	if (sys_locked_down() && strcmp(sys_locked_down(), "integrity")) {
		found(&all, "module", FAIL, NULL,
		      "not loaded, and can't be while the kernel is locked down");
		return;
	}
	file = module_find(sys_release());
	other = file ? NULL : module_find(NULL);
	if (file) {
		found(&all, "module", FAIL, "modprobe kho",
		      "not loaded, but installed: %s%s", file, sys_locked_down() ?
		      "; lockdown lets it be loaded only if it is signed" : "");
	} else if (other) {
		fix = xasprintf("apt install linux-headers-%s && dkms autoinstall -k %s",
				sys_release(), sys_release());
		found(&all, "module", FAIL, fix,
		      "not built for this kernel, only for others: %s",
		      other);
		free(fix);
	} else {
		found(&all, "module", FAIL,
		      "install the kho-dkms package, or 'make dkms-install' in the source",
		      "not installed");
	}
	free(other);
	free(file);
}

/* Return: a descriptor, or -1 */
static int check_device(struct kho_query *q)
{
	int dev = kho_open(device_path());
	int ret;

	if (dev == -EACCES || dev == -EPERM) {
		found(&all, "device", FAIL, "run khoctl as root",
		      "%s: permission denied", device_path());
		return -1;
	}
	if (dev < 0) {
		found(&all, "device", FAIL, sys_locked_down() ? NULL : "load the module",
		      "%s: %s", device_path(), strerror(-dev));
		return -1;
	}
	ret = kho_query(dev, q);
	if (ret) {
		close(dev);
		found(&all, "device", FAIL, NULL, "%s: %s", device_path(),
		      ret == -ENOTTY || ret == -EINVAL ?
		      "is not the device of the kho module" :
		      device_error(ret));
		return -1;
	}
	device_abi(q);
	if (q->frozen)
		found(&all, "device", FAIL, NULL,
		      "%s: frozen, the machine is going down", device_path());
	else
		found(&all, "device", OK, NULL, "%s, interface version %u, kho-v%u",
		      device_path(), q->uapi_version, q->abi);
	return dev;
}

/* Scratch needed by the running kernel's image and initrd, or 0: unknown */
static __u64 guess_need(void)
{
	char *path = xasprintf("/boot/vmlinuz-%s", sys_release());
	char *initrd = xasprintf("/boot/initrd.img-%s", sys_release());
	char *full = sys_path(path), *full_initrd = sys_path(initrd);
	unsigned char *head = xmalloc(ARCH_IMAGE_HEAD);
	struct image image;
	__u64 need = 0;
	struct stat st;
	ssize_t n;
	int fd;

	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, head, ARCH_IMAGE_HEAD);
		if (n > 0 && !fstat(fd, &st) &&
		    !arch_image_check(head, n, st.st_size, &image)) {
			if (stat(full_initrd, &st))
				st.st_size = 0;
			need = arch_image_needs(&image, st.st_size);
		}
		close(fd);
	}
	free(head);
	free(path);
	free(initrd);
	free(full);
	free(full_initrd);
	return need;
}

static void check_setup(const struct kho_query *q)
{
	/* All addresses are hidden from others. */
	if (!q->root_addr)
		found(&all, "setup_data", FAIL, "run khoctl as root",
		      "only root can see whether a kernel can be told of the handover");
	else if (!q->setup_addr)
		found(&all, "setup_data", FAIL, NULL,
		      "the module publishes no node: a kernel can't be told of the handover");
}

/* What keeps any kernel from being loaded now, as khoctl load has it */
static void check_loading(const struct kho_query *q)
{
	bool own_kho = q->backend == KHO_BACKEND_KERNEL;
	bool by_file = sys_locked_down() && q->features & KHO_FEATURE_FILE_LOAD;
	const char *why = sys_kexec_refusal(own_kho || by_file);

	if (q->frozen)
		found(&all, "device", FAIL, NULL,
		      "%s: frozen, the machine is going down", device_path());
	if (sys_kexec_loaded() < 0)
		found(&all, "kexec", FAIL, "use a kernel with CONFIG_KEXEC=y",
		      "the kernel has no kexec");
	check_lockdown(q);
	if (by_file)
		found(&all, "signature", WARN, NULL,
		      "not checked: only loading it shows whether this kernel trusts the image's signature");
	if (why && (by_file || !sys_locked_down()))
		found(&all, "sysctl", FAIL, "reboot: it can't be undone", "%s", why);
	if (!own_kho)
		check_setup(q);
	/* The command line may deal with memory that is not there. */
	check_memmap(false);
}

static void check_scratch(int dev, struct kho_query *q)
{
	__u64 need = guess_need();
	char *fix;
	int ret;

	if (q->backend == KHO_BACKEND_KERNEL) {
		found(&all, "scratch", OK, NULL, "the kernel's own");
		return;
	}
	/* There may be none after a large handover.  By now, there may be room. */
	ret = q->scratch_size ? 0 : scratch_take(dev, q, 0, NULL);
	if (!q->scratch_size) {
		found(&all, "scratch", FAIL, ret == -EOPNOTSUPP ?
		      "load the module with scratch_mib=N" :
		      "release what is not needed, then khoctl scratch",
		      "there is none: nothing can be handed on");
	} else if (need > q->scratch_size) {
		fix = scratch_fix(q, need);
		found(&all, "scratch", WARN, fix,
		      "%s; a kernel like this one needs %s with its initrd",
		      size_str(q->scratch_size), size_str(need));
		free(fix);
	} else if (need) {
		found(&all, "scratch", OK, NULL,
		      "%s; a kernel like this one needs %s with its initrd",
		      size_str(q->scratch_size), size_str(need));
	} else {
		found(&all, "scratch", OK, NULL, "%s", size_str(q->scratch_size));
	}
	check_setup(q);
}

/* What the previous kernel left, whether or not the module is loaded */
static void check_arrived(void)
{
	size_t nr, i, envelopes = 0, open_ones = 0, hidden = 0, unknown = 0;
	struct arrived *list;
	bool waits = false;
	int ret;

	ret = arch_arrived_read(&list, &nr);
	if (ret) {
		found(&all, "envelopes", WARN, "run khoctl as root",
		      "%s: %s", arch_arrived_dir, strerror(-ret));
		return;
	}
	for (i = 0; i < nr; i++) {
		bool envelope = list[i].kind == ARRIVED_ENVELOPE;

		envelopes += envelope;
		open_ones += envelope && list[i].mode & 0044;
		hidden += list[i].kind == ARRIVED_HIDDEN;
		unknown += list[i].kind == ARRIVED_UNKNOWN;
		waits |= arch_arrived_waits(&list[i]);
	}
	free(list);
	if (open_ones)
		found(&all, "envelopes", FAIL,
		      "khoctl restrict, or install the initramfs hook, which does so before any user can read",
		      "open: any user can read what is in %s of %zu, in %s",
		      count_str(open_ones, "envelope"), envelopes + hidden,
		      arch_arrived_dir);
	else if (unknown)
		found(&all, "envelopes", WARN, "run khoctl as root",
		      "the type of %s in %s can't be read",
		      count_str(unknown, "node"), arch_arrived_dir);
	else if (envelopes)
		found(&all, "envelopes", OK, NULL,
		      "sealed: only root can read what is in %s",
		      count_str(envelopes, "envelope"));
	else if (hidden)
		found(&all, "envelopes", OK, NULL,
		      "sealed by the module: nothing shows what is in %s",
		      count_str(hidden, "envelope"));
	else
		found(&all, "envelopes", OK, NULL, "none arrived");
	if (device_left())
		found(&all, "handover", WARN, "modprobe kho",
		      "what a module held that was unloaded waits for the next one: do not reboot");
	else if (waits && !sys_exists("/sys/module/kho"))
		found(&all, "handover", WARN, "modprobe kho",
		      "a handover waits for the module");
}

static void check_arrival(const struct kho_query *q)
{
	char *release = printable(q->previous_release,
				  sizeof(q->previous_release));
	char *error = printable(q->arrival_error, sizeof(q->arrival_error));

	switch (q->arrival) {
	case KHO_ARRIVAL_NONE:
		found(&all, "arrival", OK, NULL, "nothing was sent to this kernel");
		break;
	case KHO_ARRIVAL_TAKEN:
		found(&all, "arrival", OK, NULL,
		      "a handover from Linux %s was taken over",
		      *release ? release : "of unknown release");
		break;
	case KHO_ARRIVAL_REFUSED:
		found(&all, "arrival", WARN, "see the kernel log: dmesg | grep -i kho",
		      "a handover was refused: %s",
		      *error ? error : "no reason is given");
		break;
	default:
		found(&all, "arrival", WARN, "boot without kho=off",
		      "handovers are turned off in this kernel");
	}
	free(release);
	free(error);
}

static void check_tools(const char *path)
{
	char *program = kexec_find(path), *help = NULL, *version = NULL;
	const char * const ask_help[] = { program, "--help", NULL };
	const char * const ask_version[] = { program, "--version", NULL };
	const char *missing = NULL;
	int status;

	if (!program) {
		found(&all, "kexec-tools", FAIL, "apt install kexec-tools",
		      "%s: no such program", path ? path : "kexec");
		return;
	}
	status = program_run(ask_help, &help);
	if (!status)
		status = program_run(ask_version, &version);
	/* A program that can't do its work may still be the right one. */
	if (status) {
		const char *words = help ? program_last_line(version ? version : help) : "";

		found(&all, "kexec-tools", FAIL,
		      status < 0 || program_lacks_memory(status, words) ?
		      "free memory, or raise the limit, and try again" :
		      "apt install --reinstall kexec-tools",
		      "%s fails: %s%s%s", program,
		      status < 0 ? strerror(-status) : program_status_str(status),
		      *words ? ": " : "", words);
		goto out;
	}
	if (!strstr(help, "--kexec-syscall "))
		missing = "-c (kexec_load)";
	else if (!strstr(help, "--mem-min") || !strstr(help, "--mem-max"))
		missing = "--mem-min and --mem-max";
	version[strcspn(version, "\n")] = '\0';
	if (missing)
		found(&all, "kexec-tools", FAIL,
		      "install kexec-tools 2.0.25 or later",
		      "%s (%s) does not know %s", program, version, missing);
	else
		found(&all, "kexec-tools", OK, NULL, "%s, %s", program, version);
out:
	free(help);
	free(version);
	free(program);
}

/* Is the loaded kernel ours, and does it still fit? */
static void check_next(int dev, struct kho_query *q, struct next_kernel *next)
{
	bool counts;

	next_look(next, dev, q);
	/* A kernel without the handover loses nothing where nothing is preserved. */
	counts = query_health(q, next) == UNSAFE;
	if (next->lost)
		found(&all, "next kernel", counts ? FAIL : WARN, NULL, "%s", next->text);
	else if (next->state == NEXT_KERNEL || next->state == NEXT_UNVERIFIED)
		found(&all, "next kernel", WARN, NEXT_FIX, "%s", next->text);
	else if (next->state != NEXT_NO_KEXEC)
		found(&all, "next kernel", OK, NULL, "%s", next->text);
}

/* Prints all findings and the conclusion, one sentence. */
static int conclude(struct json_object *root, int status, const char *verdict)
{
	if (root) {
		findings_json(&all, root);
		json_add_str(root, "verdict", verdict);
		json_add_bool(root, "ok", !all.failed);
		json_print(root);
	} else {
		findings_print(&all);
		printf("\n%s\n", verdict);
	}
	findings_free(&all);
	return status;
}

/* The exit status after the findings and @health, and a sentence for it */
static int verdict_of(int health, const struct next_kernel *next, const char **verdict)
{
	if (health == UNSAFE) {
		*verdict = "NOT SAFE TO JUMP: what is preserved would be lost: see FAIL above.";
		return UNSAFE;
	}
	if (all.failed) {
		*verdict = "A handover is not possible yet: see the lines marked FAIL.";
		return FAILED;
	}
	if (health == REFUSED)
		*verdict =
			"A handover is possible, but what was sent here was refused: see arrival.";
	else if (next->state == NEXT_OURS)
		*verdict = "A handover is possible, and the next kernel is loaded.";
	else if (next->state == NEXT_UNVERIFIED || next->state == NEXT_KERNEL)
		*verdict =
			"A handover is possible, but the loaded kernel may not get it: see above.";
	else
		*verdict = "A handover is possible, once khoctl load has loaded the next kernel.";
	return health;
}

/* @p has what the options say. */
static int check_target(struct plan *p, const char *path)
{
	struct json_object *root = NULL;
	struct image_file file;
	struct target target;
	struct kho_query query;
	int dev, ret;

	dev = open_device_query(&query, 0);
	if (dev < 0)
		return FAILED;
	if (!query.scratch_size)
		scratch_take(dev, &query, 0, NULL);
	ret = image_read(&file, path);
	if (!ret && !p->initrd)
		p->initrd = file.initrd;
	if (!ret && !p->cmdline.append && !p->cmdline.reuse)
		p->cmdline.append = file.cmdline;
	if (!ret)
		ret = initrd_size(p->initrd, &p->initrd_size);
	if (ret) {
		image_free(&file);
		close(dev);
		return ret;
	}
	target_look(&target, &file);
	p->query = &query;
	p->file = &file;
	p->target = &target;
	plan_make(p, dev);
	close(dev);
	all = p->findings;
	check_loading(&query);
	if (want_json()) {
		root = json_new();
		json_add_str(root, "kernel", path);
		plan_json(p, root);
	}
	ret = conclude(root, all.failed ? FAILED : DONE, all.failed ?
		       "A handover to it is not possible yet: see the lines marked FAIL." :
		       "A handover to it is possible.");
	initrd_free(&p->look);
	cmdline_free(&p->cmdline);
	target_free(&target);
	image_free(&file);
	return ret;
}

int cmd_check(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		COLOR_OPTION,
		{ "abi", required_argument, NULL, 'b' },
		{ "append", required_argument, NULL, 'a' },
		{ "handoff", required_argument, NULL, 'H' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "kexec", required_argument, NULL, 'k' },
		{ "reuse-cmdline", no_argument, NULL, 'r' },
		{ "target", required_argument, NULL, 't' },
		END_OF_OPTIONS
	};
	const char *program = NULL, *target = NULL, *verdict;
	struct next_kernel next = { .state = NEXT_NONE };
	int c, dev, ret, health = DONE;
	struct kho_query query;
	struct plan p = {};

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		switch (c) {
		case 'a':
			p.cmdline.append = optarg;
			break;
		case 'b':
			if (parse_abi(optarg, &p.abi))
				return USAGE;
			break;
		case 'H':
			if (parse_handoff(optarg, &p.want))
				return USAGE;
			break;
		case 'i':
			p.initrd = optarg;
			break;
		case 'r':
			p.cmdline.reuse = true;
			break;
		case 'k':
			program = optarg;
			break;
		case 't':
			target = optarg;
			break;
		default:
			return USAGE;
		}
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	if (!target && (p.initrd || p.abi || p.want != HANDOFF_AUTO || p.cmdline.append ||
			p.cmdline.reuse))
		return usage_error("--initrd, --append, --reuse-cmdline, --abi and --handoff are for --target");
	if (target && program)
		return usage_error("--kexec is not for --target");
	if (target)
		return check_target(&p, target);

	check_kernel();
	check_own_kho();
	check_kexec();
	check_memmap(true);
	check_encryption();
	check_module();
	check_arrived();
	dev = check_device(&query);
	check_lockdown(dev >= 0 ? &query : NULL);
	if (dev >= 0) {
		check_scratch(dev, &query);
		check_arrival(&query);
		check_next(dev, &query, &next);
		health = query_health(&query, &next);
		close(dev);
	}
	check_tools(program);
	ret = verdict_of(health, &next, &verdict);
	next_free(&next);
	return conclude(want_json() ? json_new() : NULL, ret, verdict);
}
