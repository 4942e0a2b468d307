/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc_hs/fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/smc/peer_says.h"

#define PIECE 3                  /* octets tcp_peek() shows in a row */

struct hx hx;

static const uint8_t us[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, them[16] = PEER_GID;
static const uint8_t our_id[8] = { 0x55, 1, 2, 0, 0, 0, 0, 1 };
static struct smc_dev dev = { .enabled = true };
static struct smc_conn conn;
static struct rd_mr mr = { .rkey = 0x1234, .addr = 0x7f0000010000 };

/* ---- below: net, TCP, RDMA ---------------------------------------------------- */

static void fake_random(void *ctx, void *buf, size_t len) { memset(buf, 0x5a, len); }

uint64_t net_now(const struct net_stack *st) { return hx.now_us; }

const struct net_env *net_environment(const struct net_stack *st)
{
	static const struct net_env env = { .random = fake_random };

	return &env;
}

struct net_if *net_if_get(struct net_stack *st, uint8_t ifx)
{
	static struct net_if ifp = { .n_addrs = 1 };

	ifp.addrs[0].addr = net_addr_v4(rte_cpu_to_be_32(0x0a000001));
	ifp.addrs[0].prefix_len = 24;
	return &ifp;
}

void tcp_set_user(struct tcp_conn *c, void *user) { c->user = user; }
uint32_t tcp_readable(const struct tcp_conn *c) { return c->in_len - c->in_at; }
void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info) { *info = (struct tcp_info){ .error = c->error }; }
void tcp_close(struct tcp_conn *c) { c->closed = true; }
void tcp_abort(struct tcp_conn *c) { c->aborted = true; }

void tcp_consume(struct tcp_conn *c, uint32_t len)
{
	CU_ASSERT_FATAL(len <= tcp_readable(c));
	c->in_at += len;
}

unsigned tcp_peek(const struct tcp_conn *c, struct tcp_piece *pieces, unsigned max)
{
	uint32_t at = c->in_at;
	unsigned n = 0;

	for (; n < max && at < c->in_len; n++) {
		pieces[n].data = (void *)(uintptr_t)(c->in + at);
		pieces[n].len = RTE_MIN((uint32_t)PIECE, c->in_len - at);
		at += pieces[n].len;
	}
	return n;
}

uint32_t tcp_read(struct tcp_conn *c, void *buf, uint32_t len)
{
	len = RTE_MIN(len, tcp_readable(c));
	memcpy(buf, c->in + c->in_at, len);
	c->in_at += len;
	return len;
}

ssize_t tcp_send(struct tcp_conn *c, const void *buf, size_t len)
{
	if (c->full)
		return -EAGAIN;
	CU_ASSERT_FATAL(c->out_len + len <= sizeof(c->out));
	memcpy(c->out + c->out_len, buf, len);
	c->out_len += (uint32_t)len;
	return (ssize_t)len;
}

uint32_t rd_qp_num(const struct rd_qp *qp) { return 0x12; }
uint32_t rd_mr_rkey(const struct rd_mr *m) { return m->rkey; }
uint64_t rd_mr_addr(const struct rd_mr *m) { return m->addr; }

void rd_query(const struct rd_dev *rd, struct rd_info *out)
{
	*out = (struct rd_info){ .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 3 };
}

/* ---- beside: connections -------------------------------------------------------- */

struct smc_conn *smc_conn_new(struct smc_stack *ss, enum smc_role role, const struct smc_begin_args *args)
{
	conn = (struct smc_conn){ .ss = ss, .role = role, .tcp = args->tcp, .user = args->user, .token = 11,
				  .rcvbuf = ss->conf.rmb_size, .sndbuf = ss->conf.sndbuf_size };
	conn.refs[SMC_REF_USER] = conn.refs[SMC_REF_HS] = 1;
	conn.flow.family = NET_IPV4;
	memcpy(conn.flow.laddr, us, sizeof(us));
	memcpy(conn.flow.raddr, them, sizeof(them));
	/* The least bit tells SMC's users of TCP from others. */
	args->tcp->user = (void *)((uintptr_t)&conn | 1);
	return &conn;
}

void smc_conn_activate(struct smc_conn *c)
{
	CU_ASSERT_PTR_NULL(c->hs);
	hx.active = true;
}


void smc_conn_unref(struct smc_conn *c, enum smc_ref ref)
{
	CU_ASSERT_FATAL(c->refs[ref] > 0);
	c->refs[ref]--;
	if (c->refs[SMC_REF_HS] != 0 || c->refs[SMC_REF_USER] != 0)
		return;
	if (c->rmb != NULL)
		smc_buf_put(c->rmb);
	if (c->snd != NULL)
		smc_buf_put(c->snd);
	smc_lgr_leave(c);
	if (c->peer != NULL)
		smc_peer_put(c->ss, c->peer);
	hx.c = NULL;
}

void smc_conn_tcp_event(struct smc_conn *c, unsigned events) { hx.conn_events |= events; }

/* ---- beside: groups, links, buffers ------------------------------------------------ */

static void wait_for(enum hx_kind kind, struct smc_wait *w)
{
	CU_ASSERT_PTR_NULL(hx.wait);
	hx.wait = w;
	hx.waits_for = kind;
}

void smc_wait_cancel(struct smc_stack *ss, struct smc_wait *w)
{
	CU_ASSERT_PTR_EQUAL(hx.wait, w);
	hx.wait = NULL;
	hx.waits_for = HX_NOTHING;
}

struct smc_dev *smc_dev_find(struct smc_stack *ss, const struct net_addr *laddr, struct rd_gid *gid)
{
	memcpy(gid->b, us, sizeof(gid->b));
	return hx.no_device ? NULL : &dev;
}

bool smc_bufs_room(const struct smc_stack *ss, const struct smc_peer *peer) { return !hx.no_memory; }
bool smc_lgr_room(const struct smc_stack *ss, enum smc_role role, const struct smc_peer *peer) { return !hx.no_groups; }

static struct smc_lgr *group(enum smc_role role)
{
	hx.lgr = (struct smc_lgr){ .ss = &hx.ss, .role = role, .dev = &dev };
	hx.link = (struct smc_link){ .lgr = &hx.lgr, .dev = &dev, .psn = 0xabcdef, .peer = { .mtu = 3 } };
	memcpy(hx.link.gid.b, us, sizeof(us));
	return &hx.lgr;
}

void hx_device(bool on) { dev.enabled = on; }
void hx_reuse(void) { hx.existing = group(SMC_SERVER); }

uint32_t smc_lgr_create(struct smc_stack *ss, enum smc_role role, struct smc_dev *d, const uint8_t peer_id[8],
			const struct net_addr *addr, const struct rd_gid *local_gid, struct smc_wait *wait,
			struct smc_lgr **out)
{
	CU_ASSERT_EQUAL(memcmp(addr->b, them, sizeof(them)), 0);
	hx.creates++;
	memcpy(hx.created_for, peer_id, sizeof(hx.created_for));
	if (hx.create_reason != 0)
		return hx.create_reason;
	*out = group(role);
	hx.holds++;
	wait_for(HX_GROUP, wait);
	return 0;
}

struct smc_lgr *smc_lgr_find(struct smc_stack *ss, const uint8_t peer_id[8], const struct rd_gid *gid,
			     const struct net_addr *addr, uint8_t version)
{
	return hx.existing;
}

uint32_t smc_lgr_find_accept(struct smc_stack *ss, const struct clc_accept *a, const struct net_addr *addr,
			     struct smc_link **out)
{
	if (hx.accept_reason == 0) {
		group(SMC_CLIENT);
		*out = &hx.link;
	}
	return hx.accept_reason;
}

void smc_lgr_hold(struct smc_lgr *lgr) { hx.holds++; }
void smc_lgr_unhold(struct smc_lgr *lgr) { hx.holds--; }
void smc_lgr_end(struct smc_lgr *lgr, uint32_t llc_reason, bool orderly) { hx.ended++; }
struct smc_link *smc_lgr_link(struct smc_lgr *lgr) { return &hx.link; }

void smc_lgr_join(struct smc_lgr *lgr, struct smc_link *l, struct smc_conn *c)
{
	c->lgr = lgr;
	c->link = l;
	lgr->n_conns++;
}

void smc_lgr_leave(struct smc_conn *c)
{
	if (c->lgr != NULL)
		c->lgr->n_conns--;
	c->lgr = NULL;
	c->link = NULL;
}

uint32_t smc_buf_get(struct smc_lgr *lgr, uint32_t size, bool remote, struct smc_wait *wait, struct smc_buf **out)
{
	*out = calloc(1, sizeof(**out));
	**out = (struct smc_buf){ .size = size, .code = 2, .remote = remote, .mr = &mr };
	hx.bufs++;
	wait_for(remote ? HX_RMB : HX_SNDBUF, wait);
	return 0;
}

void smc_buf_put(struct smc_buf *b)
{
	free(b);
	hx.bufs--;
}

void smc_llc_confirm_rkey(struct smc_link *l, struct smc_buf *rmb, struct smc_wait *wait) { wait_for(HX_RKEY, wait); }
void smc_link_confirm(struct smc_link *l, struct smc_wait *wait) { wait_for(HX_LINK, wait); }

void smc_link_connect(struct smc_link *l, const struct smc_link_peer *peer, struct smc_wait *wait)
{
	hx.connects++;
	hx.connected_to = *peer;
	wait_for(HX_CONNECT, wait);
}

int smc_rkey_add(struct smc_lgr *lgr, uint32_t rkey, uint64_t addr)
{
	hx.rkeys++;
	return hx.rkey_rc;
}

/* ---- start and end -------------------------------------------------------------------- */

static void on_decided(void *ctx, struct smc_conn *c, void *user, const struct smc_decision *d)
{
	hx.decided++;
	hx.last = *d;
}

void hx_open(void (*tweak)(struct smc_config *conf))
{
	struct smc_config *conf = &hx.ss.conf;

	memset(&hx, 0, sizeof(hx));
	dev = (struct smc_dev){ .enabled = true };
	hx.now_us = 1000000;
	wheel_init(&hx.wheel, hx.now_us);
	hx.ops.decided = on_decided;
	hx.ss.wheel = &hx.wheel;
	hx.ss.ops = &hx.ops;
	*conf = (struct smc_config){
		.enabled = true, .n_eids = 1, .hostname = "gw1", .max_links = 1, .max_conns = 255,
		.handshakes_max = 4, .handshakes_per_peer = 4, .peers_max = 16, .rmb_size = 65536, .sndbuf_size = 65536,
		.clc_wait_ms = 6000, .failures = 3, .forget_ms = 60000, .node = -1,
	};
	memcpy(conf->peer_id, our_id, sizeof(our_id));
	smc_eid_parse(&conf->eids[0], "OURS");
	hx.ss.n_devs = 1;
	hx.ss.devs[0] = dev;
	if (tweak != NULL)
		tweak(conf);
	CU_ASSERT_FATAL(smc_hs_init(&hx.ss) == 0);
}

void hx_close(void)
{
	if (hx.c != NULL && hx.c->hs != NULL)
		smc_hs_abort(hx.c);
	if (hx.c != NULL)
		smc_conn_unref(hx.c, SMC_REF_USER);
	CU_ASSERT_EQUAL(hx.ss.handshakes.used, 0);
	CU_ASSERT_EQUAL(hx.wheel.armed, 0);
	CU_ASSERT_PTR_NULL(hx.wait);
	CU_ASSERT_EQUAL(hx.holds, 0);
	CU_ASSERT_EQUAL(hx.bufs, 0);
	CU_ASSERT_EQUAL(hx.lgr.n_conns, 0);
	for (uint32_t i = 1; i <= hx.ss.peers.high; i++) {
		const struct smc_peer *p = pool_at(&hx.ss.peers, i);

		CU_ASSERT(p->users == 0 && p->handshakes == 0);
	}
	smc_hs_fini(&hx.ss);
}

void smc_tcp_event(void *tcp_user, unsigned events)
{
	struct smc_conn *c = (struct smc_conn *)((uintptr_t)tcp_user & ~(uintptr_t)1);

	smc_hs_tcp_event(c, events);
}

void hx_accept(void)
{
	CU_ASSERT_FATAL(smc_accept_begin(&hx.ss, &(struct smc_begin_args){ .tcp = &hx.tcp }, &hx.c) == 0);
}

void hx_connect(void)
{
	CU_ASSERT_FATAL(smc_connect_begin(&hx.ss, &(struct smc_begin_args){ .tcp = &hx.tcp }, &hx.c) == 0);
}

/* ---- going on ----------------------------------------------------------------------------- */

void hx_says(const void *octets, size_t len)
{
	CU_ASSERT_FATAL(hx.tcp.in_len + len <= sizeof(hx.tcp.in));
	memcpy(hx.tcp.in + hx.tcp.in_len, octets, len);
	hx.tcp.in_len += (uint32_t)len;
	if (hx.decided == 0)
		smc_tcp_event(hx.tcp.user, TCP_EV_READABLE);
}

void hx_done(uint32_t reason)
{
	struct smc_wait *w = hx.wait;

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	hx.wait = NULL;
	hx.waits_for = HX_NOTHING;
	w->done(w, reason);
}

void hx_until(enum hx_kind kind)
{
	while (hx.wait != NULL && hx.waits_for != kind)
		hx_done(0);
	CU_ASSERT_EQUAL_FATAL(hx.waits_for, kind);
}

void hx_advance(uint64_t us_ahead)
{
	hx.now_us += us_ahead;
	wheel_advance(&hx.wheel, hx.now_us, 100);
}

int hx_sent(uint8_t buf[CLC_MAX_LEN])
{
	struct tcp_conn *t = &hx.tcp;
	int len = t->out_at == t->out_len ? 0 : clc_peek_length(t->out + t->out_at, t->out_len - t->out_at);

	CU_ASSERT_FATAL(len >= 0);
	memcpy(buf, t->out + t->out_at, (size_t)len);
	t->out_at += (uint32_t)len;
	return len;
}

void hx_declined(uint8_t version, uint32_t diagnosis, bool out_of_sync)
{
	uint8_t buf[CLC_MAX_LEN];
	struct clc_decline d;
	int len = hx_sent(buf);

	CU_ASSERT_EQUAL_FATAL(len, version == CLC_V1 ? 28 : 44);
	CU_ASSERT_EQUAL_FATAL(clc_decode_decline(buf, (size_t)len, &d), 0);
	CU_ASSERT_EQUAL(d.version, version);
	CU_ASSERT_EQUAL(d.diagnosis, diagnosis);
	CU_ASSERT_EQUAL(d.out_of_sync, out_of_sync);
	CU_ASSERT_EQUAL(memcmp(d.peer_id, our_id, sizeof(our_id)), 0);
	CU_ASSERT_EQUAL(memcmp(buf + len - 4, "\xe2\xd4\xc3\xd9", 4), 0);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
}

/* ---- the peer's messages ---------------------------------------------------------------------- */

void hx_proposal(struct clc_proposal *p)
{
	*p = peer_proposal((const char *const[]){ "THEIRS", "OURS", NULL });
}

void hx_accept_msg(struct clc_accept *a, bool first_contact)
{
	uint8_t eid[CLC_EID_LEN];

	clc_eid_from_text("OURS", eid);
	*a = peer_accept(eid, first_contact);
}

void hx_confirm_msg(struct clc_accept *a, const struct clc_accept *ours)
{
	*a = peer_confirm(ours);
}

void hx_say_proposal(const struct clc_proposal *p)
{
	uint8_t buf[CLC_MAX_LEN];
	int len = clc_encode_proposal(p, buf);

	CU_ASSERT_FATAL(len > 0);
	hx_says(buf, (size_t)len);
}

void hx_say_accept(const struct clc_accept *a)
{
	uint8_t buf[CLC_ACCEPT_MAX_LEN];
	int len = clc_encode_accept(a, buf);

	CU_ASSERT_FATAL(len > 0);
	hx_says(buf, (size_t)len);
}

void hx_say_decline(uint32_t diagnosis, bool out_of_sync)
{
	struct clc_decline d = { .version = CLC_V2, .out_of_sync = out_of_sync, .diagnosis = diagnosis,
				 .os = CLC_OS_LINUX };
	uint8_t buf[CLC_DECLINE_MAX_LEN];
	int len = clc_encode_decline(&d, buf);

	hx_says(buf, (size_t)len);
}
