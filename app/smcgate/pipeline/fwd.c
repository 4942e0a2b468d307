/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/fwd.h"

#include "app/smcgate/pipeline/exchange.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/stack.h"

/* Send to the port's own queue of this worker, as a plain frame: requests that
 * whoever made it had for his port are not ours. */
static void forward(struct lcore *lc, unsigned port, struct rte_mbuf *m)
{
	m->ol_flags &= ~RTE_MBUF_F_TX_OFFLOAD_MASK;
	tx_enqueue(lc, &lc->tx[port], m, NET_TX_DATA);
}

static unsigned peer_of(const struct lcore *lc, const struct rx_queue *q)
{
	return fwd_peer(q->port, lc->n_ports);
}

static void run_io(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	unsigned peer = peer_of(lc, q);

	for (unsigned i = 0; i < n; i++)
		forward(lc, peer, pkts[i]);
}

static void run_mac(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	unsigned peer = peer_of(lc, q);
	struct rte_ether_addr dst = fwd_station(peer);

	for (unsigned i = 0; i < n; i++) {
		if (fwd_set_addresses(pkts[i], &dst, &lc->pl->ports[peer].mac))
			forward(lc, peer, pkts[i]);
		else
			lcore_drop(lc, PDROP_FWD_SHORT, pkts[i]);
	}
}

static void run_macswap(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	unsigned peer = peer_of(lc, q);

	for (unsigned i = 0; i < n; i++) {
		if (fwd_swap_addresses(pkts[i]))
			forward(lc, peer, pkts[i]);
		else
			lcore_drop(lc, PDROP_FWD_SHORT, pkts[i]);
	}
}

static void run_rxonly(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	lc->stats.drop[PDROP_FWD_RXONLY] += n;
	rte_pktmbuf_free_bulk(pkts, n);
}

static void run_txonly(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **none, unsigned zero)
{
	struct tx_port *tp = &lc->tx[q->port];
	struct rte_ether_addr dst = fwd_station(fwd_peer(q->port, lc->n_ports));
	unsigned n = RTE_MIN(lc->burst, tx_room(tp));

	if (!tp->on || rte_pktmbuf_alloc_bulk(lc->mem.header, lc->pkts, n) != 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		fwd_fill_txonly(lc->pkts[i], &lc->pl->ports[q->port].mac, &dst);
		tx_enqueue(lc, tp, lc->pkts[i], NET_TX_DATA);
	}
	lc->work |= n != 0;
}

/* Answers go back to where the question came from. */
static void run_icmpecho(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fwd_make_reply(pkts[i], &lc->pl->ports[q->port].mac))
			forward(lc, q->port, pkts[i]);
		else
			lcore_drop(lc, PDROP_FWD_NOT_ECHO, pkts[i]);
	}
}

static bool steer_flow(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf *m, unsigned *worker)
{
	uint32_t hash;

	if (!steering_hash(lc->steering, m, q->device_hash, &hash))
		return false;
	m->hash.rss = hash;
	*worker = steering_worker(lc->steering, hash);
	return true;
}

/* Stage 2: what belongs to other workers goes there, the rest is returned in
 * place; how many. */
static unsigned steer(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	unsigned mine = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		unsigned worker = lc->index;

		m->port = q->id;
		if (!steer_flow(lc, q, m, &worker) && lc->roce)
			(void)steering_roce(m, &worker);
		if (worker == lc->index)
			pkts[mine++] = m;
		else if (worker >= lc->workers)
			lcore_drop(lc, PDROP_ROCE_LCORE, m);
		else if (exchange_packet(lc, worker, m, EXCHANGE_FRAME))
			lc->stats.steered_out++;
		else
			lcore_drop(lc, PDROP_STEER_RING, m);
	}
	return mine;
}

static void run_serve(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n)
{
	if (lc->workers > 1) {
		n = steer(lc, q, pkts, n);
		exchange_wake(lc); /* they may begin before we go on */
		lcore_stage(lc, STAGE_STEER);
	}
	if (n != 0)
		stack_input(lc, q->id, pkts, n);
	lcore_stage(lc, STAGE_INPUT);
}

const struct fwd_mode *fwd_mode(enum config_forward mode)
{
	static const struct fwd_mode modes[CONFIG_FWD_MODES] = {
		[CONFIG_FWD_SERVE] = { "serve", true, run_serve },
		[CONFIG_FWD_IO] = { "io", true, run_io },
		[CONFIG_FWD_MAC] = { "mac", true, run_mac },
		[CONFIG_FWD_MACSWAP] = { "macswap", true, run_macswap },
		[CONFIG_FWD_RXONLY] = { "rxonly", true, run_rxonly },
		[CONFIG_FWD_TXONLY] = { "txonly", false, run_txonly },
		[CONFIG_FWD_ICMPECHO] = { "icmpecho", true, run_icmpecho },
	};

	return &modes[mode];
}
