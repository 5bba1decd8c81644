// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl del PFN[:ORDER]...
 */
#include "khoctl.h"

int cmd_del(int argc, char **argv)
{
	return batch_main(argc, argv, kho_batch_del);
}
