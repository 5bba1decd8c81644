// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data that firmware has left in RAM for any kernel.
 *
 * Each kernel reserves it at boot, by addresses and sizes from firmware tables.  Inside
 * an envelope this can't be seen afterwards: the kernel only knows that the pages are
 * reserved.  So this file reads the tables again, before any part of an envelope is
 * freed.  Where a size is unknown, it assumes more than it can be.
 *
 * A previous kernel may have overwritten the tables, so sizes and lengths of lists are
 * limited.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/acpi.h>
#include <linux/efi.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "base/read-file.h"
#include "firmware.h"
#include "mm/iomem.h"

/* Assumed size of data whose size is unknown */
#define UNKNOWN		SZ_64K
/* Upper limit of all sizes */
#define LONGEST		SZ_16M
/* Upper limit of the length of all lists */
#define MOST_ENTRIES	4096
/* Buffer for /proc/iomem: first attempt, and upper limit */
#define IOMEM_BYTES	SZ_256K
#define IOMEM_MOST	SZ_64M

/* A callback and its last result; no more calls are made once that is not 0. */
struct teller {
	kho_range_fn_t fn;
	void *data;
	int ret;
};

#if defined(CONFIG_EFI) || defined(CONFIG_ACPI)
static void tell(struct teller *teller, u64 addr, u64 bytes)
{
	if (teller->ret || !addr || !bytes || addr > U64_MAX - LONGEST)
		return;
	teller->ret = teller->fn(addr, min_t(u64, bytes, LONGEST), teller->data);
}

/* Reads from a physical address; returns false if there is no memory. */
static bool peek(u64 addr, void *to, size_t bytes)
{
	size_t done, n;

	if (!addr || addr > U64_MAX - LONGEST)
		return false;
	/* Page by page, as a mapping can't span RAM and other memory. */
	for (done = 0; done < bytes; done += n) {
		void *from;

		n = min_t(size_t, bytes - done, PAGE_SIZE - offset_in_page(addr + done));
		from = memremap(addr + done, n, MEMREMAP_WB);
		if (!from)
			return false;
		memcpy(to + done, from, n);
		memunmap(from);
	}
	return true;
}

static bool is_reserved(u64 addr)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(addr));

	/* Pages of holes next to RAM are PG_reserved too. */
	return page && PageReserved(page) && page_is_ram(PHYS_PFN(addr));
}

/*
 * As peek(), but only from reserved RAM: all other RAM can't be firmware's.  Memory that
 * is not RAM is in no envelope, and may be a device.
 */
static bool peek_ram(u64 addr, void *to, size_t bytes)
{
	return addr <= U64_MAX - LONGEST && is_reserved(addr) &&
	       is_reserved(addr + bytes - 1) && peek(addr, to, bytes);
}
#endif

#ifdef CONFIG_EFI

/* Offset of struct efi_info in boot_params */
#define EFI_INFO_OFFSET	0x1c0

/* The kernel's own macro for this has another name since 7.x. */
#define TPM_FINAL_LOG_GUID \
	EFI_GUID(0x1e2ed096, 0x30e2, 0x4254, 0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25)

/* Memory attributes table: header and entries */
static u64 attributes_bytes(u64 addr)
{
	struct {
		u32 version;
		u32 entries;
		u32 entry_bytes;
		u32 flags;
	} head;

	if (!peek_ram(addr, &head, sizeof(head)))
		return UNKNOWN;
	return sizeof(head) + (u64)head.entries * head.entry_bytes;
}

/* EFI system resource table, for firmware updates */
static u64 esrt_bytes(u64 addr)
{
	struct {
		u32 count;
		u32 count_max;
		u64 version;
	} head;

	if (!peek_ram(addr, &head, sizeof(head)))
		return UNKNOWN;
	/* An entry has 40 bytes. */
	return sizeof(head) + (u64)head.count * 40;
}

/* TPM event log, as the kernel's EFI stub has copied it */
static u64 tpm_bytes(u64 addr)
{
	struct {
		u32 bytes;
		u32 preboot;
		u8 version;
	} __packed head;

	if (!peek_ram(addr, &head, sizeof(head)))
		return UNKNOWN;
	return sizeof(head) + (u64)head.bytes;
}

/* Events that firmware adds to the log; only parsing all of them would give the size. */
static u64 tpm_final_bytes(u64 addr)
{
	return SZ_1M;
}

static u64 seed_bytes(u64 addr)
{
	u32 bytes;

	return peek_ram(addr, &bytes, sizeof(bytes)) ? sizeof(bytes) + (u64)bytes : UNKNOWN;
}

/* Names and values; an empty name ends the table. */
static u64 mokvar_bytes(u64 addr)
{
	struct {
		char name[256];
		u64 bytes;
	} entry;
	unsigned int i;
	u64 done = 0;

	for (i = 0; i < MOST_ENTRIES && done < LONGEST; i++) {
		if (!peek_ram(addr + done, &entry, sizeof(entry)))
			return UNKNOWN;
		done += sizeof(entry);
		if (!entry.name[0])
			break;
		if (entry.bytes > LONGEST)
			return LONGEST;
		done += entry.bytes;
	}
	return done;
}

/* Ranges that a previous kernel reserved for good: a linked list of arrays */
static void tell_reserved(struct teller *teller, u64 addr)
{
	struct {
		s32 capacity;		/* in entries */
		s32 count;		/* of used entries */
		u64 next;
	} head;
	struct {
		u64 base;
		u64 bytes;
	} entry;
	unsigned int i, done = 0;

	while (addr && done++ < MOST_ENTRIES && peek_ram(addr, &head, sizeof(head))) {
		u64 capacity = clamp(head.capacity, 0, MOST_ENTRIES);

		tell(teller, addr, sizeof(head) + capacity * sizeof(entry));
		for (i = 0; i < min_t(u64, capacity, head.count) && done++ < MOST_ENTRIES; i++)
			if (peek_ram(addr + sizeof(head) + i * sizeof(entry), &entry,
				     sizeof(entry)))
				tell(teller, entry.base, entry.bytes);
		addr = head.next;
	}
}

static const struct {
	efi_guid_t guid;
	u64 (*bytes)(u64 addr);
} efi_tables[] = {
	{ EFI_MEMORY_ATTRIBUTES_TABLE_GUID, attributes_bytes },
	{ EFI_SYSTEM_RESOURCE_TABLE_GUID, esrt_bytes },
	{ LINUX_EFI_TPM_EVENT_LOG_GUID, tpm_bytes },
	{ TPM_FINAL_LOG_GUID, tpm_final_bytes },
	{ LINUX_EFI_RANDOM_SEED_TABLE_GUID, seed_bytes },
	{ LINUX_EFI_MOK_VARIABLE_TABLE_GUID, mokvar_bytes },
};

static void tell_efi_table(struct teller *teller, const efi_guid_t *guid, u64 addr)
{
	unsigned int i;

	if (!efi_guidcmp(*guid, LINUX_EFI_MEMRESERVE_TABLE_GUID))
		tell_reserved(teller, addr);
	for (i = 0; i < ARRAY_SIZE(efi_tables); i++)
		if (!efi_guidcmp(*guid, efi_tables[i].guid))
			tell(teller, addr, efi_tables[i].bytes(addr));
}

/* Reports a table of any kind, whether or not a kernel uses it. */
static void tell_unknown(struct teller *teller, const efi_guid_t *guid, u64 addr)
{
	tell(teller, addr, UNKNOWN);
}

/* Returns the number of tables according to the system table, or 0 if it is unknown. */
static unsigned long count_efi_tables(void)
{
	efi_system_table_64_t table;
	struct efi_info info;

	if (kho_read_file("sysfs", "kernel/boot_params/data", NULL, &info, sizeof(info),
			  EFI_INFO_OFFSET) != sizeof(info) ||
	    !peek(info.efi_systab | (u64)info.efi_systab_hi << 32, &table, sizeof(table)) ||
	    table.hdr.signature != EFI_SYSTEM_TABLE_SIGNATURE)
		return 0;
	return min(table.nr_tables, MOST_ENTRIES);
}

typedef void (*tell_table_t)(struct teller *teller, const efi_guid_t *guid, u64 addr);

static void tell_efi_tables(struct teller *teller, tell_table_t tell_table)
{
	unsigned long i, nr;
	char text[32] = "";
	u64 addr;

	if (!efi_enabled(EFI_BOOT) || !efi_enabled(EFI_64BIT))
		return;
	nr = count_efi_tables();
	/* After a kexec, the system table does not have a usable address for them. */
	if (kho_read_file("sysfs", "firmware/efi/config_table", NULL, text,
			  sizeof(text) - 1, 0) <= 0 ||
	    kstrtou64(strim(text), 0, &addr) || !nr) {
		pr_warn_once("EFI tables not found: those in envelopes may be freed\n");
		return;
	}
	tell(teller, addr, nr * sizeof(efi_config_table_64_t));
	for (i = 0; i < nr; i++) {
		efi_config_table_64_t table;

		if (!peek(addr + i * sizeof(table), &table, sizeof(table)))
			break;
		tell_table(teller, &table.guid, table.table);
	}
}

/* Ranges that the EFI memory map says are in use at run time, or reserved */
static void tell_efi_memory(struct teller *teller)
{
	efi_memory_desc_t *md;

	if (!efi_enabled(EFI_BOOT) || !efi_enabled(EFI_MEMMAP))
		return;
	tell(teller, efi.memmap.phys_map, (u64)efi.memmap.nr_map * efi.memmap.desc_size);
	for_each_efi_memory_desc(md) {
		u64 addr = md->phys_addr, bytes = md->num_pages << EFI_PAGE_SHIFT, end;

		if (!(md->attribute & EFI_MEMORY_RUNTIME) &&
		    md->type != EFI_ACPI_RECLAIM_MEMORY &&
		    md->type != EFI_ACPI_MEMORY_NVS &&
		    md->type != EFI_RESERVED_TYPE)
			continue;
		/* Ranges may be long, and the previous kernel may have damaged the map. */
		end = kho_end_of_memory();
		bytes = addr < end ? min(bytes, end - addr) : 0;
		for (; bytes && !teller->ret; bytes -= min_t(u64, bytes, LONGEST)) {
			tell(teller, addr, bytes);
			addr += LONGEST;
		}
	}
}

static void tell_efi(struct teller *teller)
{
	tell_efi_tables(teller, tell_efi_table);
}

static void tell_efi_doubtful(struct teller *teller)
{
	tell_efi_tables(teller, tell_unknown);
	tell_efi_memory(teller);
}
#else
static void tell_efi(struct teller *teller)
{
}

static void tell_efi_doubtful(struct teller *teller)
{
}
#endif

#ifdef CONFIG_ACPI

/* Offset of the RSDP's address in boot_params; the kernel's decompressor sets it. */
#define RSDP_OFFSET	0x70

/*
 * Reads from a table that the kernel has read at boot.  The kernel's own functions map at
 * most a page of RAM, so they do not show all of a table.
 */
static bool peek_acpi(u64 addr, void *to, size_t bytes)
{
	return page_is_ram(PHYS_PFN(addr)) ? peek_ram(addr, to, bytes) : peek(addr, to, bytes);
}

/* The boot logo; its table has only its address. */
static void tell_picture(struct teller *teller, u64 addr)
{
	struct acpi_table_bgrt bgrt;
	struct {
		u16 id;
		u32 bytes;
	} __packed bmp;

	if (peek_acpi(addr, &bgrt, sizeof(bgrt)) &&
	    peek_ram(bgrt.image_address, &bmp, sizeof(bmp)))
		tell(teller, bgrt.image_address, bmp.id == 0x4d42 ? bmp.bytes : UNKNOWN);
}

/* The first fields of all tables, including FACS */
struct acpi_head {
	char signature[ACPI_NAMESEG_SIZE];
	u32 bytes;
};

/* Reports a table if it lies in reserved RAM: only then can it lie in an envelope. */
static bool tell_acpi_table(struct teller *teller, u64 addr, struct acpi_head *head)
{
	if (teller->ret || !peek_acpi(addr, head, sizeof(*head)))
		return false;
	if (is_reserved(addr))
		tell(teller, addr, head->bytes);
	return true;
}

/* Reports DSDT and FACS, which are in no list of tables. */
static void tell_dsdt_and_facs(struct teller *teller, u64 addr, u32 bytes)
{
	/* The fields of FADT with their addresses: 32-bit, and 64-bit if it has these */
	struct {
		struct acpi_table_header head;
		u32 facs;
		u32 dsdt;
		u8 others[88];
		u64 far_facs;
		u64 far_dsdt;
	} __packed fadt = {};
	struct acpi_head head;

	if (!peek_acpi(addr, &fadt, min_t(u32, bytes, sizeof(fadt))))
		return;
	tell_acpi_table(teller, fadt.far_dsdt ?: fadt.dsdt, &head);
	tell_acpi_table(teller, fadt.far_facs ?: fadt.facs, &head);
}

/* A list of addresses of tables; @width is the size of an address in bytes. */
static void tell_acpi_list(struct teller *teller, u64 list, unsigned int width)
{
	struct acpi_table_header head;
	struct acpi_head entry;
	unsigned int i, nr;

	if (!peek_acpi(list, &head, sizeof(head)) || head.length < sizeof(head))
		return;
	tell_acpi_table(teller, list, &entry);
	nr = min_t(u32, (head.length - sizeof(head)) / width, MOST_ENTRIES);
	for (i = 0; i < nr; i++) {
		u64 addr = 0;

		if (!peek_acpi(list + sizeof(head) + i * width, &addr, width))
			return;
		if (!tell_acpi_table(teller, addr, &entry))
			continue;
		if (ACPI_COMPARE_NAMESEG(entry.signature, ACPI_SIG_BGRT))
			tell_picture(teller, addr);
		else if (ACPI_COMPARE_NAMESEG(entry.signature, ACPI_SIG_FADT))
			tell_dsdt_and_facs(teller, addr, entry.bytes);
	}
}

/* Reports ACPI tables, which some firmware puts into memory that it calls usable. */
static void tell_acpi(struct teller *teller)
{
	struct acpi_table_rsdp rsdp;
	u64 addr;

	if (acpi_disabled)
		return;
	if (kho_read_file("sysfs", "kernel/boot_params/data", NULL, &addr, sizeof(addr),
			  RSDP_OFFSET) != sizeof(addr) ||
	    !peek_acpi(addr, &rsdp, sizeof(rsdp)) || !ACPI_VALIDATE_RSDP_SIG(rsdp.signature)) {
		pr_warn_once("ACPI tables not found: those in envelopes may be freed\n");
		return;
	}
	if (rsdp.revision > 1 && rsdp.xsdt_physical_address)
		tell_acpi_list(teller, rsdp.xsdt_physical_address, sizeof(u64));
	else
		tell_acpi_list(teller, rsdp.rsdt_physical_address, sizeof(u32));
}
#else
static void tell_acpi(struct teller *teller)
{
}
#endif

/**
 * kho_firmware_each() - call a function for each range that firmware left in RAM
 * @fn: called for each range; a result other than 0 ends the walk
 * @data: for @fn
 *
 * Context: may sleep.
 * Return: the last result of @fn, or 0.
 */
int kho_firmware_each(kho_range_fn_t fn, void *data)
{
	struct teller teller = {
		.fn = fn,
		.data = data,
	};

	tell_efi(&teller);
	tell_acpi(&teller);
	return teller.ret;
}

/* Entries within RAM that are known from elsewhere: the kernel and the crash kernel */
static bool is_own(const char *name)
{
	return strstarts(name, "Kernel ") || !strcmp(name, "Crash kernel");
}

/*
 * Parses a line of /proc/iomem.  Entries within RAM are indented further than RAM, which
 * may itself lie within another entry, such as a CXL window.  @ram is the indentation of
 * RAM, or -1 outside of RAM.
 */
static void tell_line(struct teller *teller, const char *line, int *ram)
{
	int indent = strspn(line, " "), name = 0;
	u64 first, last;

	if (sscanf(line, " %llx-%llx : %n", &first, &last, &name) < 2 || !name)
		return;
	if (indent <= *ram)
		*ram = -1;
	if (*ram < 0 && !strcmp(line + name, "System RAM"))
		*ram = indent;
	else if (*ram >= 0 && !is_own(line + name) && last >= first && !teller->ret)
		teller->ret = teller->fn(first, last - first + 1, teller->data);
}

/**
 * kho_firmware_each_doubtful() - the same for ranges that may be, or were, firmware's
 * @fn: called for each range; a result other than 0 ends the walk
 * @data: for @fn
 *
 * These are tables of unknown length, and ranges of the EFI memory map, which reports
 * more memory as used than is in use.
 *
 * Context: may sleep.
 * Return: the last result of @fn, or 0.
 */
int kho_firmware_each_doubtful(kho_range_fn_t fn, void *data)
{
	struct teller teller = {
		.fn = fn,
		.data = data,
	};

	tell_efi_doubtful(&teller);
	return teller.ret;
}

/* /proc/iomem, read by a kernel thread, as it shows some users no addresses */
struct iomem {
	struct work_struct work;
	char *text;
	size_t capacity;
	ssize_t ret;
};

static void read_iomem(struct work_struct *work)
{
	struct iomem *iomem = container_of(work, struct iomem, work);
	size_t done = 0;
	ssize_t n;

	do {
		n = kho_read_file("proc", "iomem", NULL, iomem->text + done,
				  iomem->capacity - done, done);
		if (n > 0)
			done += n;
	} while (n > 0 && done < iomem->capacity);
	iomem->ret = n < 0 ? n : done < iomem->capacity ? 0 : -E2BIG;
}

/**
 * kho_claimed_each() - the same for RAM claimed by drivers or boot parameters
 * @fn: called for each range; a result other than 0 ends the walk
 * @data: for @fn
 *
 * Only readers of /proc/iomem can walk these resources.
 *
 * Context: may sleep.
 * Return: the last result of @fn, 0, or an errno if it can't be read.
 */
int kho_claimed_each(kho_range_fn_t fn, void *data)
{
	struct teller teller = {
		.fn = fn,
		.data = data,
	};
	struct iomem iomem = { .capacity = IOMEM_BYTES };
	char *at, *line;
	int ram = -1;

again:
	iomem.text = kvzalloc(iomem.capacity + 1, GFP_KERNEL);
	if (!iomem.text)
		return -ENOMEM;
	INIT_WORK_ONSTACK(&iomem.work, read_iomem);
	queue_work(system_unbound_wq, &iomem.work);
	flush_work(&iomem.work);
	destroy_work_on_stack(&iomem.work);
	if (iomem.ret == -E2BIG && iomem.capacity < IOMEM_MOST) {
		kvfree(iomem.text);
		iomem.capacity *= 4;
		goto again;
	}
	at = iomem.text;
	while (!iomem.ret && (line = strsep(&at, "\n")))
		tell_line(&teller, line, &ram);
	kvfree(iomem.text);
	return iomem.ret ?: teller.ret;
}
