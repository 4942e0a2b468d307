/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cycles of a receive burst per packet: ours and DPDK's net_virtio, each against
 * the same ring peer in the same thread, so that nothing but the driver is in the
 * figure. DPDK's port is brought up over a vhost-user socket of this process; its
 * rings are then served by the peer. Windows of both alternate; the best of each
 * and the median ratio are printed.
 *
 *	vring_rx_cost [-n windows] [-b burst] [-l octets] [CELL...]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "app/common/runtime.h"
#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"
#include "tests/bench/vring_stock.h"

#define RING 256
#define ROOM (RTE_PKTMBUF_HEADROOM + 2048)

struct cell {
	const char *name;
	bool packed, in_order, mergeable;
	const char *theirs; /* device arguments of the stock driver's best mode */
};
static const struct cell cells[] = {
	{ "split", false, false, false, "packed_vq=0,in_order=0,mrg_rxbuf=0,vectorized=1" },
	{ "split-inorder", false, true, false, "packed_vq=0,in_order=1,mrg_rxbuf=0" },
	{ "split-mergeable", false, false, true, "packed_vq=0,in_order=0,mrg_rxbuf=1" },
	{ "split-inorder-mergeable", false, true, true, "packed_vq=0,in_order=1,mrg_rxbuf=1" },
	{ "packed", true, false, false, "packed_vq=1,in_order=0,mrg_rxbuf=0" },
	{ "packed-inorder", true, true, false, "packed_vq=1,in_order=1,mrg_rxbuf=0,vectorized=1" },
	{ "packed-mergeable", true, false, true, "packed_vq=1,in_order=0,mrg_rxbuf=1" },
	{ "packed-inorder-mergeable", true, true, true, "packed_vq=1,in_order=1,mrg_rxbuf=1" },
};

static unsigned windows = 200, burst = 32, octets = 64;

/* ---- the peer ------------------------------------------------------------------ */
struct peer {
	bool packed;
	uint16_t size, avail, used;
	bool avail_wrap, used_wrap;
	struct vring_desc *desc;
	struct vring_avail *ring;
	struct vring_used *back;
	struct vring_packed_desc *pdesc;
};

static uint8_t frame[2048] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };

static void write_packet(uint64_t addr)
{
	struct vnic_net_hdr *h = (void *)(uintptr_t)addr;

	*h = (struct vnic_net_hdr){ .num_buffers = 1 };
	memcpy(h + 1, frame, octets);
}

static unsigned serve_split(struct peer *p, unsigned n)
{
	uint16_t mask = (uint16_t)(p->size - 1), i;
	uint16_t there = (uint16_t)(p->ring->idx - p->avail);

	n = RTE_MIN(n, there);
	for (i = 0; i < n; i++) {
		uint16_t id = p->ring->ring[p->avail++ & mask];

		write_packet(p->desc[id].addr);
		p->back->ring[p->used++ & mask] = (struct vring_used_elem){ id, octets + 12 };
	}
	__atomic_store_n(&p->back->idx, p->used, __ATOMIC_RELEASE);
	return n;
}

static unsigned serve_packed(struct peer *p, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct vring_packed_desc *d = &p->pdesc[p->used];

		if (!vring_packed_is_avail(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE), p->used_wrap))
			break;
		write_packet(d->addr);
		d->len = octets + 12;
		__atomic_store_n(&d->flags, VRING_DESC_F_WRITE | vring_packed_used_flags(p->used_wrap),
				 __ATOMIC_RELEASE);
		if (++p->used == p->size) {
			p->used = 0;
			p->used_wrap = !p->used_wrap;
		}
	}
	return i;
}

static unsigned serve(struct peer *p, unsigned n)
{
	return p->packed ? serve_packed(p, n) : serve_split(p, n);
}

/* ---- ours -------------------------------------------------------------------------- */
struct side {
	struct peer peer;
	struct rte_mempool *mp;
	struct vnic_dev dev;
	struct vnic_rxq rxq;
	eth_rx_burst_t ours;
	struct stock stock;
};

static void quit(const char *what)
{
	fprintf(stderr, "vring_rx_cost: %s\n", what);
	exit(1);
}

static void no_kick(struct vnic_vq *vq)
{
	(void)vq;
}

static void open_ours(struct side *s, const struct cell *c)
{
	struct vnic_vq *vq = &s->rxq.vq;
	uint32_t driver, device;

	memset(&s->dev, 0, sizeof(s->dev));
	memset(&s->rxq, 0, sizeof(s->rxq));
	s->dev.wake_fd = -1;
	s->dev.args.vectorized = true;
	s->dev.transport_flags = VNIC_TRANSPORT_VA;
	s->dev.hdr_len = 12;
	s->dev.packed = c->packed;
	if (c->in_order)
		s->dev.negotiated.word[0] |= VIRTIO_BIT(VIRTIO_F_IN_ORDER);
	if (vnic_mem_create(&s->dev.mem, &s->dev, vnic_vq_layout(RING, c->packed, &driver, &device) + 8192, -1) != 0 ||
	    vnic_vq_create(vq, &s->dev, 0, RING, -1) != 0)
		quit("no ring");
	vq->notify = no_kick;
	s->rxq.mp = s->mp;
	s->rxq.mergeable = c->mergeable;
	if (vnic_rx_setup(&s->rxq) != 0 || vnic_rx_fill(&s->rxq) != 0)
		quit("no buffers");
	if (c->packed)
		vq->packed.device->flags = VRING_EVENT_DISABLE;
	else
		vq->split.used->flags = VRING_USED_F_NO_NOTIFY;
	s->ours = vnic_rx_select(&s->rxq);
	s->peer = (struct peer){ .packed = c->packed, .size = RING, .avail_wrap = true, .used_wrap = true };
	if (c->packed) {
		s->peer.pdesc = vq->packed.desc;
	} else {
		s->peer.desc = vq->split.desc;
		s->peer.ring = vq->split.avail;
		s->peer.back = vq->split.used;
	}
}

static void close_ours(struct side *s)
{
	vnic_rx_drain(&s->rxq, NULL, 0);
	vnic_vq_destroy(&s->rxq.vq, false);
	vnic_mem_destroy(s->dev.mem);
}

/* ---- theirs --------------------------------------------------------------------------- */
static void open_theirs(struct side *s, const struct cell *c)
{
	struct stock_ring v;

	if (stock_open(&s->stock, c->theirs, RING, s->mp) != 0 || stock_ring(&s->stock, 0, &v) != 0)
		quit("net_virtio_user does not start");
	s->peer = (struct peer){ .packed = c->packed, .size = v.size, .avail_wrap = true, .used_wrap = true };
	if (c->packed) {
		s->peer.pdesc = v.desc;
	} else {
		s->peer.desc = v.desc;
		s->peer.ring = v.driver;
		s->peer.back = v.device;
	}
}

/* ---- measuring -------------------------------------------------------------------------- */
#define BURSTS 1000

/* Cycles per packet of a window. */
static double window(struct side *s)
{
	struct rte_mbuf *pkts[512];
	uint64_t cycles = 0, got = 0, t;
	unsigned i, n;

	for (i = 0; i < BURSTS; i++) {
		serve(&s->peer, burst);
		t = rte_rdtsc_precise();
		if (s->ours != NULL)
			n = s->ours(&s->rxq, pkts, (uint16_t)burst);
		else
			n = rte_eth_rx_burst(s->stock.port, 0, pkts, (uint16_t)burst);
		cycles += rte_rdtsc_precise() - t;
		got += n;
		rte_pktmbuf_free_bulk(pkts, n);
	}
	if (got < BURSTS * burst / 2)
		quit("packets do not arrive");
	return (double)cycles / (double)got;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void run(const struct cell *c, struct side *ours, struct side *theirs)
{
	double *a = calloc(windows, sizeof(*a)), *b = calloc(windows, sizeof(*b)), *r = calloc(windows, sizeof(*r));
	unsigned i;

	for (i = 0; i < windows; i++) {
		a[i] = window(ours);
		b[i] = window(theirs);
		r[i] = b[i] / a[i];
	}
	qsort(a, windows, sizeof(*a), by_size);
	qsort(b, windows, sizeof(*b), by_size);
	qsort(r, windows, sizeof(*r), by_size);
	printf("%-26s ours %6.1f (median %6.1f)  theirs %6.1f (median %6.1f)  ratio %.2f (%.2f..%.2f)  %s\n", c->name,
	       a[0], a[windows / 2], b[0], b[windows / 2], r[windows / 2], r[windows / 10], r[windows * 9 / 10],
	       vnic_rx_burst_name(ours->ours));
	free(a);
	free(b);
	free(r);
}

static struct rte_mempool *pool(const char *name)
{
	struct rte_mempool *mp = rte_pktmbuf_pool_create(name, 2047, 256, 0, ROOM, SOCKET_ID_ANY);

	if (mp == NULL)
		quit("no pool");
	return mp;
}

static bool chosen(const char *name, char **names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return n == 0;
}

static void eal(const char *self)
{
	char prefix[64], *args[] = { (char *)(uintptr_t)self, "--no-huge", "-m", "256", "--no-pci", "--lcores=0@(0-1)",
				     "--log-level=error", "--no-telemetry", "--force-max-simd-bitwidth=512",
				     "--file-prefix", prefix };

	snprintf(prefix, sizeof(prefix), "vring_rx_%d", getpid());
	if (rte_eal_init(RTE_DIM(args), args) < 0)
		quit("EAL");
	runtime_note();
}

int main(int argc, char **argv)
{
	static struct side ours, theirs;
	unsigned i;
	int opt;

	while ((opt = getopt(argc, argv, "n:b:l:")) != -1)
		*(opt == 'n' ? &windows : opt == 'b' ? &burst : &octets) = (unsigned)atoi(optarg);
	if (windows == 0 || burst == 0 || burst > RING || octets < 14 || octets > sizeof(frame))
		quit("usage: vring_rx_cost [-n windows] [-b burst] [-l octets] [CELL...]");
	eal(argv[0]);
	ours.mp = pool("ours");
	theirs.mp = pool("theirs");
	for (i = 0; i < RTE_DIM(cells); i++) {
		if (!chosen(cells[i].name, argv + optind, argc - optind))
			continue;
		open_ours(&ours, &cells[i]);
		open_theirs(&theirs, &cells[i]);
		run(&cells[i], &ours, &theirs);
		stock_close(&theirs.stock);
		close_ours(&ours);
	}
	rte_eal_cleanup();
	runtime_remove();
	return 0;
}
