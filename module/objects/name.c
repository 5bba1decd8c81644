// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which names objects may have.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/string.h>

#include "compat/compat.h"
#include "base/log.h"
#include "base/text.h"
#include "objects.h"

#include <linux/kho.h>

/**
 * kho_name_check() - can this be the name of an object?
 * @name: KHO_NAME_SIZE bytes
 *
 * Return: 0; -ENAMETOOLONG if no NUL ends it; -EINVAL if it is empty, "." or "..", has
 * a slash or an ASCII control character, or is not padded with NUL.
 */
int kho_name_check(const u8 *name)
{
	size_t i, len = strnlen((const char *)name, KHO_NAME_SIZE);

	if (len == KHO_NAME_SIZE)
		return kho_refuse(-ENAMETOOLONG, "name '%s...' has more than 63 bytes",
				  kho_shown(name));
	if (!len)
		return kho_refuse(-EINVAL, "name is empty");
	if (!strcmp((const char *)name, ".") || !strcmp((const char *)name, ".."))
		return kho_refuse(-EINVAL, "name is '%s'", kho_shown(name));
	for (i = 0; i < len; i++)
		if (name[i] == '/' || name[i] < ' ' || name[i] == 0x7f)
			return kho_refuse(-EINVAL,
					  "name has byte 0x%02x at %zu, a slash or control character",
					  name[i], i);
	if (memchr_inv(name + len, 0, KHO_NAME_SIZE - len))
		return kho_refuse(-EINVAL, "name '%s' is not padded with NUL", kho_shown(name));
	return 0;
}

/**
 * kho_new_name_check() - can this be the name of a new object?
 * @name: KHO_NAME_SIZE bytes
 *
 * Objects that arrive may have C1 control characters in their names: older modules let
 * agents use them.
 *
 * Return: as kho_name_check(), and -EINVAL for any other control character.
 */
int kho_new_name_check(const u8 *name)
{
	size_t at, len;
	int ret = kho_name_check(name);

	if (ret)
		return ret;
	len = strlen((const char *)name);
	at = kho_text_control(name, len);
	if (at < len)
		return kho_refuse(-EINVAL, "name '%s' has a control character at %zu",
				  kho_shown(name), at);
	return 0;
}
