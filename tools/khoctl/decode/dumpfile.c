// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing sets of metadata pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/output.h"
#include "base/sysinfo.h"
#include "decode/dumpfile.h"
#include "device/device.h"

#define CHUNK		256		/* pages in one call */
#define TRIES		5
#define FDT_SIZE_MAX	MIB		/* of a bare FDT; that of a handover has a page */

long meta_find(const struct meta *m, __u64 addr)
{
	size_t low = 0, high = m->count;

	addr &= ~(__u64)(m->page_size - 1);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->entries[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->count && m->entries[low].addr == addr ? (long)low : -1;
}

const void *meta_at(const struct meta *m, __u64 addr, __u64 len)
{
	__u64 offset = addr & (m->page_size - 1);
	long i = meta_find(m, addr);

	if (i < 0 || len > m->page_size - offset)
		return NULL;
	return m->pages + (__u64)i * m->page_size + offset;
}

void meta_free(struct meta *m)
{
	free(m->entries);
	free(m->pages);
	free(m->used);
	free(m->fdt);
	memset(m, 0, sizeof(*m));
}

static void set_page_size(struct meta *m, __u32 size)
{
	m->page_size = size;
	m->shift = __builtin_ctz(size);
}

struct sort_key {
	__u64 addr;
	size_t index;
};

static int by_addr(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Sorts entries and pages; refuses what no kernel would produce. */
static int finish(struct meta *m, const char *from)
{
	struct sort_key *keys = xcalloc(m->count, sizeof(*keys));
	struct kho_meta_entry *entries;
	unsigned char *pages;
	int ret = DONE;
	size_t i;

	for (i = 0; i < m->count; i++) {
		const struct kho_meta_entry *e = &m->entries[i];

		keys[i] = (struct sort_key){ e->addr, i };
		if (!e->addr || e->addr & (m->page_size - 1)) {
			ret = cmd_err("%s: entry %zu: address 0x%llx is not that of a page",
				      from, i, e->addr);
			goto out;
		}
		if (e->kind < KHO_META_SETUP || e->kind > KHO_META_LEAN) {
			ret = cmd_err("%s: entry %zu: unknown kind %u", from, i,
				      e->kind);
			goto out;
		}
	}
	qsort(keys, m->count, sizeof(*keys), by_addr);
	entries = xcalloc(m->count, sizeof(*entries));
	pages = xmalloc(m->count * m->page_size);
	for (i = 0; i < m->count; i++) {
		entries[i] = m->entries[keys[i].index];
		memcpy(pages + i * m->page_size,
		       m->pages + keys[i].index * m->page_size, m->page_size);
		if (i && entries[i].addr == entries[i - 1].addr && !ret)
			ret = cmd_err("%s: the page at 0x%llx is there twice", from,
				      entries[i].addr);
	}
	free(m->entries);
	free(m->pages);
	m->entries = entries;
	m->pages = pages;
	m->used = xcalloc(m->count, sizeof(*m->used));
out:
	free(keys);
	return ret;
}

/* Reads the list once.  Return: 0 or a negative errno */
static int read_device(struct meta *m, int dev)
{
	uint64_t total = 0;

	m->count = 0;
	do {
		uint32_t count = CHUNK;
		int ret;

		m->entries = xrealloc(m->entries, m->count + CHUNK,
				      sizeof(*m->entries));
		m->pages = xrealloc(m->pages, m->count + CHUNK, m->page_size);
		ret = kho_meta_read(dev, m->count, m->entries + m->count,
				    m->pages + m->count * m->page_size,
				    &count, &total);
		if (ret)
			return ret;
		if (!count)
			break;
		m->count += count;
	} while (m->count < total);
	return m->count < total ? -EAGAIN : 0;
}

int meta_from_device(struct meta *m)
{
	struct kho_query before, after;
	int dev, ret, tries;

	memset(m, 0, sizeof(*m));
	dev = open_device_query(&before, KHO_FEATURE_META);
	if (dev < 0)
		return FAILED;
	set_page_size(m, before.page_size);
	m->setup_addr = before.setup_addr;
	m->memory_end = sys_memory_end();

	for (tries = 0; tries < TRIES; tries++) {
		ret = read_device(m, dev);
		if (ret && ret != -EAGAIN)
			break;
		if (!ret)
			ret = kho_query(dev, &after);
		if (ret && ret != -EAGAIN)
			break;
		if (!ret && after.changes == before.changes)
			break;
		if (!ret)
			before = after;
		ret = -EAGAIN;
	}
	close(dev);
	if (ret == -EAGAIN)
		ret = cmd_err("%s: what is preserved changes faster than it can be read (%d tries)",
			      device_path(), TRIES);
	else if (ret)
		ret = cmd_err("%s: %s", device_path(), device_error(ret));
	else
		ret = finish(m, device_path());
	if (ret)
		meta_free(m);
	return ret;
}

/* Reads exactly @len bytes; prints errors. */
static int read_exactly(int fd, const char *path, void *buf, size_t len,
			const char *what)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = read(fd, (char *)buf + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cmd_errno_err(errno, "%s", path);
		if (!n)
			return cmd_err("%s: is truncated: it ends in %s", path,
				       what);
		at += n;
	}
	return DONE;
}

static int read_fdt(struct meta *m, int fd, const char *path,
		    const unsigned char *head)
{
	__u32 size = (__u32)head[4] << 24 | head[5] << 16 |
			head[6] << 8 | head[7];

	if (size < 40 || size > FDT_SIZE_MAX)
		return cmd_err("%s: FDT with an impossible size: %u bytes", path,
			       size);
	m->fdt = xcalloc(1, size);
	m->fdt_size = size;
	memcpy(m->fdt, head, 8);
	return read_exactly(fd, path, (char *)m->fdt + 8, size - 8, "the FDT");
}

static int read_entries(struct meta *m, int fd, const char *path,
			const struct dumpfile_header *head)
{
	__u64 needed = sizeof(*head) + (__u64)head->count *
			  (sizeof(struct kho_meta_entry) + head->page_size);
	struct stat st;
	char more;
	size_t i;

	/* Check this before allocating anything: the count may be absurd. */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		__u64 size = st.st_size;

		if (size != needed)
			return cmd_err("%s: is %s: %u entries make %llu bytes, but it has %llu",
				       path, size < needed ? "truncated" : "too long",
				       head->count, needed, size);
	}
	for (i = 0; i < head->count; i++) {
		/* The count of a pipe is not to be trusted: grow as data comes in. */
		if (!(i & (i - 1)) || i == 0) {
			size_t room = i ? 2 * i : 1;

			m->entries = xrealloc(m->entries, room,
					      sizeof(*m->entries));
			m->pages = xrealloc(m->pages, room, m->page_size);
		}
		if (read_exactly(fd, path, &m->entries[i],
				 sizeof(*m->entries), "an entry") ||
		    read_exactly(fd, path, m->pages + i * m->page_size,
				 m->page_size, "a page"))
			return FAILED;
	}
	m->count = head->count;
	if (read(fd, &more, 1) == 1)
		return cmd_err("%s: is too long: there is more after %u entries",
			       path, head->count);
	return finish(m, path);
}

int meta_from_file(struct meta *m, const char *path)
{
	struct dumpfile_header head;
	int fd, ret;

	memset(m, 0, sizeof(*m));
	if (!strcmp(path, "-")) {
		path = "stdin";
		fd = dup(STDIN_FILENO);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return cmd_errno_err(errno, "%s", path);

	ret = read_exactly(fd, path, &head, 8, "its magic");
	if (ret)
		goto out;
	if (fdt_magic(&head) == FDT_MAGIC) {
		ret = read_fdt(m, fd, path, head.magic);
		goto out;
	}
	if (memcmp(head.magic, DUMPFILE_MAGIC, 8)) {
		ret = cmd_err("%s: neither a dump (" DUMPFILE_MAGIC ") nor an FDT (d00dfeed)",
			      path);
		goto out;
	}
	ret = read_exactly(fd, path, (char *)&head + 8, sizeof(head) - 8,
			   "its header");
	if (ret)
		goto out;
	if (head.page_size != 4096 && head.page_size != 16384 &&
	    head.page_size != 65536) {
		ret = cmd_err("%s: impossible page size: %u", path, head.page_size);
		goto out;
	}
	if (!head.count) {
		ret = cmd_err("%s: has no entries", path);
		goto out;
	}
	set_page_size(m, head.page_size);
	m->memory_end = head.memory_end;
	m->setup_addr = head.setup_addr;
	ret = read_entries(m, fd, path, &head);
out:
	close(fd);
	if (ret)
		meta_free(m);
	return ret;
}

int meta_save(const struct meta *m, const char *path)
{
	struct dumpfile_header head = {
		.page_size = m->page_size,
		.count = m->count,
		.memory_end = m->memory_end,
		.setup_addr = m->setup_addr,
	};
	struct output out;
	size_t i;
	int ret;

	if (m->fdt)
		return cmd_err("--save: a bare FDT is not a dump");
	memcpy(head.magic, DUMPFILE_MAGIC, sizeof(head.magic));
	ret = output_open(&out, path);
	if (ret)
		return ret;
	ret = output_write(&out, &head, sizeof(head));
	for (i = 0; i < m->count && !ret; i++) {
		ret = output_write(&out, &m->entries[i], sizeof(*m->entries));
		if (!ret)
			ret = output_write(&out, m->pages + i * m->page_size,
					   m->page_size);
	}
	if (ret)
		output_abort(&out);
	else
		ret = output_commit(&out);
	return ret;
}
