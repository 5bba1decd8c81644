// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl check
 *
 * Each check gives one line: what was found, whether that is good enough for
 * a handover, and if not, what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "khoctl.h"
#include "kexec.h"
#include "sysinfo.h"

enum result { OK, WARN, FAIL };

static struct json_object *results;	/* with --json */
static bool failed;

/* @fix: what to do, or NULL */
static void PRINTF(4, 5) result(const char *name, enum result r,
				const char *fix, const char *fmt, ...)
{
	static const char * const words[] = { "ok", "warn", "FAIL" };
	static const char * const json_words[] = { "ok", "warn", "fail" };
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0) {
		cmd_warn("out of memory");
		exit(FAILED);
	}
	va_end(args);
	failed |= r == FAIL;
	if (results) {
		struct json_object *obj = json_new();

		json_add_str(obj, "name", name);
		json_add_str(obj, "result", json_words[r]);
		json_add_str(obj, "text", text);
		if (fix)
			json_add_str(obj, "fix", fix);
		json_object_array_add(results, obj);
	} else {
		printf("%-4s  %-12s %s\n", words[r], name, text);
		if (fix)
			printf("                   -> %s\n", fix);
	}
	free(text);
}

static void check_kernel(void)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(sys_release(), "%u.%u", &major, &minor) != 2)
		result("kernel", WARN, NULL, "release '%s' cannot be read",
		       sys_release());
	else if (major < 6 || (major == 6 && minor < 1))
		result("kernel", FAIL, "use Linux 6.1 or later",
		       "%s is older than 6.1", sys_release());
	else
		result("kernel", OK, NULL, "%s", sys_release());
}

/* A function of this name in the kernel itself, not in a module */
static bool kernel_has_symbol(const char *name)
{
	char *path = sys_path("/proc/kallsyms"), *line = NULL;
	FILE *f = fopen(path, "re");
	size_t room = 0;
	bool found = false;

	free(path);
	if (!f)
		return false;
	while (!found && getline(&line, &room, f) >= 0) {
		char symbol[64];

		found = sscanf(line, "%*s %*s %63s", symbol) == 1 &&
			!strcmp(symbol, name) && !strchr(line, '[');
	}
	free(line);
	fclose(f);
	return found;
}

static void check_own_kho(void)
{
	int config = sys_config("CONFIG_KEXEC_HANDOVER");

	if (config == 'y' || kernel_has_symbol("kho_populate"))
		result("own KHO", WARN,
		       "do not use both at a time: boot without kho=on",
		       "the kernel has Kexec Handover of its own (CONFIG_KEXEC_HANDOVER)");
	else
		result("own KHO", OK, NULL,
		       "the kernel has none: the module takes its place");
}

static void check_kexec(void)
{
	const char *why = sys_kexec_refusal(), *lockdown = sys_lockdown();

	if (sys_kexec_loaded() < 0)
		result("kexec", FAIL, "use a kernel with CONFIG_KEXEC=y",
		       "the kernel has no kexec");
	else
		result("kexec", OK, NULL, "supported; %s",
		       sys_kexec_loaded() ? "a kernel is loaded" :
					    "no kernel is loaded");

	if (!lockdown)
		result("lockdown", OK, NULL,
		       "no lockdown (or securityfs is not mounted)");
	else if (!strcmp(lockdown, "none"))
		result("lockdown", OK, NULL, "none");
	else
		result("lockdown", FAIL,
		       "turn Secure Boot off, or boot without lockdown=",
		       "%s: kexec_load is forbidden", lockdown);

	if (why && (!lockdown || !strcmp(lockdown, "none")))
		result("sysctl", FAIL, "reboot: it can't be taken back",
		       "%s", why);
	else if (!why)
		result("sysctl", OK, NULL,
		       "kernels may be loaded (kernel.kexec_load_disabled)");
}

static void check_encryption(void)
{
	const char *what = NULL;

	if (sys_exists("/dev/sev-guest"))
		what = "this is an AMD SEV guest";
	else if (sys_exists("/dev/tdx_guest") ||
		 sys_has_word("/proc/cpuinfo", "tdx_guest"))
		what = "this is an Intel TDX guest";
	if (what)
		result("memory", FAIL,
		       "use a machine without encrypted guest memory",
		       "%s: encrypted memory can't be handed over", what);
	else if (sys_has_word("/proc/cmdline", "mem_encrypt=on"))
		result("memory", FAIL, "boot without mem_encrypt=on",
		       "memory encryption is on (AMD SME)");
	else
		result("memory", OK, NULL, "no sign of memory encryption");
}

/* ---- The module's file ---- */

static char *module_file;

static int look_at(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	/* kho.ko, or compressed: kho.ko.xz, .zst, .gz */
	if (type != FTW_F || strncmp(name, "kho.ko", 6) ||
	    (name[6] && name[6] != '.'))
		return 0;
	module_file = xstrdup(path);
	return 1;
}

/* Path of kho.ko for @release (NULL: for any), or NULL */
static const char *find_module(const char *release)
{
	char *below = xasprintf("/lib/modules/%s", release ? release : "");
	char *dir = sys_path(below);

	free(module_file);
	module_file = NULL;
	/* No links: "build" and "source" lead to whole kernel trees. */
	nftw(dir, look_at, 16, FTW_PHYS);
	free(below);
	free(dir);
	return module_file;
}

static void check_module(void)
{
	char version[64], *fix;

	if (sys_exists("/sys/module/kho")) {
		sys_read("/sys/module/kho/version", version, sizeof(version));
		result("module", OK, NULL, "loaded%s%s",
		       version[0] ? ", version " : "", version);
		return;
	}
	if (find_module(sys_release())) {
		result("module", FAIL, "modprobe kho",
		       "not loaded, but installed: %s", module_file);
	} else if (find_module(NULL)) {
		fix = xasprintf("apt install linux-headers-%s && dkms autoinstall -k %s",
				sys_release(), sys_release());
		result("module", FAIL, fix,
		       "not built for this kernel, only for others: %s",
		       module_file);
		free(fix);
	} else {
		result("module", FAIL,
		       "install the kho-dkms package, or 'make dkms-install' in the source",
		       "not installed");
	}
}

static bool check_device(struct kho_query *q)
{
	int dev = kho_dev_open(device_path());
	int ret;

	if (dev == -EACCES || dev == -EPERM) {
		result("device", FAIL, "run khoctl as root",
		       "%s: permission denied", device_path());
		return false;
	}
	if (dev < 0) {
		result("device", FAIL, "load the module",
		       "%s: %s", device_path(), strerror(-dev));
		return false;
	}
	ret = kho_dev_query(dev, q);
	close(dev);
	if (ret) {
		result("device", FAIL, NULL, "%s: %s", device_path(),
		       ret == -ENOTTY || ret == -EINVAL ?
		       "is not the device of the kho module" :
		       device_error(ret));
		return false;
	}
	if (q->frozen)
		result("device", FAIL, NULL,
		       "%s: frozen, the machine is going down", device_path());
	else
		result("device", OK, NULL, "%s, interface version %u, kho-v%u",
		       device_path(), q->uapi_version, q->abi);
	return true;
}

/* What a kernel like this one would need, with its initrd; 0: no idea */
static __u64 guess_need(void)
{
	char *path = xasprintf("/boot/vmlinuz-%s", sys_release());
	char *initrd = xasprintf("/boot/initrd.img-%s", sys_release());
	char *full = sys_path(path), *full_initrd = sys_path(initrd);
	unsigned char *head = xmalloc(IMAGE_HEAD_SIZE);
	struct image image;
	__u64 need = 0;
	struct stat st;
	ssize_t n;
	int fd;

	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, head, IMAGE_HEAD_SIZE);
		if (n > 0 && !fstat(fd, &st) &&
		    !image_check(head, n, st.st_size, &image)) {
			if (stat(full_initrd, &st))
				st.st_size = 0;
			need = image_needs(&image, st.st_size);
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

static void check_scratch(const struct kho_query *q)
{
	__u64 need = guess_need();
	char *fix;

	if (!q->scratch_size) {
		result("scratch", FAIL, "load the module with scratch_mib=N",
		       "there is none");
	} else if (need > q->scratch_size) {
		fix = xasprintf("load the module with scratch_mib=%llu",
				(need + MIB - 1) / MIB);
		result("scratch", WARN, fix,
		       "%s; a kernel like this one needs %s with its initrd",
		       size_str(q->scratch_size), size_str(need));
		free(fix);
	} else if (need) {
		result("scratch", OK, NULL,
		       "%s; a kernel like this one needs %s with its initrd",
		       size_str(q->scratch_size), size_str(need));
	} else {
		result("scratch", OK, NULL, "%s", size_str(q->scratch_size));
	}
	if (!q->setup_addr)
		result("setup_data", FAIL, NULL,
		       "the module publishes no node: a kernel can't be told of the handover");
}

static void check_arrival(const struct kho_query *q)
{
	char *release = printable(q->previous_release,
				  sizeof(q->previous_release));
	char *error = printable(q->arrival_error, sizeof(q->arrival_error));

	switch (q->arrival) {
	case KHO_ARRIVAL_NONE:
		result("arrival", OK, NULL, "nothing was sent to this kernel");
		break;
	case KHO_ARRIVAL_TAKEN:
		result("arrival", OK, NULL,
		       "a handover from Linux %s was taken over",
		       *release ? release : "of unknown release");
		break;
	case KHO_ARRIVAL_REFUSED:
		result("arrival", WARN, "see the kernel log: dmesg | grep -i kho",
		       "a handover was refused: %s",
		       *error ? error : "no reason is given");
		break;
	default:
		result("arrival", WARN, "boot without kho=off",
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

	if (!program) {
		result("kexec-tools", FAIL, "apt install kexec-tools",
		       "%s: no such program", path ? path : "kexec");
		return;
	}
	if (kexec_run(ask_help, &help) < 0 ||
	    kexec_run(ask_version, &version) < 0) {
		result("kexec-tools", FAIL, NULL, "cannot run %s", program);
		goto out;
	}
	if (!strstr(help, "--kexec-syscall "))
		missing = "-c (kexec_load)";
	else if (!strstr(help, "--mem-min") || !strstr(help, "--mem-max"))
		missing = "--mem-min and --mem-max";
	version[strcspn(version, "\n")] = '\0';
	if (missing)
		result("kexec-tools", FAIL,
		       "install kexec-tools 2.0.25 or later",
		       "%s (%s) does not know %s", program, version, missing);
	else
		result("kexec-tools", OK, NULL, "%s, %s", program, version);
out:
	free(help);
	free(version);
	free(program);
}

int cmd_check(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "kexec", required_argument, NULL, 'k' },
		END_OF_OPTIONS
	};
	struct json_object *root = NULL;
	const char *program = NULL;
	struct kho_query query;
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == BAD_OPTION)
			return USAGE;
		program = optarg;
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	if (want_json()) {
		root = json_new();
		results = json_list(root, "checks");
	}

	check_kernel();
	check_own_kho();
	check_kexec();
	check_encryption();
	check_module();
	if (check_device(&query)) {
		check_scratch(&query);
		check_arrival(&query);
	}
	check_tools(program);
	free(module_file);

	if (root) {
		json_add_bool(root, "ok", !failed);
		json_print(root);
	} else {
		puts(failed ? "\nA handover is not possible yet: see the lines marked FAIL." :
			      "\nA handover is possible.");
	}
	return failed ? FAILED : DONE;
}
