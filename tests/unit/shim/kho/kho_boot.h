/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the stub has it once it is in a kernel's tree. */
#include "../../../../bootstub/kho_boot.h"
