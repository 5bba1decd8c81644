// SPDX-License-Identifier: GPL-2.0
/*
 * Pages by number: PFN[:ORDER].
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <linux/kho.h>

#include "base/parse.h"
#include "device/device.h"
#include "device/pages.h"

/* The maximum for any page size; the module knows the exact limit. */
#define MAX_ORDER	51

const char *parse_page(const char *arg, struct kho_page_entry *entry)
{
	const char *colon = strchr(arg, ':');
	__u64 pfn, order = 0;
	char buf[32];
	size_t len = colon ? (size_t)(colon - arg) : strlen(arg);
	int ret;

	if (len >= sizeof(buf))
		return "is not a page number (decimal, or hex after 0x)";
	memcpy(buf, arg, len);
	buf[len] = '\0';
	ret = parse_u64(buf, &pfn);
	if (ret == -ERANGE || (!ret && pfn >> 52))
		return "the page number has more bits than an address";
	if (ret)
		return "is not a page number (decimal, or hex after 0x)";
	if (colon) {
		ret = parse_u64(colon + 1, &order);
		if (ret && ret != -ERANGE)
			return "the order after ':' is not a number";
		if (ret || order > MAX_ORDER)
			return "the order after ':' is above 51";
	}
	*entry = (struct kho_page_entry){ .pfn = pfn, .order = order };
	return NULL;
}

const char *page_error(int err, const struct kho_page_entry *entry)
{
	static char buf[128];

	switch (err) {
	case -EINVAL:
		if (entry->pfn & ((1ULL << entry->order) - 1)) {
			snprintf(buf, sizeof(buf),
				 "the page number is not a multiple of %llu, the pages of its order",
				 1ULL << entry->order);
			return buf;
		}
		return "there is no such order";
	case -ENXIO:
		return "no such page: a hole, offline, or not RAM";
	case -EADDRNOTAVAIL:
		return "free, reserved, poisoned, RAM's last, below 2 MiB, or newer than the image";
	case -EBUSY:
		return "the page is in scratch, overlaps a preserved page, or belongs to an object";
	case -EEXIST:
		return "the page is preserved already";
	case -ENOENT:
		return "no such page is preserved with this order";
	case -ERANGE:
		return "the page number has more bits than an address";
	default:
		return device_error(err);
	}
}

bool is_about_page(int err)
{
	switch (err) {
	case -EINVAL:
	case -ENXIO:
	case -EADDRNOTAVAIL:
	case -EBUSY:
	case -EEXIST:
	case -ENOENT:
	case -ERANGE:
	case -EREMOTE:
		return true;
	default:
		return false;
	}
}
