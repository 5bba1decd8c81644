// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl load: the report.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kho.h>

#include "arch/arch.h"
#include "base/findings.h"
#include "base/json.h"
#include "base/options.h"
#include "base/program.h"
#include "base/text.h"
#include "cmd/load.h"
#include "target/plan.h"
#include "target/target.h"

/* Did the initrd come with the image? */
static bool own_initrd(const struct load *l)
{
	return l->initrd && l->initrd == l->file.initrd;
}

static void report_json(const struct load *l)
{
	struct json_object *root = json_new(), *list;
	size_t i;

	json_add_str(root, "kernel", l->kernel);
	json_add_str(root, "kernel_version", l->file.image.version);
	json_add_str(root, "format", l->file.image.format);
	if (l->file.from)
		json_add_str(root, "from", l->file.from);
	if (l->initrd)
		json_add_str(root, "initrd", own_initrd(l) ? "" : l->initrd);
	json_add_bool(root, "dry_run", l->dry_run);
	json_add_bool(root, "replaced", l->was_loaded);
	json_add_str(root, "backend", l->own_kho ? "kernel" : "module");
	json_add_bool(root, "own_kho", l->own_kho);
	json_add_bool(root, "checksum", l->by_file || !l->no_checks);
	json_add_bool(root, "by_file", l->by_file);
	json_add_u64(root, "setup_addr", l->query.setup_addr);
	json_add_u64(root, "scratch_addr", l->query.scratch_addr);
	plan_json(&l->plan, root);
	list = json_list(root, "command");
	for (i = 0; l->args[i]; i++) {
		/* JSON is UTF-8; the command line need not be. */
		char *arg = printable(l->args[i], strlen(l->args[i]));

		json_add_str(list, NULL, arg);
		free(arg);
	}
	list = json_list(root, "segments");
	for (i = 0; i < l->nr_segs; i++) {
		struct json_object *seg = json_new();

		json_add_u64(seg, "addr", l->segs[i].mem);
		json_add_u64(seg, "bytes", l->segs[i].memsz);
		json_object_array_add(list, seg);
	}
	json_print(root);
}

/* The kind of kernel and its consequences */
static void report_target(const struct load *l)
{
	const struct kho_query *q = &l->query;
	const struct plan *p = &l->plan;
	size_t i;

	printf("target    %s", target_kind_str(l->target.kind));
	if (p->abis & 1U << q->abi)
		printf(", kho-v%u", q->abi);
	if (l->target.nr_evidence)
		printf(", by its %s", l->target.evidence[0]);
	putchar('\n');
	switch (p->arrives) {
	case ARRIVES_ENVELOPES:
		printf("arrives   in %s, %s, which are kept current: more may be preserved until the jump\n",
		       count_str(q->envelopes, "envelope"),
		       size_str(q->envelope_pages * q->page_size));
		break;
	case ARRIVES_EXACT:
		puts("arrives   exactly, page by page: more may be preserved until the jump");
		break;
	default:
		puts("arrives   in whatever way that kernel supports");
	}
	for (i = 0; i < p->findings.nr && !l->fell_back; i++)
		if (!strcmp(p->findings.list[i].name, "hand-off") &&
		    p->findings.list[i].verdict == OK)
			printf("hand-off  %s\n", p->findings.list[i].text);
	if (p->left)
		printf("RAM       %s for its boot, which needs about %s\n",
		       size_str(p->left), size_str(p->needed));
}

static void report_dry_run(const struct load *l)
{
	char *command = program_quote((const char * const *)l->args);

	if (!l->own_kho)
		printf("patch     %s, in a copy of the image\n",
		       l->file.image.note);
	printf("command   %s\n", command);
	printf("          ");
	if (!l->own_kho)
		printf("where /proc/self/fd/%d is that copy; ", l->file.fd);
	printf("nothing has been loaded%s\n", l->was_loaded ?
	       ", and the kernel that is loaded would be replaced" : "");
	free(command);
}

void load_report(const struct load *l)
{
	const char *replaces = l->was_loaded ?
			       "; it replaces the kernel loaded before" : "";
	const struct kho_query *q = &l->query;
	const struct image *image = &l->file.image;
	__u64 used = 0;
	size_t i;

	if (want_json()) {
		report_json(l);
		return;
	}
	printf("image     %s%s%s (%s%s%s)\n", l->kernel,
	       image->version[0] ? ", Linux " : "", image->version,
	       image->format, l->file.from ? ", from " : "",
	       l->file.from ? l->file.from : "");
	report_target(l);
	if (l->initrd)
		printf("initrd    %s, %s\n", own_initrd(l) ? "from the UKI" : l->initrd,
		       size_str(l->initrd_size));
	if (l->file.cmdline && l->plan.cmdline.append == l->file.cmdline)
		puts("cmdline   from the UKI");
	if (!l->own_kho)
		printf("scratch   0x%llx to 0x%llx, %s, of which %s are needed\n",
		       q->scratch_addr,
		       q->scratch_addr + q->scratch_size - 1,
		       size_str(q->scratch_size),
		       size_str(l->plan.scratch_needed));
	if (l->dry_run) {
		report_dry_run(l);
		return;
	}
	for (i = 0; i < l->nr_segs; i++) {
		printf("segment   0x%llx to 0x%llx, %s\n",
		       l->segs[i].mem, l->segs[i].mem + l->segs[i].memsz - 1,
		       size_str(l->segs[i].memsz));
		used += l->segs[i].memsz;
	}
	if (l->own_kho)
		printf("loaded    by in-kernel KHO%s\n",
		       replaces);
	else
		printf("loaded    %s in %s, all inside scratch%s\n",
		       size_str(used), count_str(l->nr_segs, "segment"),
		       replaces);
	puts("next      'systemctl kexec', or 'kexec -e' at once");
}
