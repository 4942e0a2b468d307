/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the device supports is asked when it starts. A refresh goes round its queues in
 * commands for some of them at a time, a few in flight; the answer's callback sends the
 * next (devstats_ask.c). Nobody waits: what is shown is what was answered last.
 */
#include "pmd/virtio/devstats.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/devstats_private.h"

#define RETRY_MS 10 /* when the control queue was full */
#define NEVER    UINT_MAX

/* ---- refreshing ---------------------------------------------------------------------------- */

static bool is_due(const struct vnic_devstats *k, unsigned ms)
{
	if (!k->open || k->under_way)
		return k->stuck;
	return ms != NEVER && (k->answered_ms == 0 || clock_now_ms() - k->answered_ms >= ms);
}

void vnic_devstats_refresh(struct vnic_dev *d, unsigned ms)
{
	struct vnic_devstats *k = d->devstats;
	struct vnic_ctrl *c;
	bool flush = false, lost;

	if (k == NULL || (c = vnic_ctrl_get(d)) == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	lost = k->open && k->under_way && devstats_lose(k, clock_now_ms());
	if (lost || is_due(k, ms)) {
		if (!k->under_way)
			devstats_begin(k);
		flush = devstats_advance(k, c);
	}
	pthread_mutex_unlock(&k->lock);
	if (flush)
		vnic_ctrl_flush(c);
	vnic_ctrl_put(c);
}

int vnic_devstats_next(struct vnic_dev *d)
{
	struct vnic_devstats *k = d->devstats;
	uint64_t since, at, now;
	int ms = -1;

	if (k == NULL)
		return -1;
	pthread_mutex_lock(&k->lock);
	if (k->open && k->stuck) {
		ms = RETRY_MS;
	} else if (k->open && !k->under_way && d->args.stats_ms != 0) {
		since = k->answered_ms != 0 ? clock_now_ms() - k->answered_ms : UINT64_MAX;
		ms = since >= d->args.stats_ms ? 0 : (int)(d->args.stats_ms - since);
	} else if (k->open && k->under_way && (at = devstats_lose_at(k)) != UINT64_MAX) {
		now = clock_now_ms();
		ms = at <= now ? 0 : (int)RTE_MIN(at - now, (uint64_t)DEVSTATS_PATIENCE_MAX_MS);
	}
	pthread_mutex_unlock(&k->lock);
	return ms;
}

void vnic_devstats_poll(struct vnic_dev *d)
{
	vnic_devstats_refresh(d, d->args.stats_ms != 0 ? d->args.stats_ms : NEVER);
}

/* ---- start and stop ---------------------------------------------------------------------- */

static int query(struct vnic_dev *d, uint64_t *types)
{
	const struct vnic_ctrl_request req = {
		.class = VIRTIO_NET_CTRL_STATS, .cmd = VIRTIO_NET_CTRL_STATS_QUERY, .group = VNIC_CTRL_FREE,
		.result_len = sizeof(rte_le64_t),
		.timeout_ms = vnic_start_ms(d),
	};
	rte_le64_t bits = 0;
	int rc = vnic_ctrl_call(d->ctrl, &req, &bits);

	*types = rc == 0 ? rte_le_to_cpu_64(bits) : 0;
	if (rc != -EREMOTEIO)
		return rc;
	VNIC_LOG(WARNING, d, "the device does not say which statistics it has: none are shown");
	return 0;
}

/* The device begins at 0 again; what is shown goes on. */
static void begin_anew(struct vnic_devstats *k)
{
	for (unsigned i = 0; i < RTE_DIM(k->queue); i++) {
		struct devstats_counters *c = &k->queue[i];

		for (unsigned n = 0; n < DEVSTATS_SLOTS * DEVSTATS_COUNTERS; n++)
			(&c->base[0][0])[n] -= (&c->value[0][0])[n];
		memset(c->value, 0, sizeof(c->value));
		c->left_out = c->left_out_new = 0;
		c->left_out_ms = 0;
	}
}

int vnic_devstats_start(struct vnic_dev *d)
{
	struct vnic_devstats *k = d->devstats;
	uint64_t types = 0;
	int rc = 0;

	if (k == NULL)
		return 0;
	if (vnic_has(d, VIRTIO_NET_F_DEVICE_STATS) && d->ctrl != NULL)
		rc = query(d, &types);
	pthread_mutex_lock(&k->lock);
	for (unsigned side = DEVSTATS_RX; side <= DEVSTATS_CQ; side++)
		k->types[side] = devstats_of_side(types, side);
	k->n[DEVSTATS_RX] = d->eth->data->nb_rx_queues;
	k->n[DEVSTATS_TX] = d->eth->data->nb_tx_queues;
	k->n[DEVSTATS_CQ] = k->types[DEVSTATS_CQ] != 0;
	k->cq = d->ctrl != NULL ? vnic_ctrl_vq(d->ctrl)->index : DEVSTATS_CQ_AT;
	k->open = rc == 0 && (k->types[DEVSTATS_RX] | k->types[DEVSTATS_TX] | k->types[DEVSTATS_CQ]) != 0;
	k->answered_ms = k->heard_ms = 0;
	k->patience_ms = k->patience_min_ms;
	k->under_way = k->stuck = false;
	k->whole_until = 0;
	k->generation++;
	begin_anew(k);
	pthread_mutex_unlock(&k->lock);
	return rc;
}

void vnic_devstats_stop(struct vnic_dev *d)
{
	struct vnic_devstats *k = d->devstats;

	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->open = k->under_way = k->stuck = false;
	k->generation++;
	pthread_mutex_unlock(&k->lock);
}

int vnic_devstats_create(struct vnic_dev *d)
{
	struct vnic_devstats *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return -ENOMEM;
	k->dev = d;
	k->patience_min_ms = DEVSTATS_PATIENCE_MS;
	for (unsigned i = 0; i < RTE_DIM(k->command); i++)
		k->command[i].owner = k;
	pthread_mutex_init(&k->lock, NULL);
	d->devstats = k;
	return 0;
}

void vnic_devstats_destroy(struct vnic_dev *d)
{
	struct vnic_devstats *k = d->devstats;

	if (k == NULL)
		return;
	d->devstats = NULL;
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* ---- what is shown ----------------------------------------------------------------------- */

/* One pass makes names, values, or only the count; the lock is held. */
struct list {
	struct vnic_devstats *k;
	struct rte_eth_xstat *xstats;
	struct rte_eth_xstat_name *names;
	unsigned n;
};

static void put(struct list *l, uint64_t value, const char *prefix, const char *name)
{
	if (l->names != NULL)
		snprintf(l->names[l->n].name, sizeof(l->names[l->n].name), "%shw_%s", prefix, name);
	if (l->xstats != NULL)
		l->xstats[l->n] = (struct rte_eth_xstat){ .id = l->n, .value = value };
	l->n++;
}

static void put_queue(struct list *l, enum devstats_side side, uint16_t queue)
{
	const struct devstats_counters *c = &l->k->queue[side == DEVSTATS_RX ? virtio_rxq_index(queue) :
						side == DEVSTATS_TX ? virtio_txq_index(queue) : DEVSTATS_CQ_AT];
	char prefix[16] = "cq_";

	if (side != DEVSTATS_CQ)
		snprintf(prefix, sizeof(prefix), "%s_q%u_", side == DEVSTATS_RX ? "rx" : "tx", queue);
	for (unsigned i = 0; i < DEVSTATS_TYPES; i++) {
		const struct devstats_type *t = &devstats_types[i];

		if (t->side != side || (l->k->types[side] >> t->type & 1) == 0)
			continue;
		for (unsigned k = 0; k < t->n; k++)
			put(l, c->value[t->slot][k] - c->base[t->slot][k], prefix, t->name[k]);
	}
}

/* Types of queues that the device refuses, left out of questions at present. */
static uint64_t left_out(const struct vnic_devstats *k)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < RTE_DIM(k->queue); i++)
		n += (uint64_t)__builtin_popcountll(k->queue[i].left_out);
	return n;
}

static unsigned put_all(struct list *l)
{
	struct vnic_devstats *k = l->k;

	if (k == NULL)
		return 0;
	pthread_mutex_lock(&k->lock);
	if ((k->types[DEVSTATS_RX] | k->types[DEVSTATS_TX] | k->types[DEVSTATS_CQ]) != 0) {
		for (unsigned side = DEVSTATS_RX; side <= DEVSTATS_CQ; side++)
			for (uint16_t i = 0; i < k->n[side]; i++)
				put_queue(l, side, i);
		put(l, k->refreshes, "", "stats_refreshes");
		put(l, k->failed, "", "stats_failed");
		put(l, k->errors, "", "stats_errors");
		put(l, k->lost, "", "stats_lost");
		put(l, left_out(k), "", "stats_left_out");
		put(l, k->heard_ms != 0 ? clock_now_ms() - k->heard_ms : 0, "", "stats_age_ms");
	}
	pthread_mutex_unlock(&k->lock);
	return l->n;
}

unsigned vnic_devstats_count(const struct vnic_dev *d)
{
	struct list l = { .k = d->devstats };

	return put_all(&l);
}

void vnic_devstats_names(const struct vnic_dev *d, struct rte_eth_xstat_name *names)
{
	struct list l = { .k = d->devstats, .names = names };

	put_all(&l);
}

void vnic_devstats_values(struct vnic_dev *d, struct rte_eth_xstat *xstats)
{
	struct list l = { .k = d->devstats, .xstats = xstats };

	put_all(&l);
}

void vnic_devstats_reset(struct vnic_dev *d)
{
	struct vnic_devstats *k = d->devstats;

	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < RTE_DIM(k->queue); i++)
		memcpy(k->queue[i].base, k->queue[i].value, sizeof(k->queue[i].base));
	pthread_mutex_unlock(&k->lock);
}
