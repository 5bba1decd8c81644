/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels that hand memory over to each other agree on, for kernel code:
 * mainline's names (7.1 on) for the parts that a client of the API needs.
 *
 * A kernel that has KHO has a header of this name as well, and it is found
 * first.  The bytes are the same: a list made here can be restored there.  They
 * are those of struct kho_vmalloc in kho/abi.h, which has no pointers.
 */
#ifndef LINUX_KHO_ABI_KEXEC_HANDOVER_H
#define LINUX_KHO_ABI_KEXEC_HANDOVER_H

#include <linux/build_bug.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/types.h>

/**
 * DECLARE_KHOSER_PTR() - a pointer that another kernel will read
 * @name: of the member
 * @type: what KHOSER_LOAD_PTR() returns
 */
#define DECLARE_KHOSER_PTR(name, type)					\
	union {								\
		u64 phys;						\
		type ptr;						\
	} name

/**
 * KHOSER_STORE_PTR() - let such a pointer lead somewhere
 * @dest: the member
 * @val: an address in the direct map, of its type
 */
#define KHOSER_STORE_PTR(dest, val) ({					\
	typeof((dest).ptr) khoser_ptr = (val);				\
									\
	(dest).phys = virt_to_phys(khoser_ptr);				\
})

/**
 * KHOSER_LOAD_PTR() - where does such a pointer lead?
 * @src: the member
 *
 * Return: an address in the direct map, or NULL.  If another kernel wrote it,
 * it may be anything.
 */
#define KHOSER_LOAD_PTR(src) ({						\
	u64 khoser_phys = (src).phys;					\
									\
	khoser_phys ? (typeof((src).ptr))phys_to_virt(khoser_phys) : NULL; \
})

/* What a page of addresses begins with: the next of these pages, or 0. */
struct kho_vmalloc_hdr {
	DECLARE_KHOSER_PTR(next, struct kho_vmalloc_chunk *);
};

/* Addresses in such a page. */
#define KHO_VMALLOC_SIZE						\
	((PAGE_SIZE - sizeof(struct kho_vmalloc_hdr)) / sizeof(u64))

/* A page of addresses, up to the first 0 or the end of the page. */
struct kho_vmalloc_chunk {
	struct kho_vmalloc_hdr hdr;
	u64 phys[KHO_VMALLOC_SIZE];
};

/* A vmalloc area that is preserved. */
struct kho_vmalloc {
	DECLARE_KHOSER_PTR(first, struct kho_vmalloc_chunk *);
	/* Base pages. */
	unsigned int total_pages;
	/* 1: from vmalloc(), 2: it may have had huge pages. */
	unsigned short flags;
	/* log2 of the base pages that each address stands for. */
	unsigned short order;
};

static_assert(sizeof(struct kho_vmalloc_chunk) == PAGE_SIZE);
static_assert(offsetof(struct kho_vmalloc_chunk, phys) == 8);
static_assert(sizeof(struct kho_vmalloc) == 16);
static_assert(offsetof(struct kho_vmalloc, total_pages) == 8);
static_assert(offsetof(struct kho_vmalloc, flags) == 12);
static_assert(offsetof(struct kho_vmalloc, order) == 14);

#endif /* LINUX_KHO_ABI_KEXEC_HANDOVER_H */
