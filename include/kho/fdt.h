/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Reading and writing the one kind of FDT that KHO uses: a page, a root node
 * with two properties, and children with two properties each.
 *
 * No kernel exports its libfdt to modules, and no header package ships its
 * source, so the module can't use it.  The boot stub shares this reader so
 * that both accept the same handovers.  The tests compare the reader with
 * libfdt, which khoctl uses.
 *
 * The format is Devicetree Specification 0.4, chapter 5 (version 17).
 */
#ifndef KHO_FDT_H
#define KHO_FDT_H

#include "abi.h"

#ifndef KHO_FN
#define KHO_FN static inline
#endif

#define KHO_FDT_MAGIC		0xd00dfeedU
#define KHO_FDT_BEGIN_NODE	1U
#define KHO_FDT_END_NODE	2U
#define KHO_FDT_PROP		3U
#define KHO_FDT_NOP		4U
#define KHO_FDT_END		9U
#define KHO_FDT_HEADER		40U
#define KHO_FDT_VERSION		17U
/* The maximum number of children: about as many as fit into a 4K page. */
#define KHO_FDT_MAX_CHILDREN	64
/* The longest name of a child, including the NUL. */
#define KHO_FDT_NAME_SIZE	32

/**
 * struct kho_fdt_child - a child of the root node
 */
struct kho_fdt_child {
	/** @name: includes the unit address, if there is one. */
	char name[KHO_FDT_NAME_SIZE];
	/** @addr: preserved-data. */
	__u64 addr;
	/** @size: blob-size. */
	__u64 size;
	/** @has: bits: 1 if @addr was there, 2 if @size was there. */
	unsigned int has;
};

/**
 * struct kho_fdt - the contents of a root FDT
 */
struct kho_fdt {
	/** @abi: KHO_ABI_V3 or KHO_ABI_V4. */
	unsigned int abi;
	/** @root: preserved-memory-map. */
	__u64 root;
	/** @nr: number of children. */
	unsigned int nr;
	/** @child: the children in the order of the FDT. */
	struct kho_fdt_child child[KHO_FDT_MAX_CHILDREN];
	/** @has: bits: 1 compatible string was read, 2 the map, 4 root node. */
	unsigned int has;
};

KHO_FN __u32 kho_fdt_get32(const void *p)
{
	const __u8 *b = p;

	return (__u32)b[0] << 24 | (__u32)b[1] << 16 | (__u32)b[2] << 8 | b[3];
}

KHO_FN void kho_fdt_put32(void *p, __u32 v)
{
	__u8 *b = p;

	b[0] = v >> 24 & 0xff;
	b[1] = v >> 16 & 0xff;
	b[2] = v >> 8 & 0xff;
	b[3] = v & 0xff;
}

/* Length of the string at @s including its NUL, or 0 if there is no NUL before @end. */
KHO_FN unsigned int kho_fdt_strsize(const char *s, const char *end)
{
	unsigned int n = 0;

	while (s + n < end)
		if (!s[n++])
			return n;
	return 0;
}

KHO_FN int kho_fdt_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

KHO_FN void kho_fdt_copy(void *to, const void *from, unsigned int n)
{
	while (n--)
		((__u8 *)to)[n] = ((const __u8 *)from)[n];
}

/* Reads a property of the root (@depth 1) or of its last child (@depth 2). */
KHO_FN const char *kho_fdt_prop(struct kho_fdt *out, unsigned int depth,
				const char *name, const char *data, __u32 len)
{
	/* libfdt would use the first one. */
	const char *twice = "FDT property is there twice";
	struct kho_fdt_child *child;

	if (depth == 1 && kho_fdt_same(name, KHO_PROP_COMPATIBLE)) {
		if (out->has & 1)
			return twice;
		if (!kho_fdt_strsize(data, data + len))
			return "compatible string without an end";
		if (kho_fdt_same(data, KHO_COMPATIBLE_V4))
			out->abi = KHO_ABI_V4;
		else if (kho_fdt_same(data, KHO_COMPATIBLE_V3))
			out->abi = KHO_ABI_V3;
		else if (kho_fdt_same(data, KHO_COMPATIBLE_V1))
			return "the handover is kho-v1 (Linux 6.16 to 7.0), not kho-v3 or kho-v4";
		else if (kho_fdt_same(data, KHO_COMPATIBLE_V2))
			return "the handover is kho-v2, not kho-v3 or kho-v4";
		else
			return "compatible string is neither kho-v3 nor kho-v4";
		out->has |= 1;
	} else if (depth == 1 && kho_fdt_same(name, KHO_PROP_MEMORY_MAP)) {
		if (out->has & 2)
			return twice;
		if (len != sizeof(out->root))
			return "preserved-memory-map is not 8 bytes long";
		kho_fdt_copy(&out->root, data, sizeof(out->root));
		out->has |= 2;
	} else if (depth == 2) {
		child = &out->child[out->nr - 1];
		if (kho_fdt_same(name, KHO_PROP_DATA)) {
			if (child->has & 1)
				return twice;
			if (len != sizeof(child->addr))
				return "preserved-data is not 8 bytes long";
			kho_fdt_copy(&child->addr, data, sizeof(child->addr));
			child->has |= 1;
		} else if (kho_fdt_same(name, KHO_PROP_BLOB_SIZE)) {
			if (child->has & 2)
				return twice;
			if (len != sizeof(child->size))
				return "blob-size is not 8 bytes long";
			kho_fdt_copy(&child->size, data, sizeof(child->size));
			child->has |= 2;
		}
	}
	return KHO_NULL;
}

/**
 * kho_fdt_read() - parse a root FDT
 * @fdt: the FDT, readable for @len bytes; need not be aligned
 * @len: size in bytes
 * @out: filled in
 *
 * Everything is checked before it is used.
 *
 * Return: NULL, or a description of what is wrong.
 */
KHO_FN const char *kho_fdt_read(const void *fdt, __u32 len,
				struct kho_fdt *out)
{
	const char *base = fdt, *p, *end, *strings, *strings_end, *why;
	__u32 total, structs, structs_size, strs, strs_size;
	unsigned int depth = 0, n;
	int closed = 0;		/* a node has just ended */

	out->abi = 0;
	out->root = 0;
	out->nr = 0;
	out->has = 0;

	if (len < KHO_FDT_HEADER || kho_fdt_get32(base) != KHO_FDT_MAGIC)
		return "FDT magic is wrong";
	total = kho_fdt_get32(base + 4);
	structs = kho_fdt_get32(base + 8);
	strs = kho_fdt_get32(base + 12);
	strs_size = kho_fdt_get32(base + 32);
	structs_size = kho_fdt_get32(base + 36);
	if (total > len)
		return "FDT is longer than its page";
	if (kho_fdt_get32(base + 20) < KHO_FDT_VERSION ||
	    kho_fdt_get32(base + 24) > KHO_FDT_VERSION)
		return "FDT version is not 17";
	if (structs % 4 || structs > total || structs_size > total - structs ||
	    strs > total || strs_size > total - strs)
		return "FDT blocks are outside the FDT";

	p = base + structs;
	end = p + structs_size;
	strings = base + strs;
	strings_end = strings + strs_size;

	for (;;) {
		__u32 tag, plen, name;

		if (end - p < 4)
			return "FDT structure has no end";
		tag = kho_fdt_get32(p);
		p += 4;

		switch (tag) {
		case KHO_FDT_BEGIN_NODE:
			n = kho_fdt_strsize(p, end);
			if (!n)
				return "FDT node name has no end";
			if (!depth && (n != 1 || (out->has & 4)))
				return "FDT has no single root node";
			out->has |= 4;
			closed = 0;
			if (++depth == 2) {
				if (out->nr == KHO_FDT_MAX_CHILDREN)
					return "FDT has too many nodes";
				if (n == 1 || n > KHO_FDT_NAME_SIZE)
					return "FDT node name is empty or too long";
				kho_fdt_copy(out->child[out->nr].name, p, n);
				out->child[out->nr].addr = 0;
				out->child[out->nr].size = 0;
				out->child[out->nr].has = 0;
				out->nr++;
			}
			if ((__u64)(end - p) < ((n + 3ULL) & ~3ULL))
				return "FDT structure has no end";
			p += (n + 3) & ~3U;
			break;
		case KHO_FDT_PROP:
			if (!depth || end - p < 8)
				return "FDT property is outside a node";
			/* libfdt does not see such properties. */
			if (closed)
				return "FDT property follows a node";
			plen = kho_fdt_get32(p);
			name = kho_fdt_get32(p + 4);
			p += 8;
			if ((__u64)(end - p) < ((plen + 3ULL) & ~3ULL))
				return "FDT property is longer than the FDT";
			if (name >= strs_size ||
			    !kho_fdt_strsize(strings + name, strings_end))
				return "FDT property name is outside the FDT";
			why = kho_fdt_prop(out, depth, strings + name, p, plen);
			if (why)
				return why;
			p += (plen + 3) & ~3U;
			break;
		case KHO_FDT_END_NODE:
			if (!depth)
				return "FDT node ends that did not begin";
			depth--;
			closed = 1;
			break;
		case KHO_FDT_NOP:
			break;
		case KHO_FDT_END:
			if (depth || !(out->has & 4))
				return "FDT ends inside a node";
			if (!(out->has & 1))
				return "FDT has no compatible string";
			if (!(out->has & 2) || !out->root)
				return "FDT has no preserved-memory-map";
			return KHO_NULL;
		default:
			return "FDT has an unknown tag";
		}
	}
}

/* The position of kho_fdt_write(); @p is NULL once the buffer was too small. */
struct kho_fdt_pen {
	char *p;
	char *end;
};

KHO_FN void kho_fdt_emit(struct kho_fdt_pen *pen, const void *data,
			 unsigned int n)
{
	unsigned int padded = (n + 3) & ~3U;

	if (!pen->p || pen->end - pen->p < (long)padded) {
		pen->p = KHO_NULL;
		return;
	}
	kho_fdt_copy(pen->p, data, n);
	for (; n < padded; n++)
		pen->p[n] = 0;
	pen->p += padded;
}

KHO_FN void kho_fdt_emit32(struct kho_fdt_pen *pen, __u32 v)
{
	__u8 b[4];

	kho_fdt_put32(b, v);
	kho_fdt_emit(pen, b, sizeof(b));
}

KHO_FN void kho_fdt_emit_prop(struct kho_fdt_pen *pen, __u32 name,
			      const void *data, unsigned int n)
{
	kho_fdt_emit32(pen, KHO_FDT_PROP);
	kho_fdt_emit32(pen, n);
	kho_fdt_emit32(pen, name);
	kho_fdt_emit(pen, data, n);
}

/**
 * kho_fdt_write() - write a root FDT
 * @buf: the buffer; the rest of it is zeroed
 * @len: size of @buf in bytes
 * @in: what to write
 *
 * Return: length of the FDT in bytes, 0 if @len is too small.
 */
KHO_FN __u32 kho_fdt_write(void *buf, __u32 len, const struct kho_fdt *in)
{
	/* The strings block; the offsets below are relative to it. */
	static const char strings[] = KHO_PROP_COMPATIBLE "\0"
		KHO_PROP_MEMORY_MAP "\0" KHO_PROP_DATA "\0" KHO_PROP_BLOB_SIZE;
	const __u32 map_name = sizeof(KHO_PROP_COMPATIBLE);
	const __u32 data_name = map_name + sizeof(KHO_PROP_MEMORY_MAP);
	const __u32 size_name = data_name + sizeof(KHO_PROP_DATA);
	const __u32 structs = KHO_FDT_HEADER + 16;	/* empty reserve map */
	const char *compatible = in->abi == KHO_ABI_V3 ? KHO_COMPATIBLE_V3 :
							 KHO_COMPATIBLE_V4;
	struct kho_fdt_pen pen = { .p = buf, .end = (char *)buf + len };
	char *base = buf;
	__u32 strs, total;
	unsigned int i;

	if (len < structs)
		return 0;
	for (i = 0; i < len; i++)
		base[i] = 0;
	pen.p = base + structs;

	kho_fdt_emit32(&pen, KHO_FDT_BEGIN_NODE);
	kho_fdt_emit(&pen, "", 1);
	kho_fdt_emit_prop(&pen, 0, compatible, sizeof(KHO_COMPATIBLE_V4));
	kho_fdt_emit_prop(&pen, map_name, &in->root, sizeof(in->root));
	for (i = 0; i < in->nr; i++) {
		const struct kho_fdt_child *c = &in->child[i];

		kho_fdt_emit32(&pen, KHO_FDT_BEGIN_NODE);
		kho_fdt_emit(&pen, c->name,
			     kho_fdt_strsize(c->name, c->name + sizeof(c->name)));
		if (c->has & 1)
			kho_fdt_emit_prop(&pen, data_name, &c->addr,
					  sizeof(c->addr));
		if (c->has & 2)
			kho_fdt_emit_prop(&pen, size_name, &c->size,
					  sizeof(c->size));
		kho_fdt_emit32(&pen, KHO_FDT_END_NODE);
	}
	kho_fdt_emit32(&pen, KHO_FDT_END_NODE);
	kho_fdt_emit32(&pen, KHO_FDT_END);
	if (!pen.p)
		return 0;

	strs = pen.p - base;
	kho_fdt_emit(&pen, strings, sizeof(strings));
	if (!pen.p)
		return 0;
	total = pen.p - base;

	kho_fdt_put32(base, KHO_FDT_MAGIC);
	kho_fdt_put32(base + 4, total);
	kho_fdt_put32(base + 8, structs);
	kho_fdt_put32(base + 12, strs);
	kho_fdt_put32(base + 16, KHO_FDT_HEADER);
	kho_fdt_put32(base + 20, KHO_FDT_VERSION);
	kho_fdt_put32(base + 24, 16);
	kho_fdt_put32(base + 32, sizeof(strings));
	kho_fdt_put32(base + 36, strs - structs);
	return total;
}

#endif /* KHO_FDT_H */
