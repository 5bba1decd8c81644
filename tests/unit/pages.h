/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page allocator for kernel code that runs in userspace.
 *
 * Nothing is mapped at the pages' physical addresses, so code that uses one as a
 * pointer crashes; phys_to_virt() and virt_to_phys() abort on anything that is
 * not an allocated page.  Freed pages are filled with a pattern, which is checked
 * before they are allocated again, and are unreadable under AddressSanitizer.
 * They are reused as late as possible.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES_NR	4096UL
#define PAGES_BASE	0x12300000000UL	/* physical address of the first */

unsigned long pages_get(void);
void pages_put(unsigned long addr);
/* The same, by the module's names */
unsigned long kho_node_page(void);
void kho_node_page_free(unsigned long addr);

void *pages_virt(uint64_t phys);
uint64_t pages_phys(const void *virt);
/* Up to 32 bytes that belong to the page at @virt, and the page of such bytes. */
void *pages_extra(const void *virt, size_t bytes);
void *pages_of_extra(const void *extra);
/* Is there an allocated page at @phys? */
bool pages_has(uint64_t phys);

/* Pages that are allocated now. */
unsigned long pages_live(void);
/* Allocations so far, including those that failed. */
unsigned long pages_asked(void);
/* Makes the @nth allocation from now on fail, 1 being the next; 0: none. */
void pages_fail(unsigned long nth);
/* Called before each allocation, and after a page was freed; or NULL. */
extern void (*pages_hook)(void);

/* A copy of all allocated pages. */
struct pages_copy;
struct pages_copy *pages_copy(void);
bool pages_same(const struct pages_copy *copy);
void pages_copy_free(struct pages_copy *copy);

#endif /* PAGES_H */
