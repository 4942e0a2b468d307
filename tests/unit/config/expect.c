/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/expect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"

char *
quoted(const char *json)
{
	char *s = strdup(json);

	for (char *p = s; p != NULL && *p != '\0'; p++) {
		if (*p == '\'')
			*p = '"';
	}
	return s;
}

static void
expect_one(const struct expectation *x)
{
	struct cfg_errors errs = { 0 };
	struct config *cfg;
	char *json = quoted(x->json);
	unsigned n = 0;
	bool same;
	int rc = config_parse_buffer(json, strlen(json), &cfg, &errs);

	while (n < RTE_DIM(x->lines) && x->lines[n] != NULL)
		n++;
	same = errs.n == n;
	for (unsigned i = 0; same && i < n; i++)
		same = strcmp(errs.lines[i], x->lines[i]) == 0;
	CU_ASSERT_TRUE(same);
	if (!same) {
		printf("\n  %s\n  said:\n", x->json);
		cfg_errors_print(&errs, "smcgate", stdout);
	}
	CU_ASSERT_EQUAL(rc, n == 0 ? 0 : -EINVAL);
	CU_ASSERT_EQUAL(cfg != NULL, n == 0);
	config_free(cfg);
	cfg_errors_free(&errs);
	free(json);
}

void
expect_all(const struct expectation *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_one(&table[i]);
}

struct config *
parse_quoted(const char *text)
{
	struct cfg_errors errs = { 0 };
	struct config *cfg;
	char *json = quoted(text);

	config_parse_buffer(json, strlen(json), &cfg, &errs);
	CU_ASSERT_PTR_NOT_NULL(cfg);
	cfg_errors_print(&errs, "smcgate", stdout);
	cfg_errors_free(&errs);
	free(json);
	return cfg;
}
