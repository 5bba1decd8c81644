// SPDX-License-Identifier: GPL-2.0
/*
 * Finding out what a kernel image will do with a handover.
 *
 * The best evidence is the strings in the unpacked payload that the kernel compares a
 * handover with.  Without a payload, a configuration file beside the image has to do.  Both
 * may be forged.  The worst consequence is a wrong statement here, because the kernel itself
 * checks the handover that it gets.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kho/abi.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/text.h"
#include "target/image.h"
#include "target/payload.h"
#include "target/strings.h"
#include "target/target.h"

#define CONFIG_MAX	(8 * MIB)
#define PAYLOAD_MAX	(1024 * MIB)
#define ABI_OTHER	1	/* of Linux 6.16 to 7.0 */

static void PRINTF(2, 3) evidence(struct target *t, const char *fmt, ...)
{
	va_list args;

	if (t->nr_evidence == TARGET_MAX_EVIDENCE)
		return;
	va_start(args, fmt);
	t->evidence[t->nr_evidence++] = xvasprintf(fmt, args);
	va_end(args);
}

/* What a kernel is configured to do */
struct config {
	bool kho;		/* CONFIG_KEXEC_HANDOVER */
	bool on;		/* CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT */
	bool stub;		/* CONFIG_KHO_BOOTSTUB */
	unsigned int major;	/* release of the kernel, or 0 */
	unsigned int minor;
	char *cmdline;		/* CONFIG_CMDLINE, or NULL */
	bool cmdline_only;	/* CONFIG_CMDLINE_OVERRIDE */
};

static bool config_has(const char *text, const char *option)
{
	size_t len = strlen(option);
	const char *p = text;

	while ((p = strstr(p, option))) {
		if ((p == text || p[-1] == '\n') && !strncmp(p + len, "=y", 2))
			return true;
		p += len;
	}
	return false;
}

/* Returns the value of CONFIG_CMDLINE, a C string, or NULL if there is none. */
static char *config_cmdline(const char *text)
{
	static const char option[] = "CONFIG_CMDLINE=\"";
	const char *p = text;
	char *value, *to;

	while ((p = strstr(p, option)) && p != text && p[-1] != '\n')
		p++;
	if (!p || !config_has(text, "CONFIG_CMDLINE_BOOL"))
		return NULL;
	p += sizeof(option) - 1;
	value = xmalloc(strcspn(p, "\n") + 1);
	for (to = value; *p && *p != '"' && *p != '\n'; p++) {
		if (*p == '\\' && p[1] && p[1] != '\n')
			p++;
		*to++ = *p;
	}
	*to = '\0';
	if (*value)
		return value;
	free(value);
	return NULL;
}

static void read_config(const char *text, struct config *c)
{
	const char *head = strstr(text, "# Linux/");

	memset(c, 0, sizeof(*c));
	c->kho = config_has(text, "CONFIG_KEXEC_HANDOVER");
	c->on = config_has(text, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT");
	c->stub = config_has(text, "CONFIG_KHO_BOOTSTUB");
	c->cmdline = config_cmdline(text);
	c->cmdline_only = config_has(text, "CONFIG_CMDLINE_OVERRIDE");
	if (head && sscanf(head, "# Linux/%*s %u.%u", &c->major, &c->minor) != 2)
		c->major = 0;
}

/* Moves the built-in command line to @t, unless there is a better source. */
static void set_builtin(struct target *t, struct config *c)
{
	if (t->builtin) {
		free(c->cmdline);
	} else {
		t->builtin = c->cmdline;
		t->builtin_only = c->cmdline && c->cmdline_only;
	}
	c->cmdline = NULL;
}

static const char *config_str(const struct config *c)
{
	return c->stub ? "CONFIG_KHO_BOOTSTUB=y" :
	       c->kho ? "CONFIG_KEXEC_HANDOVER=y" :
			"CONFIG_KEXEC_HANDOVER is not set";
}

/* ---- The release ---- */

static void set_release(struct target *t, const char *release)
{
	snprintf(t->release, sizeof(t->release), "%s", release);
	if (sscanf(release, "%u.%u", &t->major, &t->minor) != 2)
		t->major = 0;
}

bool target_disregards(const struct target *t)
{
	return t->kind == TARGET_MAINLINE && t->abis == 1U << ABI_OTHER;
}

bool target_before(const struct target *t, unsigned int major,
		   unsigned int minor)
{
	return t->major && (t->major < major ||
			    (t->major == major && t->minor < minor));
}

/* ---- The unpacked payload ---- */

struct text {
	char *text;
	size_t len;
};

static bool add_text(void *data, const unsigned char *bytes, size_t nr)
{
	struct text *t = data;

	t->text = xrealloc(t->text, t->len + nr + 1, 1);
	memcpy(t->text + t->len, bytes, nr);
	t->len += nr;
	t->text[t->len] = '\0';
	return true;
}

/* Reads the configuration that CONFIG_IKCONFIG embeds in a kernel. */
static bool embedded_config(const struct strings *s, struct config *c)
{
	struct packed packed = {
		.len = s->config_len, .sized = true, .limit = CONFIG_MAX,
	};
	struct text text = { 0 };
	struct payload p;
	bool found = false;

	if (!s->config_len)
		return false;
	packed.fd = memfd_create("kho-config", MFD_CLOEXEC);
	if (packed.fd < 0)
		return false;
	if (!write_all(packed.fd, s->config, s->config_len) &&
	    payload_unpack(&packed, add_text, &text, &p) == PAYLOAD_OK && text.text) {
		found = true;
		read_config(text.text, c);
	}
	free(text.text);
	close(packed.fd);
	return found;
}

static void look_at_strings(struct target *t, const struct payload *p,
			    const struct strings *s)
{
	bool stub = s->refused && s->kept;
	__u32 both = 1U << KHO_ABI_V3 | 1U << KHO_ABI_V4;
	__u32 abis = s->abis;
	struct config config;
	const char *what;

	if (s->banner && !t->release[0])
		set_release(t, s->release);

	/* The stub also contains the names of older ABIs, which it refuses. */
	if (stub || (abis & both) == both) {
		t->kind = TARGET_STUB;
		t->abis = abis & both;
		what = stub ? "the boot stub's texts" : "names of two ABIs";
	} else if (abis && !(abis & (abis - 1))) {
		t->kind = TARGET_MAINLINE;
		t->abis = abis;
		what = s->mainline ? "texts of mainline's KHO" : "name of one ABI";
	} else if (!abis && !s->mainline && s->banner) {
		t->kind = TARGET_STOCK;
		what = "no sign of KHO";
	} else {
		what = s->banner ? "contradictory signs of KHO" :
				"no sign of a Linux kernel";
	}
	if (t->kind != TARGET_UNKNOWN)
		abis = t->abis;
	evidence(t, "payload (%s, %s unpacked): %s%s%s", p->format,
		 size_str(p->size), what, abis ? ", " : "",
		 abis ? target_abis_str(abis) : "");

	if (!embedded_config(s, &config))
		return;
	evidence(t, "embedded config: %s", config_str(&config));
	set_builtin(t, &config);
	t->on = config.on;
	if (t->kind == TARGET_STOCK && (config.kho || config.stub))
		t->kind = TARGET_UNKNOWN;
}

/* ---- A configuration beside the image ---- */

/* Returns the text of a file, or NULL. */
static char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t size, at = 0;
	char *text = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (__u64)st.st_size > CONFIG_MAX)
		goto out;
	size = st.st_size;
	text = xmalloc(size + 1);
	while (at < size) {
		ssize_t n = read(fd, text + at, size - at);

		if (n <= 0)
			break;
		at += n;
	}
	text[at] = '\0';
out:
	close(fd);
	return text;
}

static bool config_beside(struct target *t, const char *image,
			  struct config *config)
{
	const char *slash = strrchr(image, '/');
	int dir = slash ? slash - image + 1 : 0;
	char *name = NULL, *path, *text = NULL;
	bool exact = false, ok;

	if (t->release[0] && !strchr(t->release, '/')) {
		name = xasprintf("config-%s", t->release);
		path = xasprintf("%.*s%s", dir, image, name);
		text = read_text(path);
		exact = text;
		free(path);
	}
	if (!text) {
		free(name);
		name = xstrdup("config");
		path = xasprintf("%.*s%s", dir, image, name);
		text = read_text(path);
		free(path);
	}
	if (!text) {
		free(name);
		return false;
	}
	read_config(text, config);
	/* In Debian, the third number differs between release and config. */
	ok = exact || (config->major && config->major == t->major &&
		       config->minor == t->minor);
	if (ok)
		evidence(t, "%s beside it: %s", name, config_str(config));
	else
		evidence(t, "%s beside it is that of another kernel", name);
	if (ok)
		set_builtin(t, config);
	free(config->cmdline);
	free(name);
	free(text);
	return ok;
}

static void believe_config(struct target *t, const struct config *c)
{
	t->on = c->on;
	if (c->stub) {
		t->kind = TARGET_STUB;
		t->abis = 1U << KHO_ABI_V3 | 1U << KHO_ABI_V4;
	} else if (!c->kho) {
		t->kind = TARGET_STOCK;
	} else {
		t->kind = TARGET_MAINLINE;
		if (t->major)
			t->abis = target_before(t, 7, 1) ? 1U << ABI_OTHER :
				  target_before(t, 7, 2) ? 1U << KHO_ABI_V3 :
							   1U << KHO_ABI_V4;
	}
}

void target_look(struct target *t, const struct image_file *file)
{
	const struct image *image = &file->image;
	struct packed packed = {
		.fd = file->fd, .at = image->payload, .len = image->payload_size,
		.sized = true, .limit = image->init_size,
	};
	enum payload_result result;
	struct strings strings;
	struct config config;
	struct payload p;

	memset(t, 0, sizeof(*t));
	set_release(t, image->version);
	/* The kernel unpacks itself into init_size bytes, so it cannot be larger. */
	if (packed.limit > PAYLOAD_MAX)
		packed.limit = PAYLOAD_MAX;
	strings_begin(&strings);
	result = payload_unpack(&packed, strings_add, &strings, &p);
	strings_end(&strings);
	if (result == PAYLOAD_OK && p.size)
		look_at_strings(t, &p, &strings);
	strings_free(&strings);
	switch (result) {
	case PAYLOAD_OK:
		break;
	case PAYLOAD_DAMAGED:
		t->damage = xasprintf("its payload is %s", p.why);
		return;
	case PAYLOAD_NOT_NOW:
		t->not_now = xasprintf("its payload cannot be examined now: %s", p.why);
		break;
	case PAYLOAD_NO_PROGRAM:
		t->advice = xasprintf("apt install %s", p.package);
		evidence(t, "payload: %s", p.why);
		break;
	default:
		evidence(t, "payload: %s", p.why);
	}
	if (!config_beside(t, file->path, &config))
		return;
	if (t->kind == TARGET_UNKNOWN && result != PAYLOAD_OK)
		believe_config(t, &config);
	else if (t->kind == TARGET_MAINLINE && config.kho)
		t->on |= config.on;
}

void target_free(struct target *t)
{
	while (t->nr_evidence)
		free(t->evidence[--t->nr_evidence]);
	free(t->builtin);
	free(t->damage);
	free(t->not_now);
	free(t->advice);
	t->builtin = NULL;
	t->damage = NULL;
	t->not_now = NULL;
	t->advice = NULL;
}

const char *target_kind_str(enum target_kind kind)
{
	static const char * const names[] = {
		[TARGET_UNKNOWN] = "unknown",
		[TARGET_STOCK] = "stock",
		[TARGET_STUB] = "stub",
		[TARGET_MAINLINE] = "mainline",
	};

	return names[kind];
}

const char *target_abis_str(__u32 abis)
{
	static char buf[256];
	size_t len = 0;
	unsigned int n;

	if (!abis)
		return "none";
	for (n = 0; n <= ABI_MAX; n++) {
		if (!(abis & 1U << n))
			continue;
		abis &= ~(1U << n);
		len += snprintf(buf + len, sizeof(buf) - len, "%skho-v%u%s",
				len && !abis ? " and " : len ? ", " : "", n,
				n == ABI_OTHER ? " (Linux 6.16 to 7.0)" : "");
		if (len >= sizeof(buf))
			break;
	}
	return buf;
}
