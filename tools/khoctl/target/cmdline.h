/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line of the next kernel: what it takes of the RAM there, and what of the
 * handover would be lost by it.
 */
#ifndef KHOCTL_CMDLINE_H
#define KHOCTL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "base/ranges.h"
#include "target/takes.h"

struct plan;

/**
 * struct cmdline - a command line and what it leads to
 */
struct cmdline {
	/* Input */
	/** @append: value of --append, or NULL. */
	const char *append;
	/** @reuse: --reuse-cmdline. */
	bool reuse;
	/** @final: without both, the kernel does get an empty one. */
	bool final;

	/* Output */
	/** @line: what the next kernel parses. */
	char *line;
	/** @built_in: bytes at the start of @line that the kernel was built with. */
	size_t built_in;
	/** @reused: bytes after these that come from this kernel. */
	size_t reused;
	/** @takes: the RAM that it takes. */
	struct takes takes;
	/** @cap: bytes of RAM that it leaves without what is preserved; or UINT64_MAX. */
	__u64 cap;
	/** @ram: bytes of RAM that it leaves at all; or 0: it changes nothing. */
	__u64 ram;
	/** @lost: where it leaves no RAM, or uses it: what is preserved there would be lost. */
	struct ranges lost;
	/** @limit: where it lets RAM end, if that is below its end here; else 0. */
	__u64 limit;
};

/* Puts @p->cmdline together; adds findings. */
void cmdline_build(struct plan *p);
/* True if it is known what the kernel gets */
bool cmdline_known(const struct plan *p);
/*
 * Judges @p->cmdline after cmdline_build(); adds findings.  For RAM it only collects what
 * plan.c judges.  @dev: the device, for where the envelopes are
 */
void cmdline_judge(struct plan *p, int dev);
void cmdline_free(struct cmdline *c);
/* How to do without the option at @at of the line; the caller frees the text. */
char *cmdline_fix(const struct cmdline *c, size_t at, const char *option);
/* Lists the options that take RAM, such as "hugepages=300 of 2 MiB: 600 MiB". */
char *cmdline_takes_str(const struct cmdline *c, bool sizes);

#endif /* KHOCTL_CMDLINE_H */
