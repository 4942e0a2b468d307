/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/service/service.h"

#include <string.h>

/* Grown by constructors before main(), read-only after. */
static struct service_type *types;

void
service_register(struct service_type *type)
{
	struct service_type **at = &types;

	while (*at != NULL && strcmp((*at)->name, type->name) < 0)
		at = &(*at)->next;
	type->next = *at;
	*at = type;
}

const struct service_type *
service_next(const struct service_type *prev)
{
	return prev == NULL ? types : prev->next;
}

const struct service_type *
service_find(const char *name)
{
	for (const struct service_type *t = types; t != NULL; t = t->next) {
		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}
