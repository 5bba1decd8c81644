// SPDX-License-Identifier: GPL-2.0
/*
 * Users that are not root: what each may do with its own objects, and that it sees no
 * others but those that it was given access to.
 *
 * Each part is a process of its own that becomes one of the users.
 */
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ioctl.h"

#define DEVICE		"/dev/kho"
#define DEVICE_GROUP	2000
#define TEAM		3000

enum { ALICE = 1000, BOB, CAROL, DAVE, EVE };

/* Becomes @uid, in the device's group, the team or both, and opens the device. */
static void become(uid_t uid, bool device, bool team)
{
	gid_t groups[2];
	size_t n = 0;
	int fd;

	if (device)
		groups[n++] = DEVICE_GROUP;
	if (team)
		groups[n++] = TEAM;
	if (setgroups(n, groups) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		die("user %u: %s", uid, strerror(errno));
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (!device) {
		result(fd < 0 && errno == EACCES,
		       "who is not in the device's group can't open it: EACCES");
		return;
	}
	if (fd < 0)
		die("%s: %s", DEVICE, strerror(errno));
	dup2(fd, kho);
	close(fd);
}

/* Do both lists show the caller the objects with the names @want, in that order? */
static bool sees(const char *want)
{
	struct kho_obj_info infos[8];
	struct kho_obj_entry entries[8];
	struct kho_obj_info_list list = {
		.size = sizeof(list),
		.entries = ptr64(infos),
		.count = ARRAY_SIZE(infos),
		.entry_size = sizeof(infos[0]),
	};
	struct kho_obj_list old = {
		.size = sizeof(old),
		.entries = ptr64(entries),
		.count = ARRAY_SIZE(entries),
	};
	char got[512] = "", got_old[512] = "";
	__u32 i;

	need(call(KHO_OBJ_INFO_LIST, &list), "OBJ_INFO_LIST");
	need(call(KHO_OBJ_LIST, &old), "OBJ_LIST");
	for (i = 0; i < list.count; i++)
		sprintf(got + strlen(got), "%s%.60s", i ? " " : "", infos[i].name);
	for (i = 0; i < old.count; i++)
		sprintf(got_old + strlen(got_old), "%s%.60s", i ? " " : "",
			entries[i].name);
	if (!strcmp(got, want) && !strcmp(got_old, want) &&
	    list.total == list.count && old.total == old.count)
		return true;
	printf("# lists '%s' and '%s', of %llu and %llu\n", got, got_old,
	       (unsigned long long)list.total, (unsigned long long)old.total);
	return false;
}

static void cannot_open(int want, const char *name, __u32 flags, const char *what)
{
	struct kho_obj_name arg = { .size = sizeof(arg), .flags = flags };

	memcpy(arg.name, name, strlen(name));
	refused(want, KHO_OBJ_OPEN, &arg, what);
}

static void cannot_remove(int want, const char *name, const char *what)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, strlen(name));
	refused(want, KHO_OBJ_REMOVE, &arg, what);
}

/* Changes an object's owner, group and mode, as root. */
static void give(const char *name, __u32 which, __u32 uid, __u32 gid, __u32 mode)
{
	int fd;

	need(open_object(name, 0, &fd), "open");
	need(set_owner(fd, which, uid, gid, mode), "set owner");
	close(fd);
}

static bool owned(int fd, __u32 uid, __u32 gid, __u32 mode)
{
	struct kho_obj_info info;
	struct stat st;

	object_info(fd, &info);
	if (info.uid == uid && info.gid == gid && info.mode == mode &&
	    !fstat(fd, &st) && st.st_uid == uid && st.st_gid == gid &&
	    (st.st_mode & 07777) == mode)
		return true;
	printf("# %u:%u, mode %o\n", info.uid, info.gid, info.mode);
	return false;
}

/* ---- Alice has objects ---- */

static void no_addresses(void)
{
	struct kho_page page = { .size = sizeof(page), .pfn = pool_pfn[0] };
	struct kho_query q;

	get_query(kho, &q);
	result(!q.setup_addr && !q.fdt_addr && !q.root_addr && !q.scratch_addr &&
	       q.features & KHO_FEATURE_AGENTS, "the query tells no addresses");
	refused(EPERM, KHO_PAGE_ADD, &page, "add a page by number");
}

static void alice_makes(void *arg)
{
	char *p = map_anon(4 * PAGE);
	int fd;

	(void)arg;
	become(ALICE, true, true);
	no_addresses();
	result(sees(""), "Alice sees nothing");
	cannot_open(ENOENT, "root", 0, "open root's object");
	cannot_open(ENOENT, "root", KHO_OPEN_READ, "open root's object to be read");
	cannot_remove(ENOENT, "root", "remove root's object");
	failed_with(EEXIST, create("root", PAGE, &fd), "create under its name");

	done(create("alice-1", 4 * PAGE, &fd), "Alice makes an object");
	result(owned(fd, ALICE, ALICE, 0600), "it is hers");
	failed_with(EPERM, set_owner(fd, KHO_OWNER_UID, BOB, 0, 0), "give it to Bob");
	failed_with(EPERM, set_owner(fd, KHO_OWNER_UID, 0, 0, 0), "give it to root");
	failed_with(EPERM, set_owner(fd, KHO_OWNER_GID, 0, 0, 0),
		    "give it to root's group");
	failed_with(EPERM, set_owner(fd, KHO_OWNER_GID | KHO_OWNER_MODE, 0, 4000,
				     0666), "give it to a group she is not in");
	failed_with(EINVAL, set_owner(fd, KHO_OWNER_MODE, 0, 0, 0777),
		    "make it executable");
	failed_with(EINVAL, set_owner(fd, KHO_OWNER_MODE, 0, 0, 02660),
		    "make it set-group-ID");
	failed_with(EINVAL, set_owner(fd, KHO_OWNER_MODE, 0, 0, ~0U),
		    "set all bits of its mode");
	result(owned(fd, ALICE, ALICE, 0600), "nothing of that has changed it");
	done(set_owner(fd, KHO_OWNER_UID, ALICE, 0, 0), "give it to herself");
	done(set_owner(fd, KHO_OWNER_GID | KHO_OWNER_MODE, 77, TEAM, 0640),
	     "give it to her team, to be read");
	result(owned(fd, ALICE, TEAM, 0640), "so it is");
	done(pwrite(fd, "alice", 6, 0) == 6 ? 0 : errno, "write to it");
	close(fd);

	fill(p, 4 * PAGE, 1);
	done(preserve("alice-2", p, 4 * PAGE, 0, &fd), "Alice preserves memory");
	result(owned(fd, ALICE, ALICE, 0600), "it is hers");
	close(fd);
	result(sees("alice-1 alice-2"), "Alice sees both, and no more");
}

static void carol_finds_nothing(void *arg)
{
	(void)arg;
	become(CAROL, true, false);
	result(sees(""), "Carol sees nothing");
	cannot_open(ENOENT, "alice-1", KHO_OPEN_READ, "Carol opens Alice's object");
	cannot_open(ENOENT, "alice-2", 0, "Carol opens Alice's memory");
	cannot_remove(ENOENT, "alice-1", "Carol removes Alice's object");
	cannot_remove(ENOENT, "no such object", "Carol removes what is not there");
}

static void bob_reads(void *arg)
{
	char room[6];
	int fd;

	(void)arg;
	become(BOB, true, true);
	result(sees("alice-1"), "Bob sees what his team may read");
	cannot_open(EACCES, "alice-1", 0, "Bob opens it to be written");
	cannot_open(ENOENT, "alice-2", KHO_OPEN_READ, "Bob opens the other");
	if (done(open_object("alice-1", KHO_OPEN_READ, &fd), "Bob opens it to be read")) {
		result(pread(fd, room, 6, 0) == 6 && !strcmp(room, "alice"),
		       "and reads it");
		result(pwrite(fd, "bob", 4, 0) == -1 && errno == EBADF,
		       "but can't write: EBADF");
		failed_with(EPERM, set_owner(fd, KHO_OWNER_MODE, 0, 0, 0660),
			    "nor change its mode");
		failed_with(EPERM, set_owner(fd, KHO_OWNER_UID, BOB, 0, 0),
			    "nor take it");
		failed_with(EBADF, commit_object(fd), "nor commit it");
		close(fd);
	}
	cannot_remove(EPERM, "alice-1", "nor remove it");
}

static void bob_writes(void *arg)
{
	int fd;

	(void)arg;
	become(BOB, true, true);
	if (!done(open_object("alice-1", 0, &fd), "Bob opens what his team may write"))
		return;
	done(pwrite(fd, "bob", 4, 0) == 4 ? 0 : errno, "and writes to it");
	done(set_data(fd, "data", 4), "and sets its data");
	failed_with(EPERM, set_owner(fd, KHO_OWNER_MODE, 0, 0, 0666),
		    "but can't change its mode");
	close(fd);
	cannot_remove(EPERM, "alice-1", "nor remove it");
}

static void bob_may_only_write(void *arg)
{
	(void)arg;
	become(BOB, true, true);
	result(sees("alice-1"), "Bob sees what his team may write but not read");
	cannot_open(EACCES, "alice-1", KHO_OPEN_READ, "Bob opens it to be read");
	cannot_open(EACCES, "alice-1", 0, "Bob opens it to be read and written");
}

static void alice_shuts_herself_out(void *arg)
{
	int fd;

	(void)arg;
	become(ALICE, true, true);
	/* As for files, only the owner's bits count for her, though her team may open it. */
	result(sees("alice-1 alice-2"), "Alice sees what its owner may not use");
	cannot_open(EACCES, "alice-1", 0, "Alice opens it");
	cannot_open(EACCES, "alice-1", KHO_OPEN_READ, "Alice opens it to be read");
	done(open_object("alice-2", 0, &fd), "Alice opens the other");
	done(set_owner(fd, KHO_OWNER_MODE, 0, 0, 0), "and takes all rights away");
	cannot_open(EACCES, "alice-2", KHO_OPEN_READ, "Alice opens it again");
	done(set_owner(fd, KHO_OWNER_MODE, 0, 0, 0600),
	     "but may give them back, by the file that is open");
	close(fd);
	done(open_object("alice-2", 0, &fd), "Alice opens it then");
	close(fd);
}

static void carol_is_let_in(void *arg)
{
	int fd;

	(void)arg;
	become(CAROL, true, false);
	result(sees("alice-1"), "Carol sees what all may read");
	done(open_object("alice-1", KHO_OPEN_READ, &fd), "and opens it");
	close(fd);
	cannot_open(EACCES, "alice-1", 0, "Carol opens it to be written");
}

static void alice_has_lost_one(void *arg)
{
	int *fd = arg;

	become(ALICE, true, true);
	result(sees("alice-1"), "Alice does not see what is Bob's now");
	done(pwrite(*fd, "kept", 4, 0) == 4 ? 0 : errno,
	     "but a file that was open can still be written");
	done(remove_object("alice-1"), "Alice removes what is hers");
	result(sees(""), "she has no more");
}

static void bob_has_one(void *arg)
{
	(void)arg;
	become(BOB, true, true);
	result(sees("alice-2"), "Bob sees what is his now");
	done(remove_object("alice-2"), "and removes it");
}

static void dave_is_outside(void *arg)
{
	(void)arg;
	become(DAVE, false, true);
}

static void test_owners(void)
{
	int fd;

	in_child("Alice", alice_makes, NULL);
	in_child("Carol", carol_finds_nothing, NULL);
	in_child("Dave", dave_is_outside, NULL);
	in_child("Bob", bob_reads, NULL);
	result(sees("root alice-1 alice-2"), "root sees all");

	give("alice-1", KHO_OWNER_MODE, 0, 0, 0660);
	in_child("Bob", bob_writes, NULL);
	give("alice-1", KHO_OWNER_MODE, 0, 0, 0620);
	in_child("Bob", bob_may_only_write, NULL);
	give("alice-1", KHO_OWNER_MODE, 0, 0, 0066);
	in_child("Alice", alice_shuts_herself_out, NULL);
	give("alice-1", KHO_OWNER_MODE, 0, 0, 0604);
	in_child("Carol", carol_is_let_in, NULL);

	need(open_object("alice-2", 0, &fd), "open");
	failed_with(EINVAL, set_owner(fd, KHO_OWNER_UID, ~0U, 0, 0),
		    "give it to user -1");
	failed_with(EINVAL, set_owner(fd, KHO_OWNER_GID, 0, ~0U, 0),
		    "give it to group -1");
	done(set_owner(fd, KHO_OWNER_UID | KHO_OWNER_GID, BOB, BOB, 0),
	     "root gives Alice's memory to Bob");
	result(owned(fd, BOB, BOB, 0600), "so it is");
	in_child("Alice", alice_has_lost_one, &fd);
	close(fd);
	in_child("Bob", bob_has_one, NULL);
}

/* ---- Limits ---- */

static void limit(rlim_t bytes)
{
	struct rlimit rlimit = { bytes, bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &rlimit))
		die("RLIMIT_MEMLOCK: %s", strerror(errno));
}

static void one_page_too_many(const char *what)
{
	int fd, err = create("more", PAGE, &fd);

	failed_with(EDQUOT, err, what);
	if (!err) {
		close(fd);
		need(remove_object("more"), "remove");
	}
}

/* An object of 16 pages can be created, and no page more. */
static void has_all(const char *what)
{
	int fd;

	if (!done(create("all", 16 * PAGE, &fd), what))
		return;
	one_page_too_many("a page more than that");
	close(fd);
	need(remove_object("all"), "remove");
}

static const char constant[PAGE] ATTRIBUTE(aligned(4096)) = "constant";

static void eve_has_limits(void *arg)
{
	char *p = map_anon(20 * PAGE);
	int fd, fd2;

	(void)arg;
	limit(16 * PAGE);
	become(EVE, true, false);
	fill(p, 20 * PAGE, 2);
	failed_with(EDQUOT, create("all", 17 * PAGE, &fd), "create more than the limit");
	bad_preserve(EDQUOT, KHO_WHY_LIMIT, p, 17 * PAGE, NULL,
		     "preserve more than the limit");
	has_all("create as much as the limit");

	need(create("a", 10 * PAGE, &fd), "create");
	bad_preserve(EDQUOT, KHO_WHY_LIMIT, p, 7 * PAGE, NULL,
		     "preserve more than is left");
	bad_preserve(EACCES, KHO_WHY_PROTECTED, constant, PAGE, constant,
		     "preserve what can't be");
	done(preserve("b", p, 6 * PAGE, 0, &fd2), "preserve all that is left");
	one_page_too_many("a page more");
	failed_with(EDQUOT, resize_object(fd, 11 * PAGE), "resize to a page more");
	done(resize_object(fd, 8 * PAGE), "resize to two pages less");
	done(resize_object(fd, 10 * PAGE), "resize to two pages more");
	one_page_too_many("a page more");
	close(fd);
	need(remove_object("a"), "remove");
	munmap(p, 20 * PAGE);
	close(fd2);
	need(remove_object("b"), "remove");
	has_all("all of it can be had again");

	need(create_as("a", 16 * PAGE, KHO_CREATE_UNCOMMITTED, 0, &fd), "create");
	one_page_too_many("a page more than what is not committed");
	close(fd);
	has_all("all of it, once what was not committed has gone");
}

static void eve_has_huge_pages(void *arg)
{
	char *p;
	int fd;

	(void)arg;
	if (!has_thp())
		return;
	/* Still as root: nobody else is told page numbers. */
	p = map_thp(2);
	limit(600 * PAGE);
	become(EVE, true, false);
	need(preserve("part", p + PAGE, PAGE, 0, &fd), "preserve a page");
	bad_preserve(EDQUOT, KHO_WHY_LIMIT, p + HUGE_SIZE, PAGE, NULL,
		     "a huge page counts in full, though it is only a page of it");
	close(fd);
	need(remove_object("part"), "remove");
	done(preserve("part", p + HUGE_SIZE, HUGE_SIZE, 0, &fd),
	     "and is had again with the object");
	close(fd);
	need(remove_object("part"), "remove");
	munmap(p, 2 * HUGE_SIZE);
}

static void eve_leaves_one(void *arg)
{
	int fd;

	(void)arg;
	limit(16 * PAGE);
	become(EVE, true, false);
	need(create("eve", 16 * PAGE, &fd), "create");
}

static void eve_has_no_more(void *arg)
{
	(void)arg;
	limit(16 * PAGE);
	become(EVE, true, false);
	one_page_too_many("what another process of Eve's has made counts");
}

static void eve_has_all(void *arg)
{
	limit(16 * PAGE);
	become(EVE, true, false);
	has_all(arg);
}

static void eve_has_none(void *arg)
{
	(void)arg;
	limit(0);
	become(EVE, true, false);
	one_page_too_many("a page, with a limit of 0");
}

#define EVES_LIMIT	(16U << 20)

/* Memory that is still being freed counts, so a user at the limit has to wait for it. */
static void eve_makes_room(void *arg)
{
	int i, fd, err = 0;

	(void)arg;
	limit(EVES_LIMIT);
	become(EVE, true, false);
	for (i = 0; i < 10 && !err; i++) {
		err = create("again", EVES_LIMIT, &fd);
		if (err)
			break;
		close(fd);
		err = remove_object("again");
	}
	done(err, "all that the limit allows, removed and made ten times over");
}

/* As root of her own user namespace, Eve may do no more than before. */
static void eve_in_a_namespace(void *arg)
{
	(void)arg;
	limit(0);
	become(EVE, true, false);
	if (unshare(CLONE_NEWUSER)) {
		result(!full, "this kernel has no user namespaces");
		return;
	}
	no_addresses();
	one_page_too_many("a page, with a limit of 0 and all capabilities");
	result(sees(""), "in a user namespace Eve sees nothing");
	cannot_open(ENOENT, "root", KHO_OPEN_READ, "Eve opens root's object");
}

static void root_without_limits(void *arg)
{
	int fd;

	(void)arg;
	limit(0);
	done(create("more", PAGE, &fd), "root has no limit");
	close(fd);
	need(remove_object("more"), "remove");
}

static void test_limits(void)
{
	in_child("Eve", eve_has_limits, NULL);
	in_child("Eve", eve_has_huge_pages, NULL);
	in_child("Eve", eve_leaves_one, NULL);
	in_child("Eve", eve_has_no_more, NULL);
	need(remove_object("eve"), "remove");
	in_child("Eve", eve_has_all, "all of it, once root has removed it");
	in_child("Eve", eve_leaves_one, NULL);
	give("eve", KHO_OWNER_UID, BOB, 0, 0);
	need(remove_object("eve"), "remove");
	in_child("Eve", eve_has_all, "all of it, once Bob's is removed");
	in_child("Eve", eve_makes_room, NULL);
	in_child("Eve", eve_has_none, NULL);
	in_child("Eve", eve_in_a_namespace, NULL);
	in_child("root", root_without_limits, NULL);
}

/* Root opened the device, but only the caller counts. */
static void with_roots_device(void *arg)
{
	int fd, roots = dup(kho);

	(void)arg;
	become(ALICE, true, false);
	dup2(roots, kho);
	result(sees(""), "by root's device Alice sees nothing");
	cannot_open(ENOENT, "root", KHO_OPEN_READ, "by root's device, root's object");
	done(create("made", PAGE, &fd), "by root's device Alice makes an object");
	result(owned(fd, ALICE, ALICE, 0600), "it is hers");
	close(fd);
	done(remove_object("made"), "remove");
	no_addresses();
}

void test_access(void)
{
	struct kho_query before;
	struct stat was;
	long pins;
	int fd;

	/* As the udev rule sets it. */
	if (stat(DEVICE, &was) || chown(DEVICE, 0, DEVICE_GROUP) ||
	    chmod(DEVICE, 0660))
		die("%s: %s", DEVICE, strerror(errno));
	result((was.st_mode & 07777) == 0600 && !was.st_uid,
	       "the device is root's at first");
	pins = pinned();
	get_query(kho, &before);
	need(create("root", PAGE, &fd), "create");
	close(fd);
	test_owners();
	test_limits();
	in_child("Alice", with_roots_device, NULL);
	need(remove_object("root"), "remove");
	result(unchanged(&before, "access") && pins_are(pins),
	       "nothing is left behind");
	if (chown(DEVICE, 0, 0) || chmod(DEVICE, 0600))
		die("%s: %s", DEVICE, strerror(errno));
}
