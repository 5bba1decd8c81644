// SPDX-License-Identifier: GPL-2.0
/*
 * Judging the initrd of the next kernel.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/params.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "target/initrd.h"
#include "target/judge.h"
#include "target/plan.h"
#include "target/target.h"

/*
 * Returns the last value of the parameter @name of the command line, or NULL if it has none
 * or is unknown; the caller frees it.
 */
static char *last_value(const struct plan *p, const char *name)
{
	char *copy, *rest, *value = NULL;
	struct param w;

	if (!cmdline_known(p))
		return NULL;
	copy = xstrdup(p->cmdline.line);
	rest = copy;
	while (param_next(&rest, &w)) {
		if (!param_is(&w, name) || !w.value)
			continue;
		free(value);
		value = xstrdup(w.value);
	}
	free(copy);
	return value;
}

/* True if the value that the kernel would use is there and not empty */
static bool has_value(const struct plan *p, const char *name)
{
	char *value = last_value(p, name);
	bool has = value && *value;

	free(value);
	return has;
}

bool initrd_stays(const struct plan *p)
{
	return p->initrd && cmdline_known(p) && !p->look.refused && !p->look.finds_root &&
	       !has_value(p, "root");
}

/* There is no --initrd.  Distributions make initrds for kernels that need one. */
static void judge_none(struct plan *p)
{
	static const char * const names[][2] = {
		{ "/boot/initrd.img-", "" },
		{ "/boot/initramfs-", ".img" },
		{ "/boot/initrd-", "" },
	};
	const char *release = p->target->release;
	char *path, *fix;
	bool there;
	size_t i;

	if (!release[0] || strchr(release, '/'))
		return;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		path = xasprintf("%s%s%s", names[i][0], release, names[i][1]);
		there = sys_exists(path);
		if (there) {
			fix = xasprintf("--initrd %s", path);
			found(&p->findings, "initrd", FAIL, fix,
			      "none, but there is %s: without it, the kernel may not find its root file system",
			      path)->can_force = true;
			free(fix);
		}
		free(path);
		if (there)
			return;
	}
}

static void judge_contents(struct plan *p)
{
	const char *release = p->target->release;
	const struct initrd *i = &p->look;
	struct findings *f = &p->findings;
	char *fix;

	if (i->other && !i->has_modules) {
		fix = xasprintf("use the initrd of %s", release);
		found(f, "initrd", FAIL, fix,
		      "%s has modules for Linux %s, and none for %s", p->initrd, i->other,
		      release)->can_force = true;
		free(fix);
	}
	if (!i->has_init && !cmdline_known(p))
		found(f, "initrd", WARN, NULL,
		      "%s has no /%s: the kernel has to find its root file system without it",
		      p->initrd, i->init);
	else if (!i->has_init && !has_value(p, "root"))
		found(f, "initrd", FAIL, "use the initrd that is made for it, or give it root=",
		      "%s has no /%s, and the command line has no root=: the kernel would find no root file system",
		      p->initrd, i->init)->can_force = true;
}

void judge_initrd(struct plan *p)
{
	const struct kho_query *q = p->query;
	struct findings *f = &p->findings;
	struct initrd *i = &p->look;
	char *early = NULL, *fix = NULL, *init = NULL;

	memset(i, 0, sizeof(*i));
	if (!p->initrd) {
		judge_none(p);
		return;
	}
	init = last_value(p, "rdinit");
	i->path = p->initrd;
	i->release = p->target->release;
	i->init = init && *init ? init : "/init";
	i->limit = q->ram_pages * q->page_size;
	initrd_look(i);
	if (i->refused) {
		found(f, "initrd", FAIL, "use the initrd that is made for it",
		      "%s %s", p->initrd, i->refused)->can_force = true;
		goto out;
	}
	if (i->doubt) {
		if (i->package)
			fix = xasprintf("apt install %s", i->package);
		found(f, "initrd", WARN, fix, "%s: %s", p->initrd, i->doubt);
	}
	if (i->known) {
		if (i->early)
			early = xasprintf(", of which the first %s are early", size_str(i->early));
		found(f, "initrd", OK, NULL, "%s (%s, %s%s): %s, %s unpacked", p->initrd,
		      i->format, size_str(i->size), early ? early : "",
		      count_str(i->files, "file"), size_str(i->unpacked));
		judge_contents(p);
	}
out:
	/* It points into what is freed now. */
	i->init = NULL;
	free(early);
	free(fix);
	free(init);
}

/*
 * The kernel unpacks an initramfs into a tmpfs, which may take half of RAM, if the command
 * line has no root= and no rootfstype= other than tmpfs.  Otherwise it is a ramfs, without a
 * limit.
 */
static bool is_tmpfs(const struct plan *p)
{
	char *type = last_value(p, "rootfstype");
	bool is = type ? !!strstr(type, "tmpfs") : !has_value(p, "root");

	free(type);
	return is;
}

void judge_rootfs(struct plan *p)
{
	__u64 taken = p->need.image + p->need.initrd + p->need.structs + p->need.tables;
	__u64 ram = p->left + p->ballooned, room;
	struct findings *f = &p->findings;
	bool sure = cmdline_known(p);

	/* RAM may be unknown. */
	if (!p->look.known || !ram || !is_tmpfs(p))
		return;
	room = ram > taken ? (ram - taken) / 2 : 0;
	if (p->look.unpacked <= room)
		return;
	found(f, "initrd", sure ? FAIL : WARN,
	      sure ? "give it root=, or rootfstype=ramfs on its command line" : NULL,
	      "without root= on its command line, its files may take half of RAM, %s, and they need %s",
	      size_str(room), size_str(p->look.unpacked))->can_force = true;
}
