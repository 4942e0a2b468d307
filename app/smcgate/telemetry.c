/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The views under /smcgate/ in DPDK's telemetry: `show port stats N` is
 * /smcgate/port/stats,N. Callbacks come on threads of telemetry's, several at
 * once; a lock lets one build at a time, and keeps telemetry_stop() from
 * returning while one does.
 *
 * Telemetry of DPDK 22.11 knows no arrays of objects, no real numbers and no
 * booleans, cuts what it sends at 16 KiB and what it keeps at 256 keys an
 * object. So a table is an object of rows named by their numbers, reals are
 * strings as the console shows them, booleans 0 and 1, and what is too long is
 * paged: "next" in an answer says what to add as ",from=N" to get the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_telemetry.h>

#include "app/smcgate/telemetry.h"
#include "app/smcgate/view/view.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct view_ctx ctx; /* pl NULL: the console does not run */
static struct view_lcore_last last[CONFIG_MAX_LCORES];
static bool registered;

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
		add_container(d, name, sub, sub != NULL ? telemetry_fill(sub, row, 0) : -ENOMEM);
	}
	return rc;
}

int telemetry_fill(struct rte_tel_data *d, json_t *o, size_t first)
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
			add_container(d, name, sub, telemetry_fill(sub, j, 0));
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
	size_t n = text != NULL ? strlen(text) + 16 : TELEMETRY_PAGE;

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

void telemetry_page(json_t *o, size_t from)
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
		if (size > TELEMETRY_PAGE && n > from)
			break;
		json_array_append(page, row);
	}
	json_array_clear(rows);
	json_array_extend(rows, page);
	json_decref(page);
	if (n < total)
		view_set_u64(o, "next", n);
}

/* ---- requests ------------------------------------------------------------------------------- */
#define PARAMS_MAX 1024

struct request {
	char text[PARAMS_MAX];
	const char *argv[VIEW_ARGS_MAX + 1];
	unsigned argc;
	size_t from;
};

/* Cut "from=N" off the end. */
static int take_from(struct request *r, struct view_error *err)
{
	char *comma = strrchr(r->text, ','), *word = comma != NULL ? comma + 1 : r->text;
	uint64_t v;
	int rc;

	if (strncmp(word, "from=", 5) != 0)
		return 0;
	rc = view_number(word + 5, "from", 0, UINT32_MAX, &v, err);
	r->from = (size_t)v;
	*(comma != NULL ? comma : word) = '\0';
	return rc;
}

/* Arguments are apart by commas; one that is the rest of the line has them inside. */
static int split(const struct view *v, const char *params, struct request *r, struct view_error *err)
{
	char *save = NULL;
	int rc;

	memset(r, 0, sizeof(*r));
	if (params == NULL)
		return 0;
	if ((size_t)snprintf(r->text, sizeof(r->text), "%s", params) >= sizeof(r->text))
		return view_fail(err, -E2BIG, "the arguments are longer than %d", PARAMS_MAX - 1);
	rc = take_from(r, err);
	if (rc < 0)
		return rc;
	if (v->args[0].kind == VIEW_ARG_REST) {
		if (r->text[0] != '\0')
			r->argv[r->argc++] = r->text;
		return 0;
	}
	for (char *w = strtok_r(r->text, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		if (r->argc <= VIEW_ARGS_MAX)
			r->argv[r->argc++] = w;
	return 0;
}

/* "port/stats" is the view "port stats". */
static const struct view *view_of(const char *cmd)
{
	char words[64];

	snprintf(words, sizeof(words), "%s", cmd);
	for (char *p = words; *p != '\0'; p++)
		if (*p == '/')
			*p = ' ';
	return view_find(words);
}

static int build(const struct view *v, const char *params, json_t **out, struct view_error *err)
{
	struct request r;
	int rc;

	if (v == NULL)
		return view_fail(err, -ENOENT, "there is no such view");
	if (ctx.pl == NULL)
		return view_fail(err, -ESHUTDOWN, "the program begins or ends");
	rc = split(v, params, &r, err);
	if (rc == 0)
		rc = view_build(v, &ctx, r.argc, r.argv, out, err);
	if (rc == 0)
		telemetry_page(*out, r.from);
	return rc == 0 ? (int)RTE_MIN(r.from, (size_t)INT32_MAX) : rc;
}

/* A fault is an answer too: {"error": "..."}. */
int telemetry_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct view_error err = { "" };
	json_t *j = NULL;
	int rc;

	pthread_mutex_lock(&lock);
	rc = build(view_of(cmd), params, &j, &err);
	if (rc < 0)
		j = json_pack("{s:s}", "error", err.text[0] != '\0' ? err.text : strerror(-rc));
	rc = j != NULL ? telemetry_fill(d, j, (size_t)RTE_MAX(rc, 0)) : -ENOMEM;
	json_decref(j);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int on_request(const char *cmd, const char *params, struct rte_tel_data *d)
{
	return telemetry_answer(cmd + strlen(TELEMETRY_PREFIX), params, d);
}

static int register_all(void)
{
	char path[64], help[RTE_TEL_MAX_STRING_LEN];
	const struct view *v;
	int rc = 0;

	for (unsigned n = 0; (v = view_at(n)) != NULL && rc == 0; n++) {
		snprintf(path, sizeof(path), TELEMETRY_PREFIX "%s", v->words);
		for (char *p = path; *p != '\0'; p++)
			if (*p == ' ')
				*p = '/';
		snprintf(help, sizeof(help), "%s", v->help);
		rc = rte_telemetry_register_cmd(path, on_request, help);
	}
	return rc;
}

int telemetry_start(struct pipeline *pl, const struct capture *capture)
{
	int rc = 0;

	pthread_mutex_lock(&lock);
	ctx = (struct view_ctx){ .pl = pl, .capture = capture, .last = last };
	memset(last, 0, sizeof(last));
	pthread_mutex_unlock(&lock);
	if (!registered)
		rc = register_all();
	registered = true;
	if (rc < 0)
		telemetry_stop();
	return rc;
}

void telemetry_stop(void)
{
	pthread_mutex_lock(&lock);
	ctx.pl = NULL;
	pthread_mutex_unlock(&lock);
}
