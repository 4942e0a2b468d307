/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/tcp_conn/fixture.h"

static struct fixture fx;

static uint16_t lport(const struct tcp_conn *c)
{
	struct tcp_info info;

	tcp_get_info(c, &info);
	return rte_be_to_cpu_16(info.flow.lport);
}

/* Scenario 146: whatever lcore opens a connection gets its replies. */
static void tcp_connect__replies_come_home(void)
{
	struct tcp_conn *c;

	fx_init(&fx);
	fx.client_conf.n_lcores = 4;
	fx_start(&fx);
	for (unsigned i = 0; i < 1000; i++) {
		struct tcp_info info;

		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, i % 4, &c), 0);
		tcp_get_info(c, &info);
		CU_ASSERT_EQUAL(sim_owner(fx.client, &info.flow), i % 4);
		CU_ASSERT(lport(c) >= fx.client_conf.tcp.port_min && lport(c) <= fx.client_conf.tcp.port_max);
	}
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(fx.n_connected, 1000);
	CU_ASSERT_EQUAL(fx.n_accepted, 1000);
	fx_end(&fx);
}

/* Pitfall 51 and scenario 147: every port once, then an error after a bounded
 * search, then again once one is free. */
static void tcp_connect__ports_run_out(void)
{
	struct tcp_conn *c, *first = NULL;
	bool seen[64] = { false };
	uint64_t steps;

	fx_init(&fx);
	fx.client_conf.tcp.port_min = 20000;
	fx.client_conf.tcp.port_max = 20063;
	fx_start(&fx);
	for (unsigned i = 0; i < 64; i++) {
		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &c), 0);
		CU_ASSERT_FATAL(!seen[lport(c) - 20000]);
		seen[lport(c) - 20000] = true;
		first = i == 0 ? c : first;
	}
	CU_ASSERT_EQUAL(fx_connect(&fx, 0, &c), -EADDRNOTAVAIL);
	CU_ASSERT_EQUAL(tcp_stats(fx_tcp(&fx))->port_exhausted, 1);
	steps = tcp_stats(fx_tcp(&fx))->port_search_steps;
	CU_ASSERT_EQUAL(fx_connect(&fx, 0, &c), -EADDRNOTAVAIL); /* known, not searched for again at once */
	CU_ASSERT_EQUAL(tcp_stats(fx_tcp(&fx))->port_search_steps, steps);
	fx_run(&fx, TCP_MS_US);
	tcp_abort(first);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(fx_connect(&fx, 0, &c), 0);
	fx_end(&fx);
}

/* Scenario 147, 6.6: a tuple in TIME-WAIT after a second, with a higher ISS. */
static void tcp_connect__reuses_time_wait(void)
{
	struct tcp_conn *c;
	uint32_t before;

	fx_init(&fx);
	fx.client_conf.tcp.port_min = fx.client_conf.tcp.port_max = 20000;
	fx_start(&fx);
	CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &c), 0);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL_FATAL(fx.n_connected, 1);
	before = c->iss;
	tcp_close(c);
	fx_run(&fx, TCP_MS_US);
	tcp_close(fx.accepted[0]);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL(tcp_stats(fx_tcp(&fx))->time_wait, 1);
	CU_ASSERT_EQUAL(fx_connect(&fx, 0, &c), -EADDRNOTAVAIL); /* too early */
	fx_run(&fx, TCP_S_US);
	CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &c), 0);
	CU_ASSERT(seq_gt(c->iss, before + 65536));
	CU_ASSERT_EQUAL(tcp_stats(fx_tcp(&fx))->tw_reused, 1);
	CU_ASSERT_EQUAL(tcp_stats(fx_tcp(&fx))->time_wait, 0);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL(fx.n_connected, 2);
	fx_end(&fx);
}

static void tcp_connect__refuses(void)
{
	static const struct {
		uint32_t raddr, laddr;
		uint16_t rport;
		int rc;
	} rows[] = {
		{ 0x0a000001, 0, 0, -EINVAL }, { 0, 0, 80, -EINVAL }, { 0xffffffff, 0, 80, -EINVAL },
		{ 0xe0000001, 0, 80, -EINVAL }, { 0x0a0000ff, 0, 80, -EINVAL }, { 0x7f000001, 0, 80, -EINVAL },
		{ 0x0a000002, 0, 80, -EHOSTUNREACH }, { 0x0a000001, 0x0a000077, 80, -EADDRNOTAVAIL },
	};

	fx_init(&fx);
	fx_start(&fx);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_connect_args args = { .raddr = sim_addr(rows[i].raddr),
						 .rport = rte_cpu_to_be_16(rows[i].rport) };
		struct tcp_conn *c;
		int rc;

		if (rows[i].laddr != 0)
			args.laddr = sim_addr(rows[i].laddr);
		rc = tcp_connect(fx_tcp(&fx), &args, &c);
		if (rc != rows[i].rc)
			printf("row %u: %d\n", i, rc);
		CU_ASSERT_EQUAL(rc, rows[i].rc);
	}
	CU_ASSERT_EQUAL(tcp_objects(fx_tcp(&fx)), 0);
	fx_end(&fx);
}

static void tcp_connect__own_port_twice(void)
{
	struct tcp_connect_args args = { .raddr = sim_addr(0x0a000001), .rport = FX_PORT, .lport = RTE_BE16(3000) };
	struct tcp_conn *c, *d;

	fx_init(&fx);
	fx_start(&fx);
	CU_ASSERT_EQUAL(tcp_connect(fx_tcp(&fx), &args, &c), 0);
	CU_ASSERT_EQUAL(tcp_connect(fx_tcp(&fx), &args, &d), -EADDRINUSE);
	args.rport = RTE_BE16(81);
	CU_ASSERT_EQUAL(tcp_connect(fx_tcp(&fx), &args, &d), 0);
	fx_end(&fx);
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_connect__replies_come_home),
	TEST_CASE(tcp_connect__ports_run_out),
	TEST_CASE(tcp_connect__reuses_time_wait),
	TEST_CASE(tcp_connect__refuses),
	TEST_CASE(tcp_connect__own_port_twice),
};
TEST_MAIN("tcp_port", cases)
