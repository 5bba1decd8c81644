/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * A hand-off by envelopes to a kernel with in-kernel KHO.
 *
 * Such a kernel reserves each key of the tree that the root FDT points to, in a
 * time that grows with the square of the number of keys.  So that tree, the boot
 * tree, contains only what the kernel itself and its users look for.  A second
 * tree, the full tree, contains everything preserved; its pages lie in envelopes,
 * which any kernel keeps as a whole:
 *
 *	compatible = "kho-exact-v1", "kho-v4";
 *	preserved-memory-map = <the boot tree>;
 *	kho-exact { preserved-data -> struct kho_exact -> the full tree };
 *
 * This format is ours.  A reader that compares only the first string refuses the
 * handover, of which it would lose most; mainline looks at all strings.  The FDT is
 * as kho_fdt_write() writes it, with that string inserted.
 */
#ifndef KHO_EXACT_H
#define KHO_EXACT_H

#include "abi.h"
#include "fdt.h"

#define KHO_EXACT_NODE		"kho-exact"
#define KHO_EXACT_COMPATIBLE	"kho-exact-v1"

/* What the child's preserved-data points to: an order-0 key of the full tree. */
struct kho_exact {
	__u8 compatible[16];		/* KHO_EXACT_COMPATIBLE, NUL-padded */
	__u32 page_shift;
	__u32 reserved0;
	__u64 root;			/* of the full tree */
	__u64 reserved[4];
};

_Static_assert(sizeof(struct kho_exact) == 64, "size of kho_exact");

/* Offsets in the FDT: the root's first property, "compatible", and its value. */
#define KHO_EXACT_PROP		(KHO_FDT_HEADER + 16U + 8U)
#define KHO_EXACT_VALUE		(KHO_EXACT_PROP + 12U)
/* Size of the value with padding, before and after the string is inserted. */
#define KHO_EXACT_OLD		8U
#define KHO_EXACT_NEW		20U
#define KHO_EXACT_MORE		(KHO_EXACT_NEW - KHO_EXACT_OLD)

_Static_assert(sizeof(KHO_EXACT_COMPATIBLE) + sizeof(KHO_COMPATIBLE_V4) ==
	       KHO_EXACT_NEW, "strings without padding");

KHO_FN void kho_exact_resize(char *fdt, __u32 by)
{
	kho_fdt_put32(fdt + 4, kho_fdt_get32(fdt + 4) + by);
	kho_fdt_put32(fdt + 12, kho_fdt_get32(fdt + 12) + by);
	kho_fdt_put32(fdt + 36, kho_fdt_get32(fdt + 36) + by);
}

/**
 * kho_exact_wrap() - insert the first string into an FDT
 * @fdt: an FDT that kho_fdt_write() has written
 * @len: size of the buffer in bytes
 *
 * Return: length of the FDT in bytes, 0 if @len is too small.
 */
KHO_FN __u32 kho_exact_wrap(void *fdt, __u32 len)
{
	const __u32 first = sizeof(KHO_EXACT_COMPATIBLE);
	char *value = (char *)fdt + KHO_EXACT_VALUE;
	__u32 total = kho_fdt_get32((char *)fdt + 4), i;
	char old[sizeof(KHO_COMPATIBLE_V4)];

	if (len < total || len - total < KHO_EXACT_MORE)
		return 0;
	kho_fdt_copy(old, value, sizeof(old));
	for (i = total; i > KHO_EXACT_VALUE + KHO_EXACT_OLD; i--)
		((char *)fdt)[i - 1 + KHO_EXACT_MORE] = ((char *)fdt)[i - 1];
	kho_fdt_copy(value, KHO_EXACT_COMPATIBLE, first);
	kho_fdt_copy(value + first, old, sizeof(old));
	kho_fdt_put32((char *)fdt + KHO_EXACT_PROP + 4, KHO_EXACT_NEW);
	kho_exact_resize(fdt, KHO_EXACT_MORE);
	return total + KHO_EXACT_MORE;
}

/**
 * kho_exact_unwrap() - remove the first string from an FDT that has it
 * @fdt: the FDT, readable for @len bytes
 * @len: size in bytes
 * @plain: @len bytes, filled in with an FDT for kho_fdt_read() to check
 *
 * Return: 1, or 0 if @fdt is no such FDT; @plain is unchanged then.
 */
KHO_FN int kho_exact_unwrap(const void *fdt, __u32 len, void *plain)
{
	const char *from = fdt;
	__u32 total, structs, rest = KHO_EXACT_VALUE + KHO_EXACT_NEW;

	if (len < rest || kho_fdt_get32(from) != KHO_FDT_MAGIC)
		return 0;
	total = kho_fdt_get32(from + 4);
	structs = kho_fdt_get32(from + 8);
	if (total < rest || total > len || structs != KHO_FDT_HEADER + 16 ||
	    kho_fdt_get32(from + 12) < rest ||
	    kho_fdt_get32(from + 36) < rest - structs ||
	    kho_fdt_get32(from + KHO_EXACT_PROP) != KHO_FDT_PROP ||
	    kho_fdt_get32(from + KHO_EXACT_PROP + 4) != KHO_EXACT_NEW ||
	    !kho_fdt_strsize(from + KHO_EXACT_VALUE, from + rest) ||
	    !kho_fdt_same(from + KHO_EXACT_VALUE, KHO_EXACT_COMPATIBLE))
		return 0;

	kho_fdt_copy(plain, from, KHO_EXACT_VALUE);
	kho_fdt_copy((char *)plain + KHO_EXACT_VALUE,
		     from + KHO_EXACT_VALUE + sizeof(KHO_EXACT_COMPATIBLE),
		     sizeof(KHO_COMPATIBLE_V4));
	((char *)plain)[KHO_EXACT_VALUE + sizeof(KHO_COMPATIBLE_V4)] = 0;
	kho_fdt_copy((char *)plain + KHO_EXACT_VALUE + KHO_EXACT_OLD,
		     from + rest, total - rest);
	kho_fdt_put32((char *)plain + KHO_EXACT_PROP + 4,
		      sizeof(KHO_COMPATIBLE_V4));
	kho_exact_resize(plain, -KHO_EXACT_MORE);
	return 1;
}

/**
 * kho_exact_check() - is this a valid pointer to the full tree?
 * @exact: a private copy of the child's data
 * @shift: page shift
 *
 * Return: NULL, or a description of what is wrong.
 */
KHO_FN const char *kho_exact_check(const struct kho_exact *exact,
				   unsigned int shift)
{
	unsigned int i;

	for (i = 0; i < sizeof(exact->compatible); i++)
		if (exact->compatible[i] != (i < sizeof(KHO_EXACT_COMPATIBLE) ?
					     KHO_EXACT_COMPATIBLE[i] : 0))
			return "what /kho-exact leads to is not kho-exact-v1";
	if (exact->page_shift != shift)
		return "/kho-exact has another page size";
	if (exact->reserved0 || exact->reserved[0] || exact->reserved[1] ||
	    exact->reserved[2] || exact->reserved[3])
		return "/kho-exact has something where nothing may be";
	if (!exact->root)
		return "/kho-exact has no tree";
	return KHO_NULL;
}

#endif /* KHO_EXACT_H */
