/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the log says when the machine goes down.
 */
#ifndef KHO_FAREWELL_H
#define KHO_FAREWELL_H

void kho_farewell(unsigned long event, const char *command);

#endif /* KHO_FAREWELL_H */
