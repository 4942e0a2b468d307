/* SPDX-License-Identifier: BSD-3-Clause */
/* Deadlines of a connection, over one timer of the wheel. */
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "proto/smc/conn_impl.h"

static uint64_t earliest(const struct smc_conn *c)
{
	uint64_t at = UINT64_MAX;
	unsigned i;

	for (i = 0; i < SMC_TIMERS; i++)
		if (smc_timer_pending(c, i))
			at = RTE_MIN(at, c->deadline[i]);
	return at;
}

/* Armed for the earliest at the latest: one that was cleared may let it fire
 * early, which costs less than arming anew each time. */
void smc_timer_set(struct smc_conn *c, enum smc_conn_timer t, uint64_t after_us)
{
	c->deadline[t] = smc_now(c->ss) + after_us;
	c->timers |= (uint8_t)(1u << t);
	wheel_arm(c->ss->wheel, &c->timer, WHEEL_SMC_CONN, earliest(c));
}

void smc_timers_off(struct smc_conn *c)
{
	c->timers = 0;
	if (wheel_armed(&c->timer))
		wheel_cancel(c->ss->wheel, &c->timer);
}

static void fire(struct smc_conn *c, enum smc_conn_timer t)
{
	switch (t) {
	case SMC_T_CORK:
		c->uncork = true;
		smc_tx_schedule(c);
		break;
	case SMC_T_UPDATE:
		c->want_update = true;
		smc_tx_schedule(c);
		break;
	default:
		smc_close_expired(c, t);
		break;
	}
}

void smc_conn_expired(void *ctx, struct wheel_timer *timer, uint64_t now_us)
{
	struct smc_conn *c = container_of(timer, struct smc_conn, timer);
	unsigned i;

	for (i = 0; i < SMC_TIMERS; i++) {
		if (!smc_timer_pending(c, i) || c->deadline[i] > now_us)
			continue;
		smc_timer_clear(c, i);
		fire(c, i);
	}
	if (earliest(c) != UINT64_MAX)
		wheel_arm(c->ss->wheel, &c->timer, WHEEL_SMC_CONN, earliest(c));
	smc_conn_settle(c);
}
