/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/loop.h"
#include "app/vnicd/switch.h"
#include "app/vnicd/tap_open.h"
#include "app/vnicd/vport.h"

/* Behind the largest packet a kernel sends: 64 KiB, Ethernet, two tags. */
#define STAGE_LEN 68000u
/* A reservation for a large packet, and what makes one. */
#define LARGE_LEN  65562u
#define LARGE_FROM 2048u
#define LARGE_STAYS 16u   /* so many small ones, as many go between segments the other way */
#define PIECES     1000u /* with header and stage below the kernel's 1024 */

static uint8_t stage[STAGE_LEN]; /* one thread */

static struct vnicd_tap *
of(struct vnicd_port *p)
{
	return (struct vnicd_tap *)p;
}

/* ---- to the kernel -------------------------------------------------------------------- */

/* Only marks the kernel may see: nobody but us has looked at a checksum marked as valid. */
static struct vnic_net_hdr
kernel_header(const struct vnic_net_hdr *h)
{
	struct vnic_net_hdr out = {
		.flags = h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = h->gso_type,
		.hdr_len = rte_cpu_to_le_16(h->hdr_len),
		.gso_size = rte_cpu_to_le_16(h->gso_size),
	};

	if (out.flags != 0) {
		out.csum_start = rte_cpu_to_le_16(h->csum_start);
		out.csum_offset = rte_cpu_to_le_16(h->csum_offset);
	}
	return out;
}

/*
 * Writing never blocks: the kernel takes a packet in at once, or refuses it. It
 * remembers on which queue it had a flow's packets and sends the answers there:
 * so they come back to the queue pair that the driver uses for the flow.
 */
static int
write_one(void *arg, const struct vnicd_frame *f)
{
	struct vnicd_tap *t = arg;
	struct vnicd_port *p = &t->port;
	struct vnic_net_hdr hdr = kernel_header(&f->hdr);
	static struct iovec iov[PIECES + 1];
	struct vnicd_cursor from = vnicd_cursor(f->iov, f->n);
	unsigned n = f->n;
	int fd = t->queue[p->sw->in_queue < t->n_queues ? p->sw->in_queue : 0].fd;

	iov[0] = (struct iovec){ .iov_base = &hdr, .iov_len = sizeof(hdr) };
	if (likely(n <= PIECES)) {
		memcpy(&iov[1], f->iov, n * sizeof(*iov));
	} else {
		iov[1] = (struct iovec){ .iov_base = stage,
					 .iov_len = vnicd_cursor_read(&from, stage, RTE_MIN(f->len, STAGE_LEN)) };
		n = 1;
	}
	t->stats.gso_out += hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	if (unlikely(writev(fd, iov, (int)(n + 1)) < 0)) {
		t->stats.last_error = errno;
		vnicd_port_dropped(p, VNICD_DROP_REFUSED);
	}
	return 0;
}

static void
tap_output(struct vnicd_port *p, const struct vnicd_frame *f)
{
	static struct iovec seg[PIECES];
	struct vnicd_tap *t = of(p);

	if (likely(f->hdr.gso_type != VIRTIO_NET_HDR_GSO_UDP_L4 || t->uso))
		(void)write_one(t, f);
	else if (vnicd_frame_cut(f, seg, PIECES, write_one, t) < 0)
		vnicd_port_dropped(p, VNICD_DROP_REFUSED);
}

/* ---- from the kernel -------------------------------------------------------------------- */

/* Where the next packet will probably go, and room there. */
struct guess {
	struct vnicd_vport *v; /* NULL: none */
	int queue;
	int n;                 /* pieces in iov[1..] */
	uint32_t room;         /* octets of them */
};

/*
 * With several ready ports a wrong guess lays a packet into the memory of a
 * driver it is not for, where that one could look at it: then everything goes
 * by our own buffer.
 */
static struct vnicd_vport *
only_other(struct vnicd_switch *sw, const struct vnicd_port *in)
{
	struct vnicd_port *other = NULL;

	for (unsigned i = 0; i < sw->n; i++) {
		struct vnicd_port *p = sw->port[i];

		if (p == in || !p->up)
			continue;
		if (other != NULL)
			return NULL;
		other = p;
	}
	return other != NULL ? vnicd_vport_of(other) : NULL;
}

static void
guess_port(struct vnicd_tap_queue *q, struct guess *g)
{
	struct vnicd_tap *t = q->tap;

	g->v = NULL;
	g->n = 0;
	g->room = 0;
	if (t->port.fault.on[VNICD_WAY_IN])
		return;
	g->v = only_other(t->port.sw, &t->port);
	if (g->v == NULL)
		return;
	g->queue = vnicd_vport_direct_queue(g->v, q->number);
	if (g->queue < 0)
		g->v = NULL;
}

static void
reserve(struct vnicd_tap_queue *q, struct guess *g, struct iovec *iov)
{
	uint32_t small = q->tap->conf->mtu + RTE_ETHER_HDR_LEN + 4;
	int n = -ENOBUFS;

	if (g->v == NULL)
		return;
	if (q->large > 0) {
		n = vnicd_nic_reserve(&g->v->nic, (uint16_t)g->queue, LARGE_LEN, iov, PIECES);
		if (n > 0)
			q->large_buffers = (uint16_t)n;
	}
	if (n < 0)
		n = vnicd_nic_reserve(&g->v->nic, (uint16_t)g->queue, small, iov, PIECES);
	if (n < 0) {
		g->v = NULL;
		return;
	}
	g->n = n;
	for (int i = 0; i < n; i++)
		g->room += (uint32_t)iov[i].iov_len;
}

/* Pieces that hold exactly len octets. */
static uint16_t
trim(struct iovec *iov, int n, uint32_t len)
{
	uint16_t i;

	for (i = 0; i < n && len > 0; i++) {
		iov[i].iov_len = RTE_MIN(iov[i].iov_len, (size_t)len);
		len -= (uint32_t)iov[i].iov_len;
	}
	return i;
}

static void
host_order(struct vnic_net_hdr *h)
{
	h->hdr_len = rte_le_to_cpu_16(h->hdr_len);
	h->gso_size = rte_le_to_cpu_16(h->gso_size);
	h->csum_start = rte_le_to_cpu_16(h->csum_start);
	h->csum_offset = rte_le_to_cpu_16(h->csum_offset);
	h->num_buffers = 0;
}

/* It lies in the buffers reserved at the port guessed. */
static void
input_reserved(struct vnicd_tap *t, struct guess *g, struct vnicd_frame *f)
{
	struct vnicd_port *to = vnicd_switch_route(t->port.sw, &t->port, f);
	struct vnicd_port *guessed = &g->v->port;

	if (to == VNICD_FLOOD)
		vnicd_switch_flood(t->port.sw, &t->port, f, guessed);
	else if (to != NULL && to != guessed)
		vnicd_port_output(to, f);
	if (to == VNICD_FLOOD || to == guessed) {
		t->stats.direct++;
		vnicd_port_count_out(guessed, f);
		(void)vnicd_nic_commit(&g->v->nic, (uint16_t)g->queue, f);
	} else {
		t->stats.moved++;
		vnicd_nic_abort(&g->v->nic, (uint16_t)g->queue);
	}
}

/* Beyond the room reserved, or of a form the driver does not take as it is: into our
 * buffer, whose end holds what did not fit. */
static void
input_moved(struct vnicd_tap *t, struct guess *g, struct vnicd_frame *f, const struct iovec *iov)
{
	struct iovec all = { .iov_base = stage, .iov_len = f->len };
	struct vnicd_cursor from = vnicd_cursor(iov, (unsigned)g->n);

	vnicd_cursor_read(&from, stage, RTE_MIN(g->room, f->len));
	vnicd_nic_abort(&g->v->nic, (uint16_t)g->queue);
	t->stats.moved++;
	f->iov = &all;
	f->n = 1;
	vnicd_switch_input(t->port.sw, &t->port, f);
}

static void
input_staged(struct vnicd_tap *t, struct vnicd_frame *f)
{
	struct iovec all = { .iov_base = stage, .iov_len = f->len };

	t->stats.staged++;
	f->iov = &all;
	f->n = 1;
	vnicd_port_input(&t->port, f);
}

static void
input(struct vnicd_tap_queue *q, struct guess *g, const struct vnic_net_hdr *hdr, uint32_t len, struct iovec *iov)
{
	struct vnicd_tap *t = q->tap;
	struct vnicd_frame f = { .hdr = *hdr, .len = len };

	host_order(&f.hdr);
	if (len > LARGE_FROM)
		q->large = LARGE_STAYS;
	else if (q->large > 0)
		q->large--;
	t->stats.gso_in += f.hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	if (g->v == NULL) {
		input_staged(t, &f);
		return;
	}
	t->port.stats.in_packets++;
	t->port.stats.in_bytes += len;
	if (len > g->room || !vnicd_vport_takes(g->v, &f.hdr)) {
		input_moved(t, g, &f, iov);
		return;
	}
	f.n = trim(iov, g->n, len);
	f.iov = iov;
	input_reserved(t, g, &f);
}

/* Room for the packet that is expected? */
static bool
has_room(const struct vnicd_tap_queue *q, const struct guess *g)
{
	return vnicd_vport_has_room(g->v, (unsigned)g->queue, q->large > 0 ? RTE_MAX(q->large_buffers, 1) : 1);
}

/* How long packets have been held now; UINT64_MAX: they are not to be. */
static uint64_t
held_for(struct vnicd_tap_queue *q, const struct guess *g, uint64_t now)
{
	if (g->v == NULL || has_room(q, g)) {
		q->held_since = 0;
		return UINT64_MAX;
	}
	if (q->held_since == 0) {
		q->held_since = now;
		q->tap->stats.held++;
	}
	return now - q->held_since;
}

/* No buffers at the port the packets go to: leave them where they are for a while. */
static bool
hold(struct vnicd_tap_queue *q, const struct guess *g, uint64_t now)
{
	struct vnicd_switch *sw = q->tap->port.sw;
	bool held = held_for(q, g, now) < sw->hold_ns;

	if (held != q->quiet)
		vnicd_loop_quiet(sw->loop, q->fd, held);
	q->quiet = held;
	if (held) {
		vnicd_vport_wait_for_room(g->v, (unsigned)g->queue, q->large > 0 ? RTE_MAX(q->large_buffers, 1) : 1);
		vnicd_loop_at(sw->loop, q->held_since + sw->hold_ns);
	}
	return held;
}

/* Nothing was read. */
static void
no_packet(struct vnicd_tap_queue *q, int error)
{
	struct vnicd_tap *t = q->tap;

	if (error == EFAULT || error == EINTR) /* a packet into memory that is none any more: lost */
		return;
	q->readable = false;
	if (error == EAGAIN || q->gone)
		return;
	q->gone = true;
	t->stats.last_error = error;
	if (t->port.up)
		VNICD_LOG(WARNING, "%s: interface %s is gone: %s", t->port.name, t->conf->tap, strerror(error));
	t->port.up = false;
	vnicd_table_forget(&t->port.sw->table, t->port.index);
}

/* One packet: 1; 0: none. */
static int
read_one(struct vnicd_tap_queue *q, struct guess *g)
{
	static struct iovec iov[PIECES + 2];
	struct vnic_net_hdr hdr;
	ssize_t len;

	iov[0] = (struct iovec){ .iov_base = &hdr, .iov_len = sizeof(hdr) };
	g->n = 0;
	g->room = 0;
	reserve(q, g, &iov[1]);
	iov[1 + g->n] = (struct iovec){ .iov_base = stage + g->room, .iov_len = STAGE_LEN - RTE_MIN(g->room, STAGE_LEN) };
	len = readv(q->fd, iov, g->n + (g->room < STAGE_LEN ? 2 : 1));
	if (len < (ssize_t)sizeof(hdr)) {
		if (g->v != NULL)
			vnicd_nic_abort(&g->v->nic, (uint16_t)g->queue);
		no_packet(q, len < 0 ? errno : EFAULT);
		return 0;
	}
	input(q, g, &hdr, (uint32_t)len - (uint32_t)sizeof(hdr), &iov[1]);
	return 1;
}

static bool
queue_work(struct vnicd_tap_queue *q, uint64_t now)
{
	struct guess g;
	uint32_t n = 0;

	q->tap->port.sw->in_queue = (uint16_t)q->number;
	guess_port(q, &g);
	if (hold(q, &g, now))
		return false;
	while (n < q->tap->port.sw->batch) {
		struct guess again = g;

		if (read_one(q, &again) == 0)
			break;
		n++;
		if (g.v != NULL && !has_room(q, &g))
			break;
	}
	return n > 0;
}

static bool
tap_work(struct vnicd_port *p, uint64_t now)
{
	struct vnicd_tap *t = of(p);
	bool any = false;

	for (unsigned i = 0; i < t->n_queues; i++) {
		if (t->queue[i].readable)
			any |= queue_work(&t->queue[i], now);
	}
	return any;
}

static void
readable(void *arg, int fd)
{
	struct vnicd_tap_queue *q = arg;

	q->readable = true;
}

/* Nothing to ask for: the loop looks at the descriptor before it sleeps. */
static bool
tap_arm(struct vnicd_port *p, bool on)
{
	return false;
}

static void
tap_flush(struct vnicd_port *p)
{
}

static uint64_t
tap_timer(struct vnicd_port *p, uint64_t now)
{
	return UINT64_MAX;
}

static int
tap_misbehave(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue)
{
	return -ENOTSUP;
}

static void
tap_describe(const struct vnicd_port *p, json_t *o)
{
	const struct vnicd_tap *t = (const struct vnicd_tap *)p;
	const struct vnicd_tap_stats *s = &t->stats;

	json_object_update_new(o, json_pack("{s:s, s:i, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
		"tap", t->conf->tap, "queues", t->n_queues, "offloads", t->conf->offloads, "uso", t->uso,
		"direct", (json_int_t)s->direct, "moved", (json_int_t)s->moved, "staged", (json_int_t)s->staged,
		"held", (json_int_t)s->held, "gso_in", (json_int_t)s->gso_in, "gso_out", (json_int_t)s->gso_out,
		"last_error", s->last_error != 0 ? strerror(s->last_error) : ""));
}

static void
tap_destroy(struct vnicd_port *p)
{
	struct vnicd_tap *t = of(p);

	for (unsigned i = 0; i < t->n_queues; i++) {
		vnicd_loop_unwatch(p->sw->loop, t->queue[i].fd);
		close(t->queue[i].fd);
	}
	vnicd_port_fini(p);
	free(t);
}

static const struct vnicd_port_ops tap_ops = {
	.kind = "uplink", .work = tap_work, .output = tap_output, .flush = tap_flush, .arm = tap_arm,
	.timer = tap_timer, .misbehave = tap_misbehave, .describe = tap_describe, .destroy = tap_destroy,
};

static int
add_queue(struct vnicd_tap *t, struct vnicd_switch *sw, int fd)
{
	struct vnicd_tap_queue *q = &t->queue[t->n_queues];

	*q = (struct vnicd_tap_queue){ .tap = t, .fd = fd, .number = t->n_queues };
	t->n_queues++;
	return vnicd_loop_watch_new(sw->loop, fd, readable, q);
}

int
vnicd_tap_create(struct vnicd_switch *sw, const struct vnicd_config_uplink *conf)
{
	struct vnicd_tap *t = calloc(1, sizeof(*t));
	int fds[VNICD_TAP_QUEUES], rc;

	if (t == NULL)
		return -ENOMEM;
	rc = vnicd_tap_open(conf, fds, &t->uso);
	if (rc < 0) {
		free(t);
		return rc;
	}
	t->conf = conf;
	t->port.up = true;
	t->port.sw = sw;
	t->port.ops = &tap_ops;
	for (unsigned i = 0; i < conf->queues; i++) {
		int err = add_queue(t, sw, fds[i]);

		rc = rc < 0 ? rc : err;
	}
	if (rc == 0)
		rc = vnicd_port_init(&t->port, sw, &tap_ops, conf->name, &conf->faults);
	if (rc < 0)
		tap_destroy(&t->port);
	return rc;
}
