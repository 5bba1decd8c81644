// SPDX-License-Identifier: GPL-2.0
/*
 * Puts a kernel, its initrd and a handover, valid or not, into a file that is
 * a guest's RAM: what a previous kernel and kexec would have left there.
 *
 *	mkblob list			prints the names of the cases
 *	mkblob show CASE		prints "kept" or "refused", then what the
 *					stub is to log, as a regular expression
 *	mkblob write CASE RAM KERNEL INITRD
 *	mkblob check CASE RAM		are the handover's pages as they were?
 *	mkblob marked CASE RAM		are those that have keys?
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "blob.h"

/* Where the marked pages of the sound part of a case are. */
#define SINGLES		0x0a000000UL
#define RUN		0x0c001000UL
#define BLOCK		0x0c400000UL

static void mark_singles(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		mark(SINGLES + i * 2 * PAGE, 0);
}

/* A run of single pages, then blocks of several orders, side by side. */
static void mark_run(void)
{
	__u64 phys;
	unsigned int order;

	for (phys = RUN; phys < BLOCK; phys += PAGE)
		mark(phys, 0);
	for (order = 10; order; order--) {
		mark(phys, order);
		phys += PAGE << order;
	}
}

/* ---- The cases ---- */

static void sound(void)
{
	mark_singles(1000);
	mark_run();
}

static void many(void)
{
	mark_singles(5000);
}

static void nothing_marked(void)
{
}

/*
 * A mainline kernel: FDT page marked, array in scratch, two scratch ranges and
 * an empty one, for a node with too little memory.
 */
static void mainline(void)
{
	sound();
	blob.fdt.abi = KHO_ABI_V3;
	set_key(kho_key_encode(SHIFT, FDT_ADDR, 0));
	use(FDT_ADDR, PAGE, BLOB_KEPT | BLOB_KEPT | BLOB_MARKED);
	blob.data.scratch_addr = ARRAY_ADDR;
	blob.scratch[1].addr = FDT_ADDR;
	blob.scratch[2].addr = 0x18000000;
	blob.scratch[2].size = 0x00200000;
	blob.nr_scratch = 3;
}

static void nothing_sent(void)
{
	sound();
	memset(&blob.data, 0, sizeof(blob.data));
}

static void turned_off(void)
{
	sound();
	/* The pages are then lost, which shows that the check notices that. */
	blob.cmdline = "kho=off fill";
}

static void kdump(void)
{
	sound();
	blob.cmdline = "elfcorehdr=0x1a000000";
}

static void bad_len(void)
{
	sound();
	blob.len = 40;
}

static void fdt_short(void)
{
	sound();
	blob.data.fdt_size = 39;
}

static void fdt_long(void)
{
	sound();
	blob.data.fdt_size = PAGE + 1;
}

static void fdt_misaligned(void)
{
	sound();
	blob.data.fdt_addr += 8;
}

static void fdt_no_ram(void)
{
	sound();
	blob.data.fdt_addr = HOLE;
}

static void fdt_in_scratch(void)
{
	sound();
	blob.data.fdt_addr = SCRATCH + SCRATCH_SIZE - PAGE;
}

static void root_in_hole(void)
{
	sound();
	blob.fdt.root = HOLE + PAGE;
}

static void root_beyond(void)
{
	sound();
	blob.fdt.root = 0x100000000;
}

static void root_misaligned(void)
{
	sound();
	blob.fdt.root += 8;
}

static void root_in_scratch(void)
{
	sound();
	blob.fdt.root = SCRATCH + PAGE;
}

static void root_is_fdt(void)
{
	sound();
	blob.fdt.root = FDT_ADDR;
}

static void self_loop(void)
{
	sound();
	*entry(kho_key_encode(SHIFT, SINGLES, 0), 3) = blob.fdt.root;
}

static void node_twice(void)
{
	__u64 key;

	mark_singles(1000);
	/* As a leaf of order 1 it marks other pages, where nothing is. */
	key = kho_key_encode(SHIFT, SINGLES, 0);
	*entry(kho_key_encode(SHIFT, 0, 1), 1) = *entry(key, 1);
}

static void node_is_page(void)
{
	sound();
	set_key(kho_key_encode(SHIFT, blob.fdt.root, 0));
}

static void bad_order(void)
{
	sound();
	set_key(1);
}

static void wide_key(void)
{
	sound();
	*entry((__u64)1 << 53, 5) = NODES_ADDR;
}

static void beyond_key(void)
{
	sound();
	*entry(kho_key_encode(SHIFT, (__u64)1 << 40, 0), 1) = NODES_ADDR;
}

static void page_beyond(void)
{
	sound();
	mark(RAM_END, 0);
}

static void page_in_hole(void)
{
	sound();
	mark(HOLE, 0);
}

static void page_across_hole(void)
{
	sound();
	mark(HOLE & ~((PAGE << 14) - 1), 14);
}

static void page_low(void)
{
	sound();
	mark(0x80000, 0);
}

static void page_in_scratch(void)
{
	sound();
	mark(SCRATCH + SCRATCH_SIZE - PAGE, 0);
}

/* Each entry counts, however many there are. */
static void page_in_fifth(void)
{
	sound();
	blob.scratch[4].addr = SINGLES & ~(PAGE - 1ULL);
	blob.scratch[4].size = PAGE;
	blob.nr_scratch = 5;
}

/* Scratch elsewhere, and too small for the kernel: it stays where it is. */
static void kernel_outside_scratch(void)
{
	sound();
	blob.scratch[0].addr = 0x18000000;
	blob.scratch[0].size = 0x00100000;
}

static void page_on_kernel(void)
{
	kernel_outside_scratch();
	set_key(kho_key_encode(SHIFT, KERNEL_ADDR + 0x200000, 0));
}

static void page_on_initrd(void)
{
	kernel_outside_scratch();
	set_key(kho_key_encode(SHIFT, INITRD_ADDR, 0));
}

/* What leads to the tree may be marked in it: that changes nothing. */
static void page_on_setup(void)
{
	sound();
	set_key(kho_key_encode(SHIFT, SETUP_ADDR, 0));
	use(SETUP_ADDR, PAGE, BLOB_KEPT | BLOB_MARKED);
}

/* One block with the FDT and the setup_data node. */
static void block_on_setup(void)
{
	sound();
	set_key(kho_key_encode(SHIFT, FDT_ADDR, 1));
	use(FDT_ADDR, 2 * PAGE, BLOB_KEPT | BLOB_MARKED);
}

/* As a mainline kernel could do, as its array lies in scratch. */
static void page_on_array(void)
{
	mainline();
	set_key(kho_key_encode(SHIFT, ARRAY_ADDR, 0));
	use(ARRAY_ADDR & ~(PAGE - 1ULL), PAGE, BLOB_KEPT | BLOB_MARKED);
}

static void root_on_setup(void)
{
	sound();
	blob.fdt.root = SETUP_ADDR;
}

static void page_twice(void)
{
	sound();
	mark(SINGLES + 40 * PAGE, 1);
}

static void array_long(void)
{
	sound();
	blob.nr_scratch = 257;
}

static void array_odd(void)
{
	sound();
	blob.data.scratch_size = 24;
}

static void array_no_ram(void)
{
	sound();
	blob.data.scratch_addr = HOLE;
}

static void scratch_empty(void)
{
	sound();
	blob.scratch[0].size = 0;
}

static void scratch_misaligned(void)
{
	sound();
	blob.scratch[0].size -= 8;
}

static void scratch_no_ram(void)
{
	sound();
	blob.scratch[0].addr = HOLE - PAGE;
}

static void scratch_wraps(void)
{
	sound();
	blob.scratch[0].size = -blob.scratch[0].addr - PAGE;
}

static void scratch_overlaps(void)
{
	sound();
	blob.scratch[1].addr = SCRATCH + SCRATCH_SIZE - PAGE;
	blob.scratch[1].size = 2 * PAGE;
	blob.nr_scratch = 2;
}

static void no_room(void)
{
	sound();
	blob.scratch[0].addr = 0x18000000;
	blob.scratch[0].size = PAGE;
}

/* ---- Changes to what has been written down ---- */

static void late_magic(void)
{
	blob.ram[FDT_ADDR] ^= 1;
}

static void replace(const char *from, const char *to)
{
	__u8 *p = memmem(blob.ram + FDT_ADDR, PAGE, from, strlen(from));

	if (!p)
		errx(1, "no %s in the FDT", from);
	memcpy(p, to, strlen(from));
}

static void late_compatible(void)
{
	replace("kho-v4", "kho-v9");
}

static void late_v1(void)
{
	replace("kho-v4", "kho-v1");
}

static void late_no_map(void)
{
	replace(KHO_PROP_MEMORY_MAP, "Preserved-memory-map");
}

static void late_totalsize(void)
{
	kho_fdt_put32(blob.ram + FDT_ADDR + 4, 2 * PAGE);
}

static void late_second_node(void)
{
	struct kho_setup_node *first = keep(SETUP_ADDR, sizeof(*first));
	struct kho_setup_node *second = keep(SETUP2_ADDR, 48);

	memcpy(second, first, 48);
	first->next = SETUP2_ADDR;
}

#define NR_ENVELOPES	2

struct envelope {
	struct kho_setup_node node;
	struct kho_setup_indirect inner;
};

/* Envelopes, for kernels without the stub, cover all of it, and scratch as well. */
static void late_envelopes(void)
{
	struct kho_setup_node *first = keep(SETUP_ADDR, sizeof(*first));
	struct envelope *envelope = keep(SETUP2_ADDR,
					 NR_ENVELOPES * sizeof(*envelope));
	int i;

	for (i = 0; i < NR_ENVELOPES; i++) {
		envelope[i].node.type = KHO_SETUP_INDIRECT;
		envelope[i].node.len = sizeof(envelope[i].inner);
		envelope[i].node.next = i + 1 == NR_ENVELOPES ? 0 :
			SETUP2_ADDR + (i + 1) * sizeof(*envelope);
		envelope[i].inner.type = KHO_SETUP_ENVELOPE;
		envelope[i].inner.addr = i ? 0x10000000 : 0x08000000;
		envelope[i].inner.len = 0x08000000;
	}
	first->next = SETUP2_ADDR;
}

/* The stub must have sealed the envelopes, so that sysfs does not show them. */
static void sealed(void)
{
	struct envelope *envelope = keep(SETUP2_ADDR,
					 NR_ENVELOPES * sizeof(*envelope));
	int i;

	for (i = 0; i < NR_ENVELOPES; i++)
		envelope[i].node.type = KHO_SETUP_SEALED;
}

static const struct {
	const char *name;
	void (*build)(void);
	void (*late)(void);
	const char *expect;	/* NULL: it is kept */
	void (*after)(void);	/* what the stub is to change */
} table[] = {
	{ "sound", sound },
	{ "envelopes", sound, late_envelopes, NULL, sealed },
	{ "many", many },
	{ "mainline", mainline },
	{ "page-on-setup", page_on_setup },
	{ "block-on-setup", block_on_setup },
	{ "page-on-array", page_on_array },
	{ "nothing-marked", nothing_marked },
	{ "nothing-sent", nothing_sent, NULL,
	  "^the previous kernel handed nothing over$" },
	{ "off", turned_off, NULL, "^handover ignored: kho=off$" },
	{ "kdump", kdump, NULL,
	  "^handover ignored: this is a kdump kernel$" },

	{ "second-node", sound, late_second_node,
	  "hand-off is there more than once \\(at 0x8002000, value 0x2\\)" },
	{ "bad-len", bad_len, NULL,
	  "hand-off has a wrong length \\(at 0x8001000, value 0x28\\)" },

	{ "fdt-short", fdt_short, NULL,
	  "size of the FDT is not possible \\(at 0x8001000, value 0x27\\)" },
	{ "fdt-long", fdt_long, NULL,
	  "size of the FDT is not possible \\(at 0x8001000, value 0x1001\\)" },
	{ "fdt-misaligned", fdt_misaligned, NULL,
	  "address of the FDT is not page-aligned \\(at 0x8001000, value 0x8000008\\)" },
	{ "fdt-no-ram", fdt_no_ram, NULL,
	  "FDT page is no RAM \\(at 0x1a000000, value 0x1000\\)" },
	{ "fdt-in-scratch", fdt_in_scratch, NULL,
	  "FDT page lies in scratch \\(at 0x13fff000, value 0x10000000\\)" },
	{ "bad-magic", sound, late_magic,
	  "FDT magic is wrong \\(at 0x8000000, value 0x1000\\)" },
	{ "bad-totalsize", sound, late_totalsize,
	  "FDT is longer than its page \\(at 0x8000000, value 0x1000\\)" },
	{ "bad-compatible", sound, late_compatible,
	  "compatible string is neither kho-v3 nor kho-v4 \\(at 0x8000000, " },
	{ "kho-v1", sound, late_v1,
	  "the handover is kho-v1 .* \\(at 0x8000000, " },
	{ "no-map", sound, late_no_map,
	  "FDT has no preserved-memory-map \\(at 0x8000000, " },

	{ "root-outside-ram", root_in_hole, NULL,
	  "tree node is no RAM \\(at 0x1a001000, value 0x1000\\)" },
	{ "root-beyond", root_beyond, NULL,
	  "tree has a node beyond the end of memory \\(at 0x0, value 0x100000000\\)" },
	{ "root-misaligned", root_misaligned, NULL,
	  "tree has a node address that is not page-aligned \\(at 0x0, value 0x8010008\\)" },
	{ "root-in-scratch", root_in_scratch, NULL,
	  "tree node lies in scratch \\(at 0x10001000, value 0x10000000\\)" },
	{ "root-is-fdt", root_is_fdt, NULL,
	  "tree node is the FDT page \\(at 0x8000000, value 0x5\\)" },
	{ "self-loop", self_loop, NULL,
	  "tree has a node that leads back to itself \\(at 0x80[0-9a-f]*, value 0x8010000\\)" },
	{ "node-twice", node_twice, NULL,
	  "tree node is used twice \\(at 0x80[0-9a-f]*, value 0x80[0-9a-f]*\\)" },
	{ "node-is-page", node_is_page, NULL,
	  "tree node is a marked page as well \\(at 0x8010000, value 0x8010000\\)" },
	{ "bad-order", bad_order, NULL,
	  "tree has a key of an order that does not exist \\(at 0x80[0-9a-f]*, value 0x1\\)" },
	{ "wide-key", wide_key, NULL,
	  "tree has an entry for keys that do not exist \\(at 0x8010000, value 0x4\\)" },
	{ "beyond-key", beyond_key, NULL,
	  "tree has an entry for keys beyond the end of memory \\(at 0x80[0-9a-f]*, " },

	{ "page-beyond", page_beyond, NULL,
	  "tree has a key beyond the end of memory \\(at 0x80.*, value 0x1000000001ff00\\)" },
	{ "page-in-hole", page_in_hole, NULL,
	  "marked page is no RAM \\(at 0x1a000000, value 0x1000\\)" },
	{ "page-across-hole", page_across_hole, NULL,
	  "marked page is no RAM \\(at 0x18000000, value 0x4000000\\)" },
	{ "page-low", page_low, NULL,
	  "marked page is too low to be kept \\(at 0x80000, value 0x100000\\)" },
	{ "page-in-scratch", page_in_scratch, NULL,
	  "marked page lies in scratch \\(at 0x13fff000, value 0x10000000\\)" },
	{ "page-in-fifth", page_in_fifth, NULL,
	  "marked page lies in scratch \\(at 0xa" },
	{ "page-on-kernel", page_on_kernel, NULL,
	  "marked page lies on the new kernel \\(at 0x10200000, value 0x10000000\\)" },
	{ "page-on-initrd", page_on_initrd, NULL,
	  "marked page lies on the new kernel's initrd \\(at 0x13000000, value 0x13000000\\)" },
	{ "root-on-setup", root_on_setup, NULL,
	  "tree node lies on the scratch array \\(at 0x8001000, value 0x8001000\\)" },
	{ "page-twice", page_twice, NULL,
	  "page is marked twice \\(at 0xa028000, value 0xa028000\\)" },

	{ "array-long", array_long, NULL,
	  "size of the scratch array is not possible \\(at 0x8001000, value 0x1010\\)" },
	{ "array-odd", array_odd, NULL,
	  "size of the scratch array is not possible \\(at 0x8001000, value 0x18\\)" },
	{ "array-no-ram", array_no_ram, NULL,
	  "scratch array is no RAM \\(at 0x1a000000, value 0x10\\)" },
	{ "scratch-empty", scratch_empty, NULL,
	  "scratch is empty \\(at 0x8001040, value 0x10\\)" },
	{ "scratch-misaligned", scratch_misaligned, NULL,
	  "scratch range is not page-aligned \\(at 0x10000000, value 0x3fffff8\\)" },
	{ "scratch-no-ram", scratch_no_ram, NULL,
	  "scratch range is no RAM \\(at 0x19fff000, value 0x4000000\\)" },
	{ "scratch-wraps", scratch_wraps, NULL,
	  "scratch range is no RAM \\(at 0x10000000, value 0xffffffffeffff000\\)" },
	{ "scratch-overlaps", scratch_overlaps, NULL,
	  "scratch range overlaps another \\(at 0x13fff000, value 0x10000000\\)" },
	{ "no-room", no_room, NULL,
	  "scratch has no room to reserve all of it \\(at 0x18000000, value 0x[0-9a-f]*\\)" },
};

#define NR_CASES	(sizeof(table) / sizeof(*(table)))

/* ---- Putting it together ---- */

static void build(unsigned int c)
{
	blob_start(RAM_SIZE);
	blob.top = RAM_END;
	add_e820(0, 0x9f000, 1);
	add_e820(0xf0000, 0x100000, 2);
	add_e820(0x100000, HOLE, 1);
	add_e820(HOLE + HOLE_SIZE, RAM_END, 1);
	add_e820(RAM_END, RAM_SIZE, 2);

	table[c].build();
	blob_finish();
	if (table[c].late)
		table[c].late();

	if (!table[c].expect)
		expect_kept();
	else if (table[c].expect[0] == '^')
		snprintf(blob.expect, sizeof(blob.expect), "%s",
			 table[c].expect);
	else
		snprintf(blob.expect, sizeof(blob.expect),
			 "^handover refused: %s", table[c].expect);
}

int main(int argc, char **argv)
{
	unsigned int c;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (c = 0; c < NR_CASES; c++)
			puts(table[c].name);
		return 0;
	}
	if (argc < 3)
		errx(2, "no command; see the top of mkblob.c");
	for (c = 0; c < NR_CASES && strcmp(table[c].name, argv[2]); c++)
		;
	if (c == NR_CASES)
		errx(2, "no case %s", argv[2]);
	build(c);

	if (argc == 3 && !strcmp(argv[1], "show")) {
		puts(table[c].expect ? "refused" : "kept");
		puts(blob.expect);
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "write")) {
		boot_params(argv[4], argv[5], table[c].expect ? "" : "fill");
		write_ram(argv[3]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "check")) {
		if (table[c].after)
			table[c].after();
		return check_ram(argv[3], BLOB_KEPT);
	}
	if (argc == 4 && !strcmp(argv[1], "marked"))
		return check_ram(argv[3], BLOB_MARKED);
	errx(2, "wrong arguments");
}
