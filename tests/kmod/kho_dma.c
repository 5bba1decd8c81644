// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that writes to a preserved page all the time, even when the machine jumps:
 * QEMU's edu, which takes 100 ms to copy a few bytes.
 *
 * The page is stamped before each copy, so the next kernel finds either the stamp or what
 * the device has written since.  The module only loads if the device was seen to write.
 */
#define pr_fmt(fmt) "kho_dma: " fmt

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/kexec_handover.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_RUN		1
#define EDU_TO_MEMORY	2
/* The device's own memory, by its own address */
#define EDU_BUFFER	0x40000

#define BYTES		2048
#define OF_DEVICE	0xdd
#define STAMP		0x22
/* The rest of the page, to which the device does not write */
#define BESIDE		0x33

static bool stubborn;
module_param(stubborn, bool, 0444);
MODULE_PARM_DESC(stubborn, "Let the device go on, though the kernel has stopped it");

static struct {
	struct pci_dev *dev;
	void __iomem *regs;
	struct page *page;
	dma_addr_t addr;
	struct task_struct *task;
} edu;

static bool busy(void)
{
	return readq(edu.regs + EDU_COMMAND) & EDU_RUN;
}

static void copy(u64 source, u64 target, u64 command)
{
	writeq(source, edu.regs + EDU_SOURCE);
	writeq(target, edu.regs + EDU_TARGET);
	writeq(BYTES, edu.regs + EDU_COUNT);
	writeq(command | EDU_RUN, edu.regs + EDU_COMMAND);
}

/* Runs until the machine stops this CPU. */
static int keep_busy(void *unused)
{
	while (!kthread_should_stop()) {
		if (!busy()) {
			memset(page_address(edu.page), STAMP, BYTES);
			copy(EDU_BUFFER, edu.addr, EDU_TO_MEMORY);
		}
		usleep_range(200, 400);
	}
	return 0;
}

/*
 * Devices are shut down in the reverse order in which they were found, and the host bridge
 * was found first: by now the kernel has stopped the other one.
 */
static void after_all_others(struct pci_dev *bridge)
{
	int tries = 100;
	u16 command;

	if (!edu.task)
		return;
	/* Between two copies it is idle for a moment. */
	while (!busy() && tries--)
		usleep_range(200, 400);
	pci_read_config_word(edu.dev, PCI_COMMAND, &command);
	if (command & PCI_COMMAND_MASTER)
		return;
	pr_info("the kernel has stopped the device, which is %s\n", busy() ? "busy" : "idle");
	if (stubborn)
		pci_write_config_word(edu.dev, PCI_COMMAND, command | PCI_COMMAND_MASTER);
}

static int have_bridge(struct pci_dev *dev, const struct pci_device_id *id)
{
	return pci_dev_id(dev) ? -ENODEV : 0;
}

static const struct pci_device_id bridges[] = {
	{ PCI_DEVICE_CLASS(PCI_CLASS_BRIDGE_HOST << 8, ~0) },
	{}
};

static struct pci_driver bridge_driver = {
	.name = "kho_dma",
	.id_table = bridges,
	.probe = have_bridge,
	.shutdown = after_all_others,
};

static int finish(void)
{
	int tries = 100;

	while (busy()) {
		if (!tries--)
			return -EIO;
		msleep(20);
	}
	return 0;
}

/* From memory to the device, and back. */
static int fill_buffer(void)
{
	u8 *page = page_address(edu.page);
	int ret;

	memset(page, OF_DEVICE, BYTES);
	copy(edu.addr, EDU_BUFFER, 0);
	ret = finish();
	if (ret)
		return ret;
	memset(page, BESIDE, PAGE_SIZE);
	copy(EDU_BUFFER, edu.addr, EDU_TO_MEMORY);
	ret = finish();
	if (ret)
		return ret;
	if (memchr_inv(page, OF_DEVICE, BYTES) || memchr_inv(page + BYTES, BESIDE, BYTES))
		return -EIO;
	return 0;
}

static int __init kho_dma_init(void)
{
	int ret;

	edu.dev = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	if (!edu.dev)
		return -ENODEV;
	ret = pci_enable_device(edu.dev);
	if (ret)
		goto err_put;
	ret = dma_set_mask_and_coherent(&edu.dev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto err_disable;
	pci_set_master(edu.dev);
	ret = -ENOMEM;
	edu.regs = pci_iomap(edu.dev, 0, 0);
	if (!edu.regs)
		goto err_disable;
	edu.page = alloc_page(GFP_KERNEL);
	if (!edu.page)
		goto err_unmap_regs;
	edu.addr = dma_map_page(&edu.dev->dev, edu.page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(&edu.dev->dev, edu.addr))
		goto err_free;
	ret = fill_buffer() ?: kho_preserve_pages(edu.page, 1);
	if (ret)
		goto err_unmap;
	ret = pci_register_driver(&bridge_driver);
	if (ret)
		goto err_unpreserve;
	edu.task = kthread_run(keep_busy, NULL, "kho_dma");
	if (IS_ERR(edu.task)) {
		ret = PTR_ERR(edu.task);
		edu.task = NULL;
		goto err_unregister;
	}
	pr_info("page 0x%lx, for the device at 0x%llx\n", page_to_pfn(edu.page),
		(u64)edu.addr);
	return 0;

err_unregister:
	pci_unregister_driver(&bridge_driver);
err_unpreserve:
	kho_unpreserve_pages(edu.page, 1);
err_unmap:
	dma_unmap_page(&edu.dev->dev, edu.addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
err_free:
	__free_page(edu.page);
err_unmap_regs:
	pci_iounmap(edu.dev, edu.regs);
err_disable:
	pci_disable_device(edu.dev);
err_put:
	pci_dev_put(edu.dev);
	return ret;
}
module_init(kho_dma_init);

/* It is not unloaded: there is no exit. */

MODULE_DESCRIPTION("A device that writes to what is preserved");
MODULE_LICENSE("GPL");
