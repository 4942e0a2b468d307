/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pmd/virtio/vhost.h"
#include "pmd/virtio/vq.h"

#define PACKED_BASE      0x8000u     /* position 0, wrap counter 1 */
#define PACKED_BASE_BOTH 0x80008000u /* the used position with it, where the back end reads it */

static void ring_doorbell(struct vnic_vq *vq)
{
	uint64_t one = 1;

	/* A full counter (EAGAIN) is a doorbell not yet heard: as good. */
	if (unlikely(write((int)vq->notify_data, &one, sizeof(one)) < 0 && errno != EAGAIN))
		vnic_vq_fault(vq, VNIC_FAULT_NOTIFY);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int new_event(int *fd)
{
	close_fd(fd);
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd >= 0 ? 0 : -errno;
}

/* The back end holds the same eventfd: only taking it out by hand ends its part in our set. */
static void close_err(struct vnic_vhost *v, struct vnic_vhost_ring *r)
{
	if (r->err >= 0)
		epoll_ctl(v->epoll, EPOLL_CTL_DEL, r->err, NULL);
	close_fd(&r->err);
}

static int new_err(struct vnic_vhost *v, struct vnic_vhost_ring *r)
{
	struct epoll_event e = { .events = EPOLLIN };

	close_err(v, r);
	if (new_event(&r->err) < 0 || epoll_ctl(v->epoll, EPOLL_CTL_ADD, r->err, &e) < 0)
		return -errno;
	return 0;
}

/* ---- requests about one ring -------------------------------------------------------------- */

struct together {
	unsigned n;
	struct vnic_vhost_request r[VNIC_VHOST_TOGETHER];
};

static struct vnic_vhost_request *add(struct together *t, uint32_t request, uint32_t len)
{
	struct vnic_vhost_request *r = &t->r[t->n++];

	memset(r, 0, sizeof(*r));
	r->request = request;
	r->len = len;
	r->fd = -1;
	return r;
}

static struct vnic_vhost_request *add_fd(struct together *t, uint32_t request, uint16_t index, int fd)
{
	struct vnic_vhost_request *r = add(t, request, sizeof(r->p.u64));

	r->p.u64 = index;
	r->fd = fd;
	return r;
}

static void add_state(struct together *t, uint32_t request, uint16_t index, uint32_t num)
{
	struct vnic_vhost_request *r = add(t, request, sizeof(r->p.state));

	r->p.state.index = index;
	r->p.state.num = num;
}

static void add_addresses(struct together *t, const struct vnic_vq *vq)
{
	struct vnic_vhost_request *r = add(t, VHOST_USER_SET_VRING_ADDR, sizeof(r->p.addr));
	uint64_t base = (uintptr_t)vq->ring.va;

	r->p.addr = (struct vhost_user_vring_addr){ .index = vq->index, .desc = base, .avail = base + vq->driver_off,
						    .used = base + vq->device_off };
}

static int send_together(struct vnic_vhost *v, struct together *t)
{
	int rc = vnic_vhost_set_many(v, t->r, t->n);

	t->n = 0;
	return rc;
}

/* The back end keeps there what it has taken; we start rings anew after a
 * loss, so that we never look into it. One piece for all rings, before the first. */
static bool inflight_due(const struct vnic_vhost *v)
{
	return vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD) && v->inflight < 0;
}

static int set_inflight(struct vnic_vhost *v, const struct vnic_vq *vq)
{
	union vhost_user_payload p = { .inflight = { .num_queues = (uint16_t)(2 * v->pairs + 1),
						     .queue_size = RTE_MAX(vq->size, (uint16_t)1024) } };
	uint32_t len = sizeof(p.inflight);
	uint16_t size = p.inflight.queue_size;
	int rc;

	if (!vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD))
		return 0;
	if (v->inflight >= 0)
		return vq->size <= v->inflight_size ? 0 : -EINVAL;
	rc = vnic_vhost_get(v, VHOST_USER_GET_INFLIGHT_FD, &p, &len, len, len, &v->inflight);
	if (rc == 0 && (v->inflight < 0 || p.inflight.mmap_size == 0)) {
		VNIC_LOG(ERR, v->dev, "GET_INFLIGHT_FD: no memory in the answer: connection dropped");
		vnic_vhost_drop(v);
		rc = -EPROTO;
	}
	if (rc == 0)
		rc = vnic_vhost_set(v, VHOST_USER_SET_INFLIGHT_FD, &p, sizeof(p.inflight), &v->inflight, 1);
	if (rc == 0)
		v->inflight_size = size;
	else
		close_fd(&v->inflight);
	return rc;
}

/* SET_VRING_CALL makes the ring in DPDK's back end, SET_VRING_KICK starts it: first and last. The rest goes at once,
 * and is started only when all of it was taken: a ring of another size than the back end thinks lies in memory
 * that is not its own. */
static int announce(struct vnic_vhost *v, const struct vnic_vq *vq, struct vnic_vhost_ring *r)
{
	bool both = vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ);
	uint32_t base = !vq->is_packed ? 0 : both ? PACKED_BASE_BOTH : PACKED_BASE;
	struct together t = { .n = 0 };
	int rc = 0;

	add_fd(&t, VHOST_USER_SET_VRING_CALL, vq->index, r->call);
	if (inflight_due(v))
		rc = send_together(v, &t);
	if (rc == 0)
		rc = set_inflight(v, vq);
	if (rc != 0)
		return rc;
	add_state(&t, VHOST_USER_SET_VRING_NUM, vq->index, vq->size);
	add_state(&t, VHOST_USER_SET_VRING_BASE, vq->index, base);
	add_addresses(&t, vq);
	/* A back end that has no use for it may refuse. */
	add_fd(&t, VHOST_USER_SET_VRING_ERR, vq->index, r->err)->may_refuse = true;
	rc = send_together(v, &t);
	if (rc != 0)
		return rc;
	r->kick_due = v->has_protocol;
	if (r->kick_due)
		return 0;
	add_fd(&t, VHOST_USER_SET_VRING_KICK, vq->index, r->kick);
	return send_together(v, &t);
}

/* Memory may have come since the table was sent: a ring made at run time. */
static int ring_shared(struct vnic_dev *dev, const struct vnic_vq *vq)
{
	struct vnic_vhost *v = dev->transport;
	int rc;

	if (v->shared && vnic_vhost_table_has(&v->table, (uintptr_t)vq->ring.va, vq->ring.len))
		return 0;
	rc = vnic_vhost_share_memory(dev);
	if (rc != 0 || vnic_vhost_table_has(&v->table, (uintptr_t)vq->ring.va, vq->ring.len))
		return rc;
	VNIC_LOG(ERR, dev, "ring %u lies in memory that is not shared", vq->index);
	return -EFAULT;
}

int vnic_vhost_queue_setup(struct vnic_dev *dev, struct vnic_vq *vq)
{
	struct vnic_vhost *v = dev->transport;
	struct vnic_vhost_ring *r;
	int rc;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (vq->index >= VNIC_VHOST_RINGS)
		return -EINVAL;
	r = &v->ring[vq->index];
	rc = ring_shared(dev, vq);
	if (rc == 0)
		rc = new_event(&r->kick);
	if (rc == 0 && r->call < 0)
		rc = new_event(&r->call);
	if (rc == 0)
		rc = new_err(v, r);
	if (rc != 0)
		return rc;
	vq->kick_fd = r->kick;
	vq->call_fd = r->call;
	vq->notify = ring_doorbell;
	vq->notify_data = (uintptr_t)r->kick;
	rc = announce(v, vq, r);
	r->live = rc == 0;
	return rc;
}

int vnic_vhost_queue_enable(struct vnic_dev *dev, struct vnic_vq *vq, bool on)
{
	struct vnic_vhost *v = dev->transport;
	struct together t = { .n = 0 };
	struct vnic_vhost_ring *r;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (!v->has_protocol)
		return on ? 0 : -ENOTSUP; /* rings are enabled from the start */
	if (vq->index >= VNIC_VHOST_RINGS)
		return -EINVAL;
	r = &v->ring[vq->index];
	if (r->kick_due && on)
		add_fd(&t, VHOST_USER_SET_VRING_KICK, vq->index, r->kick);
	r->kick_due &= !on;
	add_state(&t, VHOST_USER_SET_VRING_ENABLE, vq->index, on);
	return send_together(v, &t);
}

int vnic_vhost_queue_pause(struct vnic_dev *dev, struct vnic_vq *vq)
{
	struct vnic_vhost *v = dev->transport;
	struct together t = { .n = 0 };

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (!v->has_protocol)
		return -ENOTSUP;
	add_state(&t, VHOST_USER_SET_VRING_ENABLE, vq->index, 0);
	add_state(&t, VHOST_USER_SET_VRING_ENABLE, vq->index, 1);
	return send_together(v, &t);
}

/* The answer says that the back end has done with the ring. */
static int stop_ring(struct vnic_vhost *v, uint16_t index)
{
	union vhost_user_payload p = { .state = { .index = index } };
	uint32_t len = sizeof(p.state);
	int rc = vnic_vhost_get(v, VHOST_USER_GET_VRING_BASE, &p, &len, 0, len, NULL);

	if (rc == 0 && len == 0)
		return -EREMOTEIO; /* refused (doc/vhost-user-extension.md): the ring runs on */
	if (rc == 0 && (len != sizeof(p.state) || p.state.index != index)) {
		VNIC_LOG(ERR, v->dev, "GET_VRING_BASE of ring %u answered for ring %u: connection dropped", index,
			 p.state.index);
		vnic_vhost_drop(v);
		rc = -EPROTO;
	}
	if (rc == 0)
		v->ring[index].live = false;
	return rc;
}

int vnic_vhost_queue_reset(struct vnic_dev *dev, struct vnic_vq *vq)
{
	struct vnic_vhost *v = dev->transport;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (!vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ))
		return -ENOTSUP; /* DPDK's back end would stop the whole device */
	return vq->index < VNIC_VHOST_RINGS && v->ring[vq->index].live ? stop_ring(v, vq->index) : -EINVAL;
}

int vnic_vhost_queue_fd(struct vnic_dev *dev, uint16_t index)
{
	struct vnic_vhost *v = dev->transport;

	if (v == NULL || index >= VNIC_VHOST_RINGS)
		return -1;
	/* Programs ask before the queue is set up, and keep what they got. */
	if (v->ring[index].call < 0)
		new_event(&v->ring[index].call);
	return v->ring[index].call;
}

/* Ring 0 first: DPDK's back end takes the device down with it, once, and
 * would bounce it for every other one. */
int vnic_vhost_rings_stop(struct vnic_vhost *v)
{
	int rc = 0;

	for (uint16_t i = 0; i < VNIC_VHOST_RINGS && rc == 0; i++)
		if (v->ring[i].live)
			rc = stop_ring(v, i);
	return rc;
}

void vnic_vhost_rings_kick(struct vnic_vhost *v)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < VNIC_VHOST_RINGS; i++)
		if (v->ring[i].live && write(v->ring[i].kick, &one, sizeof(one)) < 0)
			VNIC_LOG(DEBUG, v->dev, "ring %u: the first doorbell: %s", i, strerror(errno));
}

void vnic_vhost_rings_errors(struct vnic_vhost *v)
{
	uint64_t count;

	for (unsigned i = 0; i < VNIC_VHOST_RINGS; i++)
		if (v->ring[i].err >= 0 && read(v->ring[i].err, &count, sizeof(count)) > 0 && v->ring[i].live)
			__atomic_fetch_or(&v->dev->ring_errors[i / 64], UINT64_C(1) << (i % 64), __ATOMIC_RELAXED);
}

void vnic_vhost_rings_forget(struct vnic_vhost *v)
{
	for (unsigned i = 0; i < VNIC_VHOST_RINGS; i++)
		v->ring[i].live = false;
	close_fd(&v->inflight);
}

void vnic_vhost_rings_close(struct vnic_vhost *v)
{
	vnic_vhost_rings_forget(v);
	for (unsigned i = 0; i < VNIC_VHOST_RINGS; i++) {
		close_fd(&v->ring[i].kick);
		close_fd(&v->ring[i].call);
		close_err(v, &v->ring[i]);
	}
}
