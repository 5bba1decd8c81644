// SPDX-License-Identifier: GPL-2.0
/*
 * The agent's commands for many keys: an object of single pages, and how the next kernel
 * is told of it.
 */
#include "agent.h"

/*
 * apart NAME COUNT SEED [wide]: preserves COUNT pages of its own as an object, no two of
 * which are adjacent: those with the lowest numbers of 2 * COUNT + 4096 pages, or with
 * "wide" of half of all free memory
 */
int cmd_apart(char **argv)
{
	__u64 count = number(argv[1]), seed = number(argv[2]);
	size_t total = argv[3] ? sysconf(_SC_AVPHYS_PAGES) / 2UL :
				 count * 2 + 4096;
	size_t apart = 0, i;
	struct place *place = calloc(total, sizeof(*place));
	__u64 *pfn = calloc(total, sizeof(*pfn)), last = 0;
	struct kho_obj_preserve arg = {
		.size = sizeof(arg),
		.bytes = count * PAGE,
	};
	struct kho_obj_info info = { .size = sizeof(info) };
	char *memory, *object;

	if (!place || !pfn || strlen(argv[0]) >= sizeof(arg.name))
		die("%llu pages of %s are too many", count, argv[0]);
	memory = locked_pages(total);
	pfns_of(memory, pfn, total);
	for (i = 0; i < total; i++) {
		place[i].page = (__u64 *)(memory + i * PAGE);
		place[i].pfn = pfn[i];
	}
	qsort(place, total, sizeof(*place), by_pfn);

	/* Only the mappings move together; the pages stay where they are. */
	object = mmap(NULL, count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (object == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (i = 0; i < total && apart < count; i++) {
		if (apart && place[i].pfn <= last + 1)
			continue;
		last = place[i].pfn;
		fill_page(place[i].page, seed, apart);
		if (mremap(place[i].page, PAGE, PAGE,
			   MREMAP_MAYMOVE | MREMAP_FIXED,
			   object + apart * PAGE) == MAP_FAILED)
			die("mremap: %s", strerror(errno));
		apart++;
	}
	if (apart < count)
		die("found only %zu pages that lie apart", apart);

	arg.addr = ptr64(object);
	memcpy(arg.name, argv[0], strlen(argv[0]));
	if (ioctl(open_kho(), KHO_OBJ_PRESERVE, &arg))
		die("KHO_OBJ_PRESERVE: %s", strerror(errno));
	/* Pages below 2 MiB or in scratch were moved, and may be adjacent now. */
	if (ioctl(arg.fd, KHO_OBJ_INFO, &info) || info.extents < count - count / 10)
		die("the object has %llu extents, not %llu", info.extents, count);
	printf("%llu pages in as many extents preserved\n", count);
	return 0;
}

/* check-apart NAME COUNT SEED: compares each byte of the object */
int cmd_check_apart(char **argv)
{
	__u64 count = number(argv[1]), seed = number(argv[2]), bytes, i;
	int fd = open_object(open_kho(), argv[0], &bytes);
	unsigned int word;
	__u64 *p;

	if (bytes != count * PAGE)
		die("%s has %llu bytes", argv[0], bytes);
	p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (i = 0; i < count; i++)
		for (word = 0; word < WORDS; word++)
			if (p[i * WORDS + word] != word_of(seed, i, word))
				die("page %llu: word %u is %#llx, not %#llx", i,
				    word, p[i * WORDS + word],
				    word_of(seed, i, word));
	printf("%llu pages compared, no difference\n", count);
	return 0;
}

/* handoff exact|envelopes: sets how to hand over, whatever the loaded kernel is for */
int cmd_handoff(char **argv)
{
	struct kho_handoff arg = {
		.size = sizeof(arg),
		.how = strcmp(argv[0], "envelopes") ? KHO_HANDOFF_EXACT :
						      KHO_HANDOFF_ENVELOPES,
	};

	if (ioctl(open_kho(), KHO_HANDOFF, &arg))
		die("KHO_HANDOFF: %s", strerror(errno));
	return 0;
}
