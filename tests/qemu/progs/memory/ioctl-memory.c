// SPDX-License-Identifier: GPL-2.0
/*
 * Preserving memory by address: which memory can be, and which can't.
 */
#include <dirent.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ioctl.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

/* Preserving this memory has to fail, to tell why and where, and to change nothing. */
void bad_preserve(int want, __u32 why, const void *p, __u64 bytes,
		  const void *bad, const char *what)
{
	struct kho_obj_preserve arg = {
		.size = sizeof(arg),
		.addr = ptr64(p),
		.bytes = bytes,
		.name = "bad",
		.why = ~0U,
		.bad_addr = ~0ULL,
	};
	struct kho_query before;
	long pins = pinned();
	int err;

	get_query(kho, &before);
	err = call(KHO_OBJ_PRESERVE, &arg);
	failed_with(want, err, what);
	if (!result(err && arg.why == why && arg.bad_addr == ptr64(bad),
		    "%s: is told why and where", what))
		printf("# why %u, not %u, at %#llx, not %#llx\n", arg.why, why,
		       (unsigned long long)arg.bad_addr,
		       (unsigned long long)ptr64(bad));
	if (!err) {
		close(arg.fd);
		need(remove_object("bad"), "remove");
	}
	result(unchanged(&before, what) && pins_are(pins),
	       "%s: nothing has changed", what);
}

/*
 * Preserving this memory has to succeed: the object is that memory, as it is and as it
 * will be.  @writable is where the same memory can be written, or NULL.
 */
void good_preserve(const char *p, char *writable, __u64 bytes, const char *what)
{
	struct kho_query before;
	long pins = pinned();
	int fd;

	get_query(kho, &before);
	if (!done(preserve("good", p, bytes, 0, &fd), what))
		return;
	result(object_is(fd, p, bytes), "%s: the object is the memory", what);
	if (writable) {
		writable[bytes - 1]++;
		writable[bytes / 2]++;
		result(object_is(fd, p, bytes), "%s: and what is written later",
		       what);
		if (pwrite(fd, "through the file", 16, bytes - 20) != 16)
			printf("# pwrite: %s\n", strerror(errno));
		result(!memcmp(p + bytes - 20, "through the file", 16),
		       "%s: and the other way round", what);
	}
	close(fd);
	done(remove_object("good"), "remove");
	result(unchanged(&before, what) && pins_are(pins),
	       "%s: nothing is left behind", what);
}

/* ---- Arguments ---- */

static void bad_argument(int want, __u64 addr, __u64 bytes, const char *name,
			 const char *what)
{
	struct kho_obj_preserve arg = {
		.size = sizeof(arg),
		.addr = addr,
		.bytes = bytes,
	};

	memcpy(arg.name, name, strnlen(name, KHO_NAME_SIZE));
	refused(want, KHO_OBJ_PRESERVE, &arg, what);
}

static void test_arguments(void)
{
	char *p = map_anon(16 * PAGE), name[KHO_NAME_SIZE + 1];
	int fd;

	fill(p, 16 * PAGE, 1);
	bad_argument(EINVAL, ptr64(p) + 1, PAGE, "bad", "preserve from an odd address");
	bad_argument(EINVAL, ptr64(p) + 8, PAGE, "bad", "preserve misaligned");
	bad_argument(EINVAL, ptr64(p), 0, "bad", "preserve no bytes");
	bad_argument(EINVAL, ptr64(p), 1, "bad", "preserve one byte");
	bad_argument(EINVAL, ptr64(p), 2 * PAGE - 1, "bad", "preserve half a page");
	bad_argument(EINVAL, ptr64(p), PAGE, "", "preserve under no name");
	bad_argument(EINVAL, ptr64(p), PAGE, "a/b", "preserve under a path");
	memset(name, 'n', KHO_NAME_SIZE);
	bad_argument(ENAMETOOLONG, ptr64(p), PAGE, name,
		     "preserve under a name of 64 bytes");

	/* Around the end of the address space, and of the caller's part of it. */
	bad_argument(EFAULT, ptr64(p), -PAGE, "bad", "preserve around the end");
	bad_argument(EFAULT, -PAGE, 2 * PAGE, "bad", "preserve across the end");
	bad_preserve(EFAULT, KHO_WHY_UNMAPPED, NULL, PAGE, NULL, "preserve null");
	bad_argument(EFAULT, 0xffff888000000000ULL, PAGE, "bad",
		     "preserve kernel memory");
	bad_argument(EFAULT, 0xffffffff81000000ULL, PAGE, "bad",
		     "preserve kernel text");
	bad_argument(EFAULT, 0xffffffffff600000ULL, PAGE, "bad",
		     "preserve the vsyscall page");
	bad_argument(EFAULT, 1ULL << 62, PAGE, "bad",
		     "preserve where no address is");
	bad_argument(EFAULT, 0x7ffffffff000ULL, PAGE, "bad",
		     "preserve the guard page below the kernel");

	need(create("taken", PAGE, &fd), "create");
	bad_argument(EEXIST, ptr64(p), PAGE, "taken",
		     "preserve under a taken name");
	close(fd);
	need(remove_object("taken"), "remove");
	munmap(p, 16 * PAGE);
}

/* ---- Ranges ---- */

static void test_holes(void)
{
	char *p = map_anon(16 * PAGE);

	fill(p, 16 * PAGE, 2);
	munmap(p + 6 * PAGE, PAGE);
	munmap(p + 12 * PAGE, 4 * PAGE);
	bad_preserve(EFAULT, KHO_WHY_UNMAPPED, p + 12 * PAGE, PAGE, p + 12 * PAGE,
		     "preserve what is not mapped");
	bad_preserve(EFAULT, KHO_WHY_UNMAPPED, p, 12 * PAGE, p + 6 * PAGE,
		     "preserve a range with a hole");
	bad_preserve(EFAULT, KHO_WHY_UNMAPPED, p + 8 * PAGE, 8 * PAGE,
		     p + 12 * PAGE, "preserve a range that ends in a hole");
	bad_preserve(EFAULT, KHO_WHY_UNMAPPED, p + 6 * PAGE, 4 * PAGE,
		     p + 6 * PAGE, "preserve a range that begins in a hole");
	good_preserve(p, p, 6 * PAGE, "preserve what is before the hole");

	mprotect(p + 2 * PAGE, PAGE, PROT_NONE);
	bad_preserve(EACCES, KHO_WHY_PROTECTED, p + 2 * PAGE, PAGE, p + 2 * PAGE,
		     "preserve PROT_NONE");
	bad_preserve(EACCES, KHO_WHY_PROTECTED, p, 6 * PAGE, p + 2 * PAGE,
		     "preserve a range with PROT_NONE in it");
	mprotect(p + 2 * PAGE, PAGE, PROT_READ);
	bad_preserve(EACCES, KHO_WHY_PROTECTED, p, 6 * PAGE, p + 2 * PAGE,
		     "preserve a range with private memory only to be read");
	mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	good_preserve(p, p, 6 * PAGE, "preserve it once it can be written");

	/* Several mappings: anonymous ones, one of them executable, and a memfd's. */
	munmap(p, 16 * PAGE);
	p = map_anon(12 * PAGE);
	if (mmap(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, make_memfd("several", 4 * PAGE), 0) !=
	    p + 4 * PAGE)
		die("mmap: %s", strerror(errno));
	mprotect(p + 10 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	fill(p, 12 * PAGE, 3);
	good_preserve(p, p, 12 * PAGE, "preserve several mappings at once");
	good_preserve(p + 3 * PAGE, p + 3 * PAGE, 2 * PAGE,
		      "preserve across the end of one");
	munmap(p, 12 * PAGE);
}

void test_ranges(void)
{
	test_arguments();
	test_holes();
}

/* ---- Kinds of memory ---- */

/* A memfd: mappings that can be written, that could be made so, and that could not. */
static void test_memfd(void)
{
	int fd = make_memfd("memfd", 8 * PAGE), ro;
	char *rw = map_fd(fd, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	char path[40], *p;

	fill(rw, 8 * PAGE, 4);
	good_preserve(rw, rw, 8 * PAGE, "preserve a memfd");
	p = map_fd(fd, 8 * PAGE, PROT_READ, MAP_SHARED);
	good_preserve(p, rw, 8 * PAGE, "preserve a memfd mapped to be read");
	munmap(p, 8 * PAGE);

	/* Whoever can't write to a file must not get an object of its pages. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	if (ro < 0)
		die("%s: %s", path, strerror(errno));
	p = map_fd(ro, 8 * PAGE, PROT_READ, MAP_SHARED);
	bad_preserve(EACCES, KHO_WHY_PROTECTED, p, 8 * PAGE, p,
		     "preserve a memfd open to be read");
	munmap(p, 8 * PAGE);
	p = map_fd(ro, 8 * PAGE, PROT_READ, MAP_PRIVATE);
	bad_preserve(EACCES, KHO_WHY_PROTECTED, p, 8 * PAGE, p,
		     "preserve a memfd mapped privately to be read");
	munmap(p, 8 * PAGE);
	p = map_fd(ro, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	good_preserve(p, p, 8 * PAGE, "preserve private copies of a memfd");
	result(memcmp(p, rw, 8 * PAGE), "which leaves the memfd alone");
	munmap(p, 8 * PAGE);
	close(ro);

	munmap(rw, 8 * PAGE);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
		die("F_ADD_SEALS: %s", strerror(errno));
	p = map_fd(fd, 8 * PAGE, PROT_READ, MAP_SHARED);
	bad_preserve(EACCES, KHO_WHY_PROTECTED, p, 8 * PAGE, p,
		     "preserve a memfd sealed against writing");
	munmap(p, 8 * PAGE);

	/* Beyond its end there is nothing. */
	close(fd);
	fd = make_memfd("short", 4 * PAGE);
	p = map_fd(fd, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	bad_preserve(EFAULT, KHO_WHY_UNMAPPED, p, 8 * PAGE, p + 4 * PAGE,
		     "preserve beyond the end of a memfd");
	good_preserve(p, p, 4 * PAGE, "preserve up to its end");
	munmap(p, 8 * PAGE);
	close(fd);
}

static void test_shared(void)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0);

	if (id < 0 || p == (char *)-1)
		die("shmat: %s", strerror(errno));
	shmctl(id, IPC_RMID, NULL);
	fill(p, 4 * PAGE, 5);
	good_preserve(p, p, 4 * PAGE, "preserve System V shared memory");
	shmdt(p);

	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fill(p, 4 * PAGE, 6);
	good_preserve(p, p, 4 * PAGE, "preserve anonymous shared memory");
	munmap(p, 4 * PAGE);
}

/* The program's own memory. */
static char own_data[4 * PAGE] ATTRIBUTE(aligned(4096)) = "data";
static char own_bss[4 * PAGE] ATTRIBUTE(aligned(4096));
static const char own_text[4 * PAGE] ATTRIBUTE(aligned(4096)) = "text";

static void test_program(void)
{
	char stack[3 * PAGE];
	char *p = stack + PAGE - ptr64(stack) % PAGE;

	memset(stack, 7, sizeof(stack));
	good_preserve(p, NULL, PAGE, "preserve a page of the stack");
	good_preserve(own_data, own_data, sizeof(own_data),
		      "preserve the program's data");
	good_preserve(own_bss, own_bss, sizeof(own_bss),
		      "preserve the program's zeroed data");
	bad_preserve(EACCES, KHO_WHY_PROTECTED, own_text, sizeof(own_text),
		     own_text, "preserve the program's constants");
	p = (char *)getauxval(AT_SYSINFO_EHDR);
	if (p)
		bad_preserve(ENODEV, KHO_WHY_DEVICE, p, PAGE, p,
			     "preserve the vDSO");
}

/* A file whose pages are page cache: of a file system, or of a block device. */
static void test_page_cache(void)
{
	static const char dir[] = "/run/ramfs", file[] = "/run/ramfs/file";
	char *p;
	int fd;

	mkdir(dir, 0700);
	if (mount("ramfs", dir, "ramfs", 0, NULL))
		die("mount ramfs: %s", strerror(errno));
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		die("%s: %s", file, strerror(errno));
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(p, 4 * PAGE, 8);
	bad_preserve(EMEDIUMTYPE, KHO_WHY_FILE, p, 4 * PAGE, p,
		     "preserve a file system's page cache");
	munmap(p, 4 * PAGE);
	p = map_fd(fd, 4 * PAGE, PROT_READ, MAP_SHARED);
	bad_preserve(EMEDIUMTYPE, KHO_WHY_FILE, p, 4 * PAGE, p,
		     "preserve a file system's page cache mapped to be read");
	munmap(p, 4 * PAGE);
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	fill(p, 4 * PAGE, 8);
	bad_preserve(EMEDIUMTYPE, KHO_WHY_FILE, p, 4 * PAGE, p,
		     "preserve private copies of a file system's file");
	munmap(p, 4 * PAGE);
	close(fd);
	unlink(file);
	umount(dir);

	fd = open("/dev/vda", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/dev/vda: %s", strerror(errno));
	p = map_fd(fd, 4 * PAGE, PROT_READ, MAP_SHARED);
	(void)*(volatile char *)p;
	bad_preserve(EMEDIUMTYPE, KHO_WHY_FILE, p, 4 * PAGE, p,
		     "preserve a block device's page cache");
	munmap(p, 4 * PAGE);
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	bad_preserve(EMEDIUMTYPE, KHO_WHY_FILE, p, 4 * PAGE, p,
		     "preserve private copies of a block device");
	munmap(p, 4 * PAGE);
	close(fd);

	/* The same for a file system that is nothing but memory. */
	fd = open("/run/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		die("/run/file: %s", strerror(errno));
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(p, 4 * PAGE, 9);
	good_preserve(p, p, 4 * PAGE, "preserve a file of a tmpfs");
	munmap(p, 4 * PAGE);
	close(fd);
	unlink("/run/file");
}

/* Opens memory of a PCI device that can be mapped; sets @size. */
static int open_bar(size_t *size)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	char path[320];
	struct stat st;
	int fd, i;
	void *p;

	while (dir && (entry = readdir(dir)))
		for (i = 0; i < 6 && entry->d_name[0] != '.'; i++) {
			snprintf(path, sizeof(path),
				 "/sys/bus/pci/devices/%s/resource%d",
				 entry->d_name, i);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0)
				continue;
			p = fstat(fd, &st) || st.st_size < (off_t)PAGE ?
			    MAP_FAILED :
			    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fd, 0);
			if (p != MAP_FAILED) {
				munmap(p, PAGE);
				closedir(dir);
				*size = st.st_size;
				return fd;
			}
			close(fd);
		}
	die("no PCI device has memory that can be mapped");
}

static void test_devices(void)
{
	size_t size;
	int fd = open_bar(&size);
	char *p = map_fd(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *room;

	bad_preserve(ENODEV, KHO_WHY_DEVICE, p, PAGE, p,
		     "preserve a PCI device's memory");
	room = map_anon(4 * PAGE);
	fill(room, 4 * PAGE, 10);
	if (mmap(room + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) != room + 3 * PAGE)
		die("mmap: %s", strerror(errno));
	bad_preserve(ENODEV, KHO_WHY_DEVICE, room, 4 * PAGE, room + 3 * PAGE,
		     "preserve a range that ends in a device's memory");
	munmap(room, 4 * PAGE);
	munmap(p, PAGE);
	close(fd);

	fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (fd < 0 && !full) {
		printf("# this kernel has no /dev/mem\n");
		return;
	}
	/* The BIOS's ROM. */
	p = fd < 0 ? MAP_FAILED :
	    mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0xf0000);
	if (!result(p != MAP_FAILED, "/dev/mem can be mapped"))
		return;
	bad_preserve(ENODEV, KHO_WHY_DEVICE, p, PAGE, p, "preserve /dev/mem");
	munmap(p, PAGE);
	close(fd);
}

static void test_secret(void)
{
	int fd = syscall(SYS_memfd_secret, 0);
	char *p;

	if (fd < 0 && need_not_be(errno)) {
		printf("# this kernel has no memfd_secret()\n");
		return;
	}
	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		die("memfd_secret: %s", strerror(errno));
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	bad_preserve(EKEYREJECTED, KHO_WHY_SECRET, p, 4 * PAGE, p,
		     "preserve secret memory that is not there yet");
	fill(p, 4 * PAGE, 11);
	bad_preserve(EKEYREJECTED, KHO_WHY_SECRET, p, 4 * PAGE, p,
		     "preserve secret memory");
	munmap(p, 4 * PAGE);
	close(fd);
}

static void write_number(const char *path, int n)
{
	FILE *f = fopen(path, "w");

	if (!f || fprintf(f, "%d", n) < 0 || fclose(f))
		die("%s: %s", path, strerror(errno));
}

/* Pages that the kernel has merged because they were alike. */
static void test_merged(void)
{
	char *p = map_anon(8 * PAGE);
	int i;

	memset(p, 'k', 8 * PAGE);
	if (madvise(p, 8 * PAGE, MADV_MERGEABLE)) {
		result(!full, "this kernel does not merge pages");
		return;
	}
	write_number("/sys/kernel/mm/ksm/sleep_millisecs", 1);
	write_number("/sys/kernel/mm/ksm/pages_to_scan", 2000);
	write_number("/sys/kernel/mm/ksm/run", 1);
	for (i = 0; i < 1000 && pfn_of(p) != pfn_of(p + 7 * PAGE); i++)
		usleep(10000);
	result(pfn_of(p) == pfn_of(p + 7 * PAGE), "pages are merged");
	good_preserve(p, p, 8 * PAGE, "preserve what was merged");
	result(pfn_of(p) != pfn_of(p + 7 * PAGE), "then they are apart");
	/* Stops merging, and undoes it. */
	write_number("/sys/kernel/mm/ksm/run", 2);
	munmap(p, 8 * PAGE);
}

void test_kinds(void)
{
	char *p = map_anon(8 * PAGE);

	/* Memory that was never touched, and memory that was only read: the page of zeroes. */
	good_preserve(p, p, 4 * PAGE, "preserve memory that is not there yet");
	(void)*(volatile char *)(p + 4 * PAGE);
	(void)*(volatile char *)(p + 5 * PAGE);
	good_preserve(p + 4 * PAGE, p + 4 * PAGE, 2 * PAGE,
		      "preserve memory that was only read");
	result(all_zero(p + 6 * PAGE, 2 * PAGE), "the page of zeroes is zero");
	munmap(p, 8 * PAGE);

	test_memfd();
	test_shared();
	test_program();
	test_page_cache();
	test_devices();
	test_secret();
	test_merged();
}

/* ---- Huge pages ---- */

static long free_hugetlb(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
			"r");
	long n;

	if (!f || fscanf(f, "%ld", &n) != 1)
		die("can't tell how many huge pages are free");
	fclose(f);
	return n;
}

/* Preserves memory, of which the object has to have @want huge pages. */
static void huge_preserve(char *p, size_t bytes, __u64 want, const char *what)
{
	struct kho_obj_info info;
	int fd;

	if (!done(preserve("huge", p, bytes, 0, &fd), what))
		return;
	object_info(fd, &info);
	if (!result(info.pmd_pages == want && info.pages == bytes / PAGE &&
		    info.flags & KHO_OBJ_PINNED,
		    "%s: %llu huge pages", what, (unsigned long long)want))
		printf("# %llu huge pages, %llu pages, flags %#x\n",
		       (unsigned long long)info.pmd_pages,
		       (unsigned long long)info.pages, info.flags);
	p[0]++;
	p[bytes - 1]++;
	result(object_is(fd, p, bytes), "%s: the object is the memory", what);
	close(fd);
	need(remove_object("huge"), "remove");
	good_preserve(p, p, bytes, what);
}

/* @room: space for four pages */
static void test_transparent(char *room)
{
	char *p;
	int fd;

	if (!has_thp()) {
		result(!full, "this kernel has no transparent huge pages");
		return;
	}
	p = map_thp(2);
	huge_preserve(p, 2 * HUGE_SIZE, 2, "preserve transparent huge pages");
	/* Parts of huge pages are no huge pages of the object. */
	huge_preserve(p + HUGE_SIZE / 2, HUGE_SIZE, 0,
		      "preserve halves of transparent huge pages");
	huge_preserve(p + PAGE, PAGE, 0, "preserve a page of a huge page");
	munmap(p, 2 * HUGE_SIZE);

	p = map_thp(1);
	need(preserve("part", p + 8 * PAGE, 4 * PAGE, 0, &fd), "preserve a part");
	memcpy(room, p + 8 * PAGE, 4 * PAGE);
	madvise(p + 16 * PAGE, 4 * PAGE, MADV_DONTNEED);
	result(all_zero(p + 16 * PAGE, 4 * PAGE) && object_is(fd, room, 4 * PAGE),
	       "a part of a huge page stays when another is given up");
	munmap(p, HUGE_SIZE);
	result(object_is(fd, room, 4 * PAGE), "and when the rest is unmapped");
	close(fd);
	need(remove_object("part"), "remove");
}

void test_huge(void)
{
	char *p, *q = malloc(4 * PAGE);
	long there;
	int fd;

	test_transparent(q);
	there = free_hugetlb();

	p = map_hugetlb(2);
	fill(p, 2 * HUGE_SIZE, 13);
	huge_preserve(p, 2 * HUGE_SIZE, 2, "preserve hugetlb pages");
	huge_preserve(p, HUGE_SIZE, 1, "preserve one of them");
	huge_preserve(p + HUGE_SIZE / 2, HUGE_SIZE, 0,
		      "preserve halves of hugetlb pages");
	need(preserve("huge", p, HUGE_SIZE, 0, &fd), "preserve");
	memcpy(q, p, 4 * PAGE);
	munmap(p, 2 * HUGE_SIZE);
	result(object_is(fd, q, 4 * PAGE), "a hugetlb page outlives its mapping");
	close(fd);
	result(free_hugetlb() == there - 1, "and is not free until then");
	need(remove_object("huge"), "remove");
	result(free_hugetlb() == there, "it goes back to its pool");

	/* The pool is too small for the last one: it can't be faulted in. */
	p = mmap(NULL, (there + 1) * HUGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die("mmap of huge pages: %s", strerror(errno));
	bad_preserve(ENOMEM, KHO_WHY_NONE, p, (there + 1) * HUGE_SIZE,
		     p + there * HUGE_SIZE, "preserve more hugetlb pages than there are");
	munmap(p, (there + 1) * HUGE_SIZE);
	result(free_hugetlb() == there, "which are all free again");
	free(q);
}
