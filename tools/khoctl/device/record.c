// SPDX-License-Identifier: GPL-2.0
/*
 * The record of what khoctl has loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/sysinfo.h"
#include "device/record.h"

/* Larger than any record */
#define RECORD_MAX	65536

static void read_boot_id(char *id, size_t size)
{
	if (sys_read("/proc/sys/kernel/random/boot_id", id, size) < 0)
		*id = '\0';
}

void record_begin(struct record *r)
{
	memset(r, 0, sizeof(*r));
	read_boot_id(r->boot_id, sizeof(r->boot_id));
	r->time = time(NULL);
}

bool record_is_of_this_boot(const struct record *r)
{
	char id[sizeof(r->boot_id)];

	read_boot_id(id, sizeof(id));
	return !strcmp(id, r->boot_id);
}

void record_free(struct record *r)
{
	free(r->kernel);
	free(r->version);
	free(r->segs);
	free(r->lost.list);
	memset(r, 0, sizeof(*r));
}

void record_remove(void)
{
	char *path = sys_path(RECORD_FILE);

	unlink(path);
	free(path);
}

static struct json_object *to_json(const struct record *r)
{
	struct json_object *root = json_new(), *list;
	size_t i;

	json_add_u64(root, "version", 1);
	json_add_str(root, "boot_id", r->boot_id);
	json_add_u64(root, "setup_addr", r->setup_addr);
	json_add_u64(root, "time", r->time);
	json_add_u64(root, "variable", r->variable);
	json_add_u64(root, "identity", r->identity);
	json_add_str(root, "kernel", r->kernel);
	json_add_str(root, "kernel_version", r->version);
	json_add_u64(root, "ram_needed_bytes", r->needed);
	json_add_u64(root, "ram_bytes", r->ram);
	list = json_list(root, "lost");
	for (i = 0; i < r->lost.nr; i++) {
		struct json_object *range = json_new();

		json_add_u64(range, "addr", r->lost.list[i].addr);
		json_add_u64(range, "bytes", r->lost.list[i].end - r->lost.list[i].addr);
		json_object_array_add(list, range);
	}
	list = json_list(root, "segments");
	for (i = 0; i < r->nr_segs; i++) {
		struct json_object *seg = json_new();

		json_add_u64(seg, "addr", r->segs[i].mem);
		json_add_u64(seg, "bytes", r->segs[i].memsz);
		json_object_array_add(list, seg);
	}
	return root;
}

/* Writes to a new file, which then replaces the old one: no half record is ever there. */
static int write_text(const char *text)
{
	char *path = sys_path(RECORD_FILE), *next = xasprintf("%s.new", path);
	size_t at = 0, size = strlen(text);
	int fd, ret = 0;

	unlink(next);
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		ret = -errno;
		goto out;
	}
	while (!ret && at < size) {
		ssize_t n = write(fd, text + at, size - at);

		if (n >= 0)
			at += n;
		else if (errno != EINTR)
			ret = -errno;
	}
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(next, path))
		ret = -errno;
	if (ret)
		unlink(next);
out:
	free(next);
	free(path);
	return ret;
}

int record_write(const struct record *r)
{
	struct json_object *root = to_json(r);
	const char *text;
	char *dir = sys_path(RECORD_DIR);
	int ret;

	/* If it is there already, or can't be made, writing says so. */
	mkdir(dir, 0755);
	free(dir);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	ret = write_text(check_alloc((void *)text));
	json_object_put(root);
	if (ret)
		record_remove();
	return ret;
}

static bool get_u64(struct json_object *obj, const char *key, __u64 *value)
{
	struct json_object *member;

	if (!json_object_object_get_ex(obj, key, &member) ||
	    !json_object_is_type(member, json_type_int))
		return false;
	*value = json_object_get_uint64(member);
	return true;
}

static bool get_str(struct json_object *obj, const char *key, char **value)
{
	struct json_object *member;

	if (!json_object_object_get_ex(obj, key, &member) ||
	    !json_object_is_type(member, json_type_string))
		return false;
	*value = xstrdup(json_object_get_string(member));
	return true;
}

static bool get_segments(struct json_object *root, struct record *r)
{
	struct json_object *list;
	size_t i;

	if (!json_object_object_get_ex(root, "segments", &list) ||
	    !json_object_is_type(list, json_type_array))
		return false;
	r->nr_segs = json_object_array_length(list);
	r->segs = xcalloc(r->nr_segs + 1, sizeof(*r->segs));
	for (i = 0; i < r->nr_segs; i++) {
		struct json_object *seg = json_object_array_get_idx(list, i);

		if (!json_object_is_type(seg, json_type_object) ||
		    !get_u64(seg, "addr", &r->segs[i].mem) ||
		    !get_u64(seg, "bytes", &r->segs[i].memsz))
			return false;
	}
	return true;
}

/* An earlier khoctl does not write any. */
static void get_lost(struct json_object *root, struct record *r)
{
	struct json_object *list;
	size_t i;

	if (!json_object_object_get_ex(root, "lost", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *range = json_object_array_get_idx(list, i);
		__u64 addr, bytes;

		if (json_object_is_type(range, json_type_object) &&
		    get_u64(range, "addr", &addr) && get_u64(range, "bytes", &bytes))
			ranges_add(&r->lost, addr, addr + bytes);
	}
	ranges_tidy(&r->lost);
}

static bool from_json(struct json_object *root, struct record *r)
{
	char *boot_id = NULL;
	__u64 version;
	bool good;

	good = json_object_is_type(root, json_type_object) &&
	       get_u64(root, "version", &version) && version == 1 &&
	       get_str(root, "boot_id", &boot_id) && strlen(boot_id) < sizeof(r->boot_id) &&
	       get_u64(root, "setup_addr", &r->setup_addr) &&
	       get_u64(root, "time", &r->time) &&
	       get_u64(root, "variable", &r->variable) &&
	       get_u64(root, "identity", &r->identity) &&
	       get_str(root, "kernel", &r->kernel) &&
	       get_str(root, "kernel_version", &r->version) &&
	       get_segments(root, r);
	if (good)
		strcpy(r->boot_id, boot_id);
	/* An earlier khoctl does not write these. */
	if (!good || !get_u64(root, "ram_needed_bytes", &r->needed) ||
	    !get_u64(root, "ram_bytes", &r->ram))
		r->needed = 0;
	if (good)
		get_lost(root, r);
	free(boot_id);
	return good;
}

int record_read(struct record *r)
{
	char *path = sys_path(RECORD_FILE), *text;
	struct json_object *root;
	FILE *f = fopen(path, "re");
	int ret = 0;
	size_t n;

	free(path);
	memset(r, 0, sizeof(*r));
	if (!f)
		return -errno;
	text = xmalloc(RECORD_MAX);
	n = fread(text, 1, RECORD_MAX - 1, f);
	if (ferror(f))
		ret = -EIO;
	fclose(f);
	text[n] = '\0';
	root = ret ? NULL : json_tokener_parse(text);
	if (!ret && !from_json(root, r))
		ret = -EBADMSG;
	json_object_put(root);
	free(text);
	return ret;
}
