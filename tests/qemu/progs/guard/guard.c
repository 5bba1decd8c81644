// SPDX-License-Identifier: GPL-2.0
/*
 * guard [names]: what users of the device must not get: write access to what they
 * may only read, more memory than they are allowed, and lines of their own in the
 * log.  With "names" only the last of these.  Speaks TAP.
 */
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "guard.h"
#include "ioctl.h"

void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s: %s", path, strerror(errno));
	close(fd);
}

void become_user(uid_t real, uid_t effective)
{
	gid_t group = DEVICE_GROUP;
	int fd;

	if (setgroups(1, &group) || setresgid(real, real, real) ||
	    setresuid(real, effective, effective))
		die("user %u: %s", real, strerror(errno));
	fd = open("/dev/kho", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/dev/kho: %s", strerror(errno));
	dup2(fd, kho);
	close(fd);
}

/* ---- Names ---- */

static void not_a_name(int want, const char *bytes, size_t len, const char *what)
{
	struct kho_obj_create create = { .size = sizeof(create), .bytes = PAGE };
	struct kho_obj_name open = { .size = sizeof(open) };

	memcpy(create.name, bytes, len);
	refused(want, KHO_OBJ_CREATE, &create, what);
	/* A previous kernel may have allowed control characters of C1: ENOENT for these. */
	memcpy(open.name, bytes, len);
	if (want == EINVAL && (unsigned char)bytes[len - 1] >= 0x80)
		want = ENOENT;
	refused(want, KHO_OBJ_OPEN, &open, what);
}

static void is_a_name(const char *name, const char *what)
{
	int fd, err = create(name, PAGE, &fd);

	done(err, what);
	if (err)
		return;
	close(fd);
	need(remove_object(name), "remove");
}

static void test_log(void)
{
	static const char line[] = "a\n<0>forged-1\x1b[31m\x9b";
	static const char utf8[] = { 0xc4, 0x8d, 'a', 'j', 0 };
	char full[KHO_NAME_SIZE];
	struct kho_obj_info info;
	int fd;

	memset(full, 'x', sizeof(full));
	memcpy(full, line, strlen(line));
	not_a_name(ENAMETOOLONG, full, sizeof(full), "a name with no end, and a line");
	not_a_name(EINVAL, "a\nforged-2", 10, "a name with a line");
	not_a_name(EINVAL, "a\x1b[31m", 6, "a name with an escape");
	not_a_name(EINVAL, "ab\x9b", 3, "a name with a control character of C1");
	not_a_name(EINVAL, "ab\xc2\x9b", 4, "a name with one in UTF-8");
	is_a_name(utf8, "a name in UTF-8, with such a byte in it");
	is_a_name("caf\xe9", "a name in Latin-1");
	is_a_name("it's \\", "a name with a quote");

	/* OBJ_INFO names the process that made an object as that called itself. */
	prctl(PR_SET_NAME, "a\nb\x1b[1m\x9b");
	need(create("by", PAGE, &fd), "create");
	object_info(fd, &info);
	result(!strcmp((char *)info.comm, "a?b?[1m?"),
	       "a maker's name has no control characters");
	printf("# %s\n", info.comm);
	close(fd);
	need(remove_object("by"), "remove");
	prctl(PR_SET_NAME, "guard");

	/* guard.sh looks for this name in the log, and removes the object. */
	need(create("it's \xc4\x8d caf\xe9", PAGE, &fd), "create");
	failed_with(EEXIST, create("it's \xc4\x8d caf\xe9", PAGE, &fd),
		    "a name that is taken");
	need(remove_object("it's \xc4\x8d caf\xe9") == EBUSY ? 0 : 1, "busy");
}

int main(int argc, char **argv)
{
	struct kho_query before;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "names")))
		die("usage: guard [names]");
	kho = open_kho();
	get_query(kho, &before);
	if (argc == 2) {
		test_log();
	} else {
		if (chown("/dev/kho", 0, DEVICE_GROUP) ||
		    chmod("/dev/kho", 0660) || mkdir(DIR, 0755))
			die("%s: %s", DIR, strerror(errno));
		test_races();
		test_seals();
		test_readers();
		test_namespaces();
		test_cgroup();
		result(unchanged(&before, "all of it"), "nothing is left behind");
	}

	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
