/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc_link/fixture.h"

#include <stdlib.h>

#define GID(last) { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last } }
#define THEM_PSN 0x654321

const struct rd_gid lf_gid_us = GID(1), lf_gid_them = GID(2);
const struct net_addr lf_addr_us = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, .family = NET_IPV4 };
const struct net_addr lf_addr_them = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 2 }, .family = NET_IPV4 };
const uint8_t lf_peer_id[8] = { 0x12, 0x34, 2, 0, 0, 0, 0, 2 };

/* ---- start and end ------------------------------------------------------------- */

static struct rd_dev *device(struct lf *f, const char *name, const struct rd_gid *gid, uint8_t mac)
{
	struct mem_config conf = { .mac = { 2, 0, 0, 0, 0, mac }, .mtu = 3, .n_gids = 1, .max_qps = 128,
				   .max_mrs = 2048, .qpn_base = 0x100u * mac };
	struct rd_dev *dev = NULL;

	strcpy(conf.name, name);
	conf.gids[0] = *gid;
	CU_ASSERT_FATAL(mem_create(&dev, f->fabric, &conf) == 0);
	return dev;
}

static void config(struct lf *f)
{
	f->ss.conf = (struct smc_config){
		.enabled = true, .n_devs = 1, .devs = { { .rd = f->us } }, .max_links = 1, .max_conns = 255,
		.conns_max = LF_CONNS, .lgrs_max = 8, .lgrs_per_peer = 6, .llc_wait_ms = 2000,
		.confirm_wait_ms = 4000, .testlink_ms = 30000, .idle_server_ms = 600000, .idle_client_ms = 610000,
		.ack_timeout = 15, .retry = 7, .rnr_retry = 7, .min_rnr_timer = 5, .send_slots = 16,
		.recv_slots = 48, .node = -1, .mem = f->arena, .mem_len = LF_MEM,
	};
}

void lf_init(struct lf *f, void (*tweak)(struct smc_config *conf))
{
	memset(f, 0, sizeof(*f));
	memset(&lf_seen, 0, sizeof(lf_seen));
	f->now_us = 1000000;
	wheel_init(&f->wheel, f->now_us);
	CU_ASSERT_FATAL(mem_fabric_create(&f->fabric) == 0);
	f->us = device(f, "us", &lf_gid_us, 1);
	f->them = device(f, "them", &lf_gid_them, 2);
	f->arena = calloc(1, LF_MEM);
	CU_ASSERT_FATAL(f->arena != NULL);
	f->ss.wheel = &f->wheel;
	f->ss.net = (struct net_stack *)(void *)f; /* the fakes' */
	config(f);
	if (tweak != NULL)
		tweak(&f->ss.conf);
	CU_ASSERT_FATAL(smc_link_init(&f->ss) == 0);
}

/* The next owner of the memory sees nothing of the last one's. */
static bool scrubbed(const struct lf *f)
{
	const uint8_t *p = f->arena;

	return p[0] == 0 && memcmp(p, p + 1, LF_MEM - 1) == 0;
}

static void check_empty(struct lf *f)
{
	struct rd_info info;

	CU_ASSERT(scrubbed(f));

	CU_ASSERT_EQUAL(f->ss.lgrs.used, 0);
	CU_ASSERT_EQUAL(f->ss.links.used, 0);
	CU_ASSERT_EQUAL(f->ss.bufs.used, 0);
	CU_ASSERT_EQUAL(smc_mem_free_bytes(f->ss.mem), smc_mem_len(f->ss.mem));
	CU_ASSERT_EQUAL(f->wheel.armed, 0);
	CU_ASSERT_EQUAL(f->ss.stats.buf_bytes, 0);
	CU_ASSERT_EQUAL(lf_seen.peers, 0);
	CU_ASSERT_EQUAL(lf_seen.paths, 0);
	CU_ASSERT_EQUAL(lf_seen.peer_bytes, 0);
	CU_ASSERT_EQUAL(lf_seen.peer_lgrs, 0);
	rd_query(f->us, &info);
	CU_ASSERT_EQUAL(info.qps, 0);
	CU_ASSERT_EQUAL(info.mrs, 0);
	CU_ASSERT_EQUAL(info.pds, 0);
	for (unsigned i = 0; i < LF_CONNS; i++) {
		CU_ASSERT_EQUAL(f->conns[i].refs[SMC_REF_WR], 0);
		CU_ASSERT_PTR_NULL(f->conns[i].lgr);
	}
}

void lf_fini(struct lf *f)
{
	for (unsigned i = 0; i < LF_CONNS; i++)
		smc_lgr_leave(&f->conns[i]);
	for (struct smc_lgr *lgr = f->ss.lgr_list; lgr != NULL; lgr = lgr->next)
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
	for (unsigned i = 0; i < 8 && f->ss.lgrs.used != 0; i++)
		lf_advance(f, 1000000);
	lf_peer_close(f, &f->peer);
	check_empty(f);
	smc_link_fini(&f->ss);
	rd_close(f->us);
	rd_close(f->them);
	mem_fabric_destroy(f->fabric);
	free(f->arena);
}

/* ---- time ------------------------------------------------------------------------ */

static unsigned peer_turn(struct lf *f, struct lf_peer *p)
{
	struct rd_wc wc[16];
	unsigned n = rd_poll(f->them, wc, 16);

	for (unsigned i = 0; i < n; i++) {
		struct lf_peer *to = wc[i].user;
		uint32_t idx = SMC_COOKIE_IDX(wc[i].cookie);
		struct rd_recv r;

		to->failed |= wc[i].status != RD_WC_SUCCESS;
		if (wc[i].status != RD_WC_SUCCESS || SMC_COOKIE_KIND(wc[i].cookie) != SMC_WR_RECV)
			continue;
		CU_ASSERT_FATAL(to->n_msgs < LF_MSGS);
		memcpy(to->msgs[to->n_msgs].b, to->rx[idx], wc[i].len);
		to->msgs[to->n_msgs++].len = wc[i].len;
		r = (struct rd_recv){ .cookie = wc[i].cookie, .n_sge = 1,
				      .sge = { { to->rx[idx], sizeof(to->rx[0]), rd_mr_lkey(to->mr) } } };
		if (!to->deaf)
			CU_ASSERT_EQUAL(rd_post_recv(to->qp, &r, 1), 0);
	}
	return n;
}

void lf_turn(struct lf *f)
{
	peer_turn(f, &f->peer);
	rd_progress(f->them, 64);
	smc_links_poll(&f->ss);
	wheel_advance(&f->wheel, f->now_us, 1000);
}

void lf_settle(struct lf *f)
{
	for (unsigned i = 0; i < 12; i++)
		lf_turn(f);
}

void lf_advance(struct lf *f, uint64_t us)
{
	uint64_t end = f->now_us + us;

	lf_settle(f);
	while (f->now_us < end) {
		uint64_t next = wheel_next_us(&f->wheel);

		if (next <= f->now_us)
			next = f->now_us + 10;
		f->now_us = RTE_MIN(next, end);
		lf_settle(f);
	}
}

void lf_wait_done(struct smc_wait *w, uint32_t reason)
{
	struct lf_wait *lw = (struct lf_wait *)w;

	lw->calls++;
	lw->reason = reason;
}

/* ---- groups ------------------------------------------------------------------------ */

struct smc_lgr *lf_create(struct lf *f, enum smc_role role)
{
	struct smc_lgr *lgr = NULL;
	struct lf_wait w;

	CU_ASSERT_EQUAL_FATAL(smc_lgr_create(&f->ss, role, &f->ss.devs[0], lf_peer_id, &lf_addr_them, &lf_gid_us,
					     lf_wait(&w), &lgr), 0);
	CU_ASSERT_EQUAL(w.calls, 0);
	lf_settle(f);
	LF_ENDED(w, 0);
	return lgr;
}

static void request(struct rd_dev *dev, struct rd_req *req)
{
	rd_submit(dev, req);
	rd_progress(dev, 16);
	CU_ASSERT_EQUAL_FATAL(req->rc, 0);
}

static void nothing(struct rd_req *req) { }

static void peer_recvs(struct lf_peer *p)
{
	for (unsigned i = 0; i < LF_RX; i++) {
		struct rd_recv r = { .cookie = SMC_COOKIE(SMC_WR_RECV, i), .n_sge = 1,
				     .sge = { { p->rx[i], sizeof(p->rx[0]), rd_mr_lkey(p->mr) } } };

		CU_ASSERT_EQUAL(rd_post_recv(p->qp, &r, 1), 0);
	}
}

void lf_peer_open(struct lf *f, struct lf_peer *p, const struct smc_link *l)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC, .done = nothing };

	memset(p, 0, sizeof(*p));
	request(f->them, &req);
	p->pd = req.pd;
	req = (struct rd_req){ .op = RD_REQ_MR_REG, .done = nothing, .pd = p->pd, .addr = p, .len = sizeof(*p),
			       .access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE };
	request(f->them, &req);
	p->mr = req.mr;
	req = (struct rd_req){ .op = RD_REQ_QP_CREATE, .done = nothing,
			       .init = { .pd = p->pd, .user = p, .send_wr = 128, .recv_wr = LF_RX,
					 .access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE } };
	request(f->them, &req);
	p->qp = req.qp;
	peer_recvs(p);
	req = (struct rd_req){ .op = RD_REQ_QP_RTR, .done = nothing, .qp = p->qp,
			       .attr = { .local = lf_gid_them, .remote = lf_gid_us, .remote_qpn = rd_qp_num(l->qp),
					 .rq_psn = l->psn, .sq_psn = THEM_PSN, .mtu = 3, .timeout = 15, .retry = 7,
					 .rnr_retry = 7, .min_rnr_timer = 5, .hop_limit = 1 } };
	request(f->them, &req);
	req.op = RD_REQ_QP_RTS;
	request(f->them, &req);
}

void lf_peer_close(struct lf *f, struct lf_peer *p)
{
	struct rd_req req = { .op = RD_REQ_QP_DESTROY, .done = nothing, .qp = p->qp };

	if (p->pd == NULL)
		return;
	request(f->them, &req);
	req = (struct rd_req){ .op = RD_REQ_MR_DEREG, .done = nothing, .mr = p->mr };
	request(f->them, &req);
	req = (struct rd_req){ .op = RD_REQ_PD_FREE, .done = nothing, .pd = p->pd };
	request(f->them, &req);
	memset(p, 0, sizeof(*p));
}

void lf_connect(struct lf *f, struct smc_link *l, struct lf_peer *p)
{
	struct smc_link_peer them = { .gid = lf_gid_them, .mac = { 2, 0, 0, 0, 0, 2 }, .psn = THEM_PSN, .mtu = 3 };
	struct lf_wait w;

	lf_peer_open(f, p, l);
	them.qpn = rd_qp_num(p->qp);
	smc_link_connect(l, &them, lf_wait(&w));
	CU_ASSERT_EQUAL(w.calls, 0);
	lf_settle(f);
	LF_ENDED(w, 0);
}

struct smc_conn *lf_join(struct lf *f, struct smc_lgr *lgr)
{
	for (unsigned i = 0; i < LF_CONNS; i++) {
		struct smc_conn *c = &f->conns[i];

		if (c->lgr != NULL || c->refs[SMC_REF_WR] != 0)
			continue;
		memset(c, 0, sizeof(*c));
		c->ss = &f->ss;
		smc_lgr_join(lgr, smc_lgr_link(lgr), c);
		return c;
	}
	CU_FAIL_FATAL("no connection left");
	return NULL;
}

static void confirm(struct lf *f)
{
	struct llc_msg msg, rsp;
	struct lf_wait w;

	smc_link_confirm(f->l, lf_wait(&w));
	if (f->lgr->role == SMC_SERVER) {
		lf_advance(f, 1000);
		lf_expect(f, &f->peer, LLC_CONFIRM_LINK, false, &msg);
		llc_respond(&msg, &rsp);
		lf_send_llc(f, &f->peer, &rsp);
	} else {
		lf_msg(LLC_CONFIRM_LINK, &msg);
		msg.confirm_link.link_id = 1;
		msg.confirm_link.no_eyecatcher = true;
		lf_send_llc(f, &f->peer, &msg);
		lf_expect(f, &f->peer, LLC_CONFIRM_LINK, true, &rsp);
	}
	lf_settle(f);
	LF_ENDED(w, 0);
}

void lf_first_contact(struct lf *f, enum smc_role role)
{
	f->lgr = lf_create(f, role);
	f->l = smc_lgr_link(f->lgr);
	f->lgr->terms.release = 1;
	f->lgr->terms.max_links = 1;
	lf_connect(f, f->l, &f->peer);
	lf_join(f, f->lgr);
	confirm(f);
	CU_ASSERT_EQUAL(f->lgr->state, SMC_LGR_ACTIVE);
	CU_ASSERT_EQUAL(f->l->state, SMC_LINK_ACTIVE);
	smc_lgr_unhold(f->lgr);
}

/* ---- the peer --------------------------------------------------------------------------- */

void lf_msg(uint8_t type, struct llc_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->v2 = true;
}

void lf_send(struct lf *f, struct lf_peer *p, const void *buf, uint32_t len)
{
	static uint8_t copy[64][LLC_MAX_LEN + 1];
	static unsigned at;
	struct rd_req req = { .op = RD_REQ_MR_REG, .done = nothing, .pd = p->pd, .len = len,
			      .access = RD_ACCESS_LOCAL_WRITE };
	struct rd_wr wr = { .op = RD_OP_SEND, .flags = RD_F_SIGNAL, .n_sge = 1 };

	CU_ASSERT_FATAL(len <= sizeof(copy[0]));
	at = (at + 1) % RTE_DIM(copy);
	memcpy(copy[at], buf, len);
	if (len == 0 || len > RD_INLINE_MAX) {
		req.addr = copy[at];
		req.len = sizeof(copy[0]);
		request(f->them, &req);
		wr.sge[0] = (struct rd_sge){ copy[at], len, rd_mr_lkey(req.mr) };
	} else {
		wr.flags |= RD_F_INLINE;
		wr.sge[0] = (struct rd_sge){ copy[at], len, 0 };
	}
	CU_ASSERT_EQUAL(rd_post_send(p->qp, &wr, 1), 0);
	lf_settle(f);
	if (req.mr != NULL) {
		req.op = RD_REQ_MR_DEREG;
		request(f->them, &req);
	}
}

void lf_send_llc(struct lf *f, struct lf_peer *p, const struct llc_msg *msg)
{
	uint8_t buf[LLC_MAX_LEN];
	int len = llc_encode(msg, buf, sizeof(buf));

	CU_ASSERT_FATAL(len > 0);
	lf_send(f, p, buf, (uint32_t)len);
}

bool lf_recv_llc(struct lf *f, struct lf_peer *p, struct llc_msg *msg)
{
	static uint8_t last[sizeof(p->msgs[0].b)];
	uint32_t len;

	lf_settle(f);
	if (p->n_msgs == 0)
		return false;
	len = p->msgs[0].len;
	memcpy(last, p->msgs[0].b, len);
	memmove(&p->msgs[0], &p->msgs[1], sizeof(p->msgs[0]) * --p->n_msgs);
	return len > 0 && !cdc_is(last) && llc_decode(last, len, msg) == 0;
}

void lf_expect(struct lf *f, struct lf_peer *p, uint8_t type, bool resp, struct llc_msg *msg)
{
	CU_ASSERT_FATAL(lf_recv_llc(f, p, msg));
	CU_ASSERT_EQUAL(msg->type, type);
	CU_ASSERT_EQUAL(msg->resp, resp);
}
