/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's calls that fill the send ring. */
#include <errno.h>
#include <string.h>

#include "proto/smc/give.h"

/* Free octets of our ring: what was completed is the user's again. */
static uint32_t ring_room(const struct smc_conn *c)
{
	return c->snd->size - smc_unacked(c);
}

uint32_t smc_unacked(const struct smc_conn *c)
{
	return c->snd == NULL ? 0 : (uint32_t)smc_cursor_distance(&c->fin, &c->prep, c->snd->size);
}

/* Why nothing may be queued; 0: it may. */
static int send_error(const struct smc_conn *c)
{
	if (c->error != 0)
		return -c->error;
	if (c->shut_write || c->closed)
		return -EPIPE;
	if (!c->active || c->snd == NULL)
		return -ENOTCONN;
	/* Linux's answer when the peer has closed. */
	return c->rx_conn_flags & SMC_ANY_CLOSE ? -ECONNRESET : 0;
}

/* The same of a user who has something to send: with TCP the peer's reset would
 * end his waiting for room. */
static int may_queue(struct smc_conn *c)
{
	int rc = send_error(c);

	if (rc == -ECONNRESET && c->error == 0)
		smc_reset_by_peer(c);
	return rc;
}

/* Nothing is queued and nothing under way: go on at the ring's start, whose
 * lines are in the cache, in one piece. Where our ring stands is nobody else's. */
static void rewind_idle(struct smc_conn *c)
{
	if (c->refs[SMC_REF_WR] != 0 || c->prep.count == 0 || !smc_cursor_equal(&c->fin, &c->prep))
		return;
	c->prep.count = c->sent.count = c->fin.count = 0;
	c->prep.wrap++;
	c->sent.wrap = c->fin.wrap = c->prep.wrap;
}

/* Urgent data that was not consumed yet holds everything behind it back. */
static uint32_t room_now(const struct smc_conn *c)
{
	return c->urg_out ? 0 : ring_room(c);
}

/* Ask first, then look: room that comes now is told of. */
static uint32_t room_or_wait(struct smc_conn *c, size_t want)
{
	uint32_t room = room_now(c);

	if (room < want) {
		c->want_writable = true;
		c->was_full |= room == 0;
	}
	return room;
}

void smc_tell_writable(struct smc_conn *c)
{
	if (c->want_sent && smc_unacked(c) == 0) {
		c->want_sent = false;
		smc_raise(c, TCP_EV_SENT);
	}
	if (!c->want_writable || send_error(c) != 0 || room_now(c) < c->snd->size / 3)
		return;
	c->want_writable = false;
	if (c->was_full)
		c->ss->stats.tx.buf_full++;
	c->was_full = false;
	smc_raise(c, TCP_EV_WRITABLE);
}

uint32_t smc_send_room(struct smc_conn *c)
{
	return may_queue(c) != 0 ? 0 : room_or_wait(c, c->snd->size / 3);
}

/* len octets, no more than there is room for, behind what is queued. */
static void fill(struct smc_conn *c, const uint8_t *from, uint32_t len)
{
	uint32_t first = RTE_MIN(len, c->snd->size - c->prep.count);

	memcpy(c->snd->base + c->prep.count, from, first);
	if (unlikely(first < len))
		memcpy(c->snd->base, from + first, len - first);
	smc_cursor_add(&c->prep, len, c->snd->size);
}

static void count_send(struct smc_conn *c, size_t len, uint32_t done)
{
	struct smc_dir_stats *d = &c->ss->stats.tx;

	smc_count_request(d, len, done);
	if (len > c->snd->size)
		d->buf_small++;
	if (len > c->peer_size)
		d->buf_small_peer++;
}

ssize_t smc_send(struct smc_conn *c, const void *buf, size_t len)
{
	int rc = may_queue(c);
	uint32_t n;

	if (rc < 0)
		return rc;
	n = (uint32_t)RTE_MIN(len, (size_t)room_or_wait(c, len));
	count_send(c, len, n);
	if (n == 0)
		return len == 0 ? 0 : -EAGAIN;
	rewind_idle(c);
	fill(c, buf, n);
	smc_tx_schedule(c);
	return n;
}

int smc_send_reserve(struct smc_conn *c, uint32_t want, struct tcp_piece pieces[2])
{
	int rc = may_queue(c);
	uint32_t first;

	if (rc < 0)
		return rc;
	want = RTE_MIN(want, room_or_wait(c, 1));
	if (want == 0)
		return -EAGAIN;
	rewind_idle(c);
	first = RTE_MIN(want, c->snd->size - c->prep.count);
	pieces[0] = (struct tcp_piece){ c->snd->base + c->prep.count, first };
	pieces[1] = (struct tcp_piece){ c->snd->base, want - first };
	return want > first ? 2 : 1;
}

void smc_send_commit(struct smc_conn *c, uint32_t len)
{
	if (send_error(c) != 0)
		return;
	len = RTE_MIN(len, room_now(c));
	if (len == 0)
		return;
	count_send(c, len, len);
	smc_cursor_add(&c->prep, len, c->snd->size);
	smc_tx_schedule(c);
}

static uint32_t chain_octets(const struct rte_mbuf *m)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->next)
		n += m->data_len;
	return n;
}

int smc_give(struct smc_conn *c, struct rte_mbuf *chain, uint32_t len)
{
	int rc = may_queue(c);
	struct rte_mbuf *m, *next;

	if (rc < 0)
		return rc;
	if (chain_octets(chain) != len)
		return -EINVAL;
	if (len > c->snd->size)
		return -EMSGSIZE;
	if (len > room_or_wait(c, len))
		return -EAGAIN;
	count_send(c, len, len);
	rewind_idle(c);
	for (m = chain; m != NULL; m = next) {
		next = m->next;
		m->next = NULL;
		m->nb_segs = 1;
		/* Many small pieces cost a gather list and packets more than copying them. */
		if (m->data_len >= c->ss->conf.give_min && smc_give_ref(c, m)) {
			c->ss->stats.given++;
			continue;
		}
		c->ss->stats.given_copied++;
		fill(c, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
		rte_pktmbuf_free_seg(m);
	}
	smc_tx_schedule(c);
	return 0;
}

void smc_notify_sent(struct smc_conn *c)
{
	c->want_sent = true;
	smc_tell_writable(c);
}

void smc_cork(struct smc_conn *c, bool on)
{
	c->ss->stats.cork++;
	c->corked = on;
	if (on)
		return;
	c->uncork = true;
	smc_tx_schedule(c);
}

void smc_nodelay(struct smc_conn *c, bool on)
{
	c->ss->stats.nodelay++;
	c->nodelay = on;
	if (on)
		smc_tx_schedule(c);
}

void smc_drop_unsent(struct smc_conn *c)
{
	c->prep = c->sent;
	smc_give_drop(c);
}
