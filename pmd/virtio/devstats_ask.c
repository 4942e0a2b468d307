/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A round of questions. Each command asks for some queues; a device that has one type of one of
 * them not refuses the whole command (virtio 1.4, 5.1.6.5.10). Then it is asked again by halves, down
 * to the queue and the type that it does not give, which is left out for a while. A round
 * splits DEVSTATS_SPLITS commands at most; what is left then is for the next one. When everything was
 * refused it is no matter of single queues: nothing is left out, and nothing split for a while, unless
 * a command is answered.
 */
#include "pmd/virtio/devstats_private.h"

#include <errno.h>
#include <string.h>

#include "pmd/base/clock.h"

#define RESULT_MAX 32768u

static struct devstats_counters *counters_of(struct vnic_devstats *k, uint16_t vq)
{
	return &k->queue[vq == k->cq ? DEVSTATS_CQ_AT : vq];
}

/* ---- what is asked for ------------------------------------------------------------------ */

static uint32_t queues(const struct vnic_devstats *k)
{
	return (uint32_t)(k->n[DEVSTATS_RX] + k->n[DEVSTATS_TX] + k->n[DEVSTATS_CQ]);
}

/* The virtqueue at a place, and what it may be asked for. */
static uint64_t types_at(struct vnic_devstats *k, uint32_t i, uint16_t *vq)
{
	enum devstats_side side = i < k->n[DEVSTATS_RX] ? DEVSTATS_RX :
				  i < k->n[DEVSTATS_RX] + k->n[DEVSTATS_TX] ? DEVSTATS_TX : DEVSTATS_CQ;
	const struct devstats_counters *c;

	*vq = side == DEVSTATS_RX ? virtio_rxq_index((uint16_t)i) :
	      side == DEVSTATS_TX ? virtio_txq_index((uint16_t)(i - k->n[DEVSTATS_RX])) : k->cq;
	c = counters_of(k, *vq);
	return k->types[side] & ~c->left_out & ~c->left_out_new;
}

static void put_request(struct vnic_devstats *k, uint32_t i, struct devstats_command *m)
{
	struct vnic_ctrl_stats_request *r = &m->ask[m->n];
	uint16_t vq;
	uint64_t types = types_at(k, i, &vq) & m->piece.types;

	if (types == 0)
		return;
	memset(r, 0, sizeof(*r));
	r->vq_index = rte_cpu_to_le_16(vq);
	r->types_bitmap = rte_cpu_to_le_64(types);
	m->n++;
}

static bool next_piece(struct vnic_devstats *k, struct devstats_piece *p)
{
	if (k->n_left > 0) {
		*p = k->left[--k->n_left];
		return true;
	}
	if (k->next >= queues(k))
		return false;
	*p = (struct devstats_piece){ k->next, RTE_MIN(k->next + DEVSTATS_CHUNK, queues(k)), UINT64_MAX };
	k->next = p->to;
	return true;
}

static void put_back(struct vnic_devstats *k, const struct devstats_piece *p)
{
	/* Each split takes one and makes two: there is room. */
	if (k->n_left < RTE_DIM(k->left))
		k->left[k->n_left++] = *p;
}

/* ---- refusals ------------------------------------------------------------------------------ */

/* The lower half of the bits, by number. */
static uint64_t lower_half(uint64_t bits)
{
	uint64_t low = 0;

	for (int n = __builtin_popcountll(bits) / 2; n > 0; n--) {
		low |= bits & -bits;
		bits &= bits - 1;
	}
	return low;
}

static void split_queue(struct vnic_devstats *k, const struct devstats_piece *p)
{
	uint16_t vq;
	uint64_t types = types_at(k, p->from, &vq) & p->types, low = lower_half(types);

	if (low == 0) {
		counters_of(k, vq)->left_out_new |= types;
		return;
	}
	put_back(k, &(struct devstats_piece){ p->from, p->to, types & ~low });
	put_back(k, &(struct devstats_piece){ p->from, p->to, low });
}

static void split(struct vnic_devstats *k, const struct devstats_piece *p)
{
	uint32_t middle = p->from + (p->to - p->from) / 2;

	if (clock_now_ms() < k->whole_until || k->splits >= DEVSTATS_SPLITS)
		return;
	k->splits++;
	if (p->to - p->from == 1) {
		split_queue(k, p);
		return;
	}
	put_back(k, &(struct devstats_piece){ middle, p->to, p->types });
	put_back(k, &(struct devstats_piece){ p->from, middle, p->types });
}

/* What was refused in this round is left out, if it was not everything. */
static void judge(struct vnic_devstats *k)
{
	uint64_t now = clock_now_ms();

	if (k->some_ok)
		k->whole_until = 0;
	else if (k->splits > 0)
		k->whole_until = now + DEVSTATS_LEFT_OUT_MAX_MS;
	for (unsigned i = 0; i < RTE_DIM(k->queue); i++) {
		struct devstats_counters *c = &k->queue[i];

		if (k->some_ok && c->left_out_new != 0) {
			c->left_out |= c->left_out_new;
			c->left_out_ms = c->left_out_ms == 0 ? DEVSTATS_LEFT_OUT_MS :
					 RTE_MIN(2 * c->left_out_ms, (uint32_t)DEVSTATS_LEFT_OUT_MAX_MS);
			c->left_out_until = now + c->left_out_ms;
		} else if (k->some_ok && c->left_out == 0) {
			c->left_out_ms = 0;
		}
		c->left_out_new = 0;
	}
}

/* ---- a round ------------------------------------------------------------------------------- */

/* Twice the room for what we know: a newer device has more. */
static size_t room_for(const struct devstats_command *m)
{
	size_t len = 0;

	for (unsigned i = 0; i < m->n; i++)
		len += 2 * devstats_reply_len(rte_le_to_cpu_64(m->ask[i].types_bitmap));
	return RTE_MIN(len, (size_t)RESULT_MAX);
}

static void answered(void *arg, int rc, const void *result, size_t len);

static int send_piece(struct vnic_devstats *k, struct vnic_ctrl *c, struct devstats_command *m)
{
	struct vnic_ctrl_request req = {
		.class = VIRTIO_NET_CTRL_STATS, .cmd = VIRTIO_NET_CTRL_STATS_GET, .group = VNIC_CTRL_FREE,
		.data = m->ask, .done = answered, .arg = m, .result_varies = true,
	};
	int rc = 0;

	for (m->n = 0; m->n == 0 && next_piece(k, &m->piece);)
		for (uint32_t i = m->piece.from; i < m->piece.to; i++)
			put_request(k, i, m);
	if (m->n == 0)
		return 0;
	req.len = m->n * sizeof(m->ask[0]);
	req.result_len = room_for(m);
	m->generation = k->generation;
	m->sent_ms = clock_now_ms();
	rc = vnic_ctrl_submit(c, &req, NULL);
	m->busy = rc == 0;
	if (rc != 0)
		put_back(k, &m->piece);
	return rc;
}

static bool more(const struct vnic_devstats *k)
{
	return k->n_left > 0 || k->next < queues(k);
}

void devstats_begin(struct vnic_devstats *k)
{
	uint64_t now = clock_now_ms();

	for (unsigned i = 0; i < RTE_DIM(k->queue); i++)
		if (k->queue[i].left_out != 0 && now >= k->queue[i].left_out_until)
			k->queue[i].left_out = 0;
	k->next = 0;
	k->n_left = k->splits = 0;
	k->some_ok = false;
	k->under_way = true;
}

static void end_round(struct vnic_devstats *k)
{
	judge(k);
	k->under_way = false;
	k->answered_ms = clock_now_ms();
	if (k->some_ok)
		k->heard_ms = k->answered_ms;
	k->refreshes++;
}

static unsigned waited_for(const struct vnic_devstats *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RTE_DIM(k->command); i++)
		n += k->command[i].busy && !k->command[i].lost;
	return n;
}

static uint64_t lose_at(const struct vnic_devstats *k, const struct devstats_command *m)
{
	return m->busy && !m->lost ? m->sent_ms + k->patience_ms : UINT64_MAX;
}

uint64_t devstats_lose_at(const struct vnic_devstats *k)
{
	uint64_t at = UINT64_MAX;
	unsigned lost = 0;

	for (unsigned i = 0; i < RTE_DIM(k->command); i++) {
		at = RTE_MIN(at, lose_at(k, &k->command[i]));
		lost += k->command[i].lost;
	}
	return lost < DEVSTATS_LOST ? at : UINT64_MAX;
}

bool devstats_lose(struct vnic_devstats *k, uint64_t now_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RTE_DIM(k->command) && now_ms >= devstats_lose_at(k); i++) {
		if (now_ms < lose_at(k, &k->command[i]))
			continue;
		k->command[i].lost = true;
		n++;
	}
	if (n == 0)
		return false;
	k->lost += n;
	k->failed += n;
	VNIC_LOG(WARNING, k->dev, "the device has not answered about its statistics for %u ms: it is asked again",
		 k->patience_ms);
	k->patience_ms = RTE_MIN(2 * k->patience_ms, (uint32_t)DEVSTATS_PATIENCE_MAX_MS);
	return true;
}

bool devstats_advance(struct vnic_devstats *k, struct vnic_ctrl *c)
{
	unsigned waited = waited_for(k);
	bool sent = false, busy;
	int rc = 0;

	for (unsigned i = 0; i < RTE_DIM(k->command) && waited < DEVSTATS_CHUNKS && more(k) && rc == 0; i++) {
		struct devstats_command *m = &k->command[i];

		if (m->busy)
			continue;
		rc = send_piece(k, c, m);
		sent = sent || m->busy;
		waited += m->busy;
	}
	busy = waited != 0;
	k->stuck = rc == -EAGAIN && !busy;
	if (rc != 0 && rc != -EAGAIN) {
		k->next = queues(k);
		k->n_left = 0;
	}
	if (!more(k) && !busy)
		end_round(k);
	return sent;
}

/* ---- answers ------------------------------------------------------------------------------- */

/* Counters begin anew with a reset, and wrap at 2^64: what is shown goes on either way. */
static void take(void *arg, uint16_t vq, const struct devstats_type *t, const uint64_t *counters, unsigned n)
{
	struct vnic_devstats *k = arg;
	struct devstats_counters *c = counters_of(k, vq);

	for (unsigned i = 0; i < n; i++) {
		uint64_t *value = &c->value[t->slot][i], *base = &c->base[t->slot][i];

		if ((int64_t)(counters[i] - *value) < 0)
			*base -= *value;
		*value = counters[i];
	}
}

static void heed(struct vnic_devstats *k, struct devstats_command *m, int rc, const void *result, size_t len)
{
	if (rc == 0) {
		k->some_ok = true;
		k->errors += devstats_parse(result, len, m->ask, m->n, take, k);
		return;
	}
	k->failed++;
	if (rc == -EREMOTEIO)
		split(k, &m->piece);
}

/* A device that is slow, and not deaf. */
static void learn_patience(struct vnic_devstats *k, uint64_t took_ms)
{
	uint64_t ms = RTE_MAX(2 * took_ms, (uint64_t)k->patience_min_ms);

	k->patience_ms = (uint32_t)RTE_MIN(ms, (uint64_t)DEVSTATS_PATIENCE_MAX_MS);
}

static void answered(void *arg, int rc, const void *result, size_t len)
{
	struct devstats_command *m = arg;
	struct vnic_devstats *k = m->owner;
	struct vnic_ctrl *c = vnic_ctrl_get(k->dev);
	bool flush = false, lost;

	pthread_mutex_lock(&k->lock);
	lost = m->lost;
	m->busy = m->lost = false;
	if (m->generation == k->generation) {
		if (rc == 0 || rc == -EREMOTEIO)
			learn_patience(k, clock_now_ms() - m->sent_ms);
		/* What comes so late may be older than what is shown. */
		if (!lost)
			heed(k, m, rc, result, len);
		flush = c != NULL && k->open && devstats_advance(k, c);
	}
	pthread_mutex_unlock(&k->lock);
	if (flush)
		vnic_ctrl_flush(c);
	if (c != NULL)
		vnic_ctrl_put(c);
}
