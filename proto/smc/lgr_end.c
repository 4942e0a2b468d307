/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a link group ends, in steps:
 *
 *	smc_lgr_end()   no new connections, the peer is told; all else later
 *	kill            in smc_poll(): flows and waits end, connections are told
 *	linger          messages to the peer get their time
 *	close           queue pair, regions, domain, in this order
 *	reap            when the last user has gone: freed
 */
#include <errno.h>

#include "proto/smc/conn.h"
#include "proto/smc/link_impl.h"

/* The acknowledgement of the peer's last message leaves in the output stage of
 * the turn; a queue pair that is gone at once has the peer repeat it for long. */
#define LINGER_US (5 * SMC_US_PER_MS)
/* A peer that was told in the middle of traffic ends connection by connection, each
 * with an ABORT, and waits for the acknowledgement of all it has posted: Linux
 * without end. So nothing may have come for so long before the queue pair goes. */
#define QUIET_US (500 * SMC_US_PER_MS)
#define QUIET_WAITS 3            /* times llc_wait_ms: who goes on sending has not listened */

void smc_lgr_due(struct smc_lgr *lgr, uint8_t due)
{
	lgr->priv->due |= due;
	lgr->ss->lgr_work = true;
}

void smc_lgr_stale(struct smc_lgr *lgr)
{
	if (lgr->state != SMC_LGR_ACTIVE)
		return;
	lgr->state = SMC_LGR_STALE;
	smc_lgr_unused(lgr);
}

void smc_lgr_end(struct smc_lgr *lgr, uint32_t llc_reason, bool orderly)
{
	struct smc_link *l = lgr->links[0];
	struct smc_lgr_priv *p = lgr->priv;

	if (!smc_lgr_alive(lgr))
		return;
	if (l->state == SMC_LINK_ACTIVE)
		p->linger_us = LINGER_US;
	if (llc_reason != LLC_DEL_NONE && l->state == SMC_LINK_ACTIVE && smc_link_sends(l)) {
		smc_llc_delete_all(l, llc_reason, orderly);
		p->linger_us = lgr->ss->conf.llc_wait_ms * SMC_US_PER_MS;
		p->quiet = lgr->n_conns != 0;
	}
	lgr->state = SMC_LGR_STALE;
	smc_lgr_due(lgr, SMC_DUE_KILL);
}

static void begin_close(struct smc_lgr *lgr)
{
	smc_timer_cancel(&lgr->priv->linger.t);
	lgr->links[0]->priv->q_n = 0;
	lgr->priv->closing = true;
	smc_link_close(lgr->links[0]);
}

/* Since when nothing has come, or the connections were told. */
static uint64_t quiet_from(const struct smc_lgr *lgr)
{
	return RTE_MAX(lgr->links[0]->last_rx_us, lgr->priv->killed_us);
}

/* A peer that does not even acknowledge what it was told is not waited for longer. */
static void lingered(struct smc_timer *t)
{
	struct smc_lgr *lgr = ((struct smc_lgr_linger *)t)->lgr;
	struct smc_lgr_priv *p = lgr->priv;
	uint64_t now = smc_now(t->ss), end = p->killed_us + p->linger_us;

	smc_lgr_due(lgr, SMC_DUE_CLOSE);
	if (p->quiet && lgr->links[0]->slots_used == 0)
		end = p->killed_us + QUIET_WAITS * p->linger_us;
	if (now < end)
		smc_timer_arm(t->ss, t, lingered, RTE_MIN(end - now, QUIET_US / 4));
	else
		p->linger_us = 0;
}

static void kill(struct smc_lgr *lgr)
{
	struct smc_stack *ss = lgr->ss;
	struct smc_lgr_priv *p = lgr->priv;
	struct smc_conn *c;

	if (p->killed)
		return;
	p->killed = true;
	p->killed_us = smc_now(ss);
	lgr->state = SMC_LGR_DEAD;
	if (wheel_armed(&lgr->timer))
		wheel_cancel(ss->wheel, &lgr->timer);
	smc_llc_kill(lgr);
	smc_link_quiet(lgr->links[0]);
	smc_bufs_drop_idle(lgr);
	while ((c = lgr->conns) != NULL) {
		smc_conn_link_lost(c);
		if (lgr->conns == c)
			smc_lgr_leave(c);
	}
	if (p->linger_us != 0)
		smc_timer_arm(ss, &p->linger.t, lingered, p->quiet ? QUIET_US : p->linger_us);
	p->due |= SMC_DUE_CLOSE;
}

/* Nothing to wait for any more before the queue pair goes? What was told to
 * the peer is over when it is acknowledged. */
static bool over(const struct smc_lgr *lgr)
{
	const struct smc_link *l = lgr->links[0];

	if (lgr->priv->linger_us == 0)
		return true;
	if (lgr->priv->linger_us <= LINGER_US)
		return false;
	if (l->slots_used != 0 || l->priv->q_n != 0)
		return false;
	return !lgr->priv->quiet || smc_now(lgr->ss) - quiet_from(lgr) >= QUIET_US;
}

static void close_step(struct smc_lgr *lgr)
{
	struct smc_lgr_priv *p = lgr->priv;

	if (!p->killed)
		return;
	if (!p->closing && over(lgr))
		begin_close(lgr);
}

void smc_lgrs_work(struct smc_stack *ss)
{
	/* Ending one may give another something to do; what that in turn brings
	 * up waits for the next turn. */
	for (unsigned round = 0; round < 4 && ss->lgr_work; round++) {
		struct smc_lgr *lgr, *next;

		ss->lgr_work = false;
		for (lgr = ss->lgr_list; lgr != NULL; lgr = next) {
			uint8_t due = lgr->priv->due;

			next = lgr->next;
			if (due == 0)
				continue;
			lgr->priv->due = 0;
			if (due & SMC_DUE_KILL)
				kill(lgr);
			close_step(lgr);
			smc_lgr_reap(lgr);
		}
	}
}

void smc_lgr_abandon(struct smc_lgr *lgr)
{
	struct smc_lgr_priv *p = lgr->priv;
	struct smc_link *l = lgr->links[0];

	if (wheel_armed(&lgr->timer))
		wheel_cancel(lgr->ss->wheel, &lgr->timer);
	lgr->conns = NULL;
	lgr->n_conns = 0;
	for (unsigned i = 0; i < SMC_LINK_SLOTS; i++)
		l->slots[i].conn = NULL;
	l->wait_head = NULL;
	l->priv->wait = NULL;
	lgr->llc->confirm = NULL;
	p->holds = 0;
	p->linger_us = 0;
	lgr->state = SMC_LGR_DEAD;
	p->killed = true;
	smc_llc_kill(lgr);
	smc_link_quiet(l);
	smc_bufs_drop_idle(lgr);
	smc_bufs_abandon(lgr);
	smc_lgr_due(lgr, SMC_DUE_CLOSE);
}

int smc_lgr_terminate(struct smc_stack *ss, uint32_t id)
{
	for (struct smc_lgr *lgr = ss->lgr_list; lgr != NULL; lgr = lgr->next) {
		if (lgr->id == id && smc_lgr_alive(lgr)) {
			smc_lgr_end(lgr, LLC_DEL_OPERATOR, false);
			return 0;
		}
	}
	return -ENOENT;
}
