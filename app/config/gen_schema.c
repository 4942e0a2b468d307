/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables as JSON Schema, draft 2020-12. */
#include <inttypes.h>
#include <string.h>

#include "app/config/gen.h"

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4 OCTET "\\." OCTET "\\." OCTET "\\." OCTET
#define PREFIX_LEN "(3[0-2]|[12]?[0-9])"
#define PORT "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
/* The lowest bit of the first octet would make it multicast; the parser alone
 * refuses 00:00:00:00:00:00. */
#define MAC "[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}"

static json_t *object_schema(const struct cfg_field *table, const struct cfg_variants *vs);
static json_t *field_schema(const struct cfg_field *f);

static void
set_integer(json_t *s, const char *key, uint64_t v)
{
	json_object_set_new(s, key, json_integer(v));
}

static json_t *
typed(const char *type)
{
	return json_pack("{s:s}", "type", type);
}

static json_t *
pattern(const char *regex)
{
	return json_pack("{s:s, s:o}", "type", "string", "pattern", json_sprintf("^%s$", regex));
}

static json_t *
number_schema(const struct cfg_field *f)
{
	json_t *s = typed("integer");

	set_integer(s, "minimum", f->min);
	set_integer(s, "maximum", f->max);
	return s;
}

static json_t *
string_schema(const struct cfg_field *f)
{
	json_t *s = pattern(f->type == CFG_TYPE_NAME ? "[A-Za-z0-9_.-]*" : "[ -~]*");

	set_integer(s, "minLength", f->min);
	set_integer(s, "maxLength", f->max);
	return s;
}

static json_t *
enum_schema(const struct cfg_field *f)
{
	json_t *names = json_array();

	for (const struct cfg_enum *n = f->names; n->name != NULL; n++)
		json_array_append_new(names, json_string(n->name));
	return json_pack("{s:o}", "enum", names);
}

static json_t *
range_schema(const struct cfg_field *f)
{
	return json_pack("{s:s, s:i, s:i, s:o}", "type", "array", "minItems", 2, "maxItems", 2, "items",
			 number_schema(f));
}

static json_t *
array_schema(const struct cfg_field *f)
{
	json_t *s = typed("array");

	set_integer(s, "minItems", f->min);
	set_integer(s, "maxItems", f->max);
	json_object_set_new(s, "items", field_schema(f->elem));
	return s;
}

/* Without the marks that are common to all types. */
static json_t *
type_schema(const struct cfg_field *f)
{
	switch (f->type) {
	case CFG_TYPE_BOOL:
		return typed("boolean");
	case CFG_TYPE_U32:
	case CFG_TYPE_U64:
		return number_schema(f);
	case CFG_TYPE_STRING:
	case CFG_TYPE_NAME:
		return string_schema(f);
	case CFG_TYPE_ENUM:
		return enum_schema(f);
	case CFG_TYPE_IPV4:
		return pattern(IPV4);
	case CFG_TYPE_PREFIX:
		return pattern(IPV4 "/" PREFIX_LEN);
	case CFG_TYPE_ENDPOINT:
		return pattern(IPV4 ":" PORT);
	case CFG_TYPE_MAC:
		return pattern(MAC);
	case CFG_TYPE_RANGE:
		return range_schema(f);
	case CFG_TYPE_OBJECT:
		return object_schema(f->fields, f->variants);
	case CFG_TYPE_ARRAY:
		return array_schema(f);
	}
	return NULL;
}

static void
set_default(json_t *s, const struct cfg_field *f)
{
	json_t *v = NULL;

	if ((f->flags & CFG_REQUIRED) != 0)
		return;
	if (f->type == CFG_TYPE_BOOL)
		v = json_boolean(f->def);
	else if ((f->type == CFG_TYPE_U32 || f->type == CFG_TYPE_U64) && f->def >= f->min && f->def <= f->max)
		v = json_integer(f->def);
	else if (f->type == CFG_TYPE_RANGE)
		v = json_pack("[i, i]", (int)f->def_range.lo, (int)f->def_range.hi);
	else if (f->def_text != NULL)
		v = json_string(f->def_text);
	for (const struct cfg_enum *n = f->names; n != NULL && n->name != NULL; n++) {
		if (n->value == (int)(int64_t)f->def)
			v = json_string(n->name);
	}
	if (v != NULL)
		json_object_set_new(s, "default", v);
}

static json_t *
field_schema(const struct cfg_field *f)
{
	json_t *s = type_schema(f);

	if (f->doc != NULL)
		json_object_set_new(s, "description", json_string(f->doc));
	set_default(s, f);
	if ((f->flags & CFG_RUNTIME) != 0)
		json_object_set_new(s, "x-runtime", json_true());
	return s;
}

static void
add_fields(json_t *properties, json_t *required, const struct cfg_field *table, const struct cfg_variants *vs,
	   const void *variant)
{
	for (const struct cfg_field *f = table; f != NULL && f->key != NULL; f++) {
		int wants = (f->flags & CFG_REQUIRED) != 0;

		if ((f->flags & CFG_BY_VARIANT) != 0)
			wants = vs->wants(variant, f->key);
		if (wants >= 0)
			json_object_set_new(properties, f->key, field_schema(f));
		if (wants > 0)
			json_array_append_new(required, json_string(f->key));
	}
}

/* An object; variant NULL: of a table without variants. */
static json_t *
one_object(const struct cfg_field *table, const struct cfg_variants *vs, const void *variant)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *s = typed("object");

	if (variant != NULL) {
		json_object_set_new(s, "description", json_string(vs->describe(variant)));
		json_object_set_new(properties, vs->key,
				    json_pack("{s:s, s:s}", "const", vs->name(variant), "description",
					      vs->doc));
		json_array_append_new(required, json_string(vs->key));
	}
	add_fields(properties, required, table, vs, variant);
	if (variant != NULL)
		add_fields(properties, required, vs->fields(variant), NULL, NULL);
	json_object_set_new(s, "properties", properties);
	if (json_array_size(required) != 0)
		json_object_set(s, "required", required);
	json_decref(required);
	json_object_set_new(s, "additionalProperties", json_false());
	return s;
}

static json_t *
object_schema(const struct cfg_field *table, const struct cfg_variants *vs)
{
	const void *variant = NULL;
	json_t *any;

	if (vs == NULL)
		return one_object(table, NULL, NULL);
	any = json_array();
	while ((variant = vs->next(variant)) != NULL)
		json_array_append_new(any, one_object(table, vs, variant));
	return json_pack("{s:o}", "anyOf", any);
}

json_t *
cfg_gen_schema(const struct cfg_gen *g)
{
	json_t *s = json_pack("{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema",
			      "title", g->title, "$comment", g->comment);
	json_t *top = object_schema(g->fields, NULL);

	json_object_update(s, top);
	json_decref(top);
	return s;
}
