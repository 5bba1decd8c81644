// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as an FDT.  If both libfdt and include/kho/fdt.h accept them, they have
 * to read the same.  Whatever was read must survive being written and read again.
 */
#include <stdint.h>

#include <libfdt.h>

#include <kho/fdt.h>

#include "../unit/tap.h"

static void same_u64(const void *fdt, int node, const char *name, int has,
		     uint64_t value)
{
	const void *p;
	int len;

	p = fdt_getprop(fdt, node, name, &len);
	must(!p == !has, "%s: libfdt says %s", name, p ? "yes" : "no");
	if (p)
		must(len == 8 && !memcmp(p, &value, 8), "%s differs", name);
}

static void same_as_libfdt(const void *fdt, const struct kho_fdt *out)
{
	unsigned int nr = 0;
	const char *name;
	int node;

	name = fdt_getprop(fdt, 0, "compatible", NULL);
	must(name && !strcmp(name, out->abi == KHO_ABI_V4 ? "kho-v4" : "kho-v3"),
	     "compatible differs");
	same_u64(fdt, 0, "preserved-memory-map", 1, out->root);

	fdt_for_each_subnode(node, fdt, 0) {
		const struct kho_fdt_child *child = &out->child[nr++];

		must(nr <= out->nr, "a child is missing");
		name = fdt_get_name(fdt, node, NULL);
		must(name && !strcmp(name, child->name), "child %u: name", nr);
		same_u64(fdt, node, "preserved-data", child->has & 1, child->addr);
		same_u64(fdt, node, "blob-size", child->has & 2, child->size);
	}
	must(nr == out->nr, "%u children, not %u", out->nr, nr);
}

static void same_again(const struct kho_fdt *a, const struct kho_fdt *b)
{
	unsigned int i;

	must(a->abi == b->abi && a->root == b->root && a->nr == b->nr,
	     "read, written, read: differs");
	for (i = 0; i < a->nr; i++)
		must(!strcmp(a->child[i].name, b->child[i].name) &&
		     a->child[i].has == b->child[i].has &&
		     a->child[i].addr == b->child[i].addr &&
		     a->child[i].size == b->child[i].size,
		     "read, written, read: child %u differs", i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Large enough for the maximum of children with the longest names. */
	static char first[8192], second[8192];
	static struct kho_fdt out, again;
	uint32_t len;

	memset(&out, 0x55, sizeof(out));
	if (kho_fdt_read(data, size, &out))
		return 0;
	must(out.nr <= KHO_FDT_MAX_CHILDREN, "%u children", out.nr);
	must(out.root, "no root");

	if (!fdt_check_full(data, size))
		same_as_libfdt(data, &out);

	len = kho_fdt_write(first, sizeof(first), &out);
	must(len && len % 4 == 0, "written: %u bytes", len);
	must(!fdt_check_full(first, len), "libfdt rejects what was written");
	must(!kho_fdt_read(first, len, &again), "what was written is refused");
	same_again(&out, &again);
	same_as_libfdt(first, &out);
	must(kho_fdt_write(second, sizeof(second), &again) == len &&
	     !memcmp(first, second, sizeof(first)), "not the same bytes again");
	/* A buffer that is one byte too small must be refused. */
	must(!kho_fdt_write(second, len - 1, &again), "fits into too little");
	return 0;
}
