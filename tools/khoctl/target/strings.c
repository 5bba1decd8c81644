// SPDX-License-Identifier: GPL-2.0
/*
 * Finding texts in an unpacked kernel.
 *
 * A kernel has some 60 MiB, and what has no memory for that can be examined all the same:
 * only a window is kept, which moves on by less than its size, so that no text is cut.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "target/strings.h"

#define WINDOW		(512 * 1024)
/* No text that is looked for is longer; a release has 96 bytes. */
#define AHEAD		256
#define CONFIG_MAX	MIB

/* States of the configuration */
enum { CONFIG_NOT_YET, CONFIG_INSIDE, CONFIG_PAST };

static const char config_start[] = "IKCFG_ST\x1f\x8b";
static const char config_end[] = "IKCFG_ED";

void strings_begin(struct strings *s)
{
	memset(s, 0, sizeof(*s));
	s->window = xmalloc(WINDOW);
}

/*
 * Texts are looked for that begin at @at or later, but before @own; what begins later is
 * found in the next window.  They may go on up to @end.
 */
struct view {
	const unsigned char *at;
	const unsigned char *own;
	const unsigned char *end;
};

/* Return: where @text begins, at @from or later, or NULL */
static const unsigned char *find(const struct view *v, const unsigned char *from,
				 const char *text)
{
	size_t len = strlen(text);
	const unsigned char *end = v->own + len - 1;

	if (end > v->end)
		end = v->end;
	return from < end ? memmem(from, end - from, text, len) : NULL;
}

/* The linker merges a string into a longer one with the same end. */
static void find_abis(struct strings *s, const struct view *v)
{
	const unsigned char *at = v->at;
	static const char word[] = "kho-v";

	while ((at = find(v, at, word))) {
		unsigned char before = at > s->window ? at[-1] : 1;
		unsigned int n = 0;

		at += strlen(word);
		if (before && before != ' ')
			continue;
		while (at < v->end && isdigit(*at) && n <= ABI_MAX)
			n = 10 * n + *at++ - '0';
		if (n && n <= ABI_MAX && at < v->end && !*at)
			s->abis |= 1U << n;
	}
}

/* "Linux version 6.1.0-56-amd64 (", for images without a release in the header */
static void find_banner(struct strings *s, const struct view *v)
{
	const unsigned char *at = v->at;
	static const char word[] = "Linux version ";
	size_t n = 0;

	/* Skip the format "Linux version %s". */
	while (!s->banner && (at = find(v, at, word))) {
		at += strlen(word);
		s->banner = at < v->end && isdigit(*at);
	}
	if (!s->banner || s->release[0])
		return;
	while (at < v->end && *at > ' ' && *at < 0x7f && n + 1 < sizeof(s->release))
		s->release[n++] = *at++;
	s->release[n] = '\0';
}

static void keep_config(struct strings *s, const unsigned char *from,
			const unsigned char *to)
{
	size_t nr = to - from;

	/* Too long: it is none. */
	if (nr > CONFIG_MAX - s->config_len) {
		s->config_state = CONFIG_PAST;
		s->config_len = 0;
		return;
	}
	if (s->config_len + nr > s->config_room) {
		s->config_room = 2 * (s->config_len + nr);
		s->config = xrealloc(s->config, s->config_room, 1);
	}
	memcpy(s->config + s->config_len, from, nr);
	s->config_len += nr;
}

static void find_config(struct strings *s, const struct view *v)
{
	const unsigned char *at = v->at, *end;

	if (s->config_state == CONFIG_NOT_YET) {
		at = find(v, at, config_start);
		if (!at)
			return;
		s->config_state = CONFIG_INSIDE;
		s->config_skip = strlen(config_start) - 2;
	}
	if (s->config_state != CONFIG_INSIDE)
		return;
	if (s->config_skip >= (size_t)(v->own - at)) {
		s->config_skip -= v->own - at;
		return;
	}
	at += s->config_skip;
	s->config_skip = 0;
	end = find(v, at, config_end);
	keep_config(s, at, end ? end : v->own);
	if (end)
		s->config_state = CONFIG_PAST;
}

/* Looks for texts that begin before the last @ahead bytes, and moves the window there. */
static void look(struct strings *s, size_t ahead)
{
	size_t own = s->end > s->begin + ahead ? s->end - ahead : s->begin;
	struct view v = {
		.at = s->window + s->begin,
		.own = s->window + own,
		.end = s->window + s->end,
	};
	/* One byte stays, to tell whether a text begins there. */
	size_t drop = own ? own - 1 : 0;

	s->refused |= !!find(&v, v.at, "handover refused: %s");
	s->kept |= !!find(&v, v.at, "kept %llu pages (%llu.%llu MiB) in %llu extents");
	s->mainline |= !!find(&v, v.at, "KHO: disabling KHO revival");
	find_abis(s, &v);
	find_banner(s, &v);
	find_config(s, &v);
	memmove(s->window, s->window + drop, s->end - drop);
	s->begin = own - drop;
	s->end -= drop;
}

bool strings_add(void *data, const unsigned char *bytes, size_t nr)
{
	struct strings *s = data;

	while (nr) {
		size_t room = WINDOW - s->end, n = nr < room ? nr : room;

		memcpy(s->window + s->end, bytes, n);
		s->end += n;
		bytes += n;
		nr -= n;
		if (s->end == WINDOW)
			look(s, AHEAD);
	}
	return true;
}

void strings_end(struct strings *s)
{
	look(s, 0);
	/* Without its end, it is none. */
	if (s->config_state != CONFIG_PAST)
		s->config_len = 0;
}

void strings_free(struct strings *s)
{
	free(s->window);
	free(s->config);
	memset(s, 0, sizeof(*s));
}
