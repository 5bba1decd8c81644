/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer of /dev/kho: workers that draw programs from a seed, and a model
 * that knows what each byte has to be.
 *
 * The model is on the slate, memory of the host's that the guest sees as a PCI device
 * (ivshmem).  So it outlives a worker that is killed, a jump in the midst of operations,
 * and a kernel that panics, without any help of kho's.  Before an operation that changes
 * something, a worker notes it on the slate (its "flight").  If the worker is killed, the
 * process that compares its objects finds out which of the two states it has left.
 */
#ifndef KHO_TEST_FUZZ_H
#define KHO_TEST_FUZZ_H

#include <setjmp.h>
#include <stdbool.h>
#include <sys/types.h>

#include "guest.h"

#define SLATE_MAGIC	0x347a7a75662d6f68ULL
#define SLATE_BYTES	(128UL << 20)

#define NR_WORKERS	7	/* threads that run programs, of all processes */
#define NR_PROCS	4
#define NR_SLOTS	11	/* objects of a worker's own */
#define NR_SHARED	6	/* objects that all of them use */
#define NR_RAW		24	/* pages by number, of a worker */
#define NR_PAST		48	/* operations that are remembered */
#define NR_ERRS		136
#define NR_HANDLES	3
#define NR_VIEWS	3
#define NR_FINDINGS	24

#define SMALL_BYTES	(64ULL << 10)
#define MIDDLE_BYTES	(1ULL << 20)
#define HUGE_PAGE	(2ULL << 20)
#define LARGE_BYTES	(3 * HUGE_PAGE)
#define DATA_BYTES	9000U

/* ---- Operations: a line here and a function op_NAME() make one ---- */

/*
 * X(name, weight, flags)
 */
#define OP_ROOT		1U	/* for those with CAP_SYS_ADMIN only */
#define OP_ALONE	2U	/* in a process of one thread: it forks */

#define OPS(X)				\
	X(create, 60, 0)		\
	X(create_bad, 20, 0)		\
	X(preserve, 40, 0)		\
	X(preserve_bad, 20, 0)		\
	X(preserve_race, 3, 0)		\
	X(open, 90, 0)			\
	X(open_bad, 20, 0)		\
	X(close, 60, 0)			\
	X(remove, 40, 0)		\
	X(read, 260, 0)			\
	X(write, 260, 0)		\
	X(rw_bad, 30, 0)		\
	X(resize, 60, 0)		\
	X(commit, 30, 0)		\
	X(seal, 12, 0)			\
	X(set_data, 40, 0)		\
	X(get_data, 60, 0)		\
	X(owner, 20, 0)			\
	X(info, 120, 0)			\
	X(verify, 40, 0)		\
	X(list, 30, 0)			\
	X(dup, 30, 0)			\
	X(pass, 20, 0)			\
	X(map, 100, 0)			\
	X(unmap, 50, 0)			\
	X(look, 300, 0)			\
	X(touch, 300, 0)		\
	X(tail, 20, 0)			\
	X(own, 60, 0)			\
	X(advise, 80, 0)		\
	X(protect, 30, 0)		\
	X(remap, 20, 0)			\
	X(over, 15, 0)			\
	X(uffd, 12, 0)			\
	X(splice, 15, 0)		\
	X(fork, 4, OP_ALONE)		\
	X(page_add, 60, OP_ROOT)	\
	X(page_del, 40, OP_ROOT)	\
	X(page_bad, 40, OP_ROOT)	\
	X(batch, 30, OP_ROOT)		\
	X(page_open, 30, OP_ROOT)	\
	X(page_list, 20, OP_ROOT)	\
	X(meta, 6, OP_ROOT)		\
	X(envelopes, 20, OP_ROOT)	\
	X(subtrees, 10, OP_ROOT)	\
	X(handoff, 10, OP_ROOT)		\
	X(scratch, 12, OP_ROOT)		\
	X(image, 10, OP_ROOT)		\
	X(upgrade, 12, OP_ROOT)		\
	X(query, 120, 0)		\
	X(garbage, 200, 0)		\
	X(denied, 30, 0)		\
	X(unload, 6, OP_ROOT)		\
	X(s_open, 60, 0)		\
	X(s_close, 25, 0)		\
	X(s_map, 60, 0)			\
	X(s_look, 160, 0)		\
	X(s_touch, 260, 0)		\
	X(s_resize, 60, 0)		\
	X(s_remove, 10, 0)		\
	X(s_seal, 3, 0)			\
	X(s_advise, 20, 0)		\
	X(s_private, 30, 0)

#define OP_ENUM(name, weight, flags)	OP_##name,
enum { OPS(OP_ENUM) NR_OPS };

/* ---- The slate ---- */

/* What a worker is about to change */
enum {
	FLIGHT_NONE,
	FLIGHT_MAKE,		/* an object: create or preserve */
	FLIGHT_REMOVE,		/* by name, or with its last file */
	FLIGHT_COMMIT,
	FLIGHT_SEAL,		/* a: with a sum */
	FLIGHT_RESIZE,		/* a: bytes */
	FLIGHT_WRITE,		/* a: offset, b: bytes, c: version */
	FLIGHT_DATA,		/* a: bytes, c: version */
	FLIGHT_OWNER,		/* a: uid, b: gid, c: mode */
	FLIGHT_RAW_ADD,		/* slot: of raw; a: how many entries */
	FLIGHT_RAW_DEL,
	FLIGHT_SHARED,		/* slot: of shared; its words may be lost */
};

struct flight {
	__u32 kind;
	__u32 slot;
	__u64 a;
	__u64 b;
	__u64 c;
};

enum {
	SUM_UNKNOWN,
	SUM_RIGHT,
	SUM_WRONG,
};

/* An object of a worker's own, as it has to be */
struct model {
	__u32 there;
	__u32 flags;		/* KHO_OBJ_UNCOMMITTED, _SEALED, _SUM_AT_JUMP, _PINNED */
	__u32 id;
	__u32 huge;		/* it may have huge pages */
	__u64 bytes;
	__u64 room;		/* of its content on the slate */
	__u64 content;		/* where on the slate */
	__u32 data_bytes;
	__u32 data_version;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 summed;		/* its sums, as far as that is known */
	__u32 jumps;
	__u32 reserved;
	__u8 name[KHO_NAME_SIZE];
};

/* Pages by number */
struct raw {
	__u64 pfn;
	__u32 order;
	__u32 there;
	__u32 arrived;
	__u32 version;
};

struct past {
	__u32 op;
	__s32 err;
	__u32 slot;
	__u32 cmd;
	__u64 a;
	__u64 b;
};

struct worker {
	__u64 rng;
	__u64 calls;
	__u64 programs;		/* operations that were begun */
	__u32 version;
	__u32 op;
	__u32 uid;
	__u32 paused;
	__u32 names;
	__u32 nr_past;
	struct flight flight;
	struct model obj[NR_SLOTS];
	struct raw raw[NR_RAW];
	struct past past[NR_PAST];
	__u32 count[NR_OPS][NR_ERRS];
};

/* An object that all use */
struct shared {
	__u32 begun;		/* changes begun by which words may be lost */
	__u32 ended;
	__u32 birth;		/* no word of it is older */
	__u32 reserved;
};

struct slate {
	__u64 magic;
	__u64 seed;
	__u32 stop;		/* workers come to rest */
	__u32 jumping;		/* 1: while workers run, 2: while they rest */
	__u32 generation;
	__u32 jumps;
	__u32 loud_jumps;
	__u32 kills;
	__u32 version;		/* of the words of shared objects */
	__u32 nr_findings;
	__u32 keep;		/* go on after a finding, with no objects */
	__u32 small;		/* a kernel without xxHash, or ZONE_DEVICE */
	__u32 lean;		/* the next kernel takes KHO_HANDOFF_ENVELOPES */
	__u32 claimed;		/* entries of finding[] */
	__u64 off[2];		/* operations that are left out */
	char finding[NR_FINDINGS][1024];
	struct shared shared[NR_SHARED];
	struct worker worker[NR_WORKERS];
};

extern struct slate *slate;

/* ---- A worker's process ---- */

struct handle {
	int fd;
	bool writable;
	bool largest;
	bool used;
};

/* A mapping of an object's file */
struct view {
	char *p;
	size_t bytes;
	__u64 offset;
	int prot;
	bool shared;
	bool writable;		/* of a file that is open for writing */
	bool numbers;		/* of page numbers */
	/* Of a private mapping: which pages are copies, and their content. */
	__u64 *copied;
	char *copy;
};

struct guarded {
	sigjmp_buf jump;
	volatile bool armed;
};

/* A mapping of a shared object, and words that were written there. */
struct window {
	int fd;
	bool writable;
	char *p;
	size_t bytes;
	struct {
		__u64 word;
		__u32 index;
		__u32 epoch;
	} mine[4];
};

struct ctx {
	struct worker *w;
	unsigned int nr;
	int kho;
	bool root;
	bool alone;		/* the only thread of its process */
	unsigned int slot;	/* that it works on; noted in the past */
	__u64 a, b;
	struct handle handle[NR_SLOTS][NR_HANDLES];
	struct view view[NR_SLOTS][NR_VIEWS];
	char *own[NR_SLOTS];	/* memory that was preserved, as this process has it */
	size_t own_bytes[NR_SLOTS];
	struct window window[NR_SHARED];
	int sock[2];
	char *buf;		/* LARGE_BYTES */
	char *guard;		/* the end of a page with nothing behind it */
	char *pool;		/* pages to preserve by number, or NULL */
	__u64 pool_pfn[64];
	char *huge;		/* a huge page for the same, or NULL */
	__u64 huge_pfn;
	__u64 changes;
};

extern __thread struct guarded guarded;

/* core.c: random numbers, content, and findings */
__u64 chance(struct ctx *c);
__u64 below(struct ctx *c, __u64 n);
static inline bool one_in(struct ctx *c, unsigned int n)
{
	return !below(c, n);
}

/* Fills @n bytes as they are from @offset on in version @version of object @id. */
void pattern(void *p, __u64 offset, size_t n, __u32 id, __u32 version);
char *content_of(const struct model *o);
__u64 mix(__u64 x);

/* Counts a call and remembers it; returns @err. */
int counted(struct ctx *c, unsigned int cmd, int err);
int call(struct ctx *c, int fd, unsigned int cmd, void *arg);
/* Ends in a finding unless @err is in @list, where 0 is success. */
void allow(struct ctx *c, int err, const char *what, const int *list, size_t n);
#define ALLOW(c, err, what, ...) do {					\
	const int list_[] = { __VA_ARGS__ };				\
									\
	allow(c, err, what, list_, ARRAY_SIZE(list_));			\
} while (0)

/* For ALLOW(): errors of commands that need memory */
#define NO_ROOM		ENOMEM, EDQUOT

ATTRIBUTE(noreturn, format(printf, 2, 3))
void finding(struct ctx *c, const char *format, ...);
/* Ends in a finding that says where @got differs from @want, if it does. */
void same(struct ctx *c, const void *got, const void *want, size_t n, __u64 offset,
	  const char *what);

/* Begin a flight, and end it. */
void begin(struct ctx *c, __u32 kind, __u32 slot, __u64 a, __u64 b, __u64 version);
void end(struct ctx *c);

void make_hole(struct ctx *c, char *p, size_t bytes);

/* Copy from or to memory that may have holes; false if a signal came. */
bool peek(void *to, const void *from, size_t n);
bool poke(void *to, const void *from, size_t n);
void catch_signals(void);

/* model.c: the expected state, and whether it is so */
struct model *any_object(struct ctx *c, bool there, unsigned int *slot);
int open_name(struct ctx *c, const __u8 *name, __u32 flags, __u64 *bytes, int *fd);
int remove_name(struct ctx *c, const __u8 *name);
unsigned int files_of(struct ctx *c, unsigned int slot);
struct handle *handle_of(struct ctx *c, unsigned int slot, bool writable);
void drop_handle(struct ctx *c, unsigned int slot, struct handle *h);
void drop_view(struct ctx *c, unsigned int slot, struct view *v);
/* Notes that an object has gone, if it was not committed and has no file any more. */
void maybe_gone(struct ctx *c, unsigned int slot);
/* Compares all that a worker has, after its process was killed or the machine jumped. */
void settle(struct ctx *c, bool jumped);
void check_object(struct ctx *c, struct model *o, int fd);
void check_info(struct ctx *c, const struct model *o, const struct kho_obj_info *info);
/* The same for a write of a child that may have been killed in it. */
void settle_write_now(struct ctx *c);
/* Gives up everything that the worker has according to the model. */
void clear_all(struct ctx *c);
void wipe(struct ctx *c);

/* ops-object.c: a random size of an object, of at most @room bytes */
__u64 any_bytes(struct ctx *c, __u64 room);

/* ops-map.c */
void view_write(struct ctx *c, unsigned int slot, struct view *v, __u64 offset,
		size_t n);
void cut_views(struct ctx *c, unsigned int slot);
bool check_view(struct ctx *c, unsigned int slot, struct view *v, size_t from, size_t n);

/* ops-page.c */
void make_pools(struct ctx *c);
void check_raw(struct ctx *c, const struct raw *raw);
int delete_page(struct ctx *c, __u64 pfn, __u32 order);

/* ops-shared.c */
void shared_name(unsigned int k, __u8 *name);
void check_shared(struct ctx *c, unsigned int k, bool remove);

#define OP_PROTO(name, weight, flags)	op_##name,
typedef void op_function(struct ctx *c);
op_function OPS(OP_PROTO) op_query;

extern const char *const op_names[NR_OPS];

#endif /* KHO_TEST_FUZZ_H */
