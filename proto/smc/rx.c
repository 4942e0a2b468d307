/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's calls on received data, and when the peer hears of it (reference
 * 5.6: Linux's rule, and more where that could stand still). */
#include <string.h>

#include "proto/smc/takes.h"

#define TAKE_COPY_MAX 1024u       /* octets; more are referenced where they lie */
#define TAKE_PIECE_MAX 32768u     /* octets of one buffer */

uint32_t smc_readable(const struct smc_conn *c)
{
	return smc_ring_used(c);
}

bool smc_eof(const struct smc_conn *c)
{
	return c->rx_conn_flags != 0 && smc_ring_used(c) == 0;
}

/* The readable octets from skip on, at most len: one piece up to the ring's
 * end. */
static uint32_t piece_at(const struct smc_conn *c, uint32_t skip, uint32_t len, uint8_t **data)
{
	struct smc_cursor at;

	smc_cursor_copy(&at, &c->cons);
	smc_cursor_add(&at, skip, c->rmb->size);
	*data = c->rmb->base + at.count;
	return RTE_MIN(len, c->rmb->size - at.count);
}

unsigned smc_peek(const struct smc_conn *c, struct tcp_piece *pieces, unsigned max)
{
	uint32_t left = smc_ring_used(c), done = 0;
	unsigned n;

	for (n = 0; n < max && done < left; n++) {
		uint8_t *data;

		pieces[n].len = piece_at(c, done, left - done, &data);
		pieces[n].data = data;
		done += pieces[n].len;
	}
	return n;
}

/* Octets the peer may not write to yet, as far as it knows. */
static uint32_t untold(const struct smc_conn *c)
{
	return (uint32_t)smc_cursor_distance(&c->cons_told, &c->freed, c->rmb->size);
}

static bool update_due(const struct smc_conn *c)
{
	uint32_t size = c->rmb->size, n = untold(c);
	bool blocked = c->rx_prod_flags & CDC_WRITE_BLOCKED;
	bool urgent = c->rx_prod_flags & (CDC_URG_PENDING | CDC_URG_PRESENT);

	if (c->rx_prod_flags & CDC_CURSOR_WANTED)
		return true;
	if (n == 0)
		return false;
	if (n > c->update_limit && (blocked || smc_cursor_distance(&c->cons_told, &c->peer_prod, size) >= size - size / 2))
		return true;
	/* Nothing more will come before the peer hears of this, also where what is behind its urgent
	 * octet waits for an empty ring and some was out (smc_take()) when that octet was read. */
	return (blocked || urgent) && smc_cursor_equal(&c->freed, &c->peer_prod);
}

void smc_window_update(struct smc_conn *c)
{
	if (!c->active || c->rmb == NULL || c->rx_conn_flags != 0 || c->refs[SMC_REF_LIVE] == 0)
		return;
	if (update_due(c)) {
		c->want_update = true;
		smc_tx_schedule(c);
	} else if ((c->rx_prod_flags & CDC_WRITE_BLOCKED) && untold(c) != 0 && !smc_timer_pending(c, SMC_T_UPDATE)) {
		/* Less than the limit, and the user may be waiting for what does not fit. */
		smc_timer_set(c, SMC_T_UPDATE, SMC_UPDATE_US);
	}
}

static void consumed(struct smc_conn *c, uint32_t len)
{
	smc_cursor_add(&c->cons, len, c->rmb->size);
	/* What comes next goes where nothing was for a whole turn of the ring. */
	__builtin_prefetch(c->rmb->base + c->peer_prod.count, 1);
	if (unlikely(c->urg_in) && smc_urgent_passed(c)) {
		c->want_update = true;
		smc_tx_schedule(c);
	}
	smc_window_update(c);
}

/* Counted as Linux counts a receive call. */
static void count_read(struct smc_conn *c, uint32_t len, uint32_t had, uint32_t done)
{
	struct smc_dir_stats *d = &c->ss->stats.rx;

	smc_count_request(d, done, done);
	if (had == c->rmb->size)
		d->buf_full++;
	if (len < had)
		d->buf_small++;
}

void smc_consume(struct smc_conn *c, uint32_t len)
{
	uint32_t had = smc_ring_used(c);

	len = RTE_MIN(len, had);
	if (len == 0)
		return;
	count_read(c, len, had, len);
	smc_take_skip(c, len);
	consumed(c, len);
}

static void copy_out(const struct smc_conn *c, uint8_t *to, uint32_t len)
{
	uint32_t done = 0;

	while (done < len) {
		uint8_t *data;
		uint32_t n = piece_at(c, done, len - done, &data);

		memcpy(to + done, data, n);
		done += n;
	}
}

uint32_t smc_read(struct smc_conn *c, void *buf, uint32_t len)
{
	uint32_t had = smc_ring_used(c), n = RTE_MIN(len, had);

	if (n == 0)
		return 0;
	count_read(c, len, had, n);
	copy_out(c, buf, n);
	smc_take_skip(c, n);
	consumed(c, n);
	return n;
}

/* At most len octets in a buffer of their own. */
static struct rte_mbuf *take_copy(struct smc_conn *c, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net_conf(c->ss->net)->hdr_pool);

	if (m == NULL)
		return NULL;
	m->data_off = 0; /* no header will go in front: use it all */
	len = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m));
	copy_out(c, rte_pktmbuf_mtod(m, uint8_t *), len);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	smc_take_skip(c, len);
	return m;
}

/* The next buffer, at most len octets; they count as read. */
static struct rte_mbuf *take_one(struct smc_conn *c, uint32_t len)
{
	struct rte_mbuf *m = NULL;
	uint8_t *data;
	uint32_t n = RTE_MIN(piece_at(c, 0, len, &data), TAKE_PIECE_MAX);

	if (len > TAKE_COPY_MAX && n > TAKE_COPY_MAX)
		m = smc_take_ref(c, (uint32_t)(data - c->rmb->base), n);
	if (m == NULL)
		m = take_copy(c, len);
	return m;
}

uint32_t smc_take(struct smc_conn *c, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs)
{
	uint32_t had = smc_ring_used(c), done = 0, want = RTE_MIN(len, had);
	struct rte_mbuf **tail = chain;
	unsigned segs = 0;

	*chain = NULL;
	while (done < want) {
		struct rte_mbuf *m = take_one(c, want - done);

		if (m == NULL) {
			c->ss->stats.refused_memory++;
			break;
		}
		/* Not through consumed(): an update in the middle would be early. */
		smc_cursor_add(&c->cons, m->data_len, c->rmb->size);
		done += m->data_len;
		*tail = m;
		tail = &m->next;
		segs++;
	}
	if (n_segs != NULL)
		*n_segs = segs;
	if (done != 0) {
		count_read(c, len, had, done);
		c->ss->stats.splice++;
		consumed(c, 0);
	}
	return done;
}
