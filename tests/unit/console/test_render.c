/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of JSON, exactly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/view/view.h"
#include "tests/unit/test.h"

static const struct view_column columns[] = { { "b", "Bee" }, { "a", "a" }, { NULL, NULL } };

struct golden {
	const char *json, *text;
	enum view_layout layout;
	const struct view_column *columns;
};

static const struct golden goldens[] = {
	{ "{}", "", VIEW_TABLE, NULL },
	{ "{\"rx_packets\": 12, \"up\": true, \"off\": false, \"x\": \"\", \"part\": 12.34, \"n\": null}",
	  "rx packets  12\nup          yes\noff         no\nx           -\npart        12.3\nn           -\n",
		  VIEW_TABLE,
	  NULL },
	{ "{\"a\": [1, 2], \"b\": [\"x\", \"y\"], \"c\": []}", "a  1, 2\nb  x, y\nc  -\n", VIEW_BLOCKS,
	  NULL },
	/* one table: no title; numbers to the right, text to the left, no blanks at the end */
	{ "{\"rows\": [{\"n\": 5, \"name\": \"abc\"}, {\"n\": 1234, \"name\": \"d\"}]}",
	  "   n  name\n   5  abc\n1234  d\n", VIEW_TABLE, NULL },
	/* chosen columns in their order, with their headings; what is nested is not a column */
	{ "{\"rows\": [{\"a\": 1, \"b\": \"x\", \"c\": 3, \"d\": {\"e\": 1}}]}", "Bee  a\nx    1\n",
	  VIEW_TABLE, columns },
	{ "{\"rows\": [{\"a\": 1, \"d\": {\"e\": 1}}]}", "a\n1\n", VIEW_TABLE, NULL },
	/* a key that later rows lack */
	{ "{\"rows\": [{\"k\": \"x\", \"v\": 1}, {\"k\": \"y\"}]}", "k  v\nx  1\ny  -\n", VIEW_TABLE, NULL },
	/* scalars first, then tables under their titles */
	{ "{\"rows\": [{\"k\": 1}], \"in_all\": 7}", "in all  7\nrows:\n  k\n  1\n", VIEW_TABLE, NULL },
	{ "{\"ports\": [{\"port\": 0, \"up\": true}, {\"port\": 1, \"up\": false}]}",
	  "port  0\nup    yes\n\nport  1\nup    no\n", VIEW_BLOCKS, NULL },
	{ "{\"tcp\": {\"opens\": 1, \"closes\": 22}, \"sockets\": {\"open\": 3}}",
	  "tcp:\n  opens   1\n  closes  22\nsockets:\n  open  3\n", VIEW_BLOCKS, NULL },
	/* nothing unprintable gets out */
	{ "{\"x\": \"a\\u001b[31m\\u00e4\\n\"}", "x  a?[31m???\n", VIEW_TABLE, NULL },
};

static void render__golden(void)
{
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct view v = { .words = "test", .layout = goldens[i].layout,
				  .columns = goldens[i].columns };
		json_t *j = json_loads(goldens[i].json, 0, NULL);
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		CU_ASSERT_PTR_NOT_NULL_FATAL(j);
		view_render(&v, j, out);
		fclose(out);
		if (strcmp(text, goldens[i].text) != 0)
			printf("\n%s\nis\n%s\nnot\n%s\n", goldens[i].json, text, goldens[i].text);
		CU_ASSERT_STRING_EQUAL(text, goldens[i].text);
		free(text);
		json_decref(j);
	}
}

/* A cell longer than any screen is cut, a table wider than any too. */
static void render__bounds(void)
{
	struct view v = { .words = "test", .layout = VIEW_TABLE };
	json_t *row = json_object(), *j;
	char big[2000], key[16], *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	view_set_str(row, "big", big);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		view_set_u64(row, key, i);
	}
	j = json_pack("{s:[o]}", "rows", row);
	view_render(&v, j, out);
	fclose(out);
	CU_ASSERT(len > 100 && len < 1024);
	free(text);
	json_decref(j);
}

/* What views promise about themselves: telemetry and the parser rely on it. */
static void views__well_formed(void)
{
	const struct view *v;
	unsigned n;

	for (n = 0; (v = view_at(n)) != NULL; n++) {
		CU_ASSERT(strlen(v->words) < 48);
		CU_ASSERT(strlen(v->help) < 128);
		CU_ASSERT_EQUAL(strspn(v->words, "abcdefghijklmnopqrstuvwxyz_ "), strlen(v->words));
		CU_ASSERT_PTR_EQUAL(view_find(v->words), v);
		CU_ASSERT_PTR_NOT_NULL(v->build);
		for (unsigned a = 0; a < VIEW_ARGS_MAX; a++)
			if (v->args[a].kind == VIEW_ARG_REST)
				CU_ASSERT(a + 1 == VIEW_ARGS_MAX || v->args[a + 1].kind == VIEW_ARG_NONE);
	}
	CU_ASSERT(n >= 20);
}

static void number__bounds(void)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t v;
	} t[] = {
		{ "3", 0, 3 }, { "10", 0, 10 }, { "03", 0, 3 }, { "2", -22, 0 }, { "11", -22, 0 },
			{ "", -22, 0 },
		{ "+5", -22, 0 }, { "-5", -22, 0 }, { " 5", -22, 0 }, { "5x", -22, 0 }, { "0x5", -22, 0 },
		{ "99999999999999999999999", -22, 0 },
	};
	struct view_error err;
	uint64_t v;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CU_ASSERT_EQUAL(view_number(t[i].text, "it", 3, 10, &v, &err), t[i].rc);
		if (t[i].rc == 0) {
			CU_ASSERT_EQUAL(v, t[i].v);
		} else {
			CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "allowed 3..10"));
		}
	}
}

static const struct test_case cases[] = {
	TEST_CASE(render__golden),
	TEST_CASE(render__bounds),
	TEST_CASE(views__well_formed),
	TEST_CASE(number__bounds),
};
TEST_MAIN("console_render", cases)
