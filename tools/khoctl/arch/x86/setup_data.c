// SPDX-License-Identifier: GPL-2.0
/*
 * The boot protocol's setup_data list, as sysfs shows it: a directory for each
 * node, with its type and with a file of what the node is about.  For an
 * envelope, that is the memory inside.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <kho/abi.h>

#include "arch/x86/setupdata.h"
#include "base/alloc.h"
#include "base/parse.h"
#include "base/sysinfo.h"

char *setupdata_path(const struct setupdata_node *node)
{
	char *below = xasprintf(SETUPDATA_DIR "/%u/data", node->nr);
	char *path = sys_path(below);

	free(below);
	return path;
}

static int read_node(struct setupdata_node *node)
{
	char *path = setupdata_path(node);
	char text[32];
	struct stat st;
	int ret;

	ret = stat(path, &st) ? -errno : 0;
	free(path);
	if (ret)
		return ret;
	node->mode = st.st_mode & 0777;
	path = xasprintf(SETUPDATA_DIR "/%u/type", node->nr);
	ret = sys_read(path, text, sizeof(text));
	free(path);
	return ret < 0 ? ret : parse_u64(text, &node->type);
}

static int by_number(const void *a, const void *b)
{
	const struct setupdata_node *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

int setupdata_read(struct setupdata_node **nodes, size_t *nr)
{
	char *path = sys_path(SETUPDATA_DIR);
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t room = 0;
	__u64 n;

	free(path);
	*nodes = NULL;
	*nr = 0;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (parse_u64(entry->d_name, &n) || n > UINT32_MAX)
			continue;
		*nodes = grow(*nodes, *nr, &room, sizeof(**nodes));
		(*nodes)[*nr] = (struct setupdata_node){ .nr = n };
		(*nodes)[*nr].err = read_node(&(*nodes)[*nr]);
		(*nr)++;
	}
	closedir(dir);
	if (*nr)
		qsort(*nodes, *nr, sizeof(**nodes), by_number);
	return 0;
}

bool setupdata_is_open(const struct setupdata_node *node)
{
	return node->type == KHO_SETUP_ENVELOPE && node->mode & 0044;
}

bool setupdata_waits(const struct setupdata_node *node)
{
	struct kho_data data = { 0 };
	char *path;
	FILE *f;

	if (node->type != SETUP_KEXEC_KHO)
		return false;
	path = setupdata_path(node);
	f = fopen(path, "re");
	free(path);
	if (!f)
		return false;
	if (fread(&data, sizeof(data), 1, f) != 1)
		data.fdt_addr = 0;
	fclose(f);
	return data.fdt_addr;
}
