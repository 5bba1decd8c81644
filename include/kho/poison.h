/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Preserved pages with hardware memory errors: how the module tells the next kernel
 * not to read them.
 *
 * This format is ours, not mainline's.  The root FDT refers to it by the child
 * "kho-poison", whose preserved-data is the address of a struct kho_poison.  From
 * there, a chain of pages holds the page numbers.  The child exists only if there
 * are such pages.
 *
 * All pages that contain the list are order-0 keys of the tree.  The pages that the
 * list names are keys as well, or parts of larger ones, whoever they belong to.
 * All reserved fields are 0.
 *
 * A reader that does not know the child's name keeps the child's data and ignores
 * it, as with any other child.  So does a reader that finds another compatible
 * string.
 */
#ifndef KHO_POISON_H
#define KHO_POISON_H

#include "abi.h"

#ifndef KHO_FN
#define KHO_FN static inline
#endif

#define KHO_POISON_NODE		"kho-poison"
#define KHO_POISON_COMPATIBLE	"kho-poison-v1"

struct kho_poison {
	__u8 compatible[16];		/* KHO_POISON_COMPATIBLE, NUL-padded */
	__u32 page_shift;
	__u32 reserved0;
	__u64 nr;			/* page numbers in the whole list */
	__u64 first;			/* first page of the list, or 0 */
	__u64 reserved[3];
};

struct kho_poison_page {
	__u64 next;			/* next page of the list, or 0 */
	__u64 nr;			/* page numbers in this page, at least 1 */
	__u64 pfn[];			/* address >> page_shift, in any order */
};

#define KHO_POISON_PER_PAGE(shift) \
	((((__u64)1 << (shift)) - sizeof(struct kho_poison_page)) / sizeof(__u64))

KHO_ABI_SIZE(struct kho_poison, 64);
KHO_ABI_OFFSET(struct kho_poison, compatible, 0);
KHO_ABI_OFFSET(struct kho_poison, page_shift, 16);
KHO_ABI_OFFSET(struct kho_poison, reserved0, 20);
KHO_ABI_OFFSET(struct kho_poison, nr, 24);
KHO_ABI_OFFSET(struct kho_poison, first, 32);
KHO_ABI_OFFSET(struct kho_poison, reserved, 40);

KHO_ABI_SIZE(struct kho_poison_page, 16);
KHO_ABI_OFFSET(struct kho_poison_page, next, 0);
KHO_ABI_OFFSET(struct kho_poison_page, nr, 8);
KHO_ABI_OFFSET(struct kho_poison_page, pfn, 16);

/**
 * kho_poison_known() - is this list in the format described here?
 * @list: the data that the child points to
 *
 * Return: 1, or 0 if it is in another format, which the reader must ignore.
 */
KHO_FN int kho_poison_known(const struct kho_poison *list)
{
	unsigned int i;

	for (i = 0; i < sizeof(list->compatible); i++)
		if (list->compatible[i] != (i < sizeof(KHO_POISON_COMPATIBLE) ?
					    KHO_POISON_COMPATIBLE[i] : 0))
			return 0;
	return 1;
}

/**
 * kho_poison_check() - check the head of a list
 * @list: the data that the child points to; kho_poison_known() returned 1
 * @shift: page shift
 *
 * Return: NULL, or a description of what is wrong.
 */
KHO_FN const char *kho_poison_check(const struct kho_poison *list,
				    unsigned int shift)
{
	if (list->page_shift != shift)
		return "its page size is another one";
	if (list->reserved0 || list->reserved[0] || list->reserved[1] ||
	    list->reserved[2])
		return "a reserved field is not 0";
	return KHO_NULL;
}

/**
 * kho_poison_check_page() - check a page of a list
 * @page: the page
 * @shift: page shift
 * @left: page numbers left in the list, not counting earlier pages
 *
 * Return: NULL, or a description of what is wrong.
 */
KHO_FN const char *kho_poison_check_page(const struct kho_poison_page *page,
					 unsigned int shift, __u64 left)
{
	if (!page->nr || page->nr > KHO_POISON_PER_PAGE(shift))
		return "a page of it has another number of entries than it can";
	if (page->nr > left)
		return "it has more entries than its head says";
	return KHO_NULL;
}

#endif /* KHO_POISON_H */
