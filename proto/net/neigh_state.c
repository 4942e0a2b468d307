/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a neighbour entry (RFC 826, RFC 1122 2.3.2.1, states as in
 * RFC 4861 7.3.2): asked for, reachable for a while, stale, and before it is
 * given up probed by unicast, then broadcast. An entry that goes stale keeps
 * its address but changes its generation, so that the next user is noticed.
 *
 * A replica (neigh_owner false) keeps no ages: it asks the owner and believes
 * what the owner publishes.
 */
#include <errno.h>

#include "proto/net/net_impl.h"

#define ASK_INTERVAL_US NET_S
#define NO_BUFFER_US (100 * NET_MS)
#define ASK_TRIES 3
#define REPLICA_ASK_TRIES 6     /* longer than the owner's own tries */
#define PROBE_UNICAST 3
#define PROBE_TRIES (PROBE_UNICAST + 3)
#define DELAY_US (5 * NET_S)
#define REPLICA_DELAY_US (10 * NET_S)
#define FAILED_HOLD_US (5 * NET_S) /* longer than the pause before the SYN that follows the failure */
#define FAILED_JITTER_US (2 * NET_S)
#define LOCK_US NET_S           /* no change of address this soon after the last, or after a proof */

static bool is_replica(const struct net_stack *st)
{
	return !st->conf.neigh_owner && st->env.neigh_ask != NULL;
}

static void arm(struct net_stack *st, struct neigh *n, uint64_t after_us)
{
	wheel_arm(st->wheel, &n->timer, WHEEL_NEIGH, st->now_us + after_us);
}

void neigh_publish(struct net_stack *st, const struct neigh *n)
{
	const struct net_neigh_info info = {
		.addr = n->addr, .confirmed_us = n->confirmed_us, .mac = n->mac, .ifx = n->ifx,
		.state = n->state, .permanent = n->permanent,
	};

	if (st->conf.neigh_owner && st->env.neigh_publish != NULL)
		st->env.neigh_publish(st->env.ctx, &info);
}

/* Users with the generation of a REACHABLE, DELAY or PROBE entry go on without
 * looking; entering any other state makes them look. */
void neigh_set_state(struct net_stack *st, struct neigh *n, enum net_neigh_state state)
{
	bool has_mac = state == NEIGH_REACHABLE || state == NEIGH_STALE || state == NEIGH_DELAY ||
		       state == NEIGH_PROBE;

	if (n->state == state)
		return;
	n->state = state;
	if (state == NEIGH_STALE || !has_mac)
		n->gen = ++st->neigh.gen;
	if (has_mac != n->has_mac) {
		n->gen = ++st->neigh.gen;
		st->neigh.unresolved += has_mac ? -1 : 1;
		n->has_mac = has_mac;
	}
}

void neigh_set_mac(struct net_stack *st, struct neigh *n, const struct rte_ether_addr *mac)
{
	if (rte_is_same_ether_addr(&n->mac, mac))
		return;
	n->mac = *mac;
	n->changed_us = st->now_us;
	n->gen = ++st->neigh.gen;
}

/* It has a MAC: what waits for it goes. */
static void queue_send(struct net_stack *st, struct neigh *n)
{
	if (n->awaited) {
		n->awaited = false;
		net_protos_resolved(st, pool_index(&st->neigh.pool, n));
	}
	if (!neigh_queued(n))
		return;
	neigh_queue_flush(st, n);
	neigh_use(st, n);
}

/* ---- asking ---------------------------------------------------------------- */

static void neigh_ask(struct net_stack *st, struct neigh *n, bool unicast)
{
	const struct net_if *ifp = &st->conf.ifs[n->ifx];

	if (is_replica(st)) {
		st->env.neigh_ask(st->env.ctx, n->ifx, &n->addr, false);
	} else if (arp_request(st, ifp, net_if_source(ifp, n->addr.v4), n->addr.v4, unicast ? &n->mac : NULL) < 0) {
		arm(st, n, NO_BUFFER_US); /* our own want says nothing about the neighbour */
		return;
	}
	n->tries++;
	n->asked_us = st->now_us;
	arm(st, n, ASK_INTERVAL_US);
}

void neigh_resolve(struct net_stack *st, struct neigh *n)
{
	if (n->state != NEIGH_NONE)
		return;
	n->tries = 0;
	neigh_set_state(st, n, NEIGH_INCOMPLETE);
	if (n->asked_us == 0 || st->now_us - n->asked_us >= ASK_INTERVAL_US)
		neigh_ask(st, n, false);
	else
		arm(st, n, n->asked_us + ASK_INTERVAL_US - st->now_us);
}

static void neigh_delay(struct net_stack *st, struct neigh *n)
{
	neigh_set_state(st, n, NEIGH_DELAY);
	n->tries = 0;
	if (is_replica(st))
		st->env.neigh_ask(st->env.ctx, n->ifx, &n->addr, false);
	arm(st, n, is_replica(st) ? REPLICA_DELAY_US : DELAY_US);
}

void neigh_use(struct net_stack *st, struct neigh *n)
{
	if (n->state == NEIGH_STALE && !n->permanent)
		neigh_delay(st, n);
	else if (n->state == NEIGH_NONE)
		neigh_resolve(st, n);
}

static void neigh_fail(struct net_stack *st, struct neigh *n)
{
	n->tries = 0;
	n->awaited = false;
	neigh_set_state(st, n, NEIGH_FAILED);
	neigh_queue_drop(st, n, DROP_NEIGH_FAILED);
	arm(st, n, FAILED_HOLD_US + net_random_below(st, FAILED_JITTER_US));
	neigh_publish(st, n);
	/* Last: the protocols close paths, and n may go. */
	net_protos_unreachable(st, pool_index(&st->neigh.pool, n));
}

/* ---- learning -------------------------------------------------------------- */

static void neigh_reachable(struct net_stack *st, struct neigh *n)
{
	uint32_t base_us = st->conf.neigh_reachable_ms * 500;

	n->confirmed_us = st->now_us;
	n->tries = 0;
	neigh_set_state(st, n, NEIGH_REACHABLE);
	if (is_replica(st) || n->permanent)
		wheel_cancel(st->wheel, &n->timer);
	else
		arm(st, n, base_us + net_random_below(st, 2 * base_us)); /* 0.5 to 1.5 of it */
}

void neigh_answered(struct net_stack *st, struct neigh *n, const struct rte_ether_addr *mac)
{
	if (n->permanent)
		return;
	neigh_set_mac(st, n, mac);
	neigh_reachable(st, n);
	neigh_publish(st, n);
	queue_send(st, n);
}

bool neigh_told(struct net_stack *st, struct neigh *n, const struct rte_ether_addr *mac)
{
	if (n->permanent || (n->has_mac && rte_is_same_ether_addr(&n->mac, mac)))
		return true;
	/* Poisoning and flapping are bounded by one change a second. */
	if (n->has_mac && (st->now_us - n->changed_us < LOCK_US || st->now_us - n->confirmed_us < LOCK_US))
		return false;
	neigh_set_mac(st, n, mac);
	n->changed_us = st->now_us;
	n->tries = 0;
	wheel_cancel(st->wheel, &n->timer);
	neigh_set_state(st, n, NEIGH_STALE);
	neigh_publish(st, n);
	queue_send(st, n);
	return true;
}

void neigh_confirm(struct net_stack *st, struct neigh *n)
{
	if (!n->has_mac || n->permanent)
		return;
	n->confirmed_us = st->now_us;
	if (is_replica(st)) {
		st->env.neigh_ask(st->env.ctx, n->ifx, &n->addr, true);
		return;
	}
	if (n->state == NEIGH_REACHABLE)
		return;
	neigh_reachable(st, n);
	neigh_publish(st, n);
}

/* ---- time ------------------------------------------------------------------ */

static void reachable_timeout(struct net_stack *st, struct neigh *n)
{
	uint64_t until = n->confirmed_us + st->conf.neigh_reachable_ms * NET_MS / 2;

	/* Confirmed since the timer was set: at least half the time from then on. */
	if (st->now_us < until) {
		arm(st, n, until - st->now_us);
		return;
	}
	neigh_set_state(st, n, NEIGH_STALE);
	neigh_publish(st, n);
}

static void probe_timeout(struct net_stack *st, struct neigh *n)
{
	if (n->state == NEIGH_DELAY) {
		neigh_set_state(st, n, NEIGH_PROBE);
		n->tries = 0;
	}
	if (n->tries >= PROBE_TRIES)
		neigh_fail(st, n);
	else
		neigh_ask(st, n, n->tries < PROBE_UNICAST);
}

static void failed_timeout(struct net_stack *st, struct neigh *n)
{
	if (n->refs == 0) {
		neigh_delete(st, n);
		return;
	}
	neigh_set_state(st, n, NEIGH_NONE);
}

void neigh_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct net_stack *st = ctx;
	struct neigh *n = container_of(t, struct neigh, timer);

	st->now_us = RTE_MAX(st->now_us, now_us);
	switch ((enum net_neigh_state)n->state) {
	case NEIGH_INCOMPLETE:
		if (n->tries >= (is_replica(st) ? REPLICA_ASK_TRIES : ASK_TRIES))
			neigh_fail(st, n);
		else
			neigh_ask(st, n, false);
		break;
	case NEIGH_REACHABLE:
		reachable_timeout(st, n);
		break;
	case NEIGH_DELAY:
		/* The owner did not say anything: the next user asks again. */
		if (is_replica(st))
			neigh_set_state(st, n, NEIGH_STALE);
		else
			probe_timeout(st, n);
		break;
	case NEIGH_PROBE:
		probe_timeout(st, n);
		break;
	case NEIGH_FAILED:
		failed_timeout(st, n);
		break;
	case NEIGH_NONE:
	case NEIGH_STALE:
		break;
	}
}

/* ---- owner and replicas ------------------------------------------------------ */

static bool info_valid(const struct net_stack *st, uint8_t ifx, const struct net_addr *addr)
{
	return ifx < st->conf.n_ifs && addr->family == NET_IPV4;
}

static void neigh_forget(struct net_stack *st, struct neigh *n)
{
	wheel_cancel(st->wheel, &n->timer);
	if (n->refs == 0) {
		neigh_delete(st, n);
		return;
	}
	neigh_set_state(st, n, NEIGH_NONE);
	if (neigh_queued(n) || n->awaited)
		neigh_resolve(st, n);
}

static void neigh_apply_mac(struct net_stack *st, const struct net_neigh_info *info)
{
	struct neigh *n = neigh_get(st, info->ifx, &info->addr, true);

	if (n == NULL) {
		net_drop_count(&st->stats, DROP_NEIGH_FULL);
		return;
	}
	neigh_set_mac(st, n, &info->mac);
	n->permanent = info->permanent;
	wheel_cancel(st->wheel, &n->timer);
	n->tries = 0;
	n->confirmed_us = info->confirmed_us;
	neigh_set_state(st, n, info->state == NEIGH_STALE ? NEIGH_STALE : NEIGH_REACHABLE);
	queue_send(st, n);
}

void net_neigh_apply(struct net_stack *st, const struct net_neigh_info *info)
{
	struct neigh *n;

	if (!info_valid(st, info->ifx, &info->addr))
		return;
	if (info->state >= NEIGH_REACHABLE && info->state <= NEIGH_PROBE) {
		neigh_apply_mac(st, info);
		return;
	}
	n = neigh_find(st, info->ifx, &info->addr);
	if (n == NULL)
		return;
	if (info->state == NEIGH_FAILED)
		neigh_fail(st, n);
	else if (info->state == NEIGH_NONE)
		neigh_forget(st, n);
}

void net_neigh_asked(struct net_stack *st, uint8_t ifx, const struct net_addr *addr, bool confirm)
{
	struct neigh *n;

	if (!info_valid(st, ifx, addr))
		return;
	n = neigh_get(st, ifx, addr, false);
	if (n == NULL) {
		net_drop_count(&st->stats, DROP_NEIGH_FULL);
		return;
	}
	if (confirm && n->has_mac) {
		neigh_confirm(st, n);
		return;
	}
	/* The asker may have missed what was published. */
	if (n->has_mac || n->state == NEIGH_FAILED)
		neigh_publish(st, n);
	neigh_use(st, n);
}

int net_neigh_static(struct net_stack *st, const struct net_neigh_info *info)
{
	struct neigh *n;

	if (!info_valid(st, info->ifx, &info->addr) || !rte_is_unicast_ether_addr(&info->mac))
		return -EINVAL;
	n = neigh_get(st, info->ifx, &info->addr, true);
	if (n == NULL)
		return -ENOSPC;
	n->permanent = true;
	neigh_set_mac(st, n, &info->mac);
	neigh_reachable(st, n);
	neigh_publish(st, n);
	queue_send(st, n);
	return 0;
}
