/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cycles of a transmit burst per packet, reclaim included: ours and DPDK's
 * net_virtio, each against the same ring peer in the same thread, as vring_rx_cost
 * does it for receive. The peer gives back all it finds after each burst.
 *
 *	vring_tx_cost [-n windows] [-b burst] [-r ring] [-s segments] [CELL...]
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
#include "pmd/virtio/dev.h"
#include "tests/bench/vring_stock.h"

#define OCTETS 64
#define BURST_MAX 256

struct cell {
	const char *name;
	bool packed, in_order;
	const char *theirs; /* device arguments of the stock driver's best mode */
};
static const struct cell cells[] = {
	{ "split", false, false, "packed_vq=0,in_order=0,mrg_rxbuf=0,vectorized=1" },
	{ "split-mergeable", false, false, "packed_vq=0,in_order=0,mrg_rxbuf=1" },
	{ "split-inorder", false, true, "packed_vq=0,in_order=1,mrg_rxbuf=0" },
	{ "packed", true, false, "packed_vq=1,in_order=0,mrg_rxbuf=0" },
	{ "packed-inorder", true, true, "packed_vq=1,in_order=1,mrg_rxbuf=0,vectorized=1" },
	{ "packed-inorder-mergeable", true, true, "packed_vq=1,in_order=1,mrg_rxbuf=1" },
};

static unsigned windows = 200, burst = 32, ring = 256, segs = 1;
static void quit(const char *what)
{
	fprintf(stderr, "vring_tx_cost: %s\n", what);
	exit(1);
}

/* ---- the peer: gives back everything ------------------------------------------------ */
struct peer {
	bool packed, in_order;
	uint16_t size, avail, used;
	bool wrap;
	struct vring_avail *ring;
	struct vring_used *back;
	struct vring_packed_desc *desc;
};

static unsigned serve_split(struct peer *p)
{
	uint16_t mask = (uint16_t)(p->size - 1), to = p->ring->idx, n = (uint16_t)(to - p->avail);

	while (p->avail != to)
		p->back->ring[p->used++ & mask] = (struct vring_used_elem){ p->ring->ring[p->avail++ & mask], 0 };
	__atomic_store_n(&p->back->idx, p->used, __ATOMIC_RELEASE);
	return n;
}

static uint16_t packed_step(struct peer *p, uint16_t at, bool *wrap)
{
	if (++at < p->size)
		return at;
	*wrap = !*wrap;
	return 0;
}

/* In order: one used descriptor, for the last. */
static unsigned serve_packed(struct peer *p)
{
	struct vring_packed_desc *first = &p->desc[p->used], *d;
	bool first_wrap = p->wrap;
	uint16_t id = 0, at = p->used, flags;
	unsigned n = 0;

	for (;;) {
		d = &p->desc[at];
		flags = __atomic_load_n(&d->flags, __ATOMIC_ACQUIRE);
		if (!vring_packed_is_avail(flags, p->wrap) || n == p->size)
			break;
		id = d->id;
		if (!p->in_order)
			d->flags = vring_packed_used_flags(p->wrap);
		at = packed_step(p, at, &p->wrap);
		n++;
	}
	if (n > 0 && p->in_order) {
		first->id = id;
		__atomic_store_n(&first->flags, vring_packed_used_flags(first_wrap), __ATOMIC_RELEASE);
	}
	p->used = at;
	return n;
}

/* ---- both ------------------------------------------------------------------------------- */
struct side {
	struct peer peer;
	struct rte_mempool *mp;
	struct vnic_dev dev;
	struct vnic_txq txq;
	eth_tx_burst_t ours;
	struct stock stock;
};

static void no_kick(struct vnic_vq *vq)
{
	(void)vq;
}

static void open_ours(struct side *s, const struct cell *c)
{
	struct vnic_vq *vq = &s->txq.vq;
	uint32_t driver, device;

	memset(&s->dev, 0, sizeof(s->dev));
	memset(&s->txq, 0, sizeof(s->txq));
	s->dev.wake_fd = -1;
	s->dev.args.vectorized = true;
	s->dev.transport_flags = VNIC_TRANSPORT_VA;
	s->dev.hdr_len = 12;
	s->dev.packed = c->packed;
	if (c->in_order)
		s->dev.negotiated.word[0] |= VIRTIO_BIT(VIRTIO_F_IN_ORDER);
	s->dev.negotiated.word[0] |= VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC);
	if (vnic_mem_create(&s->dev.mem, &s->dev, vnic_vq_layout((uint16_t)ring, c->packed, &driver, &device) +
			    ring * sizeof(struct vnic_tx_room) + 16384, -1) != 0 ||
	    vnic_vq_create(vq, &s->dev, 1, (uint16_t)ring, -1) != 0 || vnic_tx_room_create(&s->txq) != 0)
		quit("no ring");
	vq->notify = no_kick;
	s->txq.free_thresh = (uint16_t)(ring / 4);
	if (c->packed)
		vq->packed.device->flags = VRING_EVENT_DISABLE;
	else
		vq->split.used->flags = VRING_USED_F_NO_NOTIFY;
	s->ours = vnic_tx_select(&s->txq);
	s->peer = (struct peer){ .packed = c->packed, .in_order = c->in_order, .size = (uint16_t)ring, .wrap = true };
	if (c->packed) {
		s->peer.desc = vq->packed.desc;
	} else {
		s->peer.ring = vq->split.avail;
		s->peer.back = vq->split.used;
	}
}

static void close_ours(struct side *s)
{
	vnic_tx_drain(&s->txq);
	vnic_tx_room_destroy(&s->txq, false);
	vnic_vq_destroy(&s->txq.vq, false);
	vnic_mem_destroy(s->dev.mem);
}

static void open_theirs(struct side *s, const struct cell *c)
{
	struct stock_ring v;

	if (stock_open(&s->stock, c->theirs, (uint16_t)ring, s->mp) != 0 || stock_ring(&s->stock, 1, &v) != 0)
		quit("net_virtio_user does not start");
	s->peer = (struct peer){ .packed = c->packed, .in_order = c->in_order, .size = v.size, .wrap = true };
	if (c->packed) {
		s->peer.desc = v.desc;
	} else {
		s->peer.ring = v.driver;
		s->peer.back = v.device;
	}
}

/* ---- measuring --------------------------------------------------------------------------- */
#define BURSTS 1000

static void make(struct side *s, struct rte_mbuf **pkts)
{
	struct rte_mbuf *seg[BURST_MAX * 8];

	if (rte_pktmbuf_alloc_bulk(s->mp, seg, burst * segs) != 0)
		quit("pool empty");
	for (unsigned i = 0; i < burst; i++) {
		struct rte_mbuf **at = &pkts[i];

		for (unsigned k = 0; k < segs; k++) {
			*at = seg[i * segs + k];
			(*at)->data_len = OCTETS;
			at = &(*at)->next;
		}
		pkts[i]->nb_segs = (uint16_t)segs;
		pkts[i]->pkt_len = OCTETS * segs;
	}
}

/* Cycles per packet of a window. */
static double window(struct side *s)
{
	struct rte_mbuf *pkts[BURST_MAX];
	uint64_t cycles = 0, sent = 0, t;
	unsigned n;

	for (unsigned i = 0; i < BURSTS; i++) {
		make(s, pkts);
		t = rte_rdtsc_precise();
		if (s->ours != NULL)
			n = s->ours(&s->txq, pkts, (uint16_t)burst);
		else
			n = rte_eth_tx_burst(s->stock.port, 0, pkts, (uint16_t)burst);
		cycles += rte_rdtsc_precise() - t;
		sent += n;
		rte_pktmbuf_free_bulk(pkts + n, burst - n);
		if (s->peer.packed)
			serve_packed(&s->peer);
		else
			serve_split(&s->peer);
	}
	if (sent < BURSTS * burst / 2)
		quit("packets do not leave");
	return (double)cycles / (double)sent;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void run(const struct cell *c, struct side *ours, struct side *theirs)
{
	double *a = calloc(windows, sizeof(*a)), *b = calloc(windows, sizeof(*b)), *r = calloc(windows, sizeof(*r));

	for (unsigned i = 0; i < windows; i++) {
		a[i] = window(ours);
		b[i] = window(theirs);
		r[i] = b[i] / a[i];
	}
	qsort(a, windows, sizeof(*a), by_size);
	qsort(b, windows, sizeof(*b), by_size);
	qsort(r, windows, sizeof(*r), by_size);
	printf("%-26s ours %6.1f (median %6.1f)  theirs %6.1f (median %6.1f)  ratio %.2f (%.2f..%.2f)  %s\n", c->name,
	       a[0], a[windows / 2], b[0], b[windows / 2], r[windows / 2], r[windows / 10], r[windows * 9 / 10],
	       vnic_tx_burst_name(ours->ours));
	free(a);
	free(b);
	free(r);
}

static struct rte_mempool *pool(const char *name)
{
	struct rte_mempool *mp = rte_pktmbuf_pool_create(name, 8191, 256, 0, RTE_PKTMBUF_HEADROOM + 2048,
							 SOCKET_ID_ANY);

	if (mp == NULL)
		quit("no pool");
	return mp;
}

static bool chosen(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return n == 0;
}

static void eal(const char *self)
{
	char prefix[64], *args[] = { (char *)(uintptr_t)self, "--no-huge", "-m", "256", "--no-pci", "--lcores=0@(0-1)",
				     "--log-level=error", "--no-telemetry", "--force-max-simd-bitwidth=512",
				     "--file-prefix", prefix };

	snprintf(prefix, sizeof(prefix), "vring_tx_%d", getpid());
	if (rte_eal_init(RTE_DIM(args), args) < 0)
		quit("EAL");
	runtime_note();
}

int main(int argc, char **argv)
{
	static struct side ours, theirs;
	int opt;

	while ((opt = getopt(argc, argv, "n:b:r:s:")) != -1)
		*(opt == 'n' ? &windows : opt == 'b' ? &burst : opt == 'r' ? &ring : &segs) =
			optarg == NULL ? 0 : (unsigned)atoi(optarg);
	if (windows == 0 || burst == 0 || burst > BURST_MAX || ring < burst * 2 || segs == 0 || segs > 8)
		quit("usage: vring_tx_cost [-n windows] [-b burst] [-r ring] [-s segments] [CELL...]");
	eal(argv[0]);
	ours.mp = pool("ours");
	theirs.mp = pool("theirs");
	for (unsigned i = 0; i < RTE_DIM(cells); i++) {
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
