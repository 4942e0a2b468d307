/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues to lcores, and services that are added one by one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/config/expect.h"
#include "tests/unit/test.h"

#define PORTS \
	"'ports':[{'name':'a','device':'d0','rx_queues':3,'addresses':['10.0.0.2/24']}," \
	"{'name':'b','device':'d1','rx_queues':2}]"

static const unsigned workers[] = { 1, 2, 5 };

/* "1: a0 b1; 2: ..." */
static void
print_deal(const struct config *c, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned l = 0; l < c->n_lcores; l++) {
		n += snprintf(buf + n, size - n, "%s%u:", l != 0 ? "; " : "", c->lcores[l].lcore);
		for (unsigned i = 0; i < c->lcores[l].n_queues; i++) {
			const struct config_queue *q = &c->lcores[l].queues[i];

			CU_ASSERT_STRING_EQUAL(q->port, c->ports[q->port_index].name);
			n += snprintf(buf + n, size - n, " %s%u", q->port, q->queue);
		}
	}
}

static void
deal__round_robin(void)
{
	static const struct {
		unsigned workers;
		const char *want;
	} table[] = {
		{ 1, "1: a0 a1 a2 b0 b1" },
		{ 2, "1: a0 a2 b1; 2: a1 b0" },
		{ 3, "1: a0 b0; 2: a1 b1; 5: a2" },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct config *c = parse_quoted("{" PORTS "}");
		struct cfg_errors errs = { 0 };
		char got[128];

		CU_ASSERT_EQUAL(config_deal_queues(c, workers, table[i].workers, &errs), 0);
		print_deal(c, got, sizeof(got));
		CU_ASSERT_STRING_EQUAL(got, table[i].want);
		cfg_errors_free(&errs);
		config_free(c);
	}
}

static void
expect_deal_error(const char *json, unsigned n_workers, const char *line)
{
	struct config *c = parse_quoted(json);
	struct cfg_errors errs = { 0 };

	CU_ASSERT_EQUAL(config_deal_queues(c, workers, n_workers, &errs), line == NULL ? 0 : -EINVAL);
	CU_ASSERT_EQUAL(errs.n, line != NULL);
	if (line != NULL && errs.n == 1)
		CU_ASSERT_STRING_EQUAL(errs.lines[0], line);
	cfg_errors_free(&errs);
	config_free(c);
}

static void
deal__errors(void)
{
#define ONE "{'ports':[{'name':'p','device':'d'}],'lcores':[{'lcore':2,'queues':[{'port':'p'}]}"
	expect_deal_error(ONE ",{'lcore':5}]}", 3, NULL);
	expect_deal_error(ONE ",{'lcore':3}]}", 3,
			  "$.lcores[1].lcore: found 3, allowed: 1 2 5, EAL's worker lcores (its option -l; "
			  "the first it has is no worker)");
	expect_deal_error("{" PORTS "}", 0,
			  "$.lcores: there is no worker lcore: give EAL at least two, as in -l 0,1");
	expect_deal_error("{" PORTS ",'memory':{'rx_buffers':2559}}", 1,
			  "$.memory.rx_buffers: found 2559, allowed: at least 2560, the descriptors of lcore "
			  "1's "
			  "queues");
	expect_deal_error("{" PORTS ",'memory':{'rx_buffers':2560}}", 1, NULL);
}

static void
expect_service(const struct config *c, const char *text, const char *line)
{
	struct config_service *svc;
	struct cfg_errors errs = { 0 };
	char *json = quoted(text);

	CU_ASSERT_EQUAL(config_parse_service(c, json, strlen(json), &svc, &errs), line == NULL ? 0 : -EINVAL);
	CU_ASSERT_EQUAL(svc != NULL, line == NULL);
	CU_ASSERT_EQUAL(errs.n, line != NULL);
	if (line != NULL && errs.n == 1)
		CU_ASSERT_STRING_EQUAL(errs.lines[0], line);
	config_service_free(svc);
	cfg_errors_free(&errs);
	free(json);
}

static void
service__alone(void)
{
	struct config *c = parse_quoted("{" PORTS ",'services':[{'name':'s','type':'dummy','size':1,"
					"'listen':'10.0.0.2:80'}]}");

	expect_service(c, "{'name':'t','type':'dummy','size':1,'listen':'10.0.0.2:81'}", NULL);
	/* The file's has been removed, perhaps: it may come back. */
	expect_service(c, "{'name':'s','type':'dummy','size':1,'listen':'10.0.0.2:80'}", NULL);
	expect_service(c, "{'name':'t','type':'dummy','size':1,'listen':'10.0.0.3:80'}",
		       "$.listen: found \"10.0.0.3:80\", allowed: an address that a port has, or 0.0.0.0");
	expect_service(c, "{'name':'t'}", "$.type: missing, must be given: one of \"client\", \"dummy\"");
	expect_service(c, "{'name'}", "service:1:8: ':' expected near '}'");
	expect_service(c, "7", "$: found 7, allowed: an object {...}");
	config_free(c);
}

static const struct test_case cases[] = {
	TEST_CASE(deal__round_robin), TEST_CASE(deal__errors), TEST_CASE(service__alone),
};
TEST_MAIN("config_deal", cases)
