// SPDX-License-Identifier: GPL-2.0
/*
 * Telling the module about the loaded kernel.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libkho.h>

#include "base/options.h"
#include "device/loaded.h"
#include "device/record.h"

int image_tell(int dev, __u32 state, __u64 limit, bool by_file)
{
	struct kho_image image = {
		.size = sizeof(image),
		.flags = by_file ? KHO_IMAGE_BY_FILE : 0,
		.state = state,
		.limit = limit,
	};

	return ioctl(dev, KHO_IMAGE, &image) ? -errno : 0;
}

void image_forget(void)
{
	int dev = kho_open(device_path());

	record_remove();
	if (dev < 0)
		return;
	/* An older module does not know the ioctl and has nothing to forget. */
	image_tell(dev, KHO_IMAGE_NONE, 0, false);
	close(dev);
}

bool image_is_stale(const struct kho_query *q, int loaded)
{
	return loaded > 0 && q->image == KHO_IMAGE_STALE;
}
