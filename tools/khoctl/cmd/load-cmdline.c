// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl load: the command line of the next kernel.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kho.h>

#include "arch/arch.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "cmd/load.h"
#include "device/device.h"
#include "device/lists.h"
#include "target/target.h"

/* The value of "kho=" for the next kernel: 1 on, 0 off, -1 absent */
static int next_kho(const struct load *l)
{
	int on = l->append ? cmdline_kho(l->append) : -1;
	char cmdline[4096];

	/* kexec appends --append to the reused command line, so that it wins. */
	if (on < 0 && l->reuse_cmdline &&
	    sys_read("/proc/cmdline", cmdline, sizeof(cmdline)) > 0)
		on = cmdline_kho(cmdline);
	return on;
}

int load_check_cmdline(const struct load *l)
{
	int on = next_kho(l);

	if (l->append && strlen(l->append) > l->file.image.cmdline)
		return cmd_err("--append: %zu bytes, and the kernel takes %llu",
			       strlen(l->append), l->file.image.cmdline);
	if (l->append && strchr(l->append, '\n'))
		return cmd_err("--append: has a newline in it");
	if (target_disregards(&l->target)) {
		/* Its scratch is sized by what boot reserves, and the envelopes count. */
		if (on > 0 || (on < 0 && l->target.on))
			cmd_warn("warning: that kernel's own KHO is on: it is of no use here, and may set twice as much memory aside as the envelopes have; add kho=off");
	} else if (!on && l->append && !cmdline_kho(l->append))
		cmd_warn("warning: kho=off: the next kernel will ignore the handover");
	else if (!on)
		cmd_warn("warning: this kernel's command line has kho=off, which --reuse-cmdline passes on: the next kernel will ignore the handover");
	else if (on < 0 && l->target.kind == TARGET_MAINLINE && !l->target.on)
		cmd_warn("warning: the command line lacks kho=on: without it, that kernel can't hand anything on");
	if (!l->append && !l->reuse_cmdline)
		cmd_warn("warning: neither --append nor --reuse-cmdline: the next kernel gets an empty command line");
	return DONE;
}

int load_check_limit(struct load *l)
{
	__u64 scratch_end = l->query.scratch_addr + l->query.scratch_size;
	struct kho_envelope_entry *env = NULL;
	char cmdline[4096];
	size_t nr = 0, i;
	const char *others = NULL;
	__u64 limit;
	int ret;

	limit = arch_memory_limit(l->append, UINT64_MAX, &others);
	if (others)
		cmd_warn("warning: %s on its command line: what is preserved where that leaves no RAM is lost",
			 others);
	if (l->reuse_cmdline &&
	    sys_read("/proc/cmdline", cmdline, sizeof(cmdline)) > 0)
		limit = arch_memory_limit(cmdline, limit, &others);
	if (limit == UINT64_MAX || l->own_kho)
		return DONE;
	l->limit = limit;
	if (limit < scratch_end)
		return cmd_err("mem=%s on its command line: scratch, where it is loaded, ends at 0x%llx: it would not boot",
			       size_str(limit), scratch_end);
	if (!(l->query.features & KHO_FEATURE_ENVELOPES))
		return DONE;
	ret = list_envelopes(l->dev, 0, &env, &nr);
	if (ret)
		return cmd_err("cannot tell where the envelopes are: %s",
			       device_error(ret));
	for (i = 0; i < nr && !ret; i++) {
		const struct kho_envelope_entry *e = &env[i];

		if (e->addr + e->bytes < limit)
			continue;
		/* Some kernels do not count reserved RAM, which moves the limit up. */
		if (e->addr < limit)
			ret = cmd_err("mem=%s on its command line: that is in the envelope from 0x%llx to 0x%llx: it would not boot",
				      size_str(limit), e->addr,
				      e->addr + e->bytes - 1);
		else if (!l->force)
			ret = cmd_err("mem=%s on its command line: what is preserved from 0x%llx on would be lost; --force loads it all the same",
				      size_str(limit), e->addr);
		else
			cmd_warn("warning: mem=%s on its command line: what is preserved from 0x%llx on will be lost",
				 size_str(limit), e->addr);
		break;
	}
	free(env);
	return ret;
}
