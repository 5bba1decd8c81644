/* SPDX-License-Identifier: GPL-2.0 */
/* Where mkblob.c puts things in the guest's RAM, and jump.S finds them. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define RAM_SIZE	0x20000000	/* 512 MiB */
#define RAM_END		0x1ff00000	/* above: the firmware's ACPI tables */
#define HOLE		0x1a000000	/* 1 MiB that e820 does not list */
#define HOLE_SIZE	0x00100000

#define FDT_ADDR	0x08000000
#define SETUP_ADDR	0x08001000	/* setup_data node and scratch array */
#define SETUP2_ADDR	0x08002000	/* a second node */
#define NODES_ADDR	0x08010000
#define NODES_END	0x0a000000

#define SCRATCH		0x10000000
#define KERNEL_ADDR	0x10000000	/* all of this lies in scratch, */
#ifndef LAYOUT_LARGE
#define SCRATCH_SIZE	0x04000000
#define INITRD_ADDR	0x13000000	/* as kexec's segments do */
#define PARAMS_ADDR	0x13f00000
#define CMDLINE_ADDR	0x13f01000
#else					/* for the kernels of a distribution */
#define SCRATCH_SIZE	0x08000000
#define INITRD_ADDR	0x16000000
#define PARAMS_ADDR	0x17f00000
#define CMDLINE_ADDR	0x17f01000
#endif
#define ARRAY_ADDR	0x13f10008	/* where mainline keeps the array */

#endif
