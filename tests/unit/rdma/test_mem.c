/* SPDX-License-Identifier: BSD-3-Clause */
/* What only provider mem has: faults, and what waits instead of timing out. */
#include <errno.h>
#include <string.h>

#include "tests/unit/rdma/fixture.h"

static struct lab lab;
static struct lab_pair pair;

static void open_lab(void)
{
	lab_mem(&lab);
	pair_connect(&pair, &lab);
}

static void close_lab(void)
{
	pair_close(&pair);
	lab.close(&lab);
}

static void mem_create__bad_configuration(void)
{
	static const struct { uint8_t mtu, n_gids; uint32_t qps, mrs, base; } cases[] = {
		{ 0, 1, 1, 1, 1 }, { 6, 1, 1, 1, 1 }, { 3, 0, 1, 1, 1 }, { 3, RD_MAX_GIDS + 1, 1, 1, 1 },
		{ 3, 1, 0, 1, 1 }, { 3, 1, 1, 0, 1 }, { 3, 1, 1, 1, 0 }, { 3, 1, 1, 1, 0xffffff }, { 3, 1, 1 << 20, 1, 1 },
		{ 3, 1, 1, (1 << 20) + 1, 1 },
	};
	struct mem_fabric *f;
	struct rd_dev *dev;

	CU_ASSERT_EQUAL_FATAL(mem_fabric_create(&f), 0);
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct mem_config conf = { .name = "x", .mtu = cases[i].mtu, .n_gids = cases[i].n_gids,
					   .max_qps = cases[i].qps, .max_mrs = cases[i].mrs, .qpn_base = cases[i].base };

		CU_ASSERT_EQUAL(mem_create(&dev, f, &conf), -EINVAL);
	}
	mem_fabric_destroy(f);
}

static void mem_query__what_was_configured(void)
{
	struct rd_info info;

	open_lab();
	rd_query(lab.dev[1], &info);
	CU_ASSERT_STRING_EQUAL(info.provider, "mem");
	CU_ASSERT_STRING_EQUAL(info.name, "mem");
	CU_ASSERT_EQUAL(info.mtu, 5);
	CU_ASSERT_EQUAL(info.n_gids, 1);
	CU_ASSERT_EQUAL(info.max_qps, 8);
	CU_ASSERT_EQUAL(info.qps, 1);
	CU_ASSERT_EQUAL(info.mrs, 1);
	CU_ASSERT_EQUAL(info.pds, 1);
	CU_ASSERT_TRUE(info.up);
	CU_ASSERT_EQUAL(rd_qp_num(pair.end[0].qp), 17);
	CU_ASSERT_EQUAL(rd_qp_num(pair.end[1].qp), 1017);
	close_lab();
}

static void mem_send__waits_for_a_receive(void)
{
	struct rd_wc wc;

	open_lab();
	memcpy(pair.end[0].mem, "hello", 5);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 1, 0, 5, RD_F_SIGNAL), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 0);
	CU_ASSERT_FALSE(rd_busy(lab.dev[0]));
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2, 100, 44), 0);
	CU_ASSERT_TRUE(rd_busy(lab.dev[0]));
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_SUCCESS);
	CU_ASSERT_EQUAL(rd_poll(lab.dev[1], &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.len, 5);
	CU_ASSERT_EQUAL(memcmp(pair.end[1].mem + 100, "hello", 5), 0);
	close_lab();
}

static void mem_send__waits_for_rtr(void)
{
	struct rd_wc wc;

	lab_mem(&lab);
	pair_open(&pair, &lab);
	pair_rtr(&pair, 0);
	pair_rts(&pair, 0);
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2, 0, 44), 0);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 1, 0, 5, RD_F_SIGNAL), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 0);
	pair_rtr(&pair, 1);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_SUCCESS);
	close_lab();
}

static void mem_fail_request__the_nth(void)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC };

	open_lab();
	mem_fail_request(lab.dev[0], RD_REQ_PD_ALLOC, 2, -ENOMEM);
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &(struct rd_req){ .op = RD_REQ_PD_ALLOC }), -ENOMEM);
	req.op = RD_REQ_PD_FREE;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	close_lab();
}

/* Of every length, more than the rings hold, after an idle ring and behind one not signalled. */
static void mem_send__inline_lengths(void)
{
	uint8_t *to, *from;
	struct rd_wc wc;

	open_lab();
	to = pair.end[1].mem + 1000;
	from = pair.end[0].mem;
	for (uint32_t len = 0; len <= RD_INLINE_MAX; len++) {
		for (uint32_t i = 0; i < RD_INLINE_MAX; i++)
			from[i] = (uint8_t)(len + 3 * i);
		memset(to, 0xee, 200);
		CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2 * len, 1000, RD_INLINE_MAX), 0);
		CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2 * len + 1, 1100, RD_INLINE_MAX), 0);
		CU_ASSERT_EQUAL(pair_send(&pair, 0, 5, 0, len, RD_F_INLINE), 0);
		memset(from, 0, len);
		CU_ASSERT_EQUAL(pair_send(&pair, 0, len, 0, 0, RD_F_SIGNAL | RD_F_INLINE), 0);
		CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
		CU_ASSERT_EQUAL(wc.cookie, len);
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(rd_poll(lab.dev[1], &wc, 1), 1);
			CU_ASSERT_EQUAL(wc.cookie, 2 * len + i);
			CU_ASSERT_EQUAL(wc.len, i == 0 ? len : 0);
		}
		for (uint32_t i = 0; i < RD_INLINE_MAX; i++)
			CU_ASSERT_EQUAL(to[i], i < len ? (uint8_t)(len + 3 * i) : 0xee);
	}
	close_lab();
}

static void count_done(struct rd_req *req)
{
	req->len++;
}

static void mem_stall__nothing_moves(void)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC, .done = count_done };
	struct rd_wc wc;

	open_lab();
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2, 0, 44), 0);
	mem_stall(lab.dev[1], true);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 1, 0, 5, RD_F_SIGNAL), 0);
	rd_submit(lab.dev[1], &req);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 0);
	CU_ASSERT_EQUAL(req.len, 0);
	CU_ASSERT_FALSE(rd_busy(lab.dev[1]));
	mem_stall(lab.dev[1], false);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(req.len, 1);
	CU_ASSERT_EQUAL(req.rc, 0);
	req.op = RD_REQ_PD_FREE;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
	close_lab();
}

static void mem_port__down_and_up(void)
{
	struct rd_event ev;
	struct rd_info info;
	struct rd_wc wc;

	open_lab();
	CU_ASSERT_EQUAL(rd_event_poll(lab.dev[0], &ev, 1), 0);
	mem_port(lab.dev[0], false);
	CU_ASSERT_EQUAL(rd_event_poll(lab.dev[0], &ev, 1), 1);
	CU_ASSERT_EQUAL(ev.type, RD_EV_PORT_DOWN);
	rd_query(lab.dev[0], &info);
	CU_ASSERT_FALSE(info.up);
	CU_ASSERT_EQUAL(pair_write(&pair, 0, 1, 0, 5, 0, RD_F_SIGNAL), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 0);
	mem_port(lab.dev[0], true);
	CU_ASSERT_EQUAL(rd_event_poll(lab.dev[0], &ev, 1), 1);
	CU_ASSERT_EQUAL(ev.type, RD_EV_PORT_UP);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_SUCCESS);
	close_lab();
}

static void mem_unplug__all_ends(void)
{
	struct rd_event ev[4];
	struct rd_wc wc[4];

	open_lab();
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2, 0, 44), 0);
	mem_stall(lab.dev[1], true);
	CU_ASSERT_EQUAL(pair_send(&pair, 1, 3, 0, 5, 0), 0);
	mem_unplug(lab.dev[1]);
	mem_stall(lab.dev[1], false);
	CU_ASSERT_EQUAL(rd_event_poll(lab.dev[1], ev, 4), 2);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_DEVICE_GONE);
	CU_ASSERT_EQUAL(ev[1].type, RD_EV_QP_FATAL);
	CU_ASSERT_PTR_EQUAL(ev[1].user, &pair.end[1]);
	CU_ASSERT_EQUAL(lab_poll(&lab, 1, wc, 4), 2);
	CU_ASSERT_EQUAL(wc[0].cookie, 3);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(wc[1].cookie, 2);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(pair_send(&pair, 1, 4, 0, 5, 0), -EIO);
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 4, 0, 5), -EIO);
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &(struct rd_req){ .op = RD_REQ_PD_ALLOC }), -EIO);
	/* The other side finds nobody. */
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 5, 0, 5, 0), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 1), 1);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_RETRY_EXC_ERR);
	close_lab();
}

static void mem_send__to_a_queue_pair_destroyed(void)
{
	struct rd_req req = { .op = RD_REQ_QP_DESTROY };
	struct rd_wc wc;

	open_lab();
	req.qp = pair.end[1].qp;
	pair.end[1].qp = NULL;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 5, 0, 5, 0), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_RETRY_EXC_ERR);
	CU_ASSERT_EQUAL(rd_qp_state(pair.end[0].qp), RD_QP_ERR);
	close_lab();
}

static const struct test_case cases[] = {
	TEST_CASE(mem_create__bad_configuration),
	TEST_CASE(mem_query__what_was_configured),
	TEST_CASE(mem_send__waits_for_a_receive),
	TEST_CASE(mem_send__inline_lengths),
	TEST_CASE(mem_send__waits_for_rtr),
	TEST_CASE(mem_fail_request__the_nth),
	TEST_CASE(mem_stall__nothing_moves),
	TEST_CASE(mem_port__down_and_up),
	TEST_CASE(mem_unplug__all_ends),
	TEST_CASE(mem_send__to_a_queue_pair_destroyed),
};
TEST_MAIN("mem", cases)
