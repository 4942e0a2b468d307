/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text of a view's JSON. Scalars are lines "key  value" whose values line up;
 * arrays of objects are tables under a line of headings, or blocks; what is
 * nested comes after the scalars, under its key, two columns further in.
 */
#include <inttypes.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/view/view.h"

#define CELL_MAX 256
#define COLUMNS_MAX 24
#define DEPTH_MAX 6

static const struct view_column *column_hint(const struct view *v, const char *key)
{
	for (const struct view_column *c = v->columns; c != NULL && c->key != NULL; c++)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

static void put_text(char *buf, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s != '\0' && n + 1 < size; s++)
		buf[n++] = (*s >= 0x20 && *s < 0x7f) ? *s : '?';
	buf[n] = '\0';
}

static void scalar_text(const json_t *j, char *buf, size_t size)
{
	switch (json_typeof(j)) {
	case JSON_STRING: put_text(buf, size, json_string_value(j)); return;
	case JSON_INTEGER: snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(j)); return;
	case JSON_REAL: snprintf(buf, size, "%.1f", json_real_value(j)); return;
	case JSON_TRUE: snprintf(buf, size, "yes"); return;
	case JSON_FALSE: snprintf(buf, size, "no"); return;
	default: snprintf(buf, size, "-"); return;
	}
}

static bool is_list(const json_t *j)
{
	return json_is_array(j) && json_is_object(json_array_get(j, 0));
}

/* A scalar, or an array of scalars as "a, b"; empty and missing ones as "-". */
static void value_text(const json_t *j, char *buf, size_t size)
{
	size_t at = 0;

	if (j == NULL) {
		buf[0] = '\0';
	} else if (!json_is_array(j)) {
		scalar_text(j, buf, size);
	} else {
		buf[0] = '\0';
		for (size_t i = 0; i < json_array_size(j) && at + 4 < size; i++) {
			if (i > 0)
				at += (size_t)snprintf(buf + at, size - at, ", ");
			scalar_text(json_array_get(j, i), buf + at, size - at);
			at += strlen(buf + at);
		}
	}
	if (buf[0] == '\0')
		snprintf(buf, size, "-");
}

/* A key as people read it: '_' is a blank. */
static void key_text(const struct view *v, const char *key, char *buf, size_t size)
{
	const struct view_column *c = column_hint(v, key);

	put_text(buf, size, c != NULL ? c->heading : key);
	for (char *p = buf; c == NULL && *p != '\0'; p++)
		if (*p == '_')
			*p = ' ';
}

/* ---- tables ----------------------------------------------------------------------- */
struct table {
	unsigned n;
	const char *keys[COLUMNS_MAX];
	int width[COLUMNS_MAX];
	bool right[COLUMNS_MAX];  /* numbers */
};

static void add_column(struct table *t, const struct view *v, const json_t *rows, const char *key)
{
	char cell[CELL_MAX];
	const json_t *j;
	size_t i;

	if (t->n == COLUMNS_MAX)
		return;
	key_text(v, key, cell, sizeof(cell));
	t->keys[t->n] = key;
	t->width[t->n] = (int)strlen(cell);
	t->right[t->n] = false;
	json_array_foreach(rows, i, j) {
		t->right[t->n] |= json_is_number(json_object_get(j, key));
		value_text(json_object_get(j, key), cell, sizeof(cell));
		t->width[t->n] = RTE_MAX(t->width[t->n], (int)strlen(cell));
	}
	t->n++;
}

static bool in_table(const json_t *j)
{
	return !json_is_object(j) && !is_list(j);
}

static bool any_has(const json_t *rows, const char *key)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (json_object_get(row, key) != NULL)
			return true;
	}
	return false;
}

/* The hinted columns that a row has; without any, all scalars of the first. */
static void choose_columns(struct table *t, const struct view *v, const json_t *rows)
{
	json_t *first = json_array_get(rows, 0), *value;
	const char *key;

	t->n = 0;
	for (const struct view_column *c = v->columns; c != NULL && c->key != NULL; c++)
		if (any_has(rows, c->key))
			add_column(t, v, rows, c->key);
	if (t->n > 0)
		return;
	json_object_foreach(first, key, value) {
		if (in_table(value))
			add_column(t, v, rows, key);
	}
}

static void put_cell(const struct table *t, unsigned col, const char *text, FILE *out)
{
	const char *gap = col == 0 ? "" : "  ";

	if (t->right[col])
		fprintf(out, "%s%*s", gap, t->width[col], text);
	else if (col + 1 == t->n)
		fprintf(out, "%s%s", gap, text);
	else
		fprintf(out, "%s%-*s", gap, t->width[col], text);
}

static void render_table(const struct view *v, const json_t *rows, int indent, FILE *out)
{
	char cell[CELL_MAX];
	struct table t;
	const json_t *row;
	size_t i;

	choose_columns(&t, v, rows);
	fprintf(out, "%*s", indent, "");
	for (unsigned c = 0; c < t.n; c++) {
		key_text(v, t.keys[c], cell, sizeof(cell));
		put_cell(&t, c, cell, out);
	}
	fputc('\n', out);
	json_array_foreach(rows, i, row) {
		fprintf(out, "%*s", indent, "");
		for (unsigned c = 0; c < t.n; c++) {
			value_text(json_object_get(row, t.keys[c]), cell, sizeof(cell));
			put_cell(&t, c, cell, out);
		}
		fputc('\n', out);
	}
}

/* ---- objects ------------------------------------------------------------------------ */
static void render_lines(const struct view *v, json_t *o, int indent, FILE *out)
{
	char key[CELL_MAX], value[CELL_MAX];
	const char *k;
	json_t *j;
	int width = 0;

	json_object_foreach(o, k, j) {
		key_text(v, k, key, sizeof(key));
		if (in_table(j))
			width = RTE_MAX(width, (int)strlen(key));
	}
	json_object_foreach(o, k, j) {
		if (!in_table(j))
			continue;
		key_text(v, k, key, sizeof(key));
		value_text(j, value, sizeof(value));
		fprintf(out, "%*s%-*s  %s\n", indent, "", width, key, value);
	}
}

static void render_nested(const struct view *v, json_t *j, int indent, unsigned depth, FILE *out);

static void render_object(const struct view *v, json_t *o, int indent, unsigned depth, FILE *out)
{
	bool alone = depth == 0 && json_object_size(o) == 1;
	char key[CELL_MAX];
	const char *k;
	json_t *j;

	render_lines(v, o, indent, out);
	json_object_foreach(o, k, j) {
		if (in_table(j))
			continue;
		/* A view that is one table needs no title. */
		if (alone) {
			render_nested(v, j, indent, depth + 1, out);
			continue;
		}
		key_text(v, k, key, sizeof(key));
		fprintf(out, "%*s%s:\n", indent, "", key);
		render_nested(v, j, indent + 2, depth + 1, out);
	}
}

static void render_blocks(const struct view *v, json_t *rows, int indent, unsigned depth, FILE *out)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (i > 0)
			fputc('\n', out);
		render_object(v, row, indent, depth, out);
	}
}

static void render_nested(const struct view *v, json_t *j, int indent, unsigned depth, FILE *out)
{
	if (depth > DEPTH_MAX)
		return;
	if (json_is_object(j))
		render_object(v, j, indent, depth, out);
	else if (v->layout == VIEW_BLOCKS && depth == 1)
		render_blocks(v, j, indent, depth, out);
	else
		render_table(v, j, indent, out);
}

void view_render(const struct view *v, json_t *j, FILE *out)
{
	if (json_is_object(j))
		render_object(v, j, 0, 0, out);
}
