/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers and their keys, ours and the peer's. */
#include <errno.h>

#include "tests/unit/smc_link/fixture.h"

static struct smc_buf *get(struct lf *f, uint32_t size, bool remote)
{
	struct smc_buf *b = NULL;
	struct lf_wait w;

	CU_ASSERT_EQUAL_FATAL(smc_buf_get(f->lgr, size, remote, lf_wait(&w), &b), 0);
	CU_ASSERT_EQUAL(w.calls, 0);
	lf_settle(f);
	LF_ENDED(w, 0);
	return b;
}

static bool all_zero(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void answer(struct lf *f, uint8_t type, struct llc_msg *msg)
{
	struct llc_msg rsp;

	lf_expect(f, &f->peer, type, false, msg);
	llc_respond(msg, &rsp);
	lf_send_llc(f, &f->peer, &rsp);
}

/* Told to the peer, who takes it. */
static void announce(struct lf *f, struct smc_buf *b)
{
	struct llc_msg msg;
	struct lf_wait w;

	smc_llc_confirm_rkey(f->l, b, lf_wait(&w));
	answer(f, LLC_CONFIRM_RKEY, &msg);
	LF_ENDED(w, 0);
	CU_ASSERT(b->announced);
}

/* ---- sizes, limits ------------------------------------------------------------- */

static void smc_size_code__table(void)
{
	static const struct { uint32_t size; uint8_t code; } t[] = {
		{ 0, 0 }, { 1, 0 }, { 16384, 0 }, { 16385, 1 }, { 65536, 2 }, { 65537, 3 }, { 4u << 20, 8 },
		{ (4u << 20) + 1, 8 }, { UINT32_MAX, 8 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++)
		CU_ASSERT_EQUAL(smc_size_code(t[i].size), t[i].code);
}

static void smc_buf_get__kinds(void)
{
	struct smc_buf *snd, *rmb;
	struct rd_info before, with;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	rd_query(f.us, &before);
	snd = get(&f, 100000, false);
	rmb = get(&f, 16384, true);
	rd_query(f.us, &with);
	CU_ASSERT_EQUAL(with.mrs, before.mrs + 2);
	CU_ASSERT_EQUAL(snd->size, 131072);
	CU_ASSERT_EQUAL(rmb->size, 16384);
	CU_ASSERT_EQUAL(snd->mr->access & RD_ACCESS_REMOTE_WRITE, 0);
	CU_ASSERT_EQUAL(rmb->mr->access, RD_ACCESS_REMOTE_WRITE | RD_ACCESS_LOCAL_WRITE);
	CU_ASSERT_EQUAL(f.lgr->sndbuf_bytes, 131072);
	CU_ASSERT_EQUAL(f.lgr->rmb_bytes, 16384);
	CU_ASSERT_EQUAL(f.lgr->peer->buf_bytes, 16384);
	smc_buf_put(snd);
	smc_buf_put(rmb);
	LF_NONE(&f, &f.peer);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	CU_ASSERT_EQUAL(f.lgr->sndbuf_bytes + f.lgr->rmb_bytes, 0);
	lf_fini(&f);
}

/* Smaller ones when there is no memory, then none. */
static void smc_buf_get__downgrade(void)
{
	struct smc_buf *b[64];
	struct lf_wait w;
	unsigned n;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (n = 0; n < 64 && smc_buf_get(f.lgr, 4u << 20, n & 1, lf_wait(&w), &b[n]) == 0; n++) {
		lf_settle(&f);
		LF_ENDED(w, 0);
	}
	CU_ASSERT(n > 2 && n < 64);
	CU_ASSERT_EQUAL(b[0]->size, 4u << 20);
	CU_ASSERT_EQUAL(b[n - 1]->size, 16384);
	CU_ASSERT_EQUAL(f.ss.stats.refused_memory, 1);
	CU_ASSERT_EQUAL(f.ss.stats.rx.downgrade + f.ss.stats.tx.downgrade, n - 1);
	CU_ASSERT_EQUAL(smc_mem_free_bytes(f.ss.mem), 0);
	while (n-- > 0)
		smc_buf_put(b[n]);
	lf_settle(&f);
	lf_fini(&f);
}

static void quota(struct smc_config *conf)
{
	conf->buf_bytes_per_peer = 100000;
}

static void smc_buf_get__quota(void)
{
	struct smc_buf *a, *b, *c, *none;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, quota);
	lf_first_contact(&f, SMC_SERVER);
	a = get(&f, 65536, true);
	b = get(&f, 65536, true);
	CU_ASSERT_EQUAL(a->size, 65536);
	CU_ASSERT_EQUAL(b->size, 32768);
	CU_ASSERT_EQUAL(smc_buf_get(f.lgr, 16384, true, lf_wait(&w), &none), SMC_RSN_MEM);
	CU_ASSERT_PTR_NULL(none);
	c = get(&f, 1 << 20, false);
	CU_ASSERT_EQUAL(c->size, 1 << 20);
	smc_buf_put(b);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.lgr->peer->buf_bytes, 65536);
	b = get(&f, 65536, true);
	smc_buf_put(a);
	smc_buf_put(b);
	smc_buf_put(c);
	lf_fini(&f);
}

static void smc_buf_get__not_registered(void)
{
	struct smc_buf *b = NULL;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	mem_fail_request(f.us, RD_REQ_MR_REG, 1, -ENOSPC);
	CU_ASSERT_EQUAL(smc_buf_get(f.lgr, 16384, true, lf_wait(&w), &b), 0);
	lf_settle(&f);
	LF_ENDED(w, SMC_RSN_ERR_REGBUF);
	smc_llc_confirm_rkey(f.l, b, lf_wait(&w));
	lf_settle(&f);
	LF_ENDED(w, SMC_RSN_ERR_REGBUF);
	smc_buf_put(b);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

/* ---- put -------------------------------------------------------------------------- */

static void smc_buf_put__while_registering(void)
{
	struct smc_buf *b;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	CU_ASSERT_EQUAL(smc_buf_get(f.lgr, 16384, true, lf_wait(&w), &b), 0);
	smc_buf_put(b);
	lf_settle(&f);
	CU_ASSERT_EQUAL(w.calls, 0);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

/* Item 66: the key first, then the region; scrubbed before anybody has it again. */
static void smc_buf_put__withdrawn_then_scrubbed(void)
{
	struct smc_buf *b, *next;
	struct llc_msg msg, rsp;
	uint8_t *base;
	uint32_t rkey;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	b = get(&f, 16384, true);
	announce(&f, b);
	base = b->base;
	rkey = rd_mr_rkey(b->mr);
	memset(b->base, 0xa5, b->size);
	smc_buf_put(b);
	lf_expect(&f, &f.peer, LLC_DELETE_RKEY, false, &msg);
	CU_ASSERT_EQUAL(msg.delete_rkey.n_keys, 1);
	CU_ASSERT_EQUAL(msg.delete_rkey.rkeys[0], rkey);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	CU_ASSERT_EQUAL(base[0], 0xa5);
	next = get(&f, 16384, true);
	CU_ASSERT_PTR_NOT_EQUAL(next->base, base);
	/* Item 71: Linux's v2 response leaves the keys out. */
	llc_respond(&msg, &rsp);
	rsp.delete_rkey.rkeys[0] = 0;
	lf_send_llc(&f, &f.peer, &rsp);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	smc_buf_put(next);
	lf_settle(&f);
	CU_ASSERT(all_zero(base, 16384));
	b = get(&f, 16384, true);
	CU_ASSERT_NOT_EQUAL(rd_mr_rkey(b->mr), rkey);
	smc_buf_put(b);
	lf_fini(&f);
}

/* Not answered, or answered with no: it ends all the same. */
static void smc_buf_put__peer_does_not_care(void)
{
	for (unsigned refuse = 0; refuse < 2; refuse++) {
		struct llc_msg msg, rsp;
		struct smc_buf *b;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_SERVER);
		b = get(&f, 16384, true);
		announce(&f, b);
		smc_buf_put(b);
		lf_expect(&f, &f.peer, LLC_DELETE_RKEY, false, &msg);
		if (refuse) {
			llc_refuse_rkey(&msg, 1, &rsp);
			lf_send_llc(&f, &f.peer, &rsp);
		} else {
			lf_advance(&f, 1999000);
			CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
			lf_advance(&f, 2000);
		}
		CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
		CU_ASSERT_EQUAL(f.ss.stats.llc_timeouts, !refuse);
		f.peer.n_msgs = 0;
		lf_fini(&f);
	}
}

/* Buffers of smc_take() hold the memory, not the region and not the group. */
static void smc_buf_unref__last(void)
{
	struct smc_buf *b;
	struct rd_info info;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	b = get(&f, 16384, true);
	for (unsigned i = 0; i < 300; i++)
		smc_buf_ref(b);
	b->base[0] = 1;
	smc_buf_put(b);
	lf_settle(&f);
	smc_lgr_leave(f.lgr->conns);
	smc_lgr_end(f.lgr, LLC_DEL_NONE, false);
	lf_advance(&f, 100000);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.mrs, 0);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	CU_ASSERT_EQUAL(b->base[0], 1);
	for (unsigned i = 0; i < 300; i++)
		smc_buf_unref(b);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

static void dear_query(const struct rd_dev *dev, struct rd_info *out);
static const struct rd_ops *plain_ops;

static void dear_query(const struct rd_dev *dev, struct rd_info *out)
{
	plain_ops->query(dev, out);
	out->cheap_rkey = false;
}

/* A device whose keys are dear: regions stay in the group, scrubbed. */
static void smc_buf_put__keys_are_dear(void)
{
	struct smc_buf *b, *again;
	struct rd_ops ops;
	struct llc_msg msg;
	struct rd_mr *mr;
	struct lf f;

	lf_init(&f, NULL);
	plain_ops = f.us->ops;
	ops = *plain_ops;
	ops.query = dear_query;
	f.us->ops = &ops;
	lf_first_contact(&f, SMC_SERVER);
	b = get(&f, 16384, true);
	mr = b->mr;
	announce(&f, b);
	memset(b->base, 0xa5, b->size);
	smc_buf_put(b);
	CU_ASSERT_EQUAL(f.lgr->priv->n_rmbs, 1);
	answer(&f, LLC_DELETE_RKEY, &msg);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	CU_ASSERT_EQUAL(f.lgr->priv->n_rmbs, 0);
	again = get(&f, 10, true);
	CU_ASSERT_PTR_EQUAL(again, b);
	CU_ASSERT_PTR_EQUAL(again->mr, mr);
	CU_ASSERT(all_zero(again->base, again->size));
	CU_ASSERT(!again->announced);
	CU_ASSERT_EQUAL(f.ss.stats.rx.reuse, 1);
	CU_ASSERT_EQUAL(f.lgr->priv->n_rmbs, 1);
	CU_ASSERT_EQUAL(f.lgr->rmb_bytes, 16384);
	smc_buf_put(again);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	CU_ASSERT_EQUAL(f.lgr->rmb_bytes, 0);
	f.us->ops = plain_ops;
	lf_fini(&f);
}

/* ---- CONFIRM RKEY, ours ---------------------------------------------------------------- */

static void smc_llc_confirm_rkey__contents(void)
{
	struct llc_msg msg, rsp;
	struct smc_buf *b;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	b = get(&f, 16384, true);
	smc_llc_confirm_rkey(f.l, b, lf_wait(&w));
	CU_ASSERT_EQUAL(w.calls, 0);
	lf_expect(&f, &f.peer, LLC_CONFIRM_RKEY, false, &msg);
	CU_ASSERT_EQUAL(msg.confirm_rkey.n_other, 0);
	CU_ASSERT_EQUAL(msg.confirm_rkey.rkey, rd_mr_rkey(b->mr));
	CU_ASSERT_EQUAL(msg.confirm_rkey.addr, rd_mr_addr(b->mr));
	llc_refuse_rkey(&msg, 0, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	LF_ENDED(w, SMC_RSN_ERR_REGBUF);
	CU_ASSERT_EQUAL(f.lgr->llc->flow, SMC_FLOW_NONE);
	smc_buf_put(b);
	answer(&f, LLC_DELETE_RKEY, &msg);
	lf_fini(&f);
}

/* Item 47: of many only one is out, whatever they are; in the order asked. */
static void smc_llc_confirm_rkey__one_at_a_time(void)
{
	enum { N = 5 };
	struct smc_buf *b[N], *old;
	struct lf_wait w[N];
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_CLIENT);
	old = get(&f, 16384, true);
	announce(&f, old);
	for (unsigned i = 0; i < N; i++)
		b[i] = get(&f, 16384, true);
	for (unsigned i = 0; i < N; i++)
		smc_llc_confirm_rkey(f.l, b[i], lf_wait(&w[i]));
	smc_buf_put(old);
	lf_settle(&f);
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(f.peer.n_msgs, 1);
		CU_ASSERT_EQUAL(w[i].calls, 0);
		answer(&f, LLC_CONFIRM_RKEY, &msg);
		CU_ASSERT_EQUAL(msg.confirm_rkey.rkey, rd_mr_rkey(b[i]->mr));
		LF_ENDED(w[i], 0);
	}
	answer(&f, LLC_DELETE_RKEY, &msg);
	LF_NONE(&f, &f.peer);
	for (unsigned i = 0; i < N; i++)
		smc_buf_put(b[i]);
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(f.peer.n_msgs, i == 0 ? 0 : 1);
		answer(&f, LLC_DELETE_RKEY, &msg);
	}
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

/* Silence: all who wait are told, no new connection comes, the link is tested. */
static void smc_llc_confirm_rkey__silence(void)
{
	struct smc_buf *a, *b;
	struct lf_wait wa, wb;
	struct llc_msg first, msg, rsp;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	a = get(&f, 16384, true);
	b = get(&f, 16384, true);
	smc_llc_confirm_rkey(f.l, a, lf_wait(&wa));
	smc_llc_confirm_rkey(f.l, b, lf_wait(&wb));
	lf_expect(&f, &f.peer, LLC_CONFIRM_RKEY, false, &first);
	CU_ASSERT_PTR_NOT_NULL(smc_lgr_find(&f.ss, lf_peer_id, &lf_gid_them, &lf_addr_them, 2));
	lf_advance(&f, 2000100);
	LF_ENDED(wa, SMC_RSN_ERR_REGBUF);
	LF_ENDED(wb, SMC_RSN_ERR_REGBUF);
	CU_ASSERT_PTR_NULL(smc_lgr_find(&f.ss, lf_peer_id, &lf_gid_them, &lf_addr_them, 2));
	lf_expect(&f, &f.peer, LLC_TEST_LINK, false, &msg);
	/* It lives. The late answer is for nobody. */
	llc_respond(&msg, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	llc_respond(&first, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 1);
	CU_ASSERT_PTR_NOT_NULL(smc_lgr_find(&f.ss, lf_peer_id, &lf_gid_them, &lf_addr_them, 2));
	/* Of the first the peer may know; of the second it was never told. */
	smc_buf_put(b);
	LF_NONE(&f, &f.peer);
	smc_buf_put(a);
	answer(&f, LLC_DELETE_RKEY, &msg);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

/* A late answer to an earlier request does not end a later one. */
static void smc_llc_confirm_rkey__late_answer(void)
{
	struct smc_buf *a, *b;
	struct lf_wait wa, wb;
	struct llc_msg first, second, rsp;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	a = get(&f, 16384, true);
	b = get(&f, 16384, true);
	smc_llc_confirm_rkey(f.l, a, lf_wait(&wa));
	lf_expect(&f, &f.peer, LLC_CONFIRM_RKEY, false, &first);
	lf_advance(&f, 2000100);
	f.peer.n_msgs = 0;
	smc_llc_confirm_rkey(f.l, b, lf_wait(&wb));
	lf_expect(&f, &f.peer, LLC_CONFIRM_RKEY, false, &second);
	llc_respond(&first, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	CU_ASSERT_EQUAL(wb.calls, 0);
	llc_respond(&second, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	LF_ENDED(wb, 0);
	smc_buf_put(a);
	smc_buf_put(b);
	lf_settle(&f);
	f.peer.n_msgs = 0;
	lf_advance(&f, 4100000);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

/* Put at every step of being told: queued (never said), under way (withdrawn
 * once answered). The waiter hears nothing. */
static void smc_llc_confirm_rkey__put_meanwhile(void)
{
	struct smc_buf *a, *b;
	struct lf_wait wa, wb;
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	a = get(&f, 16384, true);
	b = get(&f, 16384, true);
	smc_llc_confirm_rkey(f.l, a, lf_wait(&wa));
	smc_llc_confirm_rkey(f.l, b, lf_wait(&wb));
	smc_buf_put(b);
	smc_buf_put(a);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	answer(&f, LLC_CONFIRM_RKEY, &msg);
	answer(&f, LLC_DELETE_RKEY, &msg);
	lf_settle(&f);
	CU_ASSERT_EQUAL(wa.calls + wb.calls, 0);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

/* The link goes meanwhile: who waits is told once, nothing stays. */
static void smc_llc_confirm_rkey__link_lost(void)
{
	struct rd_info info, after;
	struct smc_buf *b[3];
	struct lf_wait w[2];
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (unsigned i = 0; i < 3; i++)
		b[i] = get(&f, 16384, true);
	announce(&f, b[2]);
	smc_llc_confirm_rkey(f.l, b[0], lf_wait(&w[0]));
	smc_llc_confirm_rkey(f.l, b[1], lf_wait(&w[1]));
	smc_buf_put(b[2]);
	lf_expect(&f, &f.peer, LLC_CONFIRM_RKEY, false, &msg);
	smc_lgr_end(f.lgr, LLC_DEL_NONE, false);
	lf_settle(&f);
	LF_ENDED(w[0], SMC_RSN_ERR_REGBUF);
	LF_ENDED(w[1], SMC_RSN_ERR_REGBUF);
	/* The queue pair may still read and write them: regions stay as long as it does. */
	rd_query(f.us, &info);
	smc_buf_put(b[0]);
	smc_buf_put(b[1]);
	lf_settle(&f);
	CU_ASSERT_EQUAL(info.qps, 1);
	rd_query(f.us, &after);
	CU_ASSERT_EQUAL(after.mrs, info.mrs);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 3);
	lf_advance(&f, 100000);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
	lf_fini(&f);
}

/* A client has the link deleted meanwhile: the same, at once. */
static void smc_llc_confirm_rkey__link_deleted(void)
{
	struct smc_buf *b;
	struct lf_wait w;
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	b = get(&f, 16384, true);
	smc_llc_confirm_rkey(f.l, b, lf_wait(&w));
	lf_expect(&f, &f.peer, LLC_CONFIRM_RKEY, false, &msg);
	lf_msg(LLC_DELETE_LINK, &msg);
	msg.delete_link.link_id = 1;
	lf_send_llc(&f, &f.peer, &msg);
	LF_ENDED(w, SMC_RSN_ERR_REGBUF);
	lf_expect(&f, &f.peer, LLC_DELETE_LINK, false, &msg);
	smc_buf_put(b);
	LF_NONE(&f, &f.peer);
	lf_fini(&f);
}

/* Item 69: connections that come and go leave no key, no buffer, no memory. */
static void smc_buf_put__ten_thousand(void)
{
	struct llc_msg msg, rsp;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (unsigned i = 0; i < 10000; i++) {
		struct smc_conn *c = lf_join(&f, f.lgr);
		struct smc_buf *snd = get(&f, 65536, false), *rmb = get(&f, 65536, true);

		announce(&f, rmb);
		CU_ASSERT_EQUAL(smc_rkey_add(f.lgr, i, i), 0);
		smc_lgr_leave(c);
		smc_buf_put(snd);
		smc_buf_put(rmb);
		answer(&f, LLC_DELETE_RKEY, &msg);
		lf_msg(LLC_DELETE_RKEY, &msg);
		msg.delete_rkey.n_keys = 1;
		msg.delete_rkey.rkeys[0] = i;
		lf_send_llc(&f, &f.peer, &msg);
		lf_expect(&f, &f.peer, LLC_DELETE_RKEY, true, &rsp);
		if (f.ss.bufs.used != 0 || f.lgr->rkeys->n != 0 || f.ss.bufs.high > 2 || f.lgr->n_conns != 1)
			break;
	}
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	CU_ASSERT_EQUAL(f.ss.bufs.high, 2);
	CU_ASSERT_EQUAL(f.lgr->rkeys->n, 0);
	CU_ASSERT_EQUAL(f.lgr->n_conns, 1);
	CU_ASSERT_EQUAL(f.ss.stats.lgrs_created, 1);
	lf_fini(&f);
}

/* ---- the peer's keys --------------------------------------------------------------------- */

static void peer_confirms(struct lf *f, uint32_t rkey, uint8_t n_other, struct llc_msg *rsp)
{
	struct llc_msg msg;

	lf_msg(LLC_CONFIRM_RKEY, &msg);
	msg.confirm_rkey.rkey = rkey;
	msg.confirm_rkey.addr = 0x1000 * (uint64_t)rkey;
	msg.confirm_rkey.n_other = n_other;
	lf_send_llc(f, &f->peer, &msg);
	lf_expect(f, &f->peer, LLC_CONFIRM_RKEY, true, rsp);
	CU_ASSERT_EQUAL(rsp->confirm_rkey.rkey, rkey);
}

/* Item 39. */
static void smc_llc_peer_confirm_rkey__table(void)
{
	struct llc_msg rsp;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (unsigned i = 1; i <= 255; i++) {
		peer_confirms(&f, i, 0, &rsp);
		CU_ASSERT(!rsp.negative);
	}
	CU_ASSERT_EQUAL(f.lgr->rkeys->n, 255);
	CU_ASSERT_PTR_NULL(smc_lgr_find(&f.ss, lf_peer_id, &lf_gid_them, &lf_addr_them, 2));
	peer_confirms(&f, 7, 0, &rsp);
	CU_ASSERT(!rsp.negative);
	peer_confirms(&f, 256, 0, &rsp);
	CU_ASSERT(rsp.negative && rsp.retry);
	CU_ASSERT_EQUAL(f.lgr->rkeys->n, 255);
	CU_ASSERT_EQUAL(smc_rkey_del(f.lgr, 7), 0);
	peer_confirms(&f, 256, 3, &rsp);
	CU_ASSERT(rsp.negative);
	peer_confirms(&f, 256, 2, &rsp);
	CU_ASSERT(!rsp.negative);
	lf_fini(&f);
}

/* Item 40. */
static void smc_llc_peer_delete_rkey__table(void)
{
	static const struct { bool v2; uint8_t n; uint32_t keys[3]; bool negative; uint8_t err; } t[] = {
		{ true, 1, { 1 }, false, 0 }, { true, 1, { 9 }, true, 1 }, { true, 3, { 1, 8, 9 }, true, 2 },
		{ false, 1, { 1 }, false, 0 }, { false, 1, { 9 }, true, 0x80 }, { false, 3, { 9, 1, 8 }, true, 0xa0 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct llc_msg msg, rsp;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_SERVER);
		CU_ASSERT_EQUAL(smc_rkey_add(f.lgr, 1, 100), 0);
		CU_ASSERT_EQUAL(smc_rkey_add(f.lgr, 1, 100), 0);
		CU_ASSERT_EQUAL(smc_rkey_add(f.lgr, 2, 200), 0);
		CU_ASSERT_EQUAL(f.lgr->rkeys->n, 2);
		lf_msg(LLC_DELETE_RKEY, &msg);
		msg.v2 = t[i].v2;
		msg.delete_rkey.n_keys = t[i].n;
		memcpy(msg.delete_rkey.rkeys, t[i].keys, sizeof(t[i].keys));
		lf_send_llc(&f, &f.peer, &msg);
		lf_expect(&f, &f.peer, LLC_DELETE_RKEY, true, &rsp);
		CU_ASSERT_EQUAL(rsp.negative, t[i].negative);
		CU_ASSERT_EQUAL(rsp.delete_rkey.err, t[i].err);
		CU_ASSERT_EQUAL(rsp.delete_rkey.n_keys, t[i].n);
		CU_ASSERT_EQUAL(smc_rkey_del(f.lgr, 2), 0);
		lf_fini(&f);
	}
}

/* 255 keys in one message of 1028 octets, through the spill. */
static void smc_llc_peer_delete_rkey__long(void)
{
	struct llc_msg msg, rsp;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	lf_msg(LLC_DELETE_RKEY, &msg);
	msg.delete_rkey.n_keys = 255;
	for (unsigned i = 0; i < 255; i++) {
		msg.delete_rkey.rkeys[i] = 0x01000000 + i * 257;
		CU_ASSERT_EQUAL(smc_rkey_add(f.lgr, msg.delete_rkey.rkeys[i], i), 0);
	}
	lf_send_llc(&f, &f.peer, &msg);
	lf_expect(&f, &f.peer, LLC_DELETE_RKEY, true, &rsp);
	CU_ASSERT(!rsp.negative);
	CU_ASSERT_EQUAL(f.lgr->rkeys->n, 0);
	lf_fini(&f);
}

/* Item 71: both ask at once, both are answered. */
static void smc_llc_delete_rkey__crossing(void)
{
	struct llc_msg msg, req, rsp;
	struct smc_buf *b;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	b = get(&f, 16384, true);
	announce(&f, b);
	CU_ASSERT_EQUAL(smc_rkey_add(f.lgr, 5, 5), 0);
	smc_buf_put(b);
	lf_expect(&f, &f.peer, LLC_DELETE_RKEY, false, &req);
	lf_msg(LLC_DELETE_RKEY, &msg);
	msg.delete_rkey.n_keys = 1;
	msg.delete_rkey.rkeys[0] = 5;
	lf_send_llc(&f, &f.peer, &msg);
	lf_expect(&f, &f.peer, LLC_DELETE_RKEY, true, &rsp);
	CU_ASSERT(!rsp.negative);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 1);
	llc_respond(&req, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	CU_ASSERT_EQUAL(f.ss.bufs.used, 0);
	lf_fini(&f);
}

/* No keys are taken before the link is confirmed. */
static void smc_llc_peer_confirm_rkey__too_early(void)
{
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	f.lgr = lf_create(&f, SMC_SERVER);
	f.l = smc_lgr_link(f.lgr);
	lf_connect(&f, f.l, &f.peer);
	lf_msg(LLC_CONFIRM_RKEY, &msg);
	lf_send_llc(&f, &f.peer, &msg);
	LF_NONE(&f, &f.peer);
	CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 1);
	CU_ASSERT_EQUAL(f.lgr->rkeys->n, 0);
	smc_lgr_unhold(f.lgr);
	lf_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_size_code__table),
	TEST_CASE(smc_buf_get__kinds),
	TEST_CASE(smc_buf_get__downgrade),
	TEST_CASE(smc_buf_get__quota),
	TEST_CASE(smc_buf_get__not_registered),
	TEST_CASE(smc_buf_put__while_registering),
	TEST_CASE(smc_buf_put__withdrawn_then_scrubbed),
	TEST_CASE(smc_buf_put__peer_does_not_care),
	TEST_CASE(smc_buf_unref__last),
	TEST_CASE(smc_buf_put__keys_are_dear),
	TEST_CASE(smc_llc_confirm_rkey__contents),
	TEST_CASE(smc_llc_confirm_rkey__one_at_a_time),
	TEST_CASE(smc_llc_confirm_rkey__silence),
	TEST_CASE(smc_llc_confirm_rkey__late_answer),
	TEST_CASE(smc_llc_confirm_rkey__put_meanwhile),
	TEST_CASE(smc_llc_confirm_rkey__link_lost),
	TEST_CASE(smc_llc_confirm_rkey__link_deleted),
	TEST_CASE(smc_buf_put__ten_thousand),
	TEST_CASE(smc_llc_peer_confirm_rkey__table),
	TEST_CASE(smc_llc_peer_confirm_rkey__too_early),
	TEST_CASE(smc_llc_peer_delete_rkey__table),
	TEST_CASE(smc_llc_peer_delete_rkey__long),
	TEST_CASE(smc_llc_delete_rkey__crossing),
};
TEST_MAIN("smc_rmb", cases)
