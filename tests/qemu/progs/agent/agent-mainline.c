// SPDX-License-Identifier: GPL-2.0
/* The agent reads what mainline's test module (lib/test_kho.c) leaves behind. */
#include "agent.h"
#include <kho/abi.h>

#define FDT_MAGIC	0xd00dfeedU
#define FDT_BEGIN_NODE	1
#define FDT_END_NODE	2
#define FDT_PROP	3
#define FDT_NOP		4
#define MAX_FDT		0x100000

static __u32 be32(const __u8 *p)
{
	return (__u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Copies property @name of node @node ("" is the root) of a valid FDT. */
static void fdt_prop(const __u8 *fdt, __u32 size, const char *node,
		     const char *name, void *value, __u32 len)
{
	const char *at = "", *strings;
	__u32 pos, token, got;

	if (size < 40 || be32(fdt) != FDT_MAGIC || be32(fdt + 4) > size)
		die("this is no FDT of at most %u bytes", size);
	strings = (const char *)fdt + be32(fdt + 12);
	for (pos = be32(fdt + 8); pos + 4 <= size;) {
		token = be32(fdt + pos);
		pos += 4;
		switch (token) {
		case FDT_BEGIN_NODE:
			at = (const char *)fdt + pos;
			pos += (strlen(at) + 4) & ~3U;
			continue;
		case FDT_END_NODE:
		case FDT_NOP:
			continue;
		case FDT_PROP:
			got = be32(fdt + pos);
			if (!strcmp(at, node) && got == len &&
			    !strcmp(strings + be32(fdt + pos + 4), name)) {
				memcpy(value, fdt + pos + 8, len);
				return;
			}
			pos += 8 + ((got + 3) & ~3U);
			continue;
		}
		break;
	}
	die("the FDT has no %s/%s of %u bytes", node, name, len);
}

/* Reads @n bytes of 2^@order incoming pages. */
static void read_pages(int kho, __u64 phys, __u32 order, void *to, size_t n)
{
	int fd = open_pages(kho, phys / PAGE, order);

	if (pread(fd, to, n, 0) != (ssize_t)n)
		die("pfn %#llx: can't read %zu bytes", phys / PAGE, n);
	close(fd);
}

static void find_subtree(int kho, const char *name,
			 struct kho_subtree_entry *e)
{
	struct kho_subtree_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(e),
	};

	for (arg.first = 0;; arg.first++) {
		arg.count = 1;
		if (ioctl(kho, KHO_SUBTREE_LIST, &arg))
			die("KHO_SUBTREE_LIST: %s", strerror(errno));
		if (!arg.count)
			die("there is no subtree %s", name);
		if (!strcmp((char *)e->name, name))
			return;
	}
}

/* The order of the incoming pages at @phys. */
static __u32 find_order(int kho, __u64 phys)
{
	struct kho_page_entry e;
	struct kho_page_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(&e),
	};

	for (arg.first = 0;; arg.first++) {
		arg.count = 1;
		if (ioctl(kho, KHO_PAGE_LIST, &arg))
			die("KHO_PAGE_LIST: %s", strerror(errno));
		if (!arg.count)
			die("no page at %#llx has arrived", phys);
		if (e.pfn == phys / PAGE)
			return e.order;
	}
}

/* Reads the first @size bytes of an incoming vmalloc area. */
static void read_vmalloc(int kho, const struct kho_vmalloc *area, void *to,
			 size_t size)
{
	__u64 chunk[WORDS], next;
	size_t step = PAGE << area->order, n, i;
	char *p = to;

	for (next = area->first; next && size; next = chunk[0]) {
		read_pages(kho, next, 0, chunk, sizeof(chunk));
		for (i = 1; i < WORDS && chunk[i] && size; i++) {
			n = size < step ? size : step;
			read_pages(kho, chunk[i], area->order, p, n);
			p += n;
			size -= n;
		}
	}
	if (size)
		die("the vmalloc area is %zu bytes short", size);
}

/*
 * kho-test: sums up the test module's folios as the kernel's csum_partial() does: a sum
 * of 32-bit words in ones' complement, in which 0 and all ones are the same.
 */
int cmd_kho_test(char **argv)
{
	struct kho_subtree_entry subtree;
	struct kho_vmalloc area;
	__u64 sum = 0, bytes = 0, *info;
	__u32 nr, csum, magic, i, order;
	int kho = open_kho();
	size_t size, n;
	__u8 *fdt;

	(void)argv;
	find_subtree(kho, "kho_test", &subtree);
	if (subtree.bytes > MAX_FDT)
		die("kho_test has %llu bytes", subtree.bytes);
	fdt = calloc(1, subtree.bytes + 1);
	if (!fdt)
		die("no memory");
	read_pages(kho, subtree.addr, find_order(kho, subtree.addr), fdt,
		   subtree.bytes);
	size = subtree.bytes;
	fdt_prop(fdt, size, "", "magic", &magic, sizeof(magic));
	fdt_prop(fdt, size, "data", "nr_folios", &nr, sizeof(nr));
	fdt_prop(fdt, size, "data", "folios_info", &area, sizeof(area));
	fdt_prop(fdt, size, "data", "csum", &csum, sizeof(csum));
	if (magic != 0x4b484f21 || !nr || nr > MAX_FDT)
		die("kho_test has the magic %#x and %u folios", magic, nr);

	info = calloc(nr, sizeof(*info));
	if (!info)
		die("no memory");
	read_vmalloc(kho, &area, info, nr * sizeof(*info));
	for (i = 0; i < nr; i++) {
		__u32 *word;

		order = info[i] % PAGE;
		if (order > 10)
			die("folio %u has the order %u", i, order);
		size = PAGE << order;
		word = malloc(size);
		if (!word)
			die("no memory");
		read_pages(kho, info[i] - order, order, word, size);
		for (n = 0; n < size / 4; n++)
			sum += word[n];
		free(word);
		bytes += size;
	}
	if (sum % 0xffffffffU != csum % 0xffffffffU)
		die("%u folios, %llu bytes, have the sum %#llx, not %#x", nr,
		    bytes, sum % 0xffffffffU, csum);
	printf("%u folios, %llu bytes, have the sum %#x, as they should\n", nr,
	       bytes, csum);
	return 0;
}
