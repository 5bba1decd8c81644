// SPDX-License-Identifier: GPL-2.0
/*
 * Information about the running system.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/params.h"
#include "base/sysinfo.h"

char *sys_path(const char *path)
{
	const char *root = getenv("KHO_SYSROOT");

	return xasprintf("%s%s", root ? root : "", path);
}

bool sys_exists(const char *path)
{
	char *full = sys_path(path);
	bool there = !access(full, F_OK);

	free(full);
	return there;
}

static FILE *sys_open(const char *path)
{
	char *full = sys_path(path);
	FILE *f = fopen(full, "re");

	free(full);
	return f;
}

int sys_read(const char *path, char *buf, size_t size)
{
	FILE *f = sys_open(path);
	size_t n;

	buf[0] = '\0';
	if (!f)
		return -errno;
	n = fread(buf, 1, size - 1, f);
	if (ferror(f)) {
		n = errno;
		fclose(f);
		return -(int)n;
	}
	fclose(f);
	if (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

/* Reads a number from a file.  Return: the number, or a negative errno */
static long sys_number(const char *path)
{
	char buf[32], *end;
	int ret = sys_read(path, buf, sizeof(buf));
	long n;

	if (ret < 0)
		return ret;
	n = strtol(buf, &end, 10);
	return end == buf || *end || n < 0 ? -EINVAL : n;
}

const char *sys_release(void)
{
	static char release[128];

	if (!release[0] &&
	    sys_read("/proc/sys/kernel/osrelease", release, sizeof(release)) <= 0)
		strcpy(release, "unknown");
	return release;
}

const char *sys_lockdown(void)
{
	static char buf[128];
	char *start, *end;

	if (sys_read("/sys/kernel/security/lockdown", buf, sizeof(buf)) < 0)
		return NULL;
	/* "none [integrity] confidentiality": brackets mark the current level. */
	start = strchr(buf, '[');
	end = start ? strchr(start, ']') : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	return start + 1;
}

int sys_kexec_loaded(void)
{
	long n = sys_number("/sys/kernel/kexec_loaded");

	return n > 0 ? 1 : n;
}

const char *sys_locked_down(void)
{
	const char *lockdown = sys_lockdown();

	return lockdown && strcmp(lockdown, "none") && !sys_own_kho() ? lockdown : NULL;
}

const char *sys_kexec_refusal(bool file)
{
	const char *lockdown = sys_lockdown();

	if (!file && lockdown && strcmp(lockdown, "none"))
		return "the kernel is locked down, which forbids kexec_load: no handover";
	if (sys_number("/proc/sys/kernel/kexec_load_disabled") > 0)
		return "kernel.kexec_load_disabled is 1: none can be loaded until a reboot";
	if (!sys_number("/proc/sys/kernel/kexec_load_limit_reboot"))
		return "kernel.kexec_load_limit_reboot is 0: none can be loaded until a reboot";
	return NULL;
}

/* Returns 'y', 'm' or 'n' for "CONFIG_...", or 0 if there is no configuration. */
static int sys_config(const char *option)
{
	static const char * const places[] = {
		"/boot/config-%s",
		"/lib/modules/%s/config",
		"/usr/lib/modules/%s/config",
		"/lib/modules/%s/build/.config",
	};
	size_t i, len = strlen(option), room = 0;
	char *line = NULL;
	int found = 'n';
	FILE *f = NULL;

	for (i = 0; i < ARRAY_SIZE(places) && !f; i++) {
		/* The only conversion is the release. */
		char path[256];
		const char *mark = strstr(places[i], "%s");

		snprintf(path, sizeof(path), "%.*s%s%s",
			 (int)(mark - places[i]), places[i], sys_release(),
			 mark + 2);
		f = sys_open(path);
	}
	if (!f)
		return 0;
	while (getline(&line, &room, f) >= 0) {
		if (!strncmp(line, option, len) && line[len] == '=') {
			found = line[len + 1];
			break;
		}
	}
	free(line);
	fclose(f);
	return found;
}

/* True if the kernel itself, not a module, has a symbol of this name */
static bool kernel_has_symbol(const char *name)
{
	FILE *f = sys_open("/proc/kallsyms");
	char *line = NULL;
	bool found = false;
	size_t room = 0;

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

bool sys_own_kho(void)
{
	int config = sys_config("CONFIG_KEXEC_HANDOVER");
	unsigned int major, minor;

	/* In Linux 6.16 to 7.0 it has another format, kho-v1, and the module does without. */
	if (sscanf(sys_release(), "%u.%u", &major, &minor) == 2 &&
	    ((major == 6 && minor >= 16) || (major == 7 && !minor)))
		return false;
	return config ? config == 'y' : kernel_has_symbol("kho_is_enabled");
}

bool sys_kho_off(void)
{
	char cmdline[4096], *rest = cmdline;
	struct param p;
	int on = -1;

	if (!sys_own_kho())
		return false;
	if (sys_read("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return false;
	/* The last valid one counts. */
	while (param_next(&rest, &p))
		if (param_is(&p, "kho") && param_bool(p.value) >= 0)
			on = param_bool(p.value);
	return on < 0 ? sys_config("CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT") != 'y' :
			!on;
}

__u64 sys_memory_end(void)
{
	FILE *f = sys_open("/proc/iomem");
	__u64 start, last, end = 0;
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return 0;
	while (getline(&line, &room, f) >= 0) {
		/* Without CAP_SYS_ADMIN, all addresses are 0. */
		if (strstr(line, ": System RAM") &&
		    sscanf(line, "%llx-%llx", &start, &last) == 2 &&
		    last && last + 1 > end)
			end = last + 1;
	}
	free(line);
	fclose(f);
	return end;
}

unsigned int sys_nodes(void)
{
	char *path = sys_path("/sys/devices/system/node");
	DIR *dir = opendir(path);
	unsigned int nodes = 0;
	struct dirent *d;

	free(path);
	if (!dir)
		return 1;
	while ((d = readdir(dir)))
		nodes += !strncmp(d->d_name, "node", 4) &&
			 isdigit((unsigned char)d->d_name[4]);
	closedir(dir);
	return nodes ? nodes : 1;
}

bool sys_has_word(const char *path, const char *word)
{
	size_t len = strlen(word), room = 0;
	FILE *f = sys_open(path);
	bool found = false;
	char *line = NULL;

	if (!f)
		return false;
	while (!found && getline(&line, &room, f) >= 0) {
		const char *p = line;

		while ((p = strstr(p, word))) {
			bool starts = p == line || isspace((unsigned char)p[-1]);
			bool ends = !p[len] || isspace((unsigned char)p[len]);

			if (starts && ends) {
				found = true;
				break;
			}
			p += len;
		}
	}
	free(line);
	fclose(f);
	return found;
}

unsigned int sys_kernel_abi(void)
{
	/* After a handover, only the incoming FDT may exist. */
	static const char * const paths[] = {
		"/sys/kernel/debug/kho/out/fdt",
		"/sys/kernel/debug/kho/in/fdt",
	};
	static const char prefix[] = "kho-v";
	unsigned int abi = 0;
	char start[1024];
	size_t i;

	/*
	 * debugfs cuts the outgoing FDT to the size that it had at boot.  That is not a
	 * valid FDT, but the compatible string comes first.
	 */
	for (i = 0; i < ARRAY_SIZE(paths) && !abi; i++) {
		int n = sys_read(paths[i], start, sizeof(start));
		char *p = n > 0 ? memmem(start, n, prefix, strlen(prefix)) : NULL;

		if (p && start + n - p > (int)sizeof(prefix) && !p[6] &&
		    p[5] >= '1' && p[5] <= '9')
			abi = p[5] - '0';
	}
	return abi;
}
