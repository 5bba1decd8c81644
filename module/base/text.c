// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text that others have made up, fit to be shown.
 *
 * Names of objects come from agents, and with all else from the kernel before, which
 * may have gone mad.  Bytes that end a line, or that a terminal takes for orders,
 * must not get into the log, where one agent could write what looks like another's
 * line or the kernel's.  What people write their names with is left alone: UTF-8
 * without its control characters and without those that turn the direction of text.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "text.h"

#include <linux/kho.h>

/* How many bytes a sequence has that starts so, or 0; the bits of its first byte. */
static unsigned int sequence(u8 first, u32 *code)
{
	if (first < 0x80) {
		*code = first;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		*code = first & 0x1f;
		return 2;
	}
	if ((first & 0xf0) == 0xe0) {
		*code = first & 0xf;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*code = first & 0x7;
		return 4;
	}
	return 0;
}

/* Reads a character; how many bytes it has, or 0 if that is no UTF-8. */
static unsigned int read_char(const u8 *text, size_t left, u32 *code)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int i, n = sequence(text[0], code);

	if (n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

static bool is_control(u32 code)
{
	return code < ' ' || (code >= 0x7f && code < 0xa0);
}

/* Line and paragraph ends, and what turns the direction of what follows. */
static bool is_layout(u32 code)
{
	return (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* How many bytes the character has, if it can be shown, or 0. */
static unsigned int harmless(const u8 *text, size_t left)
{
	u32 code = 0;
	unsigned int n = read_char(text, left, &code);

	return n && !is_control(code) && !is_layout(code) ? n : 0;
}

/**
 * kho_text_control() - find a control character
 * @text: where
 * @len: bytes that it has
 *
 * Those of C1 are two bytes in UTF-8; a terminal that does not speak it takes one
 * byte for them, which is found where it belongs to no character.
 *
 * Return: the number of the byte that it is, or begins with; @len if there is none.
 */
size_t kho_text_control(const u8 *text, size_t len)
{
	unsigned int n;
	size_t i;
	u32 code;

	for (i = 0; i < len; i += n) {
		n = read_char(text + i, len - i, &code);
		if (!n) {
			code = text[i];
			n = 1;
		}
		if (is_control(code))
			return i;
	}
	return len;
}

/**
 * kho_show() - make a name fit for the log
 * @to: room for it; use kho_shown(), which has some
 * @text: the name; at most KHO_NAME_SIZE - 1 bytes of it are shown
 *
 * What is not harmless, and what would end the quotes around it, is \xNN.
 *
 * Return: the text in @to.
 */
const char *kho_show(struct kho_shown *to, const void *text)
{
	size_t i, len = strnlen(text, KHO_NAME_SIZE - 1);
	const u8 *from = text;
	char *p = to->text;
	unsigned int n;

	for (i = 0; i < len; i += n) {
		n = harmless(from + i, len - i);
		if (n && from[i] != '\'' && from[i] != '\\') {
			memcpy(p, from + i, n);
			p += n;
		} else {
			n = 1;
			p += sprintf(p, "\\x%02x", from[i]);
		}
	}
	*p = '\0';
	return to->text;
}

/**
 * kho_text_clean() - make text fit to be shown, in place
 * @text: which; ends with NUL afterwards, and has nothing else behind its end
 * @size: bytes that there are
 *
 * What is not harmless becomes a question mark.
 */
void kho_text_clean(void *text, size_t size)
{
	size_t i, len = strnlen(text, size - 1);
	unsigned int n;
	u8 *p = text;

	for (i = 0; i < len; i += n) {
		n = harmless(p + i, len - i);
		if (!n) {
			p[i] = '?';
			n = 1;
		}
	}
	memset(p + len, 0, size - len);
}
