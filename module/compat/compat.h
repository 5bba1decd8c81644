/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that checks the kernel version.  The rest is written for the
 * newest kernel; this file makes older ones look like it.  Each entry names the
 * upstream commit that made the difference, and tests for the feature itself
 * wherever the preprocessor can see it.
 */
#ifndef KHO_COMPAT_H
#define KHO_COMPAT_H

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/path.h>
#include <linux/version.h>

#include <uapi/linux/kexec.h>

#include "charge.h"
#include "folio.h"
#include "locks.h"
#include "map.h"
#include "user.h"

/* include/kho/abi.h needs to know what the kernel defines of setup_data nodes. */
#ifdef CONFIG_X86
#include <asm/bootparam.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "kho needs Linux 5.10 or later"
#endif

/*
 * f5d0e5e9d72d ("selinux: remove the SELinux lockdown implementation", 5.16).  Before that,
 * whether something is forbidden depends on who asks.
 */
#define KHO_LOCKDOWN_BY_TASK	(LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0))

/*
 * 5e0a760b4441 ("mm, treewide: rename MAX_ORDER to MAX_PAGE_ORDER", 6.8) after
 * 23baf831a32c ("mm, treewide: redefine MAX_ORDER sanely", 6.4), which made
 * the bound inclusive: 6.4 to 6.7 have the old name with the new meaning, and
 * only the version tells them apart from earlier kernels.
 */
#ifndef MAX_PAGE_ORDER
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#else
#define MAX_PAGE_ORDER MAX_ORDER
#endif
#endif

/*
 * d1554fb63020 ("mm/page_isolation: remove migratetype parameter from more
 * functions", 6.17): alloc_contig_range() takes flags instead of a migratetype.
 * Both are integers, so the compiler does not warn: MIGRATE_MOVABLE would now
 * mean ACR_FLAGS_CMA.
 */
#ifndef ACR_FLAGS_NONE
#define ACR_FLAGS_NONE MIGRATE_MOVABLE
#endif

/*
 * 76cbbead253d ("mm: move the migrate_vma_* device migration code into its own file",
 * 5.18) gave its option a name: before that, CONFIG_DEVICE_PRIVATE decided.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0) && defined(CONFIG_DEVICE_PRIVATE)
#define CONFIG_DEVICE_MIGRATION 1
#endif

/*
 * ab09243aa95a ("mm/migrate.c: remove MIGRATE_PFN_LOCKED", 5.16): before that, whoever
 * migrates pages says that the new one is locked.
 */
#ifdef MIGRATE_PFN_LOCKED
#define kho_migrate_pfn(pfn)	(migrate_pfn(pfn) | MIGRATE_PFN_LOCKED)
#else
#define kho_migrate_pfn		migrate_pfn
#endif

/*
 * 1507f51255c9 ("mm: introduce memfd_secret system call to create "secret" memory areas",
 * 5.14).
 */
#ifndef SECRETMEM_MAGIC
#define SECRETMEM_MAGIC	0x5345434d
#endif

/* ffb37ca3bd16 ("switch file_open_root() to struct path", 5.14). */
static inline struct file *kho_open_root(const struct path *root, const char *name, int flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
	return file_open_root(root->dentry, root->mnt, name, flags, 0);
#else
	return file_open_root(root, name, flags, 0);
#endif
}

/*
 * 05c5323b2a34 ("mm: track mapcount of large folios in single value", 6.10): before
 * that, the mapcount of a large folio was the sum over all its pages, and the function
 * that computes it was not exported.  Until cb67f4282bf9 ("mm,thp,rmap: simplify
 * compound page mapcount handling", 6.2) each page of a file folio also counted the
 * mappings of the folio as a whole.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
static inline int kho_folio_mapcount(struct folio *folio)
{
	long i, nr_pages = folio_nr_pages(folio);
	int whole, sum;

	if (nr_pages == 1)
		return atomic_read(&folio->_mapcount) + 1;
	whole = folio_entire_mapcount(folio);
	sum = whole;
	for (i = 0; i < nr_pages; i++)
		sum += atomic_read(&folio_page(folio, i)->_mapcount) + 1;
	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0) && !folio_test_anon(folio))
		sum -= whole * nr_pages;
	return sum;
}
#else
#define kho_folio_mapcount folio_mapcount
#endif

/*
 * 07d24902977e ("kexec: enable CMA based contiguous allocation", 6.17): kexec_file_load()
 * takes memory wherever CMA has some, unless it is told not to.
 */
#ifdef KEXEC_FILE_NO_CMA
#define kho_kexec_no_cma(image) ((image)->no_cma = 1)
#else
#define kho_kexec_no_cma(image) ((void)(image))
#endif

#endif /* KHO_COMPAT_H */
