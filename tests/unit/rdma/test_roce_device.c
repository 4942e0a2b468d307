/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine as a device: events, numbers, bounds of its configuration. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;

/* The index is in the low three bits here: that of one freed rests a second while there are others. */
static void qp_table_get__quarantine(void)
{
	struct rd_req req = { .op = RD_REQ_QP_DESTROY };
	uint32_t old;

	gen_open(&g, 3);
	old = rd_qp_num(g.qp);
	gen_turn(&g);
	req.qp = g.qp;
	CU_ASSERT_EQUAL(gen_do(&g, &req), 0);
	gen_qp(&g, 0);
	CU_ASSERT_NOT_EQUAL(rd_qp_num(g.qp) & 7, old & 7);
	g.now_us += 1000000;
	gen_turn(&g);
	gen_qp(&g, 0);
	CU_ASSERT_EQUAL(rd_qp_num(g.qp) & 7, old & 7);
	CU_ASSERT_NOT_EQUAL(rd_qp_num(g.qp), old);
	gen_close(&g);
}

static void roce_port__told_when_it_changed(void)
{
	struct rd_event ev[4];
	struct rd_info info;

	gen_open(&g, 3);
	roce_port(g.roce, true);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 0);
	roce_port(g.roce, false);
	CU_ASSERT_TRUE(rd_busy(g.dev));
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_PORT_DOWN);
	rd_query(g.dev, &info);
	CU_ASSERT_FALSE(info.up);
	/* Down and up again before anybody asked. */
	roce_port(g.roce, true);
	roce_port(g.roce, false);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 0);
	roce_port(g.roce, true);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_PORT_UP);
	gen_close(&g);
}

static void roce_gid_gone__its_queue_pairs_end_once(void)
{
	struct rd_event ev[4];
	struct rd_wc wc[4];
	struct rd_gid other;

	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_recv(&g, 1, 0, 44), 0);
	other = g.attr.remote;
	roce_gid_gone(g.roce, &other);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 0);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	roce_gid_gone(g.roce, &g.attr.local);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 2);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_GID_GONE);
	CU_ASSERT_EQUAL(memcmp(&ev[0].gid, &g.attr.local, sizeof(other)), 0);
	CU_ASSERT_EQUAL(ev[1].type, RD_EV_QP_FATAL);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 1);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_WR_FLUSH_ERR);
	roce_gid_gone(g.roce, &g.attr.local);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_GID_GONE);
	gen_close(&g);
}

static void no_random(void *ctx, void *buf, size_t len)
{
	memset(buf, 1, len);
}

/* A queue pair destroyed before its event was asked for has none. */
static void roce_gid_gone__queue_pair_destroyed_first(void)
{
	struct rd_req req = { .op = RD_REQ_QP_DESTROY };
	struct rd_event ev[4];

	gen_open(&g, 3);
	roce_gid_gone(g.roce, &g.attr.local);
	req.qp = g.qp;
	CU_ASSERT_EQUAL(gen_do(&g, &req), 0);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_GID_GONE);
	gen_close(&g);
}

static void roce_create__bad_configuration(void)
{
	struct roce_env env = { .random = no_random };
	struct wheel wheel;
	struct roce *r;

	gen_open(&g, 3);
	wheel_init(&wheel, 0);
	for (unsigned i = 0; i < 9; i++) {
		struct roce_config c = { .name = "x", .ip_mtu = 1500, .n_gids = 1, .max_qps = 1, .max_mrs = 1, .node = -1,
					 .pool = rte_mempool_lookup("gen") };

		switch (i) {
		case 0: c.lcore = ROCE_MAX_LCORES; break;
		case 1: c.ip_mtu = 335; break;
		case 2: c.n_gids = 0; break;
		case 3: c.n_gids = RD_MAX_GIDS + 1; break;
		case 4: c.max_qps = 1 << 14; break;
		case 5: c.max_mrs = (1 << 20) + 1; break;
		case 6: c.window = 100; break;
		case 7: c.window = 2048; break;
		case 8: c.pool = NULL; break;
		}
		CU_ASSERT_EQUAL(roce_create(&r, &c, &env, &wheel), -EINVAL);
	}
	gen_close(&g);
}

/* The port's MTU bounds the path's. */
static void roce_create__mtu_of_the_port(void)
{
	static const struct { uint32_t ip_mtu; uint8_t code; int rc; } cases[] = {
		{ 1500, 3, 0 }, { 1500, 4, -EINVAL }, { 336, 1, 0 }, { 336, 2, -EINVAL },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct roce_config conf = { .ip_mtu = cases[i].ip_mtu };
		struct rd_req req = { .op = RD_REQ_QP_RTR };

		gen_open_with(&g, &conf);
		gen_qp(&g, 0);
		gen_attr(&g, cases[i].code);
		req.qp = g.qp;
		req.attr = g.attr;
		CU_ASSERT_EQUAL(gen_do(&g, &req), cases[i].rc);
		gen_close(&g);
	}
}

/* A completion queue of fixed depth has room for all that may come at once. */
static void roce_create__fixed_completion_queue(void)
{
	struct roce_config conf = { .cq_depth = 200 };
	struct rd_req destroy = { .op = RD_REQ_QP_DESTROY };

	gen_open_with(&g, &conf);
	for (unsigned i = 0; i < 10; i++) {
		struct rd_req req = { .op = RD_REQ_QP_CREATE, .init = { .pd = g.pd, .send_wr = 64, .recv_wr = 64 } };

		gen_qp(&g, 0);
		CU_ASSERT_EQUAL(gen_do(&g, &req), -ENOSPC);
		destroy.qp = g.qp;
		CU_ASSERT_EQUAL(gen_do(&g, &destroy), 0);
	}
	gen_close(&g);
}

static const struct test_case cases[] = {
	TEST_CASE(qp_table_get__quarantine),
	TEST_CASE(roce_port__told_when_it_changed),
	TEST_CASE(roce_gid_gone__its_queue_pairs_end_once),
	TEST_CASE(roce_gid_gone__queue_pair_destroyed_first),
	TEST_CASE(roce_create__bad_configuration),
	TEST_CASE(roce_create__mtu_of_the_port),
	TEST_CASE(roce_create__fixed_completion_queue),
};
TEST_MAIN("roce_device", cases)
