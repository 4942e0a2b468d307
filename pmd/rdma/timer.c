/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One timer per queue pair, moved lazily: the wheel holds the earliest time
 * that was ever wanted, and what fires too early arms it again.
 *
 * Two clocks run while packets are unacknowledged. Retransmission follows the
 * round trip time, so that a loss costs little. Giving up follows the local ACK
 * timeout the user asked for: silence of that length counts as a retry, with
 * the interval doubled twice at most (InfiniBand 9.7.6.1.3 allows 1 to 4 times).
 *
 * The retransmission time is RFC 6298's with a floor. A machine that is busy, or
 * emulated, may now and then answer late by many round trips, which no variance
 * foresees: then what was sent again was acknowledged twice, or sooner than it can
 * have been answered. Each such finding raises the floor to what it would have
 * taken, and at least to double; it falls by and by while none is made.
 */
#include <string.h>

#include <rte_branch_prediction.h>

#include "pmd/rdma/roce_private.h"

#define RTO_FIRST_US 50000U      /* before a round trip was measured */
#define RTO_MAX_US 500000U       /* where the user sets no timeout */
#define COUNT_DOUBLINGS 2
#define FLOOR_FALLS_US 1000000U  /* by an eighth each */

/* InfiniBand 9.7.5.2.8, in units of 10 us. */
static const uint16_t rnr_units[32] = {
	0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192,
	256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
};

uint32_t timer_rnr_us(uint8_t code)
{
	return (code & 31) == 0 ? 655360 : rnr_units[code & 31] * 10U;
}

static uint64_t probe_us(const struct roce_qp *qp)
{
	uint32_t us = RTE_MAX(2 * qp->srtt_us, qp->rto_floor_us / 2);

	/* Room for an answer before everything is sent again. */
	return RTE_MIN(us, qp->rto_us / 2);
}

/* 4.096 us x 2^code */
static uint32_t ack_timeout(uint8_t code)
{
	uint64_t us = code == 0 ? 0 : (4096ULL << code) / 1000;

	return (uint32_t)RTE_MIN(us, UINT32_MAX / 8);
}

static uint32_t rto_cap(const struct roce_qp *qp)
{
	return qp->ack_timeout_us != 0 ? qp->ack_timeout_us : RTO_MAX_US;
}

static void set_rto(struct roce_qp *qp, uint32_t us)
{
	us = RTE_MAX(us, qp->rto_floor_us);
	qp->rto_us = RTE_MIN(us, rto_cap(qp));
}

static void set_deadline(struct roce_qp *qp, uint64_t us)
{
	qp->deadline_us = us;
	if (us == WHEEL_NEVER || (wheel_armed(&qp->timer) && qp->armed_us <= us))
		return;
	qp->armed_us = us;
	wheel_arm(roce_of(qp)->wheel, &qp->timer, WHEEL_ROCE, us);
}

void timer_start(struct roce_qp *qp)
{
	qp->ack_timeout_us = ack_timeout(qp->c.attr.timeout);
	qp->rto_floor_us = roce_of(qp)->rto_min_us;
	set_rto(qp, RTO_FIRST_US);
	qp->deadline_us = WHEEL_NEVER;
}

void timer_stop(struct roce_qp *qp)
{
	wheel_cancel(roce_of(qp)->wheel, &qp->timer);
	qp->deadline_us = WHEEL_NEVER;
}

/* Silence begins: of a new flight, or after progress. */
static void begin(struct roce_qp *qp, uint64_t now_us)
{
	qp->progress_us = now_us;
	qp->backoff = 0;
	qp->retries = 0;
	qp->probed = false;
	qp->count_us = now_us + qp->ack_timeout_us;
	set_deadline(qp, now_us + probe_us(qp));
}

void timer_sent(struct roce_qp *qp, uint32_t psn, bool ack_req, uint64_t now_us)
{
	if (qp->deadline_us == WHEEL_NEVER)
		begin(qp, now_us);
	if (ack_req && !qp->rtt_running) {
		qp->rtt_running = true;
		qp->rtt_psn = psn;
		qp->rtt_from_us = now_us;
	}
}

/* ---- sent again for nothing ------------------------------------------------- */

void timer_probe_sent(struct roce_qp *qp, uint32_t psn, uint64_t now_us)
{
	qp->again = true;
	qp->again_lo = psn;
	qp->again_hi = psn_add(psn, 1);
	qp->again_us = now_us;
	qp->late_us = 0;
}

static void needless(struct roce_qp *qp, uint64_t now_us)
{
	uint32_t floor = RTE_MAX(2 * qp->rto_floor_us, qp->late_us + qp->late_us / 4);

	qp->again = false;
	floor = RTE_MIN(floor, rto_cap(qp) / 2);
	qp->rto_floor_us = RTE_MAX(qp->rto_floor_us, floor);
	qp->floor_us = now_us;
	set_rto(qp, RTE_MAX(qp->rto_us, qp->rto_floor_us));
	counters_of(qp)->spurious_retransmits++;
}

void timer_old_ack(struct roce_qp *qp, uint32_t psn, uint64_t now_us)
{
	/* The answer to a repeated packet names the last one that arrived; others come late. */
	if (qp->again && qp->late_us != 0 && psn == psn_add(qp->una, PSN_MASK) && psn_diff(psn, qp->again_lo) >= 0 &&
	    psn_diff(qp->again_hi, psn) > 0)
		needless(qp, now_us);
}

/* The first answer since. */
static void answered(struct roce_qp *qp, bool ahead, uint64_t now_us)
{
	uint64_t late = RTE_MIN(now_us - qp->progress_us, RTO_MAX_US);

	if (qp->late_us == 0)
		qp->late_us = (uint32_t)RTE_MAX(late, 1ULL);
	else if (psn_diff(qp->una, qp->again_hi) > 0)
		qp->again = false; /* what is answered now was sent later */
	/* Behind a NAK it may be that one's. */
	if (qp->nak_seen && qp->nak_us >= qp->progress_us)
		qp->again = false;
	if (qp->again && (ahead || now_us - qp->again_us < qp->rtt_least_us / 2))
		needless(qp, now_us);
}

static void lower_floor(struct roce_qp *qp, uint64_t now_us)
{
	uint32_t floor = qp->rto_floor_us - qp->rto_floor_us / 8;

	qp->rto_floor_us = RTE_MAX(floor, roce_of(qp)->rto_min_us);
	qp->floor_us = now_us;
}

static void sample(struct roce_qp *qp, uint32_t us, uint64_t now_us)
{
	uint32_t diff;

	us = RTE_MIN(us, RTO_MAX_US);
	if (qp->rtt_least_us == 0 || us < qp->rtt_least_us)
		qp->rtt_least_us = us;
	if (unlikely(qp->rto_floor_us > roce_of(qp)->rto_min_us) && now_us - qp->floor_us >= FLOOR_FALLS_US)
		lower_floor(qp, now_us);
	if (qp->srtt_us == 0) {
		qp->srtt_us = RTE_MAX(us, 1U);
		qp->rttvar_us = us / 2;
	} else {
		diff = us > qp->srtt_us ? us - qp->srtt_us : qp->srtt_us - us;
		qp->rttvar_us = (3 * qp->rttvar_us + diff) / 4;
		qp->srtt_us = RTE_MAX((7 * qp->srtt_us + us) / 8, 1U);
	}
	set_rto(qp, RTE_MAX(4 * qp->srtt_us, qp->srtt_us + 4 * qp->rttvar_us));
}

void timer_progress(struct roce_qp *qp, bool ahead, uint64_t now_us)
{
	if (unlikely(qp->again))
		answered(qp, ahead, now_us);
	if (qp->rtt_running && psn_diff(qp->una, qp->rtt_psn) > 0) {
		qp->rtt_running = false;
		sample(qp, (uint32_t)RTE_MIN(now_us - qp->rtt_from_us, RTO_MAX_US), now_us);
	}
	if (in_flight(qp) == 0)
		set_deadline(qp, WHEEL_NEVER);
	else
		begin(qp, now_us);
}

void timer_rnr(struct roce_qp *qp, uint8_t code, uint64_t now_us)
{
	qp->rnr = true;
	qp->rtt_running = false;
	/* The other side lives. */
	begin(qp, now_us);
	set_deadline(qp, now_us + timer_rnr_us(code));
}

static void retransmit(struct roce_qp *qp, uint64_t now_us)
{
	uint64_t rto;

	if (qp->ack_timeout_us != 0 && now_us >= qp->count_us) {
		counters_of(qp)->completer_retry_err++;
		if (++qp->retries > qp->c.attr.retry) {
			counters_of(qp)->retry_exceeded_err++;
			core_qp_fail(&qp->c, RD_WC_RETRY_EXC_ERR, true);
			return;
		}
		qp->count_us = now_us + ((uint64_t)qp->ack_timeout_us << RTE_MIN(qp->retries, COUNT_DOUBLINGS));
	}
	counters_of(qp)->timeouts++;
	qp->again = true;
	qp->again_lo = qp->una;
	qp->again_hi = qp->max;
	qp->again_us = now_us;
	qp->late_us = 0;
	window_lost(qp, now_us);
	requester_go_back(qp);
	rto = (uint64_t)qp->rto_us << ++qp->backoff;
	if (rto >= rto_cap(qp)) {
		rto = rto_cap(qp);
		qp->backoff--;
	}
	set_deadline(qp, now_us + rto);
}

static void due(struct roce_qp *qp, uint64_t now_us)
{
	if (qp->rnr) {
		qp->rnr = false;
		if (in_flight(qp) != 0)
			begin(qp, now_us);
		else
			qp->deadline_us = WHEEL_NEVER;
		qp_ready(qp);
	} else if (!qp->probed) {
		qp->probed = true;
		/* While there is more to send, what follows a loss draws a NAK. */
		if (qp->nxt == qp->max && in_flight(qp) != 0) {
			qp->probe_due = true;
			qp_ready(qp);
		}
		set_deadline(qp, qp->progress_us + qp->rto_us);
	} else if (in_flight(qp) != 0) {
		retransmit(qp, now_us);
	}
}

void timer_fired(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct roce_qp *qp = (struct roce_qp *)((uint8_t *)t - offsetof(struct roce_qp, timer));

	if (qp->deadline_us == WHEEL_NEVER)
		return;
	if (now_us < qp->deadline_us)
		set_deadline(qp, qp->deadline_us);
	else
		due(qp, now_us);
}
