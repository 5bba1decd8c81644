// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input for each command of /dev/kho, and what good input has to do.
 *
 * A command that is refused must leave what is preserved as it was.
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
static struct kho_obj_info infos_room[64];
static char data_room[100];

/* Any of the structs, with a tail that no kernel knows. */
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
	struct kho_obj_preserve preserve;
	struct kho_obj_plain plain;
	struct kho_obj_resize resize;
	struct kho_obj_data data;
	struct kho_obj_owner owner;
	struct kho_obj_info info;
	struct kho_obj_verify verify;
	struct kho_obj_info_list infos;
	char bytes[1024];
};

/* The file for commands on objects. */
static int object_fd = -1;

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

static void ready_preserve(union any *any)
{
	strcpy((char *)any->preserve.name, "made");
	any->preserve.addr = ptr64(pool);
	any->preserve.bytes = 5 * PAGE;
}

static void undo_preserve(union any *any)
{
	close(any->preserve.fd);
	need(remove_object("made"), "remove");
}

/* Makes an object for commands on objects. */
static void open_victim(union any *any)
{
	(void)any;
	need(create("victim", 3 * PAGE, &object_fd), "create");
}

static void close_victim(union any *any)
{
	close(object_fd);
	object_fd = -1;
	drop_victim(any);
}

static void good_resize(union any *any)
{
	open_victim(any);
	any->resize.bytes = 5 * PAGE;
}

static void good_data(union any *any)
{
	open_victim(any);
	any->data.data = ptr64(data_room);
	any->data.bytes = sizeof(data_room);
}

static void good_owner(union any *any)
{
	open_victim(any);
	any->owner.flags = KHO_OWNER_UID | KHO_OWNER_GID | KHO_OWNER_MODE;
	any->owner.uid = 1;
	any->owner.gid = 2;
	any->owner.mode = 0640;
}

static void good_verify(union any *any)
{
	struct kho_obj_plain seal = {
		.size = sizeof(seal),
		.flags = KHO_SEAL_SUM,
	};

	open_victim(any);
	need(call_on(object_fd, KHO_OBJ_SEAL, &seal), "seal");
	any->verify.count = 3;
}

static void good_infos(union any *any)
{
	any->infos.entries = ptr64(infos_room);
	any->infos.count = ARRAY_SIZE(infos_room);
	any->infos.entry_size = sizeof(infos_room[0]);
}

static void nothing(union any *any)
{
	(void)any;
}

/* Offset of a member that has to be 0, plus 1, so that 0 stands for none. */
#define ZERO(type, member) (1 + offsetof(struct type, member))
/* The same for a member whose lowest byte has a meaning: its second byte. */
#define FLAG(type, member) (ZERO(type, member) + 1)

static const struct command {
	const char *name;
	unsigned long cmd;
	__u32 size;
	unsigned int zero[2];
	/* Fills in good input, and makes the pages or the object that it needs. */
	void (*prepare)(union any *any);
	/* Clean up: @undo after success, @drop after a refusal. */
	void (*undo)(union any *any);
	void (*drop)(union any *any);
	/* What good input returns: 0 or an errno. */
	int want;
	/* Who may call it: CAP_SYS_ADMIN, anyone, or anyone who has opened an object. */
	enum { ADMIN, ANYONE, OBJECT } whose;
} commands[] = {
	{ "QUERY", KHO_QUERY, sizeof(struct kho_query),
	  { ZERO(kho_query, flags) }, nothing, nothing, nothing, 0, ANYONE },
	{ "PAGE_ADD", KHO_PAGE_ADD, sizeof(struct kho_page),
	  { 0 }, good_add, undo_add, nothing, 0, ADMIN },
	{ "PAGE_DEL", KHO_PAGE_DEL, sizeof(struct kho_page),
	  { 0 }, good_del, nothing, drop_del, 0, ADMIN },
	{ "BATCH_ADD", KHO_BATCH_ADD, sizeof(struct kho_batch),
	  { ZERO(kho_batch, reserved) }, good_batch_add, undo_batch_add,
	  nothing, 0, ADMIN },
	{ "BATCH_DEL", KHO_BATCH_DEL, sizeof(struct kho_batch),
	  { ZERO(kho_batch, reserved) }, good_batch_del, nothing,
	  undo_batch_add, 0, ADMIN },
	/* No page has come from a previous kernel that could be opened. */
	{ "PAGE_OPEN", KHO_PAGE_OPEN, sizeof(struct kho_page_open),
	  { ZERO(kho_page_open, flags) }, nothing, nothing, nothing, ENOENT, ADMIN },
	{ "PAGE_LIST", KHO_PAGE_LIST, sizeof(struct kho_page_list),
	  { ZERO(kho_page_list, flags), ZERO(kho_page_list, reserved) },
	  good_page_list, nothing, nothing, 0, ADMIN },
	{ "OBJ_CREATE", KHO_OBJ_CREATE, sizeof(struct kho_obj_create),
	  { FLAG(kho_obj_create, flags), ZERO(kho_obj_create, node) },
	  good_create, undo_create, nothing, 0, ANYONE },
	{ "OBJ_OPEN", KHO_OBJ_OPEN, sizeof(struct kho_obj_name),
	  { FLAG(kho_obj_name, flags), ZERO(kho_obj_name, reserved) },
	  good_name, undo_open, drop_victim, 0, ANYONE },
	{ "OBJ_REMOVE", KHO_OBJ_REMOVE, sizeof(struct kho_obj_name),
	  { ZERO(kho_obj_name, flags), ZERO(kho_obj_name, reserved) },
	  good_name, nothing, drop_victim, 0, ANYONE },
	{ "OBJ_LIST", KHO_OBJ_LIST, sizeof(struct kho_obj_list),
	  { ZERO(kho_obj_list, flags), ZERO(kho_obj_list, reserved) },
	  good_obj_list, nothing, nothing, 0, ANYONE },
	{ "META_READ", KHO_META_READ, sizeof(struct kho_meta_read),
	  { ZERO(kho_meta_read, flags), ZERO(kho_meta_read, reserved) },
	  good_meta, nothing, nothing, 0, ADMIN },
	{ "ENVELOPE_LIST", KHO_ENVELOPE_LIST, sizeof(struct kho_envelope_list),
	  { FLAG(kho_envelope_list, flags),
	    ZERO(kho_envelope_list, reserved) },
	  good_envelopes, nothing, nothing, 0, ADMIN },
	{ "SUBTREE_LIST", KHO_SUBTREE_LIST, sizeof(struct kho_subtree_list),
	  { ZERO(kho_subtree_list, flags), ZERO(kho_subtree_list, reserved) },
	  good_subtrees, nothing, nothing, 0, ADMIN },
	{ "OBJ_PRESERVE", KHO_OBJ_PRESERVE, sizeof(struct kho_obj_preserve),
	  { FLAG(kho_obj_preserve, flags) },
	  ready_preserve, undo_preserve, nothing, 0, ANYONE },
	{ "OBJ_COMMIT", KHO_OBJ_COMMIT, sizeof(struct kho_obj_plain),
	  { ZERO(kho_obj_plain, flags) },
	  open_victim, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_SEAL", KHO_OBJ_SEAL, sizeof(struct kho_obj_plain),
	  { FLAG(kho_obj_plain, flags) },
	  open_victim, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_RESIZE", KHO_OBJ_RESIZE, sizeof(struct kho_obj_resize),
	  { ZERO(kho_obj_resize, flags) },
	  good_resize, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_SET_DATA", KHO_OBJ_SET_DATA, sizeof(struct kho_obj_data),
	  { ZERO(kho_obj_data, flags), ZERO(kho_obj_data, reserved) },
	  good_data, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_GET_DATA", KHO_OBJ_GET_DATA, sizeof(struct kho_obj_data),
	  { ZERO(kho_obj_data, flags), ZERO(kho_obj_data, reserved) },
	  good_data, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_SET_OWNER", KHO_OBJ_SET_OWNER, sizeof(struct kho_obj_owner),
	  { FLAG(kho_obj_owner, flags), ZERO(kho_obj_owner, reserved) },
	  good_owner, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_INFO", KHO_OBJ_INFO, sizeof(struct kho_obj_info),
	  { ZERO(kho_obj_info, flags) },
	  open_victim, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_VERIFY", KHO_OBJ_VERIFY, sizeof(struct kho_obj_verify),
	  { ZERO(kho_obj_verify, flags) },
	  good_verify, close_victim, close_victim, 0, OBJECT },
	{ "OBJ_INFO_LIST", KHO_OBJ_INFO_LIST, sizeof(struct kho_obj_info_list),
	  { ZERO(kho_obj_info_list, flags) },
	  good_infos, nothing, nothing, 0, ANYONE },
	/* A struct of zeros leaves everything as it is. */
	{ "HANDOFF", KHO_HANDOFF, sizeof(struct kho_handoff),
	  { ZERO(kho_handoff, flags), ZERO(kho_handoff, reserved) },
	  nothing, nothing, nothing, 0, ADMIN },
	{ "SCRATCH", KHO_SCRATCH, sizeof(struct kho_scratch_take),
	  { ZERO(kho_scratch_take, flags) },
	  nothing, nothing, nothing, 0, ADMIN },
	/* So does this one: no kernel is loaded. */
	{ "IMAGE", KHO_IMAGE, sizeof(struct kho_image),
	  { FLAG(kho_image, flags), ZERO(kho_image, reserved) },
	  nothing, nothing, nothing, 0, ADMIN },
	/* And this one: nobody was asked. */
	{ "UPGRADE", KHO_UPGRADE, sizeof(struct kho_upgrade),
	  { ZERO(kho_upgrade, flags) },
	  nothing, nothing, nothing, 0, ADMIN },
};

/* ---- What all commands have in common ---- */

static int file_for(const struct command *c)
{
	return c->whose == OBJECT ? object_fd : kho;
}

/*
 * Calls @c once with good input at @where, but for its size, and the byte at @spoil if
 * that is not negative.  The call has to return @want, and in the end nothing may have
 * changed.
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
	err = call_on(file_for(c), c->cmd, where);
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

/* Does the command write nothing to its struct? */
static bool has_nothing_to_tell(const struct command *c)
{
	switch (c->cmd) {
	case KHO_PAGE_ADD:
	case KHO_PAGE_DEL:
	case KHO_OBJ_REMOVE:
	case KHO_OBJ_COMMIT:
	case KHO_OBJ_SEAL:
	case KHO_OBJ_RESIZE:
	case KHO_OBJ_SET_DATA:
	case KHO_OBJ_SET_OWNER:
	case KHO_HANDOFF:
	case KHO_IMAGE:
		return true;
	default:
		return false;
	}
}

/*
 * Calls @c with a struct that can't be written, in @page: a command that has to write to
 * its struct must fail and change nothing.
 */
static void try_unwritable(const struct command *c, char *page)
{
	int want = has_nothing_to_tell(c) ? c->want : EFAULT, err;
	char *where = page + PAGE - c->size;
	struct kho_query before;
	union any any;

	get_query(kho, &before);
	memset(&any, 0, sizeof(any));
	c->prepare(&any);
	any.size = c->size;
	memcpy(where, &any, c->size);
	mprotect(page, PAGE, PROT_READ);
	err = call_on(file_for(c), c->cmd, where);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	if (err)
		c->drop(&any);
	else
		c->undo(&any);
	if (!result(err == want && unchanged(&before, c->name),
		    "%s, not writable: %s", c->name, name_of(want)))
		printf("# got %s\n", name_of(err));
}

/* The size of the first version of a struct, whose callers have to be served. */
static __u32 first_size(const struct command *c)
{
	switch (c->cmd) {
	case KHO_QUERY:
		return offsetof(struct kho_query, arrival_kind);
	case KHO_OBJ_INFO:
		return offsetof(struct kho_obj_info, poisoned_pages);
	case KHO_OBJ_VERIFY:
		return offsetof(struct kho_obj_verify, poisoned);
	default:
		return c->size;
	}
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

		/* A struct that is cut off by the end of the mapping. */
		*(__u32 *)(two + PAGE - 4) = c->size;
		if (c->whose == OBJECT)
			open_victim(NULL);
		refused_on(EFAULT, file_for(c), c->cmd, two + PAGE - 4,
			   "cut off");
		if (c->whose == OBJECT)
			close_victim(NULL);
		try_unwritable(c, two);
	}
}

/* Commands for the device don't work on objects, nor the other way round. */
static void test_wrong_file(void)
{
	static union any room;
	char what[60];
	size_t i;

	open_victim(NULL);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		memset(&room, 0, sizeof(room));
		room.size = c->size;
		snprintf(what, sizeof(what), "%s, on %s", c->name,
			 c->whose == OBJECT ? "the device" : "an object");
		refused_on(ENOTTY, c->whose == OBJECT ? kho : object_fd, c->cmd,
			   &room, what);
	}
	refused_on(ENOTTY, object_fd,
		   _IO(KHO_IOCTL_TYPE, KHO_CMD_IMAGE + 1), &room,
		   "no command, on an object");
	/* The C library calls this ioctl for any file. */
	result(!isatty(object_fd) && errno == ENOTTY, "an object is no terminal");
	close_victim(NULL);
}

static void test_unknown(void)
{
	static const unsigned int numbers[] = {
		0, KHO_CMD_BASE - 1, KHO_CMD_IMAGE + 1, 0xff,
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

/*
 * Without CAP_SYS_ADMIN, commands that need it fail and no addresses are told.  Returns
 * how often that is not so.
 */
static int without_privilege(void)
{
	static union any room;
	struct kho_query q;
	size_t i;
	int bad = 0;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].whose != ADMIN)
			continue;
		memset(&room, 0, sizeof(room));
		room.size = commands[i].size;
		if (call(commands[i].cmd, &room) != EPERM)
			bad++;
	}
	get_query(kho, &q);
	if (q.setup_addr || q.fdt_addr || q.root_addr || q.scratch_addr)
		bad++;
	return bad;
}

/* As nobody, with a device that was opened by root. */
static int as_nobody(void)
{
	if (setuid(65534))
		return 100;
	return without_privilege() +
	       (open("/dev/kho", O_RDWR) >= 0 || errno != EACCES);
}

/* As root, but without CAP_SYS_ADMIN. */
static int without_capability(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return 100;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &head, data))
		return 100;
	return without_privilege();
}

static void test_unprivileged(void)
{
	int (*const run[])(void) = { as_nobody, without_capability };
	static const char *const what[] = {
		"nobody gets EPERM and no addresses, and can't open the device",
		"root without CAP_SYS_ADMIN gets EPERM and no addresses",
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
	test_wrong_file();
	test_unprivileged();
	test_pages();
	test_batches();
	test_undoing();
	test_names();
	test_objects();
	test_lists();
	test_envelopes();
	result(unchanged(&before, "all of it"), "nothing is left behind");

	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
