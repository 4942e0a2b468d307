/* SPDX-License-Identifier: BSD-3-Clause */
/* Control slots: what is posted, how many, who waits, what loss does. */
#include <errno.h>

#include "tests/unit/smc_link/fixture.h"

#define SLOTS 16
#define FOR_CONNS (SLOTS - SMC_LLC_RESERVE)

static struct smc_buf *send_buf(struct lf *f)
{
	struct smc_buf *b = NULL;
	struct lf_wait w;

	CU_ASSERT_EQUAL_FATAL(smc_buf_get(f->lgr, 1, false, lf_wait(&w), &b), 0);
	lf_settle(f);
	LF_ENDED(w, 0);
	return b;
}

static int post(struct lf *f, struct smc_conn *c, uint16_t seq)
{
	uint8_t cdc[CDC_LEN];
	struct cdc_msg msg = { .seq = seq, .token = 1 };
	struct rd_wr send;

	cdc_encode(&msg, cdc);
	return smc_link_post(f->l, c, &send, 0, cdc, &(struct smc_cursor){ .count = seq }, seq);
}

/* Item 51: two writes, then the message, which finds them in place. */
static void smc_link_post__writes_and_cdc(void)
{
	uint8_t cdc[CDC_LEN];
	struct cdc_msg msg = { .seq = 7, .token = 3 }, got;
	struct rd_wr wr[SMC_POST_WRITES + 1];
	struct smc_buf *b;
	struct smc_conn *c;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	c = f.lgr->conns;
	b = send_buf(&f);
	memcpy(b->base, "tailhead", 8);
	for (unsigned i = 0; i < 2; i++)
		wr[i] = (struct rd_wr){ .n_sge = 1, .rkey = rd_mr_rkey(f.peer.mr),
					.raddr = rd_mr_addr(f.peer.mr) + offsetof(struct lf_peer, ring) +
						 (i ? 0 : SMC_BUF_MIN - 4),
					.sge = { { b->base + 4 * i, 4, rd_mr_lkey(b->mr) } } };
	cdc_encode(&msg, cdc);
	CU_ASSERT_EQUAL(smc_link_post(f.l, c, wr, 2, cdc, &(struct smc_cursor){ 1, 8 }, 7), 0);
	CU_ASSERT_EQUAL(c->refs[SMC_REF_WR], 1);
	CU_ASSERT_EQUAL(f.l->slots_used, 1);
	lf_settle(&f);
	CU_ASSERT(memcmp(f.peer.ring + SMC_BUF_MIN - 4, "tail", 4) == 0);
	CU_ASSERT(memcmp(f.peer.ring, "head", 4) == 0);
	CU_ASSERT_EQUAL_FATAL(f.peer.n_msgs, 1);
	CU_ASSERT_EQUAL(cdc_decode(f.peer.msgs[0].b, f.peer.msgs[0].len, &got), 0);
	CU_ASSERT_EQUAL(got.seq, 7);
	CU_ASSERT_EQUAL(lf_seen.sent, 1);
	CU_ASSERT_EQUAL(c->fin.count, 8);
	CU_ASSERT_EQUAL(f.l->slots_used, 0);
	CU_ASSERT_EQUAL(smc_link_post(f.l, c, wr, 3, cdc, &(struct smc_cursor){ 0 }, 8), -ENOLINK);
	smc_buf_put(b);
	lf_fini(&f);
}

/* Item 48: a peer that takes nothing gets 14 of connections, and LLC goes on. */
static void smc_link_post__slots_run_out(void)
{
	struct llc_msg msg;
	struct smc_conn *c;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	c = f.lgr->conns;
	mem_stall(f.us, true);
	for (uint16_t i = 0; i < FOR_CONNS; i++)
		CU_ASSERT_EQUAL(post(&f, c, i), 0);
	CU_ASSERT_EQUAL(post(&f, c, 99), -EAGAIN);
	CU_ASSERT(c->in_wait);
	CU_ASSERT_EQUAL(post(&f, c, 99), -EAGAIN);
	CU_ASSERT_EQUAL(f.l->waits, 1);
	smc_llc_new(f.l, LLC_TEST_LINK, &msg);
	for (unsigned i = 0; i < SMC_LLC_RESERVE + SMC_LLC_QUEUE; i++)
		CU_ASSERT_EQUAL(smc_llc_send(f.l, &msg), 0);
	CU_ASSERT_EQUAL(f.l->slots_used, SLOTS);
	CU_ASSERT_EQUAL(smc_llc_send(f.l, &msg), -ENOBUFS);
	CU_ASSERT_EQUAL(f.ss.stats.llc_dropped, 1);
	mem_stall(f.us, false);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.peer.n_msgs, FOR_CONNS + SMC_LLC_RESERVE + SMC_LLC_QUEUE);
	CU_ASSERT_EQUAL(f.l->slots_used, 0);
	CU_ASSERT_EQUAL(lf_seen.sent, FOR_CONNS);
	CU_ASSERT_EQUAL(lf_seen.scheduled, 1);
	CU_ASSERT(!c->in_wait);
	CU_ASSERT_EQUAL(post(&f, c, 99), 0);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

static void smc_link_post__not_active(void)
{
	struct smc_lgr *lgr;
	struct smc_conn *c;
	struct lf f;

	lf_init(&f, NULL);
	lgr = lf_create(&f, SMC_SERVER);
	f.l = smc_lgr_link(lgr);
	c = lf_join(&f, lgr);
	CU_ASSERT_EQUAL(post(&f, c, 1), -ENOLINK);
	CU_ASSERT_EQUAL(c->refs[SMC_REF_WR], 0);
	smc_lgr_unhold(lgr);
	lf_fini(&f);
}

/* More that always want to post than there are slots, served in the order of
 * the stack's list, the greedy first: all come to their turn. */
static void smc_link_post__fair(void)
{
	enum { N = 40, TURNS = 400 };
	struct smc_conn *c[N];
	unsigned posts[N] = { 0 }, min = UINT32_MAX, max = 0;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	c[0] = f.lgr->conns;
	for (unsigned i = 1; i < N; i++)
		c[i] = lf_join(&f, f.lgr);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		for (unsigned i = 0; i < N; i++) {
			if (!c[i]->in_wait)
				posts[i] += post(&f, c[i], (uint16_t)turn) == 0;
		}
		lf_turn(&f);
		f.peer.n_msgs = 0;
	}
	for (unsigned i = 0; i < N; i++) {
		min = RTE_MIN(min, posts[i]);
		max = RTE_MAX(max, posts[i]);
	}
	CU_ASSERT(min > 0);
	/* Who asks first in each turn waits one turn less of three. */
	CU_ASSERT(max <= min + min / 2 + 1);
	lf_settle(&f);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

/* A promise to one that does not use it is void in the next turn. */
static void smc_link_post__unused_promise(void)
{
	struct smc_conn *a, *b;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	a = f.lgr->conns;
	mem_stall(f.us, true);
	for (uint16_t i = 0; i < FOR_CONNS; i++)
		CU_ASSERT_EQUAL(post(&f, a, i), 0);
	for (unsigned i = 0; i < FOR_CONNS; i++)
		CU_ASSERT_EQUAL(post(&f, lf_join(&f, f.lgr), 1), -EAGAIN);
	b = lf_join(&f, f.lgr);
	mem_stall(f.us, false);
	while (f.l->slots_used != 0)
		lf_turn(&f);
	CU_ASSERT_EQUAL(lf_seen.scheduled, FOR_CONNS);
	CU_ASSERT_EQUAL(post(&f, b, 1), -EAGAIN);
	lf_turn(&f);
	CU_ASSERT_EQUAL(post(&f, b, 1), 0);
	lf_settle(&f);
	CU_ASSERT(!b->in_wait);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

/* Leaves from the front, the middle and the end of those waiting. */
static void smc_link_unwait__order(void)
{
	struct smc_conn *c[4];
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	mem_stall(f.us, true);
	for (uint16_t i = 0; i < FOR_CONNS; i++)
		CU_ASSERT_EQUAL(post(&f, f.lgr->conns, i), 0);
	for (unsigned i = 0; i < 4; i++) {
		c[i] = lf_join(&f, f.lgr);
		CU_ASSERT_EQUAL(post(&f, c[i], 1), -EAGAIN);
	}
	smc_link_unwait(c[1]);
	smc_link_unwait(c[1]);
	smc_lgr_leave(c[3]);
	smc_link_unwait(c[0]);
	CU_ASSERT_PTR_EQUAL(f.l->wait_head, c[2]);
	CU_ASSERT_EQUAL(post(&f, c[0], 1), -EAGAIN);
	CU_ASSERT_PTR_EQUAL(c[2]->wait_next, c[0]);
	smc_link_unwait(c[2]);
	smc_link_unwait(c[0]);
	CU_ASSERT_PTR_NULL(f.l->wait_head);
	CU_ASSERT(!wheel_armed(&f.l->priv->stuck.t));
	mem_stall(f.us, false);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.scheduled, 0);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

/* 5.8: no slot for 10 s. */
static void smc_link_post__stuck(void)
{
	struct smc_conn *c;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	c = f.lgr->conns;
	mem_stall(f.us, true);
	for (uint16_t i = 0; i <= FOR_CONNS; i++)
		post(&f, c, i);
	lf_advance(&f, 9990000);
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	lf_advance(&f, 20000);
	CU_ASSERT_EQUAL(lf_seen.lost, 1);
	CU_ASSERT_EQUAL(f.ss.stats.links_lost, 1);
	mem_stall(f.us, false);
	lf_advance(&f, 100000);
	CU_ASSERT_EQUAL(lf_seen.sent, FOR_CONNS);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

/* A slot every few seconds is not much, and enough. */
static void smc_link_post__slow_is_not_stuck(void)
{
	struct smc_conn *c, *other;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	c = f.lgr->conns;
	other = lf_join(&f, f.lgr);
	for (unsigned round = 0; round < 4; round++) {
		mem_stall(f.us, true);
		while (post(&f, c, 1) == 0)
			;
		CU_ASSERT_EQUAL(post(&f, other, 1), -EAGAIN);
		lf_advance(&f, 6000000);
		mem_stall(f.us, false);
		lf_settle(&f);
		CU_ASSERT(!other->in_wait);
		CU_ASSERT(!wheel_armed(&f.l->priv->stuck.t));
		f.peer.n_msgs = 0;
	}
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	CU_ASSERT_EQUAL(f.ss.stats.links_lost, 0);
	lf_fini(&f);
}

/* A write with a key the peer does not know: all that is under way comes back
 * as lost, each once, and the group ends. */
static void smc_wr_done__error(void)
{
	uint8_t cdc[CDC_LEN] = { CDC_TYPE, CDC_LEN };
	struct smc_conn *c;
	struct smc_buf *b;
	struct rd_wr wr[SMC_POST_WRITES + 1];
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	c = f.lgr->conns;
	b = send_buf(&f);
	wr[0] = (struct rd_wr){ .n_sge = 1, .rkey = rd_mr_rkey(f.peer.mr) ^ 1, .raddr = rd_mr_addr(f.peer.mr),
				.sge = { { b->base, 4, rd_mr_lkey(b->mr) } } };
	CU_ASSERT_EQUAL(smc_link_post(f.l, c, wr, 1, cdc, &(struct smc_cursor){ 0 }, 1), 0);
	CU_ASSERT_EQUAL(post(&f, c, 2), 0);
	CU_ASSERT_EQUAL(post(&f, lf_join(&f, f.lgr), 2), 0);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.sent, 3);
	CU_ASSERT_EQUAL(lf_seen.sent_bad, 3);
	CU_ASSERT_EQUAL(lf_seen.lost, 2);
	CU_ASSERT_EQUAL(f.ss.stats.links_lost, 1);
	smc_buf_put(b);
	lf_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_link_post__writes_and_cdc),
	TEST_CASE(smc_link_post__slots_run_out),
	TEST_CASE(smc_link_post__not_active),
	TEST_CASE(smc_link_post__fair),
	TEST_CASE(smc_link_post__unused_promise),
	TEST_CASE(smc_link_unwait__order),
	TEST_CASE(smc_link_post__stuck),
	TEST_CASE(smc_link_post__slow_is_not_stuck),
	TEST_CASE(smc_wr_done__error),
};
TEST_MAIN("smc_wr", cases)
