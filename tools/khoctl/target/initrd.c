// SPDX-License-Identifier: GPL-2.0
/*
 * Looking into an initrd.
 *
 * The kernel unpacks any number of cpio archives after each other, with zeros between them,
 * each compressed or not.  Archives that are compressed are unpacked by the usual programs,
 * through a pipe: nothing of it is kept but what struct initrd says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/signals.h"
#include "base/text.h"
#include "target/cpio.h"
#include "target/initrd.h"
#include "target/payload.h"

#define PIECE		MIB
/* Contents are whole pages; inode and name take less than this. */
#define PAGE		4096ULL
#define ENTRY_BYTES	1024
/* If the machine's RAM is unknown */
#define LIMIT_DEFAULT	(64ULL << 30)

/* The file, while it is walked through */
struct walk {
	struct initrd *i;
	struct cpio cpio;
	int fd;
	unsigned char *buf;	/* of PIECE bytes */
	size_t len;		/* of what is in it */
	__u64 at;		/* offset in the file */
	const char *packed;	/* format of what is being unpacked */
};

static void PRINTF(2, 3) refuse(struct initrd *i, const char *fmt, ...)
{
	va_list args;

	if (i->refused)
		return;
	va_start(args, fmt);
	i->refused = xvasprintf(fmt, args);
	va_end(args);
}

/* ---- What is in it ---- */

static const char *after(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) ? NULL : name + len;
}

/* Is it kho.ko, or kho.ko.xz and so on? */
static bool is_module(const char *name, const char *module)
{
	const char *rest = after(name, module);

	return rest && (!*rest || *rest == '.');
}

/* @name: below lib/modules */
static void look_at_module(struct initrd *i, const char *name)
{
	const char *slash = strchr(name, '/');
	const char *base = strrchr(name, '/');
	size_t len = slash ? slash - name : 0;

	if (!len || !strstr(base, ".ko"))
		return;
	if (!i->release[0] || (len == strlen(i->release) &&
			       !memcmp(name, i->release, len))) {
		i->has_modules = true;
		if (!i->module && is_module(base + 1, "kho.ko"))
			i->module = printable(name, strlen(name));
	} else if (!i->other) {
		i->other = printable(name, len);
	}
}

/* Files of initramfs-tools, dracut, systemd, mkinitcpio */
static bool is_of_maker(const char *name)
{
	static const char * const files[] = {
		"scripts/init-bottom", "lib/dracut", "etc/initrd-release",
		"lib/initrd-release", "init_functions",
	};
	size_t n;

	for (n = 0; n < ARRAY_SIZE(files); n++) {
		const char *rest = after(name, files[n]);

		if (rest && (!*rest || *rest == '/'))
			return true;
	}
	return false;
}

static void look_at(const struct cpio_entry *entry, void *ctx)
{
	const char *name = entry->name, *rest;
	struct initrd *i = ctx;
	bool program = S_ISREG(entry->mode) && entry->mode & 0111;

	i->files++;
	i->unpacked += ENTRY_BYTES;
	if (S_ISREG(entry->mode))
		i->unpacked += (entry->size + PAGE - 1) & -PAGE;
	if ((program || S_ISLNK(entry->mode)) && !strcmp(name, i->init))
		i->has_init = true;

	rest = after(name, "usr/");
	name = rest ? rest : name;
	rest = after(name, "lib/modules/");
	if (rest && S_ISREG(entry->mode))
		look_at_module(i, rest);
	if (program && (!strcmp(name, "sbin/kho-seal") ||
			!strcmp(name, "bin/kho-seal") ||
			!strcmp(name, "local/sbin/kho-seal")))
		i->has_seal = true;
	i->finds_root |= is_of_maker(name);
}

static bool too_large(struct initrd *i)
{
	if (i->unpacked <= i->limit)
		return false;
	refuse(i, "unpacks to more than %s, which is all RAM of the machine",
	       size_str(i->limit));
	return true;
}

static void add_format(struct initrd *i, const char *name)
{
	size_t len = strlen(i->format);

	if (!strstr(i->format, name))
		snprintf(i->format + len, sizeof(i->format) - len, "%s%s",
			 len ? " and " : "", name);
}

/* ---- Walking through the file ---- */

/* Reads a piece from w->at on.  Return: its length, or -1: it can't be read */
static ssize_t read_piece(struct walk *w)
{
	ssize_t n;

	do {
		n = pread(w->fd, w->buf, PIECE, w->at);
	} while (n < 0 && errno == EINTR && !caught_signal());
	w->len = n > 0 ? n : 0;
	if (n < 0)
		refuse(w->i, "cannot read: %s", strerror(errno));
	else if (!n && w->at < w->i->size)
		refuse(w->i, "cannot read: it has shrunk meanwhile");
	return n;
}

static void walk_plain(struct walk *w)
{
	struct initrd *i = w->i;
	struct cpio *c = &w->cpio;
	size_t n;

	add_format(i, "cpio");
	cpio_begin(c, w->at);
	while (w->at < i->size && !i->refused) {
		if (c->skip) {
			__u64 skip = i->size - w->at;

			skip = c->skip < skip ? c->skip : skip;
			cpio_skipped(c, skip);
			w->at += skip;
			continue;
		}
		if (read_piece(w) <= 0)
			return;
		n = cpio_feed(c, w->buf, w->len);
		w->at += n;
		if (c->why[0])
			refuse(i, "is damaged: there is %s", c->why);
		if (too_large(i) || n < w->len)
			return;
	}
	if (!i->refused && !cpio_complete(c))
		refuse(i, "is truncated: it ends in the midst of its cpio archive");
}

/* Takes what the program writes. */
static bool take_output(void *data, const unsigned char *bytes, size_t nr)
{
	struct walk *w = data;
	struct initrd *i = w->i;
	struct cpio *c = &w->cpio;
	size_t took = cpio_feed(c, bytes, nr);

	if (c->why[0])
		refuse(i, "is damaged: in its %s data, there is %s", w->packed, c->why);
	else if (took < nr)
		refuse(i, "is no initramfs: its %s data is no cpio archive at offset %llu",
		       w->packed, c->offset);
	return !i->refused && !too_large(i);
}

/*
 * Finds the next archive that is not compressed.  Where the one before it ends is only
 * known to the program that unpacked it.
 */
static bool find_next(struct walk *w)
{
	static const char magic[] = "0707";
	struct cpio c = { .entry = NULL };

	while (w->at < w->i->size && read_piece(w) > 0) {
		unsigned char *p = w->buf, *end = w->buf + w->len;

		for (; (p = memmem(p, end - p, magic, 4)); p++) {
			__u64 at = w->at + (p - w->buf);

			if (at & 3)
				continue;
			cpio_begin(&c, at);
			cpio_feed(&c, p, end - p);
			/* At the end of the piece, it is seen with the next one. */
			if (c.why[0] || c.offset < at + CPIO_HEAD + 1)
				continue;
			w->at = at;
			return true;
		}
		if (w->len < PIECE)
			break;
		w->at += PIECE - CPIO_NAME_MAX;
	}
	return false;
}

static void walk_packed(struct walk *w)
{
	struct packed in = {
		.fd = w->fd, .at = w->at, .len = w->i->size - w->at, .limit = UINT64_MAX,
	};
	__u64 before = w->i->files, start = w->at;
	struct initrd *i = w->i;
	enum payload_result result;
	struct payload how;

	w->packed = payload_format(w->buf, w->len);
	add_format(i, w->packed);
	cpio_begin(&w->cpio, 0);
	result = payload_unpack(&in, take_output, w, &how);
	if (result == PAYLOAD_STOPPED)
		return;
	w->at = i->size;
	if (result == PAYLOAD_OK && cpio_complete(&w->cpio))
		return;
	if (result == PAYLOAD_OK) {
		refuse(i, "is truncated: its %s data ends in the midst of a cpio archive",
		       how.format);
		return;
	}
	if (i->files > before && cpio_complete(&w->cpio)) {
		/* The program can't take what follows it, but the kernel may. */
		w->at = start + 4;
		if (!find_next(w))
			w->at = i->size;
		if (w->at == i->size && result == PAYLOAD_DAMAGED && !i->doubt)
			i->doubt = xasprintf("what follows its files can't be told: %s",
					     how.why);
		return;
	}
	if (result == PAYLOAD_DAMAGED) {
		refuse(i, "is damaged: it has %s", how.why);
	} else if (!i->doubt) {
		i->doubt = xasprintf("what is in it can't be told: %s", how.why);
		i->package = how.package;
		i->known = false;
		i->unpacked += INITRD_FACTOR * (i->size - start);
	}
}

static void walk(struct walk *w)
{
	struct initrd *i = w->i;
	size_t n;

	while (w->at < i->size && !i->refused && !caught_signal()) {
		if (read_piece(w) <= 0)
			return;
		for (n = 0; n < w->len && !w->buf[n]; n++)
			;
		if (n) {
			w->at += n;
		} else if (w->buf[0] == '0' && !(w->at & 3)) {
			walk_plain(w);
			/* All that has a name is compressed. */
			if (strcmp(i->format, "cpio") == 0)
				i->early = w->at;
		} else if (payload_format(w->buf, w->len)) {
			walk_packed(w);
		} else {
			refuse(i, "is no initramfs: at offset %llu, there is neither a cpio archive nor compressed data but %02x %02x",
			       w->at, w->buf[0], w->len > 1 ? w->buf[1] : 0);
		}
	}
}

void initrd_look(struct initrd *i)
{
	struct walk w = { .i = i, .cpio = { .entry = look_at, .ctx = i } };
	struct stat st;

	i->known = true;
	if (!i->limit)
		i->limit = LIMIT_DEFAULT;
	if (!i->init)
		i->init = "init";
	while (*i->init == '/')
		i->init++;
	w.fd = open(i->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (w.fd < 0 || fstat(w.fd, &st)) {
		refuse(i, "cannot read: %s", strerror(errno));
		goto out;
	}
	i->size = st.st_size;
	/* A sparse file may take for ever. */
	if (i->size > i->limit) {
		refuse(i, "has %s, and all RAM of the machine is %s", size_str(i->size),
		       size_str(i->limit));
		goto out;
	}
	w.buf = xmalloc(PIECE);
	walk(&w);
	if (!i->refused && i->known && !i->files)
		refuse(i, "is no initramfs: there is nothing in it but zeros");
	free(w.buf);
out:
	if (w.fd >= 0)
		close(w.fd);
	if (i->refused || caught_signal())
		i->known = false;
	/* An archive that is not compressed is not early if no other follows it. */
	if (i->early == i->size)
		i->early = 0;
	if (!i->known && i->unpacked < INITRD_FACTOR * (i->size - i->early))
		i->unpacked = INITRD_FACTOR * (i->size - i->early);
}

void initrd_free(struct initrd *i)
{
	free(i->refused);
	free(i->doubt);
	free(i->module);
	free(i->other);
	i->refused = NULL;
	i->doubt = NULL;
	i->module = NULL;
	i->other = NULL;
}
