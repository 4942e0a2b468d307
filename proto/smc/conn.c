/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections as objects: tokens, references, events, their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/smc/conn_impl.h"
#include "proto/smc/give.h"
#include "proto/smc/takes.h"

static void *tcp_user_of(struct smc_conn *c)
{
	return (void *)((uintptr_t)c | 1);
}

static struct smc_conn *conn_of(void *tcp_user)
{
	return (struct smc_conn *)((uintptr_t)tcp_user & ~(uintptr_t)1);
}

/* ---- tokens ---------------------------------------------------------------- */

static struct smc_conn_slot *slot_of(const struct smc_conn *c)
{
	return &c->ss->conn_table->slots[pool_index(&c->ss->conns, c)];
}

/* The index in the low bits, so that looking up is one step; above it a count
 * that begins anywhere and grows unevenly, so that a late message does not meet
 * the next user of the index. */
static uint32_t new_token(struct smc_stack *ss, uint32_t idx)
{
	struct smc_conn_slot *s = &ss->conn_table->slots[idx];
	const struct net_env *env = net_environment(ss->net);
	uint32_t unit = ss->conn_table->mask + 1, r;

	env->random(env->ctx, &r, sizeof(r));
	if (s->token == 0)
		s->token = r;
	s->token = ((s->token & ~(unit - 1)) + unit * (1 + (r & 7))) | idx;
	s->live = true;
	return s->token;
}

struct smc_conn *smc_conn_by_token(struct smc_stack *ss, uint32_t token)
{
	uint32_t idx = token & ss->conn_table->mask;
	const struct smc_conn_slot *s = &ss->conn_table->slots[idx];

	if (idx == 0 || idx > ss->conns.high || !s->live || s->token != token)
		return NULL;
	return pool_at(&ss->conns, idx);
}

/* ---- life -------------------------------------------------------------------- */

struct smc_conn *smc_conn_new(struct smc_stack *ss, enum smc_role role, const struct smc_begin_args *args)
{
	struct smc_conn *c = pool_get(&ss->conns);
	struct tcp_info info;

	if (c == NULL) {
		ss->stats.refused_memory++;
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->ss = ss;
	c->state = SMC_INIT;
	c->role = role;
	c->user = args->user;
	c->rcvbuf = args->rcvbuf != 0 ? args->rcvbuf : ss->conf.rmb_size;
	c->sndbuf = args->sndbuf != 0 ? args->sndbuf : ss->conf.sndbuf_size;
	c->token = new_token(ss, pool_index(&ss->conns, c));
	c->created_us = c->last_us = smc_now(ss);
	c->refs[SMC_REF_USER] = 1;
	c->refs[SMC_REF_HS] = 1;
	c->tcp = args->tcp;
	tcp_get_info(c->tcp, &info);
	c->flow = info.flow;
	tcp_set_user(c->tcp, tcp_user_of(c));
	ss->stats.conns++;
	return c;
}

/* What TCP told the handshake it does not tell again. */
static void look_at_tcp(struct smc_conn *c)
{
	struct tcp_info info;

	if (c->tcp == NULL)
		return;
	tcp_get_info(c->tcp, &info);
	if (info.state == TCP_CLOSED)
		smc_conn_tcp_event(c, TCP_EV_CLOSED);
	else if (tcp_eof(c->tcp))
		smc_conn_tcp_event(c, TCP_EV_EOF);
}

void smc_conn_activate(struct smc_conn *c)
{
	uint32_t size = c->rmb->size;
	uint8_t flags = c->rx_conn_flags;

	c->state = SMC_ACTIVE;
	c->active = true;
	c->update_limit = RTE_MAX(size / 10, SMC_UPDATE_MIN);
	c->refs[SMC_REF_LIVE] = 1;
	if (c->peer != NULL)
		c->peer->conns++;
	smc_count_rings(c, true);
	/* What was said before our side of the handshake was through. */
	if (c->events != 0)
		smc_raise(c, 0);
	if (flags != 0)
		smc_close_input(c, flags);
	if (c->shut_write)
		smc_set_goal(c, SMC_GOAL_SHUT);
	if (c->error != 0)
		smc_conn_fail(c, c->error);
	look_at_tcp(c);
	smc_window_update(c);
	smc_tx_schedule(c);
}

static bool is_referenced(const struct smc_conn *c)
{
	unsigned i;

	for (i = 0; i < SMC_REFS; i++)
		if (c->refs[i] != 0)
			return true;
	return false;
}

static void tcp_give_back(struct smc_conn *c)
{
	struct tcp_conn *tcp = c->tcp;

	c->tcp = NULL;
	if (tcp == NULL)
		return;
	if (c->error != 0)
		tcp_abort(tcp);
	else
		tcp_close(tcp);
}

/* The rings and the place in the group. Nobody reads or is written to any more. */
static void give_back(struct smc_conn *c)
{
	smc_give_end(c); /* first: what was taken from c itself settles c */
	smc_link_unwait(c);
	if (c->active && (c->rmb != NULL || c->snd != NULL))
		smc_count_rings(c, false);
	if (c->rmb != NULL)
		smc_buf_put(c->rmb);
	if (c->snd != NULL)
		smc_buf_put(c->snd);
	c->rmb = c->snd = NULL;
	if (c->lgr != NULL)
		smc_lgr_leave(c);
	c->lgr = NULL;
	c->link = NULL;
}

static void free_conn(struct smc_conn *c)
{
	struct smc_stack *ss = c->ss;

	give_back(c);
	smc_timers_off(c);
	tcp_give_back(c);
	if (c->peer != NULL)
		smc_peer_put(ss, c->peer);
	slot_of(c)->live = false;
	ss->stats.conns--;
	pool_put(&ss->conns, c);
}

/* The lists are singly linked: who is on one is freed when it is taken off. */
static void free_unreferenced(struct smc_conn *c)
{
	if (!is_referenced(c) && !c->in_tx && !c->in_events)
		free_conn(c);
}

void smc_conn_settle_end(struct smc_conn *c)
{
	bool over = c->active && c->state == SMC_CLOSED && !smc_abort_due(c);

	if (over && c->refs[SMC_REF_LIVE] != 0) {
		smc_timers_off(c);
		tcp_give_back(c);
		if (c->peer != NULL)
			c->peer->conns--;
		c->refs[SMC_REF_LIVE] = 0;
	}
	if (over && c->closed && c->refs[SMC_REF_WR] == 0)
		give_back(c);
	free_unreferenced(c);
}

void smc_conn_unref(struct smc_conn *c, enum smc_ref ref)
{
	c->refs[ref]--;
	smc_conn_settle(c);
}

void smc_conn_fail(struct smc_conn *c, int error)
{
	if (c->error == 0) {
		c->error = error;
		c->ss->stats.conns_aborted++;
	}
	if (!c->active)
		return; /* smc_conn_activate() looks */
	smc_raise(c, TCP_EV_CLOSED);
	smc_set_goal(c, SMC_GOAL_ABORT);
}

void smc_conn_link_lost(struct smc_conn *c)
{
	smc_link_unwait(c);
	if (c->lgr != NULL)
		smc_lgr_leave(c);
	c->lgr = NULL;
	c->link = NULL;
	if (c->error == 0 && c->state != SMC_CLOSED) {
		c->error = ECONNABORTED;
		c->ss->stats.conns_aborted++;
	}
	if (!c->active)
		return;
	smc_raise(c, TCP_EV_CLOSED);
	smc_conn_end(c);
	smc_conn_settle(c);
}

/* ---- events to the user ------------------------------------------------------- */

void smc_raise(struct smc_conn *c, unsigned events)
{
	struct smc_stack *ss = c->ss;

	if (c->closed)
		return;
	if (events & TCP_EV_CLOSED) {
		if (c->dead)
			events &= ~(unsigned)TCP_EV_CLOSED;
		c->dead = true;
	}
	c->events |= events;
	if (c->in_events || !c->active || c->events == 0)
		return;
	c->in_events = true;
	c->event_next = NULL;
	*ss->event_tail = c;
	ss->event_tail = &c->event_next;
}

static struct smc_conn *next_event(struct smc_stack *ss)
{
	struct smc_conn *c = ss->event_head;

	if (c == NULL)
		return NULL;
	ss->event_head = c->event_next;
	if (ss->event_head == NULL)
		ss->event_tail = &ss->event_head;
	c->in_events = false;
	return c;
}

/* Only what was on the list at the start: a callback that causes new events has
 * them in the next turn. The last one's place is known by its link, since the
 * object may be on the list again by then. */
unsigned smc_deliver(struct smc_stack *ss, unsigned budget)
{
	struct smc_conn **end = ss->event_tail, *c;
	unsigned n = 0;
	bool last = false;

	while (!last && n < budget && (c = next_event(ss)) != NULL) {
		unsigned events = c->events;

		last = end == &c->event_next;
		c->events = 0;
		if (c->closed || events == 0) {
			free_unreferenced(c);
			continue;
		}
		ss->ops->event(ss->ops_ctx, c, c->user, events);
		n++;
	}
	return n;
}

void smc_tcp_event(void *tcp_user, unsigned events)
{
	struct smc_conn *c = conn_of(tcp_user);

	if (c->hs != NULL)
		smc_hs_tcp_event(c, events);
	else
		smc_conn_tcp_event(c, events);
}

void smc_set_user(struct smc_conn *c, void *user)
{
	c->user = user;
}

struct tcp_conn *smc_tcp(struct smc_conn *c)
{
	return c->tcp;
}

/* ---- the stack's part ------------------------------------------------------------ */

int smc_conn_init(struct smc_stack *ss)
{
	struct smc_conn_table *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (t == NULL)
		return rc;
	t->slots = calloc((size_t)ss->conf.conns_max + 1, sizeof(*t->slots));
	if (t->slots == NULL)
		goto free_table;
	t->mask = rte_align32pow2(ss->conf.conns_max + 1) - 1;
	ss->gives = smc_gives_new(ss->conf.node);
	if (ss->gives == NULL)
		goto free_slots;
	t->takes = smc_takes_new(ss->conf.conns_max, ss->conf.node);
	if (t->takes == NULL)
		goto free_gives;
	rc = pool_init(&ss->conns, sizeof(struct smc_conn), RTE_CACHE_LINE_SIZE, ss->conf.conns_max,
		       ss->conf.node);
	if (rc < 0)
		goto free_takes;
	ss->conn_table = t;
	ss->event_head = NULL;
	ss->event_tail = &ss->event_head;
	ss->tx_head = NULL;
	ss->tx_tail = &ss->tx_head;
	wheel_register(ss->wheel, WHEEL_SMC_CONN, smc_conn_expired, ss);
	return 0;

free_takes:
	smc_takes_orphan(t->takes);
free_gives:
	smc_gives_free(ss);
free_slots:
	free(t->slots);
free_table:
	free(t);
	return rc;
}

void smc_conn_fini(struct smc_stack *ss)
{
	struct smc_conn_table *t = ss->conn_table;
	uint32_t i;

	if (t == NULL)
		return;
	for (i = 1; i <= ss->conns.high; i++) {
		struct smc_conn *c = pool_at(&ss->conns, i);

		if (!t->slots[i].live)
			continue;
		c->error = ECONNABORTED;
		free_conn(c);
	}
	smc_takes_orphan(t->takes);
	pool_fini(&ss->conns);
	free(t->slots);
	free(t);
	ss->conn_table = NULL;
}
