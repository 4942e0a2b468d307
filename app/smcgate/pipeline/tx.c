/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/tx.h"

#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "app/smcgate/pipeline/exchange.h"
#include "app/smcgate/pipeline/lcore.h"

int tx_limit(struct tx_port *tp, int (*progress)(uint16_t, uint16_t, bool, struct vnic_tx_progress *),
	     uint64_t now_us, int node)
{
	tp->fq = rte_malloc_socket("tx_fq", sizeof(*tp->fq), RTE_CACHE_LINE_SIZE, node);
	if (tp->fq == NULL)
		return -ENOMEM;
	fq_init(tp->fq);
	bql_init(&tp->bql, now_us);
	tp->progress = progress;
	return 0;
}

void tx_fini(struct tx_port *tp)
{
	rte_free(tp->fq);
	tp->fq = NULL;
	tp->progress = NULL;
}

static bool add_data(struct tx_port *tp, struct rte_mbuf *m)
{
	if (tp->n_data == TX_DATA_MAX)
		return false;
	if (tp->fq != NULL)
		return fq_add(tp->fq, fq_flow_of(m), m);
	tp->data[tp->n_data] = m;
	return true;
}

void tx_enqueue(struct lcore *lc, struct tx_port *tp, struct rte_mbuf *m, enum net_tx_class cls)
{
	if (!tp->on) {
		lcore_drop(lc, PDROP_TX_STOPPED, m);
	} else if (cls == NET_TX_CONTROL) {
		if (tp->n_control == TX_CONTROL_MAX)
			lcore_drop(lc, PDROP_TX_QUEUE, m);
		else
			tp->control[tp->n_control++] = m;
	} else if (!add_data(tp, m)) {
		lcore_drop(lc, PDROP_TX_QUEUE, m);
	} else {
		tp->n_data++;
		tp->bytes += m->pkt_len;
	}
}

unsigned tx_room(const struct tx_port *tp)
{
	if (tp->n_out >= TX_BURST || tp->bytes >= TX_DATA_BYTES)
		return 0;
	return TX_DATA_MAX - tp->n_data;
}

/* One buffer, and nothing asked of the port: it goes as it is. */
static inline bool is_finished(const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && (m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) == 0;
}

/* Finish one frame into out[], at position at. False: out[] is full, m waits. */
static bool finish_at(struct lcore *lc, struct tx_port *tp, struct rte_mbuf *m, unsigned at)
{
	struct rte_mbuf *done[NET_GSO_MAX_FRAMES];
	int n;

	if (tp->n_out + NET_GSO_MAX_FRAMES > TX_OUT_MAX)
		return false;
	if (at == tp->n_out && is_finished(m)) {
		tp->out[tp->n_out++] = m;
		return true;
	}
	n = net_tx_finish(m, tp->offloads, lc->mem.header, lc->mem.indirect, done, RTE_DIM(done));
	if (n < 0) {
		lcore_drop(lc, PDROP_TX_FINISH, m);
		return true;
	}
	if (at != tp->n_out)
		memmove(&tp->out[at + n], &tp->out[at], (tp->n_out - at) * sizeof(tp->out[0]));
	memcpy(&tp->out[at], done, (unsigned)n * sizeof(done[0]));
	tp->n_out = (uint16_t)(tp->n_out + n);
	return true;
}

static void remove_front(struct rte_mbuf **queue, uint16_t *n, unsigned done)
{
	*n = (uint16_t)(*n - done);
	if (done != 0 && *n != 0)
		memmove(queue, queue + done, *n * sizeof(queue[0]));
}

/* Control frames behind the control frames already there, ahead of data. */
static void gather_control(struct lcore *lc, struct tx_port *tp)
{
	unsigned i;

	for (i = 0; i < tp->n_control; i++) {
		uint16_t before = tp->n_out;

		if (!finish_at(lc, tp, tp->control[i], tp->n_out_control))
			break;
		tp->n_out_control = (uint16_t)(tp->n_out_control + tp->n_out - before);
	}
	remove_front(tp->control, &tp->n_control, i);
}

/* A port that copies gives the buffers back at once: few frames at a time are cut into the same few buffers
 * again and again, which the cache holds. A ring of descriptors wants them all with one doorbell. */
static unsigned burst_of(const struct tx_port *tp)
{
	return tp->copies ? TX_BURST_COPIED : TX_BURST;
}

static void gather_data(struct lcore *lc, struct tx_port *tp)
{
	unsigned i, max = burst_of(tp);

	for (i = 0; i < tp->n_data && tp->n_out < max; i++) {
		uint32_t len = tp->data[i]->pkt_len;

		if (!finish_at(lc, tp, tp->data[i], tp->n_out))
			break;
		tp->bytes -= len;
	}
	remove_front(tp->data, &tp->n_data, i);
}

static uint32_t out_bytes(const struct tx_port *tp)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < tp->n_out; i++)
		n += tp->out[i]->pkt_len;
	return n;
}

/* As many octets as the device may have, flow by flow. */
static void gather_fair(struct lcore *lc, struct tx_port *tp)
{
	int64_t room = bql_room(&tp->bql) - out_bytes(tp);

	while (room >= 0 && tp->n_out < TX_BURST && tp->n_out + NET_GSO_MAX_FRAMES <= TX_OUT_MAX) {
		struct rte_mbuf *m = fq_take(tp->fq);
		uint32_t len;

		if (m == NULL)
			break;
		len = m->pkt_len;
		tp->n_data--;
		tp->bytes -= len;
		room -= len;
		(void)finish_at(lc, tp, m, tp->n_out); /* there is room for it */
	}
}

/* What the driver will not send at all is dropped, the rest moves up. */
static unsigned prepare(struct lcore *lc, struct tx_port *tp, unsigned n)
{
	unsigned ok = 0;

	while (ok < n) {
		ok += rte_eth_tx_prepare(tp->id, tp->queue, tp->out + ok, (uint16_t)(n - ok));
		if (ok == n)
			break;
		lcore_drop(lc, PDROP_TX_PREPARE, tp->out[ok]);
		memmove(&tp->out[ok], &tp->out[ok + 1], (tp->n_out - ok - 1) * sizeof(tp->out[0]));
		tp->n_out--;
		tp->n_out_control -= ok < tp->n_out_control;
		n--;
	}
	return n;
}

/* How many of out[] to offer. vhost copies frames four at a time into four descriptors that begin at a
 * multiple of four, others one by one: what is over waits for the frames that come next. */
static unsigned offered(const struct tx_port *tp)
{
	unsigned n = RTE_MIN(tp->n_out, (uint16_t)TX_BURST);

	if (tp->copies && tp->n_data != 0 && n > TX_COPIED_TOGETHER)
		n -= n % TX_COPIED_TOGETHER;
	return n;
}

/* Returns frames sent; *whole: the port took all that was offered. */
static unsigned send_to_port(struct lcore *lc, struct tx_port *tp, bool *whole)
{
	unsigned n = offered(tp), sent;
	uint64_t bytes = 0;

	if (tp->prepare)
		n = prepare(lc, tp, n);
	for (unsigned i = 0; i < n; i++)
		bytes += tp->out[i]->pkt_len;
	sent = rte_eth_tx_burst(tp->id, tp->queue, tp->out, (uint16_t)n);
	for (unsigned i = sent; i < n; i++)
		bytes -= tp->out[i]->pkt_len;
	lc->stats.tx_packets += sent;
	lc->stats.tx_bytes += bytes;
	bql_sent(&tp->bql, (uint32_t)bytes);
	*whole = sent == n;
	return sent;
}

/* To the worker that owns a queue of the port. The ring's fullness is loss:
 * its owner sees the room, we do not. */
static unsigned send_to_worker(struct lcore *lc, struct tx_port *tp)
{
	for (unsigned i = 0; i < tp->n_out; i++) {
		enum exchange_kind kind = i < tp->n_out_control ? EXCHANGE_TX_CONTROL : EXCHANGE_TX_DATA;

		tp->out[i]->port = tp->port;
		if (!exchange_packet(lc, (unsigned)tp->via, tp->out[i], kind))
			lcore_drop(lc, PDROP_TX_RING, tp->out[i]);
	}
	return tp->n_out;
}

static void sent_from_front(struct tx_port *tp, unsigned sent)
{
	tp->n_out_control = (uint16_t)(sent >= tp->n_out_control ? 0 : tp->n_out_control - sent);
	remove_front(tp->out, &tp->n_out, sent);
}

static void purge_data(struct tx_port *tp)
{
	struct rte_mbuf *m;

	if (tp->fq == NULL)
		rte_pktmbuf_free_bulk(tp->data, tp->n_data);
	else
		while ((m = fq_take(tp->fq)) != NULL)
			rte_pktmbuf_free(m);
}

void tx_purge(struct lcore *lc, struct tx_port *tp, unsigned why)
{
	lc->stats.drop[why] += tp->n_control + tp->n_data + tp->n_out;
	rte_pktmbuf_free_bulk(tp->control, tp->n_control);
	purge_data(tp);
	rte_pktmbuf_free_bulk(tp->out, tp->n_out);
	tp->n_control = tp->n_data = tp->n_out = tp->n_out_control = 0;
	tp->bytes = 0;
	tp->stuck = false;
}

/* A port without a peer (no link, no process behind it) must not hold our
 * buffers for ever. */
static void note_stuck(struct lcore *lc, struct tx_port *tp, bool progress)
{
	if (progress || !tp->stuck)
		tp->stuck_us = lc->now_us;
	tp->stuck = true;
	lc->stats.tx_partial++;
	if (lc->now_us - tp->stuck_us > TX_STUCK_US)
		tx_purge(lc, tp, PDROP_TX_QUEUE);
}

/* What the device has given back since; whether it was anything. */
static bool see_progress(struct lcore *lc, struct tx_port *tp)
{
	uint64_t before = tp->bql.done;
	struct vnic_tx_progress pr;

	if (tp->progress(tp->id, tp->queue, true, &pr) < 0)
		return false;
	if (pr.done_bytes < before) /* the queue was set up anew */
		bql_init(&tp->bql, lc->now_us);
	if (pr.lost != tp->lost)
		bql_reset(&tp->bql, pr.posted_bytes, pr.done_bytes, lc->now_us);
	else
		bql_update(&tp->bql, pr.posted_bytes, pr.done_bytes, lc->now_us);
	tp->lost = pr.lost;
	return tp->bql.done != before;
}

/* Send out[]; false: the port did not take all of it. */
static bool send_out(struct lcore *lc, struct tx_port *tp, unsigned *total)
{
	bool whole = true;
	unsigned sent = tp->via < 0 ? send_to_port(lc, tp, &whole) : send_to_worker(lc, tp);

	*total += sent;
	sent_from_front(tp, sent);
	if (!whole)
		note_stuck(lc, tp, sent != 0);
	return whole;
}

unsigned tx_flush(struct lcore *lc, struct tx_port *tp)
{
	bool limited = tp->fq != NULL, progress = false;
	unsigned total = 0;

	if (tp->halted) {
		if (tp->n_control + tp->n_data + tp->n_out != 0)
			note_stuck(lc, tp, false);
		return 0;
	}
	if (limited && tp->bql.posted != tp->bql.done)
		progress = see_progress(lc, tp);
	while (tp->n_control != 0 || tp->n_data != 0 || tp->n_out != 0) {
		gather_control(lc, tp);
		if (limited)
			gather_fair(lc, tp);
		else
			gather_data(lc, tp);
		if (tp->n_out == 0)
			break;
		if (!send_out(lc, tp, &total))
			return total;
	}
	if (tp->n_data != 0) { /* the byte limit holds it back */
		tp->bql.held++;
		note_stuck(lc, tp, progress || total != 0);
		return total;
	}
	tp->stuck = false;
	return total;
}

unsigned tx_flush_all(struct lcore *lc)
{
	unsigned total = 0;

	for (unsigned p = 0; p < lc->n_ports; p++)
		total += tx_flush(lc, &lc->tx[p]);
	return total;
}

bool tx_backlog(const struct lcore *lc)
{
	for (unsigned p = 0; p < lc->n_ports; p++)
		if (lc->tx[p].stuck)
			return true;
	return false;
}
