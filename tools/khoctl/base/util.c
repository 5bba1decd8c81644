// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, sizes, names and the like.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "khoctl.h"
#include "sysinfo.h"

static const char *command_name;
static int signal_number;

void set_command_name(const char *name)
{
	command_name = name;
}

static void PRINTF(2, 0) vcomplain(int err, const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "khoctl%s%s: ", command_name ? " " : "",
		command_name ? command_name : "");
	vfprintf(stderr, fmt, args);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
}

void cmd_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, fmt, args);
	va_end(args);
}

int cmd_err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, fmt, args);
	va_end(args);
	return FAILED;
}

int cmd_errno_err(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(err < 0 ? -err : err, fmt, args);
	va_end(args);
	return FAILED;
}

int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, fmt, args);
	va_end(args);
	fprintf(stderr, "Try 'khoctl %s%s--help'.\n",
		command_name ? command_name : "", command_name ? " " : "");
	return USAGE;
}

const char *device_error(int err)
{
	switch (err) {
	case -EPERM:
		return "not permitted: CAP_SYS_ADMIN is needed, and no lockdown";
	case -EACCES:
		return "permission denied";
	case -EBADF:
		return "it can only be read: it is sealed, or its mode does not let you write";
	case -EDQUOT:
		return "more memory than your RLIMIT_MEMLOCK allows (see ulimit -l)";
	case -ENODATA:
		return "it has no checksum, or was open for writing since the checksum was taken";
	case -ENODEV:
		return "the memory is a device's";
	case -EMEDIUMTYPE:
		return "the memory is a file system's page cache";
	case -EXDEV:
		return "the memory is a file's on a DAX device";
	case -EREMOTE:
		return "a driver has brought the memory: the next kernel has none there";
	case -EKEYREJECTED:
		return "the memory is secret";
	case -ESTALE:
		return "the memory was mapped or truncated meanwhile";
	case -EPROTO:
		return "the module says what can't be: is it of another version?";
	case -ENOTTY:
		return "the module does not know this command: it is older than khoctl";
	case -E2BIG:
		return "the module is older than khoctl and does not know all of the request";
	case -ESHUTDOWN:
		return "the machine is going down or about to resume: nothing may change any more";
	case -ENOMEM:
		return "not enough memory";
	case -EOPNOTSUPP:
		return "not supported here, see the kernel log (is its KHO off? boot with kho=on)";
	case -EINTR:
		return "interrupted; nothing has changed";
	default:
		return strerror(-err);
	}
}

int open_device(void)
{
	const char *path = device_path();
	int dev = kho_open(path);

	switch (dev) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		if (sys_locked_down())
			cmd_err("%s: no such device, and the kernel is locked down (%s), which forbids kexec_load: %s",
				path, sys_locked_down(), LOCKDOWN_FIX);
		else if (sys_kho_off())
			cmd_err("%s: no such device: this kernel's own Kexec Handover, which the module uses, is off: boot with kho=on, then 'modprobe kho'",
				path);
		else
			cmd_err("%s: no such device: the module is not loaded (try 'modprobe kho'; 'khoctl check' says what is missing)",
				path);
		return -1;
	case -EACCES:
	case -EPERM:
		cmd_err("%s: permission denied: run khoctl as root, or as a member of the device's group",
			path);
		return -1;
	}
	if (dev < 0) {
		cmd_errno_err(dev, "%s", path);
		return -1;
	}
	return dev;
}

int open_device_query(struct kho_query *query, __u64 needed)
{
	int dev = open_device(), ret;

	if (dev < 0)
		return -1;
	ret = kho_query(dev, query);
	if (ret == -ENOTTY || ret == -EINVAL)
		cmd_err("%s: is not the device of the kho module", device_path());
	else if (ret)
		cmd_err("%s: %s", device_path(), device_error(ret));
	else if (needed & ~query->features & KHO_FEATURE_AGENTS)
		ret = cmd_err("%s: the module is older than khoctl: it has no owners, user data and checksums of objects; load the one that belongs to khoctl",
			      device_path());
	else if ((query->features & needed) != needed)
		ret = cmd_err("%s: the module is older than khoctl, or has this switched off: features 0x%llx, needed 0x%llx",
			      device_path(), query->features, needed);
	else if (query->page_size != 4096 && query->page_size != 16384 &&
		 query->page_size != 65536)
		ret = cmd_err("%s: the module reports an impossible page size: %u",
			      device_path(), query->page_size);
	if (ret) {
		close(dev);
		return -1;
	}
	device_abi(query);
	return dev;
}

int image_tell(int dev, __u32 state, __u64 limit)
{
	struct kho_image image = {
		.size = sizeof(image),
		.state = state,
		.limit = limit,
	};

	return ioctl(dev, KHO_IMAGE, &image) ? -errno : 0;
}

void image_forget(void)
{
	int dev = kho_open(device_path());

	if (dev < 0)
		return;
	/* An older module has nothing to forget. */
	image_tell(dev, KHO_IMAGE_NONE, 0);
	close(dev);
}

bool image_is_stale(const struct kho_query *q, int loaded)
{
	return loaded > 0 && q->image == KHO_IMAGE_STALE;
}

void device_abi(struct kho_query *query)
{
	unsigned int abi;

	/* The module knows what it was built for; the kernel knows better. */
	abi = query->backend == KHO_BACKEND_KERNEL ? sys_kernel_abi() : 0;
	if (abi)
		query->abi = abi;
}

static void *check_alloc(void *p)
{
	if (!p) {
		cmd_warn("out of memory");
		exit(FAILED);
	}
	return p;
}

void *xmalloc(size_t size)
{
	return check_alloc(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return check_alloc(calloc(n ? n : 1, size));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	return check_alloc(reallocarray(p, n ? n : 1, size));
}

char *xstrdup(const char *s)
{
	return check_alloc(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, fmt);
	n = vasprintf(&s, fmt, args);
	va_end(args);
	return check_alloc(n < 0 ? NULL : s);
}

void *grow(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? 2 * *room : 64;
	return xrealloc(array, *room, size);
}

/* A few results can be arguments of the same printf(). */
static char *turn_buffer(void)
{
	static char bufs[16][48];
	static unsigned int turn;

	return bufs[turn++ % ARRAY_SIZE(bufs)];
}

const char *size_str(__u64 bytes)
{
	static const char * const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	char *buf = turn_buffer();
	unsigned int unit = 0;
	__u64 whole = bytes, tenths = 0;

	while (whole >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		/* Tenths are cut, not rounded: 1023.99 KiB is not 1024 KiB. */
		tenths = whole % 1024 * 10 / 1024;
		whole /= 1024;
		unit++;
	}
	if (tenths)
		snprintf(buf, 48, "%llu.%llu %s", whole, tenths,
			 units[unit]);
	else
		snprintf(buf, 48, "%llu %s", whole, units[unit]);
	return buf;
}

const char *count_str(__u64 n, const char *thing)
{
	char *buf = turn_buffer();

	snprintf(buf, 48, "%llu %s%s", n, thing, n == 1 ? "" : "s");
	return buf;
}

const char *time_str(__u64 seconds)
{
	char *buf = turn_buffer();
	time_t t = seconds;
	struct tm tm;

	if (seconds > INT64_MAX || !localtime_r(&t, &tm) ||
	    !strftime(buf, 48, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, 48, "@%llu", seconds);
	return buf;
}

/* Length of the UTF-8 character at @s that a terminal can show, or 0. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	__u32 code;
	size_t n, i;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		code = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		code = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	if (n > len)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < 0xa0 || (n == 3 && code < 0x800) ||
	    (n == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff) ||
	    (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069))
		return 0;
	return n;
}

char *printable(const void *name, size_t len)
{
	const unsigned char *s = name;
	char *out, *p;
	size_t i, n;

	len = strnlen(name, len);
	out = xmalloc(4 * len + 1);
	p = out;
	for (i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (n) {
			memcpy(p, s + i, n);
			p += n;
		} else {
			p += sprintf(p, "\\x%02x", s[i]);
			n = 1;
		}
	}
	*p = '\0';
	return out;
}

const char *bad_name(const char *name)
{
	const unsigned char *p;

	if (!*name)
		return "the name is empty";
	if (strlen(name) >= KHO_NAME_SIZE)
		return "the name has more than 63 bytes";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "the name is \".\" or \"..\"";
	for (p = (const unsigned char *)name; *p; p++) {
		if (*p == '/')
			return "the name has a '/' in it";
		if (*p < 0x20 || *p == 0x7f)
			return "the name has a control character in it";
	}
	return NULL;
}

int parse_u64(const char *s, __u64 *value)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = hex ? s + 2 : s;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	/* strtoull() would also take signs, spaces and octal numbers. */
	if (!n || digits[n])
		return -EINVAL;
	errno = 0;
	*value = strtoull(digits, NULL, hex ? 16 : 10);
	return errno ? -errno : 0;
}

int parse_size(const char *s, __u64 *bytes)
{
	static const char units[] = "KMGT";
	size_t n = strspn(s, "0123456789");
	int ret = parse_u64(s, bytes);
	char digits[24];
	const char *unit;

	if (ret != -EINVAL || !s[n])
		return ret;
	unit = strchr(units, s[n]);
	if (!unit || (s[n + 1] && strcmp(s + n + 1, "iB")))
		return -EINVAL;
	if (n >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, s, n);
	digits[n] = '\0';
	ret = parse_u64(digits, bytes);
	if (ret)
		return ret;
	return __builtin_mul_overflow(*bytes, 1ULL << 10 * (unit - units + 1),
				      bytes) ? -ERANGE : 0;
}

struct json_object *json_new(void)
{
	return check_alloc(json_object_new_object());
}

static void json_add(struct json_object *obj, const char *key,
		     struct json_object *value)
{
	check_alloc(value);
	if (json_object_is_type(obj, json_type_array))
		json_object_array_add(obj, value);
	else
		json_object_object_add(obj, key, value);
}

void json_add_str(struct json_object *obj, const char *key, const char *value)
{
	json_add(obj, key, json_object_new_string(value));
}

void json_add_u64(struct json_object *obj, const char *key, __u64 value)
{
	json_add(obj, key, json_object_new_uint64(value));
}

void json_add_bool(struct json_object *obj, const char *key, bool value)
{
	json_add(obj, key, json_object_new_boolean(value));
}

struct json_object *json_list(struct json_object *obj, const char *key)
{
	struct json_object *list = json_object_new_array();

	json_add(obj, key, list);
	return list;
}

void json_print(struct json_object *obj)
{
	const char *text;

	text = json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	puts(check_alloc((void *)text));
	json_object_put(obj);
}

static void on_signal(int sig)
{
	__atomic_store_n(&signal_number, sig, __ATOMIC_RELAXED);
}

int caught_signal(void)
{
	return __atomic_load_n(&signal_number, __ATOMIC_RELAXED);
}

void catch_signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	size_t i;

	/* No SA_RESTART: a read that blocks has to end. */
	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		if (!sigaction(sigs[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
}

void die_of_signal(void)
{
	int sig = caught_signal();

	if (!sig)
		return;
	fflush(stdout);
	signal(sig, SIG_DFL);
	raise(sig);
}
