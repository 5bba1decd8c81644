/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel that is loaded: is it the one that khoctl loaded, and will it get the handover?
 */
#ifndef KHOCTL_NEXT_H
#define KHOCTL_NEXT_H

#include <stdbool.h>

#include <linux/kho.h>

enum next_state {
	NEXT_NO_KEXEC,		/* this kernel has no kexec */
	NEXT_NONE,		/* none is loaded */
	NEXT_OURS,		/* khoctl loaded it */
	NEXT_UNVERIFIED,	/* khoctl loaded one; it may have been replaced since */
	NEXT_KERNEL,		/* not by khoctl, but in-kernel KHO may hand over to it */
	NEXT_BY_FILE,		/* not by khoctl; the module hands over to it all the same */
	NEXT_OTHER,		/* not by khoctl */
	NEXT_STALE,		/* by khoctl, but it no longer fits */
};

/**
 * struct next_kernel - what is known of the kernel that is loaded
 */
struct next_kernel {
	enum next_state state;
	/** @lost: a jump to it loses what is preserved, or does not boot. */
	bool lost;
	/** @text: what to say of it, for people: "loaded by khoctl: ...".  Allocated. */
	char *text;
	/** @kernel: path of its image, or NULL.  Allocated, like @version. */
	char *kernel;
	char *version;
};

/*
 * Looks; next_free() frees what that found.  Asks the device @dev again, into @q, if khoctl
 * is just loading a kernel.
 */
void next_look(struct next_kernel *next, int dev, struct kho_query *q);
void next_free(struct next_kernel *next);
/* "none", "ours", ... */
const char *next_word(const struct next_kernel *next);

#define NEXT_FIX	"load it again (khoctl load), or unload it (khoctl unload)"

/* Is anything preserved that a jump could lose? */
bool query_preserves(const struct kho_query *q);
/*
 * The exit status for what was found: UNSAFE if a jump now would lose something, REFUSED if
 * what was sent to this kernel was refused in whole or in part, or DONE
 */
int query_health(const struct kho_query *q, const struct next_kernel *next);

#endif /* KHOCTL_NEXT_H */
