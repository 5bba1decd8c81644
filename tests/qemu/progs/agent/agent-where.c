// SPDX-License-Identifier: GPL-2.0
/* The agent's command for tests that damage a handover: where everything lies. */
#include <stddef.h>
#include <sys/utsname.h>

#include "agent.h"
#include <kho/objects.h>

/* Where the metadata name the release of this kernel. */
#define RELEASE_AT	offsetof(struct kho_metadata, previous_release)

/* Room for all metadata pages of a test. */
#define META_MAX	4096

static const char *find(const void *where, const void *what, size_t n)
{
	const char *p = memmem(where, PAGE, what, n);

	if (!p)
		die("the FDT lacks what was to be found");
	return p;
}

/* Prints the list that begins at @setup, as far as it is in this page. */
static void show_list(const char *page, __u64 addr, __u64 setup)
{
	struct kho_setup_indirect inner;
	struct kho_setup_node node;
	unsigned int i;

	for (i = 0; (setup & ~(PAGE - 1)) == addr; i++, setup = node.next) {
		memcpy(&node, page + setup % PAGE, sizeof(node));
		printf("node%u=%#llx\n", i, setup);
		if (node.type != KHO_SETUP_INDIRECT)
			continue;
		memcpy(&inner, page + setup % PAGE + sizeof(node),
		       sizeof(inner));
		printf("envelope%u=%#llx\n", i, inner.addr);
		printf("envelope%u_len=%#llx\n", i, inner.len);
	}
	printf("nodes=%u\n", i);
}

/* Prints where the record of "object" is, if it is in this page. */
static void show_records(const char *page, __u64 addr)
{
	const struct kho_objs_page *p = (const struct kho_objs_page *)page;
	size_t i;

	for (i = 0; i < KHO_OBJS_PER_PAGE(12); i++)
		if (!strcmp((const char *)p->records[i].name, "object"))
			printf("record=%#zx\n", (size_t)addr +
			       ((const char *)&p->records[i] - page));
}

/* where: prints the physical addresses of what a test may want to damage */
int cmd_where(char **argv)
{
	struct kho_meta_entry *entries = calloc(META_MAX, sizeof(*entries));
	char *pages = malloc(META_MAX * PAGE);
	struct kho_meta_read arg = {
		.size = sizeof(arg),
		.entries = ptr64(entries),
		.count = META_MAX,
		.pages = ptr64(pages),
	};
	struct kho_query q;
	int kho = open_kho();
	struct utsname uts;
	__u32 i, slot;

	(void)argv;
	uname(&uts);
	if (!entries || !pages)
		die("no memory");
	get_query(kho, &q);
	if (ioctl(kho, KHO_META_READ, &arg))
		die("KHO_META_READ: %s", strerror(errno));
	if (arg.count != arg.total)
		die("more than %u metadata pages", META_MAX);

	printf("setup=%#llx\n", q.setup_addr);
	printf("fdt=%#llx\n", q.fdt_addr);
	printf("root=%#llx\n", q.root_addr);
	for (i = 0; i < arg.count; i++) {
		const struct kho_meta_entry *e = &entries[i];
		__u64 addr = e->addr;
		const char *page = pages + i * PAGE;
		const __u64 *words = (const __u64 *)page;

		if (e->kind == KHO_META_FDT) {
			printf("compatible=%#llx\n", addr +
			       (find(page, "kho-v", 5) - page));
			printf("map_name=%#llx\n", addr +
			       (find(page, KHO_PROP_MEMORY_MAP,
				     sizeof(KHO_PROP_MEMORY_MAP)) - page));
			printf("map_value=%#llx\n", addr +
			       (find(page, &q.root_addr, 8) - page));
			printf("objects_name=%#llx\n", addr +
			       (find(page, KHO_OBJS_NODE,
				     sizeof(KHO_OBJS_NODE)) - page));
			printf("metadata_name=%#llx\n", addr +
			       (find(page, KHO_METADATA_NODE,
				     sizeof(KHO_METADATA_NODE)) - page));
		} else if (e->kind == KHO_META_SETUP &&
			   (q.setup_addr & ~(PAGE - 1)) == addr) {
			struct kho_data data;

			memcpy(&data, page + q.setup_addr % PAGE +
			       sizeof(struct kho_setup_node), sizeof(data));
			printf("scratch=%#llx\n",
			       data.scratch_addr);
			show_list(page, addr, q.setup_addr);
		} else if (e->kind == KHO_META_BLOB &&
			   !strcmp(page, KHO_OBJS_COMPATIBLE)) {
			printf("objects=%#llx\n", addr);
		} else if (e->kind == KHO_META_BLOB &&
			   !strcmp(page + RELEASE_AT, uts.release)) {
			printf("release=%#llx\n", addr + RELEASE_AT);
		} else if (e->kind == KHO_META_BLOB) {
			show_records(page, addr);
		} else if (e->kind == KHO_META_NODE && addr == q.root_addr) {
			for (slot = 0; slot < WORDS - 1 && !words[slot];)
				slot++;
			printf("root_entry=%#llx\n", addr + slot * 8);
		} else if (e->kind == KHO_META_NODE && !e->level) {
			printf("leaf=%#llx\n", addr);
		}
	}
	return 0;
}
