// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: queries, lists, bad commands and unknown ones.
 */
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "fuzz.h"

void op_query(struct ctx *c)
{
	struct kho_query arg = { .size = sizeof(arg) };
	int err = call(c, c->kho, KHO_QUERY, &arg);

	ALLOW(c, err, "query", 0);
	if (arg.changes < c->changes)
		finding(c, "changes went from %llu to %llu", c->changes, arg.changes);
	if (arg.frozen && !slate->jumping)
		finding(c, "it is frozen");
	if (!c->root && (arg.setup_addr || arg.fdt_addr || arg.root_addr))
		finding(c, "addresses are told");
	c->changes = arg.changes;
}

/* All objects of our own have to be listed. */
void op_list(struct ctx *c)
{
	static __thread struct kho_obj_info info[256];
	struct kho_obj_info_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(info),
		.entry_size = sizeof(info[0]),
		.count = ARRAY_SIZE(info),
	};
	unsigned int slot, i;
	struct model *o;
	int err;

	if (one_in(c, 3)) {
		struct kho_obj_list list = {
			.size = sizeof(list),
			.entries = ptr64(info),
			.count = below(c, 100),
			.first = below(c, 100),
		};

		err = call(c, c->kho, KHO_OBJ_LIST, &list);
		ALLOW(c, err, "obj_list", 0, ENOMEM);
		return;
	}
	err = call(c, c->kho, KHO_OBJ_INFO_LIST, &arg);
	ALLOW(c, err, "info_list", 0, ENOMEM);
	if (err || arg.total > arg.count)
		return;
	for (slot = 0; slot < NR_SLOTS; slot++) {
		o = &c->w->obj[slot];
		if (!o->there)
			continue;
		for (i = 0; i < arg.count; i++)
			if (!memcmp(info[i].name, o->name, sizeof(o->name)))
				break;
		c->slot = slot;
		if (i == arg.count)
			finding(c, "'%.63s' is not among %u that are listed", o->name,
				arg.count);
		check_info(c, o, &info[i]);
	}
}

/* ---- Scratch, the next kernel, and the next module ---- */

/* No scratch of a test is larger than this to begin with. */
#define MOST_SCRATCH	(288ULL << 20)

/* In most kernels the next one is loaded: then scratch must stay what it is. */
void op_scratch(struct ctx *c)
{
	struct kho_scratch_take arg = {
		.size = sizeof(arg),
		.bytes = one_in(c, 4) ? chance(c) >> below(c, 64) : below(c, MOST_SCRATCH),
	};
	__u64 asked = arg.bytes;
	int err;

	c->a = asked;
	err = call(c, c->kho, KHO_SCRATCH, &arg);
	ALLOW(c, err, "scratch", 0, EBUSY, EINVAL, ENOMEM, EOPNOTSUPP);
	if (!err && arg.bytes < asked)
		finding(c, "scratch of %llu bytes instead of %llu", arg.bytes, asked);
	if (!err && arg.held > arg.bytes)
		finding(c, "%llu bytes of %llu are set aside", arg.held, arg.bytes);
	/* A page has at least 4 KiB, and scratch is larger than the machine by 2 MiB at most. */
	if (!err && arg.bytes > sysconf(_SC_PHYS_PAGES) * PAGE + (4ULL << 20))
		finding(c, "scratch of %llu bytes", arg.bytes);
}

void op_image(struct ctx *c)
{
	struct kho_image arg = {
		.size = sizeof(arg),
		.state = below(c, 4),
		.flags = one_in(c, 4) ? KHO_IMAGE_BY_FILE : 0,
	};
	bool by_file = arg.flags;
	int err;

	/* A real limit would keep others from preserving what lies beyond it. */
	if (arg.state != KHO_IMAGE_BEGUN && one_in(c, 4))
		arg.limit = chance(c);
	c->a = arg.state;
	c->b = arg.limit;
	err = call(c, c->kho, KHO_IMAGE, &arg);
	if (arg.state > KHO_IMAGE_LOADED || arg.limit ||
	    (by_file && arg.state != KHO_IMAGE_BEGUN))
		ALLOW(c, err, "bad image", EINVAL, EOPNOTSUPP);
	else if (arg.state == KHO_IMAGE_LOADED)
		/* Somebody else may have said so, or that there is none. */
		ALLOW(c, err, "loaded", 0, EINVAL, ENOENT, ENOMEM, EOPNOTSUPP);
	else
		ALLOW(c, err, "image", 0, ENOMEM, EOPNOTSUPP);
}

/* Other workers have the device open, unless all of them have been killed. */
void op_upgrade(struct ctx *c)
{
	struct kho_upgrade arg = { .size = sizeof(arg), .state = below(c, 4), .others = 77 };
	struct pollfd asked = { .fd = c->kho, .events = POLLPRI };
	int err;

	c->a = arg.state;
	err = call(c, c->kho, KHO_UPGRADE, &arg);
	if (arg.state > KHO_UPGRADE_LEAVE)
		ALLOW(c, err, "bad upgrade", EINVAL);
	else if (arg.state == KHO_UPGRADE_LEAVE)
		ALLOW(c, err, "leave", 0, EBUSY, EOPNOTSUPP, ENOMEM);
	else
		ALLOW(c, err, "ask", 0);
	if (arg.others && err != EBUSY)
		finding(c, "%u others", arg.others);
	if (poll(&asked, 1, 0) < 0 && errno != EINTR)
		finding(c, "poll: errno %d", errno);
}

/* ---- Bad commands ---- */

static const struct command {
	unsigned int cmd;
	__u32 size;
	__u32 least;		/* of its first version, if that was smaller */
	bool all;		/* for everybody */
	bool on_object;
	__u32 flags_at;		/* offset of a member whose bit 31 is unknown, or 0 */
} commands[] = {
	{ KHO_QUERY, sizeof(struct kho_query),
	  offsetof(struct kho_query, arrival_kind), true, false, 4 },
	{ KHO_PAGE_ADD, sizeof(struct kho_page), 0, false, false, 0 },
	{ KHO_PAGE_DEL, sizeof(struct kho_page), 0, false, false, 0 },
	{ KHO_BATCH_ADD, sizeof(struct kho_batch), 0, false, false, 20 },
	{ KHO_BATCH_DEL, sizeof(struct kho_batch), 0, false, false, 20 },
	{ KHO_PAGE_OPEN, sizeof(struct kho_page_open), 0, false, false, 16 },
	{ KHO_PAGE_LIST, sizeof(struct kho_page_list), 0, false, false, 4 },
	{ KHO_OBJ_CREATE, sizeof(struct kho_obj_create), 0, true, false, 4 },
	{ KHO_OBJ_OPEN, sizeof(struct kho_obj_name), 0, true, false, 4 },
	{ KHO_OBJ_REMOVE, sizeof(struct kho_obj_name), 0, true, false, 4 },
	{ KHO_OBJ_LIST, sizeof(struct kho_obj_list), 0, true, false, 4 },
	{ KHO_META_READ, sizeof(struct kho_meta_read), 0, false, false, 4 },
	{ KHO_ENVELOPE_LIST, sizeof(struct kho_envelope_list), 0, false, false, 4 },
	{ KHO_SUBTREE_LIST, sizeof(struct kho_subtree_list), 0, false, false, 4 },
	{ KHO_OBJ_PRESERVE, sizeof(struct kho_obj_preserve), 0, true, false, 4 },
	{ KHO_OBJ_INFO_LIST, sizeof(struct kho_obj_info_list), 0, true, false, 4 },
	{ KHO_HANDOFF, sizeof(struct kho_handoff), 0, false, false, 4 },
	{ KHO_OBJ_COMMIT, sizeof(struct kho_obj_plain), 0, true, true, 4 },
	{ KHO_OBJ_SEAL, sizeof(struct kho_obj_plain), 0, true, true, 4 },
	{ KHO_OBJ_RESIZE, sizeof(struct kho_obj_resize), 0, true, true, 4 },
	{ KHO_OBJ_SET_DATA, sizeof(struct kho_obj_data), 0, true, true, 4 },
	{ KHO_OBJ_GET_DATA, sizeof(struct kho_obj_data), 0, true, true, 4 },
	{ KHO_OBJ_SET_OWNER, sizeof(struct kho_obj_owner), 0, true, true, 4 },
	{ KHO_SCRATCH, sizeof(struct kho_scratch_take), 0, false, false, 4 },
	{ KHO_IMAGE, sizeof(struct kho_image), 0, false, false, 4 },
	{ KHO_UPGRADE, sizeof(struct kho_upgrade), 0, false, false, 4 },
	{ KHO_OBJ_INFO, sizeof(struct kho_obj_info),
	  offsetof(struct kho_obj_info, poisoned_pages), true, true, 4 },
	{ KHO_OBJ_VERIFY, sizeof(struct kho_obj_verify),
	  offsetof(struct kho_obj_verify, poisoned), true, true, 4 },
};

static void random_bytes(struct ctx *c, char *p, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		__u64 word = one_in(c, 2) ? 0 : chance(c) >> below(c, 64);

		memcpy(p + i, &word, 8);
	}
}

static bool writes(unsigned int cmd)
{
	return cmd == KHO_OBJ_COMMIT || cmd == KHO_OBJ_SEAL || cmd == KHO_OBJ_RESIZE ||
	       cmd == KHO_OBJ_SET_DATA;
}

/* A command number that neither kind of file knows. */
static void no_command(struct ctx *c, int fd, char *p)
{
	unsigned int cmd = chance(c);

	if (one_in(c, 2))
		cmd = KHO_QUERY + 100 + below(c, 90);
	else if (one_in(c, 2))
		cmd = KHO_QUERY | 1U << (16 + below(c, 16));
	/* Numbers of other types may be commands for all files. */
	if ((cmd >> 8 & 0xff) != KHO_IOCTL_TYPE)
		cmd = (cmd & ~0xff00U) | KHO_IOCTL_TYPE << 8 | 1U << 31;
	c->a = cmd;
	ALLOW(c, call(c, fd, cmd, p), "no command", ENOTTY);
}

void op_garbage(struct ctx *c)
{
	const struct command *k = &commands[below(c, ARRAY_SIZE(commands))];
	unsigned int slot = 0, what = below(c, 6);
	struct model *o = k->on_object ? any_object(c, true, &slot) : NULL;
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	int fd = k->on_object && h ? h->fd : c->kho;
	char *p = c->buf;
	__u32 size;
	int want, err;

	if (k->on_object && !h)
		return;
	random_bytes(c, p, PAGE);
	size = k->size;
	switch (what) {
	case 0:
		size = below(c, k->least ? k->least : k->size);
		want = EINVAL;
		break;
	case 1:
		size = k->size + 1 + below(c, 3000 - k->size);
		p[size - 1] = 1;
		want = E2BIG;
		break;
	case 2:
		size = PAGE + 1 + below(c, 1U << 31);
		want = E2BIG;
		break;
	case 3:
		/* The struct reaches into a hole. */
		p = c->guard - below(c, k->size / 4) * 4;
		want = EFAULT;
		break;
	case 4:
		if (!k->flags_at)
			return;
		p[k->flags_at + 3] |= 0x80;
		want = EOPNOTSUPP;
		break;
	default:
		no_command(c, fd, p);
		return;
	}
	c->a = what;
	c->b = size;
	if (what != 3 || p + 4 <= c->guard)
		memcpy(p, &size, 4);
	err = call(c, fd, k->cmd, p);
	if (!k->all && !c->root)
		ALLOW(c, err, "garbage of who may not", EPERM);
	else if (h && !h->writable && writes(k->cmd))
		ALLOW(c, err, "garbage to what is open for reading", EBADF);
	else
		ALLOW(c, err, "garbage", want);
}

void op_denied(struct ctx *c)
{
	const struct command *k = &commands[below(c, ARRAY_SIZE(commands))];
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	__u32 size = k->size;

	memset(c->buf, 0, PAGE);
	memcpy(c->buf, &size, 4);
	/* A command for the other kind of file, or for CAP_SYS_ADMIN */
	if (k->on_object)
		ALLOW(c, call(c, c->kho, k->cmd, c->buf), "on the device", ENOTTY);
	else if (h && one_in(c, 2))
		ALLOW(c, call(c, h->fd, k->cmd, c->buf), "on an object", ENOTTY);
	else if (!k->all && !c->root)
		ALLOW(c, call(c, c->kho, k->cmd, c->buf), "for others", EPERM);
}

void op_unload(struct ctx *c)
{
	int err = syscall(SYS_delete_module, "kho", O_NONBLOCK) ? errno : 0;

	ALLOW(c, counted(c, 0, err), "unloading", EAGAIN);
}
