/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/rdma/fixture.h"

#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

void lab_gid(struct rd_gid *gid, uint32_t ip)
{
	uint32_t be = rte_cpu_to_be_32(ip);

	memset(gid, 0, sizeof(*gid));
	gid->b[10] = gid->b[11] = 0xff;
	memcpy(gid->b + 12, &be, 4);
}

static void mem_step(struct lab *lab)
{
	rd_progress(lab->dev[0], 8);
	rd_progress(lab->dev[1], 8);
}

static void mem_lab_close(struct lab *lab)
{
	rd_close(lab->dev[0]);
	rd_close(lab->dev[1]);
	mem_fabric_destroy(lab->fabric);
}

void lab_mem(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->provider = "mem";
	lab->step = mem_step;
	lab->close = mem_lab_close;
	CU_ASSERT_EQUAL_FATAL(mem_fabric_create(&lab->fabric), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct mem_config conf = { .name = "mem", .mac = { 2, 0, 0, 0, 0, (uint8_t)i }, .mtu = 5, .n_gids = 1,
					   .max_qps = 8, .max_mrs = 8, .qpn_base = 17 + 1000 * i };

		lab_gid(&lab->gid[i], 0x0a630001 + i);
		conf.gids[0] = lab->gid[i];
		CU_ASSERT_EQUAL_FATAL(mem_create(&lab->dev[i], lab->fabric, &conf), 0);
	}
}

/* ---- requests ------------------------------------------------------------------ */

static bool ended;

static void on_done(struct rd_req *req)
{
	ended = true;
}

int lab_do(struct rd_dev *dev, struct rd_req *req)
{
	ended = false;
	req->done = on_done;
	req->rc = 1;
	rd_submit(dev, req);
	CU_ASSERT_FALSE(ended);
	for (unsigned i = 0; i < 10 && !ended; i++)
		rd_progress(dev, 1);
	CU_ASSERT_TRUE_FATAL(ended);
	return req->rc;
}

void lab_steps(struct lab *lab, unsigned n)
{
	while (n-- > 0)
		lab->step(lab);
}

unsigned lab_poll(struct lab *lab, unsigned i, struct rd_wc *wc, unsigned n)
{
	unsigned got = 0;

	for (unsigned tries = 0; tries < 200 && got < n; tries++) {
		lab->step(lab);
		got += rd_poll(lab->dev[i], wc + got, n - got);
	}
	return got;
}

/* ---- pairs ---------------------------------------------------------------------- */

static void end_open(struct lab_pair *p, unsigned i)
{
	struct lab_end *e = &p->end[i];
	struct rd_req pd = { .op = RD_REQ_PD_ALLOC };
	struct rd_req mr = { .op = RD_REQ_MR_REG, .len = LAB_MEM,
			     .access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE | RD_ACCESS_REMOTE_READ };
	struct rd_req qp = { .op = RD_REQ_QP_CREATE };

	e->dev = p->lab->dev[i];
	e->psn = 0xfffffc + i;
	e->mem = calloc(1, LAB_MEM);
	CU_ASSERT_EQUAL_FATAL(lab_do(e->dev, &pd), 0);
	e->pd = pd.pd;
	mr.pd = pd.pd;
	mr.addr = e->mem;
	CU_ASSERT_EQUAL_FATAL(lab_do(e->dev, &mr), 0);
	e->mr = mr.mr;
	qp.init = (struct rd_qp_init){ .pd = e->pd, .user = e, .send_wr = LAB_DEPTH, .recv_wr = LAB_DEPTH,
				       .access = RD_ACCESS_REMOTE_WRITE | RD_ACCESS_REMOTE_READ };
	CU_ASSERT_EQUAL_FATAL(lab_do(e->dev, &qp), 0);
	e->qp = qp.qp;
}

void pair_open(struct lab_pair *p, struct lab *lab)
{
	memset(p, 0, sizeof(*p));
	p->lab = lab;
	end_open(p, 0);
	end_open(p, 1);
}

void pair_attr(const struct lab_pair *p, unsigned i, struct rd_qp_attr *attr)
{
	*attr = (struct rd_qp_attr){
		.local = p->lab->gid[i], .remote = p->lab->gid[!i], .remote_qpn = rd_qp_num(p->end[!i].qp),
		.path = p->lab,
		.rq_psn = p->end[!i].psn, .sq_psn = p->end[i].psn, .mtu = p->mtu != 0 ? p->mtu : 3,
		.timeout = p->timeout != 0 ? p->timeout : 14, .retry = 7,
		.rnr_retry = 7, .min_rnr_timer = 5, .hop_limit = 64,
	};
}

void pair_rtr(struct lab_pair *p, unsigned i)
{
	struct rd_req req = { .op = RD_REQ_QP_RTR, .qp = p->end[i].qp };

	pair_attr(p, i, &req.attr);
	CU_ASSERT_EQUAL_FATAL(lab_do(p->end[i].dev, &req), 0);
}

void pair_rts(struct lab_pair *p, unsigned i)
{
	struct rd_req req = { .op = RD_REQ_QP_RTS, .qp = p->end[i].qp };

	pair_attr(p, i, &req.attr);
	CU_ASSERT_EQUAL_FATAL(lab_do(p->end[i].dev, &req), 0);
}

void pair_connect(struct lab_pair *p, struct lab *lab)
{
	pair_open(p, lab);
	for (unsigned i = 0; i < 2; i++)
		pair_rtr(p, i);
	for (unsigned i = 0; i < 2; i++)
		pair_rts(p, i);
}

void pair_close(struct lab_pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		struct lab_end *e = &p->end[i];
		struct rd_req qp = { .op = RD_REQ_QP_DESTROY, .qp = e->qp };
		struct rd_req mr = { .op = RD_REQ_MR_DEREG, .mr = e->mr };
		struct rd_req pd = { .op = RD_REQ_PD_FREE, .pd = e->pd };
		struct rd_info info;

		if (e->qp != NULL)
			CU_ASSERT_EQUAL(lab_do(e->dev, &qp), 0);
		if (e->mr != NULL)
			CU_ASSERT_EQUAL(lab_do(e->dev, &mr), 0);
		CU_ASSERT_EQUAL(lab_do(e->dev, &pd), 0);
		free(e->mem);
		if (p->shared)
			continue;
		rd_query(e->dev, &info);
		CU_ASSERT_EQUAL(info.qps, 0);
		CU_ASSERT_EQUAL(info.mrs, 0);
		CU_ASSERT_EQUAL(info.pds, 0);
	}
}

int pair_recv(struct lab_pair *p, unsigned i, uint64_t cookie, uint32_t offset, uint32_t len)
{
	struct lab_end *e = &p->end[i];
	struct rd_recv r = { .cookie = cookie, .n_sge = 1,
			     .sge = { { .addr = e->mem + offset, .len = len, .lkey = rd_mr_lkey(e->mr) } } };

	return rd_post_recv(e->qp, &r, 1);
}

int pair_send(struct lab_pair *p, unsigned i, uint64_t cookie, uint32_t offset, uint32_t len, uint8_t flags)
{
	struct lab_end *e = &p->end[i];
	struct rd_wr wr = { .cookie = cookie, .op = RD_OP_SEND, .flags = flags, .n_sge = 1,
			    .sge = { { .addr = e->mem + offset, .len = len, .lkey = rd_mr_lkey(e->mr) } } };

	return rd_post_send(e->qp, &wr, 1);
}

int pair_write(struct lab_pair *p, unsigned i, uint64_t cookie, uint32_t offset, uint32_t len, uint32_t to,
	       uint8_t flags)
{
	struct lab_end *e = &p->end[i];
	const struct rd_mr *peer = p->end[!i].mr;
	struct rd_wr wr = { .cookie = cookie, .op = RD_OP_WRITE, .flags = flags, .n_sge = 1,
			    .rkey = rd_mr_rkey(peer), .raddr = rd_mr_addr(peer) + to,
			    .sge = { { .addr = e->mem + offset, .len = len, .lkey = rd_mr_lkey(e->mr) } } };

	return rd_post_send(e->qp, &wr, 1);
}
