/* SPDX-License-Identifier: GPL-2.0-only */
/* ____cacheline_aligned_in_smp is in spinlock.h. */
