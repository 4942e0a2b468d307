/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables as a chapter of documentation. */
#include <inttypes.h>
#include <string.h>

#include "app/config/gen.h"

#define PATH_LEN 128

static void
print_default(FILE *out, const struct cfg_field *f)
{
	if ((f->flags & CFG_REQUIRED) != 0)
		fprintf(out, "*required*");
	else if (f->type == CFG_TYPE_BOOL)
		fprintf(out, "`%s`", f->def != 0 ? "true" : "false");
	else if ((f->type == CFG_TYPE_U32 || f->type == CFG_TYPE_U64) && f->def >= f->min && f->def <= f->max)
		fprintf(out, "`%" PRIu64 "`", f->def);
	else if (f->type == CFG_TYPE_RANGE)
		fprintf(out, "`[%u, %u]`", f->def_range.lo, f->def_range.hi);
	else if (f->def_text != NULL)
		fprintf(out, "`\"%s\"`", f->def_text);
	for (const struct cfg_enum *n = f->names; n != NULL && n->name != NULL; n++) {
		if (n->value == (int)(int64_t)f->def && (f->flags & CFG_REQUIRED) == 0)
			fprintf(out, "`\"%s\"`", n->name);
	}
}

static void
print_row(FILE *out, const struct cfg_field *f, int wants)
{
	char allowed[CFG_DESCRIBE_LEN];

	if (wants < 0)
		return;
	cfg_describe(f, allowed, sizeof(allowed));
	fprintf(out, "| `%s` | %s | ", f->key, allowed);
	if (wants > 0)
		fprintf(out, "*required*");
	else
		print_default(out, f);
	fprintf(out, " | %s | %s |\n", (f->flags & CFG_RUNTIME) != 0 ? "running" : "", f->doc);
}

static void
print_head(FILE *out)
{
	fprintf(out, "\n| key | value | default | | meaning |\n|---|---|---|---|---|\n");
}

static void print_nested(FILE *out, const struct cfg_field *table, const char *path);

static void
print_variant(FILE *out, const struct cfg_field *table, const struct cfg_variants *vs, const void *variant,
	      const char *path)
{
	fprintf(out, "\n## `%s` with `%s` \"%s\"\n\n%s\n", path, vs->key, vs->name(variant),
		vs->describe(variant));
	print_head(out);
	fprintf(out, "| `%s` | `\"%s\"` | *required* | | %s |\n", vs->key, vs->name(variant), vs->doc);
	for (const struct cfg_field *f = table; f->key != NULL; f++) {
		bool asks = (f->flags & CFG_BY_VARIANT) != 0;

		print_row(out, f, asks ? vs->wants(variant, f->key) : (f->flags & CFG_REQUIRED) != 0);
	}
	for (const struct cfg_field *f = vs->fields(variant); f != NULL && f->key != NULL; f++)
		print_row(out, f, (f->flags & CFG_REQUIRED) != 0);
	if (vs->fields(variant) != NULL)
		print_nested(out, vs->fields(variant), path);
}

static void
print_section(FILE *out, const struct cfg_field *f, const char *path, const char *doc)
{
	const void *variant = NULL;

	if (f->variants != NULL) {
		while ((variant = f->variants->next(variant)) != NULL)
			print_variant(out, f->fields, f->variants, variant, path);
		return;
	}
	fprintf(out, "\n## `%s`\n\n%s\n", path, doc);
	print_head(out);
	for (const struct cfg_field *n = f->fields; n->key != NULL; n++)
		print_row(out, n, (n->flags & CFG_REQUIRED) != 0);
	print_nested(out, f->fields, path);
}

/* Sections for the objects in a table, in its order, each followed by its own. */
static void
print_nested(FILE *out, const struct cfg_field *table, const char *path)
{
	for (const struct cfg_field *f = table; f->key != NULL; f++) {
		char below[PATH_LEN];

		snprintf(below, sizeof(below), "%s%s%s%s", path, path[0] != '\0' ? "." : "", f->key,
			 f->type == CFG_TYPE_ARRAY ? "[]" : "");
		if (f->type == CFG_TYPE_OBJECT)
			print_section(out, f, below, f->doc);
		else if (f->type == CFG_TYPE_ARRAY && f->elem->type == CFG_TYPE_OBJECT)
			print_section(out, f->elem, below, f->doc);
	}
}

void
cfg_gen_doc(const struct cfg_gen *g, FILE *out)
{
	fputs(g->head, out);
	print_head(out);
	for (const struct cfg_field *f = g->fields; f->key != NULL; f++)
		print_row(out, f, (f->flags & CFG_REQUIRED) != 0);
	print_nested(out, g->fields, "");
}
