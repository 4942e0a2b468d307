/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/ctrl_private.h"

/* Guards dev->ctrl and the references of every control queue: a thread that looks for
 * one does not hold vnic_dev.lock. */
static pthread_mutex_t lives = PTHREAD_MUTEX_INITIALIZER;

static unsigned slots_for(uint16_t size, bool indirect)
{
	return RTE_MIN(indirect ? size : size / CTRL_CHAIN_MAX, CTRL_SLOTS_MAX);
}

size_t vnic_ctrl_mem_size(uint16_t size, bool packed)
{
	uint32_t driver_off, device_off;

	/* Each piece may begin on a page and lose the rest of the one before. */
	return vnic_vq_layout(size, packed, &driver_off, &device_off) +
	       slots_for(size, true) * sizeof(struct ctrl_room) + CTRL_BIG_COUNT * CTRL_BIG + 4 * 4096;
}

static void init_sync(struct vnic_ctrl *c)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->cond, &attr);
	pthread_condattr_destroy(&attr);
}

static void init_slots(struct vnic_ctrl *c)
{
	TAILQ_INIT(&c->free);
	TAILQ_INIT(&c->active);
	TAILQ_INIT(&c->done);
	for (uint16_t i = 0; i < c->n_slots; i++) {
		struct ctrl_slot *s = &c->slot[i];

		s->index = i;
		s->big_data = s->big_result = CTRL_NO_BIG;
		TAILQ_INSERT_TAIL(&c->free, s, link);
	}
	c->big_free = UINT16_MAX;
	c->next_deadline = c->wake_at = UINT64_MAX;
}

static void free_all(struct vnic_ctrl *c)
{
	ctrl_ring_fini(c);
	free(c->slot);
	free(c->scratch);
	pthread_cond_destroy(&c->cond);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Memory that the device sees. */
static void free_shared(struct vnic_ctrl *c, bool quarantine)
{
	struct vnic_mem *mem = c->dev->mem;

	vnic_vq_destroy(&c->vq, quarantine);
	if (quarantine) {
		vnic_mem_quarantine(mem, &c->rooms);
		vnic_mem_quarantine(mem, &c->bigs);
	} else {
		vnic_mem_free(mem, &c->rooms);
		vnic_mem_free(mem, &c->bigs);
	}
}

static int alloc_shared(struct vnic_ctrl *c, uint16_t vq_index, uint16_t size)
{
	struct vnic_mem *mem = c->dev->mem;
	unsigned slots;
	int rc = vnic_vq_create(&c->vq, c->dev, vq_index, size, -1);

	if (rc != 0)
		return rc;
	slots = slots_for(size, c->vq.indirect);
	rc = slots == 0 ? -EINVAL : vnic_mem_alloc(mem, slots * sizeof(struct ctrl_room), 64, &c->rooms);
	if (rc != 0)
		goto no_rooms;
	rc = vnic_mem_alloc(mem, (size_t)CTRL_BIG_COUNT * CTRL_BIG, 4096, &c->bigs);
	if (rc != 0)
		goto no_bigs;
	c->n_slots = (uint16_t)slots;
	return 0;
no_bigs:
	vnic_mem_free(mem, &c->rooms);
no_rooms:
	vnic_vq_destroy(&c->vq, false);
	return rc;
}

static int alloc_private(struct vnic_ctrl *c)
{
	c->slot = calloc(c->n_slots, sizeof(c->slot[0]));
	c->scratch = malloc(CTRL_BIG);
	if (c->slot == NULL || c->scratch == NULL)
		return -ENOMEM;
	return ctrl_ring_init(c);
}

int vnic_ctrl_create(struct vnic_ctrl **out, struct vnic_dev *dev, uint16_t vq_index, uint16_t size)
{
	struct vnic_ctrl *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->dev = dev;
	c->refs = 1;
	c->timeout_ms = dev->args.ctrl_timeout_ms != 0 ? dev->args.ctrl_timeout_ms : VNIC_CTRL_TIMEOUT_MS;
	init_sync(c);
	rc = alloc_shared(c, vq_index, size);
	if (rc != 0)
		goto fail;
	rc = alloc_private(c);
	if (rc != 0) {
		free_shared(c, false);
		goto fail;
	}
	init_slots(c);
	pthread_mutex_lock(&lives);
	c->stats = dev->ctrl_past;
	*out = c;
	pthread_mutex_unlock(&lives);
	return 0;
fail:
	free_all(c);
	return rc;
}

struct vnic_vq *vnic_ctrl_vq(struct vnic_ctrl *c)
{
	return &c->vq;
}

struct vnic_ctrl *vnic_ctrl_get(struct vnic_dev *dev)
{
	struct vnic_ctrl *c;

	pthread_mutex_lock(&lives);
	c = dev->ctrl;
	if (c != NULL)
		c->refs++;
	pthread_mutex_unlock(&lives);
	return c;
}

void vnic_ctrl_put(struct vnic_ctrl *c)
{
	unsigned left;

	pthread_mutex_lock(&lives);
	left = --c->refs;
	pthread_mutex_unlock(&lives);
	if (left == 0)
		free_all(c);
}

/* Nobody else calls callbacks, and all are called. */
static void deliver_all(struct vnic_ctrl *c)
{
	ctrl_deliver(c);
	while (c->delivering)
		pthread_cond_wait(&c->cond, &c->lock);
}

static bool device_holds_any(const struct vnic_ctrl *c)
{
	for (unsigned i = 0; i < c->n_slots; i++)
		if (c->slot[i].state == CTRL_ORPHAN)
			return true;
	return false;
}

void vnic_ctrl_destroy(struct vnic_ctrl *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&lives);
	if (c->dev->ctrl == c)
		c->dev->ctrl = NULL;
	pthread_mutex_unlock(&lives);
	pthread_mutex_lock(&c->lock);
	c->broken = c->dead = true;
	ctrl_end_all(c, -ECANCELED);
	deliver_all(c);
	/* Callers that wait have been told; they leave before the memory goes. */
	while (c->waiters != 0)
		pthread_cond_wait(&c->cond, &c->lock);
	/* A device that was not reset has the ring itself, answers or not. */
	free_shared(c, c->vq.live || device_holds_any(c));
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_lock(&lives);
	c->dev->ctrl_past = c->stats;
	pthread_mutex_unlock(&lives);
	vnic_ctrl_put(c);
}

void vnic_ctrl_past(struct vnic_dev *dev, struct vnic_ctrl_stats *out)
{
	pthread_mutex_lock(&lives);
	*out = dev->ctrl_past;
	pthread_mutex_unlock(&lives);
}

void vnic_ctrl_reset(struct vnic_ctrl *c)
{
	pthread_mutex_lock(&c->lock);
	c->broken = true; /* callbacks that submit do it in vain */
	ctrl_end_all(c, -ECANCELED);
	deliver_all(c);
	for (unsigned i = 0; i < c->n_slots; i++) {
		c->slot[i].orphan = false;
		if (c->slot[i].state == CTRL_ORPHAN)
			ctrl_release(c, &c->slot[i]);
	}
	ctrl_ring_rewind(c);
	c->vq.live = false;
	c->next_deadline = UINT64_MAX;
	c->why[0] = '\0';
	c->why_told = false;
	c->broken = false;
	pthread_mutex_unlock(&c->lock);
}

void vnic_ctrl_break(struct vnic_ctrl *c)
{
	pthread_mutex_lock(&c->lock);
	c->broken = true;
	ctrl_end_all(c, -EIO);
	ctrl_deliver(c);
	pthread_mutex_unlock(&c->lock);
}

void vnic_ctrl_set_timeout(struct vnic_ctrl *c, uint64_t ms)
{
	struct ctrl_slot *s;

	pthread_mutex_lock(&c->lock);
	c->timeout_ms = RTE_MAX(ms, UINT64_C(1));
	c->next_deadline = UINT64_MAX;
	TAILQ_FOREACH(s, &c->active, link) {
		if (s->preset)
			s->deadline = ctrl_deadline(c, s->submitted, 0);
		c->next_deadline = RTE_MIN(c->next_deadline, s->deadline);
	}
	/* Callers who wait for a slot have deadlines too. */
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
	vnic_thread_wake(c->dev);
}


/* ---- commands ------------------------------------------------------------------- */

static uint8_t take_big(struct vnic_ctrl *c)
{
	uint8_t i = (uint8_t)__builtin_ctz(c->big_free);

	c->big_free &= (uint16_t)~(1u << i);
	return i;
}

static bool big_enough(const struct vnic_ctrl *c, const struct vnic_ctrl_request *req)
{
	int wanted = (req->len > CTRL_INLINE) + (req->result_len > CTRL_RESULT);

	return __builtin_popcount(c->big_free) >= wanted;
}

uint64_t ctrl_deadline(const struct vnic_ctrl *c, uint64_t then, uint64_t timeout_ms)
{
	uint64_t ms = timeout_ms != 0 ? timeout_ms : c->timeout_ms;

	return ms >= (UINT64_MAX - then) / CLOCK_NS_PER_MS ? UINT64_MAX : then + ms * CLOCK_NS_PER_MS;
}

static void fill(struct vnic_ctrl *c, struct ctrl_slot *s, const struct vnic_ctrl_request *req)
{
	struct ctrl_room *room = ctrl_room_of(c, s);

	s->class = req->class;
	s->cmd = req->cmd;
	s->group = req->group;
	s->key = req->key;
	s->len = (uint32_t)req->len;
	s->result_len = s->written = (uint32_t)req->result_len;
	s->result_varies = req->result_varies;
	s->done = req->done;
	s->arg = req->arg;
	s->orphan = false;
	s->submitted = ctrl_now();
	s->waited = req->waited;
	s->preset = req->timeout_ms == 0;
	s->deadline = ctrl_deadline(c, s->submitted, req->timeout_ms);
	if (req->len > CTRL_INLINE)
		s->big_data = take_big(c);
	if (req->result_len > CTRL_RESULT)
		s->big_result = take_big(c);
	room->hdr = (struct vnic_ctrl_hdr){ req->class, req->cmd };
	if (req->len != 0)
		memcpy(s->big_data != CTRL_NO_BIG ? ctrl_big(c, s->big_data) : room->data, req->data, req->len);
	room->ack = UINT8_MAX; /* what a device leaves as it was is not OK */
	if (req->result_len != 0)
		memset(ctrl_result_of(c, s), 0, req->result_len);
}

int ctrl_submit_locked(struct vnic_ctrl *c, const struct vnic_ctrl_request *req, uint64_t *id)
{
	struct ctrl_slot *s = TAILQ_FIRST(&c->free);

	if (req->len > CTRL_BIG || req->result_len > CTRL_BIG)
		return -EMSGSIZE;
	if (req->group >= CTRL_GROUPS)
		return -EINVAL;
	if (c->broken)
		return -EIO;
	if (s == NULL || !big_enough(c, req)) {
		ctrl_ring_doorbell(c); /* nothing more comes before what is posted is done */
		return -EAGAIN;
	}
	TAILQ_REMOVE(&c->free, s, link);
	fill(c, s, req);
	c->next_deadline = RTE_MIN(c->next_deadline, s->deadline);
	c->stats.submitted++;
	TAILQ_INSERT_TAIL(&c->active, s, link);
	ctrl_group_count(c, s, 1);
	if (ctrl_held_up(c, s) || !ctrl_ring_room(c)) {
		s->state = CTRL_WAITING;
		c->stats.waiting++;
	} else {
		ctrl_start(c, s);
	}
	if (id != NULL)
		*id = (uint64_t)s->generation << 16 | s->index;
	return 0;
}

int vnic_ctrl_submit(struct vnic_ctrl *c, const struct vnic_ctrl_request *req, uint64_t *id)
{
	int rc;

	if (c == NULL)
		return -ENOTSUP;
	pthread_mutex_lock(&c->lock);
	rc = ctrl_submit_locked(c, req, id);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void vnic_ctrl_flush(struct vnic_ctrl *c)
{
	bool wake;

	pthread_mutex_lock(&c->lock);
	if (!c->broken)
		ctrl_ring_doorbell(c);
	wake = ctrl_wants_thread(c);
	pthread_mutex_unlock(&c->lock);
	if (wake)
		vnic_thread_wake(c->dev);
}

static struct ctrl_slot *slot_of(struct vnic_ctrl *c, uint64_t id)
{
	struct ctrl_slot *s = (id & UINT16_MAX) < c->n_slots ? &c->slot[id & UINT16_MAX] : NULL;

	return s != NULL && s->generation == (uint32_t)(id >> 16) && s->state != CTRL_FREE ? s : NULL;
}

static void cancel(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	s->orphan = s->state == CTRL_POSTED;
	ctrl_finish(c, s, -ECANCELED);
}

static void after_cancel(struct vnic_ctrl *c)
{
	ctrl_deliver(c);
	ctrl_advance(c);
	ctrl_ring_doorbell(c);
}

int vnic_ctrl_cancel(struct vnic_ctrl *c, uint64_t id)
{
	struct ctrl_slot *s;
	int rc = -ENOENT;

	pthread_mutex_lock(&c->lock);
	s = slot_of(c, id);
	if (s != NULL && (s->state == CTRL_POSTED || s->state == CTRL_WAITING)) {
		cancel(c, s);
		after_cancel(c);
		rc = 0;
	}
	/* Due, or running elsewhere: over when we return. */
	while (c->delivering && !pthread_equal(c->deliverer, pthread_self()) && s != NULL && slot_of(c, id) == s &&
	       s->state == CTRL_DONE)
		pthread_cond_wait(&c->cond, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void vnic_ctrl_end_waits(struct vnic_ctrl *c)
{
	struct ctrl_slot *s, *next;

	pthread_mutex_lock(&c->lock);
	c->ended_waits++;
	for (s = TAILQ_FIRST(&c->active); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->waited)
			cancel(c, s);
	}
	after_cancel(c);
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
}
