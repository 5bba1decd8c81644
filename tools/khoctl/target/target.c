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
#include <sys/stat.h>
#include <unistd.h>

#include <kho/abi.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/text.h"
#include "target/image.h"
#include "target/payload.h"
#include "target/target.h"

#define CONFIG_MAX	(8 * MIB)
#define PAYLOAD_MAX	(1024 * MIB)
#define ABI_MAX		31	/* highest bit of target.abis */

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

static void read_config(const char *text, struct config *c)
{
	const char *head = strstr(text, "# Linux/");

	memset(c, 0, sizeof(*c));
	c->kho = config_has(text, "CONFIG_KEXEC_HANDOVER");
	c->on = config_has(text, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT");
	c->stub = config_has(text, "CONFIG_KHO_BOOTSTUB");
	if (head && sscanf(head, "# Linux/%*s %u.%u", &c->major, &c->minor) != 2)
		c->major = 0;
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

bool target_before(const struct target *t, unsigned int major,
		   unsigned int minor)
{
	return t->major && (t->major < major ||
			    (t->major == major && t->minor < minor));
}

/* ---- The unpacked payload ---- */

static bool has_text(const struct payload *p, const char *text)
{
	return memmem(p->data, p->size, text, strlen(text));
}

/*
 * Finds the N of all strings that are "kho-vN" or end with it: the linker merges a string
 * into a longer one with the same end.
 */
static __u32 find_abis(const struct payload *p)
{
	const unsigned char *at = p->data, *end = p->data + p->size;
	static const char word[] = "kho-v";
	const size_t len = sizeof(word) - 1;
	__u32 abis = 0;

	while ((at = memmem(at, end - at, word, len))) {
		unsigned char before = at > p->data ? at[-1] : 1;
		unsigned int n = 0;

		at += len;
		if (before && before != ' ')
			continue;
		while (at < end && isdigit(*at) && n <= ABI_MAX)
			n = 10 * n + *at++ - '0';
		if (n && n <= ABI_MAX && at < end && !*at)
			abis |= 1U << n;
	}
	return abis;
}

/* Finds "Linux version 6.1.0-56-amd64 (", for images without a release in the header. */
static bool find_banner(const struct payload *p, char *release, size_t size)
{
	static const char word[] = "Linux version ";
	const unsigned char *end = p->data + p->size;
	const unsigned char *at = p->data;
	size_t n = 0;

	/* Skip the format "Linux version %s". */
	while ((at = memmem(at, end - at, word, sizeof(word) - 1))) {
		at += sizeof(word) - 1;
		if (at < end && isdigit(*at))
			break;
	}
	if (!at)
		return false;
	while (at < end && *at > ' ' && *at < 0x7f && n + 1 < size)
		release[n++] = *at++;
	release[n] = '\0';
	return true;
}

/* Reads the configuration that CONFIG_IKCONFIG embeds in a kernel. */
static bool embedded_config(const struct payload *p, struct config *c)
{
	static const char start[] = "IKCFG_ST\x1f\x8b";
	const unsigned char *at, *end = p->data + p->size;
	struct payload text;
	bool found = false;
	char *copy;

	at = memmem(p->data, p->size, start, sizeof(start) - 1);
	if (!at)
		return false;
	at += sizeof(start) - 3;
	end = memmem(at, end - at, "IKCFG_ED", 8);
	if (!end)
		return false;
	if (payload_unpack(at, end - at, CONFIG_MAX, &text) == PAYLOAD_OK &&
	    text.data) {
		found = true;
		copy = xmalloc(text.size + 1);
		memcpy(copy, text.data, text.size);
		copy[text.size] = '\0';
		read_config(copy, c);
		free(copy);
	}
	payload_free(&text);
	return found;
}

static void look_at_strings(struct target *t, const struct payload *p)
{
	bool stub = has_text(p, "handover refused: %s") &&
		    has_text(p, "kept %llu pages (%llu.%llu MiB) in %llu extents");
	bool mainline = has_text(p, "KHO: disabling KHO revival");
	__u32 both = 1U << KHO_ABI_V3 | 1U << KHO_ABI_V4;
	__u32 abis = find_abis(p);
	char release[sizeof(t->release)];
	bool banner = find_banner(p, release, sizeof(release));
	struct config config;
	const char *what;

	if (banner && !t->release[0])
		set_release(t, release);

	/* The stub also contains the names of older ABIs, which it refuses. */
	if (stub || (abis & both) == both) {
		t->kind = TARGET_STUB;
		t->abis = abis & both;
		what = stub ? "the boot stub's texts" : "names of two ABIs";
	} else if (abis && !(abis & (abis - 1))) {
		t->kind = TARGET_MAINLINE;
		t->abis = abis;
		what = mainline ? "texts of mainline's KHO" : "name of one ABI";
	} else if (!abis && !mainline && banner) {
		t->kind = TARGET_STOCK;
		what = "no sign of KHO";
	} else {
		what = banner ? "contradictory signs of KHO" :
				"no sign of a Linux kernel";
	}
	if (t->kind != TARGET_UNKNOWN)
		abis = t->abis;
	evidence(t, "payload (%s, %s unpacked): %s%s%s", p->format,
		 size_str(p->size), what, abis ? ", " : "",
		 abis ? target_abis_str(abis) : "");

	if (!embedded_config(p, &config))
		return;
	evidence(t, "embedded config: %s", config_str(&config));
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
			t->abis = target_before(t, 7, 1) ? 1U << 1 :
				  target_before(t, 7, 2) ? 1U << KHO_ABI_V3 :
							   1U << KHO_ABI_V4;
	}
}

void target_look(struct target *t, const struct image_file *file)
{
	const struct image *image = &file->image;
	__u64 limit = image->init_size;
	enum payload_result result;
	struct config config;
	struct payload p;

	memset(t, 0, sizeof(*t));
	set_release(t, image->version);
	/* The kernel unpacks itself into init_size bytes, so it cannot be larger. */
	if (limit > PAYLOAD_MAX)
		limit = PAYLOAD_MAX;
	result = payload_unpack(file->data + image->payload,
				image->payload_size, limit, &p);
	switch (result) {
	case PAYLOAD_OK:
		if (p.data)
			look_at_strings(t, &p);
		break;
	case PAYLOAD_DAMAGED:
		t->damage = xasprintf("its payload is %s", p.why);
		return;
	case PAYLOAD_NO_PROGRAM:
		t->advice = xasprintf("apt install %s", p.package);
		evidence(t, "payload: %s", p.why);
		break;
	default:
		evidence(t, "payload: %s", p.why);
	}
	payload_free(&p);
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
	free(t->damage);
	free(t->advice);
	t->damage = NULL;
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
				n == 1 ? " (Linux 6.16 to 7.0)" : "");
		if (len >= sizeof(buf))
			break;
	}
	return buf;
}
