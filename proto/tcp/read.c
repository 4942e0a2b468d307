/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's calls on received data. */
#include <rte_memcpy.h>

#include "proto/tcp/recv.h"

uint32_t tcp_readable(const struct tcp_conn *c)
{
	return c->rcv_queued;
}

bool tcp_eof(const struct tcp_conn *c)
{
	return (c->flags & TCF_FIN_RCVD) && c->rcv_queued == 0;
}

unsigned tcp_peek(const struct tcp_conn *c, struct tcp_piece *pieces, unsigned max)
{
	struct rte_mbuf *m = c->rcvq_head;
	unsigned n;

	for (n = 0; n < max && m != NULL; n++, m = m->next) {
		pieces[n].data = rte_pktmbuf_mtod(m, void *);
		pieces[n].len = m->data_len;
	}
	return n;
}

/* Take the head buffer off the queue, its charge removed. */
static struct rte_mbuf *pop(struct tcp_conn *c)
{
	struct rte_mbuf *m = c->rcvq_head;

	c->rcvq_head = m->next;
	if (c->rcvq_head == NULL)
		c->rcvq_tail = NULL;
	m->next = NULL;
	rcv_uncharge(c, m);
	c->rcv_queued -= m->data_len;
	return m;
}

/* Drop octets of the head buffer's front, fewer than it has. Its charge stays:
 * the whole buffer is pinned until the last octet goes. */
static void trim_head(struct tcp_conn *c, uint32_t len)
{
	struct rte_mbuf *m = c->rcvq_head;

	m->data_off += len;
	m->data_len -= len;
	m->pkt_len = m->data_len;
	c->rcv_queued -= len;
}

/* The user consumed: buffers may grow, and the peer may have to hear of it. */
static void consumed(struct tcp_conn *c)
{
	if (unlikely(c->flags & TCF_URG))
		rcv_urgent_passed(c);
	if (c->state == TCP_CLOSED)
		return;
	rcv_adjust(c);
	if (rcv_update_due(c))
		tcp_want_output(c);
}

void tcp_consume(struct tcp_conn *c, uint32_t len)
{
	if (len == 0)
		return;
	while (len > 0 && c->rcvq_head != NULL) {
		uint32_t n = c->rcvq_head->data_len;

		if (len < n) {
			trim_head(c, len);
			break;
		}
		rte_pktmbuf_free_seg(pop(c));
		len -= n;
	}
	consumed(c);
}

uint32_t tcp_read(struct tcp_conn *c, void *buf, uint32_t len)
{
	const struct rte_mbuf *m;
	uint32_t done = 0;

	for (m = c->rcvq_head; m != NULL && done < len; m = m->next) {
		uint32_t n = RTE_MIN(len - done, (uint32_t)m->data_len);

		rte_memcpy((uint8_t *)buf + done, rte_pktmbuf_mtod(m, const void *), n);
		done += n;
	}
	tcp_consume(c, done);
	return done;
}

/*
 * The first len octets of a buffer of which the rest stays queued. A short
 * piece is copied, which costs less than a second reference and does not pin
 * the buffer twice; a long one is an indirect mbuf on the same data (nobody
 * writes to it: the queued part is not private any more, so nothing will be
 * appended to it), because the one who takes is about to send it on.
 */
static struct rte_mbuf *split_head(struct tcp_conn *c, uint32_t len)
{
	struct rte_mempool *ind = net_conf(c->ts->net)->ind_pool;
	struct rte_mbuf *m = c->rcvq_head, *n;

	if (len <= 256 || ind == NULL) {
		n = rcv_copy(c, m, 0, len);
		if (n != NULL || ind == NULL)
			return n;
	}
	n = rte_pktmbuf_alloc(ind);
	if (n == NULL)
		return rcv_copy(c, m, 0, len);
	rte_pktmbuf_attach(n, m);
	n->next = NULL; /* attaching copies the link of the queue's buffer */
	n->nb_segs = 1;
	n->data_len = len;
	n->pkt_len = len;
	return n;
}

uint32_t tcp_take(struct tcp_conn *c, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs)
{
	struct rcv_list out = { NULL, NULL };
	uint32_t done = 0;
	unsigned segs = 0;

	while (done < len && c->rcvq_head != NULL) {
		uint32_t n = RTE_MIN(len - done, (uint32_t)c->rcvq_head->data_len);
		struct rte_mbuf *m;

		if (n == c->rcvq_head->data_len) {
			m = pop(c);
		} else {
			m = split_head(c, n);
			if (m == NULL) {
				tcp_no_memory(c);
				break;
			}
			trim_head(c, n);
		}
		if (out.tail != NULL)
			out.tail->next = m;
		else
			out.head = m;
		out.tail = m;
		done += n;
		segs++;
	}
	*chain = out.head;
	if (n_segs != NULL)
		*n_segs = segs;
	if (done > 0)
		consumed(c);
	return done;
}

void tcp_set_buffers(struct tcp_conn *c, uint32_t rcvbuf_max, uint32_t sndbuf_max)
{
	tcp_rcv_set_limit(c, rcvbuf_max);
	if (sndbuf_max != 0)
		c->sndbuf_max = sndbuf_max;
}
