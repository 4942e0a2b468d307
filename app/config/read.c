/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine: walks a JSON object and a table side by side. Every value that
 * does not fit becomes a line in the list of errors, and the walk goes on, so
 * that one run shows them all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/field.h"

#define PATH_MAX_LEN 512
#define FOUND_LEN 64

struct reader {
	struct cfg_errors *errs;
	bool failed;
	size_t len;
	char path[PATH_MAX_LEN];
};

/* A reader of one type: 0, or -EINVAL when the value does not fit, to be
 * told by the caller, or -EAFNOSUPPORT for IPv6, or -ECANCELED when all has
 * been told already. */
typedef int (*read_fn)(struct reader *r, const struct cfg_field *f, const json_t *v, char *base);

static void set_defaults(const struct cfg_field *table, char *base);
static void read_table(struct reader *r, const struct cfg_field *table, const struct cfg_variants *variants,
		       const json_t *obj, char *base);
static int read_value(struct reader *r, const struct cfg_field *f, const json_t *v, char *base);

/* ---- paths and messages ------------------------------------------------ */

static size_t
path_push_key(struct reader *r, const char *key)
{
	size_t old = r->len;

	snprintf(r->path + r->len, sizeof(r->path) - r->len, ".%.64s", key);
	r->len += strlen(r->path + r->len);
	return old;
}

static size_t
path_push_index(struct reader *r, size_t i)
{
	size_t old = r->len;

	snprintf(r->path + r->len, sizeof(r->path) - r->len, "[%zu]", i);
	r->len += strlen(r->path + r->len);
	return old;
}

static void
path_pop(struct reader *r, size_t old)
{
	r->len = old;
	r->path[old] = '\0';
}

static const char *
found(const json_t *v, char *buf)
{
	char *text;

	if (json_is_object(v))
		return "an object {...}";
	if (json_is_array(v)) {
		snprintf(buf, FOUND_LEN, "a list of %zu elements", json_array_size(v));
		return buf;
	}
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	if (text == NULL)
		return "something unreadable";
	if (strlen(text) >= FOUND_LEN)
		strcpy(text + FOUND_LEN - 4, "...");
	strcpy(buf, text);
	free(text);
	return buf;
}

static void
tell_unfit(struct reader *r, const struct cfg_field *f, const json_t *v, int rc)
{
	char buf[FOUND_LEN], allowed[CFG_DESCRIBE_LEN];

	r->failed = true;
	if (rc == -ECANCELED)
		return;
	cfg_describe(f, allowed, sizeof(allowed));
	cfg_error(r->errs, r->path, "found %s, allowed: %s%s", found(v, buf), allowed,
		  rc == -EAFNOSUPPORT ? " (IPv6 is not supported)" : "");
}

static void
tell_missing(struct reader *r, const struct cfg_field *f)
{
	size_t old = path_push_key(r, f->key);
	char allowed[CFG_DESCRIBE_LEN];

	r->failed = true;
	cfg_describe(f, allowed, sizeof(allowed));
	cfg_error(r->errs, r->path, "missing, must be given: %s", allowed);
	path_pop(r, old);
}

/* ---- values ------------------------------------------------------------ */

static int
read_integer(const struct cfg_field *f, const json_t *v, uint64_t *out)
{
	json_int_t i = json_integer_value(v);

	if (!json_is_integer(v) || i < 0 || (uint64_t)i < f->min || (uint64_t)i > f->max)
		return -EINVAL;
	*out = i;
	return 0;
}

static int
read_bool(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	if (!json_is_boolean(v))
		return -EINVAL;
	*(bool *)(base + f->offset) = json_is_true(v);
	return 0;
}

static int
read_u32(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	uint64_t n = 0;
	int rc = read_integer(f, v, &n);

	if (rc == 0)
		*(uint32_t *)(base + f->offset) = n;
	return rc;
}

static int
read_u64(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	return read_integer(f, v, (uint64_t *)(base + f->offset));
}

static bool
char_allowed(const struct cfg_field *f, unsigned char c)
{
	if (f->type == CFG_TYPE_STRING)
		return c >= 0x20 && c <= 0x7e;
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '.';
}

static int
read_string(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	const char *s = json_string_value(v);
	size_t len = json_string_length(v);

	if (s == NULL || len < f->min || len > f->max || len >= f->size)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!char_allowed(f, s[i]))
			return -EINVAL;
	}
	memcpy(base + f->offset, s, len + 1);
	return 0;
}

static int
read_enum(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	const char *s = json_string_value(v);

	for (const struct cfg_enum *n = f->names; s != NULL && n->name != NULL; n++) {
		if (strcmp(n->name, s) == 0) {
			*(int *)(base + f->offset) = n->value;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_text(const struct cfg_field *f, const char *s, char *base)
{
	void *to = base + f->offset;

	switch (f->type) {
	case CFG_TYPE_IPV4:
		return cfg_parse_ipv4(s, to);
	case CFG_TYPE_PREFIX:
		return cfg_parse_prefix(s, to);
	case CFG_TYPE_ENDPOINT:
		return cfg_parse_endpoint(s, to);
	case CFG_TYPE_MAC:
		return cfg_parse_mac(s, to);
	default:
		return -EINVAL;
	}
}

static int
read_text(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	return json_is_string(v) ? parse_text(f, json_string_value(v), base) : -EINVAL;
}

static int
read_range(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	struct cfg_range *out = (struct cfg_range *)(base + f->offset);
	uint64_t lo = 0, hi = 0;

	if (json_array_size(v) != 2 || read_integer(f, json_array_get(v, 0), &lo) != 0 ||
	    read_integer(f, json_array_get(v, 1), &hi) != 0 || lo > hi)
		return -EINVAL;
	out->lo = lo;
	out->hi = hi;
	return 0;
}

static int
read_object(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	if (!json_is_object(v))
		return -EINVAL;
	read_table(r, f->fields, f->variants, v, base + f->offset);
	return 0;
}

static int
read_array(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	size_t n = json_array_size(v);
	char *elems;

	if (!json_is_array(v) || n < f->min || n > f->max)
		return -EINVAL;
	if (n == 0)
		return 0;
	elems = calloc(n, f->size);
	if (elems == NULL) {
		cfg_error(r->errs, r->path, "no memory for %zu elements", n);
		return -ECANCELED;
	}
	*(void **)(base + f->offset) = elems;
	*(unsigned *)(base + f->count_offset) = n;
	for (size_t i = 0; i < n; i++) {
		size_t old = path_push_index(r, i);

		read_value(r, f->elem, json_array_get(v, i), elems + i * f->size);
		path_pop(r, old);
	}
	return 0;
}

static const read_fn readers[] = {
	[CFG_TYPE_BOOL] = read_bool, [CFG_TYPE_U32] = read_u32, [CFG_TYPE_U64] = read_u64,
	[CFG_TYPE_STRING] = read_string, [CFG_TYPE_NAME] = read_string, [CFG_TYPE_ENUM] = read_enum,
	[CFG_TYPE_IPV4] = read_text, [CFG_TYPE_PREFIX] = read_text, [CFG_TYPE_ENDPOINT] = read_text,
	[CFG_TYPE_MAC] = read_text, [CFG_TYPE_RANGE] = read_range, [CFG_TYPE_OBJECT] = read_object,
	[CFG_TYPE_ARRAY] = read_array,
};

static int
read_value(struct reader *r, const struct cfg_field *f, const json_t *v, char *base)
{
	int rc = readers[f->type](r, f, v, base);

	if (rc < 0)
		tell_unfit(r, f, v, rc);
	return rc;
}

/* ---- defaults ---------------------------------------------------------- */

static void
set_default(const struct cfg_field *f, char *base)
{
	void *to = base + f->offset;

	switch (f->type) {
	case CFG_TYPE_BOOL:
		*(bool *)to = f->def != 0;
		break;
	case CFG_TYPE_U32:
		*(uint32_t *)to = f->def;
		break;
	case CFG_TYPE_U64:
		*(uint64_t *)to = f->def;
		break;
	case CFG_TYPE_ENUM:
		*(int *)to = (int)(int64_t)f->def;
		break;
	case CFG_TYPE_STRING:
	case CFG_TYPE_NAME:
		snprintf(to, f->size, "%s", f->def_text != NULL ? f->def_text : "");
		break;
	case CFG_TYPE_RANGE:
		*(struct cfg_range *)to = f->def_range;
		break;
	case CFG_TYPE_OBJECT:
		set_defaults(f->fields, to);
		break;
	case CFG_TYPE_ARRAY:
		break;
	default:
		/* A default in a table that does not parse fails the tables' test. */
		if (f->def_text != NULL)
			parse_text(f, f->def_text, base);
	}
}

static void
set_defaults(const struct cfg_field *table, char *base)
{
	for (const struct cfg_field *f = table; f != NULL && f->key != NULL; f++)
		set_default(f, base);
}

/* ---- objects ----------------------------------------------------------- */

static const struct cfg_field *
field_find(const struct cfg_field *table, const char *key)
{
	for (const struct cfg_field *f = table; f != NULL && f->key != NULL; f++) {
		if (strcmp(f->key, key) == 0)
			return f;
	}
	return NULL;
}

static void
tell_unknown(struct reader *r, const struct cfg_field *table, const struct cfg_field *own, const char *key)
{
	size_t old = path_push_key(r, key);
	const char *meant = cfg_suggest(table, key);

	r->failed = true;
	if (meant == NULL)
		meant = cfg_suggest(own, key);
	if (meant != NULL)
		cfg_error(r->errs, r->path, "unknown key, did you mean \"%s\"?", meant);
	else
		cfg_error(r->errs, r->path, "unknown key");
	path_pop(r, old);
}

/* The variant the object's key names, or NULL after saying what is wrong. */
static const void *
choose_variant(struct reader *r, const struct cfg_variants *vs, const json_t *obj)
{
	const json_t *v = json_object_get(obj, vs->key);
	const char *s = json_string_value(v);
	const void *variant = NULL;
	char buf[FOUND_LEN], names[256] = "none is built in";
	size_t old, used = 0;

	while (s != NULL && (variant = vs->next(variant)) != NULL) {
		if (strcmp(vs->name(variant), s) == 0)
			return variant;
	}
	while ((variant = vs->next(variant)) != NULL && used < sizeof(names))
		used += snprintf(names + used, sizeof(names) - used, "%s\"%s\"", used == 0 ? "one of " : ", ",
				 vs->name(variant));
	old = path_push_key(r, vs->key);
	r->failed = true;
	if (v == NULL)
		cfg_error(r->errs, r->path, "missing, must be given: %s", names);
	else
		cfg_error(r->errs, r->path, "found %s, allowed: %s", found(v, buf), names);
	path_pop(r, old);
	return NULL;
}

/* One field of a table: its value, its default, or the news that it is missing
 * or out of place. wants is 1 required, 0 optional, -1 refused. */
static void
read_field(struct reader *r, const struct cfg_field *f, const json_t *obj, char *base, int wants)
{
	const json_t *v = json_object_get(obj, f->key);
	size_t old;

	/* First, so that an object with errors inside still has its defaults. */
	set_default(f, base);
	if (v == NULL) {
		if (wants > 0)
			tell_missing(r, f);
		return;
	}
	old = path_push_key(r, f->key);
	if (wants < 0) {
		r->failed = true;
		cfg_error(r->errs, r->path, "not allowed for this type");
	} else {
		read_value(r, f, v, base);
	}
	path_pop(r, old);
}

static void
read_fields(struct reader *r, const struct cfg_field *table, const struct cfg_variants *vs,
	    const void *variant,
	    const json_t *obj, char *base)
{
	for (const struct cfg_field *f = table; f != NULL && f->key != NULL; f++) {
		int wants = (f->flags & CFG_REQUIRED) != 0;

		if ((f->flags & CFG_BY_VARIANT) != 0)
			wants = variant != NULL ? vs->wants(variant, f->key) : 0;
		read_field(r, f, obj, base, wants);
	}
}

/* The variant's own struct. Without memory the object has no conf, which the
 * error keeps everyone from looking at. */
static char *
make_conf(struct reader *r, const struct cfg_variants *vs, const void *variant, char *base)
{
	char *conf;

	*(const void **)(base + vs->tag_offset) = variant;
	if (vs->size(variant) == 0)
		return NULL;
	conf = calloc(1, vs->size(variant));
	if (conf == NULL) {
		r->failed = true;
		cfg_error(r->errs, r->path, "no memory");
	}
	*(void **)(base + vs->conf_offset) = conf;
	return conf;
}

static void
read_table(struct reader *r, const struct cfg_field *table, const struct cfg_variants *vs, const json_t *obj,
	   char *base)
{
	const void *variant = vs != NULL ? choose_variant(r, vs, obj) : NULL;
	const struct cfg_field *own = variant != NULL ? vs->fields(variant) : NULL;
	char *conf = variant != NULL ? make_conf(r, vs, variant, base) : NULL;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)obj, key, v) {
		bool chooses = vs != NULL && strcmp(key, vs->key) == 0;

		/* Of an unknown type nobody knows the keys. */
		if (!chooses && (vs == NULL || variant != NULL) && field_find(table, key) == NULL &&
		    field_find(own, key) == NULL)
			tell_unknown(r, table, own, key);
	}
	read_fields(r, table, vs, variant, obj, base);
	if (conf != NULL)
		read_fields(r, own, NULL, NULL, obj, conf);
}

int
cfg_read_object(const struct cfg_field *table, const struct cfg_variants *variants, const json_t *obj,
		const char *path, void *base, struct cfg_errors *errs)
{
	struct reader r = { .errs = errs };

	snprintf(r.path, sizeof(r.path), "%s", path);
	r.len = strlen(r.path);
	if (!json_is_object(obj)) {
		char buf[FOUND_LEN];

		cfg_error(errs, path, "found %s, allowed: an object {...}", found(obj, buf));
		return -EINVAL;
	}
	read_table(&r, table, variants, obj, base);
	return r.failed ? -EINVAL : 0;
}
