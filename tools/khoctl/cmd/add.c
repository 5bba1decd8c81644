// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl add PFN[:ORDER]...
 */
#include "khoctl.h"

int cmd_add(int argc, char **argv)
{
	return batch_main(argc, argv, kho_batch_add);
}
