/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What QEMU starts as a multiboot kernel: goes on to the Linux kernel that
 * mkblob.c has put into RAM, by the 32-bit boot protocol, as kexec would.
 */
#include "layout.h"

#define MULTIBOOT_MAGIC	0x1badb002

	.section .text.start, "ax"
	.code32
	.balign	4
	.long	MULTIBOOT_MAGIC
	.long	0
	.long	-MULTIBOOT_MAGIC

	.globl	_start
_start:
	cli
	cld
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	movl	$PARAMS_ADDR, %esi
	movl	$KERNEL_ADDR, %eax
	jmp	*%eax

	.section .note.GNU-stack, "", @progbits
