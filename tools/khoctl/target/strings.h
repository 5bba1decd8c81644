/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding texts in an unpacked kernel.
 */
#ifndef KHOCTL_STRINGS_H
#define KHOCTL_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* Highest N of "kho-vN" that is looked for */
#define ABI_MAX		31

/**
 * struct strings - what there is in a kernel, which arrives piece by piece
 */
struct strings {
	/** @abis: bit N is set if there is "kho-vN", alone or at the end of a string. */
	__u32 abis;
	/** @refused: the first of the boot stub's texts. */
	bool refused;
	/** @kept: the second one. */
	bool kept;
	/** @mainline: a text of in-kernel KHO. */
	bool mainline;
	/** @banner: "Linux version" and a release. */
	bool banner;
	/** @release: that release. */
	char release[96];
	/** @config: the packed configuration of CONFIG_IKCONFIG, or NULL. */
	unsigned char *config;
	/** @config_len: its length in bytes. */
	size_t config_len;

	/* Inside strings.c */
	unsigned char *window;
	size_t begin, end;
	int config_state;
	size_t config_room;
	size_t config_skip;
};

void strings_begin(struct strings *s);
/* The next piece; @data is the struct strings. */
bool strings_add(void *data, const unsigned char *bytes, size_t nr);
/* Call this after the last piece, and before reading the results. */
void strings_end(struct strings *s);
void strings_free(struct strings *s);

#endif /* KHOCTL_STRINGS_H */
