// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making foreign text safe to show.
 *
 * Object names come from agents.  After a handover, they and all other text come from
 * the previous kernel, which may have been corrupted.  Bytes that end a line or control
 * a terminal must not get into the log: an agent could forge lines that look like
 * another agent's or the kernel's.  All other text is left alone: UTF-8 without control
 * characters, and without characters that change the direction of text.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "text.h"

#include <linux/kho.h>

/* Returns the length of a sequence with this first byte, or 0; @code: the byte's bits */
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

/* Reads a character; returns its length in bytes, or 0 if it is not valid UTF-8. */
static unsigned int read_char(const u8 *text, size_t left, u32 *code)
{
	static const u32 min_code[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int i, n = sequence(text[0], code);

	if (n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < min_code[n] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

static bool is_control(u32 code)
{
	return code < ' ' || (code >= 0x7f && code < 0xa0);
}

/* Line and paragraph separators, and characters that change the direction of text */
static bool is_layout(u32 code)
{
	return (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* Returns the length of the character in bytes if it is safe to show, or 0. */
static unsigned int safe_length(const u8 *text, size_t left)
{
	u32 code = 0;
	unsigned int n = read_char(text, left, &code);

	return n && !is_control(code) && !is_layout(code) ? n : 0;
}

/**
 * kho_text_control() - find the first control character
 * @text: the text
 * @len: its length in bytes
 *
 * C1 characters are two bytes in UTF-8, but one byte for a terminal that does not use
 * UTF-8.  Such a byte is found too, unless it is part of another character.
 *
 * Return: offset of its first byte, or @len if there is none.
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
 * kho_show() - make a name safe for the log
 * @to: buffer; use kho_shown(), which provides one
 * @text: the name; at most KHO_NAME_SIZE - 1 bytes of it are shown
 *
 * Unsafe bytes, backslashes and single quotes become \xNN.
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
		n = safe_length(from + i, len - i);
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
 * kho_text_clean() - make text safe to show, in place
 * @text: the text; afterwards it is padded with NUL bytes, at least one
 * @size: size of its buffer in bytes
 *
 * Each unsafe byte becomes a question mark.
 */
void kho_text_clean(void *text, size_t size)
{
	size_t i, len = strnlen(text, size - 1);
	unsigned int n;
	u8 *p = text;

	for (i = 0; i < len; i += n) {
		n = safe_length(p + i, len - i);
		if (!n) {
			p[i] = '?';
			n = 1;
		}
	}
	memset(p + len, 0, size - len);
}
