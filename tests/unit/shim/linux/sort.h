/* SPDX-License-Identifier: GPL-2.0-only */
/* The test that needs it has a sort() of its own. */
