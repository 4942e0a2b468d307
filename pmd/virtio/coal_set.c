/* SPDX-License-Identifier: BSD-3-Clause */
/* Coalescing set and asked for by callers that wait; the first half of it is coal.c. */
#include <errno.h>
#include <time.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/coal_private.h"

static int of_direction(const struct vnic_coalescing *k, enum vnic_dir dir, struct vnic_coal *out)
{
	*out = k->all[dir].value;
	return k->all[dir].set ? 0 : -ENODATA;
}

static int in_force(const struct vnic_coalescing *k, uint16_t vq, struct vnic_coal *out)
{
	const struct coal_mailbox *q = &k->queue[vq];

	if (!q->own && (k->all[coal_dir(vq)].set || !q->told))
		return of_direction(k, coal_dir(vq), out);
	*out = q->own ? q->value : q->device;
	return 0;
}

/* Lets go of the lock until something ended, or a while has passed. */
static void wait_a_while(struct vnic_coalescing *k, struct vnic_ctrl *c)
{
	struct vnic_dev *d = k->dev;
	bool reaped = vnic_thread_runs(d) && !pthread_equal(d->thread, pthread_self());
	uint64_t until = clock_now_ns() + (reaped ? COAL_STEP_MS : 1) * CLOCK_NS_PER_MS;
	struct timespec t = clock_timespec(until);

	pthread_cond_timedwait(&k->cond, &k->lock, &t);
	if (reaped)
		return;
	pthread_mutex_unlock(&k->lock);
	vnic_ctrl_poll(c);
	pthread_mutex_lock(&k->lock);
}

/* For a slot it waits as long as for any answer at the start. */
static int submit_when_room(struct vnic_coalescing *k, struct vnic_ctrl *c, const struct coal_command *m)
{
	uint64_t end = clock_now_ns() + k->dev->args.reply_ms * CLOCK_NS_PER_MS;
	int rc;

	while ((rc = coal_submit(k, c, m)) == -EAGAIN && clock_now_ns() < end) {
		vnic_ctrl_flush(c);
		wait_a_while(k, c);
	}
	return rc;
}

static int finish(struct vnic_coalescing *k, struct vnic_ctrl *c, struct coal_call *call, int rc)
{
	vnic_ctrl_flush(c);
	while (call->pending != 0)
		wait_a_while(k, c);
	return rc != 0 ? rc : call->rc;
}

/* Queues that do not run take the value when they start, as RX_SET and TX_SET would have it. */
static int set_each(struct vnic_coalescing *k, struct vnic_ctrl *c, struct coal_command *m, enum vnic_dir dir)
{
	int rc = 0;

	for (uint16_t i = 0; i < k->n[dir] && rc == 0; i++) {
		m->vq = coal_vq(dir, i);
		if (k->queue[m->vq].open) {
			rc = submit_when_room(k, c, m);
		} else {
			k->queue[m->vq].own = true;
			k->queue[m->vq].value = m->value;
		}
	}
	return rc;
}

static int check(const struct vnic_coalescing *k, enum vnic_dir dir, uint16_t queue)
{
	if (dir != VNIC_RX && dir != VNIC_TX)
		return -EINVAL;
	if (!k->open)
		return -EIO;
	if (queue == VNIC_ALL_QUEUES)
		return k->per_direction || k->per_queue ? 0 : -ENOTSUP;
	if (!k->per_queue)
		return -ENOTSUP;
	if (queue >= k->n[dir])
		return -EINVAL;
	return k->queue[coal_vq(dir, queue)].open ? 0 : -EBUSY;
}

static struct vnic_coalescing *coalescing_of(uint16_t port)
{
	struct vnic_dev *d = vnic_dev_of(port);

	if (d == NULL || (!vnic_has(d, VIRTIO_NET_F_NOTF_COAL) && !vnic_has(d, VIRTIO_NET_F_VQ_NOTF_COAL)))
		return NULL;
	return d->coal;
}

static void enter(struct vnic_coalescing *k)
{
	pthread_mutex_lock(&k->lock);
	k->callers++;
}

static void leave(struct vnic_coalescing *k)
{
	if (--k->callers == 0)
		pthread_cond_broadcast(&k->cond);
	pthread_mutex_unlock(&k->lock);
}

int vnic_coal_set(uint16_t port, enum vnic_dir dir, uint16_t queue, const struct vnic_coal *value)
{
	struct vnic_coalescing *k = coalescing_of(port);
	struct coal_call call = { .pending = 0 };
	struct coal_command m = { .purpose = COAL_SET, .call = &call, .value = *value };
	struct vnic_ctrl *c;
	int rc;

	if (k == NULL)
		return -ENOTSUP;
	c = vnic_ctrl_get(k->dev);
	enter(k);
	rc = c != NULL ? check(k, dir, queue) : -EIO;
	if (rc == 0 && queue == VNIC_ALL_QUEUES && !k->per_direction) {
		rc = set_each(k, c, &m, dir);
	} else if (rc == 0) {
		m.all = queue == VNIC_ALL_QUEUES;
		m.vq = m.all ? (uint16_t)dir : coal_vq(dir, queue);
		rc = submit_when_room(k, c, &m);
	}
	if (c != NULL)
		rc = finish(k, c, &call, rc);
	leave(k);
	if (c != NULL)
		vnic_ctrl_put(c);
	return rc;
}

static int ask_device(struct vnic_coalescing *k, struct vnic_ctrl *c, uint16_t vq, struct vnic_coal *out)
{
	struct coal_call call = { .pending = 0 };
	const struct coal_command m = { .purpose = COAL_ASK, .call = &call, .vq = vq };
	int rc = submit_when_room(k, c, &m);

	rc = finish(k, c, &call, rc);
	if (rc == 0)
		*out = call.got;
	return rc;
}

int vnic_coal_get(uint16_t port, enum vnic_dir dir, uint16_t queue, bool ask, struct vnic_coal *out)
{
	struct vnic_coalescing *k = coalescing_of(port);
	struct vnic_ctrl *c;
	int rc = 0;

	if (k == NULL || (ask && queue == VNIC_ALL_QUEUES))
		return -ENOTSUP;
	if ((dir != VNIC_RX && dir != VNIC_TX) || (queue != VNIC_ALL_QUEUES && queue >= VNIC_MAX_PAIRS))
		return -EINVAL;
	c = vnic_ctrl_get(k->dev);
	enter(k);
	if (ask) {
		rc = c != NULL ? check(k, dir, queue) : -EIO;
		if (rc == 0)
			rc = ask_device(k, c, coal_vq(dir, queue), out);
	} else {
		rc = queue == VNIC_ALL_QUEUES ? of_direction(k, dir, out) : in_force(k, coal_vq(dir, queue), out);
	}
	leave(k);
	if (c != NULL)
		vnic_ctrl_put(c);
	return rc;
}
