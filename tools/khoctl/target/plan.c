// SPDX-License-Identifier: GPL-2.0
/*
 * Judging whether a handover to a kernel image can work.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kho/abi.h>
#include <linux/kho.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/json.h"
#include "base/message.h"
#include "base/meminfo.h"
#include "base/text.h"
#include "device/scratch.h"
#include "target/judge.h"
#include "target/payload.h"
#include "target/plan.h"
#include "target/target.h"

#define ABI_FILE "/sys/module/kho/parameters/abi"

/*
 * Before 7.3, a mainline kernel takes all early memory from scratch, until the page
 * allocator is up: besides image and initrd, that is struct pages, hash tables, of which the
 * largest have a byte for each KiB of RAM, and less than EARLY_BASE for the rest.
 */
#define EARLY_BASE	(32 * MIB)
#define HASHES_SHIFT	9

int parse_abi(const char *arg, unsigned int *abi)
{
	if (strcmp(arg, "3") && strcmp(arg, "4"))
		return usage_error("--abi: '%s': 3 or 4", arg);
	*abi = *arg - '0';
	return DONE;
}

int parse_handoff(const char *arg, enum handoff *want)
{
	static const char * const names[] = {
		[HANDOFF_AUTO] = "auto",
		[HANDOFF_EXACT] = "exact",
		[HANDOFF_ENVELOPES] = "envelopes",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(arg, names[i]))
			continue;
		*want = i;
		return DONE;
	}
	return usage_error("--handoff: '%s': auto, exact or envelopes", arg);
}

const char *handoff_str(__u32 handoff)
{
	return handoff == KHO_HANDOFF_EXACT ? "exact" :
	       handoff == KHO_HANDOFF_ENVELOPES ? "envelopes" : "unknown";
}

static const char *arrives_str(enum arrives arrives)
{
	static const char * const names[] = {
		[ARRIVES_UNKNOWN] = "unknown",
		[ARRIVES_NOT] = "no",
		[ARRIVES_EXACT] = "exact",
		[ARRIVES_ENVELOPES] = "envelopes",
	};

	return names[arrives];
}

static bool own_kho(const struct plan *p)
{
	return p->query->backend == KHO_BACKEND_KERNEL;
}

static bool has_envelopes(const struct plan *p)
{
	return p->query->features & KHO_FEATURE_ENVELOPES && !own_kho(p);
}

/* ---- The kind of kernel ---- */

/* A kernel that keeps envelopes, and nothing else.  @what: what it is, and why so. */
static void judge_enveloped(struct plan *p, const char *what)
{
	struct findings *f = &p->findings;

	if (own_kho(p)) {
		p->arrives = ARRIVES_NOT;
		found(f, "kind", FAIL,
		      "use a kernel with the boot stub or with in-kernel KHO of this format",
		      "%s, and in-kernel KHO sends no envelopes: all that is preserved would be lost",
		      what);
	} else if (!has_envelopes(p)) {
		p->arrives = ARRIVES_NOT;
		found(f, "kind", FAIL, "load the module of this version of khoctl",
		      "%s, and the loaded module is too old to send envelopes: all that is preserved would be lost",
		      what);
	} else {
		p->arrives = ARRIVES_ENVELOPES;
		found(f, "kind", OK, NULL,
		      "%s; what is preserved arrives in envelopes, and page by page once the module is loaded there",
		      what);
	}
}

static void judge_unknown(struct plan *p)
{
	const struct target *t = p->target;
	struct findings *f = &p->findings;
	char *fix;

	p->arrives = ARRIVES_UNKNOWN;
	if (p->abi) {
		found(f, "kind", WARN, NULL,
		      "unknown: assumed to speak kho-v%u, as --abi says",
		      p->abi);
	} else if (has_envelopes(p) && target_before(t, 6, 16)) {
		/* A handover suits both kinds. */
		found(f, "kind", WARN, t->advice,
		      "unknown: Linux %s is older than KHO, but may or may not have the boot stub",
		      t->release);
	} else {
		fix = xasprintf("%s%sput its config beside it, or use --abi N if it speaks kho-vN",
				t->advice ? t->advice : "",
				t->advice ? ", " : "");
		found(f, "kind", FAIL, fix,
		      "unknown: nothing says which KHO it has, if any");
		free(fix);
	}
}

static void judge_kind(struct plan *p)
{
	struct findings *f = &p->findings;

	switch (p->target->kind) {
	case TARGET_STOCK:
		judge_enveloped(p, "stock: it has no KHO");
		break;
	case TARGET_STUB:
		p->arrives = ARRIVES_EXACT;
		found(f, "kind", OK, NULL,
		      "stub: the boot stub keeps exactly what is preserved");
		break;
	case TARGET_MAINLINE:
		if (target_disregards(p->target)) {
			judge_enveloped(p, "mainline, kho-v1: its own KHO disregards the handover");
			break;
		}
		p->arrives = p->handoff == KHO_HANDOFF_EXACT ?
			     ARRIVES_EXACT : ARRIVES_ENVELOPES;
		found(f, "kind", OK, NULL, "mainline: %s%s",
		      p->arrives == ARRIVES_EXACT ?
		      "in-kernel KHO keeps exactly what is preserved" :
		      "what is preserved arrives in envelopes, and page by page once the module is loaded there",
		      p->target->on ? "" : "; handing it on from there needs kho=on");
		break;
	default:
		judge_unknown(p);
	}
}

/* ---- The form of the handover ---- */

static void judge_wanted(struct plan *p)
{
	struct findings *f = &p->findings;

	if (own_kho(p))
		found(f, "hand-off", FAIL, "leave --handoff out",
		      "--handoff has no effect: in-kernel KHO hands over page by page");
	else if (p->want == HANDOFF_EXACT)
		found(f, "hand-off", OK, NULL, "exact, as --handoff says");
	else if (!(p->query->features & KHO_FEATURE_HANDOFF))
		found(f, "hand-off", FAIL, "load the module of this version of khoctl",
		      "--handoff says by envelopes, but the loaded module is too old for that");
	else if (p->target->kind == TARGET_STUB)
		found(f, "hand-off", FAIL, "leave --handoff out",
		      "--handoff says by envelopes, but the boot stub would refuse that");
	else
		p->handoff = KHO_HANDOFF_ENVELOPES;
	if (p->handoff == KHO_HANDOFF_ENVELOPES)
		found(f, "hand-off", OK, NULL,
		      "by envelopes, as --handoff says: a module that supports this has to be loaded there");
}

static void judge_handoff(struct plan *p)
{
	const struct kho_query *q = p->query;
	struct findings *f = &p->findings;

	p->handoff = KHO_HANDOFF_EXACT;
	if (p->want != HANDOFF_AUTO) {
		judge_wanted(p);
		return;
	}
	/* Only in mainline kernels does the number of keys matter. */
	if (p->target->kind != TARGET_MAINLINE || own_kho(p) ||
	    target_disregards(p->target) ||
	    !(q->features & KHO_FEATURE_HANDOFF))
		return;
	if (q->keys < KEYS_MANY) {
		found(f, "hand-off", OK, NULL,
		      "exact: %s, page by page; with %u or more, it would be by envelopes",
		      count_str(q->keys, "key"), KEYS_MANY);
		return;
	}
	p->handoff = KHO_HANDOFF_ENVELOPES;
	found(f, "hand-off", OK, NULL,
	      "by envelopes: the time for %s would grow with the square; the kernel gets %llu, and the module there finds the rest",
	      count_str(q->keys, "key"), q->lean_keys);
	if (q->lean_keys >= KEYS_MANY)
		found(f, "hand-off", WARN, NULL,
		      "%s belong to other modules and go to the kernel itself: booting may take long",
		      count_str(q->lean_keys, "key"));
}

static void judge_evidence(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->target->nr_evidence; i++)
		found(&p->findings, "evidence", OK, NULL, "%s",
		      p->target->evidence[i]);
}

/* ---- The ABI ---- */

static void judge_other_abi(struct plan *p)
{
	__u32 ours = 1U << KHO_ABI_V3 | 1U << KHO_ABI_V4;
	const char *theirs = target_abis_str(p->abis);
	const struct kho_query *q = p->query;
	struct findings *f = &p->findings;
	char *fix;

	if (!(p->abis & ours)) {
		found(f, "ABI", FAIL, "use another kernel",
		      "it speaks %s, and a handover is kho-v3 or kho-v4",
		      theirs);
	} else if (own_kho(p)) {
		found(f, "ABI", FAIL, "use another kernel",
		      "it speaks %s, and in-kernel KHO sends kho-v%u",
		      theirs, q->abi);
	} else {
		fix = xasprintf("echo %u > " ABI_FILE,
				p->abis & 1U << KHO_ABI_V4 ? KHO_ABI_V4 : KHO_ABI_V3);
		found(f, "ABI", FAIL, fix,
		      "it speaks %s, and the module publishes kho-v%u", theirs,
		      q->abi);
		free(fix);
	}
}

static void judge_abi(struct plan *p)
{
	const struct target *t = p->target;
	struct findings *f = &p->findings;

	p->abis = t->abis;
	if (p->abi && t->kind == TARGET_STOCK) {
		found(f, "ABI", FAIL, "leave --abi out",
		      "--abi says kho-v%u, but it is a stock kernel, which speaks none",
		      p->abi);
		return;
	}
	if (p->abi && p->abis && !(p->abis & 1U << p->abi)) {
		found(f, "ABI", FAIL, "leave --abi out",
		      "--abi says kho-v%u, but the image speaks %s", p->abi,
		      target_abis_str(p->abis));
		return;
	}
	if (p->abi)
		p->abis = 1U << p->abi;
	if (target_disregards(t))
		found(f, "ABI", OK, NULL, "it needs none: it reads %s alone",
		      target_abis_str(p->abis));
	else if (p->abis & 1U << p->query->abi)
		found(f, "ABI", OK, NULL, "kho-v%u, which %s", p->query->abi,
		      own_kho(p) ? "in-kernel KHO sends" :
				   "the module publishes");
	else if (p->abis)
		judge_other_abi(p);
	else if (t->kind == TARGET_STOCK)
		found(f, "ABI", OK, NULL, "it needs none");
	else if (t->kind == TARGET_MAINLINE)
		found(f, "ABI", FAIL, "use --abi N",
		      "its release does not tell which ABI it speaks");
}

/* ---- Memory ---- */

/* True for a mainline kernel before 7.3, or of an unknown release */
static bool early_in_scratch(const struct plan *p)
{
	const struct target *t = p->target;

	return t->kind == TARGET_MAINLINE && !target_disregards(t) &&
	       (!t->major || target_before(t, 7, 3));
}

static void judge_scratch(struct plan *p)
{
	const struct kho_query *q = p->query;
	__u64 ram = q->ram_pages * q->page_size;
	struct findings *f = &p->findings;
	const char *what = "";
	char *fix;

	/* In-kernel KHO knows its own scratch and checks this itself. */
	if (own_kho(p))
		return;
	p->scratch_needed = arch_image_needs(&p->file->image, p->initrd_size);
	if (early_in_scratch(p)) {
		p->scratch_needed += (ram >> STRUCTS_SHIFT) +
				     (ram >> TABLES_SHIFT) +
				     (ram >> HASHES_SHIFT) + EARLY_BASE;
		what = ", because all early memory comes from there before 7.3";
	}
	if (!q->scratch_size) {
		found(f, "scratch", FAIL, q->features & KHO_FEATURE_SCRATCH ?
		      "release what is not needed, then khoctl scratch" :
		      "load the module with scratch_mib=N",
		      "the module has no scratch area: nothing can be handed on");
	} else if (p->scratch_needed > q->scratch_size) {
		fix = scratch_fix(q, p->scratch_needed);
		found(f, "scratch", FAIL, fix,
		      "%s%s needs %s%s, but scratch has %s", p->file->path,
		      p->initrd ? " with its initrd" : "",
		      size_str(p->scratch_needed), what,
		      size_str(q->scratch_size));
		free(fix);
	} else {
		found(f, "scratch", OK, NULL, "%s, of which %s are needed%s",
		      size_str(q->scratch_size), size_str(p->scratch_needed),
		      what);
	}
}

static void estimate(struct plan *p)
{
	__u64 ram = p->query->ram_pages * p->query->page_size;
	struct boot_need *n = &p->need;

	n->image = p->file->image.memory;
	n->initrd = p->initrd_size;
	n->unpacked = p->look.unpacked;
	n->structs = ram >> STRUCTS_SHIFT;
	n->tables = ram >> TABLES_SHIFT;
	n->base = BOOT_BASE;
}

static void add_up(struct plan *p)
{
	struct boot_need *n = &p->need;
	unsigned int i;

	n->takes = 0;
	for (i = 0; i < NR_TAKES; i++)
		n->takes = sum_of(n->takes, p->cmdline.takes.sums[i]);
	p->needed = sum_of(n->image + n->initrd + n->unpacked + n->structs +
			   n->tables + n->base, n->takes);
}

/* What to do if that is too little; the caller frees it. */
static char *ram_fix(const struct plan *p, bool envelopes)
{
	/* Another kernel only helps if it is envelopes that take the RAM. */
	const char *fix = p->ballooned && p->left + p->ballooned >= p->needed ?
		"have the host deflate the balloon" : !envelopes ? "preserve less" :
		"preserve less, or use a kernel with the boot stub: it needs no envelopes";
	char *options, *text;

	if (!p->need.takes)
		return xasprintf("%s%s", p->left == p->cmdline.cap ?
				 "leave more RAM by mem= or memmap= on its command line, or " : "",
				 fix);
	options = cmdline_takes_str(&p->cmdline, false);
	if (p->left >= p->needed - p->need.takes)
		fix = NULL;
	text = xasprintf("ask for less by %s on its command line%s%s", options,
			 fix ? ", or " : "", fix ? fix : "");
	free(options);
	return text;
}

static void judge_ram(struct plan *p)
{
	bool envelopes = p->arrives == ARRIVES_ENVELOPES ||
			 (p->arrives == ARRIVES_UNKNOWN && has_envelopes(p));
	const struct kho_query *q = p->query;
	__u64 used = q->preserved_pages + q->meta_pages;
	struct findings *f = &p->findings;
	char *where, *host;

	add_up(p);
	/* An older module reports 0. */
	if (!q->ram_pages || p->arrives == ARRIVES_NOT)
		return;
	if (envelopes)
		used = q->envelope_pages;
	if (used < q->ram_pages)
		p->left = (q->ram_pages - used) * q->page_size;
	/* The host takes as much again as soon as the driver is loaded there. */
	p->ballooned = memory_ballooned();
	if (p->ballooned > p->left)
		p->ballooned = p->left;
	p->left -= p->ballooned;
	if (p->left > p->cmdline.cap)
		p->left = p->cmdline.cap;

	host = p->ballooned ? xasprintf(" and of %s that the host takes by a balloon",
					size_str(p->ballooned)) : xstrdup("");
	where = envelopes ? xasprintf("outside of %s%s", count_str(q->envelopes, "envelope"),
				      host) :
			    xasprintf("that is not preserved%s",
				      p->ballooned ? ", nor taken by the host by a balloon" : "");
	if (p->left >= p->needed) {
		found(f, "RAM", OK, NULL, "%s %s, and its boot needs about %s",
		      size_str(p->left), where, size_str(p->needed));
	} else {
		char *fix = ram_fix(p, envelopes);
		char *takes = cmdline_takes_str(&p->cmdline, true);
		/* The command line can be changed at once; there is no need to risk it. */
		bool fail = envelopes || p->left >= p->needed - p->need.takes;

		found(f, "RAM", fail ? FAIL : WARN, fix,
		      "its boot needs about %s, and there are %s %s: image %s, initrd %s, unpacked %s, struct pages %s, page tables %s, all else %s%s%s",
		      size_str(p->needed), size_str(p->left), where,
		      size_str(p->need.image), size_str(p->need.initrd),
		      size_str(p->need.unpacked), size_str(p->need.structs),
		      size_str(p->need.tables), size_str(p->need.base),
		      *takes ? ", " : "", takes)->can_force = fail;
		free(takes);
		free(fix);
	}
	free(host);
	free(where);
}

void plan_make(struct plan *p, int dev)
{
	const struct target *t = p->target;
	struct findings *f = &p->findings;

	if (t->damage) {
		p->arrives = ARRIVES_NOT;
		found(f, "image", FAIL, NULL, "%s: %s", p->file->path, t->damage);
		return;
	}
	found(f, "image", OK, NULL, "%s%s%s (%s%s%s)", p->file->path,
	      t->release[0] ? ", Linux " : "", t->release,
	      p->file->image.format, p->file->from ? ", from " : "",
	      p->file->from ? p->file->from : "");
	if (t->not_now)
		found(f, "payload", FAIL, PAYLOAD_NOT_NOW_FIX, "%s: %s", p->file->path,
		      t->not_now)->can_force = true;
	judge_handoff(p);
	judge_kind(p);
	judge_evidence(p);
	judge_abi(p);
	cmdline_build(p);
	judge_initrd(p);
	judge_scratch(p);
	estimate(p);
	cmdline_judge(p, dev);
	judge_ram(p);
	judge_rootfs(p);
	judge_loading(p);
	judge_onward(p);
	judge_seal(p);
}

void plan_free(struct plan *p)
{
	findings_free(&p->findings);
	initrd_free(&p->look);
	cmdline_free(&p->cmdline);
}

static void initrd_json(const struct initrd *i, struct json_object *root)
{
	struct json_object *obj = json_new();

	json_object_object_add(root, "initramfs", obj);
	json_add_str(obj, "format", i->format);
	json_add_bool(obj, "known", i->known);
	json_add_u64(obj, "early_bytes", i->early);
	json_add_u64(obj, "unpacked_bytes", i->unpacked);
	json_add_u64(obj, "files", i->files);
	json_add_bool(obj, "init", i->has_init);
	json_add_bool(obj, "module", i->module);
	json_add_bool(obj, "kho_seal", i->has_seal);
}

void plan_json(const struct plan *p, struct json_object *root)
{
	const char *text = p->cmdline.line ? p->cmdline.line : "";
	struct json_object *obj, *list;
	unsigned int n;
	char *line;
	size_t i;

	json_add_str(root, "kind", target_kind_str(p->target->kind));
	json_add_str(root, "arrives", arrives_str(p->arrives));
	json_add_str(root, "release", p->target->release);
	list = json_list(root, "abis");
	for (n = 0; n < 32; n++)
		if (p->abis & 1U << n)
			json_add_u64(list, NULL, n);
	json_add_u64(root, "abi", p->query->abi);
	json_add_str(root, "handoff", handoff_str(p->handoff));
	json_add_u64(root, "keys", p->query->keys);
	list = json_list(root, "evidence");
	for (i = 0; i < p->target->nr_evidence; i++)
		json_add_str(list, NULL, p->target->evidence[i]);
	json_add_u64(root, "ram_left_bytes", p->left);
	json_add_u64(root, "ram_needed_bytes", p->needed);
	obj = json_new();
	json_object_object_add(root, "ram_needed_for", obj);
	json_add_u64(obj, "image", p->need.image);
	json_add_u64(obj, "initrd", p->need.initrd);
	json_add_u64(obj, "initrd_unpacked", p->need.unpacked);
	json_add_u64(obj, "struct_pages", p->need.structs);
	json_add_u64(obj, "page_tables", p->need.tables);
	json_add_u64(obj, "base", p->need.base);
	json_add_u64(obj, "huge_pages", p->cmdline.takes.sums[TAKE_HUGE]);
	json_add_u64(obj, "crash_kernel", p->cmdline.takes.sums[TAKE_CRASH]);
	json_add_u64(obj, "cma", p->cmdline.takes.sums[TAKE_CMA]);
	json_add_u64(obj, "buffers", p->cmdline.takes.sums[TAKE_BUFFERS]);
	json_add_u64(root, "ram_ballooned_bytes", p->ballooned);
	json_add_u64(root, "ram_for_loading_bytes", p->loading);
	if (p->initrd)
		initrd_json(&p->look, root);
	line = printable(text, strlen(text));
	json_add_str(root, "command_line", line);
	free(line);
	json_add_u64(root, "scratch_bytes", p->query->scratch_size);
	json_add_u64(root, "scratch_needed_bytes", p->scratch_needed);
}
