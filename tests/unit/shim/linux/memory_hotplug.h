/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory is never added or removed. */
