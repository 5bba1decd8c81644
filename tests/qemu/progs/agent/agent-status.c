// SPDX-License-Identifier: GPL-2.0
/* The agent's command that prints what KHO_QUERY returns. */
#include "agent.h"

static const char *const arrivals[] = {
	[KHO_ARRIVAL_NONE] = "none",
	[KHO_ARRIVAL_TAKEN] = "taken",
	[KHO_ARRIVAL_REFUSED] = "refused",
	[KHO_ARRIVAL_OFF] = "off",
};

static const char *const kinds[] = {
	[KHO_KIND_NONE] = "none",
	[KHO_KIND_STUB] = "stub",
	[KHO_KIND_ENVELOPES] = "stock",
	[KHO_KIND_KERNEL] = "mainline",
};

static const char *const backends[] = {
	[KHO_BACKEND_MODULE] = "module",
	[KHO_BACKEND_KERNEL] = "kernel",
};

static const char *const releases[] = {
	[KHO_RELEASE_NONE] = "none",
	[KHO_RELEASE_RUNNING] = "running",
	[KHO_RELEASE_DONE] = "done",
	[KHO_RELEASE_KEPT] = "kept",
};

static const char *const images[] = {
	[KHO_IMAGE_NONE] = "none",
	[KHO_IMAGE_BEGUN] = "begun",
	[KHO_IMAGE_LOADED] = "loaded",
	[KHO_IMAGE_STALE] = "stale",
};

static void show_name(const char *key, __u32 value, const char *const *names,
		      size_t nr)
{
	printf("%s=%s\n", key, value < nr ? names[value] : "unknown");
}

int cmd_status(char **argv)
{
	struct kho_query q;
	int kho = open_kho();

	(void)argv;
	get_query(kho, &q);
	show_name("arrival", q.arrival, arrivals, ARRAY_SIZE(arrivals));
	show_name("arrival_kind", q.arrival_kind, kinds, ARRAY_SIZE(kinds));
	show_name("backend", q.backend, backends, ARRAY_SIZE(backends));
	show_name("release", q.release, releases, ARRAY_SIZE(releases));
	show_name("image", q.image, images, ARRAY_SIZE(images));
	printf("generation=%u\n", q.generation);
#define SHOW(member) \
	printf(#member "=%llu\n", (unsigned long long)q.member)
	SHOW(abi);
	SHOW(frozen);
	SHOW(preserved_pages);
	SHOW(raw_pages);
	SHOW(arrived_pages);
	SHOW(objects);
	SHOW(object_pages);
	SHOW(arrived_objects);
	SHOW(meta_pages);
	SHOW(released_pages);
	SHOW(stub_pages);
	SHOW(stub_extents);
	SHOW(stub_usecs);
	SHOW(scratch_addr);
	SHOW(setup_addr);
	SHOW(scratch_size);
	SHOW(envelopes);
	SHOW(envelope_pages);
	SHOW(ram_pages);
	SHOW(release_pages);
	SHOW(release_done);
	SHOW(keys);
	SHOW(lean_keys);
	SHOW(handoff);
#undef SHOW
	printf("previous_release=%.71s\n", q.previous_release);
	printf("arrival_error=%.127s\n", q.arrival_error);
	return 0;
}
