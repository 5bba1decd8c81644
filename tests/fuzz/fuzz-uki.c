// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a file that khoctl is to load: a UKI, an EFI zboot image, or anything else.
 * The first byte says how much longer the file is than what is read of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/khoctl/target/uki.c"

#include "../unit/tap.h"

static void inside(const struct part *part, uint64_t size, const char *what)
{
	must(part->at <= size && part->size <= size - part->at,
	     "%s: %llu bytes at %llu, in a file of %llu", what, part->size, part->at,
	     (unsigned long long)size);
}

static void check_uki(const unsigned char *head, size_t len, uint64_t size)
{
	struct uki uki;
	unsigned int i, j;

	memset(&uki, 0x55, sizeof(uki));
	if (uki_read(head, len, size, &uki))
		return;
	must(pe_is(head, len), "no PE file");
	must(uki.has < 1U << UKI_NR_SECTIONS, "has 0x%x", uki.has);
	for (i = 0; i < UKI_NR_SECTIONS; i++) {
		inside(&uki.section[i], size, section_names[i]);
		must(uki.has & 1U << i || !uki.section[i].size, "%s", section_names[i]);
		for (j = 0; j < i; j++)
			must(!overlap(&uki.section[i], &uki.section[j]), "%u and %u", i, j);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part payload;
	const char *kind;
	uint64_t whole;
	uint8_t *head;

	if (!size)
		return 0;
	/* A copy, so that reading beyond its end is noticed. */
	size--;
	head = malloc(size ? size : 1);
	must(head, "no memory");
	memcpy(head, data + 1, size);
	whole = size + data[0] * 256;
	check_uki(head, size, whole);
	if (!zboot_read(head, size, whole, &payload))
		inside(&payload, whole, "payload");
	kind = file_kind(head, size);
	must(!kind || strlen(kind) > 5, "kind");
	free(head);
	return 0;
}
