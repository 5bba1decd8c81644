// SPDX-License-Identifier: GPL-2.0
/*
 * A progress bar on stderr.  It appears only on a terminal, and only if the operation
 * takes long.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/text.h"

#define FIRST_DRAW	0.5		/* seconds */
#define REDRAW		0.1

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int terminal_width(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) || ws.ws_col < 20)
		return 80;
	return ws.ws_col;
}

void progress_start(struct progress *p, const char *label, __u64 total)
{
	memset(p, 0, sizeof(*p));
	p->label = label;
	p->total = total;
	p->started = now();
	p->on = isatty(STDERR_FILENO);
}

static void draw(struct progress *p, __u64 done, double elapsed)
{
	double rate = done / elapsed;
	char head[128], tail[160], line[512];
	int room, fill, len;

	snprintf(head, sizeof(head), "%.40s ", p->label);
	if (p->total) {
		__u64 left = rate > 0 ? (p->total - done) / rate : 0;

		snprintf(tail, sizeof(tail),
			 " %3u%% %s of %s, %s/s, ETA %llu:%02u",
			 (unsigned int)(done * 100.0 / p->total), size_str(done),
			 size_str(p->total), size_str(rate), left / 60,
			 (unsigned int)(left % 60));
	} else {
		snprintf(tail, sizeof(tail), "%s, %s/s", size_str(done),
			 size_str(rate));
	}

	/* Leave the last column free: some terminals wrap there. */
	room = terminal_width() - 1;
	fill = room - (int)(strlen(head) + strlen(tail)) - 2;
	if (fill > 40)
		fill = 40;
	if (p->total && fill >= 8) {
		int full = (double)done / p->total * fill;

		len = snprintf(line, sizeof(line), "%s[%.*s%*s]%s", head, full,
			       "########################################",
			       fill - full, "", tail);
	} else {
		len = snprintf(line, sizeof(line), "%s%s", head, tail);
	}
	if (len > room)
		len = room;
	fprintf(stderr, "\r%.*s%*s", len, line,
		p->width > len ? p->width - len : 0, "");
	fflush(stderr);
	p->width = len;
}

void progress_update(struct progress *p, __u64 done)
{
	double t;

	if (!p->on)
		return;
	t = now();
	if (t - p->started < FIRST_DRAW || t - p->drawn < REDRAW)
		return;
	p->drawn = t;
	draw(p, done, t - p->started);
}

void progress_end(struct progress *p)
{
	if (p->width)
		fprintf(stderr, "\r%*s\r", p->width, "");
	p->width = 0;
	p->on = false;
}
