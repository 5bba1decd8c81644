// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as a kernel's command line, in khoctl's reader.  The words are compared with
 * those of next_args(), which takes them apart in another way; what options do to RAM is
 * computed a second time, with the memory map as an array of blocks.
 */
#include <stdint.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "base/params.h"
#include "base/ranges.h"
#include "target/takes.h"

#include "../unit/tap.h"

#define MAX		4096
#define BLOCK		(1ULL << 20)
#define BLOCKS		4096

static int is_space(char c)
{
	return c && memchr(" \t\n\v\f\r\xa0", c, 7);
}

/*
 * The next word from @at, as Documentation/admin-guide/kernel-parameters.rst says it: quotes
 * protect spaces, and those around a value or a word are not part of it.  Return: its end
 */
static size_t next_word(const char *line, size_t at, char *word, int *quoted)
{
	size_t n = 0;
	int in = 0;

	*quoted = line[at] == '"';
	for (; line[at] && (in || !is_space(line[at])); at++) {
		if (line[at] == '"')
			in = !in;
		word[n++] = line[at];
	}
	word[n] = '\0';
	return at;
}

static int cut_last_quote(char *s)
{
	size_t len = strlen(s);

	if (!len || s[len - 1] != '"')
		return 0;
	s[len - 1] = '\0';
	return 1;
}

static void same_words(const char *line)
{
	static char copy[MAX + 1], word[MAX + 1];
	char *rest = copy, *name, *value;
	struct param p;
	size_t at = 0;
	int quoted;

	strcpy(copy, line);
	for (;;) {
		while (is_space(line[at]))
			at++;
		if (!line[at])
			break;
		at = next_word(line, at, word, &quoted);
		name = word + quoted;
		value = *name ? strchr(name + 1, '=') : NULL;
		if (value) {
			int cut = 0;

			*value++ = '\0';
			if (*value == '"') {
				value++;
				/* The quote before the end, which may be that very one */
				cut = *value && cut_last_quote(value);
			}
			/* One place for both: a second quote before the end stays. */
			if (quoted && !cut)
				cut_last_quote(value);
		} else if (quoted) {
			cut_last_quote(name);
		}
		if (!value && !strcmp(name, "--")) {
			must(!param_next(&rest, &p), "it goes on behind --");
			return;
		}
		must(param_next(&rest, &p), "a word is missing: %s", name);
		must(!strcmp(p.name, name), "name: %s, not %s", p.name, name);
		must(!p.value == !value, "%s: has %s value", name, value ? "no" : "a");
		must(!value || !strcmp(p.value, value), "%s: %s, not %s", name, p.value, value);
	}
	must(!param_next(&rest, &p), "a word too many: %s", p.name);
}

/* Applies mem= and the simple forms of memmap= in whole blocks. */
static void same_ram(const char *line)
{
	static char copy[MAX + 1];
	char *rest = copy;
	struct ranges told = {}, ram = {};
	struct arch_map map;
	struct param p;
	size_t i, steps = 0;

	strcpy(copy, line);
	ranges_add(&told, 0, BLOCKS * BLOCK);
	ranges_tidy(&told);
	arch_map_start(&map, &told);
	while (param_next(&rest, &p) && steps < 64) {
		const char *at = p.value;

		if (!arch_map_is_changed_by(&p))
			continue;
		while (at && steps++ < 64)
			arch_map_apply(&map, &p, &at);
	}
	arch_map_ram(&map, &ram);
	for (i = 0; i < ram.nr; i++)
		must(ram.list[i].addr < ram.list[i].end &&
		     (!i || ram.list[i - 1].end < ram.list[i].addr), "ranges are not tidy");
	/* At no place is there RAM if an entry says otherwise, and only where one says so. */
	for (i = 0; i < map.nr && i < 64; i++) {
		uint64_t a = map.list[i].addr, at = a;
		unsigned int most = 0;
		size_t j;

		for (j = 0; j < map.nr; j++)
			if (map.list[j].addr <= at && at < map.list[j].end &&
			    map.list[j].type > most)
				most = map.list[j].type;
		must(ranges_overlap(&ram, at, at + 1) == (most == 1),
		     "0x%llx is %s", (unsigned long long)at, most == 1 ? "RAM" : "no RAM");
	}
	arch_map_free(&map);
	free(told.list);
	free(ram.list);
}

static void same_sums(const char *line)
{
	const struct machine m = { .ram = 4ULL << 30, .other_ram = 3ULL << 30, .nodes = 2 };
	uint64_t sums[NR_TAKES] = {};
	struct takes t;
	size_t i;

	takes_read(&t, line, &m);
	for (i = 0; i < t.nr; i++) {
		const struct take *one = &t.list[i];

		must(one->bytes && one->option && one->kind < NR_TAKES, "a bad entry");
		must(one->at < strlen(line), "it begins behind the end");
		sums[one->kind] = sum_of(sums[one->kind], one->bytes);
	}
	for (i = 0; i < NR_TAKES; i++)
		must(sums[i] == t.sums[i], "sum %zu differs", i);
	must(!t.core == !t.core_option && t.core < m.ram, "core is %llu",
	     (unsigned long long)t.core);
	takes_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[MAX + 1];

	if (size > MAX)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	same_words(line);
	same_ram(line);
	same_sums(line);
	return 0;
}
