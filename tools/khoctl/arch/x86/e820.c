// SPDX-License-Identifier: GPL-2.0
/*
 * What a command line makes of the memory map that the next kernel gets: mem=, memmap= and
 * the like, as arch/x86/kernel/e820.c of the kernel applies them, one after the other.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/params.h"
#include "base/ranges.h"

/* Types of the kernel's table; where entries overlap, the highest number wins. */
#define RAM		1
#define RESERVED	2
#define ACPI		3
#define SOFT_RESERVED	0xefffffff
#define PRAM		12

/* The attribute of efi_fake_mem= that makes memory soft-reserved */
#define EFI_MEMORY_SP	0x40000

static void add(struct arch_map *m, __u64 addr, __u64 size, unsigned int type)
{
	__u64 end = addr + size < addr ? UINT64_MAX : addr + size;

	if (addr == end)
		return;
	m->list = grow(m->list, m->nr, &m->room, sizeof(*m->list));
	m->list[m->nr++] = (struct arch_map_entry){ addr, end, type };
}

/*
 * Gives [@addr, @addr + @size) the type @to where it has the type @from, or any type if that
 * is 0.  @to: 0 removes it
 */
static void change(struct arch_map *m, __u64 addr, __u64 size, unsigned int from,
		   unsigned int to)
{
	__u64 end = addr + size < addr ? UINT64_MAX : addr + size;
	size_t i, n = m->nr;

	for (i = 0; i < n; i++) {
		struct arch_map_entry e = m->list[i];
		__u64 first = e.addr > addr ? e.addr : addr;
		__u64 last = e.end < end ? e.end : end;

		if ((from && e.type != from) || first >= last)
			continue;
		/* What comes before stays here; what comes after is a new entry. */
		m->list[i].end = first;
		add(m, last, e.end - last, e.type);
		if (to)
			add(m, first, last - first, to);
	}
}

static bool apply_mem(struct arch_map *m, const char *value)
{
	__u64 limit = param_size(value, NULL);

	if (!strcmp(value, "nopentium") || !limit)
		return false;
	change(m, limit, UINT64_MAX - limit, RAM, 0);
	return true;
}

static bool apply_typed(struct arch_map *m, __u64 size, const char *p)
{
	__u64 from = 0, to = 0, addr = param_size(p, &p);

	if (*p == '-')
		from = param_number(p + 1, &p);
	if (*p == '+')
		to = param_number(p + 1, &p);
	if (*p)
		return false;
	if (to && !from)
		add(m, addr, size, to);
	else
		change(m, addr, size, from, to);
	return true;
}

static bool apply_memmap(struct arch_map *m, const char *value)
{
	static const char marks[] = "@#$!";
	static const unsigned int types[] = { RAM, ACPI, RESERVED, PRAM };
	const char *p, *mark;
	__u64 size;

	if (!strncmp(value, "exactmap", 8)) {
		m->nr = 0;
		return true;
	}
	size = param_size(value, &p);
	if (p == value)
		return false;
	if (*p == '%')
		return apply_typed(m, size, p + 1);
	mark = *p ? strchr(marks, *p) : NULL;
	if (mark)
		add(m, param_size(p + 1, NULL), size, types[mark - marks]);
	else
		change(m, size, UINT64_MAX - size, RAM, 0);
	return true;
}

/* SIZE@ADDR:ATTRIBUTE; kernels before 6.10 with CONFIG_EFI_FAKE_MEMMAP */
static bool apply_fake(struct arch_map *m, const char *value)
{
	__u64 size, addr;
	const char *p;

	size = param_size(value, &p);
	if (p == value || *p != '@')
		return false;
	addr = param_size(p + 1, &p);
	if (*p != ':' || !(param_number(p + 1, NULL) & EFI_MEMORY_SP))
		return false;
	add(m, addr, size, SOFT_RESERVED);
	return true;
}

static bool is_list(const struct param *p)
{
	return param_is(p, "memmap") || param_is(p, "efi_fake_mem");
}

bool arch_map_is_changed_by(const struct param *p)
{
	return p->value && (param_is(p, "mem") || is_list(p));
}

const char *arch_map_apply(struct arch_map *m, const struct param *p, const char **at)
{
	size_t len = is_list(p) ? strcspn(*at, ",") : strlen(*at);
	static char one[4096];
	bool changed;

	snprintf(one, sizeof(one), "%.*s", (int)len, *at);
	*at = (*at)[len] ? *at + len + 1 : NULL;
	if (param_is(p, "mem"))
		changed = apply_mem(m, one);
	else if (param_is(p, "memmap"))
		changed = apply_memmap(m, one);
	else
		changed = apply_fake(m, one);
	return changed ? one : NULL;
}

void arch_map_ram(const struct arch_map *m, struct ranges *ram)
{
	size_t i;

	ram->nr = 0;
	for (i = 0; i < m->nr; i++)
		if (m->list[i].type == RAM)
			ranges_add(ram, m->list[i].addr, m->list[i].end);
	ranges_tidy(ram);
	for (i = 0; i < m->nr; i++)
		if (m->list[i].type > RAM)
			ranges_cut(ram, m->list[i].addr, m->list[i].end);
}

void arch_map_start(struct arch_map *m, const struct ranges *ram)
{
	size_t i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < ram->nr; i++)
		add(m, ram->list[i].addr, ram->list[i].end - ram->list[i].addr, RAM);
}

void arch_map_free(struct arch_map *m)
{
	free(m->list);
}

bool arch_ram_is_given(char *cmdline)
{
	struct param p;

	while (param_next(&cmdline, &p))
		if (arch_map_is_changed_by(&p))
			return true;
	return false;
}
