// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl dump [FILE]
 */
#include <libfdt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kho/abi.h>
#include <kho/objects.h>

#include "base/color.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/ranges.h"
#include "base/table.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "decode/decode.h"
#include "decode/decoded.h"
#include "decode/dump.h"
#include "decode/dumpfile.h"

/* The maximum length of a list without --keys */
#define FEW	1000

/* By default, with --extents, and with --keys */
enum extent_lists { LIST_NONE, LIST_EXTENTS, LIST_KEYS };

static void print_more(size_t nr, size_t shown, const char *indent)
{
	if (shown < nr)
		printf("%sand %zu more (--keys shows all)\n", indent, nr - shown);
}

static void print_range(const struct range *r)
{
	printf("0x%012llx to 0x%012llx  %s\n", r->addr, r->end - 1,
	       size_str(r->end - r->addr));
}

static void print_tree(const struct meta *m, const struct decoded *d)
{
	struct table *t;
	unsigned int i;

	printf("\ntree, root at 0x%llx, %s, %s%s\n",
	       d->root.root, count_str(d->pages, "page"),
	       size_str(d->pages << m->shift),
	       d->walked ? "" : ", NOT READ TO ITS END");
	if (d->lean_root)
		printf("  handed over by envelopes: the FDT leads to another one, at 0x%llx, for the kernel itself\n",
		       d->lean_root);
	t = table_new(">LEVEL|>NODES");
	for (i = KHO_TREE_DEPTH(m->shift); i--; )
		table_row(t, "%u\t%llu", i, d->nodes[i]);
	table_print(t, 2);

	if (!d->pages)
		return;
	putchar('\n');
	t = table_new(">ORDER|>KEYS|>PAGES|>SIZE");
	for (i = MAX_ORDERS; i--; )
		if (d->keys[i])
			table_row(t, "%u\t%llu\t%llu\t%s", i,
				  d->keys[i], d->keys[i] << i,
				  size_str((d->keys[i] << i) << m->shift));
	table_print(t, 2);
}

static void print_runs(const struct meta *m, const struct decoded *d)
{
	struct table *t = table_new(">ORDER|>ADDRESS|>PFN|>KEYS|>SIZE");
	size_t i;

	printf("\nkeys, %s side by side\n", count_str(d->nr_runs, "run"));
	for (i = 0; i < d->nr_runs; i++) {
		const struct run *r = &d->runs[i];

		table_row(t, "%u\t0x%llx\t0x%llx\t%llu\t%s",
			  r->order, r->addr, r->addr >> m->shift, r->nr,
			  size_str(r->nr << (m->shift + r->order)));
	}
	table_print(t, 2);
}

static void print_object(const struct object *o, bool all)
{
	size_t i;

	printf("  %s: %s (%llu bytes), %s, created %s, generation %u\n", o->name,
	       size_str(o->size), o->size, count_str(o->pages, "page"),
	       time_str(o->created), o->generation);
	printf("    by %s in Linux %s, owner %u:%u, mode %04o, idle %u%s%s%s%s\n",
	       *o->comm ? o->comm : "(unknown)",
	       *o->release ? o->release : "(unknown)", o->uid, o->gid, o->mode,
	       o->idle, o->flags & KHO_OBJS_UNCOMMITTED ? ", uncommitted" : "",
	       o->flags & KHO_OBJS_SEALED ? ", sealed" : "",
	       o->flags & KHO_OBJS_SUM_AT_JUMP ? ", checksum at the jump" : "",
	       o->flags & KHO_OBJS_SUMMED ? ", has a checksum" : "");
	if (o->data_bytes)
		printf("    user data: %llu bytes\n", o->data_bytes);
	for (i = 0; i < o->nr_extents && (all || i < FEW); i++)
		printf("    0x%012llx to 0x%012llx  %s, pages of order %u\n",
		       o->extents[i].range.addr, o->extents[i].range.end - 1,
		       size_str(o->extents[i].range.end -
				o->extents[i].range.addr), o->extents[i].order);
	print_more(o->nr_extents, i, "    ");
}

static void print_objects(const struct decoded *d, bool all)
{
	size_t i;

	printf("\nobjects, %zu\n", d->nr_objects);
	for (i = 0; i < d->nr_objects; i++)
		print_object(&d->objects[i], all);
}

static void print_head(const struct meta *m, const struct decoded *d,
		       const char *source)
{
	size_t i;

	printf("source      %s, %s of metadata, of %s each\n", source,
	       count_str(m->count, "page"), size_str(m->page_size));
	if (m->memory_end)
		printf("memory end  0x%llx\n", m->memory_end);
	else
		puts("memory end  not known");
	if (d->has_setup)
		printf("setup node  0x%llx: type %u, length %u, next 0x%llx\n",
		       m->setup_addr, d->node.type, d->node.len,
		       d->node.next);
	if (d->own_kho)
		puts("setup node  kept by in-kernel KHO, with scratch and FDT");
	for (i = 0; i < d->nr_scratch; i++) {
		fputs("scratch     ", stdout);
		print_range(&d->scratch[i]);
	}
	if (d->has_metadata) {
		char *release = printable(d->metadata.previous_release,
					  KHO_METADATA_RELEASE);

		printf("sent by     Linux %s, handover number %u\n", release,
		       d->metadata.kexec_count);
		free(release);
	}
}

static void print_problems(const struct decoded *d)
{
	size_t i;

	if (!d->nr_problems) {
		puts("\nno problems");
		return;
	}
	printf("\n%s%s%s\n", color_on(COLOR_BAD),
	       count_str(d->nr_problems, "problem"), color_off(COLOR_BAD));
	for (i = 0; i < d->nr_problems && i < MAX_PROBLEMS; i++)
		printf("  %s\n", d->problems[i]);
	if (i < d->nr_problems)
		printf("  and %zu more\n", d->nr_problems - i);
}

/* As an object's extents are many, only their number and the objects in a table */
static void print_summary(const struct decoded *d)
{
	__u64 largest = 0;
	struct table *t;
	size_t i;

	for (i = 0; i < d->nr_extents; i++)
		if (d->extents[i].end - d->extents[i].addr > largest)
			largest = d->extents[i].end - d->extents[i].addr;
	if (d->root_ok)
		printf("\nextents, %zu, the largest of %s (--extents lists all)\n",
		       d->nr_extents, size_str(largest));
	if (!d->has_objects)
		return;
	printf("\nobjects, %zu\n", d->nr_objects);
	if (!d->nr_objects)
		return;
	t = table_new("NAME|>SIZE|>PAGES|>EXTENTS|>GEN|OWNER|MODE|>DATA");
	for (i = 0; i < d->nr_objects; i++) {
		const struct object *o = &d->objects[i];

		table_row(t, "%s\t%s\t%llu\t%zu\t%u\t%u:%u\t%04o\t%llu",
			  o->name, size_str(o->size), o->pages, o->nr_extents,
			  o->generation, o->uid, o->gid, o->mode,
			  o->data_bytes);
	}
	table_print(t, 2);
}

static void print_all(const struct meta *m, const struct decoded *d,
		      const char *source, enum extent_lists lists)
{
	bool keys = lists == LIST_KEYS;
	size_t i;

	print_head(m, d, source);
	if (d->fdt) {
		printf("\nroot FDT, at 0x%llx\n", d->fdt_addr);
		if (d->fdt_ok && lists == LIST_NONE)
			printf("  %u bytes (--fdt shows it)\n",
			       fdt_totalsize(d->fdt));
		else if (d->fdt_ok)
			dump_fdt(d->fdt);
	}
	if (d->root_ok)
		print_tree(m, d);
	if (lists == LIST_NONE) {
		print_summary(d);
		print_problems(d);
		return;
	}
	if (d->root_ok) {
		printf("\nextents, %zu\n", d->nr_extents);
		for (i = 0; i < d->nr_extents && (keys || i < FEW); i++) {
			fputs("  ", stdout);
			print_range(&d->extents[i]);
		}
		print_more(d->nr_extents, i, "  ");
		if (keys)
			print_runs(m, d);
	}
	if (d->has_objects)
		print_objects(d, keys);
	print_problems(d);
}

/* Shows only the FDT. */
static int show_fdt(const void *fdt, const struct decoded *d, const char *source)
{
	struct json_object *root;

	if (want_json()) {
		root = json_new();
		json_add_str(root, "source", source);
		dump_fdt_json(root, fdt);
		dump_problems_json(root, d);
		json_print(root);
	} else {
		if (fdt)
			dump_fdt(fdt);
		print_problems(d);
	}
	return d->nr_problems ? FAILED : DONE;
}

static int dump_bare_fdt(const struct meta *m, const char *source)
{
	struct decoded d = { 0 };
	const char *why;
	int ret;

	ret = fdt_check_full(m->fdt, m->fdt_size);
	if (ret)
		decode_err(&d, "FDT: libfdt says %s", fdt_strerror(ret));
	why = kho_fdt_read(m->fdt, m->fdt_size, &d.root);
	if (why)
		decode_err(&d, "FDT: %s", why);
	ret = show_fdt(ret ? NULL : m->fdt, &d, source);
	decoded_free(&d);
	return ret;
}

int cmd_dump(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		COLOR_OPTION,
		{ "extents", no_argument, NULL, 'e' },
		{ "keys", no_argument, NULL, 'k' },
		{ "fdt", no_argument, NULL, 'f' },
		{ "save", required_argument, NULL, 's' },
		END_OF_OPTIONS
	};
	const char *file = NULL, *save = NULL, *source;
	enum extent_lists lists = LIST_NONE;
	bool only_fdt = false;
	struct decoded d;
	struct meta m;
	int c, ret;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		switch (c) {
		case 'e':
			if (lists == LIST_NONE)
				lists = LIST_EXTENTS;
			break;
		case 'k':
			lists = LIST_KEYS;
			break;
		case 'f':
			only_fdt = true;
			break;
		case 's':
			save = optarg;
			break;
		default:
			return USAGE;
		}
	}
	if (argc - optind > 1)
		return usage_error("too many arguments: '%s'", argv[optind + 1]);
	if (optind < argc)
		file = argv[optind];
	source = file ? file : device_path();

	ret = file ? meta_from_file(&m, file) : meta_from_device(&m);
	if (ret)
		return ret;
	if (save) {
		ret = meta_save(&m, save);
		/* With --save -, stdout must contain nothing but the dump. */
		if (ret || !strcmp(save, "-"))
			goto out;
	}
	if (m.fdt) {
		ret = dump_bare_fdt(&m, source);
		goto out;
	}

	decode(&m, &d);
	if (only_fdt)
		show_fdt(d.fdt_ok ? d.fdt : NULL, &d, source);
	else if (want_json())
		dump_json(&m, &d, source, lists == LIST_KEYS);
	else
		print_all(&m, &d, source, lists);
	ret = d.nr_problems ? FAILED : DONE;
	decoded_free(&d);
out:
	meta_free(&m);
	return ret;
}
