// SPDX-License-Identifier: GPL-2.0
/*
 * Judging whether the next kernel will have the module and kho-seal, and whether there is
 * RAM to load it.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/kho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/meminfo.h"
#include "base/modfile.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "target/judge.h"
#include "target/plan.h"
#include "target/target.h"

/* kexec itself, and purgatory, boot parameters and the like */
#define LOADING_BASE	(5 * MIB)

#define LOST	"what arrives there can't be read, its RAM stays small, and its own next jump loses all"

/* ---- RAM that loading needs now ---- */

/*
 * For all that the next kernel will occupy, the kernel allocates pages now.  kexec reads the
 * image and the initrd into its memory, and khoctl makes a copy of the image.
 */
void judge_loading(struct plan *p)
{
	bool own_kho = p->query->backend == KHO_BACKEND_KERNEL;
	struct findings *f = &p->findings;
	__u64 available, swap;

	p->loading = p->file->image.init_size + 2 * p->initrd_size +
		     (own_kho ? 1 : 2) * p->file->size + LOADING_BASE;
	if (memory_available(&available, &swap))
		return;
	if (p->loading <= available)
		found(f, "loading", OK, NULL, "needs about %s of RAM now, and %s are available",
		      size_str(p->loading), size_str(available));
	else
		found(f, "loading", p->loading <= available + swap ? WARN : FAIL,
		      "end what is not needed, or preserve less",
		      "needs about %s of RAM now, and %s are available", size_str(p->loading),
		      size_str(available))->can_force = true;
}

/* ---- The module ---- */

/* A release that can be part of a command.  That of an image may be anything. */
static bool is_release(const char *release)
{
	const char *p = release;

	while (isalnum((unsigned char)*p) || (*p && strchr("._+~-", *p)))
		p++;
	return *release && *release != '-' && !*p;
}

/* Without the module, does it keep nothing but whole envelopes, and hand on nothing? */
static bool keeps_nothing(const struct target *t)
{
	return t->kind == TARGET_STOCK || target_disregards(t);
}

static void missing_module(struct plan *p, enum verdict verdict)
{
	const char *release = p->target->release;
	char *below = xasprintf("/lib/modules/%s", release);
	char *fix = module_fix(release);
	struct findings *f = &p->findings;
	bool stock = keeps_nothing(p->target);
	const char *lost = stock ? LOST : "its own next jump loses all";

	if (target_before(p->target, 5, 10))
		found(f, "onward", verdict, "use Linux 5.10 or later",
		      "there is no kho.ko for Linux %s, which is older than 5.10: %s", release,
		      lost)->can_force = true;
	else if (p->initrd && p->look.doubt && !p->look.known)
		found(f, "onward", WARN, fix,
		      "%s has no kho.ko, and whether the initrd has one can't be told: without it, %s",
		      below, lost);
	else if (sys_exists(below))
		found(f, "onward", verdict, fix, "there is no kho.ko for Linux %s: %s", release,
		      lost)->can_force = true;
	else
		found(f, "onward", verdict, fix,
		      "there is no kho.ko for Linux %s, and no %s: unless its root file system has one, %s",
		      release, below, lost)->can_force = true;
	free(fix);
	free(below);
}

void judge_onward(struct plan *p)
{
	const struct target *t = p->target;
	enum verdict verdict = keeps_nothing(t) ? FAIL : WARN;
	struct findings *f = &p->findings;
	char *file, *fix;

	if (!is_release(t->release))
		return;
	file = module_find(t->release);
	if (p->look.module && !file) {
		found(f, "onward", OK, NULL, "the module for it is in the initrd: lib/modules/%s",
		      p->look.module);
	} else if (!file) {
		missing_module(p, verdict);
	} else if (initrd_stays(p) && !p->look.module) {
		if (!p->look.known)
			verdict = WARN;
		fix = xasprintf("put %s into it, or give it root=", file);
		found(f, "onward", verdict, fix,
		      "without root= on its command line, the initrd stays its root file system, and has no kho.ko%s: %s",
		      p->look.known ? "" : " as far as can be told",
		      keeps_nothing(t) ? LOST : "its own next jump loses all")
			->can_force = true;
		free(fix);
	} else {
		found(f, "onward", OK, NULL, "the module for it is installed: %s", file);
	}
	free(file);
}

/* ---- kho-seal ---- */

/* Is there a file, or a link that leads anywhere? */
static bool is_there(const char *path)
{
	char *full = sys_path(path);
	struct stat st;
	bool there = !lstat(full, &st);

	free(full);
	return there;
}

/*
 * Without kho-seal, a stock kernel shows the envelopes to all users until the module is
 * loaded.  Its unit suffices if the initrd's root file system is not where programs run.
 */
void judge_seal(struct plan *p)
{
	static const char unit[] = "/etc/systemd/system/sysinit.target.wants/kho-seal.service";
	bool tools = is_there("/usr/share/initramfs-tools/hooks/kho-seal");
	bool dracut = is_there("/usr/lib/dracut/modules.d/05kho-seal");
	const char *release = p->target->release;
	struct findings *f = &p->findings;
	bool installed = tools || dracut;
	char *fix;

	if (!keeps_nothing(p->target) || p->arrives != ARRIVES_ENVELOPES ||
	    !p->initrd || !p->look.known || !is_release(release))
		return;
	if (p->look.has_seal) {
		found(f, "sealing", OK, NULL, "kho-seal is in the initrd");
		return;
	}
	if (is_there(unit) && !initrd_stays(p)) {
		found(f, "sealing", OK, NULL,
		      "kho-seal is not in the initrd, but kho-seal.service is enabled");
		return;
	}
	if (dracut && !tools)
		fix = xasprintf("dracut --force --kver %s", release);
	else
		fix = xasprintf("%supdate-initramfs -u -k %s",
				installed ? "" : "install kho-seal, then ", release);
	/* Who has not installed it may have no other users. */
	found(f, "sealing", installed ? FAIL : WARN, fix,
	      "kho-seal is not in the initrd%s: until the module is loaded there, every user can read what is in envelopes",
	      installed ? "" : ", and not installed")->can_force = true;
	free(fix);
}
