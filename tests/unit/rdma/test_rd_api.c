/* SPDX-License-Identifier: BSD-3-Clause */
/* What rd.h promises, over every provider: each case runs once on each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rdma/roce_lab.h"

static struct lab lab;
static struct lab_pair pair;

static void (*const providers[])(struct lab *lab) = { lab_mem, lab_roce };

/* Runs a case on every provider, connected. */
static void on_all(void (*fn)(void))
{
	for (unsigned i = 0; i < RTE_DIM(providers); i++) {
		providers[i](&lab);
		pair_connect(&pair, &lab);
		fn();
		pair_close(&pair);
		lab.close(&lab);
	}
}

#define ON_ALL(name) \
	static void name##_body(void); \
	static void name(void) { on_all(name##_body); } \
	static void name##_body(void)

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
	while (n-- > 0)
		*p++ = (uint8_t)test_random(&seed);
}

ON_ALL(send__arrives)
{
	static const uint32_t lens[] = { 0, 1, 44, 1023, 1024, 1025, 2048, 5000, 20000 };
	struct rd_wc wc[2];

	fill(pair.end[0].mem, 20000, 1);
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		memset(pair.end[1].mem, 0, 20001);
		CU_ASSERT_EQUAL(pair_recv(&pair, 1, 100 + i, 0, 20000), 0);
		CU_ASSERT_EQUAL(pair_send(&pair, 0, 200 + i, 0, lens[i], RD_F_SIGNAL | RD_F_SOLICITED), 0);
		CU_ASSERT_EQUAL(lab_poll(&lab, 1, wc, 1), 1);
		CU_ASSERT_EQUAL(wc->cookie, 100 + i);
		CU_ASSERT_EQUAL(wc->op, RD_OP_RECV);
		CU_ASSERT_EQUAL(wc->len, lens[i]);
		CU_ASSERT_EQUAL(wc->status, RD_WC_SUCCESS);
		CU_ASSERT_PTR_EQUAL(wc->user, &pair.end[1]);
		CU_ASSERT_EQUAL(memcmp(pair.end[0].mem, pair.end[1].mem, lens[i]), 0);
		CU_ASSERT_EQUAL(pair.end[1].mem[lens[i]], 0);
		CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 1), 1);
		CU_ASSERT_EQUAL(wc->cookie, 200 + i);
		CU_ASSERT_EQUAL(wc->op, RD_OP_SEND);
		CU_ASSERT_EQUAL(wc->status, RD_WC_SUCCESS);
	}
}

ON_ALL(post__list_in_order)
{
	struct lab_end *a = &pair.end[0], *b = &pair.end[1];
	struct rd_sge sge[2] = { { a->mem, 3000, rd_mr_lkey(a->mr) }, { a->mem + 3000, 1, rd_mr_lkey(a->mr) } };
	struct rd_wr wr[3] = {
		{ .cookie = 1, .op = RD_OP_WRITE, .n_sge = 2, .sge = { sge[0], sge[1] }, .rkey = rd_mr_rkey(b->mr),
		  .raddr = rd_mr_addr(b->mr) + 10 },
		{ .cookie = 2, .op = RD_OP_WRITE, .n_sge = 1, .sge = { sge[1] }, .rkey = rd_mr_rkey(b->mr),
		  .raddr = rd_mr_addr(b->mr) + LAB_MEM - 1 },
		{ .cookie = 3, .op = RD_OP_SEND, .flags = RD_F_SIGNAL | RD_F_INLINE, .n_sge = 1,
		  .sge = { { .addr = (char[]){ "inline" }, .len = 7, .lkey = 0xdead } } },
	};
	struct rd_wc wc[4];

	fill(a->mem, 3001, 2);
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 7, 40000, 44), 0);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), LAB_DEPTH);
	CU_ASSERT_EQUAL(rd_post_send(a->qp, wr, 3), 0);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), LAB_DEPTH - 3);
	CU_ASSERT_EQUAL(lab_poll(&lab, 1, wc, 1), 1);
	CU_ASSERT_EQUAL(memcmp(b->mem + 10, a->mem, 3001), 0);
	CU_ASSERT_EQUAL(b->mem[9], 0);
	CU_ASSERT_EQUAL(b->mem[3011], 0);
	CU_ASSERT_EQUAL(b->mem[LAB_MEM - 1], a->mem[3000]);
	CU_ASSERT_EQUAL(memcmp(b->mem + 40000, "inline", 7), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 2), 1);
	CU_ASSERT_EQUAL(wc->cookie, 3);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), LAB_DEPTH);
}

ON_ALL(post__all_or_nothing)
{
	struct lab_end *a = &pair.end[0];
	struct rd_wr wr[LAB_DEPTH + 1];
	struct rd_recv r[LAB_DEPTH + 1];
	struct rd_wc wc[1];

	for (unsigned i = 0; i <= LAB_DEPTH; i++) {
		wr[i] = (struct rd_wr){ .op = RD_OP_WRITE, .cookie = i, .n_sge = 0 };
		r[i] = (struct rd_recv){ .cookie = i };
	}
	CU_ASSERT_EQUAL(rd_post_send(a->qp, wr, LAB_DEPTH + 1), -EAGAIN);
	CU_ASSERT_EQUAL(rd_post_recv(a->qp, r, LAB_DEPTH + 1), -EAGAIN);
	CU_ASSERT_EQUAL(rd_post_recv(a->qp, r, LAB_DEPTH), 0);
	CU_ASSERT_EQUAL(rd_post_recv(a->qp, r, 1), -EAGAIN);
	wr[LAB_DEPTH - 1].n_sge = 1;
	wr[LAB_DEPTH - 1].sge[0] = (struct rd_sge){ a->mem, 1, 0xbad };
	CU_ASSERT_EQUAL(rd_post_send(a->qp, wr, LAB_DEPTH), -EINVAL);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), LAB_DEPTH);
	wr[LAB_DEPTH - 1].n_sge = 0;
	wr[LAB_DEPTH - 1].flags = RD_F_SIGNAL;
	CU_ASSERT_EQUAL(rd_post_send(a->qp, wr, LAB_DEPTH), 0);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 1), 1);
	CU_ASSERT_EQUAL(wc->cookie, LAB_DEPTH - 1);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), LAB_DEPTH);
}

ON_ALL(post__bad_requests)
{
	struct lab_end *a = &pair.end[0];
	uint32_t lkey = rd_mr_lkey(a->mr);
	const struct rd_wr bad[] = {
		{ .op = RD_OP_RECV }, { .op = 9 },
		{ .op = RD_OP_SEND, .n_sge = RD_MAX_SGE + 1 },
		{ .op = RD_OP_SEND, .n_sge = 1, .sge = { { a->mem, 1, lkey + 1 } } },
		{ .op = RD_OP_SEND, .n_sge = 1, .sge = { { a->mem, 1, 0 } } },
		{ .op = RD_OP_SEND, .n_sge = 1, .sge = { { a->mem - 1, 1, lkey } } },
		{ .op = RD_OP_SEND, .n_sge = 1, .sge = { { a->mem + LAB_MEM, 1, lkey } } },
		{ .op = RD_OP_SEND, .n_sge = 1, .sge = { { a->mem + 1, LAB_MEM, lkey } } },
		{ .op = RD_OP_SEND, .n_sge = 1, .sge = { { a->mem + 1, UINT32_MAX, lkey } } },
		{ .op = RD_OP_SEND, .n_sge = 2, .sge = { { a->mem, 1, lkey }, { a->mem, LAB_MEM + 1, lkey } } },
		{ .op = RD_OP_SEND, .flags = RD_F_INLINE, .n_sge = 1, .sge = { { a->mem, RD_INLINE_MAX + 1, lkey } } },
		{ .op = RD_OP_SEND, .flags = RD_F_INLINE, .n_sge = 2, .sge = { { a->mem, 1, lkey }, { a->mem, 1, lkey } } },
	};
	const struct rd_recv bad_recv[] = {
		{ .n_sge = RD_MAX_SGE + 1 }, { .n_sge = 1, .sge = { { a->mem, 1, lkey ^ 0x80000000 } } },
		{ .n_sge = 2, .sge = { { a->mem, 1, lkey }, { a->mem + LAB_MEM - 1, 2, lkey } } },
	};

	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		CU_ASSERT_EQUAL(rd_post_send(a->qp, &bad[i], 1), -EINVAL);
	for (unsigned i = 0; i < RTE_DIM(bad_recv); i++)
		CU_ASSERT_EQUAL(rd_post_recv(a->qp, &bad_recv[i], 1), -EINVAL);
	CU_ASSERT_EQUAL(rd_send_room(a->qp), LAB_DEPTH);
}

ON_ALL(post__region_of_another_domain)
{
	struct rd_req pd = { .op = RD_REQ_PD_ALLOC };
	struct rd_req mr = { .op = RD_REQ_MR_REG, .addr = pair.end[0].mem, .len = 100, .access = RD_ACCESS_LOCAL_WRITE };
	struct rd_wr wr = { .op = RD_OP_SEND, .n_sge = 1 };
	struct rd_recv r = { .n_sge = 1 };

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &pd), 0);
	mr.pd = pd.pd;
	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &mr), 0);
	wr.sge[0] = r.sge[0] = (struct rd_sge){ pair.end[0].mem, 10, rd_mr_lkey(mr.mr) };
	CU_ASSERT_EQUAL(rd_post_send(pair.end[0].qp, &wr, 1), -EINVAL);
	CU_ASSERT_EQUAL(rd_post_recv(pair.end[0].qp, &r, 1), -EINVAL);
	mr.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &mr), 0);
	pd.op = RD_REQ_PD_FREE;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &pd), 0);
}

/* A receive goes into memory that may be written. */
ON_ALL(post__receive_into_what_is_read_only)
{
	struct rd_req mr = { .op = RD_REQ_MR_REG, .pd = pair.end[0].pd, .addr = pair.end[0].mem, .len = 100 };
	struct rd_recv r = { .n_sge = 1 };

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &mr), 0);
	r.sge[0] = (struct rd_sge){ pair.end[0].mem, 10, rd_mr_lkey(mr.mr) };
	CU_ASSERT_EQUAL(rd_post_recv(pair.end[0].qp, &r, 1), -EINVAL);
	mr.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &mr), 0);
}

/* A WRITE that the other side must refuse: status at us, and both in ERR. */
static void refused_write(uint32_t rkey, uint64_t raddr, uint32_t len, uint8_t status)
{
	struct lab_end *a = &pair.end[0];
	struct rd_wr wr[2] = {
		{ .cookie = 1, .op = RD_OP_WRITE, .n_sge = 1, .rkey = rkey, .raddr = raddr,
		  .sge = { { a->mem, len, rd_mr_lkey(a->mr) } } },
		{ .cookie = 2, .op = RD_OP_SEND },
	};
	struct rd_event ev[3];
	struct rd_wc wc[4];

	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 9, 0, 44), 0);
	CU_ASSERT_EQUAL(rd_post_send(a->qp, wr, 2), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 3), 2);
	CU_ASSERT_EQUAL(wc[0].cookie, 1);
	CU_ASSERT_EQUAL(wc[0].status, status);
	CU_ASSERT_EQUAL(wc[1].cookie, 2);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(lab_poll(&lab, 1, wc, 2), 1);
	CU_ASSERT_EQUAL(wc[0].cookie, 9);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_WR_FLUSH_ERR);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(rd_qp_state(pair.end[i].qp), RD_QP_ERR);
		CU_ASSERT_EQUAL(rd_event_poll(lab.dev[i], ev, 3), 1);
		CU_ASSERT_EQUAL(ev[0].type, RD_EV_QP_FATAL);
		CU_ASSERT_PTR_EQUAL(ev[0].user, &pair.end[i]);
	}
	for (unsigned i = 0; i < LAB_MEM; i++)
		if (pair.end[1].mem[i] != 0)
			CU_FAIL_FATAL("written");
}

static void write__refused(void)
{
	static const struct { uint32_t key_xor; int64_t at; uint32_t len; } cases[] = {
		{ 0x80000000, 0, 8 }, { 1, 0, 8 }, { UINT32_MAX, 0, 8 }, { 0, -1, 8 }, { 0, LAB_MEM - 7, 8 },
		{ 0, LAB_MEM, 1 }, { 0, 1, LAB_MEM }, { 0, INT64_MAX, 8 },
	};

	for (unsigned l = 0; l < RTE_DIM(providers); l++) {
		for (unsigned i = 0; i < RTE_DIM(cases); i++) {
			providers[l](&lab);
			pair_connect(&pair, &lab);
			memset(pair.end[0].mem, 0x55, LAB_MEM);
			refused_write(rd_mr_rkey(pair.end[1].mr) ^ cases[i].key_xor,
				      rd_mr_addr(pair.end[1].mr) + (uint64_t)cases[i].at, cases[i].len,
				      RD_WC_REM_ACCESS_ERR);
			pair_close(&pair);
			lab.close(&lab);
		}
	}
}

/* Registers a part of end 1's memory otherwise, and has a WRITE there refused. */
static void refused_region(struct rd_pd *pd, uint8_t access)
{
	struct rd_req req = { .op = RD_REQ_MR_REG, .pd = pd, .addr = pair.end[1].mem, .len = 100, .access = access };

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[1], &req), 0);
	memset(pair.end[0].mem, 0x55, LAB_MEM);
	refused_write(rd_mr_rkey(req.mr), rd_mr_addr(req.mr), 8, RD_WC_REM_ACCESS_ERR);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
}

ON_ALL(write__region_not_for_peers)
{
	refused_region(pair.end[1].pd, RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_READ);
}

ON_ALL(write__region_of_another_domain)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC };

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[1], &req), 0);
	refused_region(req.pd, RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE);
	req.op = RD_REQ_PD_FREE;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
}

ON_ALL(write__region_gone)
{
	struct rd_req req = { .op = RD_REQ_MR_REG, .pd = pair.end[1].pd, .addr = pair.end[1].mem, .len = 100,
			      .access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE };
	uint32_t rkey;
	uint64_t addr;

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[1], &req), 0);
	rkey = rd_mr_rkey(req.mr);
	addr = rd_mr_addr(req.mr);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
	/* The same memory anew has another key. */
	req.op = RD_REQ_MR_REG;
	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[1], &req), 0);
	CU_ASSERT_NOT_EQUAL(rd_mr_rkey(req.mr), rkey);
	memset(pair.end[0].mem, 0x55, LAB_MEM);
	refused_write(rkey, addr, 8, RD_WC_REM_ACCESS_ERR);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
}

ON_ALL(write__nothing_needs_no_key)
{
	struct rd_wr wr = { .cookie = 1, .op = RD_OP_WRITE, .flags = RD_F_SIGNAL };
	struct rd_wc wc;

	CU_ASSERT_EQUAL(rd_post_send(pair.end[0].qp, &wr, 1), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_SUCCESS);
}

ON_ALL(send__longer_than_the_receive)
{
	struct rd_wc wc[3];

	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 1, 0, 43), 0);
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 2, 0, 44), 0);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 3, 0, 44, 0), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 1, wc, 3), 2);
	CU_ASSERT_EQUAL(wc[0].cookie, 1);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_LOC_LEN_ERR);
	CU_ASSERT_EQUAL(wc[1].cookie, 2);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 1), 1);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_REM_INV_REQ_ERR);
}

ON_ALL(send__region_gone_while_under_way)
{
	struct lab_end *a = &pair.end[0];
	struct rd_req req = { .op = RD_REQ_MR_REG, .pd = a->pd, .addr = a->mem, .len = 100 };
	struct rd_wr wr = { .cookie = 1, .op = RD_OP_SEND, .n_sge = 1 };
	struct rd_wc wc;

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &req), 0);
	wr.sge[0] = (struct rd_sge){ a->mem, 10, rd_mr_lkey(req.mr) };
	CU_ASSERT_EQUAL(rd_post_send(a->qp, &wr, 1), 0);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	CU_ASSERT_EQUAL(pair_recv(&pair, 1, 1, 0, 44), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_LOC_PROT_ERR);
	CU_ASSERT_EQUAL(rd_qp_state(a->qp), RD_QP_ERR);
}

ON_ALL(recv__region_gone_before_it_is_used)
{
	struct lab_end *b = &pair.end[1];
	struct rd_req req = { .op = RD_REQ_MR_REG, .pd = b->pd, .addr = b->mem, .len = 100,
			      .access = RD_ACCESS_LOCAL_WRITE };
	struct rd_recv r = { .cookie = 1, .n_sge = 1 };
	struct rd_wc wc;

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[1], &req), 0);
	r.sge[0] = (struct rd_sge){ b->mem, 100, rd_mr_lkey(req.mr) };
	CU_ASSERT_EQUAL(rd_post_recv(b->qp, &r, 1), 0);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(lab_do(lab.dev[1], &req), 0);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 2, 0, 5, 0), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 1, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_LOC_PROT_ERR);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.status, RD_WC_REM_OP_ERR);
}

ON_ALL(flush__exactly_once)
{
	struct rd_req req = { .op = RD_REQ_QP_ERR, .qp = pair.end[0].qp };
	struct rd_event ev;
	struct rd_wc wc[12];

	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(pair_recv(&pair, 0, 10 + i, 0, 44), 0);
		CU_ASSERT_EQUAL(pair_send(&pair, 0, 20 + i, 0, 44, i & 1 ? RD_F_SIGNAL : 0), 0);
	}
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	CU_ASSERT_EQUAL(rd_qp_state(pair.end[0].qp), RD_QP_ERR);
	CU_ASSERT_EQUAL(pair_send(&pair, 0, 24, 0, 44, 0), 0);
	CU_ASSERT_EQUAL(pair_recv(&pair, 0, 14, 0, 44), 0);
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, wc, 12), 10);
	for (unsigned i = 0, send = 20, recv = 10; i < 10; i++) {
		CU_ASSERT_EQUAL(wc[i].status, RD_WC_WR_FLUSH_ERR);
		CU_ASSERT_EQUAL(wc[i].cookie, wc[i].cookie >= 20 ? send++ : recv++);
	}
	CU_ASSERT_EQUAL(rd_send_room(pair.end[0].qp), LAB_DEPTH);
	CU_ASSERT_EQUAL(rd_event_poll(lab.dev[0], &ev, 1), 0);
}

ON_ALL(destroy__takes_its_completions)
{
	struct rd_req req = { .op = RD_REQ_QP_ERR, .qp = pair.end[0].qp };
	struct rd_wc wc;

	CU_ASSERT_EQUAL(pair_recv(&pair, 0, 1, 0, 44), 0);
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	req.op = RD_REQ_QP_DESTROY;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	pair.end[0].qp = NULL;
	CU_ASSERT_EQUAL(lab_poll(&lab, 0, &wc, 1), 0);
}

ON_ALL(post__only_in_its_states)
{
	struct rd_qp_init init = { .pd = pair.end[0].pd, .send_wr = 2, .recv_wr = 2 };
	struct rd_req req = { .op = RD_REQ_QP_CREATE, .init = init };
	struct rd_wr wr = { .op = RD_OP_SEND };
	struct rd_recv r = { .cookie = 1 };
	struct rd_qp_attr attr;

	pair_attr(&pair, 0, &attr);
	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &req), 0);
	CU_ASSERT_EQUAL(rd_qp_state(req.qp), RD_QP_INIT);
	CU_ASSERT_EQUAL(rd_post_send(req.qp, &wr, 1), -EINVAL);
	CU_ASSERT_EQUAL(rd_post_recv(req.qp, &r, 1), 0);
	req.op = RD_REQ_QP_RTS;
	req.attr = attr;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	req.op = RD_REQ_QP_RTR;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	CU_ASSERT_EQUAL(rd_post_send(req.qp, &wr, 1), -EINVAL);
	CU_ASSERT_EQUAL(rd_post_recv(req.qp, &r, 1), 0);
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	req.op = RD_REQ_QP_DESTROY;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
}

ON_ALL(rtr__bad_attributes)
{
	struct rd_req create = { .op = RD_REQ_QP_CREATE, .init = { .pd = pair.end[0].pd } };
	struct rd_req req = { .op = RD_REQ_QP_RTR };
	struct rd_qp_attr good, bad[10];

	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &create), 0);
	req.qp = create.qp;
	pair_attr(&pair, 0, &good);
	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		bad[i] = good;
	bad[0].mtu = 0;
	bad[1].mtu = 6;
	bad[2].remote_qpn = 1 << 24;
	bad[3].rq_psn = 1 << 24;
	bad[4].sq_psn = 1 << 24;
	bad[5].timeout = 32;
	bad[6].retry = 8;
	bad[7].rnr_retry = 8;
	bad[8].min_rnr_timer = 32;
	bad[9].local = good.remote;
	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		req.attr = bad[i];
		CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	}
	req.attr = good;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
	req.op = RD_REQ_QP_DESTROY;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), 0);
}

ON_ALL(requests__limits_and_errors)
{
	struct rd_req qps[8], mrs[8], req;
	uint32_t first = 0;

	req = (struct rd_req){ .op = RD_REQ_PD_FREE, .pd = pair.end[0].pd };
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EBUSY);
	for (unsigned i = 0; i < 8; i++) {
		qps[i] = (struct rd_req){ .op = RD_REQ_QP_CREATE, .init = { .pd = pair.end[0].pd } };
		mrs[i] = (struct rd_req){ .op = RD_REQ_MR_REG, .pd = pair.end[0].pd, .addr = &lab, .len = 1 };
		CU_ASSERT_EQUAL(lab_do(lab.dev[0], &qps[i]), i < 7 ? 0 : -ENOSPC);
		CU_ASSERT_EQUAL(lab_do(lab.dev[0], &mrs[i]), i < 7 ? 0 : -ENOSPC);
	}
	for (unsigned i = 0; i < 7; i++) {
		qps[i].op = RD_REQ_QP_DESTROY;
		mrs[i].op = RD_REQ_MR_DEREG;
		first = i == 0 ? rd_qp_num(qps[i].qp) : first;
		CU_ASSERT_EQUAL(lab_do(lab.dev[0], &qps[i]), 0);
		CU_ASSERT_EQUAL(lab_do(lab.dev[0], &mrs[i]), 0);
	}
	/* A number that was freed does not come back at once. */
	qps[0] = (struct rd_req){ .op = RD_REQ_QP_CREATE, .init = { .pd = pair.end[0].pd } };
	CU_ASSERT_EQUAL_FATAL(lab_do(lab.dev[0], &qps[0]), 0);
	CU_ASSERT_NOT_EQUAL(rd_qp_num(qps[0].qp), first);
	qps[0].op = RD_REQ_QP_DESTROY;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &qps[0]), 0);
	req = (struct rd_req){ .op = RD_REQ_MR_REG, .pd = pair.end[0].pd, .addr = &lab, .len = 0 };
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	req.len = SIZE_MAX;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	req.len = 1;
	req.access = RD_ACCESS_REMOTE_WRITE;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	req.access = 8;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
	req.op = 99;
	CU_ASSERT_EQUAL(lab_do(lab.dev[0], &req), -EINVAL);
}

static unsigned chain_left;

static void chain(struct rd_req *req)
{
	if (chain_left == 0 || req->rc != 0)
		return;
	chain_left--;
	req->op = req->op == RD_REQ_PD_ALLOC ? RD_REQ_PD_FREE : RD_REQ_PD_ALLOC;
	rd_submit(lab.dev[0], req);
}

ON_ALL(progress__what_done_submits)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC, .done = chain };

	chain_left = 5;
	rd_submit(lab.dev[0], &req);
	CU_ASSERT_TRUE(rd_busy(lab.dev[0]));
	CU_ASSERT_EQUAL(rd_progress(lab.dev[0], 2), 2);
	CU_ASSERT_EQUAL(rd_progress(lab.dev[0], 100), 4);
	CU_ASSERT_EQUAL(req.op, RD_REQ_PD_FREE);
}

static int closed_with;

static void note_rc(struct rd_req *req)
{
	closed_with = req->rc;
}

static void close__with_all_in_use(void)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC, .done = note_rc };

	for (unsigned i = 0; i < RTE_DIM(providers); i++) {
		providers[i](&lab);
		pair_connect(&pair, &lab);
		CU_ASSERT_EQUAL(pair_recv(&pair, 1, 1, 0, 44), 0);
		CU_ASSERT_EQUAL(pair_send(&pair, 0, 1, 0, 44, 0), 0);
		closed_with = 0;
		rd_submit(lab.dev[0], &req);
		lab.close(&lab);
		CU_ASSERT_EQUAL(closed_with, -EIO);
		free(pair.end[0].mem);
		free(pair.end[1].mem);
	}
}

ON_ALL(event__nothing_without_cause)
{
	struct rd_event ev;

	CU_ASSERT_EQUAL(rd_event_poll(lab.dev[0], &ev, 1), 0);
	CU_ASSERT_FALSE(rd_busy(lab.dev[0]));
}

static void mtu_code__rule_of_rxe(void)
{
	static const struct { uint32_t mtu; uint8_t code; } cases[] = {
		{ 0, 0 }, { 335, 0 }, { 336, 1 }, { 591, 1 }, { 592, 2 }, { 1103, 2 }, { 1104, 3 }, { 1500, 3 },
		{ 2128, 4 }, { 4175, 4 }, { 4176, 5 }, { 9000, 5 }, { UINT32_MAX, 5 },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++)
		CU_ASSERT_EQUAL(rd_mtu_code(cases[i].mtu), cases[i].code);
	CU_ASSERT_EQUAL(rd_mtu_octets(0), 0);
	CU_ASSERT_EQUAL(rd_mtu_octets(1), 256);
	CU_ASSERT_EQUAL(rd_mtu_octets(5), 4096);
	CU_ASSERT_EQUAL(rd_mtu_octets(6), 0);
}

static void status_name__all_have_one(void)
{
	CU_ASSERT_STRING_EQUAL(rd_status_name(RD_WC_SUCCESS), "success");
	CU_ASSERT_STRING_EQUAL(rd_status_name(RD_WC_RETRY_EXC_ERR), "transport retry count exceeded");
	CU_ASSERT_STRING_EQUAL(rd_status_name(3), "unknown");
	CU_ASSERT_STRING_EQUAL(rd_status_name(1000), "unknown");
}

static const struct test_case cases[] = {
	TEST_CASE(send__arrives),
	TEST_CASE(post__list_in_order),
	TEST_CASE(post__all_or_nothing),
	TEST_CASE(post__bad_requests),
	TEST_CASE(post__region_of_another_domain),
	TEST_CASE(post__receive_into_what_is_read_only),
	TEST_CASE(write__refused),
	TEST_CASE(write__region_not_for_peers),
	TEST_CASE(write__region_of_another_domain),
	TEST_CASE(write__region_gone),
	TEST_CASE(write__nothing_needs_no_key),
	TEST_CASE(send__longer_than_the_receive),
	TEST_CASE(send__region_gone_while_under_way),
	TEST_CASE(recv__region_gone_before_it_is_used),
	TEST_CASE(flush__exactly_once),
	TEST_CASE(destroy__takes_its_completions),
	TEST_CASE(post__only_in_its_states),
	TEST_CASE(rtr__bad_attributes),
	TEST_CASE(requests__limits_and_errors),
	TEST_CASE(progress__what_done_submits),
	TEST_CASE(close__with_all_in_use),
	TEST_CASE(event__nothing_without_cause),
	TEST_CASE(mtu_code__rule_of_rxe),
	TEST_CASE(status_name__all_have_one),
};
TEST_MAIN("rd_api", cases)
