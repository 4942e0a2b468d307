/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings as the front end sets them up: addresses, descriptors, start and stop. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/vnicd/dev/backend_private.h"
#include "app/vnicd/dev/bell.h"

static bool has_feature(const struct vnicd_backend *b, unsigned feature)
{
	return (b->nic->driver_features >> feature) & 1;
}

/* Nothing could be asked of a control queue that is not enabled: it always is. */
static bool is_ctrl(const struct vnicd_backend *b, uint32_t index)
{
	bool many = has_feature(b, VIRTIO_NET_F_MQ) || has_feature(b, VIRTIO_NET_F_RSS);

	return has_feature(b, VIRTIO_NET_F_CTRL_VQ) && index == virtio_ctrlq_index(many ? b->nic->conf.pairs : 1);
}

/* The ring of a message; NULL: refused. */
static struct backend_vring *vring_of(struct vnicd_backend *b, const struct backend_msg *m, uint32_t index)
{
	if (index < vnicd_nic_queues(b->nic))
		return &b->vring[index];
	backend_refuse(b, "%s: ring %u of %u", backend_request_name(m->h.request), index, vnicd_nic_queues(b->nic));
	return NULL;
}

/* The same for those that a running ring must not get. */
static struct backend_vring *stopped_vring_of(struct vnicd_backend *b, const struct backend_msg *m,
					      uint32_t index)
{
	struct backend_vring *v = vring_of(b, m, index);

	if (v == NULL || !v->started)
		return v;
	backend_refuse(b, "%s: ring %u is running", backend_request_name(m->h.request), index);
	return NULL;
}

int backend_vring_num(struct vnicd_backend *b, struct backend_msg *m)
{
	struct backend_vring *v = stopped_vring_of(b, m, m->p.state.index);

	if (v == NULL)
		return -EPROTO;
	if (m->p.state.num == 0 || m->p.state.num > b->nic->conf.queue_size)
		return backend_refuse(b, "SET_VRING_NUM: %u entries, allowed: 1 to %u", m->p.state.num,
				      b->nic->conf.queue_size);
	v->num = m->p.state.num;
	v->has_num = true;
	return 0;
}

int backend_vring_addr(struct vnicd_backend *b, struct backend_msg *m)
{
	struct backend_vring *v = stopped_vring_of(b, m, m->p.addr.index);

	if (v == NULL)
		return -EPROTO;
	if (m->p.addr.flags != 0)
		return backend_refuse(b, "SET_VRING_ADDR: flags %#x", m->p.addr.flags);
	v->addr = m->p.addr;
	v->has_addr = true;
	return 0;
}

int backend_vring_set_base(struct vnicd_backend *b, struct backend_msg *m)
{
	struct backend_vring *v = stopped_vring_of(b, m, m->p.state.index);

	if (v == NULL)
		return -EPROTO;
	v->base = m->p.state.num;
	return 0;
}

/* ---- start and stop ------------------------------------------------------------------ */
static int map(struct vnicd_backend *b, const struct backend_vring *v, struct vnicd_ring_conf *conf)
{
	return vnicd_ring_map(conf, &b->nic->memory, v->addr.desc, v->addr.avail, v->addr.used);
}

static int start(struct vnicd_backend *b, struct backend_vring *v, uint32_t index)
{
	struct vnicd_queue *q = &b->nic->queue[index];
	struct vnicd_ring_conf conf = {
		.size = (uint16_t)v->num,
		.packed = has_feature(b, VIRTIO_F_RING_PACKED),
		.in_order = has_feature(b, VIRTIO_F_IN_ORDER),
		.event_idx = has_feature(b, VIRTIO_F_EVENT_IDX),
		.indirect = has_feature(b, VIRTIO_F_INDIRECT_DESC),
		.read_only = (index & 1) != 0, /* transmit queues; the control queue's number is even */
		.base = (uint16_t)v->base,
		/* Who does not know of the upper half leaves it empty. */
		.used_base = (uint16_t)(v->base >> 16 != 0 ? v->base >> 16 : v->base),
	};

	if (!b->has_features || !v->has_num || !v->has_addr)
		return backend_refuse(b, "SET_VRING_KICK: ring %u: not set up", index);
	if (!conf.packed && v->base > UINT16_MAX)
		return backend_refuse(b, "SET_VRING_KICK: ring %u: base %#x", index, v->base);
	if (map(b, v, &conf) < 0)
		return backend_refuse(b, "SET_VRING_KICK: ring %u: size or addresses", index);
	if (backend_inflight_conf(b, index, &conf) < 0)
		return backend_refuse(b, "SET_VRING_KICK: ring %u: not as SET_INFLIGHT_FD has it", index);
	q->stats.notifications += q->ring.kicks; /* which begin anew */
	if (vnicd_ring_start(&q->ring, &conf, &b->nic->memory) < 0)
		return backend_refuse(b, "SET_VRING_KICK: ring %u: base %#x, or what is under way", index, v->base);
	v->started = true;
	v->recover = false;
	v->error_told = false;
	if (b->enabled_at_start || is_ctrl(b, index))
		q->enabled = true;
	return 0;
}

static void set_polled(struct vnicd_backend *b, struct backend_vring *v, bool on)
{
	b->no_kick += (unsigned)on - (unsigned)v->no_kick;
	v->no_kick = on;
}

static void stop(struct vnicd_backend *b, struct backend_vring *v, uint32_t index)
{
	if (!v->started)
		return;
	v->base = vnicd_ring_stop(&b->nic->queue[index].ring);
	v->started = false;
	set_polled(b, v, false);
	backend_close_watched(b, &v->kick);
}

/* The driver wants it so, and starts anew. */
static void stop_for_good(struct vnicd_backend *b, struct backend_vring *v, uint32_t index)
{
	v->recover = false;
	if (v->started)
		vnicd_ring_forget(&b->nic->queue[index].ring);
	stop(b, v, index);
}

static void set_late(struct vnicd_backend *b, struct backend_vring *v, bool on)
{
	b->n_late += (unsigned)on - (unsigned)v->stop_due;
	v->stop_due = on;
	v->stop_at = 0;
}

int backend_vring_get_base(struct vnicd_backend *b, struct backend_msg *m)
{
	struct backend_vring *v = vring_of(b, m, m->p.state.index);

	if (v == NULL)
		return -EPROTO;
	m->reply_size = 0;
	if (backend_wrong(b, VNICD_BACKEND_RESET_REFUSE)) {
		backend_refuse(b, "GET_VRING_BASE: ring %u: on purpose", m->p.state.index);
		return 0;
	}
	if (backend_wrong(b, VNICD_BACKEND_RESET_LATE)) {
		set_late(b, v, true);
		backend_changed(b); /* the timer has to be asked */
		return BACKEND_NO_REPLY;
	}
	stop_for_good(b, v, m->p.state.index);
	m->p.state.num = v->base;
	m->reply_size = sizeof(m->p.state);
	backend_changed(b);
	return 0;
}

static void stop_late(struct vnicd_backend *b, uint32_t index)
{
	struct backend_msg m = { .h.request = VHOST_USER_GET_VRING_BASE, .p.state.index = index, .reply_fd = -1 };
	struct backend_vring *v = &b->vring[index];

	set_late(b, v, false);
	stop_for_good(b, v, index);
	m.p.state.num = v->base;
	if (backend_reply(b, &m, sizeof(m.p.state)) < 0)
		vnicd_backend_disconnect(b);
	else
		backend_changed(b);
}

int backend_vring_late(struct vnicd_backend *b, uint64_t now_ms)
{
	int64_t next = -1;

	for (uint32_t i = 0; i < BACKEND_VQS; i++) {
		struct backend_vring *v = &b->vring[i];

		if (!v->stop_due)
			continue;
		if (v->stop_at == 0)
			v->stop_at = b->wrong.late_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + b->wrong.late_ms;
		if (v->stop_at <= now_ms)
			stop_late(b, i);
		else if (v->stop_at != UINT64_MAX && (next < 0 || (int64_t)(v->stop_at - now_ms) < next))
			next = (int64_t)(v->stop_at - now_ms);
	}
	return (int)next;
}

/* ---- descriptors --------------------------------------------------------------------- */
/* Only an eventfd never makes us wait, and cannot be anything else of ours. */
static bool is_eventfd(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(want) + 1];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target));
	return n == (ssize_t)sizeof(want) - 1 && memcmp(target, want, sizeof(want) - 1) == 0;
}

/* The ring and the descriptor (-1: none) of KICK, CALL, ERR; the descriptor is the caller's then. */
static struct backend_vring *vring_and_fd(struct vnicd_backend *b, struct backend_msg *m, int *fd)
{
	bool none = (m->p.u64 & VHOST_USER_VRING_NOFD) != 0;
	const char *name = backend_request_name(m->h.request);
	struct backend_vring *v;
	int flags;

	if ((m->p.u64 & ~(uint64_t)(VHOST_USER_VRING_INDEX | VHOST_USER_VRING_NOFD)) != 0 ||
	    m->n_fds != (none ? 0u : 1u)) {
		backend_refuse(b, "%s: %#lx with %u descriptors", name, (unsigned long)m->p.u64, m->n_fds);
		return NULL;
	}
	v = vring_of(b, m, m->p.u64 & VHOST_USER_VRING_INDEX);
	*fd = -1;
	if (v == NULL || none)
		return v;
	flags = is_eventfd(m->fd[0]) ? fcntl(m->fd[0], F_GETFL) : -1;
	if (flags < 0 || fcntl(m->fd[0], F_SETFL, flags | O_NONBLOCK) < 0) {
		backend_refuse(b, "%s: no eventfd", name);
		return NULL;
	}
	*fd = m->fd[0];
	m->n_fds = 0;
	return v;
}

int backend_vring_kick(struct vnicd_backend *b, struct backend_msg *m)
{
	uint32_t index = m->p.u64 & VHOST_USER_VRING_INDEX;
	struct backend_vring *v;
	int fd, rc = 0;

	v = vring_and_fd(b, m, &fd);
	if (v == NULL)
		return -EPROTO;
	if (!v->started)
		rc = start(b, v, index);
	if (rc == 0 && fd >= 0 && b->ops->watch(b->arg, b, fd) < 0) {
		stop(b, v, index);
		rc = backend_refuse(b, "SET_VRING_KICK: ring %u: descriptor cannot be watched", index);
	}
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	backend_close_watched(b, &v->kick);
	v->kick = fd;
	set_polled(b, v, fd < 0);
	backend_changed(b);
	return 0;
}

static int replace(struct vnicd_backend *b, struct backend_msg *m, size_t member)
{
	struct backend_vring *v;
	int fd, *to;

	v = vring_and_fd(b, m, &fd);
	if (v == NULL)
		return -EPROTO;
	to = (int *)((uint8_t *)v + member);
	if (*to >= 0)
		close(*to);
	*to = fd;
	return 0;
}

int backend_vring_call(struct vnicd_backend *b, struct backend_msg *m)
{
	return replace(b, m, offsetof(struct backend_vring, call));
}

int backend_vring_err(struct vnicd_backend *b, struct backend_msg *m)
{
	return replace(b, m, offsetof(struct backend_vring, err));
}

int backend_vring_enable(struct vnicd_backend *b, struct backend_msg *m)
{
	struct backend_vring *v = vring_of(b, m, m->p.state.index);

	if (v == NULL)
		return -EPROTO;
	if (m->p.state.num > 1)
		return backend_refuse(b, "SET_VRING_ENABLE: %u", m->p.state.num);
	if (backend_wrong(b, VNICD_BACKEND_ENABLE_IGNORE))
		return 0;
	b->nic->queue[m->p.state.index].enabled = m->p.state.num != 0;
	backend_changed(b);
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------- */
bool backend_vring_running(const struct vnicd_backend *b)
{
	for (unsigned i = 0; i < BACKEND_VQS; i++)
		if (b->vring[i].started)
			return true;
	return false;
}

void backend_vring_remap(struct vnicd_backend *b)
{
	for (unsigned i = 0; i < BACKEND_VQS; i++) {
		struct vnicd_ring *r = &b->nic->queue[i].ring;
		struct vnicd_ring_conf conf = r->conf;

		if (!b->vring[i].started || !r->running)
			continue;
		if (map(b, &b->vring[i], &conf) == 0) {
			r->conf = conf;
			continue;
		}
		r->running = false;
		r->error = VNICD_RING_ERROR_ADDRESS;
	}
}

void backend_vring_stop_all(struct vnicd_backend *b, bool for_good)
{
	for (unsigned i = 0; i < BACKEND_VQS; i++) {
		set_late(b, &b->vring[i], false);
		if (for_good)
			stop_for_good(b, &b->vring[i], i);
		stop(b, &b->vring[i], i);
		b->nic->queue[i].enabled = false;
	}
}

void backend_vring_init(struct vnicd_backend *b)
{
	for (unsigned i = 0; i < BACKEND_VQS; i++)
		b->vring[i] = (struct backend_vring){ .kick = -1, .call = -1, .err = -1 };
	b->no_kick = b->n_late = 0;
}

void backend_vring_forget(struct vnicd_backend *b)
{
	for (unsigned i = 0; i < BACKEND_VQS; i++) {
		struct backend_vring *v = &b->vring[i];

		backend_close_watched(b, &v->kick);
		if (v->call >= 0)
			close(v->call);
		if (v->err >= 0)
			close(v->err);
	}
	backend_vring_init(b);
}

bool backend_vring_kicked(struct vnicd_backend *b, int fd)
{
	for (unsigned i = 0; i < BACKEND_VQS; i++) {
		if (b->vring[i].kick != fd)
			continue;
		if (vnicd_bell_answer(fd) == 0)
			b->nic->queue[i].ring.kicks++;
		else
			b->stuck = true;
		return true;
	}
	return false;
}

void backend_vring_errors(struct vnicd_backend *b)
{
	/* After each round of work: no further than there can be rings. */
	for (unsigned i = 0; i < 2u * b->nic->conf.pairs + 1; i++) {
		struct backend_vring *v = &b->vring[i];
		const struct vnicd_ring *r = &b->nic->queue[i].ring;

		if (!v->started || v->error_told || r->error == VNICD_RING_ERROR_NONE)
			continue;
		v->error_told = true;
		backend_refuse(b, "ring %u: %s", i, vnicd_ring_error_name(r->error));
		if (b->ops->broke != NULL)
			b->ops->broke(b->arg, b, (uint16_t)i);
		if (v->err >= 0 && vnicd_bell_ring(v->err) < 0)
			b->stuck = true;
	}
}

void backend_vring_interrupt(struct vnicd_nic *nic, uint16_t vq)
{
	struct vnicd_backend *b = nic->owner;

	if (b != NULL && vq < BACKEND_VQS && b->vring[vq].call >= 0 && !b->stuck &&
	    vnicd_bell_ring(b->vring[vq].call) < 0)
		b->stuck = true;
}
