/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups: found, made, used, ended. */
#include <errno.h>
#include <stdlib.h>

#include "proto/smc/mem.h"
#include "tests/unit/smc_link/fixture.h"

static struct smc_lgr *find(struct lf *f)
{
	return smc_lgr_find(&f->ss, lf_peer_id, &lf_gid_them, &lf_addr_them, 2);
}

/* ---- found ----------------------------------------------------------------------- */

/* RFC 7609 3.1, the server's rules: one thing wrong at a time. */
static void smc_lgr_find__rules(void)
{
	enum { SAME, PEER_ID, GID, ADDR, VERSION, CLIENT, STALE, FULL, KEYS, SUSPECT, DEVICE, STOPPING, ENDING, END };

	for (unsigned wrong = SAME; wrong < END; wrong++) {
		uint8_t peer_id[8];
		struct rd_gid gid = lf_gid_them;
		struct net_addr addr = lf_addr_them;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, wrong == CLIENT ? SMC_CLIENT : SMC_SERVER);
		memcpy(peer_id, lf_peer_id, 8);
		peer_id[0] ^= wrong == PEER_ID;
		gid.b[15] ^= wrong == GID;
		addr.b[15] ^= wrong == ADDR;
		if (wrong == STALE)
			smc_lgr_stale(f.lgr);
		if (wrong == FULL)
			f.lgr->terms.max_conns = 1;
		if (wrong == KEYS)
			f.lgr->rkeys->n = SMC_RKEYS_MAX;
		f.lgr->priv->suspect = wrong == SUSPECT;
		f.ss.devs[0].enabled = wrong != DEVICE;
		f.ss.stopping = wrong == STOPPING;
		if (wrong == ENDING)
			smc_lgr_end(f.lgr, LLC_DEL_PROGRAM, true);
		CU_ASSERT_PTR_EQUAL(smc_lgr_find(&f.ss, peer_id, &gid, &addr, wrong == VERSION ? 1 : 2),
				    wrong == SAME ? f.lgr : NULL);
		f.lgr->rkeys->n = 0;
		lf_settle(&f);
		f.peer.n_msgs = 0;
		lf_fini(&f);
	}
}

/* The client's, items 26, 27. */
static void smc_lgr_find_accept__rules(void)
{
	enum { SAME, PEER_ID, GID, QPN, ADDR, VERSION, SERVER, STALE, END };
	static const uint32_t reasons[END] = {
		[PEER_ID] = SMC_RSN_SYNCERR, [GID] = SMC_RSN_NOSRVLINK, [QPN] = SMC_RSN_NOSRVLINK,
		[ADDR] = SMC_RSN_SYNCERR, [VERSION] = SMC_RSN_SYNCERR, [SERVER] = SMC_RSN_SYNCERR,
		[STALE] = SMC_RSN_SYNCERR,
	};

	for (unsigned wrong = SAME; wrong < END; wrong++) {
		struct net_addr addr = lf_addr_them;
		struct clc_accept a = { .version = wrong == VERSION ? 1 : 2 };
		struct smc_link *l;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, wrong == SERVER ? SMC_SERVER : SMC_CLIENT);
		memcpy(a.peer_id, lf_peer_id, 8);
		memcpy(a.gid, lf_gid_them.b, 16);
		a.qpn = f.l->peer.qpn + (wrong == QPN);
		a.psn = 0x111111; /* item 74: whatever it is */
		a.peer_id[7] ^= wrong == PEER_ID;
		a.gid[15] ^= wrong == GID;
		addr.b[15] ^= wrong == ADDR;
		if (wrong == STALE)
			smc_lgr_stale(f.lgr);
		CU_ASSERT_EQUAL(smc_lgr_find_accept(&f.ss, &a, &addr, &l), reasons[wrong]);
		CU_ASSERT_PTR_EQUAL(l, wrong == SAME ? f.l : NULL);
		f.peer.n_msgs = 0;
		lf_fini(&f);
	}
}

static struct smc_lgr *another(struct lf *f, struct lf_peer *p)
{
	struct smc_lgr *lgr = lf_create(f, SMC_SERVER);
	struct smc_link *l = smc_lgr_link(lgr);
	struct llc_msg msg, rsp;
	struct lf_wait w;

	lgr->terms.max_links = 1;
	lf_connect(f, l, p);
	lf_join(f, lgr);
	smc_link_confirm(l, lf_wait(&w));
	lf_advance(f, 1000);
	lf_expect(f, p, LLC_CONFIRM_LINK, false, &msg);
	llc_respond(&msg, &rsp);
	lf_send_llc(f, p, &rsp);
	LF_ENDED(w, 0);
	smc_lgr_unhold(lgr);
	return lgr;
}

/* Item 37: 300 connections are two groups. */
static void smc_lgr_find__300(void)
{
	struct lf_peer *p = calloc(1, sizeof(*p));
	struct smc_lgr *second = NULL;
	unsigned made = 1;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (unsigned i = 1; i < 300; i++) {
		struct smc_lgr *lgr = find(&f);

		if (lgr != NULL) {
			lf_join(&f, lgr);
			continue;
		}
		CU_ASSERT_EQUAL(i, 255);
		second = another(&f, p);
		made++;
	}
	CU_ASSERT_EQUAL(made, 2);
	CU_ASSERT_EQUAL(f.lgr->n_conns, 255);
	CU_ASSERT_EQUAL(second->n_conns, 45);
	CU_ASSERT_EQUAL(second->id, f.lgr->id + 256);
	smc_lgr_leave(f.lgr->conns);
	CU_ASSERT_PTR_NOT_NULL(find(&f));
	lf_peer_close(&f, p);
	free(p);
	lf_settle(&f);
	lf_fini(&f);
}

/* ---- made ---------------------------------------------------------------------------- */

static uint32_t create(struct lf *f, struct lf_wait *w, struct smc_lgr **lgr)
{
	return smc_lgr_create(&f->ss, SMC_SERVER, &f->ss.devs[0], lf_peer_id, &lf_addr_them, &lf_gid_us, lf_wait(w),
			      lgr);
}

static void two_in_all(struct smc_config *conf) { conf->lgrs_max = 2; }
static void two_a_peer(struct smc_config *conf) { conf->lgrs_per_peer = 2; }

static void smc_lgr_create__limits(void)
{
	void (*const tweaks[])(struct smc_config *conf) = { two_in_all, two_a_peer };

	for (unsigned i = 0; i < RTE_DIM(tweaks); i++) {
		struct smc_lgr *a, *b, *c;
		struct lf_wait w;
		struct lf f;

		lf_init(&f, tweaks[i]);
		a = lf_create(&f, SMC_SERVER);
		b = lf_create(&f, SMC_CLIENT);
		CU_ASSERT_EQUAL(create(&f, &w, &c), SMC_RSN_OWN_LIMIT);
		CU_ASSERT_PTR_NULL(c);
		CU_ASSERT_EQUAL(f.ss.stats.refused_quota, 1);
		smc_lgr_unhold(a);
		lf_advance(&f, 1000);
		c = lf_create(&f, SMC_SERVER);
		smc_lgr_unhold(b);
		smc_lgr_unhold(c);
		lf_settle(&f);
		CU_ASSERT_EQUAL(w.calls, 0);
		lf_fini(&f);
	}
}

/* Asked at the SYN, of the peer alone: while a group more may be made there is room, then
 * in those there are. */
static void smc_lgr_room__rules(void)
{
	struct lf f;

	lf_init(&f, two_a_peer);
	CU_ASSERT(smc_lgr_room(&f.ss, SMC_SERVER, NULL));
	lf_first_contact(&f, SMC_SERVER);
	CU_ASSERT(smc_lgr_room(&f.ss, SMC_CLIENT, f.lgr->peer));
	f.ss.conf.lgrs_per_peer = 1;
	CU_ASSERT(smc_lgr_room(&f.ss, SMC_SERVER, f.lgr->peer));
	CU_ASSERT_FALSE(smc_lgr_room(&f.ss, SMC_CLIENT, f.lgr->peer));
	f.lgr->terms.max_conns = 1;
	CU_ASSERT_FALSE(smc_lgr_room(&f.ss, SMC_SERVER, f.lgr->peer));
	f.lgr->terms.max_conns = 2;
	smc_lgr_stale(f.lgr);
	CU_ASSERT_FALSE(smc_lgr_room(&f.ss, SMC_SERVER, f.lgr->peer));
	f.ss.conf.lgrs_per_peer = 2;
	f.ss.conf.lgrs_max = 1;
	CU_ASSERT_FALSE(smc_lgr_room(&f.ss, SMC_SERVER, f.lgr->peer));
	CU_ASSERT_FALSE(smc_lgr_room(&f.ss, SMC_SERVER, NULL));
	lf_fini(&f);
}

static void no_quota(struct smc_config *conf) { conf->buf_bytes_per_peer = SMC_BUF_MIN - 1; }
static void quota_of_one(struct smc_config *conf) { conf->buf_bytes_per_peer = SMC_BUF_MIN; }

/* Where no connection would get its rings, nothing of a first contact is made. */
static void smc_lgr_create__no_room_for_rings(void)
{
	struct smc_lgr *a, *b;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, no_quota);
	CU_ASSERT_EQUAL(create(&f, &w, &a), SMC_RSN_MEM);
	CU_ASSERT_PTR_NULL(a);
	CU_ASSERT_EQUAL(f.ss.stats.refused_memory, 1);
	CU_ASSERT_EQUAL(f.ss.stats.lgrs_created, 0);
	CU_ASSERT_EQUAL(lf_seen.peers, 0);
	lf_fini(&f);

	lf_init(&f, quota_of_one);
	a = lf_create(&f, SMC_SERVER);
	a->peer->buf_bytes += SMC_BUF_MIN; /* as if a connection had its ring */
	CU_ASSERT_EQUAL(create(&f, &w, &b), SMC_RSN_MEM);
	a->peer->buf_bytes -= SMC_BUF_MIN;
	b = lf_create(&f, SMC_SERVER);
	smc_lgr_unhold(a);
	smc_lgr_unhold(b);
	lf_settle(&f);
	lf_fini(&f);
}

static void smc_lgr_create__memory_used_up(void)
{
	void *blocks[1024];
	struct smc_lgr *lgr;
	struct lf_wait w;
	unsigned n = 0;
	struct lf f;

	lf_init(&f, NULL);
	while (n < RTE_DIM(blocks) && smc_mem_free_bytes(f.ss.mem) > 2 * SMC_BUF_MIN)
		blocks[n++] = smc_mem_alloc(f.ss.mem, 0);
	CU_ASSERT_EQUAL(create(&f, &w, &lgr), SMC_RSN_MEM);
	smc_mem_free(f.ss.mem, blocks[--n], 0);
	lgr = lf_create(&f, SMC_SERVER);
	smc_lgr_unhold(lgr);
	while (n > 0)
		smc_mem_free(f.ss.mem, blocks[--n], 0);
	lf_settle(&f);
	lf_fini(&f);
}

static void smc_lgr_create__refused(void)
{
	struct smc_lgr *lgr;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	lf_seen.no_peer = true;
	CU_ASSERT_EQUAL(create(&f, &w, &lgr), SMC_RSN_MEM);
	lf_seen.no_peer = false;
	f.ss.devs[0].enabled = false;
	CU_ASSERT_EQUAL(create(&f, &w, &lgr), SMC_RSN_NOSMCDEV);
	f.ss.devs[0].enabled = true;
	f.ss.stopping = true;
	CU_ASSERT_EQUAL(create(&f, &w, &lgr), SMC_RSN_OWN_LIMIT);
	CU_ASSERT_EQUAL(lf_seen.peers, 0);
	lf_fini(&f);
}

/* Each request fails in turn; also connecting. Nothing stays. */
static void smc_lgr_create__faults(void)
{
	static const struct { enum rd_req_op op; int rc; uint32_t reason; } t[] = {
		{ RD_REQ_PD_ALLOC, -ENOSPC, SMC_RSN_MEM }, { RD_REQ_PD_ALLOC, -EIO, SMC_RSN_NOSMCDEV },
		{ RD_REQ_MR_REG, -ENOMEM, SMC_RSN_MEM }, { RD_REQ_QP_CREATE, -ENOSPC, SMC_RSN_MEM },
		{ RD_REQ_QP_CREATE, -EIO, SMC_RSN_NOSMCDEV },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct smc_lgr *lgr;
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		mem_fail_request(f.us, t[i].op, 1, t[i].rc);
		CU_ASSERT_EQUAL(create(&f, &w, &lgr), 0);
		lf_settle(&f);
		LF_ENDED(w, t[i].reason);
		CU_ASSERT_EQUAL(f.ss.lgrs.used, 1);
		smc_lgr_unhold(lgr);
		lf_settle(&f);
		CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
		lf_fini(&f);
	}
}

static void smc_lgr_create__no_memory(void)
{
	struct smc_lgr *lgr;
	struct lf_wait w;
	void *b[2];
	struct lf f;

	lf_init(&f, NULL);
	CU_ASSERT_EQUAL(create(&f, &w, &lgr), 0);
	b[0] = smc_mem_alloc(f.ss.mem, 8); /* just when there was enough */
	b[1] = smc_mem_alloc(f.ss.mem, 8);
	lf_settle(&f);
	LF_ENDED(w, SMC_RSN_MEM);
	smc_lgr_unhold(lgr);
	smc_mem_free(f.ss.mem, b[0], 8);
	smc_mem_free(f.ss.mem, b[1], 8);
	lf_fini(&f);
}

/* The handshake gives up after any number of steps: the wait is not told, all
 * goes once what is under way has ended. */
static void smc_lgr_unhold__while_creating(void)
{
	for (unsigned steps = 0; steps < 5; steps++) {
		struct smc_lgr *lgr;
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		CU_ASSERT_EQUAL(create(&f, &w, &lgr), 0);
		for (unsigned i = 0; i < steps; i++)
			rd_progress(f.us, 1);
		smc_wait_cancel(&f.ss, &w.w);
		smc_lgr_unhold(lgr);
		lf_settle(&f);
		CU_ASSERT_EQUAL(w.calls, 0);
		CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
		lf_fini(&f);
	}
}

static void smc_wait_cancel__ended_not_told(void)
{
	struct smc_lgr *lgr;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	CU_ASSERT_EQUAL(create(&f, &w, &lgr), 0);
	rd_progress(f.us, 16);
	CU_ASSERT_PTR_EQUAL(f.ss.ready_head, &w.w);
	smc_wait_cancel(&f.ss, &w.w);
	smc_wait_cancel(&f.ss, &w.w);
	CU_ASSERT_PTR_NULL(f.ss.ready_head);
	lf_settle(&f);
	CU_ASSERT_EQUAL(w.calls, 0);
	smc_lgr_unhold(lgr);
	lf_fini(&f);
}

/* Taken back from the front, the middle and the end of those that ended. */
static void smc_wait_cancel__order(void)
{
	struct lf_wait w[4];
	struct lf f;

	for (unsigned gone = 0; gone < 3; gone++) {
		lf_init(&f, NULL);
		for (unsigned i = 0; i < 3; i++)
			smc_wait_ready(&f.ss, lf_wait(&w[i]), i);
		smc_wait_cancel(&f.ss, &w[gone].w);
		smc_wait_ready(&f.ss, lf_wait(&w[3]), 3);
		lf_turn(&f);
		for (unsigned i = 0; i < 4; i++)
			CU_ASSERT_EQUAL(w[i].calls, i != gone);
		lf_fini(&f);
	}
}

/* ---- connected ------------------------------------------------------------------------- */

static void smc_link_connect__peer_refused(void)
{
	static const struct { struct smc_link_peer p; unsigned unbound; } t[] = {
		{ { .gid = { { [10] = 0xff, 0xff, 10, 0, 0, 3 } }, .qpn = 1, .mtu = 3 }, 1 },
		{ { .gid = { { [0] = 0xfe, 0x80 } }, .qpn = 1, .mtu = 3 }, 1 },
		{ { .gid = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, .qpn = 0, .mtu = 3 }, 0 },
		{ { .gid = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, .qpn = 1 << 24, .mtu = 3 }, 0 },
		{ { .gid = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, .qpn = 1, .psn = 1 << 24, .mtu = 3 }, 0 },
		{ { .gid = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, .qpn = 1, .mtu = 0 }, 0 },
		{ { .gid = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, .qpn = 1, .mtu = 6 }, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		f.lgr = lf_create(&f, SMC_SERVER);
		f.l = smc_lgr_link(f.lgr);
		smc_link_connect(f.l, &t[i].p, lf_wait(&w));
		CU_ASSERT_EQUAL(w.calls, 0);
		lf_settle(&f);
		LF_ENDED(w, SMC_RSN_ERR_RDYLNK);
		CU_ASSERT_EQUAL(f.ss.stats.gid_unbound, t[i].unbound);
		CU_ASSERT_EQUAL(rd_qp_state(f.l->qp), RD_QP_INIT);
		smc_lgr_unhold(f.lgr);
		lf_fini(&f);
	}
}

static const struct rd_ops *plain_ops;
static struct rd_qp_attr seen_attr;

static void noting_submit(struct rd_dev *dev, struct rd_req *req)
{
	if (req->op == RD_REQ_QP_RTR)
		seen_attr = req->attr;
	plain_ops->submit(dev, req);
}

/* What goes to the queue pair; a path only where packets are ours. */
static void smc_link_connect__attributes(void)
{
	for (unsigned path = 0; path < 2; path++) {
		struct rd_ops ops;
		struct lf f;

		lf_init(&f, NULL);
		plain_ops = f.us->ops;
		ops = *plain_ops;
		ops.submit = noting_submit;
		f.us->ops = &ops;
		f.ss.devs[0].has_path = path;
		lf_first_contact(&f, SMC_SERVER);
		CU_ASSERT_PTR_EQUAL(seen_attr.path, path ? (void *)&f.l->path : NULL);
		CU_ASSERT_EQUAL(lf_seen.paths, path);
		CU_ASSERT_EQUAL(seen_attr.hop_limit, 1);
		CU_ASSERT_EQUAL(seen_attr.mtu, 3);
		CU_ASSERT_EQUAL(seen_attr.sq_psn, f.l->psn);
		CU_ASSERT_EQUAL(seen_attr.rq_psn, f.l->peer.psn);
		CU_ASSERT_EQUAL(seen_attr.timeout, 15);
		CU_ASSERT_EQUAL(seen_attr.rnr_retry, 7);
		CU_ASSERT_EQUAL(seen_attr.min_rnr_timer, 5);
		f.us->ops = plain_ops;
		lf_fini(&f);
	}
}

static void smc_link_connect__no_route(void)
{
	struct smc_link_peer p = { .gid = lf_gid_them, .qpn = 1, .mtu = 3 };
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	f.lgr = lf_create(&f, SMC_SERVER);
	f.ss.devs[0].has_path = true;
	lf_seen.no_route = true;
	smc_link_connect(smc_lgr_link(f.lgr), &p, lf_wait(&w));
	lf_settle(&f);
	LF_ENDED(w, SMC_RSN_NOROUTE);
	smc_lgr_unhold(f.lgr);
	lf_fini(&f);
}

static void smc_link_connect__faults(void)
{
	static const enum rd_req_op ops[] = { RD_REQ_QP_RTR, RD_REQ_QP_RTS };

	for (unsigned i = 0; i < RTE_DIM(ops); i++) {
		struct smc_link_peer p = { .gid = lf_gid_them, .qpn = 1, .mtu = 3 };
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		f.lgr = lf_create(&f, SMC_SERVER);
		f.ss.devs[0].has_path = true;
		mem_fail_request(f.us, ops[i], 1, -EINVAL);
		smc_link_connect(smc_lgr_link(f.lgr), &p, lf_wait(&w));
		lf_settle(&f);
		LF_ENDED(w, SMC_RSN_ERR_RDYLNK);
		smc_lgr_unhold(f.lgr);
		lf_fini(&f);
	}
}

/* ---- idle, ended --------------------------------------------------------------------------- */

/* Item 49. */
static void smc_lgr_leave__idle(void)
{
	for (enum smc_role role = SMC_CLIENT; role <= SMC_SERVER; role++) {
		uint64_t us = role == SMC_SERVER ? 600000000 : 610000000;
		struct smc_lgr_info info;
		uint64_t cursor = 0;
		struct llc_msg msg;
		struct lf f;

		lf_init(&f, NULL);
		f.ss.conf.testlink_ms = 0;
		lf_first_contact(&f, role);
		lf_advance(&f, 2000000);
		smc_lgr_leave(f.lgr->conns);
		CU_ASSERT_EQUAL(smc_lgr_list(&f.ss, &cursor, &info, 1), 1);
		CU_ASSERT_EQUAL(info.idle_left_us, us);
		lf_advance(&f, us - 1000);
		LF_NONE(&f, &f.peer);
		/* One more comes and goes: the time begins anew. */
		smc_lgr_leave(lf_join(&f, f.lgr));
		lf_advance(&f, us - 1000);
		LF_NONE(&f, &f.peer);
		lf_advance(&f, 2000);
		CU_ASSERT_EQUAL(f.peer.msgs[0].b[3], 0x60);
		lf_expect(&f, &f.peer, LLC_DELETE_LINK, false, &msg);
		CU_ASSERT_EQUAL(msg.delete_link.reason, LLC_DEL_PROGRAM);
		CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
		CU_ASSERT_EQUAL(lf_seen.lost, 0);
		lf_fini(&f);
	}
}

static void smc_lgr_stale__ends_with_the_last(void)
{
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	smc_lgr_stale(f.lgr);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	CU_ASSERT_EQUAL(f.lgr->n_conns, 1);
	smc_lgr_leave(f.lgr->conns);
	lf_expect(&f, &f.peer, LLC_DELETE_LINK, false, &msg);
	lf_fini(&f);
}

/* The peer is told first; nobody in the call; then its connections. */
static void smc_lgr_terminate__tells(void)
{
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	lf_join(&f, f.lgr);
	CU_ASSERT_EQUAL(smc_lgr_terminate(&f.ss, f.lgr->id + 1), -ENOENT);
	CU_ASSERT_EQUAL(smc_lgr_terminate(&f.ss, f.lgr->id), 0);
	CU_ASSERT_EQUAL(smc_lgr_terminate(&f.ss, f.lgr->id), -ENOENT);
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.lost, 2);
	lf_expect(&f, &f.peer, LLC_DELETE_LINK, false, &msg);
	CU_ASSERT(msg.all && !msg.orderly);
	CU_ASSERT_EQUAL(msg.delete_link.reason, LLC_DEL_OPERATOR);
	lf_fini(&f);
}

/* A peer that acknowledges nothing does not keep the group for ever. */
static void smc_lgr_end__nobody_listens(void)
{
	struct rd_info info;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (unsigned i = 0; i < LF_RX; i++) {
		static const uint8_t cdc[44] = { 0xfe };

		CU_ASSERT_EQUAL(smc_wr_llc(f.l, cdc, sizeof(cdc)), 0);
		f.peer.deaf = true;
		lf_settle(&f);
	}
	f.peer.n_msgs = 0;
	smc_lgr_end(f.lgr, LLC_DEL_PROGRAM, true);
	lf_advance(&f, 1900000);
	CU_ASSERT_EQUAL(lf_seen.lost, 1);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 1);
	lf_advance(&f, 200000);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 0);
	lf_fini(&f);
}

/* A holder keeps the object, not the queue pair. */
static void smc_lgr_hold__after_the_end(void)
{
	struct rd_info info;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	smc_lgr_hold(f.lgr);
	smc_link_down(f.l);
	lf_advance(&f, 100000);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 0);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 1);
	CU_ASSERT_EQUAL(f.lgr->state, SMC_LGR_DEAD);
	smc_lgr_unhold(f.lgr);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
	lf_fini(&f);
}

/* The stack goes while all is under way: no done() is called, nothing is left
 * at the device. */
static void smc_link_fini__in_the_middle(void)
{
	for (unsigned steps = 0; steps < 4; steps++) {
		struct lf_wait w[3];
		struct smc_lgr *lgr;
		struct smc_buf *b[2];
		struct rd_info info;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_SERVER);
		CU_ASSERT_EQUAL(create(&f, &w[0], &lgr), 0);
		for (unsigned i = 0; i < 2; i++)
			CU_ASSERT_EQUAL(smc_buf_get(f.lgr, 16384, i, lf_wait(&w[1 + i]), &b[i]), 0);
		for (unsigned i = 0; i < steps; i++)
			rd_progress(f.us, 2);
		f.conns[0].lgr = NULL; /* smc_conn_fini() was before */
		f.conns[0].link = NULL;
		lf_peer_close(&f, &f.peer);
		smc_link_fini(&f.ss);
		CU_ASSERT_EQUAL(w[0].calls + w[1].calls + w[2].calls, 0);
		CU_ASSERT_EQUAL(lf_seen.peers, 0);
		rd_query(f.us, &info);
		CU_ASSERT_EQUAL(info.qps + info.mrs + info.pds, 0);
		rd_close(f.us);
		rd_close(f.them);
		mem_fabric_destroy(f.fabric);
		free(f.arena);
	}
}

/* ---- looking ------------------------------------------------------------------------------------ */

static void smc_lgr_list__while_they_go(void)
{
	struct smc_lgr *lgr[4];
	struct smc_lgr_info info;
	struct smc_link_info link;
	uint64_t cursor = 0, at = 0;
	struct lf f;

	lf_init(&f, NULL);
	for (unsigned i = 0; i < 4; i++)
		lgr[i] = lf_create(&f, SMC_SERVER);
	CU_ASSERT_EQUAL(smc_lgr_list(&f.ss, &cursor, &info, 1), 1);
	CU_ASSERT_EQUAL(info.id, 1024);
	CU_ASSERT_STRING_EQUAL(info.state, "CREATING");
	CU_ASSERT_STRING_EQUAL(info.type, "NONE");
	smc_lgr_unhold(lgr[3]);
	smc_lgr_unhold(lgr[2]);
	lf_advance(&f, 1000);
	CU_ASSERT_EQUAL(smc_lgr_list(&f.ss, &cursor, &info, 1), 1);
	CU_ASSERT_EQUAL(info.id, 512);
	CU_ASSERT_EQUAL(smc_link_list(&f.ss, &at, &link, 1), 1);
	CU_ASSERT_EQUAL(link.lgr_id, 512);
	CU_ASSERT_EQUAL(link.qp.state, RD_QP_INIT);
	CU_ASSERT_EQUAL(smc_lgr_list(&f.ss, &cursor, &info, 1), 1);
	CU_ASSERT_EQUAL(smc_lgr_list(&f.ss, &cursor, &info, 1), 0);
	smc_lgr_unhold(lgr[0]);
	smc_lgr_unhold(lgr[1]);
	lf_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_lgr_find__rules),
	TEST_CASE(smc_lgr_find_accept__rules),
	TEST_CASE(smc_lgr_find__300),
	TEST_CASE(smc_lgr_create__limits),
	TEST_CASE(smc_lgr_room__rules),
	TEST_CASE(smc_lgr_create__refused),
	TEST_CASE(smc_lgr_create__no_room_for_rings),
	TEST_CASE(smc_lgr_create__memory_used_up),
	TEST_CASE(smc_lgr_create__faults),
	TEST_CASE(smc_lgr_create__no_memory),
	TEST_CASE(smc_lgr_unhold__while_creating),
	TEST_CASE(smc_wait_cancel__ended_not_told),
	TEST_CASE(smc_wait_cancel__order),
	TEST_CASE(smc_link_connect__peer_refused),
	TEST_CASE(smc_link_connect__attributes),
	TEST_CASE(smc_link_connect__no_route),
	TEST_CASE(smc_link_connect__faults),
	TEST_CASE(smc_lgr_leave__idle),
	TEST_CASE(smc_lgr_stale__ends_with_the_last),
	TEST_CASE(smc_lgr_terminate__tells),
	TEST_CASE(smc_lgr_end__nobody_listens),
	TEST_CASE(smc_lgr_hold__after_the_end),
	TEST_CASE(smc_link_fini__in_the_middle),
	TEST_CASE(smc_lgr_list__while_they_go),
};
TEST_MAIN("smc_group", cases)
