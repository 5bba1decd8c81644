// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the inputs that the fuzzers start with: seeds DIR makes DIR/TARGET/NAME.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libfdt.h>

#include <kho/fdt.h>

static const char *top;

static void make_dir(const char *path)
{
	if (mkdir(path, 0777) && errno != EEXIST) {
		perror(path);
		exit(1);
	}
}

static void save(const char *target, const char *name, const void *data,
		 size_t size)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, target);
	make_dir(path);
	snprintf(path, sizeof(path), "%s/%s/%s", top, target, name);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void did(int ret)
{
	if (ret) {
		fprintf(stderr, "libfdt: %s\n", fdt_strerror(ret));
		exit(1);
	}
}

static void begin(char *blob, int size)
{
	const uint64_t root = 0x1122334455667000;

	did(fdt_create(blob, size));
	did(fdt_add_reservemap_entry(blob, 0x1000, 0x1000));
	did(fdt_finish_reservemap(blob));
	did(fdt_begin_node(blob, ""));
	did(fdt_property_string(blob, "compatible", "kho-v4"));
	did(fdt_property(blob, "preserved-memory-map", &root, 8));
}

static void finish(const char *name, char *blob)
{
	did(fdt_end_node(blob));
	did(fdt_finish(blob));
	save("fuzz-fdt", name, blob, fdt_totalsize(blob));
}

static void fdt_seeds(void)
{
	struct kho_fdt f = { .abi = KHO_ABI_V4, .root = 0x12345000 };
	const uint64_t v = 0x8877665544332000;
	char blob[4096];

	save("fuzz-fdt", "empty", blob, kho_fdt_write(blob, sizeof(blob), &f));
	f.abi = KHO_ABI_V3;
	f.nr = 2;
	strcpy(f.child[0].name, "kexec-metadata");
	f.child[0].addr = 0x1000;
	f.child[0].size = 73;
	f.child[0].has = 3;
	strcpy(f.child[1].name, "kho-objects");
	f.child[1].addr = 0x2000;
	f.child[1].has = 1;
	save("fuzz-fdt", "children", blob, kho_fdt_write(blob, sizeof(blob), &f));

	begin(blob, sizeof(blob));
	did(fdt_property_string(blob, "gone", "1234"));
	did(fdt_begin_node(blob, "a@1"));
	did(fdt_property(blob, "preserved-data", &v, 8));
	did(fdt_property(blob, "blob-size", &v, 8));
	did(fdt_begin_node(blob, "b"));
	did(fdt_end_node(blob));
	did(fdt_end_node(blob));
	finish("libfdt", blob);
	did(fdt_nop_property(blob, 0, "gone"));
	save("fuzz-fdt", "nop", blob, fdt_totalsize(blob));

	/* FDTs that readers may interpret differently. */
	begin(blob, sizeof(blob));
	did(fdt_property(blob, "preserved-memory-map", &f.child[0].addr, 8));
	did(fdt_begin_node(blob, "a"));
	did(fdt_property(blob, "preserved-data", &v, 8));
	did(fdt_property(blob, "preserved-data", &f.root, 8));
	did(fdt_end_node(blob));
	finish("twice", blob);
	begin(blob, sizeof(blob));
	did(fdt_begin_node(blob, "a"));
	did(fdt_begin_node(blob, "b"));
	did(fdt_end_node(blob));
	did(fdt_property(blob, "preserved-data", &v, 8));
	did(fdt_end_node(blob));
	finish("after", blob);
}

static void walk_seeds(void)
{
	/*
	 * Header: 0 for records, exponent of the end (21 + N % 14), number and unit
	 * of what the end lacks, index of the root, 1 to misalign it, 2 unused.
	 */
	static const uint8_t order0[] = {
		0, 14, 0, 0, 0, 0, 0, 0,
		/* Nodes 0 to 5: entry 2 of the root, then entries 0; bits 3 and 4. */
		0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 2, 0, 2, 0, 0, 0, 3, 0,
		3, 0, 0, 0, 4, 0, 4, 0, 0, 0, 5, 0, 5, 5, 0, 0, 3, 0,
		5, 5, 0, 0, 4, 0,
	};
	static const uint8_t chain[] = {
		0, 18, 1, 1, 0, 0, 0, 0,
		0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 2, 0, 2, 0, 0, 0, 3, 0,
		3, 0, 0, 0, 4, 0, 4, 0, 0, 0, 5, 0,
	};
	static const uint8_t loop[] = {
		0, 18, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0,
	};
	/* All 512 entries lead to the node below; a record has 1 << 9 as 9 * 16. */
	static const uint8_t shared[] = {
		0, 18, 0, 0, 0, 0, 0, 0,
		0, 7, 0, 0, 0x91, 0, 1, 7, 0, 0, 0x92, 0, 2, 7, 0, 0, 0x93, 0,
		3, 7, 0, 0, 0x94, 0, 4, 7, 0, 0, 0x95, 0,
	};
	static uint8_t raw[8 + 6 * 4096];
	uint64_t at;
	unsigned int i;

	save("fuzz-walk", "order0", order0, sizeof(order0));
	save("fuzz-walk", "chain", chain, sizeof(chain));
	save("fuzz-walk", "loop", loop, sizeof(loop));
	save("fuzz-walk", "shared", shared, sizeof(shared));

	/* A tree like the first, as pages. */
	raw[0] = 1;
	raw[1] = 14;
	for (i = 0; i < 5; i++) {
		at = 0x10000 + (i + 1) * 4096;
		memcpy(raw + 8 + i * 4096 + (i ? 0 : 16), &at, 8);
	}
	raw[8 + 5 * 4096] = 0x18;
	save("fuzz-walk", "pages", raw, sizeof(raw));
}

static void cmdline_seeds(void)
{
	static const char * const lines[] = {
		"root=/dev/vda \"quiet\" foo=\"a b\" -- mem=1G",
		"hugepages=0:3,1:4 hugepagesz=1G hugepages=2 default_hugepagesz=2M hugetlb_cma=0:1G",
		"mem=1G memmap=exactmap,1G@0,1M$2G,1M#3G,1M!1G memmap=1M%0x60000000-1+2",
		"crashkernel=1G-2G:64M,2G-:128M@16M crashkernel=1G,high crashkernel=64M,low",
		"crashkernel=64M,cma cma=64M@0-4G numa_cma=0:1M cma_pernuma=1M swiotlb=65536,force",
		"kernelcore=50% movablecore=1G reserve_mem=1M:4K:a log_buf_len=1M initrdmem=1M,2M",
		"efi_fake_mem=1M@1G:0x40000 dhash_entries=1000",
		"\"a b=\"c d\"\"\" mem=1G",
	};
	char name[16];
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		save("fuzz-cmdline", name, lines[i], strlen(lines[i]));
	}
}

static void radix_seeds(void)
{
	static const uint8_t pages[] = {
		/* add page 5; again; add order 3 at 8; delete page 5; and order 3. */
		0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0,
		0, 0, 8, 0, 3, 0, 0, 0, 3, 0, 5, 0, 0, 0, 0, 0,
		3, 0, 8, 0, 3, 0, 0, 0,
	};
	static const uint8_t ranges[] = {
		2, 1, 3, 0, 0, 0x20, 1, 0, 6, 1, 0, 0, 0, 0xff, 0, 0,
		0x82, 2, 3, 0, 0, 0x20, 1, 3, 5, 1, 3, 0, 0, 0x20, 1, 0,
	};

	save("fuzz-radix", "pages", pages, sizeof(pages));
	save("fuzz-radix", "ranges", ranges, sizeof(ranges));
}

static void put(uint8_t *to, uint32_t value, unsigned int bytes)
{
	for (; bytes--; value >>= 8)
		*to++ = value;
}

/* Seeds begin with a byte that says how much longer the file is. */
static void uki_seeds(void)
{
	static const char * const names[] = {
		".linux", ".initrd", ".profile", ".cmdline", ".ucode",
	};
	static uint8_t file[1 + 1024];
	const unsigned int nr = sizeof(names) / sizeof(names[0]);
	uint8_t *head = file + 1;
	unsigned int i;

	memcpy(head, "MZ", 2);
	put(head + 0x3c, 0x40, 4);
	memcpy(head + 0x40, "PE\0\0", 4);
	put(head + 0x44, 0x8664, 2);
	put(head + 0x46, nr, 2);
	for (i = 0; i < nr; i++) {
		uint8_t *section = head + 0x58 + i * 40;

		memcpy(section, names[i], strlen(names[i]));
		put(section + 8, 50, 4);
		put(section + 16, 64, 4);
		put(section + 20, 512 + i * 64, 4);
	}
	save("fuzz-uki", "uki", file, sizeof(file));

	memset(file, 0, sizeof(file));
	memcpy(head, "MZ\0\0zimg", 8);
	put(head + 8, 64, 4);
	put(head + 12, 500, 4);
	save("fuzz-uki", "zboot", file, sizeof(file));
	memcpy(head + 0x38, "ARM\x64", 4);
	save("fuzz-uki", "arm64", file, sizeof(file));
}

static size_t cpio_entry(char *to, const char *name, unsigned int mode, const char *text)
{
	size_t len = strlen(name) + 1, size = strlen(text), n;

	n = sprintf(to, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 1, mode,
		    0, 0, 1, 0, size, 0, 0, 0, 0, len, 0);
	memcpy(to + n, name, len);
	n += len;
	while (n & 3)
		to[n++] = 0;
	memcpy(to + n, text, size);
	n += size;
	while (n & 3)
		to[n++] = 0;
	return n;
}

static void cpio_seeds(void)
{
	/* The first byte is not part of it; see fuzz-cpio.c. */
	static char input[2048] = { 16 };
	char *archive = input + 1;
	size_t n;

	n = cpio_entry(archive, "./init", 0100755, "#!/bin/sh\n");
	save("fuzz-cpio", "one", input, 1 + n);
	n += cpio_entry(archive + n, "bin", 0120777, "usr/bin");
	n += cpio_entry(archive + n, "usr", 040755, "");
	n += cpio_entry(archive + n, "TRAILER!!!", 0, "");
	save("fuzz-cpio", "archive", input, 1 + n);
	/* The second one, after zeros */
	memcpy(archive + 512, archive, n);
	input[0] = (char)0x81;
	save("fuzz-cpio", "two", input, 1 + 512 + n);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	top = argv[1];
	make_dir(top);
	fdt_seeds();
	walk_seeds();
	radix_seeds();
	uki_seeds();
	cpio_seeds();
	cmdline_seeds();
	return 0;
}
