/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Colour for what needs attention, on a terminal.
 */
#ifndef KHOCTL_COLOR_H
#define KHOCTL_COLOR_H

enum color { COLOR_NONE, COLOR_WARN, COLOR_BAD };

/* Sets when to use colours: "auto", "always" or "never".  Return: -1 if @when is neither */
int color_set(const char *when);
/* What switches stdout to @color, and back; "" without colours */
const char *color_on(enum color color);
const char *color_off(enum color color);

#endif /* KHOCTL_COLOR_H */
