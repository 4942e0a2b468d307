/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths kept for segments without a connection: what they pin, and when not. */
#include "proto/net/net_impl.h"
#include "tests/unit/tcp_conn/fixture.h"

static struct fixture fx;

static uint32_t pins(uint32_t host_order)
{
	struct net_addr a = sim_addr(host_order);
	const struct neigh *n = neigh_find(sim_net(fx.server, 0), 0, &a);

	return n != NULL ? n->refs : 0;
}

static struct net_flow flow_to(uint32_t host_order)
{
	struct net_addr l = sim_addr(fx.server_conf.addr), r = sim_addr(host_order);
	struct net_flow f = { .lport = FX_PORT, .rport = RTE_BE16(4000), .family = NET_IPV4 };

	memcpy(f.laddr, l.b, 16);
	memcpy(f.raddr, r.b, 16);
	return f;
}

static void send_to(uint32_t host_order)
{
	struct tcp_bare b = { .flow = flow_to(host_order), .flags = RTE_TCP_RST_FLAG };

	tcp_send_bare(sim_tcp(fx.server, 0), &b);
}

/* SYN-ACK, the connections it led to and TIME-WAIT use one open path and what shares it. */
static void tcp_path_open__shared_with_accept(void)
{
	struct tcp_conn *c[3];

	fx_init(&fx);
	fx_start(&fx);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &c[i]), 0);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(fx.n_accepted, 3);
	CU_ASSERT_EQUAL(pins(fx.client_conf.addr), 1 + 3);
	for (unsigned i = 0; i < 3; i++)
		tcp_abort(c[i]);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(pins(fx.client_conf.addr), 1 + 0);
	fx_end(&fx);
}

/* Forged sources must not keep their entries. */
static void tcp_send_bare__unresolved_not_kept(void)
{
	fx_init(&fx);
	fx_start(&fx);
	for (uint32_t i = 100; i < 110; i++) {
		send_to((fx.server_conf.addr & ~0xffu) + i);
		CU_ASSERT_EQUAL(pins((fx.server_conf.addr & ~0xffu) + i), 0);
	}
	fx_run(&fx, 20 * TCP_S_US);
	CU_ASSERT_EQUAL(sim_net(fx.server, 0)->neigh.unresolved, 0);
	fx_end(&fx);
}

/* Known neighbours: at most a quarter of their table. */
static void tcp_send_bare__bounded(void)
{
	struct net_neigh_info info = { .permanent = true };
	unsigned sum = 0;

	fx_init(&fx);
	fx_start(&fx);
	for (uint32_t i = 100; i < 140; i++) {
		info.addr = sim_addr((fx.server_conf.addr & ~0xffu) + i);
		info.mac = sim_mac(i);
		CU_ASSERT_EQUAL_FATAL(net_neigh_static(sim_net(fx.server, 0), &info), 0);
		send_to(rte_be_to_cpu_32(info.addr.v4));
		CU_ASSERT_EQUAL(pins(rte_be_to_cpu_32(info.addr.v4)), 1);
	}
	for (uint32_t i = 100; i < 140; i++)
		sum += pins((fx.server_conf.addr & ~0xffu) + i);
	CU_ASSERT(sum >= 2 && sum <= net_conf(sim_net(fx.server, 0))->neigh_max / 4);
	fx_end(&fx);
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_path_open__shared_with_accept),
	TEST_CASE(tcp_send_bare__unresolved_not_kept),
	TEST_CASE(tcp_send_bare__bounded),
};

int main(void)
{
	test_eal_init();
	return test_run("tcp_path", cases, sizeof(cases) / sizeof(cases[0]), NULL);
}
