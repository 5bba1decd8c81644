// SPDX-License-Identifier: GPL-2.0-only
/*
 * KHO_QUERY: each part fills in what it knows.
 */
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/deferred.h"
#include "core/metapage.h"
#include "core/preserve.h"
#include "core/ram.h"
#include "dev.h"
#include "incoming/incoming.h"
#include "mm/iomem.h"
#include "objects/objects.h"
#include "pages/pages.h"

#include <linux/kho.h>

/**
 * kho_query() - fill in the answer to KHO_QUERY
 * @query: all members but size are set
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_query(struct kho_query *query)
{
	u32 size = query->size;

	memset(query, 0, sizeof(*query));
	query->size = size;
	query->uapi_version = KHO_UAPI_VERSION;
	query->features = KHO_FEATURE_PAGES | KHO_FEATURE_OBJECTS |
			  KHO_FEATURE_META | KHO_FEATURE_SUBTREES |
			  KHO_FEATURE_AGENTS;
	if (KHO_PRIVATE_STAYS)
		query->features |= KHO_FEATURE_PRIVATE;
	query->page_size = PAGE_SIZE;

	kho_backend_sync_image();
	mutex_lock(&kho.lock);
	query->frozen = kho.frozen;
	query->changes = kho.changes;
	query->released_pages = kho.released;
	query->root_addr = kho_preserved_root();
	query->preserved_pages = kho_preserved_pages();
	query->keys = kho_preserved_keys();
	query->meta_pages = kho_preserved_nodes() + kho_metapages_nr();
	query->ram_pages = kho_ram_pages(0, kho_end_of_memory());
	query->image = kho_ram_image_state();
	kho_incoming_query(query);
	query->arrived_pages += kho_backend_unretrieved_pages();
	kho_backend_query(query);
	kho_pages_query(query);
	kho_objects_query(query);
	kho_trim_query(query);
	kho_deferred_query(query);
	mutex_unlock(&kho.lock);

	/* Addresses are only for callers with CAP_SYS_ADMIN. */
	if (kho_allowed_all())
		return;
	query->setup_addr = 0;
	query->fdt_addr = 0;
	query->root_addr = 0;
	query->scratch_addr = 0;
	/* The text contains addresses and names of objects. */
	if (query->arrival_error[0])
		strscpy_pad((char *)query->arrival_error,
			    "only CAP_SYS_ADMIN may see what is wrong",
			    sizeof(query->arrival_error));
}
