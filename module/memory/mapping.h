/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How files of memory are mapped: for this folder only.
 */
#ifndef KHO_MAPPING_H
#define KHO_MAPPING_H

struct file;
struct vm_area_struct;

int kho_mem_mmap(struct file *file, struct vm_area_struct *vma);
int kho_pfnmap_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* KHO_MAPPING_H */
