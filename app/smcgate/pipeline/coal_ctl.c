/* SPDX-License-Identifier: BSD-3-Clause */
/* Coalescing of a port's queues and its control queue, asked for by people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

#define QUEUES_MAX (2 * CONFIG_MAX_QUEUES)

int port_find(struct pipeline *pl, unsigned port, bool busy, struct port **p, uint16_t *id, bool *started)
{
	int rc = 0;

	if (port >= pl->n_ports)
		return -ENODEV;
	*p = &pl->ports[port];
	pipeline_lock(pl);
	*id = (*p)->id;
	if (started != NULL)
		*started = (*p)->seen.state == PORT_STARTED;
	if ((*p)->seen.state == PORT_CLOSED)
		rc = -ENODEV;
	else if ((*p)->changing && !busy)
		rc = -EAGAIN;
	pipeline_unlock(pl);
	return rc;
}

int port_call(struct pipeline *pl, struct port *p, enum device_claim kind, const char *what, device_fn fn, void *arg,
	      size_t len)
{
	char doing[DEVICE_DOING_LEN];
	int rc;

	snprintf(doing, sizeof(doing), "port %u %s", p->index, what);
	rc = device_claim(pl, &p->slot, kind, doing);
	if (rc < 0)
		return rc;
	rc = device_call(pl, &p->slot, fn, arg, len);
	device_release(pl, &p->slot);
	return rc;
}

/* ---- setting -------------------------------------------------------------------------- */
struct set_call {
	uint16_t id, queue;
	enum vnic_dir dir;
	struct vnic_coal coal;
};

static int device_set(void *arg)
{
	const struct set_call *c = arg;

	return vnic_coal_set(c->id, c->dir, c->queue, &c->coal);
}

int pipeline_coal_set(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue,
		      const struct vnic_coal *coal)
{
	struct set_call c = { .queue = queue, .dir = dir, .coal = *coal };
	struct port *p;
	bool started;
	int rc = port_find(pl, port, false, &p, &c.id, &started);

	if (rc < 0)
		return rc;
	if (queue != VNIC_ALL_QUEUES && queue >= (dir == VNIC_RX ? p->n_rxq : p->n_txq))
		return -EINVAL;
	if (!started)
		return vnic_port(c.id) ? -ENETDOWN : -ENOTSUP;
	return vnic_port(c.id) ? port_call(pl, p, CLAIM_CHANGE, "coalesce", device_set, &c, sizeof(c)) : -ENOTSUP;
}

/* ---- looking ---------------------------------------------------------------------------- */
struct ask_call {
	uint16_t id;
	unsigned n;
	struct pipeline_coal_info q[QUEUES_MAX];
};

/* A device that does not answer is asked once. */
static int device_ask(void *arg)
{
	struct ask_call *c = arg;
	int rc = 0;

	for (unsigned i = 0; i < c->n; i++) {
		if (rc == 0 || rc == -EREMOTEIO)
			rc = vnic_coal_get(c->id, c->q[i].dir, c->q[i].queue, true, &c->q[i].device);
		c->q[i].device_rc = rc;
	}
	return 0;
}

static void add_queues(struct ask_call *c, enum vnic_dir dir, uint16_t n, unsigned max)
{
	for (uint16_t q = 0; q < n && c->n < max && c->n < QUEUES_MAX; q++) {
		struct pipeline_coal_info *info = &c->q[c->n++];

		*info = (struct pipeline_coal_info){ .dir = dir, .queue = q, .device_rc = -ENOTSUP };
		info->known_rc = vnic_port(c->id) ? vnic_coal_get(c->id, dir, q, false, &info->known) : -ENOTSUP;
	}
}

int pipeline_coal_list(struct pipeline *pl, unsigned port, struct pipeline_coal_info *out, unsigned max)
{
	struct ask_call c = { 0 };
	struct port *p;
	int rc = port_find(pl, port, false, &p, &c.id, NULL);

	if (rc < 0)
		return rc;
	add_queues(&c, VNIC_RX, p->n_rxq, max);
	add_queues(&c, VNIC_TX, p->n_txq, max);
	if (c.n != 0 && c.q[0].known_rc != -ENOTSUP) {
		rc = port_call(pl, p, CLAIM_LOOK, "show coalesce", device_ask, &c, sizeof(c));
		for (unsigned i = 0; i < c.n && rc < 0; i++)
			c.q[i].device_rc = rc;
	}
	memcpy(out, c.q, c.n * sizeof(out[0]));
	return (int)c.n;
}

/* ---- the control queue -------------------------------------------------------------------- */
/* What does not wait for the device: with the lock, under which nobody closes it. */
static int with_port(struct pipeline *pl, unsigned port, int (*fn)(uint16_t id, void *arg), void *arg)
{
	struct port *p;
	uint16_t id;
	int rc;

	pipeline_lock(pl);
	rc = port_find(pl, port, true, &p, &id, NULL);
	if (rc == 0)
		rc = fn(id, arg);
	pipeline_unlock(pl);
	return rc;
}

static int ctrl_info(uint16_t id, void *arg)
{
	return vnic_ctrl_info(id, arg);
}

static int ctrl_timeout(uint16_t id, void *arg)
{
	return vnic_ctrl_timeout(id, *(const uint64_t *)arg);
}

int pipeline_ctrl_info(struct pipeline *pl, unsigned port, struct vnic_ctrl_info *out)
{
	return with_port(pl, port, ctrl_info, out);
}

int pipeline_ctrl_timeout(struct pipeline *pl, unsigned port, uint64_t ms)
{
	return with_port(pl, port, ctrl_timeout, &ms);
}
