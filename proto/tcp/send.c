/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The send queue: buffers linked by next, from SND.UNA to the last octet given.
 */
#include <errno.h>

#include "proto/tcp/snd.h"

#define SHARE_MIN 16384 /* octets a connection may always have queued */
#define GIVE_COPY_MAX 256 /* octets; more are referenced where they lie */

enum { BUF_GIVEN, BUF_PRIVATE }; /* net_meta.user: the free space behind it is ours to write */

static uint32_t true_size(const struct rte_mbuf *m)
{
	return m->buf_len + (uint32_t)sizeof(*m);
}

int tcp_snd_init(struct tcp_conn *c)
{
	if (c->sndbuf_max == 0)
		c->sndbuf_max = c->ts->conf.sndbuf_max;
	c->recover = c->iss;
	c->lost_seq = c->iss;
	c->cc = tcp_cc_find(c->ts->conf.congestion);
	c->ssthresh = TCP_SSTHRESH_INF;
	return 0;
}

void tcp_snd_free(struct tcp_conn *c)
{
	struct rte_mbuf *m, *next;

	tcp_rec_flush(c);
	for (m = c->sndq_head; m; m = next) {
		next = m->next;
		m->next = NULL;
		rte_pktmbuf_free_seg(m);
	}
	c->sndq_head = c->sndq_tail = c->sndq_next = NULL;
	rte_pktmbuf_free(c->sndq_spare);
	c->sndq_spare = NULL;
	c->snd_queued = 0;
	c->ts->snd_pinned -= c->snd_charged;
	c->snd_charged = 0;
}

static void append(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq, uint32_t origin)
{
	struct net_meta *meta = net_mbuf_meta(m);

	meta->seq = seq;
	meta->user = origin;
	meta->charge = true_size(m);
	c->snd_charged += meta->charge;
	c->ts->snd_pinned += meta->charge;
	m->next = NULL;
	m->nb_segs = 1;
	if (c->sndq_tail)
		c->sndq_tail->next = m;
	else
		c->sndq_head = m;
	c->sndq_tail = m;
	if (c->sndq_next == NULL && m->data_len)
		c->sndq_next = m;
}

/* Free space behind the last octet that is ours to write. */
static uint32_t tail_room(const struct tcp_conn *c)
{
	struct rte_mbuf *m = c->sndq_tail;

	return m && net_mbuf_meta(m)->user == BUF_PRIVATE ? rte_pktmbuf_tailroom(m) : 0;
}

static struct rte_mbuf *new_private(struct tcp_conn *c)
{
	struct rte_mbuf *m = c->sndq_spare;

	c->sndq_spare = NULL;
	if (m)
		return m;
	m = rte_pktmbuf_alloc(c->ts->conf.payload_pool);
	if (m == NULL) {
		c->ts->stats.no_memory++;
		net_drop_count(c->ts->drops, DROP_TX_NO_MBUF);
		tcp_no_memory(c);
		return NULL;
	}
	m->data_off = 0;
	return m;
}

/* The tail got len octets more. */
static void tail_grew(struct tcp_conn *c, uint32_t len)
{
	struct rte_mbuf *m = c->sndq_tail;

	m->data_len += (uint16_t)len;
	m->pkt_len = m->data_len;
	c->snd_queued += len;
	if (c->sndq_next == NULL)
		c->sndq_next = m;
}

/* Why nothing may be queued now; 0: it may. */
static int send_error(const struct tcp_conn *c)
{
	if (c->error)
		return -c->error;
	if (c->flags & TCF_FIN_QUEUED)
		return -EPIPE;
	switch (c->state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
		return 0;
	case TCP_CLOSED:
	case TCP_LISTEN:
		return -ENOTCONN;
	default:
		return -EPIPE;
	}
}

/* With half of the pool queued, who has more than his share waits: peers that
 * do not read would hold all of it for as long as they answer probes. */
static bool over_share(const struct tcp_conn *c)
{
	const struct tcp_stack *ts = c->ts;
	uint64_t half = ts->snd_pinned_max / 2;

	if (likely(ts->snd_pinned <= half || half == 0))
		return false;
	return c->snd_charged > tcp_max(half / tcp_max(ts->conns.used, 1u), (uint64_t)SHARE_MIN);
}

static uint32_t room(const struct tcp_conn *c)
{
	if (unlikely(over_share(c)))
		return 0;
	/* a flood of tiny buffers is bounded at its true size */
	if (c->snd_charged > 2 * (uint64_t)c->sndbuf_max + 65536)
		return 0;
	return c->snd_queued < c->sndbuf_max ? c->sndbuf_max - c->snd_queued : 0;
}

uint32_t tcp_send_room(struct tcp_conn *c)
{
	uint32_t n = send_error(c) ? 0 : room(c);

	if (n < c->sndbuf_max / 3)
		c->flags |= TCF_WANT_WRITE;
	return n;
}

ssize_t tcp_send(struct tcp_conn *c, const void *buf, size_t len)
{
	int rc = send_error(c);
	uint32_t left, done = 0;

	if (rc)
		return rc;
	left = (uint32_t)tcp_min((size_t)room(c), len);
	while (left > 0) {
		uint32_t n = tail_room(c);

		if (n == 0) {
			struct rte_mbuf *m = new_private(c);

			if (m == NULL)
				break;
			append(c, m, tcp_sndq_end(c), BUF_PRIVATE);
			n = rte_pktmbuf_tailroom(m);
		}
		n = tcp_min(n, left);
		memcpy(rte_pktmbuf_mtod_offset(c->sndq_tail, uint8_t *, c->sndq_tail->data_len),
		       (const uint8_t *)buf + done, n);
		tail_grew(c, n);
		done += n;
		left -= n;
	}
	if (done < len)
		c->flags |= TCF_WANT_WRITE;
	if (done == 0 && len > 0)
		return -EAGAIN;
	if (done > 0)
		tcp_snd_kick(c);
	return done;
}

int tcp_send_reserve(struct tcp_conn *c, uint32_t want, struct tcp_piece pieces[2])
{
	int rc = send_error(c), n = 0;
	uint32_t tail = tail_room(c);

	if (rc)
		return rc;
	want = tcp_min(want, room(c));
	if (want == 0) {
		c->flags |= TCF_WANT_WRITE;
		return -EAGAIN;
	}
	if (tail > 0) {
		struct rte_mbuf *m = c->sndq_tail;

		pieces[n].data = rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len);
		pieces[n].len = tcp_min(tail, want);
		want -= pieces[n++].len;
	}
	if (want == 0)
		return n;
	if (c->sndq_spare == NULL)
		c->sndq_spare = new_private(c);
	if (c->sndq_spare == NULL) {
		c->flags |= TCF_WANT_WRITE;
		return n ? n : -EAGAIN;
	}
	pieces[n].data = rte_pktmbuf_mtod(c->sndq_spare, uint8_t *);
	pieces[n].len = tcp_min((uint32_t)rte_pktmbuf_tailroom(c->sndq_spare), want);
	return n + 1;
}

void tcp_send_commit(struct tcp_conn *c, uint32_t len)
{
	uint32_t n = tcp_min(tail_room(c), len);

	if (n)
		tail_grew(c, n);
	len -= n;
	if (len > 0 && c->sndq_spare) {
		append(c, c->sndq_spare, tcp_sndq_end(c), BUF_PRIVATE);
		c->sndq_spare = NULL;
		tail_grew(c, tcp_min(len, (uint32_t)rte_pktmbuf_tailroom(c->sndq_tail)));
	}
	rte_pktmbuf_free(c->sndq_spare);
	c->sndq_spare = NULL;
	tcp_snd_kick(c);
}

static uint32_t chain_octets(const struct rte_mbuf *m)
{
	uint32_t n = 0;

	for (; m; m = m->next)
		n += m->data_len;
	return n;
}

/*
 * A few octets are copied: their buffer, perhaps one that a port wants to
 * receive into, would wait for the peer's ACK, and with enough of them waiting
 * no ACK could be received. False: keep the buffer.
 */
static bool copy_small(struct tcp_conn *c, const struct rte_mbuf *m)
{
	struct rte_mbuf *to;

	if (m->data_len > GIVE_COPY_MAX)
		return false;
	if (tail_room(c) < m->data_len) {
		to = rte_pktmbuf_alloc(c->ts->conf.payload_pool);
		if (to == NULL)
			return false;
		to->data_off = 0;
		append(c, to, tcp_sndq_end(c), BUF_PRIVATE);
	}
	memcpy(rte_pktmbuf_mtod_offset(c->sndq_tail, uint8_t *, c->sndq_tail->data_len),
	       rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	tail_grew(c, m->data_len);
	return true;
}

int tcp_give(struct tcp_conn *c, struct rte_mbuf *chain, uint32_t len)
{
	int rc = send_error(c);
	struct rte_mbuf *m, *next;
	uint32_t free_octets;

	if (rc)
		return rc;
	if (chain_octets(chain) != len)
		return -EINVAL;
	free_octets = room(c);
	/* more than a whole buffer is taken when nothing else waits: it could never fit */
	if (len > free_octets && (free_octets == 0 || c->snd_queued > 0)) {
		c->flags |= TCF_WANT_WRITE;
		return -EAGAIN;
	}
	for (m = chain; m; m = next) {
		next = m->next;
		m->next = NULL;
		if (m->data_len == 0 || copy_small(c, m)) {
			rte_pktmbuf_free_seg(m);
			continue;
		}
		append(c, m, tcp_sndq_end(c), BUF_GIVEN);
		c->snd_queued += m->data_len;
	}
	tcp_snd_kick(c);
	return 0;
}

void tcp_sndq_advance(struct tcp_conn *c, uint32_t len)
{
	uint32_t end = c->snd_nxt + len;
	struct rte_mbuf *m = c->sndq_next;

	while (m && seq_le(net_mbuf_meta(m)->seq + m->data_len, end))
		m = m->next;
	c->sndq_next = m;
}

static void tell_writable(struct tcp_conn *c)
{
	if ((c->flags & TCF_WANT_WRITE) && room(c) >= c->sndbuf_max / 3) {
		c->flags &= ~(uint32_t)TCF_WANT_WRITE;
		tcp_raise(c, TCP_EV_WRITABLE);
	}
	if ((c->flags & TCF_WANT_SENT) && c->snd_queued == 0) {
		c->flags &= ~(uint32_t)TCF_WANT_SENT;
		tcp_raise(c, TCP_EV_SENT);
	}
}

void tcp_snd_memory(struct tcp_conn *c)
{
	if (!(c->flags & TCF_WANT_WRITE) || send_error(c) || room(c) == 0)
		return;
	c->flags &= ~(uint32_t)TCF_WANT_WRITE;
	tcp_raise(c, TCP_EV_WRITABLE);
}

void tcp_sndq_release(struct tcp_conn *c, uint32_t una)
{
	struct rte_mbuf *m;
	uint32_t end = tcp_sndq_end(c);

	while ((m = c->sndq_head) != NULL && seq_le(net_mbuf_meta(m)->seq + m->data_len, una)) {
		c->sndq_head = m->next;
		if (m->next == NULL)
			c->sndq_tail = NULL;
		if (c->sndq_next == m)
			c->sndq_next = m->next;
		c->snd_charged -= net_mbuf_meta(m)->charge;
		c->ts->snd_pinned -= net_mbuf_meta(m)->charge;
		m->next = NULL;
		rte_pktmbuf_free_seg(m);
	}
	c->snd_queued = seq_gt(end, una) ? end - una : 0; /* our FIN lies behind the last octet */
	if (c->rec_head && seq_lt(c->rec_head->seq, una))
		c->rec_head->buf = c->sndq_head;
	tell_writable(c);
}

uint32_t tcp_unsent(const struct tcp_conn *c)
{
	return tcp_sndq_unsent(c);
}

uint32_t tcp_unacked(const struct tcp_conn *c)
{
	return c->snd_queued;
}

void tcp_cork(struct tcp_conn *c, bool on)
{
	if (on) {
		c->flags |= TCF_CORK;
		return;
	}
	c->flags &= ~(uint32_t)TCF_CORK;
	tcp_timer_clear(c, TCP_T_CORK);
	tcp_snd_kick(c);
}

void tcp_cork_expired(struct tcp_conn *c)
{
	if (!tcp_out_state(c) || !(c->flags & TCF_CORK) || tcp_sndq_unsent(c) == 0)
		return;
	tcp_out_force_new(c, UINT32_MAX);
	tcp_want_output(c); /* what flies needs its timer, what could not go the cork's again */
}

void tcp_nodelay(struct tcp_conn *c, bool on)
{
	if (on)
		c->flags |= TCF_NODELAY;
	else
		c->flags &= ~(uint32_t)TCF_NODELAY;
	tcp_snd_kick(c);
}

void tcp_notify_sent(struct tcp_conn *c)
{
	c->flags |= TCF_WANT_SENT;
	tell_writable(c);
}

void tcp_set_dscp(struct tcp_conn *c, uint8_t dscp)
{
	c->dscp = dscp & 0x3f;
}

void tcp_snd_kick(struct tcp_conn *c)
{
	if (c->state >= TCP_ESTABLISHED)
		tcp_want_output(c);
}
