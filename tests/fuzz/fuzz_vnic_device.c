/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device is the fuzzer: a receive and a transmit queue of the virtio driver,
 * and a list of operations. Used entries, indexes, flags, packet headers and
 * lengths are the input's octets, or what a device should write, or nearly that.
 *
 * Besides what the sanitizers see (free buffers are poisoned): packets received
 * are whole and of the lengths they say, a packet sent is given back once, the
 * ring never offers more than it has, and at the end no buffer is missing.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_vect.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"
#include "tests/unit/test.h"

#define OPS_MAX 400
#define MBUFS   256
#define ROOM    (RTE_PKTMBUF_HEADROOM + 128)
#define SENT_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t split_sizes[] = { 2, 4, 16, 64 }, packed_sizes[] = { 1, 3, 16, 65 };

/* The device's side of one queue: where an honest one would stand. */
struct peer {
	struct vnic_vq *vq;
	uint16_t avail, used;
	bool avail_wrap, used_wrap;
};

static struct world {
	struct vnic_dev dev;
	struct vnic_rxq rxq;
	struct vnic_txq txq;
	eth_rx_burst_t rx;
	eth_tx_burst_t tx;
	struct peer rx_peer, tx_peer;
	struct rte_mempool *mp;
} w;

struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t u8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

static uint16_t u16(struct input *in)
{
	uint16_t v = u8(in);

	return (uint16_t)(v << 8 | u8(in));
}

static uint32_t u32(struct input *in)
{
	uint32_t v = u16(in);

	return v << 16 | u16(in);
}

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* ---- queues -------------------------------------------------------------------- */
static void no_kick(struct vnic_vq *vq)
{
	(void)vq;
}

static void feature(unsigned f, bool on)
{
	if (on)
		w.dev.negotiated.word[f / 64] |= UINT64_C(1) << (f % 64);
}

static void set_dev(uint16_t bits)
{
	struct vnic_mem *mem = w.dev.mem; /* making it anew takes milliseconds */

	memset(&w.dev, 0, sizeof(w.dev));
	w.dev.mem = mem;
	w.dev.wake_fd = -1;
	w.dev.transport_flags = VNIC_TRANSPORT_VA;
	w.dev.packed = bits & 1;
	w.dev.args.vectorized = bits & 2;
	rte_vect_set_max_simd_bitwidth(bits & 0x800 ? RTE_VECT_SIMD_512 : RTE_VECT_SIMD_256);
	w.dev.hdr_len = bits & 0x40 ? 20 : 12;
	feature(VIRTIO_F_IN_ORDER, bits & 4);
	feature(VIRTIO_F_EVENT_IDX, bits & 8);
	feature(VIRTIO_F_INDIRECT_DESC, bits & 0x10);
	check(mem != NULL || vnic_mem_create(&w.dev.mem, &w.dev, 1 << 18, -1) == 0);
}

static void set_rx(uint16_t bits, uint16_t size)
{
	struct vnic_rxq *q = &w.rxq;

	memset(q, 0, sizeof(*q));
	check(vnic_vq_create(&q->vq, &w.dev, 0, size, -1) == 0);
	q->vq.notify = no_kick;
	q->mp = w.mp;
	q->mergeable = bits & 0x20;
	q->hash = bits & 0x40;
	q->csum = bits & 0x80;
	q->lro = (bits & 0x180) == 0x180;
	q->vlan_strip = bits & 0x200;
	check(vnic_rx_setup(q) == 0);
	w.rx = vnic_rx_select(q);
	check(vnic_rx_fill(q) == 0);
}

static void set_tx(uint16_t bits, uint16_t size)
{
	struct vnic_txq *q = &w.txq;

	memset(q, 0, sizeof(*q));
	check(vnic_vq_create(&q->vq, &w.dev, 1, size, -1) == 0);
	q->vq.notify = no_kick;
	check(vnic_tx_room_create(q) == 0);
	q->free_thresh = (uint16_t)RTE_MIN(size, 8);
	q->csum = q->tso = bits & 0x400;
	q->offloads = bits & 0x400 ? RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO |
				     RTE_ETH_TX_OFFLOAD_MULTI_SEGS : RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	w.tx = vnic_tx_select(q);
}

static struct peer peer_of(struct vnic_vq *vq)
{
	return (struct peer){ .vq = vq, .avail_wrap = true, .used_wrap = true };
}

static void set_up(struct input *in)
{
	uint16_t bits = u16(in);
	uint16_t size = (bits & 1 ? packed_sizes : split_sizes)[bits >> 14];

	set_dev(bits);
	set_rx(bits, size);
	set_tx(bits, size);
	w.rx_peer = peer_of(&w.rxq.vq);
	w.tx_peer = peer_of(&w.txq.vq);
}

static void drain(struct input *in)
{
	struct rte_mbuf *pkts[16];
	uint16_t n = vnic_rx_drain(&w.rxq, pkts, u8(in) % 17);

	rte_pktmbuf_free_bulk(pkts, n);
	vnic_tx_drain(&w.txq);
	check(rte_mempool_avail_count(w.mp) == MBUFS);
}

static void tear_down(void)
{
	vnic_tx_room_destroy(&w.txq, false);
	vnic_vq_destroy(&w.txq.vq, false);
	vnic_vq_destroy(&w.rxq.vq, false);
}

/* What a queue reset does. */
static void restart(struct input *in)
{
	drain(in);
	vnic_vq_rewind(&w.rxq.vq);
	vnic_vq_rewind(&w.txq.vq);
	vnic_vq_open(&w.rxq.vq);
	vnic_vq_open(&w.txq.vq);
	check(vnic_rx_fill(&w.rxq) == 0);
	w.rx_peer = peer_of(&w.rxq.vq);
	w.tx_peer = peer_of(&w.txq.vq);
}

/* ---- the device ---------------------------------------------------------------------- */
/* The next chain offered to an honest device: its id and first buffer. False: none. */
static bool offered(struct peer *p, uint16_t *id, uint64_t *addr)
{
	struct vnic_vq *vq = p->vq;

	if (vq->is_packed) {
		struct vring_packed_desc *d = &vq->packed.desc[p->avail];

		if (!vring_packed_is_avail(d->flags, p->avail_wrap))
			return false;
		*id = d->id;
		*addr = d->addr;
		if (++p->avail == vq->size) {
			p->avail = 0;
			p->avail_wrap = !p->avail_wrap;
		}
		return true;
	}
	if (p->avail == vq->split.avail->idx)
		return false;
	*id = vq->split.avail->ring[p->avail++ & (vq->size - 1)] & (vq->size - 1);
	*addr = vq->split.desc[*id].addr;
	return true;
}

static void write_used(struct peer *p, uint32_t id, uint32_t len)
{
	struct vnic_vq *vq = p->vq;

	if (vq->is_packed) {
		vq->packed.desc[p->used] = (struct vring_packed_desc){
			.addr = UINT64_C(0xbadbadbadbad), .len = len, .id = (uint16_t)id,
			.flags = vring_packed_used_flags(p->used_wrap) };
		if (++p->used == vq->size) {
			p->used = 0;
			p->used_wrap = !p->used_wrap;
		}
		return;
	}
	vq->split.used->ring[p->used++ & (vq->size - 1)] = (struct vring_used_elem){ id, len };
	vq->split.used->idx = p->used;
}

/* Is this a receive buffer the driver has out, at its header? What a device scribbled
 * over may be no address at all. In order, slots outside the window hold what was. */
static bool is_buffer(uint64_t addr)
{
	const struct vnic_vq *vq = &w.rxq.vq;
	unsigned n = vq->in_order ? (unsigned)vq->size - vq->free_count : vq->size, i;

	for (i = 0; i < n; i++) {
		const struct rte_mbuf *m = vq->slot[vq->in_order ? (vq->used + i) % vq->size : i].mbuf;

		if (m != NULL && addr == (uintptr_t)m->buf_addr + VNIC_RX_DATA_OFF - vq->hdr_len)
			return true;
	}
	return false;
}

/* n packets of a device that keeps to the ring's rules; headers and octets are the input's. */
static void deliver(struct input *in)
{
	unsigned n = u8(in) % 8 + 1, i;
	uint16_t id;
	uint64_t addr;

	while (n-- != 0 && offered(&w.rx_peer, &id, &addr)) {
		uint32_t len = u8(in);
		uint8_t *p = (uint8_t *)(uintptr_t)addr;
		unsigned some = u8(in) % 64;

		if (is_buffer(addr))
			for (i = 0; i < some && i < w.rxq.buf_len; i++)
				p[i] = u8(in);
		write_used(&w.rx_peer, id, len % (w.rxq.buf_len + 2u));
	}
}

static void complete(struct input *in)
{
	unsigned n = u8(in) % 8 + 1;
	uint16_t id;
	uint64_t addr;

	while (n-- != 0 && offered(&w.tx_peer, &id, &addr))
		write_used(&w.tx_peer, id, u8(in));
}

static void scribble(struct input *in, struct vnic_vq *vq)
{
	unsigned n = u8(in) % 32;
	uint32_t off = u16(in);

	for (; n != 0; n--, off++)
		((uint8_t *)vq->ring.va)[off % vq->ring.len] = u8(in);
}

static void set_index(struct input *in, struct peer *p)
{
	struct vnic_vq *vq = p->vq;

	if (vq->is_packed)
		vq->packed.desc[u8(in) % vq->size].flags = u16(in);
	else
		vq->split.used->idx = u8(in) & 1 ? u16(in) : (uint16_t)(vq->split.used->idx + u8(in));
}

/* ---- the driver ------------------------------------------------------------------------- */
static void check_packet(struct rte_mbuf *m)
{
	uint32_t len = 0, segs = 0;
	volatile uint8_t sink;
	struct rte_mbuf *s;
	unsigned i;

	check(rte_mbuf_check(m, 1, NULL) == 0);
	check(m->pkt_len <= w.rxq.frame_max && m->pkt_len >= RTE_ETHER_HDR_LEN - 4);
	for (s = m; s != NULL; s = s->next, segs++) {
		check(s->data_len != 0 && s->data_off + s->data_len <= ROOM);
		for (i = 0; i < s->data_len; i++)
			sink = *rte_pktmbuf_mtod_offset(s, uint8_t *, i);
		len += s->data_len;
	}
	(void)sink;
	check(len == m->pkt_len && segs == m->nb_segs);
	check((m->ol_flags & RTE_MBUF_F_RX_LRO) == 0 || (w.rxq.lro && m->tso_segsz != 0));
}

static void receive(struct input *in)
{
	struct rte_mbuf *pkts[40];
	uint16_t n = w.rx(&w.rxq, pkts, u8(in) % 41), i;

	for (i = 0; i < n; i++)
		check_packet(pkts[i]);
	rte_pktmbuf_free_bulk(pkts, n);
	check(w.rxq.vq.free_count <= w.rxq.vq.size);
}

static struct rte_mbuf *make_packet(struct input *in)
{
	uint8_t shape = u8(in), segs = shape % 4;
	struct rte_mbuf *m = rte_pktmbuf_alloc(w.mp), *s;
	uint16_t len = (uint16_t)(54 + u8(in) % 70);

	if (m == NULL)
		return NULL;
	memset(rte_pktmbuf_append(m, len), 0x45, len);
	for (; segs != 0 && (s = rte_pktmbuf_alloc(w.mp)) != NULL; segs--) {
		rte_pktmbuf_append(s, (uint16_t)(1 + u8(in) % 100));
		memset(rte_pktmbuf_mtod(s, void *), 0, s->data_len);
		if (rte_pktmbuf_chain(m, s) != 0)
			rte_pktmbuf_free(s);
	}
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	if (shape & 0x40)
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	if (shape & 0x80) {
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
		m->tso_segsz = 40;
	}
	return m;
}

static void transmit(struct input *in)
{
	struct rte_mbuf *pkts[SENT_MAX];
	uint16_t want = u8(in) % SENT_MAX + 1, n = 0, sent;

	while (n < want && (pkts[n] = make_packet(in)) != NULL)
		n++;
	want = vnic_tx_prepare(&w.txq, pkts, n);
	check(want <= n);
	sent = w.tx(&w.txq, pkts, want);
	check(sent <= want);
	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	check(w.txq.vq.free_count <= w.txq.vq.size);
	check(w.txq.done <= w.txq.posted && w.txq.done_bytes <= w.txq.posted_bytes);
}

static void operate(struct input *in)
{
	switch (u8(in) % 16) {
	case 0: case 1: case 2:
		deliver(in);
		break;
	case 3:
		write_used(&w.rx_peer, u8(in), u16(in));
		break;
	case 4:
		write_used(&w.rx_peer, u32(in), u32(in));
		break;
	case 5:
		set_index(in, &w.rx_peer);
		break;
	case 6:
		scribble(in, &w.rxq.vq);
		break;
	case 7: case 8:
		receive(in);
		break;
	case 9:
		transmit(in);
		break;
	case 10:
		complete(in);
		break;
	case 11:
		write_used(&w.tx_peer, u8(in), u16(in));
		break;
	case 12:
		set_index(in, &w.tx_peer);
		break;
	case 13:
		scribble(in, &w.txq.vq);
		break;
	case 14:
		vnic_tx_cleanup(&w.txq, u8(in));
		break;
	default:
		if (u8(in) % 8 == 0)
			restart(in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned ops;
	int rc = 0;

	if (w.mp == NULL) {
		test_eal_init();
		w.mp = plain_pktmbuf_pool("fuzz", MBUFS, 0, 0, ROOM, -1, &rc);
		check(w.mp != NULL);
	}
	set_up(&in);
	for (ops = 0; ops < OPS_MAX && in.left != 0; ops++)
		operate(&in);
	receive(&in);
	drain(&in);
	tear_down();
	return 0;
}
