// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/exact.h: an FDT with two compatible strings, as mainline (libfdt)
 * and as our own readers see it, whole and broken.
 */
#include <stdbool.h>
#include <stdint.h>

#include <libfdt.h>

#include <kho/exact.h>

#include "tap.h"

#define PAGE	4096

static char blob[PAGE];
static char plain[PAGE];
static struct kho_fdt out;

static void make(struct kho_fdt *in, unsigned int abi)
{
	memset(in, 0, sizeof(*in));
	in->abi = abi;
	in->root = 0x123456789000;
	in->nr = 2;
	strcpy(in->child[0].name, "kexec-metadata");
	in->child[0].addr = 0x7000;
	in->child[0].size = 73;
	in->child[0].has = 3;
	strcpy(in->child[1].name, KHO_EXACT_NODE);
	in->child[1].addr = 0x8000;
	in->child[1].size = 64;
	in->child[1].has = 3;
}

static void test_wrap(unsigned int abi, const char *name)
{
	static char before[PAGE];
	struct kho_fdt in;
	uint32_t len, wrapped;
	int node, size;
	const void *p;

	make(&in, abi);
	len = kho_fdt_write(blob, PAGE, &in);
	memcpy(before, blob, PAGE);
	is(kho_exact_unwrap(blob, PAGE, plain), 0, "%s: not wrapped", name);
	wrapped = kho_exact_wrap(blob, PAGE);
	is(wrapped, len + 12, "%s: length", name);
	is(fdt_check_full(blob, PAGE), 0, "%s: libfdt finds it sound", name);
	is(fdt_totalsize(blob), wrapped, "%s: size", name);

	/* What mainline checks. */
	is(fdt_node_check_compatible(blob, 0, name), 0, "%s: compatible", name);
	is(fdt_node_check_compatible(blob, 0, KHO_EXACT_COMPATIBLE), 0,
	   "%s: compatible with the other too", name);
	is(fdt_node_check_compatible(blob, 0, abi == 4 ? "kho-v3" : "kho-v4"), 1,
	   "%s: and no other", name);
	p = fdt_getprop(blob, 0, KHO_PROP_MEMORY_MAP, &size);
	ok(p && size == 8 && !memcmp(p, &in.root, 8), "%s: the map", name);
	node = fdt_subnode_offset(blob, 0, KHO_EXACT_NODE);
	p = fdt_getprop(blob, node, KHO_PROP_DATA, &size);
	ok(p && size == 8 && !memcmp(p, &in.child[1].addr, 8), "%s: the child",
	   name);

	/* A reader that knows one string, like the boot stub, would lose most pages. */
	ok(kho_fdt_read(blob, PAGE, &out), "%s: others refuse it", name);

	is(kho_exact_unwrap(blob, PAGE, plain), 1, "%s: unwrapped", name);
	ok(!memcmp(plain, before, PAGE), "%s: as it was", name);
	is(kho_exact_unwrap(blob, wrapped, plain), 1, "%s: just enough", name);
}

static void test_room(void)
{
	unsigned int room, wrong = 0;
	struct kho_fdt in;
	uint32_t len;

	make(&in, 4);
	len = kho_fdt_write(blob, PAGE, &in);
	for (room = len; room < len + 12; room++)
		wrong += kho_exact_wrap(blob, room) != 0;
	is(wrong, 0, "room: too little");
	is(kho_exact_wrap(blob, len + 12), len + 12, "room: just enough");
}

/* Both buffers end where the FDT does, so that AddressSanitizer sees overruns. */
static int unwrap(const void *fdt, uint32_t len)
{
	char *copy = malloc(len + 1), *to = calloc(1, len + 1);
	int ret;

	must(copy && to, "no memory");
	memcpy(copy + 1, fdt, len);
	ret = kho_exact_unwrap(copy + 1, len, to + 1);
	if (ret)
		kho_fdt_read(to + 1, len, &out);
	free(copy);
	free(to);
	return ret;
}

static void test_broken(void)
{
	unsigned int n, accepted = 0, cut = 0;
	struct kho_fdt in;
	uint32_t len;

	make(&in, 4);
	kho_fdt_write(blob, PAGE, &in);
	len = kho_exact_wrap(blob, PAGE);
	for (n = 0; n < len; n++)
		cut += unwrap(blob, n);
	is(cut, 0, "truncated: none is recognised");
	for (n = 0; n < 8 * len; n++) {
		blob[n / 8] ^= 1 << n % 8;
		accepted += unwrap(blob, len);
		if (n / 8 >= KHO_EXACT_VALUE && n / 8 < KHO_EXACT_VALUE + 13)
			must(!unwrap(blob, len), "bit %u: another string", n);
		blob[n / 8] ^= 1 << n % 8;
	}
	ok(accepted, "bits turned over: nothing else is judged here");
}

static void test_check(void)
{
	const struct kho_exact good = {
		.compatible = KHO_EXACT_COMPATIBLE,
		.page_shift = 12,
		.root = 0x1000,
	};
	struct kho_exact bad;
	unsigned int i, wrong = 0;

	ok(!kho_exact_check(&good, 12), "the child's data");
	ok(kho_exact_check(&good, 14), "another page size");
	for (i = 0; i < sizeof(bad); i++) {
		bad = good;
		((uint8_t *)&bad)[i] ^= 0x80;
		/* The address of the root is for the walk to check. */
		wrong += !kho_exact_check(&bad, 12) !=
			 (i >= offsetof(struct kho_exact, root) &&
			  i < offsetof(struct kho_exact, reserved));
	}
	is(wrong, 0, "each byte but those of the root matters");
	bad = good;
	bad.root = 0;
	ok(kho_exact_check(&bad, 12), "no root");
}

int main(void)
{
	tap_start();
	test_wrap(KHO_ABI_V4, KHO_COMPATIBLE_V4);
	test_wrap(KHO_ABI_V3, KHO_COMPATIBLE_V3);
	test_room();
	test_broken();
	test_check();
	return tap_done();
}
