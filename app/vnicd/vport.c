/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/vport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_common.h>

#include "app/vnicd/loop.h"
#include "app/vnicd/switch.h"

/* Between two looks at rings whose driver does not tell us of packets. */
#define POLL_NS 100000u

static struct vnicd_vport *
of(struct vnicd_port *p)
{
	return (struct vnicd_vport *)p;
}

/* ---- rings come and go ------------------------------------------------------------ */

/* Drivers refill receive queues often: only a transmit queue's kicks are of use. */
static void
quiet_receive_rings(struct vnicd_vport *v)
{
	for (uint16_t q = 0; q < v->nic.conf.pairs; q++) {
		struct vnicd_ring *r = &v->nic.queue[virtio_rxq_index(q)].ring;

		if (r->running)
			vnicd_ring_want_kick(r, false);
	}
}

static void
schedule_events(struct vnicd_vport *v)
{
	const struct vnicd_config_faults *f = &v->conf->faults;

	for (unsigned i = 0; i < f->n_events; i++) {
		v->event_at[i] = v->ready_ns + UINT64_C(1000000) * f->events[i].after_ms;
		vnicd_loop_at(v->port.sw->loop, v->event_at[i]);
	}
}

/* Rings started, stopped, enabled; the front end came or went. */
static void
rings_changed(void *arg, struct vnicd_backend *b)
{
	struct vnicd_vport *v = arg;
	struct vnicd_nic *nic = &v->nic;
	uint16_t ctrl = vnicd_nic_ctrl_vq(nic);
	bool receives = false;

	v->n_pairs = 0;
	for (uint16_t q = 0; q < nic->conf.pairs; q++) {
		if (nic->queue[virtio_txq_index(q)].ring.running)
			v->pair[v->n_pairs++] = q;
		receives |= nic->queue[virtio_rxq_index(q)].ring.running &&
			    nic->queue[virtio_rxq_index(q)].enabled;
	}
	v->ctrl = ctrl != 0 && nic->queue[ctrl].ring.running;
	if (!v->ctrl)
		vnicd_ctrl_work_drop(v->work);
	quiet_receive_rings(v);
	if (v->port.up != receives)
		VNICD_LOG(INFO, "%s: %s", v->port.name, receives ? "ready" : "not ready");
	if (v->port.up && !receives)
		vnicd_table_forget(&v->port.sw->table, v->port.index);
	v->port.up = receives;
	if (v->ready_ns == 0 && receives) {
		v->ready_ns = vnicd_now();
		/* Until the driver has sent something: packets for it need not be flooded. */
		vnicd_table_learn(&v->port.sw->table, &nic->mac, 0, v->port.index,
				  (uint32_t)(v->ready_ns / 1000000000));
		schedule_events(v);
	} else if (!receives) {
		v->ready_ns = 0;
	}
	/* What waits in a ring that has just been started is not announced again. */
	v->port.touched = true;
}

static void
readable(void *arg, int fd)
{
	struct vnicd_vport *v = arg;

	vnicd_backend_event(v->backend, fd);
}

static int
watch(void *arg, struct vnicd_backend *b, int fd)
{
	struct vnicd_vport *v = arg;

	v->backend = b;
	return vnicd_loop_watch(v->port.sw->loop, fd, readable, v);
}

static void
unwatch(void *arg, struct vnicd_backend *b, int fd)
{
	struct vnicd_vport *v = arg;

	vnicd_loop_unwatch(v->port.sw->loop, fd);
}

/* "I am here now", for a driver that cannot say so itself (RFC 903, as bridges learn it). */
static void
announce(void *arg, struct vnicd_backend *b, const uint8_t mac[6])
{
	struct {
		struct rte_ether_hdr eth;
		struct rte_arp_hdr arp;
		uint8_t pad[18];
	} __attribute__((packed, aligned(2))) p = { 0 };
	struct iovec iov = { .iov_base = &p, .iov_len = sizeof(p) };
	struct vnicd_frame f = { .len = sizeof(p), .n = 1, .iov = &iov };
	struct vnicd_vport *v = arg;

	memset(&p.eth.dst_addr, 0xff, sizeof(p.eth.dst_addr));
	memcpy(&p.eth.src_addr, mac, sizeof(p.eth.src_addr));
	p.eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_RARP);
	p.arp.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER);
	p.arp.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	p.arp.arp_hlen = RTE_ETHER_ADDR_LEN;
	p.arp.arp_plen = sizeof(uint32_t);
	p.arp.arp_opcode = RTE_BE16(RTE_ARP_OP_REVREQUEST);
	memcpy(&p.arp.arp_data.arp_sha, mac, sizeof(p.arp.arp_data.arp_sha));
	memcpy(&p.arp.arp_data.arp_tha, mac, sizeof(p.arp.arp_data.arp_tha));
	vnicd_switch_input(v->port.sw, &v->port, &f);
}

/* Of either direction, or the control queue: after the turn in which it happened (vport_flush()). */
static void
ring_broke(void *arg, struct vnicd_backend *b, uint16_t vq)
{
	struct vnicd_vport *v = arg;

	v->errors++;
	snprintf(v->last_error, sizeof(v->last_error), "%s", vnicd_ring_error_name(v->nic.queue[vq].ring.error));
	VNICD_LOG(WARNING, "%s: queue %u stopped: %s", v->port.name, vq, v->last_error);
	rings_changed(v, b);
}

static const struct vnicd_backend_ops backend_ops = {
	.watch = watch, .unwatch = unwatch, .changed = rings_changed, .broke = ring_broke, .rarp = announce,
};

/* ---- packets ------------------------------------------------------------------------ */

/* Up to a batch of one transmit queue; how many, or -EPROTO. */
static int
take_batch(struct vnicd_vport *v, uint16_t pair)
{
	static struct iovec iov[VNICD_CHAIN_MAX]; /* one thread */
	struct vnicd_frame f;
	uint32_t n = 0;
	int rc = 0;

	v->port.sw->in_queue = pair;
	while (n < v->port.sw->batch && (rc = vnicd_nic_take(&v->nic, pair, &f, iov, RTE_DIM(iov))) > 0) {
		vnicd_port_input(&v->port, &f);
		vnicd_nic_taken(&v->nic, pair);
		n++;
	}
	return rc < 0 ? rc : (int)n;
}

static bool
vport_work(struct vnicd_port *p, uint64_t now)
{
	struct vnicd_vport *v = of(p);
	bool any = false;

	for (unsigned i = 0; i < v->n_pairs; i++) {
		int rc = take_batch(v, v->pair[i]);

		any |= rc != 0; /* stopped: the flush tells */
	}
	if (v->ctrl) {
		any |= vnicd_ctrl_work_run(v->work, now);
		vnicd_loop_at(p->sw->loop, vnicd_ctrl_work_due(v->work));
		p->touched |= !v->nic.queue[vnicd_nic_ctrl_vq(&v->nic)].ring.running; /* stopped, too */
	}
	p->touched |= any;
	return any;
}

static void
vport_output(struct vnicd_port *p, const struct vnicd_frame *f)
{
	(void)vnicd_nic_give(&of(p)->nic, -1, f); /* counts what it drops */
}

/* When a notification that coalescing holds back has to go out; UINT64_MAX: there is none. */
static uint64_t
notification_due(const struct vnicd_vport *v, uint64_t now)
{
	int64_t us = vnicd_nic_due(&v->nic);

	return us < 0 ? UINT64_MAX : now + UINT64_C(1000) * (uint64_t)us;
}

static void
vport_flush(struct vnicd_port *p)
{
	struct vnicd_vport *v = of(p);
	int ms;

	vnicd_nic_flush(&v->nic);
	vnicd_loop_at(p->sw->loop, notification_due(v, vnicd_now()));
	/* Rings that broke while packets were given to them, memory cut short, late replies. */
	ms = vnicd_backend_timer(v->backend, p->sw->now / 1000000);
	if (ms >= 0)
		vnicd_loop_at(p->sw->loop, p->sw->now + UINT64_C(1000000) * (unsigned)ms);
}

/* Kicks of receive rings are wanted only while somebody waits for buffers. */
static bool
arm_receive_rings(struct vnicd_vport *v, bool on)
{
	bool any = false;

	for (unsigned q = 0; q < v->nic.conf.pairs; q++) {
		struct vnicd_ring *r = &v->nic.queue[virtio_rxq_index((uint16_t)q)].ring;

		if (v->wanted[q] == 0)
			continue;
		if (on)
			any |= vnicd_ring_want_kick_at(r, v->wanted[q]);
		else
			vnicd_ring_want_kick(r, false);
		v->wanted[q] = on ? v->wanted[q] : 0;
	}
	v->some = on;
	return any;
}

static bool
vport_arm(struct vnicd_port *p, bool on)
{
	struct vnicd_vport *v = of(p);
	bool any = false;

	for (unsigned i = 0; i < v->n_pairs; i++) {
		struct vnicd_ring *r = &v->nic.queue[virtio_txq_index(v->pair[i])].ring;

		if (r->running)
			any |= vnicd_ring_want_kick(r, on);
	}
	if (unlikely(v->some))
		any |= arm_receive_rings(v, on);
	/* With all hands busy only time brings something to do. */
	if (v->ctrl && (!on || vnicd_ctrl_work_has_room(v->work)))
		any |= vnicd_ring_want_kick(&v->nic.queue[vnicd_nic_ctrl_vq(&v->nic)].ring, on);
	return on && any;
}

int
vnicd_vport_direct_queue(const struct vnicd_vport *v, unsigned uplink_queue)
{
	const struct vnicd_nic *nic = &v->nic;

	if (!v->port.up || v->port.fault.on[VNICD_WAY_OUT] || v->port.stalled_until != 0 || nic->rss)
		return -1;
	return nic->spread > 1 ? (int)(uplink_queue % nic->spread) : 0;
}

bool
vnicd_vport_takes(const struct vnicd_vport *v, const struct vnic_net_hdr *hdr)
{
	uint64_t need;

	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		need = VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4);
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		need = VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6);
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4: /* of either, and which it is has not been looked at */
		need = VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6);
		break;
	default:
		return false;
	}
	if ((hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0)
		need |= VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN);
	return (v->nic.guest_offloads & need) == need;
}

bool
vnicd_vport_has_room(const struct vnicd_vport *v, unsigned queue, uint16_t buffers)
{
	const struct vnicd_ring *r = &v->nic.queue[virtio_rxq_index((uint16_t)queue)].ring;

	return vnicd_ring_has(r, RTE_MIN(buffers, r->conf.size));
}

void
vnicd_vport_wait_for_room(struct vnicd_vport *v, unsigned queue, uint16_t buffers)
{
	const struct vnicd_ring *r = &v->nic.queue[virtio_rxq_index((uint16_t)queue)].ring;

	v->some = true;
	v->wanted[queue] = RTE_MIN(buffers, r->conf.size);
	/* Else it would come back with buffers only when coalescing lets it know that these are full. */
	v->port.touched |= vnicd_nic_hurry(&v->nic, virtio_rxq_index((uint16_t)queue));
}

/* ---- time and faults ------------------------------------------------------------------ */

static uint64_t
run_events(struct vnicd_vport *v, uint64_t now)
{
	const struct vnicd_config_faults *f = &v->conf->faults;
	uint64_t next = UINT64_MAX;
	int rc;

	for (unsigned i = 0; i < f->n_events && v->ready_ns != 0; i++) {
		const struct vnicd_config_event *e = &f->events[i];

		if (v->event_at[i] <= now) {
			v->event_at[i] = e->every_ms != 0 ? now + UINT64_C(1000000) * e->every_ms : UINT64_MAX;
			rc = vnicd_port_fault(&v->port, (enum vnicd_fault_kind)e->kind, e->value, e->queue);
			if (rc < 0)
				VNICD_LOG(WARNING, "%s: event %u: %s", v->port.name, i, strerror(-rc));
		}
		next = RTE_MIN(next, v->event_at[i]);
	}
	return next;
}

static uint64_t
vport_timer(struct vnicd_port *p, uint64_t now)
{
	struct vnicd_vport *v = of(p);
	int ms = vnicd_backend_timer(v->backend, now / 1000000);
	uint64_t next = ms < 0 ? UINT64_MAX : now + UINT64_C(1000000) * (unsigned)RTE_MAX(ms, 1);
	uint64_t told = notification_due(v, now);

	if (vnicd_backend_must_poll(v->backend))
		next = now + POLL_NS;
	if (v->ctrl && !vnicd_port_stalled(p, now))
		next = RTE_MIN(next, vnicd_ctrl_work_due(v->work)); /* work() follows */
	if (told <= now)
		p->touched = true; /* the flush that follows tells the driver, and comes for the others */
	else
		next = RTE_MIN(next, told);
	return RTE_MIN(next, run_events(v, now));
}

int
vnicd_vport_set_control(struct vnicd_vport *v, const struct vnicd_config_control *c)
{
	struct vnicd_ctrl_conf conf = {
		.latency_us = c->latency_us, .jitter_us = c->jitter_us, .concurrency = c->concurrency,
		.any_order = c->any_order != 0,
	};
	int rc = vnicd_ctrl_work_set(v->work, &conf);

	if (rc < 0)
		return rc;
	v->nic.coal_step_us = c->coal_step_us;
	v->nic.stats_hidden = ~c->stats_types;
	v->control = *c;
	return 0;
}

/* ---- life --------------------------------------------------------------------------------- */

static void
vport_destroy(struct vnicd_port *p)
{
	struct vnicd_vport *v = of(p);

	vnicd_backend_close(v->backend);
	vnicd_ctrl_work_destroy(v->work);
	vnicd_nic_fini(&v->nic);
	vnicd_port_fini(p);
	free(v);
}

static const struct vnicd_port_ops vport_ops = {
	.kind = "vhost-user", .work = vport_work, .output = vport_output, .flush = vport_flush, .arm = vport_arm,
	.timer = vport_timer, .misbehave = vnicd_vport_misbehave, .behave = vnicd_vport_behave,
	 .describe = vnicd_vport_describe, .destroy = vport_destroy,
};

struct vnicd_vport *
vnicd_vport_of(struct vnicd_port *p)
{
	return p->ops == &vport_ops ? of(p) : NULL;
}

static struct vnicd_nic_conf
nic_conf(const struct vnicd_config_port *c, unsigned number)
{
	struct vnicd_nic_conf out = {
		.features = vnicd_config_bits(&c->features), .pairs = (uint16_t)c->queues,
		.queue_size = (uint16_t)c->queue_size, .mac = c->mac, .mtu = (uint16_t)c->mtu, .speed = c->speed,
		.no_inflight = !c->features.inflight,
	};

	if (rte_is_zero_ether_addr(&out.mac))
		out.mac = (struct rte_ether_addr){ { 0x02, 0x76, 0x6e, 0, 0, (uint8_t)(number + 1) } };
	return out;
}

int
vnicd_vport_create(struct vnicd_switch *sw, const struct vnicd_config_port *conf, unsigned number)
{
	struct vnicd_nic_conf nc = nic_conf(conf, number);
	struct vnicd_vport *v = calloc(1, sizeof(*v));
	int rc;

	if (v == NULL)
		return -ENOMEM;
	v->conf = conf;
	rc = vnicd_nic_init(&v->nic, &nc);
	if (rc < 0)
		goto free_port;
	rc = vnicd_ctrl_work_create(&v->work, &v->nic, NULL,
				    conf->faults.seed != 0 ? conf->faults.seed : vnicd_now());
	if (rc < 0)
		goto fini_nic;
	rc = vnicd_vport_set_control(v, &conf->control);
	if (rc < 0)
		goto destroy_work;
	v->port.sw = sw;
	rc = vnicd_backend_open(&v->backend, &v->nic, conf->path, conf->server != 0, conf->retry_ms, &backend_ops, v);
	if (rc < 0)
		goto destroy_work;
	rc = vnicd_port_init(&v->port, sw, &vport_ops, conf->name, &conf->faults);
	if (rc < 0)
		goto close_backend;
	vnicd_loop_at(sw->loop, 0);
	return 0;
close_backend:
	vnicd_backend_close(v->backend);
destroy_work:
	vnicd_ctrl_work_destroy(v->work);
fini_nic:
	vnicd_nic_fini(&v->nic);
free_port:
	free(v);
	return rc;
}
