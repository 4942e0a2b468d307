/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SMC from socket to socket: two hosts of ours, first contact, reuse, data,
 * every way to end, and every way back to TCP; over memory and over RoCE on a bad
 * wire. Nothing may be left behind.
 */
#include <stdio.h>

#include "tests/unit/smc_pair/pair.h"
#include "tests/unit/test.h"

#define SECOND 1000000ull

static struct pair pair;

static void stop_well(void)
{
	pair_stop(&pair);
	CU_ASSERT_STRING_EQUAL(pair.failure, "");
	if (pair.failure[0] != '\0')
		printf("%s\n", pair.failure);
}

static void check_client(const struct pair_conn *c, uint16_t transport)
{
	CU_ASSERT_TRUE(c->connected);
	CU_ASSERT_EQUAL(c->transport, transport);
	CU_ASSERT_EQUAL(c->got, c->total);
	CU_ASSERT_EQUAL(c->error, 0);
}

static void echo__first_contact_and_reuse(void)
{
	static const uint64_t sizes[] = { 1, 16383, 16384, 16385, 65536, 65537, 1000000 };

	for (unsigned roce = 0; roce < 2; roce++) {
		struct pair_conf conf;

		pair_defaults(&conf);
		conf.roce = roce;
		pair_start(&pair, &conf);
		for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
			struct pair_conn *c = pair_connect(&pair, SOCK_SMC, sizes[i], PAIR_CLOSE);

			CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
			check_client(c, SOCK_SMC);
			CU_ASSERT_EQUAL(pair.conns[PAIR_MAX + i].transport, SOCK_SMC);
		}
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(pair_stats(&pair, i)->first_contacts, 1);
			CU_ASSERT_EQUAL(pair_stats(&pair, i)->reuses, RTE_DIM(sizes) - 1);
			CU_ASSERT_EQUAL(pair_stats(&pair, i)->tcp_data_in_smc, 0);
		}
		stop_well();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(echo__first_contact_and_reuse),
};

int main(int argc, char **argv)
{
	test_eal_init();
	return test_run("smc-pair", cases, RTE_DIM(cases), argc > 1 ? argv[1] : NULL);
}
