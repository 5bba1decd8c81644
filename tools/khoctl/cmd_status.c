// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl status
 */
#include <stdlib.h>
#include <unistd.h>

#include "khoctl.h"
#include "sysinfo.h"

static const char * const arrivals[] = {
	[KHO_ARRIVAL_NONE] = "none",
	[KHO_ARRIVAL_TAKEN] = "taken",
	[KHO_ARRIVAL_REFUSED] = "refused",
	[KHO_ARRIVAL_OFF] = "off",
};

static void status_json(const struct kho_query *q, int loaded)
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
	json_add_u64(root, "fdt_size", q->fdt_size);
	json_add_u64(root, "root_addr", q->root_addr);
	json_add_u64(root, "scratch_addr", q->scratch_addr);
	json_add_u64(root, "scratch_size", q->scratch_size);
	json_add_u64(root, "preserved_pages", q->preserved_pages);
	json_add_u64(root, "raw_pages", q->raw_pages);
	json_add_u64(root, "arrived_pages", q->arrived_pages);
	json_add_u64(root, "objects", q->objects);
	json_add_u64(root, "object_pages", q->object_pages);
	json_add_u64(root, "arrived_objects", q->arrived_objects);
	json_add_u64(root, "meta_pages", q->meta_pages);
	json_add_u64(root, "released_pages", q->released_pages);
	json_add_str(root, "arrival", q->arrival < ARRAY_SIZE(arrivals) ?
		     arrivals[q->arrival] : "unknown");
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
	json_add_bool(root, "kexec_loaded", loaded > 0);
	json_print(root);
}

static void print_arrival(const struct kho_query *q)
{
	char *release = printable(q->previous_release,
				  sizeof(q->previous_release));
	char *error = printable(q->arrival_error, sizeof(q->arrival_error));

	fputs("arrival     ", stdout);
	switch (q->arrival) {
	case KHO_ARRIVAL_NONE:
		puts("none: nothing was sent to this kernel, or it has no boot stub");
		break;
	case KHO_ARRIVAL_TAKEN:
		printf("taken over from Linux %s, handover number %u\n",
		       *release ? release : "of unknown release",
		       q->generation);
		printf("            the boot stub kept %s (%s) in %s, in %llu us\n",
		       count_str(q->stub_pages, "page"),
		       size_str(q->stub_pages * q->page_size),
		       count_str(q->stub_extents, "extent"),
		       q->stub_usecs);
		break;
	case KHO_ARRIVAL_REFUSED:
		printf("REFUSED: %s\n", *error ? error : "no reason is given");
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

static void status_text(const struct kho_query *q, int loaded)
{
	__u64 raw = q->raw_pages + q->arrived_pages;

	printf("device      %s, interface version %u, kho-v%u, pages of %s\n",
	       device_path(), q->uapi_version, q->abi, size_str(q->page_size));
	if (q->frozen)
		puts("state       frozen: the machine is going down, nothing may change any more");
	else
		puts("state       active: all of this is handed over whenever kexec jumps");
	/* Its own metadata, which is preserved too, holds nothing. */
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
	if (q->scratch_size)
		printf("scratch     %s, 0x%llx to 0x%llx\n",
		       size_str(q->scratch_size), q->scratch_addr,
		       q->scratch_addr + q->scratch_size - 1);
	else
		puts("scratch     none");
	printf("addresses   setup_data 0x%llx, FDT 0x%llx, tree 0x%llx\n",
	       q->setup_addr, q->fdt_addr,
	       q->root_addr);
	print_arrival(q);
	printf("next kernel %s\n", loaded < 0 ? "this kernel has no kexec" :
	       loaded ? "loaded" : "not loaded (khoctl load)");
}

int cmd_status(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};
	struct kho_query query;
	int dev, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	dev = open_device_query(&query, 0);
	if (dev < 0)
		return FAILED;
	close(dev);
	if (want_json())
		status_json(&query, sys_kexec_loaded());
	else
		status_text(&query, sys_kexec_loaded());
	return DONE;
}
