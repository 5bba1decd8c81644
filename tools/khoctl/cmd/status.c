// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl status
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kho.h>

#include "base/color.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/metrics.h"
#include "device/device.h"
#include "device/lists.h"
#include "device/next.h"
#include "settle/settle.h"
#include "target/plan.h"

static const char * const arrivals[] = {
	[KHO_ARRIVAL_NONE] = "none",
	[KHO_ARRIVAL_TAKEN] = "taken",
	[KHO_ARRIVAL_REFUSED] = "refused",
	[KHO_ARRIVAL_OFF] = "off",
};

static const char * const kinds[] = {
	[KHO_KIND_NONE] = "none",
	[KHO_KIND_STUB] = "stub",
	[KHO_KIND_ENVELOPES] = "envelopes",
	[KHO_KIND_KERNEL] = "kernel",
};

static const char * const releases[] = {
	[KHO_RELEASE_NONE] = "none",
	[KHO_RELEASE_RUNNING] = "running",
	[KHO_RELEASE_DONE] = "done",
	[KHO_RELEASE_KEPT] = "kept",
};

static const char * const images[] = {
	[KHO_IMAGE_NONE] = "none",
	[KHO_IMAGE_BEGUN] = "none",
	[KHO_IMAGE_LOADED] = "loaded",
	[KHO_IMAGE_STALE] = "stale",
};

/* The word for a number; a newer module may return numbers without a word. */
#define WORD(words, n) ((n) < ARRAY_SIZE(words) ? (words)[n] : "unknown")

static const char *health_word(int status)
{
	return status == UNSAFE ? "unsafe" : status == REFUSED ? "refused" : "healthy";
}

/* Subtrees in the root FDT that are not the module's */
struct others {
	struct kho_subtree_entry *trees;
	size_t nr;
};

static __u64 outside_pages(const struct kho_query *q)
{
	return q->ram_pages > q->envelope_pages ?
	       q->ram_pages - q->envelope_pages : 0;
}

static void others_json(struct json_object *root, const struct others *others)
{
	struct json_object *list = json_list(root, "subtrees");
	size_t i;

	for (i = 0; i < others->nr; i++) {
		const struct kho_subtree_entry *e = &others->trees[i];
		struct json_object *obj = json_new();
		char *name = printable(e->name, sizeof(e->name));

		json_add_str(obj, "name", name);
		json_add_u64(obj, "addr", e->addr);
		json_add_u64(obj, "bytes", e->bytes);
		json_add_bool(obj, "carried", e->flags & KHO_SUBTREE_CARRIED);
		json_object_array_add(list, obj);
		free(name);
	}
}

static void sizes_json(struct json_object *root, const struct sizes *sizes)
{
	struct json_object *list = json_list(root, "sized_small");
	size_t i;

	for (i = 0; i < sizes->nr; i++)
		if (sizes->list[i].state == SIZE_SMALL)
			json_add_str(list, NULL, sizes->list[i].name);
}

static void status_json(const struct kho_query *q, const struct others *others,
			const struct next_kernel *next, const struct sizes *sizes)
{
	struct json_object *root = json_new();
	char *text;

	json_add_str(root, "device", device_path());
	json_add_u64(root, "uapi_version", q->uapi_version);
	json_add_u64(root, "abi", q->abi);
	json_add_u64(root, "features", q->features);
	json_add_u64(root, "page_size", q->page_size);
	json_add_bool(root, "frozen", q->frozen);
	json_add_u64(root, "changes", q->changes);
	json_add_u64(root, "setup_addr", q->setup_addr);
	json_add_u64(root, "fdt_addr", q->fdt_addr);
	json_add_u64(root, "fdt_bytes", q->fdt_size);
	json_add_u64(root, "root_addr", q->root_addr);
	json_add_u64(root, "scratch_addr", q->scratch_addr);
	json_add_u64(root, "scratch_bytes", q->scratch_size);
	json_add_u64(root, "preserved_pages", q->preserved_pages);
	json_add_u64(root, "raw_pages", q->raw_pages);
	json_add_u64(root, "arrived_pages", q->arrived_pages);
	json_add_u64(root, "objects", q->objects);
	json_add_u64(root, "object_pages", q->object_pages);
	json_add_u64(root, "arrived_objects", q->arrived_objects);
	json_add_u64(root, "metadata_pages", q->meta_pages);
	json_add_u64(root, "released_pages", q->released_pages);
	json_add_str(root, "arrival", WORD(arrivals, q->arrival));
	text = printable(q->arrival_error, sizeof(q->arrival_error));
	json_add_str(root, "arrival_error", text);
	free(text);
	json_add_u64(root, "generation", q->generation);
	text = printable(q->previous_release, sizeof(q->previous_release));
	json_add_str(root, "previous_release", text);
	free(text);
	json_add_u64(root, "stub_pages", q->stub_pages);
	json_add_u64(root, "stub_extents", q->stub_extents);
	json_add_u64(root, "stub_usecs", q->stub_usecs);
	json_add_str(root, "arrival_kind", WORD(kinds, q->arrival_kind));
	json_add_str(root, "backend", q->backend == KHO_BACKEND_KERNEL ?
		     "kernel" : "module");
	json_add_str(root, "release_state", WORD(releases, q->release));
	json_add_u64(root, "release_pages", q->release_pages);
	json_add_u64(root, "release_done_pages", q->release_done);
	json_add_u64(root, "freeing_pages", q->freeing_pages);
	json_add_u64(root, "freeing_done_pages", q->freeing_done);
	json_add_u64(root, "envelopes", q->envelopes);
	json_add_u64(root, "envelope_pages", q->envelope_pages);
	json_add_u64(root, "ram_pages", q->ram_pages);
	others_json(root, others);
	json_add_u64(root, "keys", q->keys);
	json_add_u64(root, "lean_keys", q->lean_keys);
	json_add_str(root, "handoff", handoff_str(q->handoff));
	json_add_bool(root, "kexec_loaded", next->state != NEXT_NO_KEXEC &&
		      next->state != NEXT_NONE);
	json_add_str(root, "image", WORD(images, q->image));
	json_add_str(root, "next_kernel", next_word(next));
	if (next->kernel) {
		text = printable(next->kernel, strlen(next->kernel));
		json_add_str(root, "next_path", text);
		free(text);
	}
	sizes_json(root, sizes);
	json_add_str(root, "health", health_word(query_health(q, next)));
	json_print(root);
}

static void print_kind(const struct kho_query *q)
{
	switch (q->arrival_kind) {
	case KHO_KIND_ENVELOPES:
		puts("            in envelopes, kept by a kernel without KHO");
		break;
	case KHO_KIND_KERNEL:
		puts("            kept page by page by in-kernel KHO");
		break;
	default:
		/* An older module leaves this field 0; it only supports the stub. */
		printf("            the boot stub kept %s (%s) in %s, in %llu us\n",
		       count_str(q->stub_pages, "page"),
		       size_str(q->stub_pages * q->page_size),
		       count_str(q->stub_extents, "extent"),
		       q->stub_usecs);
	}
}

static unsigned int percent(__u64 done, __u64 all)
{
	return all ? (unsigned int)(done * 100.0 / all) : 0;
}

/* Memory of removed or shrunk objects, which is freed in the background */
static void print_freeing(const struct kho_query *q)
{
	const char *done = size_str(q->freeing_done * q->page_size);

	if (q->freeing_done < q->freeing_pages)
		printf("freeing     %u%%: %s of %s of objects that were removed have been given back\n",
		       percent(q->freeing_done, q->freeing_pages), done,
		       size_str(q->freeing_pages * q->page_size));
	else if (q->freeing_pages)
		printf("freeing     done: %s of objects that were removed have been given back\n",
		       done);
}

/* Memory in incoming envelopes that is not preserved */
static void print_release(const struct kho_query *q)
{
	const char *all = size_str(q->release_pages * q->page_size);

	switch (q->release) {
	case KHO_RELEASE_NONE:
		break;
	case KHO_RELEASE_RUNNING:
		printf("release     %u%%: %s of %s in the envelopes have been given back\n",
		       percent(q->release_done, q->release_pages),
		       size_str(q->release_done * q->page_size), all);
		break;
	case KHO_RELEASE_DONE:
		printf("release     done: %s in the envelopes have been given back\n",
		       size_str(q->release_done * q->page_size));
		break;
	case KHO_RELEASE_KEPT:
		printf("release     none: the envelopes with %s stay reserved, as the handover was refused\n"
		       "            (loading the module with drop=1 gives up what is in them)\n",
		       all);
		break;
	default:
		printf("release     unknown (%u)\n", q->release);
	}
}

static void print_envelopes(const struct kho_query *q)
{
	if (q->backend == KHO_BACKEND_KERNEL) {
		puts("backend     in-kernel KHO: load the next kernel with khoctl load or kexec -s");
		return;
	}
	if (!(q->features & KHO_FEATURE_ENVELOPES)) {
		puts("envelopes   none: the module is older than khoctl; the next kernel needs the boot stub");
		return;
	}
	if (!q->envelopes) {
		puts("envelopes   none are needed yet");
		return;
	}
	printf("envelopes   %u, with %s of RAM; outside of them %s\n",
	       q->envelopes, size_str(q->envelope_pages * q->page_size),
	       size_str(outside_pages(q) * q->page_size));
}

static void print_handoff(const struct kho_query *q)
{
	if (!(q->features & KHO_FEATURE_HANDOFF))
		return;
	if (q->handoff == KHO_HANDOFF_ENVELOPES)
		printf("hand-off    by envelopes, for a kernel with KHO: it gets %s, its module %llu\n",
		       count_str(q->lean_keys, "key"), q->keys);
	else
		printf("hand-off    exact: the next kernel gets %s\n",
		       count_str(q->keys, "key"));
}

static void print_others(const struct others *others)
{
	size_t i;

	for (i = 0; i < others->nr; i++) {
		const struct kho_subtree_entry *e = &others->trees[i];
		char *name = printable(e->name, sizeof(e->name));

		printf("%s %s, %s%s\n", i ? "           " : "subtrees   ", name,
		       size_str(e->bytes), e->flags & KHO_SUBTREE_CARRIED ?
		       ", not the module's: carried on" : ", not the module's");
		free(name);
	}
}

static void print_arrival(const struct kho_query *q)
{
	char *release = printable(q->previous_release,
				  sizeof(q->previous_release));
	char *error = printable(q->arrival_error, sizeof(q->arrival_error));

	fputs("arrival     ", stdout);
	switch (q->arrival) {
	case KHO_ARRIVAL_NONE:
		puts("none: nothing was sent to this kernel");
		break;
	case KHO_ARRIVAL_TAKEN:
		printf("taken over from Linux %s, handover number %u\n",
		       *release ? release : "of unknown release",
		       q->generation);
		print_kind(q);
		if (*error)
			printf("            not all of it: %s\n", error);
		break;
	case KHO_ARRIVAL_REFUSED:
		printf("%sREFUSED%s: %s\n", color_on(COLOR_BAD),
		       color_off(COLOR_BAD),
		       *error ? error : "no reason is given");
		break;
	case KHO_ARRIVAL_OFF:
		puts("turned off by kho=off on the command line, or in a kdump kernel");
		break;
	default:
		printf("unknown (%u)\n", q->arrival);
	}
	free(release);
	free(error);
}

/* What is smaller than it would be, had the kernel seen all its memory when it booted */
static void print_sizes(const struct sizes *sizes)
{
	size_t i, n = 0, tables = 0;

	if (!sizes->grown)
		return;
	printf("sized       by %s of RAM at boot, of %s now", size_str(sizes->boot * 4096),
	       size_str(sizes->now * 4096));
	for (i = 0; i < sizes->nr; i++) {
		const struct size_item *item = &sizes->list[i];

		tables += item->state == SIZE_FIXED;
		if (item->state == SIZE_SMALL)
			printf("%s%s", n++ ? ", " : "; khoctl settle raises:\n            ",
			       item->name);
	}
	puts(n ? "" : ": settled");
	if (tables)
		printf("            %s stay small until the next boot\n",
		       count_str(tables, "hash table"));
}

static void status_text(const struct kho_query *q, const struct others *others,
			const struct next_kernel *next, const struct sizes *sizes)
{
	__u64 raw = q->raw_pages + q->arrived_pages;

	printf("device      %s, interface version %u, kho-v%u, pages of %s\n",
	       device_path(), q->uapi_version, q->abi, size_str(q->page_size));
	if (q->frozen)
		puts("state       frozen: the machine is going down, nothing may change any more");
	else
		puts("state       active: all of this is handed over whenever kexec jumps");
	/* Metadata is preserved too, but does not hold the module. */
	if (!q->objects && !raw)
		puts("holders     none: the module can be unloaded");
	else
		printf("holders     module held by: %s, %s\n",
		       count_str(q->objects, "object"), count_str(raw, "page"));
	printf("preserved   %s, %s\n", count_str(q->preserved_pages, "page"),
	       size_str(q->preserved_pages * q->page_size));
	printf("  objects   %llu, %s (%llu of the objects arrived)\n",
	       q->objects, size_str(q->object_pages * q->page_size),
	       q->arrived_objects);
	printf("  by number %s added here, %s arrived\n",
	       count_str(q->raw_pages, "page"),
	       count_str(q->arrived_pages, "page"));
	printf("metadata    %s (%s)\n", count_str(q->meta_pages, "page"),
	       size_str(q->meta_pages * q->page_size));
	printf("released    %s since the module was loaded\n",
	       count_str(q->released_pages, "page"));
	print_freeing(q);
	if (q->scratch_size && !q->scratch_addr)
		printf("scratch     %s\n", size_str(q->scratch_size));
	else if (q->scratch_size)
		printf("scratch     %s, 0x%llx to 0x%llx\n",
		       size_str(q->scratch_size), q->scratch_addr,
		       q->scratch_addr + q->scratch_size - 1);
	else
		puts(q->backend == KHO_BACKEND_KERNEL ?
		     "scratch     the kernel's own" :
		     "scratch     none: nothing can be handed on; khoctl scratch looks for some");
	print_envelopes(q);
	print_handoff(q);
	if (!q->root_addr)
		puts("addresses   only for callers with CAP_SYS_ADMIN");
	else if (q->backend == KHO_BACKEND_KERNEL)
		printf("addresses   tree 0x%llx\n", q->root_addr);
	else
		printf("addresses   setup_data 0x%llx, FDT 0x%llx, tree 0x%llx\n",
		       q->setup_addr, q->fdt_addr, q->root_addr);
	print_others(others);
	print_arrival(q);
	print_release(q);
	print_sizes(sizes);
	printf("next kernel %s\n", next->text);
}

/* A device that can't be used is one of the values: there is a text in any case. */
static int print_metrics(void)
{
	struct kho_obj_info *infos = NULL;
	struct metrics m = { 0 };
	struct next_kernel next;
	int dev;

	dev = open_device_query(&m.query, 0);
	if (dev >= 0) {
		m.up = true;
		next_look(&next, dev, &m.query);
		m.loaded = next.state > NEXT_NONE;
		m.stale = next.state == NEXT_STALE;
		m.health = query_health(&m.query, &next);
		next_free(&next);
		m.has_objects = m.query.features & KHO_FEATURE_AGENTS &&
				!list_objects(dev, &infos, &m.nr_objects);
		m.objects = infos;
		close(dev);
	}
	metrics_print(&m);
	free(infos);
	return DONE;
}

int cmd_status(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		COLOR_OPTION,
		{ "quiet", no_argument, NULL, 'q' },
		{ "metrics", no_argument, NULL, 'm' },
		END_OF_OPTIONS
	};
	struct others others = { 0 };
	struct sizes sizes = { 0 };
	struct next_kernel next;
	struct kho_query query;
	bool quiet = false, metrics = false;
	size_t i, n = 0;
	int dev, ret;

	while ((ret = next_option(argc, argv, ":q", longs)) != -1) {
		if (ret == BAD_OPTION)
			return USAGE;
		quiet |= ret == 'q';
		metrics |= ret == 'm';
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	if (quiet + metrics + want_json() > 1)
		return usage_error("--quiet, --metrics and --json exclude each other");
	if (metrics)
		return print_metrics();
	dev = open_device_query(&query, 0);
	if (dev < 0)
		return FAILED;
	ret = query.features & KHO_FEATURE_SUBTREES ?
	      list_subtrees(dev, &others.trees, &others.nr) : 0;
	/* Show the rest even to other users, and while the list changes. */
	if (ret && ret != -EAGAIN && ret != -EPERM) {
		close(dev);
		return cmd_err("%s: %s", device_path(), device_error(ret));
	}
	next_look(&next, dev, &query);
	close(dev);
	if (!quiet)
		sizes_look(&sizes, &query);
	for (i = 0; i < others.nr; i++)
		if (!(others.trees[i].flags & KHO_SUBTREE_OWN))
			others.trees[n++] = others.trees[i];
	others.nr = n;
	if (want_json())
		status_json(&query, &others, &next, &sizes);
	else if (!quiet)
		status_text(&query, &others, &next, &sizes);
	sizes_free(&sizes);
	free(others.trees);
	ret = query_health(&query, &next);
	next_free(&next);
	return ret;
}
