/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of processes: faulting it in, and pinning it.
 */
#ifndef KHO_COMPAT_USER_H
#define KHO_COMPAT_USER_H

#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uio.h>
#include <linux/version.h>

/*
 * 4c630f307455 ("mm/gup: remove vmas parameter from pin_user_pages()", 6.5).
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define __kho_pin_user_pages(start, nr_pages, gup_flags, pages) \
	pin_user_pages(start, nr_pages, gup_flags, pages, NULL)
#else
#define __kho_pin_user_pages pin_user_pages
#endif

/*
 * 55b8fe703bc5 ("gup: Introduce FOLL_NOFAULT flag to disable page faults", 5.16), and with
 * it what fault_in_readable() below is about: 5.15.37 and others have taken both back, as
 * one series.  Since 6.3 the flag is no macro.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0) && !defined(FOLL_NOFAULT)
#define KHO_OLD_FAULT_IN	1
#else
#define KHO_OLD_FAULT_IN	0
#endif

/*
 * Before FOLL_NOFAULT there is a flag that does not wait for what a fault has started:
 * neither for the disk (except for tmpfs in swap) nor for a handler of userfaultfd.
 * Nothing is pinned then.
 */
#if KHO_OLD_FAULT_IN
static inline long kho_pin_present(unsigned long start, unsigned long nr_pages,
				   unsigned int gup_flags, struct page **pages)
{
	return __kho_pin_user_pages(start, nr_pages, gup_flags | FOLL_NOWAIT, pages) ?: -EFAULT;
}
#else
#define kho_pin_present(start, nr_pages, gup_flags, pages) \
	__kho_pin_user_pages(start, nr_pages, (gup_flags) | FOLL_NOFAULT, pages)
#endif

/*
 * 6c287605fd56 ("mm: remember exclusively mapped anonymous pages with PG_anon_exclusive",
 * 5.19): a pinned page of private memory is never copied on write by the one who pinned it.
 * Before that it is, once it was made read-only, and the object keeps the old page.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 19, 0)
#define KHO_PRIVATE_STAYS	0
#else
#define KHO_PRIVATE_STAYS	1
#endif

/* 458a4f788f86 ("mm/gup: add a range variant of unpin_user_pages_dirty_lock()", 5.13). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 13, 0)
static inline void unpin_user_page_range_dirty_lock(struct page *page, unsigned long nr_pages,
						    bool make_dirty)
{
	struct page *pages[32];
	unsigned long i, n;

	for (; nr_pages; nr_pages -= n) {
		n = min_t(unsigned long, nr_pages, ARRAY_SIZE(pages));
		for (i = 0; i < n; i++)
			pages[i] = page++;
		unpin_user_pages_dirty_lock(pages, n, make_dirty);
	}
}
#endif

/*
 * bb523b406c84 ("gup: Turn fault_in_pages_{readable,writeable} into
 * fault_in_{readable,writeable}", 5.16), a6294593e8a1 ("iov_iter: Turn
 * iov_iter_fault_in_readable into fault_in_iov_iter_readable") and cdd591fc86e3
 * ("iov_iter: Introduce fault_in_iov_iter_writeable") with it: the functions return how
 * many bytes are not there.  Before that those for writing zero a byte of each page.  As
 * the caller may write less than it asks for, only the next byte is faulted in here, which
 * it writes in any case.
 */
#if KHO_OLD_FAULT_IN
static inline size_t fault_in_readable(const char __user *addr, size_t size)
{
	size_t done, n;

	for (done = 0; done < size; done += n) {
		n = min_t(size_t, size - done, PAGE_SIZE - offset_in_page(addr + done));
		if (fault_in_pages_readable(addr + done, n))
			break;
	}
	return size - done;
}

/* The user's memory that is next; false if it is none of a user. */
static inline bool kho_next_segment(const struct iov_iter *iter, struct iovec *segment)
{
	const struct iovec *iov = iter->iov;
	size_t skip = iter->iov_offset;
	unsigned long nr;

	if (!iter_is_iovec(iter))
		return false;
	for (nr = iter->nr_segs; nr; nr--, iov++, skip = 0) {
		if (iov->iov_len <= skip)
			continue;
		segment->iov_base = iov->iov_base + skip;
		segment->iov_len = iov->iov_len - skip;
		return true;
	}
	return false;
}

static inline size_t fault_in_iov_iter_readable(const struct iov_iter *iter, size_t size)
{
	struct iovec next;

	if (!kho_next_segment(iter, &next))
		return 0;
	next.iov_len = min(next.iov_len, size);
	return size - next.iov_len + fault_in_readable(next.iov_base, next.iov_len);
}

static inline size_t fault_in_iov_iter_writeable(const struct iov_iter *iter, size_t size)
{
	struct iovec next;

	if (!kho_next_segment(iter, &next))
		return 0;
	return fault_in_pages_writeable(next.iov_base, 1) ? size : size - 1;
}
#endif

/*
 * f3ba3c710ac5 ("mm/highmem: Provide kmap_local*", 5.11): we map pages of machines that
 * have no high memory.
 */
#ifndef CONFIG_HIGHMEM
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define kmap_local_page(page)	page_address(page)
#define kunmap_local(addr)	((void)(addr))
#endif
#endif

/* 28961998f858 ("iov_iter: lift memzero_page() to highmem.h", 5.13). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 13, 0)
static inline void memzero_page(struct page *page, size_t offset, size_t len)
{
	void *addr = kmap_local_page(page);

	memset(addr + offset, 0, len);
	flush_dcache_page(page);
	kunmap_local(addr);
}
#endif

#endif /* KHO_COMPAT_USER_H */
