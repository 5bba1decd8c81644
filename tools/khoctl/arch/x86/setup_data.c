// SPDX-License-Identifier: GPL-2.0
/*
 * Handovers in the boot protocol's setup_data list, as sysfs shows it.
 *
 * Each node has a directory with its type and its data.  The data of an envelope is the
 * memory inside it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <kho/abi.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/parse.h"
#include "base/sysinfo.h"

#define SETUP_DATA	"/sys/kernel/boot_params/setup_data"

const char arch_arrived_dir[] = SETUP_DATA;

char *arch_arrived_path(const struct arrived *arrived)
{
	char *below = xasprintf(SETUP_DATA "/%u/data", arrived->nr);
	char *path = sys_path(below);

	free(below);
	return path;
}

/* For an indirect node, sysfs shows the type of what it points to. */
static int read_type(struct arrived *arrived, __u64 *type)
{
	char *path = arch_arrived_path(arrived);
	char text[32];
	struct stat st;
	int ret;

	ret = stat(path, &st) ? -errno : 0;
	free(path);
	if (ret)
		return ret;
	arrived->mode = st.st_mode & 0777;
	path = xasprintf(SETUP_DATA "/%u/type", arrived->nr);
	ret = sys_read(path, text, sizeof(text));
	free(path);
	return ret < 0 ? ret : parse_u64(text, type);
}

static struct arrived read_node(unsigned int nr)
{
	struct arrived arrived = { .nr = nr };
	__u64 type = 0;

	arrived.err = read_type(&arrived, &type);
	if (arrived.err)
		arrived.kind = ARRIVED_UNKNOWN;
	else if (type == SETUP_KEXEC_KHO)
		arrived.kind = ARRIVED_HANDOVER;
	else if (type == KHO_SETUP_ENVELOPE)
		arrived.kind = ARRIVED_ENVELOPE;
	else if (type == KHO_SETUP_SEALED)
		arrived.kind = ARRIVED_HIDDEN;
	else
		arrived.kind = ARRIVED_OTHER;
	return arrived;
}

static int by_number(const void *a, const void *b)
{
	const struct arrived *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

int arch_arrived_read(struct arrived **list, size_t *nr)
{
	char *path = sys_path(SETUP_DATA);
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t room = 0;
	__u64 n;

	free(path);
	*list = NULL;
	*nr = 0;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (parse_u64(entry->d_name, &n) || n > UINT32_MAX)
			continue;
		*list = grow(*list, *nr, &room, sizeof(**list));
		(*list)[(*nr)++] = read_node(n);
	}
	closedir(dir);
	if (*nr)
		qsort(*list, *nr, sizeof(**list), by_number);
	return 0;
}

bool arch_arrived_waits(const struct arrived *arrived)
{
	struct kho_data data = { 0 };
	char *path;
	FILE *f;

	if (arrived->kind != ARRIVED_HANDOVER)
		return false;
	path = arch_arrived_path(arrived);
	f = fopen(path, "re");
	free(path);
	if (!f)
		return false;
	if (fread(&data, sizeof(data), 1, f) != 1)
		data.fdt_addr = 0;
	fclose(f);
	return data.fdt_addr;
}
