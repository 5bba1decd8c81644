/* SPDX-License-Identifier: GPL-2.0-only */
/* By this path, the stub includes its header in a kernel's tree. */
#include "../../../../bootstub/kho_hooks.h"
