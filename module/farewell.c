// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the log says when the machine goes down: what is handed over, or lost.
 *
 * It is too late then to stop anything.  By now, programs that keep logs have ended, so this
 * is for the console, and for what saves the kernel's log.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/reboot.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/preserve.h"
#include "core/ram.h"
#include "farewell.h"
#include "incoming/incoming.h"
#include "objects/objects.h"
#include "pages/pages.h"

#include <linux/kho.h>

/* How kernel_kexec() calls itself, on all kernels; others restart with a word of their own. */
#define KEXEC_COMMAND	"kexec reboot"

static bool is_kexec(unsigned long event, const char *command)
{
	return event == SYS_RESTART && command && !strcmp(command, KEXEC_COMMAND);
}

/* Why the kernel that is loaded won't get what is preserved, or NULL. */
static const char *why_lost(unsigned long event, const char *command)
{
	if (event == SYS_HALT)
		return "the machine halts";
	if (event == SYS_POWER_OFF)
		return "the machine is turned off";
	if (!is_kexec(event, command))
		return "the machine restarts, and not by kexec";
	/* In-kernel KHO gives them to what kexec -s has loaded, and keeps no account of it. */
	if (kho_backend_check_image())
		return NULL;
	switch (kho_ram_image_state()) {
	case KHO_IMAGE_LOADED:
		return NULL;
	case KHO_IMAGE_STALE:
		return "memory was added or removed since the next kernel was loaded";
	default:
		return "the next kernel was not loaded by khoctl";
	}
}

/**
 * kho_farewell() - log what becomes of what is preserved
 * @event: SYS_RESTART, SYS_HALT or SYS_POWER_OFF
 * @command: what reboot notifiers get
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock; nothing changes any more.
 */
void kho_farewell(unsigned long event, const char *command)
{
	struct kho_query query = { };
	const char *why;
	u64 mib, pages;

	lockdep_assert_held(&kho.lock);

	kho_incoming_query(&query);
	kho_pages_query(&query);
	kho_objects_query(&query);
	pages = query.raw_pages + query.arrived_pages + kho_backend_unretrieved_pages() +
		kho_foreign_pages();
	if (!query.objects && !pages)
		return;
	mib = (query.object_pages + pages) >> (20 - PAGE_SHIFT);
	why = why_lost(event, command);
	/* A console that is told to be quiet shows no warnings. */
	if (why)
		pr_emerg("%llu objects and %llu other pages, %llu MiB, %s LOST: %s\n",
			 query.objects, pages, mib, is_kexec(event, command) ? "may be" : "are",
			 why);
	else
		pr_notice("handing over %llu objects and %llu other pages, %llu MiB\n",
			  query.objects, pages, mib);
}
