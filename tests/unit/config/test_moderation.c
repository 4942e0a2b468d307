/* SPDX-License-Identifier: BSD-3-Clause */
/* Moderation of a port: what is made where nothing is said, and what contradicts itself. */
#include <string.h>

#include <rte_common.h>

#include "tests/unit/config/expect.h"
#include "tests/unit/test.h"

#define PORT(moderation) "'ports':[{'name':'a','device':'d','rx_queues':2,'moderation':{" moderation "}}]"
#define P(sleep, spin, usecs) "{'sleep_us':" #sleep ",'spin':" #spin ",'usecs':" #usecs "}"

static void
moderation__contradictions(void)
{
	static const struct expectation table[] = {
		{ "{" PORT("") "}", { NULL } },
		{ "{" PORT("'mode':'static','profile':4,'max_latency_us':300") "}", { NULL } },
		{ "{" PORT("'profile':5") "}",
		  { "$.ports[0].moderation.profile: found 5, allowed: 0 to 4, the profiles there are" } },
		{ "{" PORT("'profiles':[" P(1, 64, 1) "," P(2, 64, 2) "],'profile':2") "}",
		  { "$.ports[0].moderation.profile: found 2, allowed: 0 to 1, the profiles there are" } },
		{ "{" PORT("'max_latency_us':50,'profiles':[" P(1, 64, 51) "," P(51, 64, 51) "]") "}",
		  { "$.ports[0].moderation.profiles[0].usecs: found 51, allowed: at most the max_latency_us of the port, "
		    "50",
		    "$.ports[0].moderation.profiles[1].sleep_us: found 51, allowed: at most the max_latency_us of the "
		    "port, 50",
		    "$.ports[0].moderation.profiles[1].usecs: found 51, allowed: at most the max_latency_us of the port, "
		    "50" } },
		{ "{" PORT("'profiles':[" P(1, 64, 8) "," P(1, 64, 8) "]") "}",
		  { "$.ports[0].moderation.profiles[1]: less latency than the one before, or the same: profiles go up "
		    "in sleep_us and usecs, down in spin" } },
		{ "{" PORT("'profiles':[" P(5, 64, 8) "," P(4, 64, 9) "," P(5, 65, 9) "," P(6, 65, 8) "]") "}",
		  { "$.ports[0].moderation.profiles[1]: less latency than the one before, or the same: profiles go up "
		    "in sleep_us and usecs, down in spin",
		    "$.ports[0].moderation.profiles[2]: less latency than the one before, or the same: profiles go up "
		    "in sleep_us and usecs, down in spin",
		    "$.ports[0].moderation.profiles[3]: less latency than the one before, or the same: profiles go up "
		    "in sleep_us and usecs, down in spin" } },
		{ "{" PORT("'queues':[{'queue':1},{'queue':2},{'queue':1,'profile':7}]") "}",
		  { "$.ports[0].moderation.queues[1].queue: found 2, allowed: 0 to 1, of the rx_queues of $.ports[0]",
		    "$.ports[0].moderation.queues[2].queue: found 1, given twice",
		    "$.ports[0].moderation.queues[2].profile: found 7, allowed: 0 to 4, the profiles there are" } },
		{ "{" PORT("") ",'idle':{'enabled':false}}", { NULL } },
		{ "{" PORT("'mode':'busy-poll'") ",'idle':{'enabled':false}}", { NULL } },
		{ "{" PORT("'mode':'static','queues':[{'queue':0,'mode':'adaptive'}]") ",'idle':{'enabled':false}}",
		  { "$.ports[0].moderation.mode: found \"static\", which sleeps, but $.idle.enabled is false: remove "
		    "one of them",
		    "$.ports[0].moderation.queues[0].mode: found \"adaptive\", which sleeps, but $.idle.enabled is "
		    "false: remove one of them" } },
	};

	expect_all(table, RTE_DIM(table));
}

/* Nothing said: the second profile is what an lcore did before there was moderation. */
static void
moderation__made_from_idle(void)
{
	struct config *cfg = parse_quoted("{" PORT("") "}");
	const struct config_moderation *m = &cfg->ports[0].moderation;

	CU_ASSERT_EQUAL(m->mode, CONFIG_ADAPTIVE);
	CU_ASSERT_EQUAL(m->profile, 1);
	CU_ASSERT(m->max_latency_us == CONFIG_UNSET && m->most_us == 1000);
	CU_ASSERT_EQUAL_FATAL(m->n_profiles, 5);
	CU_ASSERT_EQUAL(m->profiles[1].sleep_us, 20);
	CU_ASSERT_EQUAL(m->profiles[1].spin, 16);
	CU_ASSERT_EQUAL(m->profiles[1].usecs, 8);
	CU_ASSERT_EQUAL(m->profiles[4].sleep_us, 200);
	CU_ASSERT_EQUAL(m->profiles[4].usecs, 256);
	config_free(cfg);
	cfg = parse_quoted("{" PORT("") ",'idle':{'spin_turns':2,'min_sleep_us':200,'max_sleep_us':500}}");
	m = &cfg->ports[0].moderation;
	CU_ASSERT(m->max_latency_us == CONFIG_UNSET && m->most_us == 500);
	CU_ASSERT_EQUAL(m->profiles[0].sleep_us, 50);
	CU_ASSERT_EQUAL(m->profiles[1].sleep_us, 200);
	CU_ASSERT_EQUAL(m->profiles[1].spin, 2);
	CU_ASSERT_EQUAL(m->profiles[m->n_profiles - 1].sleep_us, 500);
	CU_ASSERT_EQUAL(m->profiles[m->n_profiles - 1].spin, 1);
	for (unsigned i = 1; i < m->n_profiles; i++)
		CU_ASSERT(m->profiles[i].sleep_us >= m->profiles[i - 1].sleep_us &&
			  m->profiles[i].usecs >= m->profiles[i - 1].usecs);
	config_free(cfg);
	/* A bound that leaves one: nothing to adapt, and nothing beyond it. */
	cfg = parse_quoted("{" PORT("'max_latency_us':1,'profile':3") "}");
	m = &cfg->ports[0].moderation;
	CU_ASSERT_EQUAL(m->n_profiles, 1);
	CU_ASSERT_EQUAL(config_moderated(&cfg->ports[0], 0).profile, 0);
	config_free(cfg);
	cfg = parse_quoted("{" PORT("") ",'idle':{'enabled':false}}");
	CU_ASSERT_EQUAL(cfg->ports[0].moderation.mode, CONFIG_BUSY_POLL);
	config_free(cfg);
}

static void
config_moderated__queues(void)
{
	struct config *cfg = parse_quoted("{" PORT("'mode':'static','profile':2,'max_latency_us':700,"
						   "'queues':[{'queue':1,'mode':'adaptive','max_latency_us':90}]") "}");
	struct config_moderated_queue q = config_moderated(&cfg->ports[0], 0);

	CU_ASSERT(q.queue == 0 && q.mode == CONFIG_STATIC && q.profile == 2 && q.max_latency_us == 700);
	q = config_moderated(&cfg->ports[0], 1);
	CU_ASSERT(q.queue == 1 && q.mode == CONFIG_ADAPTIVE && q.profile == 2 && q.max_latency_us == 90);
	CU_ASSERT_EQUAL(cfg->ports[0].moderation.most_us, 700);
	config_free(cfg);
	cfg = parse_quoted("{" PORT("'queues':[{'queue':1,'max_latency_us':90}]") "}");
	CU_ASSERT_EQUAL(config_moderated(&cfg->ports[0], 0).max_latency_us, CONFIG_UNSET);
	CU_ASSERT_EQUAL(config_moderated(&cfg->ports[0], 1).max_latency_us, 90);
	config_free(cfg);
}

static const struct test_case cases[] = {
	TEST_CASE(moderation__contradictions),
	TEST_CASE(moderation__made_from_idle),
	TEST_CASE(config_moderated__queues),
};
TEST_MAIN("config_moderation", cases)
