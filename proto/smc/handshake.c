/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake's object: CLC messages off the TCP stream, deadlines, and the
 * steps that both roles take. */
#include <errno.h>

#include "proto/smc/handshake_impl.h"

#define CONFIRM_WAITS 5  /* times clc_wait_ms, while others of the peer's handshakes succeed */

const char *smc_hs_step(const struct smc_hs *hs)
{
	static const char *const names[SMC_HS_STEPS] = {
		[SMC_HS_PROPOSAL] = "proposal", [SMC_HS_QUEUED] = "queued", [SMC_HS_GROUP] = "group",
		[SMC_HS_SNDBUF] = "sndbuf", [SMC_HS_RMB] = "rmb", [SMC_HS_RKEY] = "confirm-rkey",
		[SMC_HS_ACCEPT] = "accept", [SMC_HS_CONFIRM] = "confirm", [SMC_HS_CONNECT] = "connect",
		[SMC_HS_LINK] = "confirm-link", [SMC_HS_LATE] = "late-decline", [SMC_HS_DONE] = "done",
	};

	return names[hs->step];
}

/* ---- waiting -------------------------------------------------------------- */

void smc_hs_enter(struct smc_hs *hs, enum smc_hs_step step, uint64_t us)
{
	hs->step = step;
	if (us != 0)
		wheel_arm(hs->ss->wheel, &hs->timer, WHEEL_SMC_HS, smc_now(hs->ss) + us);
	else
		wheel_cancel(hs->ss->wheel, &hs->timer);
}

struct smc_wait *smc_hs_wait(struct smc_hs *hs, enum smc_hs_step step)
{
	/* CONFIRM LINK has its own time; the rest only takes long when a device hangs. */
	smc_hs_enter(hs, step, step == SMC_HS_LINK ? 0 : 2000ull * hs->ss->conf.llc_wait_ms);
	hs->waiting = true;
	return &hs->wait;
}

/* A group that went away meanwhile took the connection out. */
static bool link_lost(const struct smc_hs *hs)
{
	return hs->held && hs->step > SMC_HS_GROUP && hs->c->link == NULL;
}

static void step_failed(struct smc_hs *hs, uint32_t reason)
{
	if (hs->step == SMC_HS_LINK && reason == SMC_RSN_TIMEOUT_CL)
		smc_hs_enter(hs, SMC_HS_LATE, SMC_LATE_DECLINE_US);
	else
		smc_hs_decline(hs, reason);
}

void smc_hs_check(struct smc_hs *hs, uint32_t reason)
{
	if (reason == 0)
		return;
	hs->waiting = false;
	step_failed(hs, reason);
}

static void get_rmb(struct smc_hs *hs)
{
	struct smc_conn *c = hs->c;

	smc_hs_check(hs, smc_buf_get(hs->lgr, c->rcvbuf, true, smc_hs_wait(hs, SMC_HS_RMB), &c->rmb));
}

static void ready(struct smc_hs *hs)
{
	if (hs->c->role == SMC_SERVER)
		smc_server_ready(hs);
	else
		smc_client_ready(hs);
}

static void step_done(struct smc_hs *hs)
{
	struct smc_conn *c = hs->c;

	switch (hs->step) {
	case SMC_HS_GROUP:
		smc_hs_rings(hs);
		break;
	case SMC_HS_SNDBUF:
		get_rmb(hs);
		break;
	case SMC_HS_RMB:
		if (hs->first_contact)
			ready(hs);
		else
			smc_llc_confirm_rkey(c->link, c->rmb, smc_hs_wait(hs, SMC_HS_RKEY));
		break;
	case SMC_HS_RKEY:
		ready(hs);
		break;
	case SMC_HS_CONNECT:
		if (c->role == SMC_SERVER)
			smc_hs_confirm_link(hs);
		else
			smc_client_confirm(hs);
		break;
	default: /* SMC_HS_LINK */
		smc_hs_active(hs);
	}
}

static void wait_done(struct smc_wait *w, uint32_t reason)
{
	struct smc_hs *hs = container_of(w, struct smc_hs, wait);

	hs->waiting = false;
	if (reason == 0 && link_lost(hs))
		reason = SMC_RSN_NOACTLINK;
	if (reason == 0)
		step_done(hs);
	else
		step_failed(hs, reason);
}

/* Linux makes its connections of one role one after the other: of many at once the last
 * CONFIRM comes when all before it are through. While they go on, so do we, and a
 * connection given up here would be written to by a client that knows nothing of it. */
static bool peer_goes_on(const struct smc_hs *hs, uint64_t now_us)
{
	uint64_t wait = hs->ss->conf.clc_wait_ms * 1000ull, ok = hs->c->peer->ok_us;

	return hs->step == SMC_HS_CONFIRM && ok != 0 && now_us - ok < wait && now_us - hs->begun_us < CONFIRM_WAITS * wait;
}

static void expired(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct smc_hs *hs = container_of(t, struct smc_hs, timer);

	switch (hs->step) {
	case SMC_HS_DONE:
		smc_hs_tell(hs);
		break;
	case SMC_HS_QUEUED:
		smc_hs_unlist(hs);
		smc_server_group(hs);
		break;
	case SMC_HS_LATE:
		smc_hs_decline(hs, SMC_RSN_TIMEOUT_CL);
		break;
	case SMC_HS_GROUP:
	case SMC_HS_CONNECT:
		smc_hs_decline(hs, SMC_RSN_ERR_RDYLNK);
		break;
	case SMC_HS_SNDBUF:
	case SMC_HS_RMB:
	case SMC_HS_RKEY:
		smc_hs_decline(hs, SMC_RSN_ERR_REGBUF);
		break;
	default:
		if (peer_goes_on(hs, now_us)) {
			smc_hs_enter(hs, SMC_HS_CONFIRM, hs->ss->conf.clc_wait_ms * 1000ull);
			break;
		}
		hs->ss->stats.clc_timeouts++;
		smc_hs_lost(hs, SMC_RSN_OWN_NOANSWER, ETIMEDOUT);
	}
}

/* ---- off the stream ---------------------------------------------------------- */

uint32_t smc_tcp_look(const struct tcp_conn *tcp, uint8_t *buf, uint32_t n)
{
	struct tcp_piece pieces[CLC_DECLINE_MAX_LEN]; /* an octet each in the worst case */
	unsigned n_pieces = tcp_peek(tcp, pieces, RTE_DIM(pieces));
	uint32_t got = 0;

	for (unsigned i = 0; i < n_pieces && got < n; i++) {
		uint32_t len = RTE_MIN(pieces[i].len, n - got);

		memcpy(buf + got, pieces[i].data, len);
		got += len;
	}
	return got;
}

/* Reads on, never beyond the message: its length, -EAGAIN, -EPROTO. */
static int read_message(struct smc_hs *hs)
{
	int len;

	for (;;) {
		uint32_t want = CLC_HEADER_LEN, got;

		if (hs->have >= CLC_HEADER_LEN)
			want = (uint32_t)hs->buf[5] << 8 | hs->buf[6];
		/* The length is within bounds: clc_peek_length() saw the header. */
		got = tcp_read(hs->c->tcp, hs->buf + hs->have, want - hs->have);
		hs->have += (uint16_t)got;
		len = clc_peek_length(hs->buf, hs->have);
		if (len != -EAGAIN || got == 0)
			return len;
	}
}

/* While nothing of the peer's is due but a DECLINE, whatever else is there is
 * left alone. */
static bool decline_ahead(struct smc_hs *hs)
{
	uint8_t head[CLC_HEADER_LEN];

	return smc_tcp_look(hs->c->tcp, head, sizeof(head)) == sizeof(head) &&
	       clc_peek_length(head, sizeof(head)) != -EPROTO && clc_type(head) == CLC_DECLINE;
}

static bool clc_due(const struct smc_hs *hs)
{
	return hs->step == SMC_HS_PROPOSAL || hs->step == SMC_HS_ACCEPT || hs->step == SMC_HS_CONFIRM;
}

static void dispatch(struct smc_hs *hs, uint16_t len)
{
	struct clc_decline d;

	hs->have = 0;
	if (clc_type(hs->buf) == CLC_DECLINE) {
		if (clc_decode_decline(hs->buf, len, &d) == 0) {
			hs->answered = true;
			smc_hs_declined(hs, &d);
		} else {
			smc_hs_lost(hs, SMC_RSN_OWN_REFLECTED, EPROTO);
		}
	} else if (hs->c->role == SMC_SERVER) {
		smc_server_input(hs, hs->buf, len);
	} else {
		smc_client_input(hs, hs->buf, len);
	}
}

/* One message; false: there is none (more). */
static bool input(struct smc_hs *hs)
{
	int len;

	if (hs->step == SMC_HS_DONE || (!clc_due(hs) && hs->have == 0 && !decline_ahead(hs)))
		return false;
	len = read_message(hs);
	if (len == -EAGAIN)
		return false;
	if (len < 0) {
		hs->ss->stats.clc_bad++;
		smc_hs_lost(hs, SMC_RSN_OWN_REFLECTED, EPROTO);
	} else {
		dispatch(hs, (uint16_t)len);
	}
	return true;
}

void smc_hs_tcp_event(struct smc_conn *c, unsigned events)
{
	struct tcp_info info;

	c->hs->tcp_events |= events;
	smc_conn_ref(c, SMC_REF_HS);
	if (events & (TCP_EV_READABLE | TCP_EV_EOF))
		while (c->hs != NULL && input(c->hs))
			;
	if (c->hs == NULL || c->hs->step == SMC_HS_DONE)
		goto out;
	if (events & TCP_EV_CLOSED) {
		tcp_get_info(c->tcp, &info);
		smc_hs_lost(c->hs, SMC_RSN_OWN_REFLECTED, info.error != 0 ? info.error : ECONNRESET);
	} else if ((events & TCP_EV_EOF) && c->hs->step != SMC_HS_LINK) {
		/* In LINK the peer may have been faster to connect, and to close again. */
		smc_hs_lost(c->hs, SMC_RSN_OWN_REFLECTED, ECONNRESET);
	}
out:
	smc_conn_unref(c, SMC_REF_HS);
}

bool smc_hs_send(struct smc_hs *hs, const uint8_t *msg, int len)
{
	/* A message is small, and nothing else is queued: short means no buffers. */
	return len > 0 && tcp_send(hs->c->tcp, msg, (size_t)len) == len;
}

/* ---- what both roles do --------------------------------------------------------- */

struct net_addr smc_hs_addr(const struct smc_hs *hs)
{
	struct net_addr a = { .family = hs->c->flow.family };

	memcpy(a.b, hs->c->flow.raddr, sizeof(a.b));
	return a;
}

void smc_hs_use(struct smc_hs *hs, struct smc_dev *dev)
{
	struct rd_info info;

	rd_query(dev->rd, &info);
	hs->dev = dev;
	memcpy(hs->mac, info.mac, sizeof(hs->mac));
	hs->mtu = info.mtu;
}

bool smc_hs_device(struct smc_hs *hs)
{
	struct net_addr laddr = { .family = hs->c->flow.family };
	struct smc_dev *dev;

	memcpy(laddr.b, hs->c->flow.laddr, sizeof(laddr.b));
	dev = smc_dev_find(hs->ss, &laddr, &hs->gid);
	if (dev != NULL)
		smc_hs_use(hs, dev);
	return dev != NULL;
}

bool smc_hs_bound(const struct smc_hs *hs, const uint8_t gid[16])
{
	return memcmp(gid, hs->c->flow.raddr, 16) == 0;
}

bool smc_hs_direct(const struct smc_hs *hs)
{
	const struct net_if *ifp = net_if_get(hs->ss->net, hs->dev->ifx);

	for (unsigned i = 0; i < ifp->n_addrs; i++)
		if (smc_in_prefix(ifp->addrs[i].addr.b, hs->c->flow.raddr, 96u + ifp->addrs[i].prefix_len))
			return true;
	return false;
}

void smc_hs_rings(struct smc_hs *hs)
{
	struct smc_conn *c = hs->c;
	struct smc_link *l = smc_lgr_link(hs->lgr);

	if (c->lgr == NULL) {
		if (l == NULL) {
			smc_hs_decline(hs, SMC_RSN_NOACTLINK);
			return;
		}
		smc_lgr_join(hs->lgr, l, c);
	}
	smc_hs_check(hs, smc_buf_get(hs->lgr, c->sndbuf, false, smc_hs_wait(hs, SMC_HS_SNDBUF), &c->snd));
}

void smc_hs_fill(const struct smc_hs *hs, struct clc_accept *a)
{
	const struct smc_conn *c = hs->c;
	const struct smc_link *l = c->link;

	*a = (struct clc_accept){
		.type = c->role == SMC_SERVER ? CLC_ACCEPT : CLC_CONFIRM, .version = CLC_V2,
		.first_contact = hs->first_contact, .qpn = rd_qp_num(l->qp), .rkey = rd_mr_rkey(c->rmb->mr),
		.rmbe_idx = 1, .token = c->token, .size_code = c->rmb->code, .mtu_code = hs->mtu,
		.rmb_addr = rd_mr_addr(c->rmb->mr), .psn = l->psn,
	};
	memcpy(a->peer_id, hs->ss->conf.peer_id, sizeof(a->peer_id));
	memcpy(a->gid, l->gid.b, sizeof(a->gid));
	memcpy(a->mac, hs->mac, sizeof(a->mac));
	memcpy(a->eid, hs->terms.eid.b, sizeof(a->eid));
	if (!hs->first_contact)
		return;
	a->direct = hs->terms.direct;
	a->os = CLC_OS_LINUX;
	a->release = hs->terms.release;
	memcpy(a->hostname, hs->ss->conf.hostname, sizeof(a->hostname) - 1);
	if (a->release != CLC_RELEASE_V20) {
		a->max_conns = hs->terms.max_conns;
		a->max_links = hs->terms.max_links;
	}
	if (a->type == CLC_CONFIRM) {
		a->n_gids = 1;
		memcpy(a->gids[0], l->gid.b, sizeof(a->gids[0]));
	}
}

uint32_t smc_hs_take(struct smc_hs *hs, const struct clc_accept *a)
{
	struct smc_conn *c = hs->c;
	uint64_t size = clc_rmbe_size(a->size_code);

	c->peer_token = a->token;
	c->peer_rkey = a->rkey;
	c->peer_size = (uint32_t)size;
	c->peer_addr = a->rmb_addr + (uint64_t)(a->rmbe_idx - 1) * size;
	if (smc_rkey_add(hs->lgr, a->rkey, a->rmb_addr) < 0)
		return SMC_RSN_ERR_RTOK;
	if (!hs->first_contact)
		return 0;
	memcpy(hs->peer.gid.b, a->gid, sizeof(a->gid));
	memcpy(hs->peer.mac, a->mac, sizeof(a->mac));
	hs->peer.qpn = a->qpn;
	hs->peer.psn = a->psn;
	hs->peer.mtu = RTE_MIN(hs->mtu, a->mtu_code);
	hs->lgr->terms.os = a->os;
	memcpy(hs->lgr->terms.hostname, a->hostname, sizeof(hs->lgr->terms.hostname));
	return 0;
}

void smc_hs_connect(struct smc_hs *hs)
{
	smc_link_connect(hs->c->link, &hs->peer, smc_hs_wait(hs, SMC_HS_CONNECT));
}

void smc_hs_confirm_link(struct smc_hs *hs)
{
	smc_link_confirm(hs->c->link, smc_hs_wait(hs, SMC_HS_LINK));
}

/* ---- the object -------------------------------------------------------------------- */

void smc_hs_list(struct smc_hs *hs, struct smc_hs **list)
{
	while (*list != NULL)
		list = &(*list)->next;
	hs->next = NULL;
	hs->pprev = list;
	*list = hs;
	hs->in_list = true;
}

void smc_hs_unlist(struct smc_hs *hs)
{
	if (!hs->in_list)
		return;
	*hs->pprev = hs->next;
	if (hs->next != NULL)
		hs->next->pprev = hs->pprev;
	hs->in_list = false;
}

void smc_hs_free(struct smc_hs *hs)
{
	struct smc_stack *ss = hs->ss;
	struct smc_conn *c = hs->c;

	wheel_cancel(ss->wheel, &hs->timer);
	if (hs->waiting)
		smc_wait_cancel(ss, &hs->wait);
	if (hs->in_list && hs->step != SMC_HS_QUEUED)
		smc_server_wake(hs);
	smc_hs_unlist(hs);
	if (hs->held)
		smc_lgr_unhold(hs->lgr);
	c->peer->handshakes--;
	c->hs = NULL;
	pool_put(&ss->handshakes, hs);
}

void smc_hs_abort(struct smc_conn *c)
{
	struct tcp_conn *tcp = c->tcp;

	c->tcp = NULL;
	smc_hs_undo(c->hs);
	smc_hs_free(c->hs);
	tcp_set_user(tcp, NULL);
	tcp_close(tcp);
	smc_conn_unref(c, SMC_REF_HS);
}

static struct smc_hs *begin(struct smc_stack *ss, enum smc_role role, const struct smc_begin_args *args)
{
	struct smc_hs *hs = pool_get(&ss->handshakes);
	struct net_addr addr;
	struct smc_conn *c;

	if (hs == NULL)
		return NULL;
	c = smc_conn_new(ss, role, args);
	if (c == NULL)
		goto free_hs;
	*hs = (struct smc_hs){
		.c = c, .ss = ss, .wait.done = wait_done, .version = CLC_V1, .beginning = true,
		.begun_us = smc_now(ss),
	};
	addr = smc_hs_addr(hs);
	c->peer = smc_peer_get(ss, &addr);
	if (c->peer == NULL)
		goto free_conn;
	c->peer->handshakes++;
	c->hs = hs;
	return hs;

free_conn:
	c->tcp = NULL;
	smc_conn_unref(c, SMC_REF_HS);
	smc_conn_unref(c, SMC_REF_USER);
free_hs:
	pool_put(&ss->handshakes, hs);
	return NULL;
}

int smc_accept_begin(struct smc_stack *ss, const struct smc_begin_args *args, struct smc_conn **out)
{
	struct smc_hs *hs = begin(ss, SMC_SERVER, args);

	if (hs == NULL)
		return -ENOMEM;
	*out = hs->c;
	smc_hs_enter(hs, SMC_HS_PROPOSAL, ss->conf.clc_wait_ms * 1000ull);
	hs->beginning = false;
	return 0;
}

int smc_connect_begin(struct smc_stack *ss, const struct smc_begin_args *args, struct smc_conn **out)
{
	struct smc_hs *hs = begin(ss, SMC_CLIENT, args);
	int rc;

	if (hs == NULL) {
		rc = smc_decline_bare(ss, args->tcp, SMC_RSN_MEM);
		if (rc < 0)
			return rc;
		smc_count_fallback(ss, SMC_CLIENT, SMC_RSN_MEM, 0);
		return -ENOMEM;
	}
	*out = hs->c;
	smc_client_start(hs);
	hs->beginning = false;
	return 0;
}

int smc_hs_init(struct smc_stack *ss)
{
	int rc = smc_peer_table_init(ss);

	if (rc < 0)
		return rc;
	/* SYNs answered while there was room may become more connections than that. */
	rc = pool_init(&ss->handshakes, sizeof(struct smc_hs), 8, RTE_MAX(ss->conf.handshakes_max, 1u) * 2,
		       ss->conf.node);
	if (rc < 0) {
		smc_peer_table_fini(ss);
		return rc;
	}
	wheel_register(ss->wheel, WHEEL_SMC_HS, expired, ss);
	return 0;
}

void smc_hs_fini(struct smc_stack *ss)
{
	pool_fini(&ss->handshakes);
	smc_peer_table_fini(ss);
}
