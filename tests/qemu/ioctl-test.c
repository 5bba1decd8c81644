// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input for each command of /dev/kho, and what good input has to do.
 *
 * After whatever is refused, what is preserved has to be the same as before.
 * Speaks TAP.  Also built for 32 bits, to see that the structs are the same.
 */
#include <linux/capability.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ioctl.h"

/* ---- Good input, to spoil ---- */

static struct kho_page_entry list_room[64];
static struct kho_obj_entry objects_room[64];
static struct kho_meta_entry meta_room[64];
static char meta_pages[64 * PAGE];
static struct kho_page_entry batch_entry;
static struct kho_envelope_entry envelope_room[64];
static struct kho_subtree_entry subtree_room[8];

/* Room for any of the structs, and a tail that no kernel knows. */
union any {
	__u32 size;
	struct kho_query query;
	struct kho_page page;
	struct kho_batch batch;
	struct kho_page_open page_open;
	struct kho_page_list page_list;
	struct kho_obj_create create;
	struct kho_obj_name name;
	struct kho_obj_list obj_list;
	struct kho_meta_read meta;
	struct kho_envelope_list envelopes;
	struct kho_subtree_list subtrees;
	char bytes[1024];
};

static void make_victim(union any *any)
{
	int fd;

	(void)any;
	need(create("victim", 3 * PAGE, &fd), "create");
	close(fd);
}

static void drop_victim(union any *any)
{
	(void)any;
	need(remove_object("victim"), "remove");
}

static void good_add(union any *any)
{
	any->page.pfn = pool_pfn[0];
}

static void undo_add(union any *any)
{
	need(del_page(any->page.pfn, 0), "del");
}

static void good_del(union any *any)
{
	need(add_page(pool_pfn[0], 0), "add");
	any->page.pfn = pool_pfn[0];
}

static void drop_del(union any *any)
{
	need(del_page(any->page.pfn, 0), "del");
}

static void good_batch_add(union any *any)
{
	batch_entry.pfn = pool_pfn[0];
	any->batch.count = 1;
	any->batch.entries = ptr64(&batch_entry);
}

static void undo_batch_add(union any *any)
{
	(void)any;
	need(del_page(pool_pfn[0], 0), "del");
}

static void good_batch_del(union any *any)
{
	good_batch_add(any);
	need(add_page(pool_pfn[0], 0), "add");
}

static void good_page_list(union any *any)
{
	any->page_list.entries = ptr64(list_room);
	any->page_list.count = ARRAY_SIZE(list_room);
}

static void good_create(union any *any)
{
	strcpy((char *)any->create.name, "made");
	any->create.bytes = 5 * PAGE;
}

static void undo_create(union any *any)
{
	close(any->create.fd);
	need(remove_object("made"), "remove");
}

static void good_name(union any *any)
{
	make_victim(any);
	strcpy((char *)any->name.name, "victim");
}

static void undo_open(union any *any)
{
	close(any->name.fd);
	drop_victim(any);
}

static void good_obj_list(union any *any)
{
	any->obj_list.entries = ptr64(objects_room);
	any->obj_list.count = ARRAY_SIZE(objects_room);
}

static void good_meta(union any *any)
{
	any->meta.entries = ptr64(meta_room);
	any->meta.pages = ptr64(meta_pages);
	any->meta.count = ARRAY_SIZE(meta_room);
}

static void good_envelopes(union any *any)
{
	any->envelopes.entries = ptr64(envelope_room);
	any->envelopes.count = ARRAY_SIZE(envelope_room);
}

static void good_subtrees(union any *any)
{
	any->subtrees.entries = ptr64(subtree_room);
	any->subtrees.count = ARRAY_SIZE(subtree_room);
}

static void nothing(union any *any)
{
	(void)any;
}

/* Offset of a member that has to be 0, plus 1, so that 0 stands for none. */
#define ZERO(type, member) (1 + offsetof(struct type, member))

static const struct command {
	const char *name;
	unsigned long cmd;
	__u32 size;
	unsigned int zero[2];
	/* Fills in good input, and what it needs. */
	void (*prepare)(union any *any);
	/* After it was carried out; @drop after it was refused. */
	void (*undo)(union any *any);
	void (*drop)(union any *any);
	/* What good input gives. */
	int want;
} commands[] = {
	{ "QUERY", KHO_QUERY, sizeof(struct kho_query),
	  { ZERO(kho_query, flags) }, nothing, nothing, nothing, 0 },
	{ "PAGE_ADD", KHO_PAGE_ADD, sizeof(struct kho_page),
	  { 0 }, good_add, undo_add, nothing, 0 },
	{ "PAGE_DEL", KHO_PAGE_DEL, sizeof(struct kho_page),
	  { 0 }, good_del, nothing, drop_del, 0 },
	{ "BATCH_ADD", KHO_BATCH_ADD, sizeof(struct kho_batch),
	  { ZERO(kho_batch, reserved) }, good_batch_add, undo_batch_add,
	  nothing, 0 },
	{ "BATCH_DEL", KHO_BATCH_DEL, sizeof(struct kho_batch),
	  { ZERO(kho_batch, reserved) }, good_batch_del, nothing,
	  undo_batch_add, 0 },
	/* Nothing has arrived that could be opened. */
	{ "PAGE_OPEN", KHO_PAGE_OPEN, sizeof(struct kho_page_open),
	  { ZERO(kho_page_open, flags) }, nothing, nothing, nothing, ENOENT },
	{ "PAGE_LIST", KHO_PAGE_LIST, sizeof(struct kho_page_list),
	  { ZERO(kho_page_list, flags), ZERO(kho_page_list, reserved) },
	  good_page_list, nothing, nothing, 0 },
	{ "OBJ_CREATE", KHO_OBJ_CREATE, sizeof(struct kho_obj_create),
	  { ZERO(kho_obj_create, flags), ZERO(kho_obj_create, reserved) },
	  good_create, undo_create, nothing, 0 },
	{ "OBJ_OPEN", KHO_OBJ_OPEN, sizeof(struct kho_obj_name),
	  { ZERO(kho_obj_name, flags), ZERO(kho_obj_name, reserved) },
	  good_name, undo_open, drop_victim, 0 },
	{ "OBJ_REMOVE", KHO_OBJ_REMOVE, sizeof(struct kho_obj_name),
	  { ZERO(kho_obj_name, flags), ZERO(kho_obj_name, reserved) },
	  good_name, nothing, drop_victim, 0 },
	{ "OBJ_LIST", KHO_OBJ_LIST, sizeof(struct kho_obj_list),
	  { ZERO(kho_obj_list, flags), ZERO(kho_obj_list, reserved) },
	  good_obj_list, nothing, nothing, 0 },
	{ "META_READ", KHO_META_READ, sizeof(struct kho_meta_read),
	  { ZERO(kho_meta_read, flags), ZERO(kho_meta_read, reserved) },
	  good_meta, nothing, nothing, 0 },
	{ "ENVELOPE_LIST", KHO_ENVELOPE_LIST, sizeof(struct kho_envelope_list),
	  { 1 + offsetof(struct kho_envelope_list, flags) + 1,
	    ZERO(kho_envelope_list, reserved) },
	  good_envelopes, nothing, nothing, 0 },
	{ "SUBTREE_LIST", KHO_SUBTREE_LIST, sizeof(struct kho_subtree_list),
	  { ZERO(kho_subtree_list, flags), ZERO(kho_subtree_list, reserved) },
	  good_subtrees, nothing, nothing, 0 },
};

/* ---- What all commands have in common ---- */

/*
 * One call with @any as prepared, at @where, with @size in it: it has to give
 * @want, and in the end nothing may have changed.
 */
static void try_size(const struct command *c, void *where, __u32 size,
		     int spoil, int want, const char *what)
{
	struct kho_query before;
	union any any;
	bool good;
	int err;

	get_query(kho, &before);
	memset(&any, 0, sizeof(any));
	c->prepare(&any);
	any.size = size;
	if (spoil >= 0)
		any.bytes[spoil] = 1;
	if (where)
		memcpy(where, &any, sizeof(any));
	err = call(c->cmd, where);
	if (where && !err)
		memcpy(&any, where, c->size);
	if (err)
		c->drop(&any);
	else
		c->undo(&any);
	good = err == want && unchanged(&before, c->name);
	if (!result(good, "%s, %s: %s", c->name, what, name_of(want)))
		printf("# got %s\n", name_of(err));
}

/* Callers as old as the first version of a struct have to be served. */
static __u32 first_size(const struct command *c)
{
	return c->cmd == KHO_QUERY ? offsetof(struct kho_query, arrival_kind) :
				     c->size;
}

static void test_sizes(void)
{
	char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static union any room;
	size_t i, k;

	munmap(two + PAGE, PAGE);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		/* Of a PAGE_OPEN with nothing to open. */
		bool has_fd = c->cmd == KHO_OBJ_CREATE || c->cmd == KHO_OBJ_OPEN;

		try_size(c, NULL, c->size, -1, EFAULT, "null pointer");
		try_size(c, &room, 0, -1, EINVAL, "size 0");
		try_size(c, &room, 4, -1, EINVAL, "size 4");
		try_size(c, &room, first_size(c) - 1, -1, EINVAL,
			 "one byte short");
		if (first_size(c) < c->size)
			try_size(c, &room, first_size(c), -1, c->want,
				 "of the first version");
		try_size(c, &room, c->size, -1, c->want, "exact");
		try_size(c, &room, c->size + 8, -1, c->want, "long, zero tail");
		try_size(c, &room, c->size + 8, c->size + 7, E2BIG,
			 "long, non-zero tail");
		for (k = 0; k < ARRAY_SIZE(c->zero); k++)
			if (c->zero[k])
				try_size(c, &room, c->size, c->zero[k] - 1,
					 EOPNOTSUPP, k ? "reserved set" :
					 "flags set");

		/* A struct that is cut off by the end of memory. */
		*(__u32 *)(two + PAGE - 4) = c->size;
		refused(EFAULT, c->cmd, two + PAGE - 4, "cut off");
		if (has_fd) {
			char *ro = two + PAGE - c->size;

			memset(ro, 0, c->size);
			c->prepare((union any *)ro);
			*(__u32 *)ro = c->size;
			mprotect(two, PAGE, PROT_READ);
			refused(EFAULT, c->cmd, ro, "not writable");
			mprotect(two, PAGE, PROT_READ | PROT_WRITE);
			c->drop((union any *)ro);
		}
	}
}

static void test_unknown(void)
{
	static const unsigned int numbers[] = {
		0, KHO_CMD_BASE - 1, KHO_CMD_SUBTREE_LIST + 1, 0xff,
	};
	struct kho_query q = { .size = sizeof(q) };
	char what[40];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(what, sizeof(what), "command number %#x", numbers[i]);
		refused(ENOTTY, _IO(KHO_IOCTL_TYPE, numbers[i]), &q, what);
	}
	refused(ENOTTY, _IO(KHO_IOCTL_TYPE + 1, KHO_CMD_QUERY), &q,
		"a query of another type");
	refused(ENOTTY, _IOWR(KHO_IOCTL_TYPE, KHO_CMD_QUERY, struct kho_query),
		&q, "a query with a size in its number");
}

/* As nobody, with a device that was opened by root. */
static int as_nobody(void)
{
	static union any room;
	size_t i;
	int bad = 0;

	if (setuid(65534))
		return 100;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		memset(&room, 0, sizeof(room));
		room.size = commands[i].size;
		if (call(commands[i].cmd, &room) != EPERM)
			bad++;
	}
	if (open("/dev/kho", O_RDWR) >= 0 || errno != EACCES)
		bad++;
	return bad;
}

/* As root, but without CAP_SYS_ADMIN. */
static int without_capability(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	struct kho_query q = { .size = sizeof(q) };

	if (syscall(SYS_capget, &head, data))
		return 100;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &head, data))
		return 100;
	return call(KHO_QUERY, &q) != EPERM;
}

static void test_unprivileged(void)
{
	int (*const run[])(void) = { as_nobody, without_capability };
	static const char *const what[] = {
		"nobody gets EPERM from each command and can't open the device",
		"root without CAP_SYS_ADMIN gets EPERM",
	};
	int i, status;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		fflush(stdout);
		pid = fork();
		if (!pid)
			_exit(run[i]());
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			die("fork: %s", strerror(errno));
		if (!result(WIFEXITED(status) && !WEXITSTATUS(status), "%s",
			    what[i]))
			printf("# status %#x\n", status);
	}
}

int main(void)
{
	struct kho_query before;

	setvbuf(stdout, NULL, _IOLBF, 0);
	kho = open_kho();
	make_pool();
	get_query(kho, &before);

	test_sizes();
	test_unknown();
	test_unprivileged();
	test_pages();
	test_batches();
	test_names();
	test_objects();
	test_lists();
	test_envelopes();
	result(unchanged(&before, "all of it"), "nothing is left behind");

	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
