/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's control thread. It never waits for vnic_dev.lock: who holds it may be waiting
 * for an answer on the control queue, which this thread has to fetch, or for a back end
 * whose death this thread has to notice.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_bitops.h>
#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/dev.h"
#include "pmd/virtio/devstats.h"
#include "pmd/virtio/recover.h"

#define BUSY_MS   10 /* until vnic_dev.lock is tried again */
#define URGENT_MS 1  /* when the program has to be told that its device broke */

void vnic_thread_wake(struct vnic_dev *d)
{
	uint64_t one = 1;

	if (d->wake_fd >= 0 && write(d->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: awake already */
}

static void drain(int fd)
{
	uint64_t count;

	/* An eventfd gives its whole count at once. */
	if (fd >= 0 && read(fd, &count, sizeof(count)) < 0)
		return;
}

/* A queue has stopped itself: say which, and tell the program. */
static void report_faults(struct vnic_dev *d)
{
	d->fault_seen = false;
	for (uint16_t i = 0; d->rxq != NULL && i < d->eth->data->nb_rx_queues; i++)
		if (d->rxq[i] != NULL && d->rxq[i]->vq.fault != VNIC_FAULT_NONE)
			VNIC_LOG(ERR, d, "receive queue %u stopped: %s", i, vnic_fault_name(d->rxq[i]->vq.fault));
	for (uint16_t i = 0; d->txq != NULL && i < d->eth->data->nb_tx_queues; i++)
		if (d->txq[i] != NULL && d->txq[i]->vq.fault != VNIC_FAULT_NONE)
			VNIC_LOG(ERR, d, "transmit queue %u stopped: %s", i, vnic_fault_name(d->txq[i]->vq.fault));
	rte_eth_dev_callback_process(d->eth, RTE_ETH_EVENT_QUEUE_STATE, NULL);
}

/* The ring of a queue; NULL: none that runs. */
static struct vnic_vq *ring_of(struct vnic_dev *d, unsigned index)
{
	const struct rte_eth_dev_data *data = d->eth->data;
	unsigned q = index / 2;

	if (index % 2 == 0)
		return d->rxq != NULL && q < data->nb_rx_queues && d->rxq[q] != NULL ? &d->rxq[q]->vq : NULL;
	return d->txq != NULL && q < data->nb_tx_queues && d->txq[q] != NULL ? &d->txq[q]->vq : NULL;
}

/* The device has found a ring of ours wrong and moves nothing on it any more: as if it had broken the
 * rules there. Its lcore may be inside of a burst: that one ends as ever. */
static void ring_errors(struct vnic_dev *d)
{
	for (unsigned w = 0; w < RTE_DIM(d->ring_errors); w++) {
		uint64_t bits = __atomic_exchange_n(&d->ring_errors[w], 0, __ATOMIC_RELAXED);

		for (; bits != 0; bits &= bits - 1) {
			unsigned index = 64 * w + (unsigned)rte_bsf64(bits);
			struct vnic_vq *vq = ring_of(d, index);

			if (d->ctrl != NULL && vnic_ctrl_vq(d->ctrl)->index == index)
				vnic_device_break(d, "the device has stopped the control queue");
			else if (vq != NULL && vq->live)
				vnic_vq_fault(vq, VNIC_FAULT_DEVICE);
		}
	}
}

static void gone(struct vnic_dev *d)
{
	if (d->transport_flags & VNIC_TRANSPORT_RECONNECT)
		vnic_recover_lost(d);
	else
		vnic_device_removed(d);
}

static void configuration_changed(struct vnic_dev *d)
{
	uint8_t status = 0;
	int rc;

	d->config_changed = false;
	if (d->state != VNIC_RUNNING)
		return;
	rc = d->ops->get_status(d, &status);
	if (rc == -ENODEV || status == UINT8_MAX)
		gone(d);
	else if (rc == 0 && (status & VIRTIO_STATUS_NEEDS_RESET))
		vnic_device_break(d, "the device needs a reset");
	else if (vnic_config_link(d))
		vnic_link_publish(d);
}

/* Holding the lock. Milliseconds until something is due, -1: nothing. */
static int step_locked(struct vnic_dev *d)
{
	const char *why = NULL;

	if (d->state != VNIC_LOST && d->state != VNIC_REMOVED && d->ops->event != NULL && d->ops->event(d) == -ENODEV)
		gone(d);
	if (d->state == VNIC_RUNNING)
		ring_errors(d);
	if (d->fault_seen)
		report_faults(d);
	if (d->config_changed)
		configuration_changed(d);
	if (d->ctrl != NULL && d->state == VNIC_RUNNING)
		why = vnic_ctrl_broken(d->ctrl);
	if (why != NULL)
		vnic_device_ctrl_broken(d, why);
	if (d->state != VNIC_LOST)
		return -1;
	/* Who asked the device that is gone has to go before another takes its place. */
	return d->asking > 0 ? URGENT_MS : vnic_recover_step(d);
}

/* The transport's descriptor, -1: none, or nobody listens to it now. */
static int event_fd(struct vnic_dev *d, bool deaf)
{
	return deaf || d->ops->event_fd == NULL ? -1 : d->ops->event_fd(d);
}

/* Another thread holds the lock. It may be in a call that ends only when we
 * see that the back end has died; or it lets go of the transport just now. Returns the
 * descriptor to wait for. */
static int step_busy(struct vnic_dev *d, struct vnic_ctrl *c)
{
	bool dead;
	int fd;

	if (__atomic_load_n(&d->state, __ATOMIC_RELAXED) == VNIC_LOST)
		return -1; /* what knocks has to wait */
	if (pthread_mutex_trylock(&d->closing) != 0)
		return -1;
	dead = (d->transport_flags & VNIC_TRANSPORT_RECONNECT) && d->ops->event != NULL &&
	       d->ops->event(d) == -ENODEV;
	fd = event_fd(d, dead);
	pthread_mutex_unlock(&d->closing);
	if (dead && c != NULL)
		vnic_ctrl_break(c);
	return fd;
}

static int sooner(int a, int64_t b)
{
	return b < 0 ? a : a < 0 || b < a ? (int)b : a;
}

static void wait_for(struct vnic_dev *d, struct vnic_ctrl *c, int transport, int ms)
{
	struct pollfd p[3] = {
		{ .fd = d->wake_fd, .events = POLLIN },
		{ .fd = transport, .events = POLLIN },
		{ .fd = c != NULL ? vnic_ctrl_vq(c)->call_fd : -1, .events = POLLIN },
	};

	poll(p, 3, ms);
	if (p[0].revents & POLLIN)
		drain(d->wake_fd);
	if (p[2].revents & POLLIN)
		drain(p[2].fd);
}

static bool told_to_stop(const struct vnic_dev *d)
{
	return __atomic_load_n(&d->thread_stop, __ATOMIC_ACQUIRE);
}

static void loop(struct vnic_dev *d)
{
	while (!told_to_stop(d)) {
		struct vnic_ctrl *c = vnic_ctrl_get(d);
		int transport, ms;

		if (c != NULL)
			vnic_ctrl_poll(c);
		vnic_coal_send(d);
		vnic_devstats_poll(d);
		if (pthread_mutex_trylock(&d->lock) == 0) {
			ms = step_locked(d);
			/* What a lost one has to say would be said again and again. */
			transport = event_fd(d, vnic_recover_deaf(d) || d->state == VNIC_REMOVED);
			pthread_mutex_unlock(&d->lock);
		} else {
			transport = step_busy(d, c);
			ms = c != NULL && vnic_ctrl_untold(c) ? URGENT_MS : BUSY_MS;
		}
		if (c != NULL)
			ms = sooner(ms, vnic_ctrl_next(c));
		ms = sooner(ms, vnic_coal_next(d));
		ms = sooner(ms, vnic_devstats_next(d));
		if (!told_to_stop(d))
			wait_for(d, c, transport, ms);
		if (c != NULL)
			vnic_ctrl_put(c);
	}
}

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
static uint32_t run(void *arg)
{
	loop(arg);
	return 0;
}

static int create(struct vnic_dev *d, const char *name)
{
	rte_thread_t id;
	int rc = rte_thread_create_internal_control(&id, name, run, d);

	d->thread = (pthread_t)id.opaque_id;
	return rc > 0 ? -rc : rc;
}
#else
static void *run(void *arg)
{
	loop(arg);
	return NULL;
}

static int create(struct vnic_dev *d, const char *name)
{
	return rte_ctrl_thread_create(&d->thread, name, NULL, run, d);
}
#endif

int vnic_thread_start(struct vnic_dev *d)
{
	char name[16];
	int rc;

	if (vnic_thread_runs(d))
		return 0;
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake_fd < 0)
		return -errno;
	snprintf(name, sizeof(name), "vnic-%u", d->eth->data->port_id);
	d->thread_stop = false;
	rc = create(d, name);
	if (rc != 0) {
		VNIC_LOG(ERR, d, "no control thread: %s", strerror(-rc));
		close(d->wake_fd);
		d->wake_fd = -1;
		return rc;
	}
	__atomic_store_n(&d->thread_runs, true, __ATOMIC_RELAXED);
	return 0;
}

/* Not with vnic_dev.lock held: the thread may be at something that takes it. */
void vnic_thread_stop(struct vnic_dev *d)
{
	int fd = d->wake_fd;

	if (!vnic_thread_runs(d))
		return;
	__atomic_store_n(&d->thread_stop, true, __ATOMIC_RELEASE);
	vnic_thread_wake(d);
	pthread_join(d->thread, NULL);
	__atomic_store_n(&d->thread_runs, false, __ATOMIC_RELAXED);
	d->wake_fd = -1;
	close(fd);
}
