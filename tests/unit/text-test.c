// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/base/text.c: how names and foreign text look in the log, and how foreign text
 * is cleaned before it is returned.
 */
#include <string.h>

#include "../../module/base/text.h"
#include "tap.h"

static void shows(const char *text, const char *want)
{
	const char *got = kho_shown(text);

	ok(!strcmp(got, want), "'%s' is shown", want);
	if (strcmp(got, want))
		printf("# got: %s\n", got);
}

static void cleans(const char *text, const char *want)
{
	char room[32];

	memset(room, 'x', sizeof(room));
	strcpy(room, text);
	kho_text_clean(room, sizeof(room));
	ok(!strcmp(room, want), "'%s' is left", want);
}

static void has_control(const char *text, int at)
{
	size_t len = strlen(text), got;

	got = kho_text_control((const u8 *)text, len);
	ok(got == (at < 0 ? len : (size_t)at), "a control character, number %d",
	   at);
}

/* Is there no byte that ends a line or begins a terminal's escape sequence? */
static int is_plain(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			return 0;
		/* C1 control characters, unless they are part of a longer character. */
		if (*p >= 0x80 && *p < 0xa0 && (p == (void *)text || p[-1] < 0x80))
			return 0;
		if (*p == 0xc2 && p[1] < 0xa0)
			return 0;
	}
	return 1;
}

static void any_two_bytes(void)
{
	char text[4] = "", room[8];
	int a, b, bad = 0;

	for (a = 1; a < 256; a++) {
		for (b = 0; b < 256; b++) {
			text[0] = a;
			text[1] = b;
			text[2] = 'x';
			strcpy(room, text);
			kho_text_clean(room, sizeof(room));
			bad += !is_plain(kho_shown(text)) || !is_plain(room) ||
			       strlen(room) != strlen(text);
		}
	}
	ok(!bad, "of all texts of two bytes, none gets through as it should not");
}

int main(void)
{
	char longest[100], all[300];
	char full[8] = { 'r', 'e', 'l', 'e', 'a', 's', 'e', '!' };

	tap_start();
	shows("guest-ram", "guest-ram");
	shows("", "");
	shows("caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
	      "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80");
	/* Its second byte would be a C1 control character by itself. */
	shows("\xc4\x8do", "\xc4\x8do");
	shows("a\nkho: forged", "a\\x0akho: forged");
	shows("a\r\x1b[31m\x7f", "a\\x0d\\x1b[31m\\x7f");
	shows("\x9b[m", "\\x9b[m");
	shows("\xc2\x9b[m", "\\xc2\\x9b[m");
	shows("caf\xe9", "caf\\xe9");
	shows("a' of root; object 'b", "a\\x27 of root; object \\x27b");
	shows("\\x0a", "\\x5cx0a");
	/* Two overlong, a surrogate, above U+10FFFF, cut off, U+202E and U+2028. */
	shows("\xc0\x8a", "\\xc0\\x8a");
	shows("\xe0\x80\x8a", "\\xe0\\x80\\x8a");
	shows("\xed\xa0\x80", "\\xed\\xa0\\x80");
	shows("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	shows("\xe6\x97", "\\xe6\\x97");
	shows("\xe2\x80\xaexyz", "\\xe2\\x80\\xaexyz");
	shows("\xe2\x80\xa8xyz", "\\xe2\\x80\\xa8xyz");

	/* A name without a NUL is not read beyond the longest possible name. */
	memset(longest, '\n', sizeof(longest));
	*all = '\0';
	while (strlen(all) < 4 * (KHO_NAME_SIZE - 1))
		strcat(all, "\\x0a");
	shows(longest, all);

	cleans("6.1.0-56-amd64", "6.1.0-56-amd64");
	cleans("6.1\n\x1b[2J\x9b\xc2\x9b", "6.1??[2J???");
	cleans("it's \\ \xc4\x8d", "it's \\ \xc4\x8d");
	kho_text_clean(full, sizeof(full));
	ok(!strcmp(full, "release"), "text without an end gets one");

	has_control("plain \xc4\x8d caf\xe9", -1);
	has_control("ab\n", 2);
	has_control("abc\x9b", 3);
	has_control("a\xc2\x9b", 1);
	has_control("\x7f", 0);
	any_two_bytes();
	return tap_done();
}
