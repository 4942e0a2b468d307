/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/tcp_recv/fixture.h"

#include <stdlib.h>
#include <string.h>

struct fixture fx;
struct rte_mempool *fx_rx_pool, *fx_payload_pool, *fx_ind_pool;
uint32_t fx_wire_edge;
static struct net_config net_config;

/* ---- seams ---------------------------------------------------------------- */
uint64_t net_now(const struct net_stack *st) { return fx.now_us; }
const struct net_config *net_conf(const struct net_stack *st) { return &net_config; }
void tcp_want_output(struct tcp_conn *c) { fx.wants++; }
void tcp_raise(struct tcp_conn *c, unsigned events) { fx.raised |= events; }
void tcp_kill(struct tcp_conn *c, int error) { fx.kills++; }
void tcp_no_memory(struct tcp_conn *c) { c->timers_set |= 1u << TCP_T_MEMORY; }
void tcp_send_reset(struct tcp_conn *c) { fx.resets++; }

void tcp_fin_received(struct tcp_conn *c)
{
	fx.fins++;
	tcp_raise(c, TCP_EV_EOF);
}

void tcp_timer_set(struct tcp_conn *c, enum tcp_timer t, uint64_t deadline_us)
{
	fx.timer_sets++;
	c->timers_set |= 1u << t;
}

void tcp_timer_clear(struct tcp_conn *c, enum tcp_timer t)
{
	c->timers_set &= ~(1u << t);
}

/* ---- pools and life ------------------------------------------------------- */
static void pools(void)
{
	if (fx_rx_pool != NULL)
		return;
	test_eal_init();
	fx_rx_pool = rte_pktmbuf_pool_create("rx", FX_BUFS, 0, NET_MBUF_PRIV_SIZE, FX_ROOM + RTE_PKTMBUF_HEADROOM, -1);
	fx_payload_pool = rte_pktmbuf_pool_create("payload", FX_BUFS, 0, NET_MBUF_PRIV_SIZE,
						  FX_ROOM + RTE_PKTMBUF_HEADROOM, -1);
	fx_ind_pool = rte_pktmbuf_pool_create("ind", 255, 0, NET_MBUF_PRIV_SIZE, 0, -1);
	CU_ASSERT_FATAL(fx_rx_pool != NULL && fx_payload_pool != NULL && fx_ind_pool != NULL);
}

void fx_open(uint32_t irs, uint32_t rcvbuf, uint32_t rcvbuf_max, uint32_t flags)
{
	pools();
	memset(&fx, 0, sizeof(fx));
	net_config.ind_pool = fx_ind_pool;
	fx.now_us = 1000000;
	fx.irs = irs;
	fx.ts.drops = &fx.drops;
	fx.ts.conf.rcvbuf_initial = rcvbuf;
	fx.ts.conf.rcvbuf_max = rcvbuf_max;
	fx.ts.conf.delayed_ack_ms = 40;
	fx.ts.conf.payload_pool = fx_payload_pool;
	fx.ts.conns.used = 1;
	fx.c.ts = &fx.ts;
	fx.c.state = TCP_ESTABLISHED;
	fx.c.flags = flags;
	fx.c.irs = irs;
	fx.c.path.mtu = 1500;
	fx.c.rcv_wscale = (flags & TCF_WSCALE) ? tcp_rcv_wscale(rcvbuf_max) : 0;
	CU_ASSERT_EQUAL(tcp_rcv_init(&fx.c), 0);
	fx_wire_edge = fx_pos(fx.c.rcv_edge);
}

void fx_close(void)
{
	tcp_rcv_free(&fx.c);
	CU_ASSERT_EQUAL(fx.c.rcv_charged, 0);
	CU_ASSERT_EQUAL(fx.c.ooo_charged, 0);
	CU_ASSERT_EQUAL(fx.c.ooo_count, 0);
	CU_ASSERT_EQUAL(fx.c.rcv_queued, 0);
	CU_ASSERT_EQUAL(fx.ts.rcv_pinned, 0);
	CU_ASSERT_EQUAL(fx.ts.rcv_promised, 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_rx_pool), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_payload_pool), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_ind_pool), 0);
}

/* ---- segments ---------------------------------------------------------------- */
uint8_t fx_octet(uint32_t pos, uint8_t version)
{
	return (pos * 2654435761u >> 24) ^ (version * 85);
}

static struct rte_mbuf *make_buf(uint32_t pos, uint32_t len, uint8_t version)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fx_rx_pool);
	uint8_t *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	p = (uint8_t *)rte_pktmbuf_append(m, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	for (uint32_t i = 0; i < len; i++)
		p[i] = fx_octet(pos + i, version);
	return m;
}

void fx_make(struct tcp_seg *seg, uint32_t pos, uint32_t len, uint8_t flags, uint8_t version, uint32_t buf)
{
	uint32_t done = 0;

	if (buf == 0)
		buf = len > 0 ? RTE_MIN(len, (uint32_t)FX_ROOM) : 1;
	memset(seg, 0, sizeof(*seg));
	seg->seq = fx_seq(pos);
	seg->len = len;
	seg->end = seg->seq + len + ((flags & RTE_TCP_FIN_FLAG) ? 1 : 0);
	seg->flags = flags | RTE_TCP_ACK_FLAG;
	do {
		uint32_t n = RTE_MIN(buf, len - done);
		struct rte_mbuf *m = make_buf(pos + done, n, version);

		done += n;
		if (seg->m == NULL)
			seg->m = m;
		else
			CU_ASSERT_EQUAL(rte_pktmbuf_chain(seg->m, m), 0);
	} while (done < len);
}

static void input(struct tcp_seg *seg)
{
	tcp_data_input(&fx.c, seg);
	rte_pktmbuf_free(seg->m); /* what was not taken stays the caller's */
	CU_ASSERT(fx.c.ooo_count <= TCP_OOO_MAX);
}

void fx_in(uint32_t pos, uint32_t len, uint8_t flags)
{
	struct tcp_seg seg;

	fx_make(&seg, pos, len, flags, 0, 0);
	input(&seg);
}

void fx_in_version(uint32_t pos, uint32_t len, uint8_t version)
{
	struct tcp_seg seg;

	fx_make(&seg, pos, len, 0, version, 0);
	input(&seg);
}

bool fx_in_checked(struct tcp_seg *seg)
{
	if (tcp_seq_acceptable(&fx.c, seg)) {
		input(seg);
		return true;
	}
	tcp_rcv_old(&fx.c, seg);
	rte_pktmbuf_free(seg->m);
	return false;
}

unsigned fx_turn(uint16_t *wnd)
{
	unsigned n = tcp_ack_due(&fx.c);

	for (unsigned i = 0; i < n; i++) {
		uint16_t field = tcp_rcv_window_field(&fx.c, false);

		fx_wire_edge = fx_pos(fx.c.rcv_nxt) + ((uint32_t)field << fx.c.rcv_wscale);
		if (wnd != NULL)
			*wnd = field;
		tcp_ack_sent(&fx.c);
	}
	return n;
}

uint32_t fx_read_checked(uint32_t pos)
{
	uint32_t n = tcp_readable(&fx.c), bad = 0;
	uint8_t *buf = malloc(n + 1);

	CU_ASSERT_EQUAL(tcp_read(&fx.c, buf, n), n);
	for (uint32_t i = 0; i < n; i++)
		bad += buf[i] != fx_octet(pos + i, 0);
	CU_ASSERT_EQUAL(bad, 0);
	free(buf);
	return n;
}
