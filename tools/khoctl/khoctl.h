/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of khoctl share.
 */
#ifndef KHOCTL_H
#define KHOCTL_H

#include <getopt.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <libkho.h>

/* Exit status of the program and result of each command */
enum {
	DONE = 0,
	FAILED = 1,
	USAGE = 2,
};

#define MIB		((__u64)1 << 20)
#define COPY_STEP	MIB
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ATTRIBUTE(...)	__attribute__((__VA_ARGS__))
#define PRINTF(f, a)	ATTRIBUTE(__format__(__printf__, f, a))

/**
 * struct cmd - a subcommand
 */
struct cmd {
	/** @name: the word on the command line. */
	const char *name;
	/** @run: does it; optind and optarg are the caller's to use. */
	int (*run)(int argc, char **argv);
	/** @args: what follows the name in the usage line. */
	const char *args;
	/** @summary: one line. */
	const char *summary;
	/** @help: what --help says about the options, or NULL. */
	const char *help;
};

int cmd_add(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_del(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_freeze(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_getdata(int argc, char **argv);
int cmd_getpage(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_own(int argc, char **argv);
int cmd_prune(int argc, char **argv);
int cmd_scratch(int argc, char **argv);
int cmd_put(int argc, char **argv);
int cmd_resize(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_seal(int argc, char **argv);
int cmd_setdata(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* ---- khoctl.c: the command line ---- */

/* Options that every command has */
#define DEVICE_OPTION \
	{ "device", required_argument, NULL, 'D' }
#define HELP_OPTION \
	{ "help", no_argument, NULL, 'h' }
#define JSON_OPTION \
	{ "json", no_argument, NULL, 'J' }
#define END_OF_OPTIONS \
	{ NULL, 0, NULL, 0 }

/* What next_option() returns for a mistake, which it has reported */
#define BAD_OPTION '?'

/* Next option's val, or -1 at the end.  Those above are taken care of. */
int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs);
/* The path that --device, KHO_DEVICE or the default give. */
const char *device_path(void);
/* True after --json. */
bool want_json(void);

/* ---- util.c: messages and small things ---- */

void set_command_name(const char *name);
void cmd_warn(const char *fmt, ...) PRINTF(1, 2);
/* These two print "khoctl CMD: " and a message and return FAILED. */
int cmd_err(const char *fmt, ...) PRINTF(1, 2);
int cmd_errno_err(int err, const char *fmt, ...) PRINTF(2, 3);
/* Returns USAGE. */
int usage_error(const char *fmt, ...) PRINTF(1, 2);

/* Opens the device; prints the reason and returns -1 if it can't. */
int open_device(void);
/* Opens and queries it, with @what being the feature that is needed, or 0. */
int open_device_query(struct kho_query *query, __u64 needed);
/* Corrects @query->abi where the kernel's own KHO is what speaks. */
void device_abi(struct kho_query *query);
/* Why an ioctl of /dev/kho failed, for errors that mean the same for all. */
const char *device_error(int err);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
/* Makes room for one more element in an array of *@room, by doubling. */
void *grow(void *array, size_t n, size_t *room, size_t size);

/* "64 MiB", in one of a few buffers that take turns */
const char *size_str(__u64 bytes);
/* "3 pages", "1 page" */
const char *count_str(__u64 n, const char *thing);
const char *time_str(__u64 seconds);
/* @name without what may upset a terminal; the caller frees it */
char *printable(const void *name, size_t len);
/* NULL, or why @name can't be an object's */
const char *bad_name(const char *name);
/* Decimal or 0x hex, all of @s; 0 or -EINVAL or -ERANGE */
int parse_u64(const char *s, __u64 *value);
/* The same with K, M, G, T or KiB... after a decimal number */
int parse_size(const char *s, __u64 *bytes);

/*
 * A kernel is about to be loaded, was loaded, or is no more (KHO_IMAGE_*); @limit: it
 * has no memory from there on, or 0.  Return: 0 or a negative errno
 */
int image_tell(int dev, __u32 state, __u64 limit);
/* None is loaded: nothing depends any more on what it knew of the memory. */
void image_forget(void);
/* Is a kernel @loaded, and has memory been added or taken away since? */
bool image_is_stale(const struct kho_query *q, int loaded);
/*
 * Has scratch found if there is none (@bytes 0), or so much.  @held: NULL, or set to
 * how much of it this kernel does not use.  Return: 0 with *@q read anew, or -errno
 */
int scratch_take(int dev, struct kho_query *q, __u64 bytes, __u64 *held);

/* ---- JSON ---- */

void json_add_str(struct json_object *obj, const char *key, const char *value);
void json_add_u64(struct json_object *obj, const char *key, __u64 value);
void json_add_bool(struct json_object *obj, const char *key, bool value);
struct json_object *json_new(void);
struct json_object *json_list(struct json_object *obj, const char *key);
/* Prints @obj on stdout and gives it back. */
void json_print(struct json_object *obj);

/* ---- Signals: SIGINT, SIGTERM and SIGHUP are only noted ---- */

int caught_signal(void);
void catch_signals(void);
/* After clean-up: dies of the signal that was caught, if any. */
void die_of_signal(void);

/* ---- table.c: aligned columns ---- */

struct table;

/* @columns: titles divided by '|'; one that starts with '>' is right-aligned */
struct table *table_new(const char *columns);
/* Starts a new row with the first cell of @fmt; cells are divided by '\t'. */
void table_row(struct table *t, const char *fmt, ...) PRINTF(2, 3);
/* Prints and frees it */
void table_print(struct table *t, int indent);

/* ---- progress.c ---- */

struct progress {
	const char *label;
	__u64 total;			/* 0: not known */
	double started;
	double drawn;
	int width;			/* of what is on the screen */
	bool on;
};

void progress_start(struct progress *p, const char *label, __u64 total);
void progress_update(struct progress *p, __u64 done);
void progress_end(struct progress *p);

/* ---- output.c: files that are complete or not there ---- */

struct output {
	const char *path;		/* NULL: stdout */
	char *temp;
	bool nameless;			/* gets its name at the end */
	int fd;
};

/* These print what goes wrong and return DONE or FAILED. */
int output_open(struct output *out, const char *path);
int output_write(struct output *out, const void *data, size_t len);
int output_commit(struct output *out);
/* Leaves nothing behind; no effect after output_commit(). */
void output_abort(struct output *out);
/* The contents of @fd, which is mapped, to @path (NULL or "-": stdout). */
int output_mapping(int fd, __u64 bytes, const char *path,
		   const char *label);

/* ---- pages.c: lists of PFN[:ORDER] ---- */

struct page_args {
	struct kho_page_entry *entries;
	size_t nr;
	size_t room;
};

/* NULL, or what is wrong with @arg */
const char *parse_page(const char *arg, struct kho_page_entry *entry);
typedef int batch_fn(int dev, const struct kho_page_entry *entries,
		     uint32_t count, uint32_t *failed);
int batch_main(int argc, char **argv, batch_fn *batch);
const char *page_error(int err, const struct kho_page_entry *entry);

/* ---- objects.c: what commands on objects share ---- */

/* Opens the device for them; prints the reason and returns -1 if it can't. */
int open_objects(struct kho_query *query, __u64 more);
/* Prints the reason and returns -1 if it can't; @bytes may be NULL. */
int open_object(int dev, const char *name, __u32 flags, __u64 *bytes);
/* device_error(), where some errors mean that it is about an object */
const char *object_error(int err);
/* The same for a command that has to do with checksums */
const char *sum_error(int err);
/* The object's name among at most @most arguments; DONE or USAGE */
int name_argument(int argc, char **argv, int most, const char **name);
/* Of a page that is mapped by one entry of the lowest table but one */
__u32 huge_page_size(const struct kho_query *query);

struct owner {
	__u32 which;			/* KHO_OWNER_*: which of the others to set */
	__u32 uid;
	__u32 gid;
	__u32 mode;
};

/* Arguments of --owner and --mode; DONE or USAGE */
int parse_owner(const char *arg, struct owner *owner);
int parse_mode(const char *arg, struct owner *owner);
/* These print what goes wrong and return DONE or FAILED. */
int set_owner(int obj, const char *name, const struct owner *owner);
/* @path: NULL or "-" for stdin; the caller frees @data */
int read_user_data(const char *path, void **data, __u32 *bytes);

/* ---- lists.c: all entries of a list; negative errno but for the first ---- */

/* Prints what goes wrong; DONE or FAILED */
int list_objects(int dev, struct kho_obj_info **entries, size_t *nr);
/* Prints what an error of the others is; DONE or FAILED */
int list_error(int err);
int list_pages(int dev, struct kho_page_entry **entries, size_t *nr);
int list_envelopes(int dev, bool arrived, struct kho_envelope_entry **entries,
		   size_t *nr);
int list_subtrees(int dev, struct kho_subtree_entry **entries, size_t *nr);

#endif /* KHOCTL_H */
