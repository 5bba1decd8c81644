/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making foreign text safe to show.
 */
#ifndef KHO_TEXT_H
#define KHO_TEXT_H

#include <linux/types.h>

#include <linux/kho.h>

/**
 * struct kho_shown - buffer for a name as it is logged
 */
struct kho_shown {
	/** @text: each byte of the name may become four. */
	char text[4 * KHO_NAME_SIZE];
};

/*
 * Names are always logged through this.  Its result may only be used in the same
 * statement.
 */
#define kho_shown(name)	kho_show(&(struct kho_shown) {}, name)

const char *kho_show(struct kho_shown *to, const void *text);
void kho_text_clean(void *text, size_t size);
size_t kho_text_control(const u8 *text, size_t len);

#endif /* KHO_TEXT_H */
