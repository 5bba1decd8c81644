// SPDX-License-Identifier: GPL-2.0
/*
 * A handover and the kernel that is to take it, in a file that is a guest's RAM.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "blob.h"

struct blob blob;

static void *reserve_room(__u64 bytes)
{
	void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		err(1, "mmap");
	return room;
}

/* Begins an empty handover, in which the caller marks pages. */
void blob_start(__u64 bytes)
{
	blob.bytes = bytes;
	blob.end = bytes > LOW_MAX ? HIGH + bytes - LOW_MAX : bytes;
	blob.top = blob.end;
	blob.ram = reserve_room(blob.end);
	blob.state = reserve_room(blob.end / PAGE);
	blob.data.fdt_addr = FDT_ADDR;
	blob.data.fdt_size = PAGE;
	blob.data.scratch_addr = SETUP_ADDR + 64;
	blob.scratch[0].addr = SCRATCH;
	blob.scratch[0].size = SCRATCH_SIZE;
	blob.nr_scratch = 1;
	blob.fdt.abi = KHO_ABI_V4;
	blob.next = NODES_ADDR;
	blob.fdt.root = new_node();
	blob.len = sizeof(blob.data);
	blob.cmdline = "";
}

/* Writes what leads to the tree: FDT, scratch array and setup_data node. */
void blob_finish(void)
{
	struct kho_setup_node *node;

	if (blob.data.fdt_addr && !blob.data.scratch_size)
		blob.data.scratch_size = blob.nr_scratch *
					 sizeof(blob.scratch[0]);
	if (!kho_fdt_write(keep(FDT_ADDR, PAGE), PAGE, &blob.fdt))
		errx(1, "the FDT is too long");
	if (blob.data.scratch_addr && blob.data.scratch_addr != HOLE)
		memcpy(keep(blob.data.scratch_addr, blob.data.scratch_size),
		       blob.scratch, blob.data.scratch_size);
	node = keep(SETUP_ADDR, sizeof(*node) + sizeof(blob.data));
	node->type = SETUP_KEXEC_KHO;
	node->len = blob.len;
	memcpy(node + 1, &blob.data, sizeof(blob.data));
}

void add_e820(__u64 start, __u64 end, __u32 type)
{
	struct boot_e820_entry *e = &blob.e820[blob.nr_e820++];

	e->addr = start;
	e->size = end - start;
	e->type = type;
}

/* Where in the file a guest's page is. */
static off_t file_offset(__u64 phys)
{
	return phys >= HIGH ? phys - HIGH + LOW_MAX : phys;
}

void *use(__u64 phys, __u64 size, int state)
{
	__u64 p;

	if (phys + size > blob.end)
		errx(1, "0x%llx is outside the guest's RAM",
		     (unsigned long long)phys);
	for (p = phys / PAGE; p < (phys + size + PAGE - 1) / PAGE; p++)
		blob.state[p] |= BLOB_USED | state;
	return blob.ram + phys;
}

void *keep(__u64 phys, __u64 size)
{
	return use(phys, size, BLOB_KEPT);
}

__u64 new_node(void)
{
	__u64 phys = blob.next;

	/* Not side by side, so that they are extents of their own. */
	blob.next += 2 * PAGE;
	blob.nr_nodes++;
	if (blob.next > NODES_END)
		errx(1, "no room for so many nodes");
	keep(phys, PAGE);
	return phys;
}

/* Returns the entry for @key of the node at @level; makes all nodes above it. */
__u64 *entry(__u64 key, unsigned int level)
{
	struct kho_radix_node *node = keep(blob.fdt.root, PAGE);
	unsigned int l;

	for (l = DEPTH - 1; l > level; l--) {
		__u64 *e = &node->table[kho_key_index(SHIFT, key, l)];

		if (!*e)
			*e = new_node();
		node = keep(*e, PAGE);
	}
	return level ? &node->table[kho_key_index(SHIFT, key, level)] :
		       &node->table[kho_key_index(SHIFT, key, 0) / 64];
}

void set_key(__u64 key)
{
	*entry(key, 0) |= (__u64)1 << kho_key_index(SHIFT, key, 0) % 64;
}

/* Marks a block without giving it content. */
void mark_bare(__u64 phys, unsigned int order)
{
	set_key(kho_key_encode(SHIFT, phys, order));
	if (phys + (PAGE << order) <= blob.end)
		memset(blob.state + phys / PAGE, BLOB_MARKED, 1UL << order);
}

/* Marks a block and fills it with a pattern that has its addresses in it. */
void mark(__u64 phys, unsigned int order)
{
	__u64 size = PAGE << order, i, *words;

	set_key(kho_key_encode(SHIFT, phys, order));
	if (phys + size > blob.top || blob.state[phys / PAGE] & BLOB_USED)
		return;
	words = use(phys, size, BLOB_KEPT | BLOB_MARKED);
	for (i = 0; i < size / 8; i++)
		words[i] = (phys + i * 8) * 0x9e3779b97f4a7c15ULL | 1;
}

void expect_kept(void)
{
	unsigned long pages = 0, extents = 0, p;

	for (p = 0; p < blob.end / PAGE; p++) {
		if (!(blob.state[p] & BLOB_MARKED))
			continue;
		pages++;
		extents += !p || !(blob.state[p - 1] & BLOB_MARKED);
	}
	snprintf(blob.expect, sizeof(blob.expect),
		 "^kept %lu pages \\(%lu\\.%lu MiB\\) in %lu extents, %u tree nodes, [1-9][0-9]* us$",
		 pages, pages / 256, pages % 256 * 10 / 256, extents,
		 blob.nr_nodes);
}

/* ---- Putting it together ---- */

static size_t load(const char *name, __u64 skip, __u64 phys, size_t room)
{
	int fd = open(name, O_RDONLY);
	off_t size;

	if (fd < 0)
		err(1, "%s", name);
	size = lseek(fd, 0, SEEK_END) - skip;
	if (size <= 0 || (size_t)size > room)
		errx(1, "%s does not fit", name);
	if (pread(fd, use(phys, size, 0), size, skip) != size)
		err(1, "%s", name);
	close(fd);
	return size;
}

/* What kexec's kernel loader does, by the boot protocol. */
void boot_params(const char *kernel, const char *initrd, const char *append)
{
	struct boot_params *bp = use(PARAMS_ADDR, sizeof(*bp), 0);
	char *cmdline = use(CMDLINE_ADDR, PAGE, 0);
	struct setup_header hdr;
	unsigned int setup;
	__u8 head[1024];
	int fd = open(kernel, O_RDONLY);

	if (fd < 0 || read(fd, head, sizeof(head)) != sizeof(head))
		err(1, "%s", kernel);
	close(fd);
	memcpy(&hdr, head + 0x1f1, sizeof(hdr));
	if (hdr.header != 0x53726448 || hdr.version < 0x20c)
		errx(1, "%s is no bzImage", kernel);
	if (hdr.init_size > INITRD_ADDR - KERNEL_ADDR)
		errx(1, "%s needs 0x%x bytes", kernel, hdr.init_size);
	setup = (hdr.setup_sects ?: 4) + 1;

	load(kernel, setup * 512, KERNEL_ADDR, INITRD_ADDR - KERNEL_ADDR);
	hdr.ramdisk_image = INITRD_ADDR;
	hdr.ramdisk_size = load(initrd, 0, INITRD_ADDR,
				PARAMS_ADDR - INITRD_ADDR);
	hdr.type_of_loader = 0xff;
	hdr.code32_start = KERNEL_ADDR;
	hdr.cmd_line_ptr = CMDLINE_ADDR;
	hdr.setup_data = SETUP_ADDR;
	bp->hdr = hdr;
	bp->e820_entries = blob.nr_e820;
	memcpy(bp->e820_table, blob.e820, sizeof(blob.e820));

	snprintf(cmdline, PAGE, "console=ttyS0 panic=-1 reboot=t %s %s",
		 append, blob.cmdline);
}

void write_ram(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	unsigned long p;

	if (fd < 0 || ftruncate(fd, blob.bytes))
		err(1, "%s", name);
	for (p = 0; p < blob.end / PAGE; p++)
		if (blob.state[p] & BLOB_USED &&
		    pwrite(fd, blob.ram + p * PAGE, PAGE,
			   file_offset(p * PAGE)) != PAGE)
			err(1, "%s", name);
	if (close(fd))
		err(1, "%s", name);
}

int check_ram(const char *name, int state)
{
	int fd = open(name, O_RDONLY);
	unsigned long p, bad = 0, good = 0;
	__u8 page[PAGE];

	if (fd < 0)
		err(1, "%s", name);
	for (p = 0; p < blob.end / PAGE; p++) {
		if ((blob.state[p] & state) != state)
			continue;
		if (pread(fd, page, PAGE, file_offset(p * PAGE)) != PAGE)
			err(1, "%s", name);
		if (!memcmp(page, blob.ram + p * PAGE, PAGE))
			good++;
		else if (!bad++)
			fprintf(stderr, "page at 0x%lx has changed\n", p * PAGE);
	}
	fprintf(stderr, "%lu pages are intact, %lu are not\n", good, bad);
	return bad || !good;
}
