/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/tcp_conn/fixture.h"

static int accepted(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct fixture *fx = ctx;

	if (fx->in_accept != NULL)
		fx->in_accept(fx, c);
	if (fx->accept_rc != 0)
		return fx->accept_rc;
	CU_ASSERT_FATAL(fx->n_accepted < FX_CONNS);
	fx->accepted[fx->n_accepted++] = c;
	return 0;
}

static void event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct fixture *fx = ctx;

	fx->n_connected += (events & TCP_EV_CONNECTED) != 0;
	fx->n_closed += (events & TCP_EV_CLOSED) != 0;
}

void fx_init(struct fixture *fx)
{
	memset(fx, 0, sizeof(*fx));
	test_eal_init();
	fx->sim = sim_create(1, TCP_S_US);
	sim_host_defaults(&fx->client_conf, 2);
	sim_host_defaults(&fx->server_conf, 1);
	fx->client_conf.ops.event = fx->server_conf.ops.event = event;
	fx->client_conf.ops_ctx = fx->server_conf.ops_ctx = fx;
	fx->client_conf.tcp.max_conns = fx->server_conf.tcp.max_conns = FX_CONNS;
	fx->client_conf.tcp.time_wait_max = fx->server_conf.tcp.time_wait_max = FX_CONNS;
	fx->client_conf.tcp.half_open_max = fx->server_conf.tcp.half_open_max = FX_CONNS;
}

static void know(struct sim_host *h, uint32_t addr, unsigned n)
{
	struct net_neigh_info info = { .addr = sim_addr(addr), .mac = sim_mac(n), .permanent = true };

	for (unsigned i = 0; i < SIM_MAX_LCORES && sim_net(h, i) != NULL; i++)
		CU_ASSERT_EQUAL_FATAL(net_neigh_static(sim_net(h, i), &info), 0);
}

void fx_start(struct fixture *fx)
{
	struct tcp_listen_args args = { .port = FX_PORT, .accept = accepted, .ctx = fx, .backlog = FX_CONNS };
	static const struct sim_wire wire = { .delay_us = 100 };

	fx->server = sim_host_add(fx->sim, &fx->server_conf);
	fx->client = sim_host_add(fx->sim, &fx->client_conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fx->server);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fx->client);
	sim_connect(fx->sim, fx->client, fx->server, &wire, &wire);
	CU_ASSERT_EQUAL_FATAL(tcp_listen(sim_tcp(fx->server, 0), &args, &fx->listener), 0);
	know(fx->client, fx->server_conf.addr, 1);
	know(fx->server, fx->client_conf.addr, 2);
}

void fx_run(struct fixture *fx, uint64_t us)
{
	sim_settle(fx->sim);
	sim_run(fx->sim, sim_now(fx->sim) + us);
}

int fx_connect(struct fixture *fx, unsigned lcore, struct tcp_conn **c)
{
	struct tcp_connect_args args = { .raddr = sim_addr(fx->server_conf.addr), .rport = FX_PORT };

	return tcp_connect(sim_tcp(fx->client, lcore), &args, c);
}

void fx_end(struct fixture *fx)
{
	if (sim_error(fx->sim) != NULL)
		printf("%s\n", sim_error(fx->sim));
	CU_ASSERT_PTR_NULL(sim_error(fx->sim));
	sim_destroy(fx->sim);
	CU_ASSERT_EQUAL(sim_buffers_used(), 0);
}
