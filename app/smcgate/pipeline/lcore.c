/* SPDX-License-Identifier: BSD-3-Clause */
/* The turn of a pipeline. */
#include "app/smcgate/pipeline/lcore.h"

#include <sys/prctl.h>

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "app/smcgate/pipeline/exchange.h"
#include "app/smcgate/pipeline/fwd.h"
#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/rdma.h"
#include "app/smcgate/pipeline/stack.h"

#define PREFETCH_AHEAD 4

const char *const pipeline_stage_names[PIPELINE_N_STAGES] = {
#define STAGE_NAME(id, name) [STAGE_##id] = (name),
	PIPELINE_STAGES(STAGE_NAME)
#undef STAGE_NAME
};

const char *const pipeline_drop_names[PIPELINE_N_DROPS] = {
#define DROP_NAME(id, name) [PDROP_##id] = (name),
	PIPELINE_DROPS(DROP_NAME)
#undef DROP_NAME
};

static unsigned receive(struct lcore *lc, const struct rx_queue *q)
{
	unsigned n = rte_eth_rx_burst(q->id, q->queue, lc->pkts, lc->burst);

	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(lc->pkts[i + PREFETCH_AHEAD], void *));
		lc->stats.rx_bytes += lc->pkts[i]->pkt_len;
	}
	lc->stats.rx_packets += n;
	return n;
}

/* Reading the TSC can cost more than looking for work in vain: a stage without
 * work leaves its time to the next one that had some. */
static void stage_end(struct lcore *lc, enum pipeline_stage stage, bool worked)
{
	if (!worked)
		return;
	lc->work = true;
	lcore_stage(lc, stage);
}

/* The clock of this turn: read after packets were, so that no time stamp is
 * older than what it judges. */
static void set_clock(struct lcore *lc)
{
	lc->now_us = clock_us(&lc->clock, lc->mark);
	if (lc->net != NULL)
		net_set_now(lc->net, lc->now_us);
}

/* 1 to 3: receive, steer, input; queue by queue. */
static void stage_rx(struct lcore *lc)
{
	bool full = false;

	for (unsigned i = 0; i < lc->n_rxq; i++) {
		const struct rx_queue *q = &lc->rxq[i];
		uint64_t before = lc->stats.rx_bytes;
		unsigned n = lc->fwd->polls ? receive(lc, q) : 0;

		lcore_stage(lc, STAGE_RX);
		if (i == 0)
			set_clock(lc);
		if (n != 0) {
			lc->work = true;
			full |= n == lc->burst;
			lc->limits_stale |= moderate_poll(q->mod, lc->rests, (uint32_t)lc->stats.turns, n,
							  (uint32_t)(lc->stats.rx_bytes - before), lc->now_us);
		} else if (lc->fwd->polls) {
			continue;
		}
		lc->fwd->run(lc, q, lc->pkts, n);
	}
	lc->part = lc->work && !full;
	if (lc->n_rxq == 0) {
		lcore_stage(lc, STAGE_RX);
		set_clock(lc);
	}
	if (lc->workers > 1)
		stage_end(lc, STAGE_INPUT, exchange_receive(lc) != 0);
}

/* 4: completions and messages of RDMA. */
static void stage_rdma(struct lcore *lc)
{
	if (lc->n_rdma != 0)
		stage_end(lc, STAGE_RDMA, sock_poll(lc->ss) != 0);
}

/* 5: timers. */
static void stage_timers(struct lcore *lc)
{
	stage_end(lc, STAGE_TIMERS, wheel_advance(&lc->wheel, lc->now_us, LCORE_TIMERS_MAX) != 0);
}

/* 6: messages. */
static void stage_messages(struct lcore *lc)
{
	stage_end(lc, STAGE_MESSAGES, exchange_messages(lc) != 0);
}

/* 7 and 8: callbacks of sockets; segments and what was written by RDMA. */
static void stage_sockets(struct lcore *lc)
{
	if (lc->ss == NULL)
		return;
	stage_end(lc, STAGE_SERVE, sock_deliver(lc->ss, LCORE_EVENTS_MAX) != 0);
	stage_end(lc, STAGE_OUTPUT, (sock_output(lc->ss) + rdma_output(lc)) != 0);
}

/* 9: to the ports, and to the workers that send for us. */
static void stage_tx(struct lcore *lc)
{
	bool sent = tx_flush_all(lc) != 0;

	exchange_wake(lc);
	stage_end(lc, STAGE_TX, sent);
}

/* 10: an empty turn counts as idle whole; sleep after several of them. */
static void stage_idle(struct lcore *lc)
{
	bool busy;

	backoff_turn(&lc->backoff, lc->work, lc->part);
	if (!backoff_due(&lc->backoff, &lc->limits) && !lc->limits_stale)
		return;
	busy = lc->running && lc->ss != NULL && (sock_busy(lc->ss) || rdma_busy(lc));
	idle_run(lc, lc->running ? wheel_next_us(&lc->wheel) : WHEEL_NEVER, busy, tx_backlog(lc));
}

/* Cycles of the turn, to its stages if it did something, to idle if not. */
static void account(struct lcore *lc, uint64_t begin)
{
	struct pipeline_lcore_stats *s = &lc->stats;
	uint64_t busy = lc->mark - begin;

	s->turns++;
	if (!lc->work) {
		uint64_t now = rte_rdtsc();

		s->stage_cycles[STAGE_IDLE] += now - begin;
		lc->mark = now;
		memset(lc->turn_cycles, 0, sizeof(lc->turn_cycles));
		return;
	}
	s->busy_turns++;
	s->busy_cycles += busy;
	if (busy > s->longest_turn_cycles)
		s->longest_turn_cycles = busy;
	for (unsigned i = 0; i < STAGE_IDLE; i++) {
		s->stage_cycles[i] += lc->turn_cycles[i];
		lc->turn_cycles[i] = 0;
	}
}

static void turn(struct lcore *lc)
{
	uint64_t begin = lc->mark;

	lc->work = lc->part = false;
	if (lc->running) {
		stage_rx(lc);
		stage_rdma(lc);
		stage_timers(lc);
		stage_messages(lc);
		stage_sockets(lc);
		stage_tx(lc);
	} else {
		stage_messages(lc);
	}
	stage_idle(lc);
	account(lc, begin);
}

int lcore_run(void *arg)
{
	struct lcore *lc = arg;

	/* Sleeps are tens of microseconds: the default slack would double them. */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	idle_measure(lc);
	lc->mark = rte_rdtsc();
	set_clock(lc);
	while (!lc->quit)
		turn(lc);
	return 0;
}
