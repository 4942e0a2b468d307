/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events in any order: groups in every state, buffers, posts, messages of the
 * peer that fit or do not, answers that come or do not, requests that fail,
 * ports that go, time that passes. Every wait ends once or was taken back, and
 * in the end nothing is left. SMC_LINK_SEED and SMC_LINK_STEPS choose others.
 */
#include <stdlib.h>

#include "tests/unit/smc_link/fixture.h"

#define GROUPS 5
#define BUFS 24

enum phase { NONE, CREATING, CREATED, CONNECTING, CONNECTED, CONFIRMING, UP };

struct rgroup {
	struct smc_lgr *lgr;     /* held while it is here */
	struct lf_peer *peer;
	uint8_t phase;
	struct lf_wait w;
	bool pending;            /* w is to end */
};

struct rbuf {
	struct smc_buf *b;
	struct lf_wait w;
	bool pending;
	unsigned taken;          /* references of smc_take() */
	bool put;
};

struct rworld {
	struct lf f;
	struct rgroup g[GROUPS];
	struct rbuf b[BUFS];
	uint64_t seed;
	bool stalled, port_down;
	unsigned up;             /* groups that became active, to see that the test does something */
};

static unsigned rnd(struct rworld *r, unsigned n)
{
	return (unsigned)(test_random(&r->seed) % n);
}

static bool ended(struct lf_wait *w, bool *pending)
{
	CU_ASSERT(w->calls <= 1);
	if (*pending && w->calls == 1)
		*pending = false;
	return !*pending;
}

/* ---- groups ------------------------------------------------------------------------ */

static void group_drop(struct rworld *r, struct rgroup *g)
{
	if (g->pending)
		smc_wait_cancel(&r->f.ss, &g->w.w);
	g->pending = false;
	smc_lgr_unhold(g->lgr);
	if (g->peer != NULL) {
		lf_peer_close(&r->f, g->peer);
		free(g->peer);
	}
	*g = (struct rgroup){ 0 };
}

static void group_create(struct rworld *r, struct rgroup *g)
{
	uint32_t reason = smc_lgr_create(&r->f.ss, (enum smc_role)rnd(r, 2), &r->f.ss.devs[0], lf_peer_id,
					 &lf_addr_them, &lf_gid_us, lf_wait(&g->w), &g->lgr);

	CU_ASSERT_EQUAL(reason != 0, g->lgr == NULL);
	if (reason == 0) {
		g->phase = CREATING;
		g->pending = true;
		g->lgr->terms.max_links = (uint8_t)(1 + rnd(r, 2));
	}
}

static void group_connect(struct rworld *r, struct rgroup *g)
{
	struct smc_link_peer them = { .gid = lf_gid_them, .psn = 0x654321, .mtu = 3 };
	struct smc_link *l = smc_lgr_link(g->lgr);

	if (l->qp == NULL) { /* ended meanwhile */
		group_drop(r, g);
		return;
	}
	g->peer = calloc(1, sizeof(*g->peer));
	lf_peer_open(&r->f, g->peer, l);
	them.qpn = rd_qp_num(g->peer->qp);
	if (rnd(r, 30) == 0)
		them.gid.b[15]++;
	smc_link_connect(l, &them, lf_wait(&g->w));
	g->phase = CONNECTING;
	g->pending = true;
}

/* Forward, as a handshake would go. */
static void group_step(struct rworld *r, struct rgroup *g)
{
	if (g->lgr == NULL) {
		group_create(r, g);
		return;
	}
	if (!ended(&g->w, &g->pending)) {
		if (rnd(r, 40) == 0)
			group_drop(r, g);
		return;
	}
	if ((g->phase == CREATING || g->phase == CONNECTING || g->phase == CONFIRMING) && g->w.reason != 0) {
		group_drop(r, g);
		return;
	}
	switch (g->phase) {
	case CREATING:
		group_connect(r, g);
		break;
	case CONNECTING:
		smc_link_confirm(smc_lgr_link(g->lgr), lf_wait(&g->w));
		g->phase = CONFIRMING;
		g->pending = true;
		break;
	case CONFIRMING:
		g->phase = UP;
		r->up++;
		break;
	default:
		if (rnd(r, g->lgr->state == SMC_LGR_DEAD ? 8 : 60) == 0)
			group_drop(r, g);
		break;
	}
}

static void group_event(struct rworld *r, struct rgroup *g)
{
	struct smc_link *l = g->lgr != NULL ? smc_lgr_link(g->lgr) : NULL;

	if (l == NULL)
		return;
	switch (rnd(r, 40)) {
	case 0:
		smc_lgr_end(g->lgr, rnd(r, 2) ? LLC_DEL_PROGRAM : LLC_DEL_NONE, rnd(r, 2));
		break;
	case 1:
		smc_lgr_stale(g->lgr);
		break;
	case 2:
		smc_link_down(l);
		break;
	case 3:
		smc_lgr_terminate(&r->f.ss, g->lgr->id);
		break;
	case 4:
		smc_link_test(l);
		break;
	default:
		smc_lgr_hold(g->lgr);
		smc_lgr_unhold(g->lgr);
		break;
	}
}

/* ---- connections and buffers --------------------------------------------------------- */

static void conn_event(struct rworld *r)
{
	struct smc_conn *c = &r->f.conns[rnd(r, 60)];
	struct rgroup *g = &r->g[rnd(r, GROUPS)];
	uint8_t cdc[CDC_LEN] = { CDC_TYPE, CDC_LEN };
	struct rd_wr send;

	if (c->lgr != NULL && rnd(r, 6) == 0) {
		smc_lgr_leave(c);
	} else if (c->lgr != NULL) {
		smc_link_post(c->link, c, &send, 0, cdc, &(struct smc_cursor){ 0 }, 1);
	} else if (g->lgr != NULL && smc_lgr_alive(g->lgr) && c->refs[SMC_REF_WR] == 0) {
		memset(c, 0, sizeof(*c));
		smc_lgr_join(g->lgr, smc_lgr_link(g->lgr), c);
	}
}

static void buf_put(struct rworld *r, struct rbuf *rb)
{
	if (!rb->put)
		smc_buf_put(rb->b);
	rb->put = true;
	rb->pending = false;
	if (rb->taken == 0)
		rb->b = NULL;
}

static void buf_event(struct rworld *r)
{
	struct rbuf *rb = &r->b[rnd(r, BUFS)];
	struct rgroup *g = &r->g[rnd(r, GROUPS)];

	if (rb->b == NULL) {
		if (g->lgr == NULL)
			return;
		*rb = (struct rbuf){ 0 };
		rb->pending = smc_buf_get(g->lgr, 1u << (10 + rnd(r, 10)), rnd(r, 2), lf_wait(&rb->w), &rb->b) == 0;
		return;
	}
	if (rb->put || rnd(r, 5) == 0) {
		buf_put(r, rb);
		while (rb->taken > 0 && rnd(r, 2)) {
			struct smc_buf *b = rb->b;

			if (--rb->taken == 0)
				rb->b = NULL;
			smc_buf_unref(b);
		}
		return;
	}
	if (!ended(&rb->w, &rb->pending))
		return;
	if (rnd(r, 3) == 0) {
		smc_buf_ref(rb->b);
		rb->taken++;
	} else if (rb->b->remote && rb->b->lgr != NULL && !rb->b->announced) {
		smc_llc_confirm_rkey(smc_lgr_link(rb->b->lgr), rb->b, lf_wait(&rb->w));
		rb->pending = true;
	}
}

/* ---- the peer --------------------------------------------------------------------------- */

static void peer_post(struct rgroup *g, const uint8_t *buf, uint32_t len)
{
	struct rd_wr wr = { .op = RD_OP_SEND, .flags = RD_F_SIGNAL | RD_F_INLINE, .n_sge = 1,
			    .sge = { { (void *)(uintptr_t)buf, len, 0 } } };

	rd_post_send(g->peer->qp, &wr, 1);
}

static void peer_llc(struct rgroup *g, const struct llc_msg *msg)
{
	uint8_t buf[RD_INLINE_MAX];
	int len = llc_encode(msg, buf, sizeof(buf));

	if (len > 0)
		peer_post(g, buf, (uint32_t)len);
}

static void peer_answers(struct rworld *r, struct rgroup *g)
{
	struct lf_peer *p = g->peer;
	struct llc_msg msg, rsp;

	if (p->n_msgs == 0)
		return;
	if (!cdc_is(p->msgs[0].b) && llc_decode(p->msgs[0].b, p->msgs[0].len, &msg) == 0 && !msg.resp &&
	    rnd(r, 8) != 0) {
		llc_respond(&msg, &rsp);
		if (msg.type == LLC_ADD_LINK)
			llc_reject(&msg, &rsp);
		if (msg.type == LLC_CONFIRM_RKEY && rnd(r, 10) == 0)
			llc_refuse_rkey(&msg, 0, &rsp);
		peer_llc(g, &rsp);
	}
	memmove(&p->msgs[0], &p->msgs[1], sizeof(p->msgs[0]) * --p->n_msgs);
}

static void peer_speaks(struct rworld *r, struct rgroup *g)
{
	static const uint8_t types[] = { LLC_CONFIRM_LINK, LLC_ADD_LINK, LLC_REQ_ADD_LINK, LLC_CONFIRM_RKEY,
					 LLC_TEST_LINK, LLC_DELETE_RKEY, LLC_CONFIRM_LINK };
	uint8_t raw[44];
	struct llc_msg msg;

	if (rnd(r, 4) == 0) {
		for (unsigned i = 0; i < sizeof(raw); i++)
			raw[i] = (uint8_t)rnd(r, 256);
		raw[0] = (uint8_t)(0x20 | rnd(r, 10));
		/* DELETE LINK would end all too soon. */
		peer_post(g, raw, raw[0] == 0x24 && rnd(r, 20) ? 43 : 44);
		return;
	}
	lf_msg(types[rnd(r, sizeof(types))], &msg);
	msg.resp = rnd(r, 4) == 0;
	if (msg.type == LLC_CONFIRM_LINK) {
		msg.confirm_link.link_id = 1;
		msg.confirm_link.no_eyecatcher = rnd(r, 20) != 0;
	} else if (msg.type == LLC_CONFIRM_RKEY) {
		msg.confirm_rkey.rkey = rnd(r, 400);
		msg.confirm_rkey.n_other = rnd(r, 20) == 0 ? 9 : 0;
	} else if (msg.type == LLC_DELETE_RKEY) {
		msg.delete_rkey.n_keys = 1;
		msg.delete_rkey.rkeys[0] = rnd(r, 400);
	}
	peer_llc(g, &msg);
}

static void peer_event(struct rworld *r)
{
	struct rgroup *g = &r->g[rnd(r, GROUPS)];

	if (g->peer == NULL)
		return;
	while (g->peer->n_msgs > LF_MSGS / 2)
		peer_answers(r, g);
	if (rnd(r, 3) != 0)
		peer_answers(r, g);
	else
		peer_speaks(r, g);
}

/* ---- the rest of the world -------------------------------------------------------------- */

static void fault(struct rworld *r)
{
	static const enum rd_req_op makers[] = { RD_REQ_PD_ALLOC, RD_REQ_MR_REG, RD_REQ_QP_CREATE, RD_REQ_QP_RTR,
						 RD_REQ_QP_RTS };

	switch (rnd(r, 12)) {
	case 0:
		mem_fail_request(r->f.us, makers[rnd(r, RTE_DIM(makers))], 1, rnd(r, 2) ? -ENOSPC : -EIO);
		break;
	case 1:
		r->port_down = !r->port_down;
		mem_port(r->f.us, !r->port_down);
		break;
	case 2:
		r->stalled = !r->stalled;
		mem_stall(r->f.us, r->stalled);
		break;
	case 3:
		smc_dev_enable(&r->f.ss, 0, rnd(r, 2));
		break;
	default:
		if (r->stalled && rnd(r, 2)) {
			r->stalled = false;
			mem_stall(r->f.us, false);
		}
		if (r->port_down && rnd(r, 2)) {
			r->port_down = false;
			mem_port(r->f.us, true);
		}
		smc_dev_enable(&r->f.ss, 0, true);
		break;
	}
}

static void drain_peers(struct rworld *r)
{
	for (unsigned i = 0; i < GROUPS; i++) {
		struct lf_peer *p = r->g[i].peer;

		while (p != NULL && p->n_msgs > LF_MSGS / 2)
			peer_answers(r, &r->g[i]);
	}
}

static void time_passes(struct rworld *r)
{
	static const uint64_t us[] = { 10, 1000, 5000, 100000, 500000, 2000000, 11000000 };

	r->f.now_us += us[rnd(r, rnd(r, 10) == 0 ? RTE_DIM(us) : 4)];
	wheel_advance(&r->f.wheel, r->f.now_us, 1000);
}

static void step(struct rworld *r)
{
	switch (rnd(r, 16)) {
	case 0: case 1: case 2: group_step(r, &r->g[rnd(r, GROUPS)]); break;
	case 3: case 4: case 5: conn_event(r); break;
	case 6: case 7: case 8: buf_event(r); break;
	case 9: case 10: case 11: peer_event(r); break;
	case 12: time_passes(r); break;
	case 13: if (rnd(r, 8) == 0) group_event(r, &r->g[rnd(r, GROUPS)]); break;
	case 14: if (rnd(r, 8) == 0) fault(r); break;
	default: break;
	}
	if (rnd(r, 3) != 0)
		lf_turn(&r->f);
	drain_peers(r);
}

static void finish(struct rworld *r)
{
	mem_stall(r->f.us, false);
	for (unsigned i = 0; i < BUFS; i++) {
		struct rbuf *rb = &r->b[i];

		CU_ASSERT(rb->w.calls <= 1);
		while (rb->b != NULL && rb->taken > 0) {
			rb->taken--;
			smc_buf_unref(rb->b);
		}
		if (rb->b != NULL && !rb->put)
			smc_buf_put(rb->b);
	}
	for (unsigned i = 0; i < GROUPS; i++) {
		CU_ASSERT(r->g[i].w.calls <= 1);
		if (r->g[i].lgr != NULL)
			group_drop(r, &r->g[i]);
	}
}

static void run(uint64_t seed, unsigned steps)
{
	struct rworld *r = calloc(1, sizeof(*r));

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	r->seed = seed;
	lf_init(&r->f, NULL);
	for (unsigned i = 0; i < steps; i++)
		step(r);
	finish(r);
	lf_fini(&r->f);
	if (steps >= 10000)
		CU_ASSERT(r->up > 5);
	free(r);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s != NULL ? strtoull(s, NULL, 0) : otherwise;
}

static void smc_links__any_order(void)
{
	uint64_t seed = number("SMC_LINK_SEED", 0);
	unsigned steps = (unsigned)number("SMC_LINK_STEPS", 10000);

	if (seed != 0) {
		run(seed, steps);
		return;
	}
	for (seed = 1; seed <= 8; seed++)
		run(seed * 7919, steps);
	/* Short ones end in more different states. */
	for (seed = 100; seed < 400; seed++)
		run(seed, 60 + (unsigned)seed % 200);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_links__any_order),
};
TEST_MAIN("smc_link_random", cases)
