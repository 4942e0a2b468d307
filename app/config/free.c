/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "app/config/field.h"

static void
free_array(const struct cfg_field *f, char *base)
{
	char *elems = *(char **)(base + f->offset);
	unsigned *n = (unsigned *)(base + f->count_offset);

	for (unsigned i = 0; f->elem->type == CFG_TYPE_OBJECT && elems != NULL && i < *n; i++)
		cfg_free_object(f->elem->fields, f->elem->variants, elems + i * f->size);
	free(elems);
	*(char **)(base + f->offset) = NULL;
	*n = 0;
}

void
cfg_free_object(const struct cfg_field *table, const struct cfg_variants *variants, void *base_)
{
	char *base = base_;

	for (const struct cfg_field *f = table; f != NULL && f->key != NULL; f++) {
		if (f->type == CFG_TYPE_OBJECT)
			cfg_free_object(f->fields, f->variants, base + f->offset);
		else if (f->type == CFG_TYPE_ARRAY)
			free_array(f, base);
	}
	if (variants != NULL) {
		const void *tag = *(const void **)(base + variants->tag_offset);
		void **conf = (void **)(base + variants->conf_offset);

		if (tag != NULL && *conf != NULL) {
			cfg_free_object(variants->fields(tag), NULL, *conf);
			free(*conf);
			*conf = NULL;
		}
	}
}
