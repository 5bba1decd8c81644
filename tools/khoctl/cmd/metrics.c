// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl status --metrics: Prometheus's text format, for the textfile collector of
 * node_exporter.  Units are in the names, and are base units: bytes, seconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cmd/metrics.h"
#include "version.h"

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(const char *name, const char *help, __u64 value)
{
	head(name, "gauge", help);
	printf("%s %llu\n", name, value);
}

static void counter(const char *name, const char *help, __u64 value)
{
	head(name, "counter", help);
	printf("%s %llu\n", name, value);
}

/* The value of a label; another kernel may have written @text. */
static void label(const char *name, const void *text, size_t len, char before)
{
	char *value = printable(text, len), *p;

	printf("%c%s=\"", before, name);
	for (p = value; *p; p++) {
		if (*p == '\\' || *p == '"')
			putchar('\\');
		putchar(*p);
	}
	putchar('"');
	free(value);
}

static void print_info(const struct kho_query *q)
{
	char abi[16];

	snprintf(abi, sizeof(abi), "kho-v%u", q->abi);
	head("kho_info", "gauge", "What there is, as labels; always 1.");
	fputs("kho_info", stdout);
	label("version", KHO_VERSION, sizeof(KHO_VERSION), '{');
	label("abi", abi, sizeof(abi), ',');
	label("backend", q->backend == KHO_BACKEND_KERNEL ? "kernel" : "module",
	      sizeof("kernel"), ',');
	label("previous_release", q->previous_release,
	      sizeof(q->previous_release), ',');
	puts("} 1");
}

static void print_objects(const struct metrics *m)
{
	__u64 bytes = 0, unclaimed = 0, poisoned = 0;
	__u32 idle = 0;
	size_t i;

	for (i = 0; i < m->nr_objects; i++) {
		const struct kho_obj_info *o = &m->objects[i];

		bytes += o->bytes;
		poisoned += o->poisoned_pages;
		unclaimed += o->flags & KHO_OBJ_ARRIVED &&
			     !(o->flags & KHO_OBJ_CLAIMED);
		if (o->idle > idle)
			idle = o->idle;
	}
	gauge("kho_objects_size_bytes", "Sum of the sizes of all objects.", bytes);
	gauge("kho_objects_unclaimed",
	      "Objects that arrived and that nobody has opened here.", unclaimed);
	gauge("kho_objects_idle_handovers_max",
	      "Most handovers for which nobody has opened an object.", idle);
	gauge("kho_objects_poisoned_pages",
	      "Pages of objects that were lost to memory errors.", poisoned);
}

static void print_query(const struct kho_query *q)
{
	__u64 page = q->page_size;

	gauge("kho_frozen", "1 once the machine is going down.", q->frozen);
	counter("kho_handovers_total",
		"Handovers that led to this kernel.", q->generation);
	counter("kho_changes_total",
		"Changes to what is preserved, since the module was loaded.",
		q->changes);
	gauge("kho_objects", "Objects.", q->objects);
	gauge("kho_objects_arrived", "Objects that arrived from the previous kernel.",
	      q->arrived_objects);
	gauge("kho_preserved_bytes", "Memory that is preserved, of all owners.",
	      q->preserved_pages * page);
	gauge("kho_objects_memory_bytes", "Memory of objects, without metadata.",
	      q->object_pages * page);
	gauge("kho_added_bytes", "Pages preserved by number in this kernel.",
	      q->raw_pages * page);
	gauge("kho_arrived_bytes", "Pages that arrived and belong to no object.",
	      q->arrived_pages * page);
	gauge("kho_metadata_bytes", "Memory used to describe what is preserved.",
	      q->meta_pages * page);
	counter("kho_released_bytes_total",
		"Memory given up since the module was loaded.",
		q->released_pages * page);
	gauge("kho_scratch_bytes",
	      "Memory set aside for the next kernel; 0: nothing can be handed on.",
	      q->scratch_size);
	gauge("kho_arrival_taken", "1 if a handover was taken over from the previous kernel.",
	      q->arrival == KHO_ARRIVAL_TAKEN);
	gauge("kho_arrival_refused", "1 if the handover that was sent here was refused.",
	      q->arrival == KHO_ARRIVAL_REFUSED);
	gauge("kho_arrival_incomplete",
	      "1 if it was taken over, but some of its objects were refused.",
	      q->arrival == KHO_ARRIVAL_TAKEN && q->arrival_error[0]);
	head("kho_stub_seconds", "gauge", "Time that the boot stub took for what arrived.");
	printf("kho_stub_seconds %llu.%06llu\n", q->stub_usecs / 1000000,
	       q->stub_usecs % 1000000);
}

static void print_envelopes(const struct kho_query *q)
{
	__u64 page = q->page_size;

	gauge("kho_ram_bytes", "RAM of the machine.", q->ram_pages * page);
	gauge("kho_envelopes", "Envelopes for a stock kernel.", q->envelopes);
	gauge("kho_envelopes_bytes", "RAM inside the envelopes.",
	      q->envelope_pages * page);
	gauge("kho_release_pending_bytes",
	      "Memory in incoming envelopes that has not been given back yet.",
	      q->release_pages > q->release_done ?
	      (q->release_pages - q->release_done) * page : 0);
	gauge("kho_freeing_pending_bytes",
	      "Memory of removed objects that has not been given back yet.",
	      q->freeing_pages > q->freeing_done ?
	      (q->freeing_pages - q->freeing_done) * page : 0);
}

void metrics_print(const struct metrics *m)
{
	const struct kho_query *q = &m->query;

	gauge("kho_up", "1 if the module answers.", m->up);
	if (!m->up)
		return;
	print_info(q);
	print_query(q);
	if (q->features & KHO_FEATURE_ENVELOPES)
		print_envelopes(q);
	if (m->has_objects)
		print_objects(m);
	gauge("kho_next_kernel_loaded", "1 if a next kernel is loaded.", m->loaded);
	gauge("kho_next_kernel_stale",
	      "1 if it no longer fits what is preserved: load it again.", m->stale);
	gauge("kho_health", "The exit status of khoctl status: 0, 3 or 4.", m->health);
}
