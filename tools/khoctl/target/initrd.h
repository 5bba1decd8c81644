/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looking into an initrd: what the kernel will make of it.
 */
#ifndef KHOCTL_INITRD_H
#define KHOCTL_INITRD_H

#include <stdbool.h>

#include <linux/types.h>

/**
 * struct initrd - an initial RAM disk, and what is known about it
 */
struct initrd {
	/* Input */
	const char *path;
	/** @release: that of the kernel which gets it, or "": unknown. */
	const char *release;
	/** @init: what the kernel runs from it, or NULL: /init. */
	const char *init;
	/** @limit: RAM of the machine in bytes, or 0: unknown. */
	__u64 limit;

	/* Output */
	__u64 size;
	/** @early: bytes before the first archive that is compressed. */
	__u64 early;
	/** @unpacked: RAM that its files take; an estimate unless @known. */
	__u64 unpacked;
	__u64 files;
	/** @known: all of it has been looked at. */
	bool known;
	/** @format: such as "cpio and zstd", or "". */
	char format[32];
	/** @refused: why the kernel can't unpack it, or NULL. */
	char *refused;
	/** @doubt: why it can't be told what is in it, or in its end; or NULL. */
	char *doubt;
	/** @package: the Debian package that would help, or NULL. */
	const char *package;

	/** @has_init: it has a program @init. */
	bool has_init;
	/** @has_seal: it has kho-seal. */
	bool has_seal;
	/** @finds_root: it was made by a program whose initrds look for the root file system. */
	bool finds_root;
	/** @has_modules: it has modules for @release. */
	bool has_modules;
	/** @module: path of kho.ko for @release in it, or NULL. */
	char *module;
	/** @other: another release that it has modules for, or NULL. */
	char *other;
};

/* Bytes that an initrd of @bytes unpacks to, if that is not known */
#define INITRD_FACTOR	4

/* Looks at the file.  What it can't find out, it says in @i->refused and @i->doubt. */
void initrd_look(struct initrd *i);
void initrd_free(struct initrd *i);

#endif /* KHOCTL_INITRD_H */
