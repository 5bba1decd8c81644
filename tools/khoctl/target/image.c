// SPDX-License-Identifier: GPL-2.0
/*
 * Reading kernel images.
 *
 * Everything is read once, into memfds that nothing can change any more: the file itself
 * may change at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/signals.h"
#include "base/text.h"
#include "target/image.h"
#include "target/payload.h"
#include "target/uki.h"

#define PIECE		(256 * 1024)
#define CMDLINE_MAX	(1024 * 1024)

/* The file that is being read */
struct source {
	const char *path;
	int fd;
	__u64 size;
	unsigned char *head;	/* its first bytes */
	size_t len;		/* how many: PE_HEAD, or all */
};

/* Return: bytes that were read, or -1 after printing an error */
static ssize_t read_part(const struct source *s, void *to, size_t nr, __u64 at)
{
	size_t done = 0;

	while (done < nr) {
		ssize_t n = pread(s->fd, (char *)to + done, nr - done, at + done);

		if (n < 0 && errno == EINTR && !caught_signal())
			continue;
		if (n <= 0) {
			cmd_err("%s: cannot read: %s", s->path,
				n ? strerror(errno) : "it has shrunk meanwhile");
			return -1;
		}
		done += n;
	}
	return done;
}

/* Appends a part of the file to @fd, and NULs up to a multiple of @align. */
static int append_part(const struct source *s, int fd, const struct part *part,
		       unsigned int align)
{
	unsigned char *piece = xmalloc(PIECE);
	static const char zeros[16];
	int ret = DONE, err = 0;
	__u64 done = 0;

	while (done < part->size && !ret && !err) {
		__u64 nr = part->size - done;

		if (nr > PIECE)
			nr = PIECE;
		if (read_part(s, piece, nr, part->at + done) < 0)
			ret = FAILED;
		else
			err = write_all(fd, piece, nr);
		done += nr;
	}
	if (!ret && !err)
		err = write_all(fd, zeros, -part->size & (align - 1));
	if (err)
		ret = cmd_errno_err(err, "cannot make a copy of %s", s->path);
	free(piece);
	return ret;
}

static int new_copy(const struct source *s, const char *name, int *fd)
{
	*fd = memfd_create(name, MFD_CLOEXEC);
	return *fd < 0 ? cmd_errno_err(errno, "cannot make a copy of %s", s->path) : DONE;
}

/* ---- The image itself ---- */

static int take_image(struct image_file *file, const struct source *s,
		      const struct part *part)
{
	if (part->size > IMAGE_SIZE_MAX)
		return cmd_err("%s: is not a %s: it has %s", s->path, arch_image_format,
			       size_str(part->size));
	return new_copy(s, "kho-image", &file->fd) || append_part(s, file->fd, part, 1);
}

/* Checks the copy; @what: what it is a part of, or "". */
static int check_copy(struct image_file *file, const char *path, const char *what)
{
	unsigned char *head = xmalloc(ARCH_IMAGE_HEAD);
	const char *why, *kind = NULL;
	struct stat st;
	ssize_t n;
	int ret = DONE;

	n = pread(file->fd, head, ARCH_IMAGE_HEAD, 0);
	if (n < 0 || fstat(file->fd, &st)) {
		ret = cmd_errno_err(errno, "cannot read the copy of %s", path);
		goto out;
	}
	file->size = st.st_size;
	why = arch_image_check(head, n, st.st_size, &file->image);
	if (why) {
		if (!arch_image_is(head, n))
			kind = file_kind(head, n);
		ret = cmd_err("%s: %s%s%s%s", path, what, why, kind ? " but " : "",
			      kind ? kind : "");
	}
out:
	free(head);
	return ret;
}

/* ---- Unified kernel images ---- */

/* Makes of a section what systemd-stub makes of it. */
static int take_cmdline(struct image_file *file, const struct source *s,
			const struct part *part)
{
	size_t len = part->size, i;
	char *text;

	if (len > CMDLINE_MAX)
		return cmd_err("%s: its section .cmdline has %s", s->path,
			       size_str(part->size));
	text = xmalloc(len + 1);
	file->cmdline = text;
	if (read_part(s, text, len, part->at) < 0)
		return FAILED;
	text[len] = '\0';
	len = strlen(text);
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ')
			text[i] = ' ';
	while (len && text[len - 1] == ' ')
		text[--len] = '\0';
	i = strspn(text, " ");
	memmove(text, text + i, len - i + 1);
	return DONE;
}

/* As the stub does, microcode comes first. */
static int take_initrd(struct image_file *file, const struct source *s,
		       const struct uki *uki)
{
	static const enum uki_section order[] = { UKI_UCODE, UKI_INITRD };
	__u64 total = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		total += uki->section[order[i]].size;
	if (!total)
		return DONE;
	if (new_copy(s, "kho-initrd", &file->initrd_fd))
		return FAILED;
	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (append_part(s, file->initrd_fd, &uki->section[order[i]], 4))
			return FAILED;
	file->initrd = xasprintf("/proc/self/fd/%d", file->initrd_fd);
	return DONE;
}

static int read_uki(struct image_file *file, const struct source *s)
{
	struct uki uki;
	const char *why = uki_read(s->head, s->len, s->size, &uki);
	const char *machine;

	if (why)
		return cmd_err("%s: is not a %s: %s", s->path, arch_image_format, why);
	machine = pe_machine(uki.machine);
	if (!(uki.has & 1U << UKI_LINUX))
		return cmd_err("%s: is not a %s but %s%s%s", s->path, arch_image_format,
			       uki.has & (1U << UKI_CMDLINE | 1U << UKI_INITRD |
					  1U << UKI_UCODE) ?
			       "an addon to UKIs, without a kernel (.linux)" :
			       "a PE file (an EFI program?) without a kernel (.linux)",
			       machine ? ", for " : "", machine ? machine : "");
	file->from = "a UKI";
	if (take_image(file, s, &uki.section[UKI_LINUX]) ||
	    check_copy(file, s->path, "is a UKI whose .linux "))
		return FAILED;
	if (uki.has & 1U << UKI_CMDLINE &&
	    take_cmdline(file, s, &uki.section[UKI_CMDLINE]))
		return FAILED;
	return take_initrd(file, s, &uki);
}

/* ---- EFI zboot images ---- */

struct unpacked {
	int fd;
	int err;
};

static bool write_unpacked(void *data, const unsigned char *bytes, size_t nr)
{
	struct unpacked *u = data;

	u->err = write_all(u->fd, bytes, nr);
	return !u->err;
}

static int read_zboot(struct image_file *file, const struct source *s)
{
	struct packed packed = { .fd = -1, .limit = IMAGE_SIZE_MAX };
	struct unpacked u = { 0 };
	struct payload p = { 0 };
	struct part part;
	const char *why = zboot_read(s->head, s->len, s->size, &part);
	int ret = FAILED;

	if (why)
		return cmd_err("%s: is an EFI zboot image, but %s", s->path, why);
	if (part.size > IMAGE_SIZE_MAX)
		return cmd_err("%s: is an EFI zboot image whose payload has %s", s->path,
			       size_str(part.size));
	file->from = "an EFI zboot image";
	if (new_copy(s, "kho-packed", &packed.fd) ||
	    append_part(s, packed.fd, &part, 1) ||
	    new_copy(s, "kho-image", &file->fd))
		goto out;
	packed.len = part.size;
	u.fd = file->fd;
	switch (payload_unpack(&packed, write_unpacked, &u, &p)) {
	case PAYLOAD_OK:
		ret = check_copy(file, s->path, "is an EFI zboot image whose payload ");
		break;
	case PAYLOAD_STOPPED:
		cmd_errno_err(u.err, "cannot make a copy of %s", s->path);
		break;
	case PAYLOAD_NO_PROGRAM:
		cmd_err("%s: is an EFI zboot image, %s: apt install %s", s->path, p.why,
			p.package);
		break;
	case PAYLOAD_NOT_NOW:
		cmd_err("%s: is an EFI zboot image, which cannot be unpacked now: %s: "
			PAYLOAD_NOT_NOW_FIX, s->path, p.why);
		break;
	default:
		cmd_err("%s: is an EFI zboot image whose payload is %s", s->path, p.why);
	}
out:
	if (packed.fd >= 0)
		close(packed.fd);
	return ret;
}

/* ---- Any file ---- */

static int open_source(struct source *s, const char *path)
{
	struct stat st;

	s->path = path;
	/* Do not wait for a writer of a pipe, which is refused below. */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st))
		return cmd_errno_err(errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return cmd_err("%s: is not a regular file but a directory", path);
	if (!S_ISREG(st.st_mode))
		return cmd_err("%s: is not a regular file", path);
	s->size = st.st_size;
	s->len = s->size < PE_HEAD ? s->size : PE_HEAD;
	s->head = xmalloc(s->len);
	return read_part(s, s->head, s->len, 0) < 0 ? FAILED : DONE;
}

int image_read(struct image_file *file, const char *path)
{
	struct source s = { .fd = -1 };
	struct part all = { 0 };
	const char *kind;
	int ret;

	memset(file, 0, sizeof(*file));
	file->path = path;
	file->fd = -1;
	file->initrd_fd = -1;
	ret = open_source(&s, path);
	if (ret)
		goto out;
	all.size = s.size;
	/* A bzImage may be a PE file as well: so that EFI starts it, or with a signature. */
	if (arch_image_is(s.head, s.len)) {
		ret = take_image(file, &s, &all) ? FAILED : check_copy(file, path, "");
	} else if (zboot_is(s.head, s.len)) {
		ret = read_zboot(file, &s);
	} else {
		kind = file_kind(s.head, s.len);
		/* Images of other machines are PE files too, but better known by a name. */
		if (pe_is(s.head, s.len) && kind && !strcmp(kind, "a PE file"))
			ret = read_uki(file, &s);
		else
			ret = cmd_err("%s: is not a %s%s%s", path, arch_image_format,
				      kind ? " but " : "", kind ? kind : "");
	}
out:
	free(s.head);
	if (s.fd >= 0)
		close(s.fd);
	if (ret)
		image_free(file);
	return ret ? FAILED : DONE;
}

void image_pass_on(const struct image_file *file)
{
	fcntl(file->fd, F_SETFD, 0);
	if (file->initrd_fd >= 0)
		fcntl(file->initrd_fd, F_SETFD, 0);
}

/* A struct that was never filled in is all zeros, and has no path. */
void image_free(struct image_file *file)
{
	if (!file->path)
		return;
	if (file->fd >= 0)
		close(file->fd);
	if (file->initrd_fd >= 0)
		close(file->initrd_fd);
	free(file->initrd);
	free(file->cmdline);
	memset(file, 0, sizeof(*file));
}

void watch_file(struct watched *w, const char *path)
{
	memset(w, 0, sizeof(*w));
	w->path = path;
	/* Whoever reads it says why it can't be read. */
	if (path && stat(path, &w->st))
		memset(&w->st, 0, sizeof(w->st));
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int check_watched(const struct watched *w)
{
	const struct stat *a = &w->st;
	struct stat b;

	if (!w->path)
		return DONE;
	if (!stat(w->path, &b) && a->st_dev == b.st_dev && a->st_ino == b.st_ino &&
	    a->st_size == b.st_size && same_time(&a->st_mtim, &b.st_mtim) &&
	    same_time(&a->st_ctim, &b.st_ctim))
		return DONE;
	return cmd_err("%s has changed meanwhile, and what was loaded is not what was checked: load it again",
		       w->path);
}

int initrd_size(const char *path, __u64 *size)
{
	struct stat st;

	*size = 0;
	if (!path)
		return DONE;
	if (access(path, R_OK) || stat(path, &st))
		return cmd_errno_err(errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return cmd_err("%s: is not a regular file", path);
	if (!st.st_size)
		return cmd_err("%s: is empty", path);
	*size = st.st_size;
	return DONE;
}
