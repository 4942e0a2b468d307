/* SPDX-License-Identifier: BSD-3-Clause */
/* All of SMC between two of our stacks. */
#include <errno.h>
#include <string.h>

#include "tests/unit/smc_stacks/fixture.h"

static const struct sim_wire plain = { .delay_us = 100 };

/* Every client's stream came back, or went, complete. */
static void check_ends(unsigned n, bool smc, bool echoed)
{
	unsigned i, k = 0, bad = 0;

	for (i = 0; i < ENDS; i++) {
		const struct end *e = &fx->h[0].ends[i];

		if (!e->used)
			continue;
		k++;
		bad += !e->decided || e->outcome != (smc ? SMC_OUT_SMC : SMC_OUT_TCP) || e->bad != 0 ||
		       e->sent != e->want || (echoed && e->got != e->want) || e->error != 0;
	}
	CU_ASSERT_EQUAL(k, n);
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(smc ? fx->h[0].n_smc : fx->h[0].n_tcp, n);
}

static void echo__one_octet_to_many(void)
{
	static const uint64_t lens[] = { 1, 100, 16383, 16384, 16385, 163840, 3000000 };
	static const uint32_t rings[] = { 16384, 65536, 1 << 20 };
	unsigned k, i, n = 0;

	for (k = 0; k < RTE_DIM(rings); k++) {
		fixture_open(&(struct fixture_conf){
			.wire = plain, .rmb = { rings[k], rings[RTE_DIM(rings) - 1 - k] },
			.service = k % 2 ? ECHO_TAKE : ECHO_COPY });
		for (i = n = 0; i < RTE_DIM(lens); i++) {
			n += client_open(lens[i]) != NULL;
			CU_ASSERT_TRUE(fixture_finish(30000000));
		}
		check_ends(n, true, true);
		CU_ASSERT_EQUAL(smc_stats(fx->h[0].ss)->lgrs_created, 1);
		CU_ASSERT_EQUAL(smc_stats(fx->h[1].ss)->reuses, RTE_DIM(lens) - 1);
		fixture_close();
	}
}

static void echo__many_at_once(void)
{
	unsigned i, n = 0;

	fixture_open(&(struct fixture_conf){ .wire = plain, .service = ECHO_TAKE });
	for (i = 0; i < 100; i++)
		n += client_open(1000 + i * 977) != NULL;
	CU_ASSERT_TRUE(fixture_finish(60000000));
	check_ends(n, true, true);
	fixture_close();
}

static void connect__many_short_ones(void)
{
	unsigned round, n = 0;

	fixture_open(&(struct fixture_conf){ .wire = plain, .service = SINK });
	for (round = 0; round < 600; round++) {
		n += client_open(round % 700) != NULL;
		fixture_run(1000);
	}
	CU_ASSERT_TRUE(fixture_finish(60000000));
	check_ends(n, true, false);
	CU_ASSERT_EQUAL(smc_stats(fx->h[1].ss)->rx.bytes, smc_stats(fx->h[0].ss)->tx.bytes);
	fixture_close();
}

/* TCP loses, repeats and mixes up; CLC does not mind. */
static void connect__bad_wire(void)
{
	const struct sim_wire bad = {
		.delay_us = 500, .loss_ppm = 50000, .dup_ppm = 20000, .reorder_ppm = 50000, .reorder_us = 2000,
	};
	unsigned i, n = 0;

	fixture_open(&(struct fixture_conf){ .wire = bad, .service = ECHO_COPY });
	for (i = 0; i < 60; i++) {
		n += client_open(5000) != NULL;
		fixture_run(20000);
	}
	CU_ASSERT_TRUE(fixture_finish(200000000));
	check_ends(n, true, true);
	fixture_close();
}

static void fallback__data_is_exact(void)
{
	static const struct {
		struct fixture_conf conf;
		uint32_t reason, peer_reason;
	} rows[] = {
		{ { .eid = { "ONE", "OTHER" } }, SMC_RSN_PEERDECL, SMC_RSN_NOSMCDEV },
		{ { .no_device = { false, true } }, SMC_RSN_PEERDECL, SMC_RSN_NOSMCRDEV },
		{ { .no_opt = true }, 0, 0 },
	};
	unsigned i, k;

	for (i = 0; i < RTE_DIM(rows); i++) {
		struct fixture_conf conf = rows[i].conf;

		conf.wire = plain;
		conf.service = ECHO_TAKE;
		fixture_open(&conf);
		for (k = 0; k < 2; k++)
			client_open(200000);
		CU_ASSERT_TRUE(fixture_finish(30000000));
		check_ends(2, false, true);
		CU_ASSERT_EQUAL(fx->h[0].ends[0].reason, rows[i].reason);
		if (fx->h[0].ends[0].peer_reason != rows[i].peer_reason)
			fprintf(stderr, "row %u: %08x\n", i, fx->h[0].ends[0].peer_reason);
		CU_ASSERT_EQUAL(fx->h[0].ends[0].peer_reason, rows[i].peer_reason);
		fixture_close();
	}
}

/* Connections that stay open, with all rings full: nobody reads. */
static void open_for_long(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		client_open(1000000);
	fixture_run(5000000); /* some SYNs had to wait for ARP */
	CU_ASSERT_EQUAL(fx->h[0].n_smc, n);
	CU_ASSERT_EQUAL(fx->h[1].n_smc, n);
}

static void connect__groups_fill_up(void)
{
	unsigned i;

	fixture_open(&(struct fixture_conf){ .wire = plain, .service = HOLD, .max_conns = 40 });
	open_for_long(100);
	CU_ASSERT_EQUAL(smc_stats(fx->h[0].ss)->lgrs, 3);
	fx->h[1].service = SINK;
	for (i = 0; i < 100; i++) /* what is queued goes, then the end */
		end_close(&fx->h[0].ends[i], false);
	fixture_run(1000);
	for (i = 0; i < 100; i++)
		fixture_wake(&fx->h[1].ends[i]);
	CU_ASSERT_TRUE(fixture_finish(30000000));
	for (i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(fx->h[1].ends[i].got, fx->h[0].ends[i].sent);
		CU_ASSERT_EQUAL(fx->h[1].ends[i].bad, 0);
	}
	fixture_close();
}

static unsigned count_errors(unsigned host, int error)
{
	unsigned i, n = 0;

	for (i = 0; i < ENDS; i++)
		n += fx->h[host].ends[i].used && fx->h[host].ends[i].dead && fx->h[host].ends[i].error == error;
	return n;
}

/* The device is pulled under load: all end, both ways; then it goes on with TCP. */
static void device__pulled_under_load(void)
{
	fixture_open(&(struct fixture_conf){ .wire = plain, .service = HOLD });
	open_for_long(20);
	mem_unplug(fx->h[0].rd);
	CU_ASSERT_TRUE(fixture_finish(70000000));
	CU_ASSERT_EQUAL(count_errors(0, ECONNABORTED), 20);
	CU_ASSERT_EQUAL(count_errors(1, ECONNABORTED) + count_errors(1, ECONNRESET), 20);
	fx->h[1].service = ECHO_TAKE;
	client_open(1000);
	CU_ASSERT_TRUE(fixture_finish(30000000));
	CU_ASSERT_EQUAL(fx->h[0].n_tcp, 1);
	fixture_close();
}

static void group__terminated_under_load(void)
{
	struct smc_lgr_info info;
	uint64_t cursor = 0;

	fixture_open(&(struct fixture_conf){ .wire = plain, .service = HOLD });
	open_for_long(20);
	CU_ASSERT_EQUAL(smc_lgr_list(fx->h[1].ss, &cursor, &info, 1), 1);
	CU_ASSERT_EQUAL(info.conns, 20);
	CU_ASSERT_EQUAL(smc_lgr_terminate(fx->h[1].ss, info.id), 0);
	CU_ASSERT_TRUE(fixture_finish(70000000));
	CU_ASSERT_EQUAL(count_errors(1, ECONNABORTED), 20);
	fx->h[1].service = ECHO_TAKE;
	client_open(1000); /* a new group */
	CU_ASSERT_TRUE(fixture_finish(30000000));
	CU_ASSERT_EQUAL(fx->h[0].n_smc, 21);
	fixture_close();
}

/* Users of either side leave at any moment, the handshake included. */
static void leave__at_any_moment(void)
{
	uint64_t seed = 5;
	unsigned round, i;

	fixture_open(&(struct fixture_conf){ .wire = plain, .service = ECHO_TAKE });
	for (round = 0; round < 900; round++) {
		client_open(test_random(&seed) % 60000);
		fixture_run(test_random(&seed) % 900);
		for (i = 0; i < 2; i++) {
			struct end *e = &fx->h[i].ends[test_random(&seed) % ENDS];

			if (e->used)
				end_close(e, test_random(&seed) % 2);
		}
	}
	CU_ASSERT_TRUE(fixture_finish(100000000));
	CU_ASSERT_TRUE(fx->h[0].n_smc > 300);
	fixture_close();
}

/* Both stacks go with everything under way. */
static void destroy__under_load(void)
{
	unsigned i;

	fixture_open(&(struct fixture_conf){ .wire = plain, .service = HOLD });
	open_for_long(10);
	client_open(100);
	fixture_run(250); /* in the middle of its handshake */
	for (i = 0; i < 2; i++) {
		smc_stack_destroy(fx->h[i].ss);
		fx->h[i].ss = NULL;
		rd_close(fx->h[i].rd);
		free(fx->h[i].mem);
	}
	mem_fabric_destroy(fx->fabric);
	sim_destroy(fx->sim);
	CU_ASSERT_EQUAL(sim_buffers_used(), 0);
	free(fx);
	fx = NULL;
}

static const struct test_case cases[] = {
	TEST_CASE(echo__one_octet_to_many),
	TEST_CASE(echo__many_at_once),
	TEST_CASE(connect__groups_fill_up),
	TEST_CASE(connect__many_short_ones),
	TEST_CASE(connect__bad_wire),
	TEST_CASE(fallback__data_is_exact),
	TEST_CASE(device__pulled_under_load),
	TEST_CASE(group__terminated_under_load),
	TEST_CASE(leave__at_any_moment),
	TEST_CASE(destroy__under_load),
};
TEST_MAIN("smc_stacks", cases)
