// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of the next kernel.
 *
 * It is put together as kexec-tools and the kernel do, and read as the kernel reads it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kho.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/findings.h"
#include "base/params.h"
#include "base/ranges.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "device/device.h"
#include "device/lists.h"
#include "memmap/compare.h"
#include "target/cmdline.h"
#include "target/plan.h"
#include "target/target.h"

#define NAME		"command line"
/* No kernel takes more; a longer one is only measured. */
#define CMDLINE_MAX	(64 * 1024)

char *cmdline_fix(const struct cmdline *c, size_t at, const char *option)
{
	if (at < c->built_in)
		return xasprintf("use a kernel without %s in its CONFIG_CMDLINE", option);
	if (at < c->built_in + c->reused)
		return xasprintf("give the command line by --append, without %s, which --reuse-cmdline passes on",
				 option);
	return xasprintf("leave %s out of --append", option);
}

char *cmdline_takes_str(const struct cmdline *c, bool sizes)
{
	char *text = xstrdup(""), *longer;
	size_t i;

	for (i = 0; i < c->takes.nr; i++) {
		const struct take *t = &c->takes.list[i];

		longer = xasprintf("%s%s%s%s%s", text, i ? ", " : "", t->option,
				   sizes ? " " : "", sizes ? size_str(t->bytes) : "");
		free(text);
		text = longer;
	}
	return text;
}

/* An image may have been built with anything. */
static char *option_str(const char *name, const char *value)
{
	char *text = xasprintf("%s%s%s", name, value ? "=" : "", value ? value : "");
	char *safe = printable(text, strlen(text));

	free(text);
	return safe;
}

/* ---- Putting it together ---- */

/* remove_parameter() of kexec-tools: the first one only, up to a space */
static void remove_boot_image(char *line)
{
	char *start = strstr(line, "BOOT_IMAGE"), *end;

	if (!start || (start != line && !strchr(" \t\n\v\f\r", start[-1])))
		return;
	end = strchr(start, ' ');
	if (end)
		memmove(start, end + 1, strlen(end));
	else
		*start = '\0';
}

/* get_command_line() of kexec-tools */
static char *reused_line(void)
{
	char *line = xmalloc(CMDLINE_MAX);

	if (sys_read("/proc/cmdline", line, CMDLINE_MAX) < 0)
		*line = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	remove_boot_image(line);
	return line;
}

/* setup_arch() puts CONFIG_CMDLINE first, and cuts the sum to what fits. */
static void put_together(struct plan *p, const char *given)
{
	const struct target *t = p->target;
	struct cmdline *c = &p->cmdline;
	__u64 max = p->file->image.cmdline;

	if (!t->builtin) {
		c->line = xstrdup(given);
		return;
	}
	c->built_in = strlen(t->builtin);
	if (t->builtin_only) {
		c->line = xstrdup(t->builtin);
		if (*given)
			found(&p->findings, NAME, WARN, NULL,
			      "the kernel ignores it: it has one of its own (CONFIG_CMDLINE_OVERRIDE)");
		return;
	}
	c->line = xasprintf("%s %s", t->builtin, given);
	c->built_in++;
	if (strlen(c->line) <= max)
		return;
	found(&p->findings, NAME, WARN, "make --append shorter",
	      "with the kernel's own (CONFIG_CMDLINE), it has %zu bytes: the kernel cuts it to %llu",
	      strlen(c->line), max);
	c->line[max] = '\0';
}

void cmdline_build(struct plan *p)
{
	struct cmdline *c = &p->cmdline;
	struct findings *f = &p->findings;
	char *reused = c->reuse ? reused_line() : NULL;
	size_t len, max = p->file->image.cmdline;
	char *given;

	given = xasprintf("%s%s%s", reused ? reused : "", reused && c->append ? " " : "",
			  c->append ? c->append : "");
	c->reused = reused ? strlen(reused) + !!c->append : 0;
	/* kexec counts the final NUL as well. */
	len = strlen(given) + 1;
	if (len > max && reused)
		found(f, NAME, FAIL, "give all that is needed by --append",
		      "%zu bytes with the final NUL, %zu of them reused, and kexec passes at most %zu to this kernel",
		      len, strlen(reused), max);
	else if (len > max)
		found(f, NAME, FAIL, "make it shorter",
		      "--append: %zu bytes with the final NUL, and kexec passes at most %zu to this kernel",
		      len, max);
	/* What kexec -d prints of it must not look like something else. */
	if (c->append && strpbrk(c->append, "\r\n"))
		found(f, NAME, FAIL, NULL, "--append: has a newline in it");
	if (!c->append && !c->reuse && !p->target->builtin)
		found(f, NAME, WARN, "give one by --append or --reuse-cmdline",
		      "neither --append nor --reuse-cmdline: the next kernel gets an empty command line");
	put_together(p, given);
	free(given);
	free(reused);
}

bool cmdline_known(const struct plan *p)
{
	const struct cmdline *c = &p->cmdline;

	return c->final || c->append || c->reuse || p->target->builtin;
}

/* ---- Words that concern the handover ---- */

static void judge_kho(struct plan *p, int on, size_t at)
{
	struct findings *f = &p->findings;
	char *fix;

	if (target_disregards(p->target)) {
		/* Its scratch is sized by what boot reserves, and the envelopes count. */
		if (on > 0 || (on < 0 && p->target->on))
			found(f, NAME, WARN, "add kho=off to it",
			      "that kernel's own KHO is on: it is of no use here, and may set eight times as much memory aside as the envelopes have");
	} else if (!on) {
		fix = cmdline_fix(&p->cmdline, at, "kho=off");
		found(f, NAME, FAIL, fix,
		      "kho=off: the next kernel will ignore the handover: all would be lost")
			->can_force = true;
		free(fix);
	} else if (on < 0 && p->target->kind == TARGET_MAINLINE && !p->target->on) {
		found(f, NAME, WARN, "add kho=on to it",
		      "the command line lacks kho=on: without it, that kernel can't hand anything on");
	}
}

/* memtest= overwrites what is not reserved yet, and in-kernel KHO reserves pages later. */
static bool is_memtest(const struct plan *p, const struct param *w)
{
	return param_is(w, "memtest") && (!w->value || param_number(w->value, NULL)) &&
	       p->target->kind == TARGET_MAINLINE && p->handoff == KHO_HANDOFF_EXACT;
}

/* What is preserved was written without encryption. */
static bool is_encryption(const struct param *w)
{
	return param_is(w, "mem_encrypt") && w->value && !strcmp(w->value, "on") &&
	       sys_has_word("/proc/cpuinfo", "sme");
}

static void judge_words(struct plan *p)
{
	struct cmdline *c = &p->cmdline;
	char *copy = xstrdup(c->line), *rest = copy, *fix, *word;
	struct param w;
	size_t kho_at = 0;
	int on = -1, n;

	while (param_next(&rest, &w)) {
		size_t at = w.name - copy;
		const char *why = is_memtest(p, &w) ?
				  "that kernel writes to all memory before it knows" :
				  is_encryption(&w) ?
				  "that kernel could not read what is preserved" : NULL;

		if (param_is(&w, "kho")) {
			n = param_bool(w.value);
			if (n >= 0) {
				on = n;
				kho_at = at;
			}
		}
		if (!why)
			continue;
		word = option_str(w.name, w.value);
		fix = cmdline_fix(c, at, word);
		found(&p->findings, NAME, FAIL, fix, "%s: %s", word, why)->can_force = true;
		free(fix);
		free(word);
	}
	judge_kho(p, on, kho_at);
	free(copy);
}

/* ---- Memory ---- */

/* What must stay RAM: first scratch, if its place is known, then the envelopes */
struct keeps {
	struct kho_envelope_entry *list;
	size_t nr;
	bool has_scratch;
	bool known;		/* the envelopes are */
};

/* What is found while options are applied, one after the other */
struct cuts {
	struct ranges before;	/* RAM that the next kernel is told of; may be empty */
	struct ranges ram;	/* what is left of it now */
	char **who;		/* for each of the keeps: what took RAM from it, or NULL */
	size_t *at;
	char *last;		/* the last option that took RAM, or NULL */
	size_t last_at;
	bool any;		/* an option has changed the map */
};

static int get_keeps(const struct plan *p, int dev, struct keeps *k)
{
	const struct kho_query *q = p->query;
	struct kho_envelope_entry *env = NULL;
	size_t nr = 0;
	int ret;

	memset(k, 0, sizeof(*k));
	if (q->features & KHO_FEATURE_ENVELOPES && q->backend != KHO_BACKEND_KERNEL) {
		ret = list_envelopes(dev, 0, &env, &nr);
		if (ret)
			return ret;
		k->known = true;
	}
	k->list = xcalloc(nr + 1, sizeof(*k->list));
	if (q->scratch_size) {
		k->has_scratch = true;
		k->list[k->nr].addr = q->scratch_addr;
		k->list[k->nr++].bytes = q->scratch_size;
	}
	if (nr)
		memcpy(k->list + k->nr, env, nr * sizeof(*env));
	k->nr += nr;
	free(env);
	return 0;
}

/* Bytes that are RAM before, and not any more */
static __u64 lost(const struct cuts *c, __u64 addr, __u64 end)
{
	return ranges_overlap(&c->before, addr, end) - ranges_overlap(&c->ram, addr, end);
}

/* RAM that is added does not count. */
static void keep_old(struct cuts *c)
{
	size_t i;
	__u64 at = 0;

	for (i = 0; i < c->before.nr; i++) {
		ranges_cut(&c->ram, at, c->before.list[i].addr);
		at = c->before.list[i].end;
	}
	ranges_cut(&c->ram, at, UINT64_MAX);
}

static void after_change(struct cuts *c, const struct arch_map *map, const struct keeps *k,
			 const char *name, const char *value, size_t at)
{
	__u64 before = c->ram.bytes;
	size_t i;

	c->any = true;
	arch_map_ram(map, &c->ram);
	keep_old(c);
	if (c->ram.bytes < before) {
		free(c->last);
		c->last = option_str(name, value);
		c->last_at = at;
	}
	for (i = 0; i < k->nr; i++) {
		if (!lost(c, k->list[i].addr, k->list[i].addr + k->list[i].bytes)) {
			free(c->who[i]);
			c->who[i] = NULL;
		} else if (!c->who[i]) {
			c->who[i] = option_str(name, value);
			c->at[i] = at;
		}
	}
}

/* Adds all RAM if it is not known what there is. */
static void ram_before(struct ranges *r)
{
	arch_told_ram(r);
	if (!r->nr)
		memmap_iomem(r);
	if (!r->nr)
		ranges_add(r, 0, UINT64_MAX);
	ranges_tidy(r);
}

static __u64 end_of(const struct ranges *r)
{
	return r->nr ? r->list[r->nr - 1].end : 0;
}

/* Applies all options to the RAM that the next kernel is told of. */
static void apply(const struct cmdline *line, const struct keeps *k, struct cuts *c)
{
	char *copy = xstrdup(line->line), *rest = copy;
	struct arch_map map;
	struct param w;
	size_t i;

	memset(c, 0, sizeof(*c));
	ram_before(&c->before);
	for (i = 0; i < c->before.nr; i++)
		ranges_add(&c->ram, c->before.list[i].addr, c->before.list[i].end);
	ranges_tidy(&c->ram);
	c->who = xcalloc(k->nr + 1, sizeof(*c->who));
	c->at = xcalloc(k->nr + 1, sizeof(*c->at));
	arch_map_start(&map, &c->before);
	while (param_next(&rest, &w)) {
		const char *at = w.value;

		if (!arch_map_is_changed_by(&w))
			continue;
		while (at) {
			const char *one = arch_map_apply(&map, &w, &at);

			if (one)
				after_change(c, &map, k, w.name, one, w.name - copy);
		}
	}
	arch_map_free(&map);
	free(copy);
}

static void cuts_free(struct cuts *c, const struct keeps *k)
{
	size_t i;

	for (i = 0; i < k->nr; i++)
		free(c->who[i]);
	free(c->who);
	free(c->at);
	free(c->last);
	free(c->before.list);
	free(c->ram.list);
}

/*
 * True if the kernel would not boot, as scratch loses RAM, or RAM ends in an envelope or
 * right behind it: some kernels do not count reserved RAM, which moves the end.
 */
static bool stops_boot(const struct cmdline *line, const struct keeps *k, const struct cuts *c,
		       size_t i)
{
	const struct kho_envelope_entry *e = &k->list[i];

	if (k->has_scratch && !i)
		return c->who[i];
	return c->last && line->limit > e->addr && line->limit <= e->addr + e->bytes;
}

static void judge_stop(struct plan *p, const struct keeps *k, const struct cuts *c, size_t i)
{
	const char *who = c->who[i] ? c->who[i] : c->last;
	const struct kho_envelope_entry *e = &k->list[i];
	__u64 end = e->addr + e->bytes;
	char *fix;

	fix = cmdline_fix(&p->cmdline, c->who[i] ? c->at[i] : c->last_at, who);
	if (k->has_scratch && !i)
		found(&p->findings, NAME, FAIL, fix,
		      "%s: that takes RAM from scratch, 0x%llx to 0x%llx, where it is loaded: it would not boot",
		      who, e->addr, end - 1);
	else
		found(&p->findings, NAME, FAIL, fix,
		      "%s: RAM would end in the envelope from 0x%llx to 0x%llx: it would not boot",
		      who, e->addr, end - 1);
	free(fix);
}

/* Reports the worst, or else the first, of what loses RAM. */
static void judge_cuts(struct plan *p, const struct keeps *k, const struct cuts *c)
{
	struct findings *f = &p->findings;
	char *fix;
	size_t i;

	for (i = 0; i < k->nr; i++) {
		if (!stops_boot(&p->cmdline, k, c, i))
			continue;
		judge_stop(p, k, c, i);
		return;
	}
	for (i = 0; i < k->nr && !c->who[i]; i++)
		;
	if (i < k->nr) {
		fix = cmdline_fix(&p->cmdline, c->at[i], c->who[i]);
		found(f, NAME, FAIL, fix,
		      "%s: that is no RAM then, and what is preserved between 0x%llx and 0x%llx would be lost",
		      c->who[i], k->list[i].addr, k->list[i].addr + k->list[i].bytes - 1)
			->can_force = true;
		free(fix);
	} else if (!k->known && c->last && p->query->preserved_pages) {
		fix = cmdline_fix(&p->cmdline, c->last_at, c->last);
		found(f, NAME, FAIL, fix,
		      "%s: what is preserved where that leaves no RAM would be lost", c->last)
			->can_force = true;
		free(fix);
	}
}

/* What is preserved from now on may lie there; the module only knows of the limit. */
static void judge_later(struct plan *p, const struct cuts *c)
{
	__u64 end = end_of(&c->ram);
	struct ranges iomem = {};
	size_t i;

	memmap_iomem(&iomem);
	for (i = 0; i < iomem.nr && c->last; i++) {
		__u64 addr = iomem.list[i].addr, stop = iomem.list[i].end;

		if (stop > end)
			stop = end;
		if (addr >= stop || !lost(c, addr, stop))
			continue;
		found(&p->findings, NAME, WARN, NULL,
		      "%s: what is preserved from now on where that leaves no RAM would be lost",
		      c->last);
		break;
	}
	free(iomem.list);
}

/* Where nothing must be preserved from now on */
static void collect_lost(struct cmdline *line, const struct cuts *c)
{
	struct ranges *r = &line->lost;
	size_t i;

	for (i = 0; i < c->before.nr; i++)
		ranges_add(r, c->before.list[i].addr, c->before.list[i].end);
	ranges_tidy(r);
	for (i = 0; i < c->ram.nr; i++)
		ranges_cut(r, c->ram.list[i].addr, c->ram.list[i].end);
	for (i = 0; i < line->takes.nr; i++) {
		const struct take *t = &line->takes.list[i];

		if (t->fixed)
			ranges_add(r, t->addr, sum_of(t->addr, t->bytes));
	}
	ranges_tidy(r);
}

/* What must lie at an address that is in use there */
static void judge_fixed(struct plan *p, const struct keeps *k)
{
	struct cmdline *line = &p->cmdline;
	size_t i, j;
	char *fix;

	for (i = 0; i < line->takes.nr; i++) {
		const struct take *t = &line->takes.list[i];

		for (j = 0; j < k->nr && t->fixed; j++) {
			const struct kho_envelope_entry *e = &k->list[j];

			if (t->addr >= e->addr + e->bytes || sum_of(t->addr, t->bytes) <= e->addr)
				continue;
			fix = cmdline_fix(line, t->at, t->option);
			found(&p->findings, NAME, FAIL, fix, "%s: that is in %s, 0x%llx to 0x%llx",
			      t->option, k->has_scratch && !j ? "scratch" :
			      "memory kept for what is preserved", e->addr,
			      e->addr + e->bytes - 1)->can_force = true;
			free(fix);
			break;
		}
	}
}

/* The kernel's own part is the lowest @core bytes, if there is one node. */
static void judge_core(struct plan *p, const struct keeps *k, const struct cuts *c,
		       unsigned int nodes)
{
	struct cmdline *line = &p->cmdline;
	__u64 room = line->takes.core, left = 0, need = p->need.base + p->need.tables;
	struct ranges low = {};
	size_t i;
	char *fix;

	if (!line->takes.core)
		return;
	for (i = 0; i < c->ram.nr && room; i++) {
		__u64 addr = c->ram.list[i].addr, end = c->ram.list[i].end;

		if (end - addr > room)
			end = addr + room;
		room -= end - addr;
		ranges_add(&low, addr, end);
	}
	ranges_tidy(&low);
	for (i = k->has_scratch; i < k->nr; i++)
		ranges_cut(&low, k->list[i].addr, k->list[i].addr + k->list[i].bytes);
	left = low.bytes;
	free(low.list);
	if (left >= need)
		return;
	fix = cmdline_fix(line, line->takes.core_at, line->takes.core_option);
	found(&p->findings, NAME, nodes > 1 ? WARN : FAIL, fix,
	      "%s: that kernel could use only %s for itself outside what is kept, and its boot needs about %s",
	      line->takes.core_option, size_str(left), size_str(need))->can_force = true;
	free(fix);
}

/* The RAM that the command line leaves outside what is preserved */
static __u64 cap_of(const struct plan *p, const struct keeps *k, const struct cuts *c)
{
	__u64 used = 0;
	size_t i;

	if (!c->any || end_of(&c->ram) == UINT64_MAX)
		return UINT64_MAX;
	for (i = k->has_scratch; i < k->nr; i++)
		used += ranges_overlap(&c->ram, k->list[i].addr,
				       k->list[i].addr + k->list[i].bytes);
	/* Page by page, it is less than the envelopes. */
	if (p->arrives == ARRIVES_EXACT && k->known) {
		__u64 pages = p->query->preserved_pages + p->query->meta_pages;

		if (pages * p->query->page_size < used)
			used = pages * p->query->page_size;
	}
	return c->ram.bytes > used ? c->ram.bytes - used : 0;
}

void cmdline_judge(struct plan *p, int dev)
{
	struct cmdline *line = &p->cmdline;
	struct machine m = {
		.ram = p->query->ram_pages * p->query->page_size,
		.nodes = sys_nodes(),
	};
	struct keeps k;
	struct cuts c;
	int ret;

	line->cap = UINT64_MAX;
	judge_words(p);
	ret = get_keeps(p, dev, &k);
	if (ret) {
		found(&p->findings, NAME, FAIL, NULL,
		      "cannot tell where the envelopes are: %s", device_error(ret));
		return;
	}
	apply(line, &k, &c);
	if (end_of(&c.ram) < end_of(&c.before))
		line->limit = end_of(&c.ram);
	if (c.ram.bytes && end_of(&c.ram) < UINT64_MAX) {
		m.other_ram = m.ram;
		m.ram = c.ram.bytes;
	}
	if (c.any && end_of(&c.ram) < UINT64_MAX)
		line->ram = c.ram.bytes;
	takes_read(&line->takes, line->line, &m);
	judge_cuts(p, &k, &c);
	judge_later(p, &c);
	judge_fixed(p, &k);
	judge_core(p, &k, &c, m.nodes);
	line->cap = cap_of(p, &k, &c);
	collect_lost(line, &c);
	cuts_free(&c, &k);
	free(k.list);
}

void cmdline_free(struct cmdline *c)
{
	takes_free(&c->takes);
	free(c->lost.list);
	memset(&c->lost, 0, sizeof(c->lost));
	free(c->line);
	c->line = NULL;
}
