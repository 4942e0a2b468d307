/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driven by the tables themselves: each field takes its bounds and refuses
 * what lies next to them, and the tables hold what they promise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"
#include "tests/unit/test.h"

/* Room for the struct of any table. */
#define BASE_SIZE 65536

static json_t *valid_object(const struct cfg_field *table, const struct cfg_variants *vs);

/* "aaa...": n characters that a string and a name may have. */
static json_t *
string_of(size_t n)
{
	char *s = malloc(n + 1);
	json_t *v;

	memset(s, 'a', n);
	s[n] = '\0';
	v = json_string(s);
	free(s);
	return v;
}

static json_t *valid_value(const struct cfg_field *f);

static json_t *
list_of(const struct cfg_field *elem, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, valid_value(elem));
	return list;
}

static json_t *
valid_value(const struct cfg_field *f)
{
	switch (f->type) {
	case CFG_TYPE_BOOL:
		return json_true();
	case CFG_TYPE_U32:
	case CFG_TYPE_U64:
		return json_integer(f->min);
	case CFG_TYPE_STRING:
	case CFG_TYPE_NAME:
		return string_of(f->min);
	case CFG_TYPE_ENUM:
		return json_string(f->names[0].name);
	case CFG_TYPE_IPV4:
		return json_string("192.0.2.1");
	case CFG_TYPE_PREFIX:
		return json_string("192.0.2.1/24");
	case CFG_TYPE_ENDPOINT:
		return json_string("192.0.2.1:80");
	case CFG_TYPE_MAC:
		return json_string("02:00:00:00:00:01");
	case CFG_TYPE_RANGE:
		return json_pack("[I, I]", (json_int_t)f->min, (json_int_t)f->max);
	case CFG_TYPE_OBJECT:
		return valid_object(f->fields, f->variants);
	case CFG_TYPE_ARRAY:
		return list_of(f->elem, f->min);
	}
	return NULL;
}

static void
add_required(json_t *obj, const struct cfg_field *table)
{
	for (const struct cfg_field *f = table; f != NULL && f->key != NULL; f++) {
		if ((f->flags & CFG_REQUIRED) != 0 || strcmp(f->key, "listen") == 0)
			json_object_set_new(obj, f->key, valid_value(f));
	}
}

/* What must be there and no more. */
static json_t *
valid_object(const struct cfg_field *table, const struct cfg_variants *vs)
{
	json_t *obj = json_object();

	add_required(obj, table);
	if (vs != NULL) {
		const void *variant = service_find("dummy");

		json_object_set_new(obj, vs->key, json_string(vs->name(variant)));
		add_required(obj, vs->fields(variant));
	}
	return obj;
}

/* The object with the field at v is taken, or refused with one line that
 * begins with the field's path. */
static void
try_value(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f, json_t *v,
	  bool good)
{
	struct cfg_errors errs = { 0 };
	char *base = calloc(1, BASE_SIZE), path[128];
	json_t *obj = valid_object(table, vs);
	size_t len = snprintf(path, sizeof(path), "$.%s", f->key);
	int rc;

	json_object_set_new(obj, f->key, v);
	rc = cfg_read_object(table, vs, obj, "$", base, &errs);
	CU_ASSERT_EQUAL(rc, good ? 0 : -EINVAL);
	CU_ASSERT_EQUAL(errs.n, good ? 0 : 1);
	if (!good && errs.n != 0)
		CU_ASSERT_EQUAL(strncmp(errs.lines[0], path, len), 0);
	if (errs.n != (good ? 0 : 1)) {
		printf("\n  %s:\n", path);
		cfg_errors_print(&errs, "smcgate", stdout);
	}
	cfg_free_object(table, vs, base);
	cfg_errors_free(&errs);
	json_decref(obj);
	free(base);
}

static void
try_numbers(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	try_value(table, vs, f, json_integer((json_int_t)f->min - 1), false);
	try_value(table, vs, f, json_integer(f->min), true);
	try_value(table, vs, f, json_integer(f->max), true);
	try_value(table, vs, f, json_integer((json_int_t)f->max + 1), false);
	try_value(table, vs, f, json_real(f->min), false);
	try_value(table, vs, f, json_string("1"), false);
}

static void
try_lengths(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	if (f->min > 0)
		try_value(table, vs, f, string_of(f->min - 1), false);
	try_value(table, vs, f, string_of(f->min), true);
	try_value(table, vs, f, string_of(f->max), true);
	try_value(table, vs, f, string_of(f->max + 1), false);
	try_value(table, vs, f, json_integer(1), false);
	try_value(table, vs, f, json_string("new\nline"), false);
}

static void
try_ranges(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	json_int_t lo = f->min, hi = f->max;

	try_value(table, vs, f, json_pack("[I, I]", lo, hi), true);
	try_value(table, vs, f, json_pack("[I, I]", lo, lo), true);
	try_value(table, vs, f, json_pack("[I, I]", lo - 1, hi), false);
	try_value(table, vs, f, json_pack("[I, I]", lo, hi + 1), false);
	try_value(table, vs, f, json_pack("[I, I]", hi, lo), false);
	try_value(table, vs, f, json_pack("[I, I, I]", lo, lo, hi), false);
}

static void
try_names(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	for (const struct cfg_enum *n = f->names; n->name != NULL; n++)
		try_value(table, vs, f, json_string(n->name), true);
	try_value(table, vs, f, json_string("no such name"), false);
	try_value(table, vs, f, json_integer(0), false);
}

static void
try_lists(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	if (f->min > 0)
		try_value(table, vs, f, list_of(f->elem, f->min - 1), false);
	try_value(table, vs, f, list_of(f->elem, f->min), true);
	try_value(table, vs, f, list_of(f->elem, f->max), true);
	try_value(table, vs, f, list_of(f->elem, f->max + 1), false);
	try_value(table, vs, f, json_object(), false);
}

static void
try_field(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	switch (f->type) {
	case CFG_TYPE_U32:
	case CFG_TYPE_U64:
		try_numbers(table, vs, f);
		break;
	case CFG_TYPE_STRING:
	case CFG_TYPE_NAME:
		try_lengths(table, vs, f);
		break;
	case CFG_TYPE_RANGE:
		try_ranges(table, vs, f);
		break;
	case CFG_TYPE_ENUM:
		try_names(table, vs, f);
		break;
	case CFG_TYPE_ARRAY:
		try_lists(table, vs, f);
		break;
	default:
		try_value(table, vs, f, valid_value(f), true);
		try_value(table, vs, f, json_integer(1), false);
		try_value(table, vs, f, json_string(""), false);
		try_value(table, vs, f, json_null(), false);
	}
}

typedef void (*visit_fn)(const struct cfg_field *table, const struct cfg_variants *vs,
			 const struct cfg_field *f);

static unsigned
walk(const struct cfg_field *table, const struct cfg_variants *vs, visit_fn visit)
{
	unsigned n = 0;

	for (const struct cfg_field *f = table; f->key != NULL; f++) {
		visit(table, vs, f);
		n++;
		if (f->type == CFG_TYPE_OBJECT)
			n += walk(f->fields, f->variants, visit);
		else if (f->type == CFG_TYPE_ARRAY && f->elem->type == CFG_TYPE_OBJECT)
			n += walk(f->elem->fields, f->elem->variants, visit);
	}
	return n;
}

static void
fields__take_their_bounds(void)
{
	/* So that a table that got lost is noticed. */
	CU_ASSERT_TRUE(walk(config_fields, NULL, try_field) > 90);
}

/* A number outside its own bounds stands for "absent", and says so. */
static bool
says_absent(const struct cfg_field *f)
{
	return strstr(f->doc, "absent") != NULL;
}

static void
check_field(const struct cfg_field *table, const struct cfg_variants *vs, const struct cfg_field *f)
{
	bool listed = false;

	CU_ASSERT_TRUE(f->doc != NULL && f->doc[0] != '\0' && f->doc[strlen(f->doc) - 1] == '.');
	CU_ASSERT_TRUE(f->min <= f->max);
	CU_ASSERT_TRUE(f->max < INT64_MAX);
	CU_ASSERT_TRUE(strlen(f->key) < 40);
	for (const struct cfg_field *o = table; o != f; o++)
		CU_ASSERT_STRING_NOT_EQUAL(o->key, f->key);
	if ((f->flags & CFG_REQUIRED) != 0)
		return;
	if (f->type == CFG_TYPE_U32 || f->type == CFG_TYPE_U64)
		CU_ASSERT_TRUE((f->def >= f->min && f->def <= f->max) || says_absent(f));
	for (const struct cfg_enum *n = f->names; n != NULL && n->name != NULL; n++)
		listed = listed || n->value == (int)(int64_t)f->def;
	if (f->type == CFG_TYPE_ENUM)
		CU_ASSERT_TRUE(listed || says_absent(f));
	if (f->type == CFG_TYPE_RANGE)
		CU_ASSERT_TRUE(f->def_range.lo >= f->min && f->def_range.hi <= f->max &&
			       f->def_range.lo <= f->def_range.hi);
	if (f->type == CFG_TYPE_U32)
		CU_ASSERT_TRUE(f->max <= UINT32_MAX);
}

static void
tables__hold_what_they_promise(void)
{
	walk(config_fields, NULL, check_field);
}

static const struct test_case cases[] = {
	TEST_CASE(fields__take_their_bounds),
	TEST_CASE(tables__hold_what_they_promise),
};
TEST_MAIN("config_bounds", cases)
