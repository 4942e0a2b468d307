/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/common/teljson.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_telemetry.h>

/* ---- JSON to telemetry's data ------------------------------------------------------- */
/* Names may have letters, digits, '_' and '/' only. */
static void name_of(const char *key, char *buf, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/";
	size_t n = 0;

	for (; *key != '\0' && n + 1 < size; key++)
		buf[n++] = strchr(allowed, *key) != NULL ? *key : '_';
	buf[n] = '\0';
}

static void add_container(struct rte_tel_data *d, const char *name, struct rte_tel_data *sub, int rc)
{
	if (sub == NULL)
		return;
	if (rc < 0 || rte_tel_data_add_dict_container(d, name, sub, 0) < 0)
		rte_tel_data_free(sub);
}

static int fill_scalars(struct rte_tel_data *d, const json_t *a)
{
	bool numbers = json_is_integer(json_array_get(a, 0));
	const json_t *j;
	size_t i;
	int rc;

	rc = rte_tel_data_start_array(d, numbers ? RTE_TEL_U64_VAL : RTE_TEL_STRING_VAL);
	json_array_foreach(a, i, j) {
		if (rc < 0)
			break;
		if (numbers)
			rc = rte_tel_data_add_array_u64(d, (uint64_t)json_integer_value(j));
		else
			rc = rte_tel_data_add_array_string(d, json_is_string(j) ? json_string_value(j) : "");
	}
	return rc == -ENOSPC || rc == -E2BIG ? 0 : rc;
}

static void add_scalar(struct rte_tel_data *d, const char *name, const json_t *j)
{
	char buf[RTE_TEL_MAX_STRING_LEN];
	json_int_t v;

	switch (json_typeof(j)) {
	case JSON_STRING:
		snprintf(buf, sizeof(buf), "%.*s", (int)sizeof(buf) - 1, json_string_value(j));
		rte_tel_data_add_dict_string(d, name, buf);
		return;
	case JSON_INTEGER:
		v = json_integer_value(j);
		if (v < 0)
			rte_tel_data_add_dict_int(d, name, (int)RTE_MAX(v, (json_int_t)INT32_MIN));
		else
			rte_tel_data_add_dict_u64(d, name, (uint64_t)v);
		return;
	case JSON_REAL:
		snprintf(buf, sizeof(buf), "%.1f", json_real_value(j));
		rte_tel_data_add_dict_string(d, name, buf);
		return;
	default:
		rte_tel_data_add_dict_int(d, name, json_is_true(j));
		return;
	}
}

static int fill_rows(struct rte_tel_data *d, json_t *rows, size_t first)
{
	char name[24];
	json_t *row;
	size_t i;
	int rc;

	rc = rte_tel_data_start_dict(d);
	json_array_foreach(rows, i, row) {
		struct rte_tel_data *sub = rte_tel_data_alloc();

		snprintf(name, sizeof(name), "%zu", first + i);
		add_container(d, name, sub, sub != NULL ? teljson_fill(sub, row, 0) : -ENOMEM);
	}
	return rc;
}

int teljson_fill(struct rte_tel_data *d, json_t *o, size_t first)
{
	char name[RTE_TEL_MAX_STRING_LEN];
	const char *key;
	json_t *j;
	int rc;

	rc = rte_tel_data_start_dict(d);
	json_object_foreach(o, key, j) {
		struct rte_tel_data *sub;

		name_of(key, name, sizeof(name));
		if (!json_is_object(j) && !json_is_array(j)) {
			add_scalar(d, name, j);
			continue;
		}
		sub = rte_tel_data_alloc();
		if (sub == NULL)
			return -ENOMEM;
		if (json_is_object(j))
			add_container(d, name, sub, teljson_fill(sub, j, 0));
		else if (json_is_object(json_array_get(j, 0)))
			add_container(d, name, sub, fill_rows(sub, j, first));
		else
			add_container(d, name, sub, fill_scalars(sub, j));
	}
	return rc;
}

/* ---- pages ------------------------------------------------------------------------------ */
/* Octets telemetry needs for it, about, a row's name included. */
static size_t size_of(const json_t *j)
{
	char *text = json_dumps(j, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	size_t n = text != NULL ? strlen(text) + 16 : TELJSON_PAGE;

	free(text);
	return n;
}

/* The longest table of the answer. */
static json_t *longest(json_t *o)
{
	json_t *j, *best = NULL;
	const char *key;

	json_object_foreach(o, key, j) {
		if (json_is_array(j) && json_is_object(json_array_get(j, 0)) &&
		    (best == NULL || json_array_size(j) > json_array_size(best)))
			best = j;
	}
	return best;
}

void teljson_page(json_t *o, size_t from)
{
	json_t *rows = longest(o), *page = json_array(), *row;
	size_t total, size, n;

	if (rows == NULL || page == NULL) {
		json_decref(page);
		return;
	}
	/* What is not the table, then rows while they fit. */
	total = json_array_size(rows);
	size = size_of(o);
	json_array_foreach(rows, n, row)
		size -= RTE_MIN(size, size_of(row));
	for (n = from; n < total && n - from < RTE_TEL_MAX_DICT_ENTRIES; n++) {
		row = json_array_get(rows, n);
		size += size_of(row);
		if (size > TELJSON_PAGE && n > from)
			break;
		json_array_append(page, row);
	}
	json_array_clear(rows);
	json_array_extend(rows, page);
	json_decref(page);
	if (n < total)
		json_object_set_new(o, "next", json_integer((json_int_t)n));
}
