/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the device supports is asked when it starts. A refresh goes round its queues in
 * commands for some of them at a time, a few in flight; the answer's callback sends the
 * next. Nobody waits: what is shown is what was answered last.
 */
#include "pmd/virtio/devstats.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/devstats_msg.h"
#include "pmd/virtio/ethdev_private.h"

#define CQ          (2 * VNIC_MAX_PAIRS) /* its place among the queues */
#define CHUNK       32  /* queues a command */
#define CHUNKS      3   /* commands in flight: each may take two of the eight large buffers */
#define RESULT_MAX  32768u
#define RETRY_MS    10  /* when the control queue was full */
#define NEVER       UINT_MAX

/* Shown is value - base. */
struct counters {
	uint64_t value[DEVSTATS_SLOTS][DEVSTATS_COUNTERS];
	uint64_t base[DEVSTATS_SLOTS][DEVSTATS_COUNTERS];
};

struct chunk {
	struct vnic_devstats *owner;
	bool busy;               /* in flight */
	uint32_t generation;
	unsigned n;
	struct vnic_ctrl_stats_request ask[CHUNK];
};

struct vnic_devstats {
	struct vnic_dev *dev;
	pthread_mutex_t lock;    /* taken before the control queue's, never while its callbacks may be waited for */
	bool open;               /* the device runs */
	bool under_way, stuck;   /* a refresh; it goes on when the control queue has room */
	uint32_t generation;     /* answers of before a stop are not heeded */
	uint16_t cq;             /* virtqueue number */
	uint16_t n[3];           /* queues by side */
	uint64_t types[3];       /* that we know and the device has */
	uint32_t next;           /* queue to ask for, counted through all sides */
	uint64_t answered_ms;    /* 0: never */
	uint64_t refreshes, failed, errors;
	struct chunk chunk[CHUNKS];
	struct counters queue[2 * VNIC_MAX_PAIRS + 1]; /* by virtqueue number */
};

/* ---- answers: the lock is held --------------------------------------------------------- */

static struct counters *counters_of(struct vnic_devstats *k, uint16_t vq)
{
	return &k->queue[vq == k->cq ? CQ : vq];
}

/* Counters begin anew with a reset, and wrap at 2^64: what is shown goes on either way. */
static void take(void *arg, uint16_t vq, const struct devstats_type *t, const uint64_t *counters)
{
	struct vnic_devstats *k = arg;
	struct counters *c = counters_of(k, vq);

	for (unsigned i = 0; i < t->n; i++) {
		uint64_t *value = &c->value[t->slot][i], *base = &c->base[t->slot][i];

		if ((int64_t)(counters[i] - *value) < 0)
			*base -= *value;
		*value = counters[i];
	}
}

static uint32_t queues(const struct vnic_devstats *k)
{
	return (uint32_t)(k->n[DEVSTATS_RX] + k->n[DEVSTATS_TX] + k->n[DEVSTATS_CQ]);
}

static void put_request(const struct vnic_devstats *k, uint32_t i, struct chunk *m)
{
	struct vnic_ctrl_stats_request *r = &m->ask[m->n];
	enum devstats_side side = i < k->n[DEVSTATS_RX] ? DEVSTATS_RX :
				  i < k->n[DEVSTATS_RX] + k->n[DEVSTATS_TX] ? DEVSTATS_TX : DEVSTATS_CQ;
	uint16_t vq = side == DEVSTATS_RX ? virtio_rxq_index((uint16_t)i) :
		      side == DEVSTATS_TX ? virtio_txq_index((uint16_t)(i - k->n[DEVSTATS_RX])) : k->cq;

	if (k->types[side] == 0)
		return;
	memset(r, 0, sizeof(*r));
	r->vq_index = rte_cpu_to_le_16(vq);
	r->types_bitmap = rte_cpu_to_le_64(k->types[side]);
	m->n++;
}

/* Twice the room for what we know: a newer device has more. */
static size_t room_for(const struct chunk *m)
{
	size_t len = 0;

	for (unsigned i = 0; i < m->n; i++)
		len += 2 * devstats_reply_len(rte_le_to_cpu_64(m->ask[i].types_bitmap));
	return RTE_MIN(len, (size_t)RESULT_MAX);
}

static void answered(void *arg, int rc, const void *result, size_t len);

static int send_chunk(struct vnic_devstats *k, struct vnic_ctrl *c, struct chunk *m)
{
	struct vnic_ctrl_request req = {
		.class = VIRTIO_NET_CTRL_STATS, .cmd = VIRTIO_NET_CTRL_STATS_GET, .group = VNIC_CTRL_FREE,
		.data = m->ask, .done = answered, .arg = m,
	};
	uint32_t i = k->next;
	int rc;

	for (m->n = 0; m->n < CHUNK && i < queues(k); i++)
		put_request(k, i, m);
	if (m->n > 0) {
		req.len = m->n * sizeof(m->ask[0]);
		req.result_len = room_for(m);
		m->generation = k->generation;
		rc = vnic_ctrl_submit(c, &req, NULL);
		if (rc < 0)
			return rc;
		m->busy = true;
	}
	k->next = i;
	return 0;
}

/* Send what may go; notice the end of a round. True: a doorbell is due. */
static bool advance(struct vnic_devstats *k, struct vnic_ctrl *c)
{
	bool busy = false, sent = false;
	int rc = 0;

	for (unsigned i = 0; i < CHUNKS; i++) {
		if (!k->chunk[i].busy && k->next < queues(k) && rc == 0) {
			rc = send_chunk(k, c, &k->chunk[i]);
			sent = sent || k->chunk[i].busy;
		}
		busy = busy || k->chunk[i].busy;
	}
	k->stuck = rc == -EAGAIN && !busy;
	if (rc != 0 && rc != -EAGAIN)
		k->next = queues(k);
	if (k->next < queues(k) || busy)
		return sent;
	k->under_way = false;
	k->answered_ms = clock_now_ms();
	k->refreshes++;
	return sent;
}

static void answered(void *arg, int rc, const void *result, size_t len)
{
	struct chunk *m = arg;
	struct vnic_devstats *k = m->owner;
	struct vnic_ctrl *c = vnic_ctrl_get(k->dev);
	bool flush = false;

	pthread_mutex_lock(&k->lock);
	m->busy = false;
	if (m->generation == k->generation) {
		if (rc == 0)
			k->errors += devstats_parse(result, len, m->ask, m->n, take, k);
		else
			k->failed++;
		flush = c != NULL && k->open && advance(k, c);
	}
	pthread_mutex_unlock(&k->lock);
	if (flush)
		vnic_ctrl_flush(c);
	if (c != NULL)
		vnic_ctrl_put(c);
}

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
	bool flush = false;

	if (k == NULL || (c = vnic_ctrl_get(d)) == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	if (is_due(k, ms)) {
		if (!k->under_way)
			k->next = 0;
		k->under_way = true;
		flush = advance(k, c);
	}
	pthread_mutex_unlock(&k->lock);
	if (flush)
		vnic_ctrl_flush(c);
	vnic_ctrl_put(c);
}

int vnic_devstats_next(struct vnic_dev *d)
{
	struct vnic_devstats *k = d->devstats;
	uint64_t since;
	int ms = -1;

	if (k == NULL)
		return -1;
	pthread_mutex_lock(&k->lock);
	if (k->open && k->stuck) {
		ms = RETRY_MS;
	} else if (k->open && !k->under_way && d->args.stats_ms != 0) {
		since = k->answered_ms != 0 ? clock_now_ms() - k->answered_ms : UINT64_MAX;
		ms = since >= d->args.stats_ms ? 0 : (int)(d->args.stats_ms - since);
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
		struct counters *c = &k->queue[i];

		for (unsigned n = 0; n < DEVSTATS_SLOTS * DEVSTATS_COUNTERS; n++)
			(&c->base[0][0])[n] -= (&c->value[0][0])[n];
		memset(c->value, 0, sizeof(c->value));
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
	k->cq = d->ctrl != NULL ? vnic_ctrl_vq(d->ctrl)->index : CQ;
	k->open = rc == 0 && (k->types[DEVSTATS_RX] | k->types[DEVSTATS_TX] | k->types[DEVSTATS_CQ]) != 0;
	k->answered_ms = 0;
	k->under_way = k->stuck = false;
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
	for (unsigned i = 0; i < CHUNKS; i++)
		k->chunk[i].owner = k;
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
	const struct counters *c = &l->k->queue[side == DEVSTATS_RX ? virtio_rxq_index(queue) :
						side == DEVSTATS_TX ? virtio_txq_index(queue) : CQ];
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
		put(l, k->answered_ms != 0 ? clock_now_ms() - k->answered_ms : 0, "", "stats_age_ms");
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
