/* SPDX-License-Identifier: BSD-3-Clause */
/* The device as a whole: what it offers, what was agreed, how it starts and is told. */
#include "app/vnicd/dev/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/dev/nic_ctrl.h"
#include "app/vnicd/dev/nic_private.h"

#define B(f) VIRTIO_BIT(VIRTIO_NET_F_##f)
#define R(f) VIRTIO_BIT(VIRTIO_F_##f)

static const uint64_t known = VNICD_GUEST_OFFLOADS | B(CSUM) | B(CTRL_GUEST_OFFLOADS) | B(MTU) | B(MAC) |
	B(HOST_TSO4) | B(HOST_TSO6) | B(HOST_ECN) | B(HOST_USO) | B(MRG_RXBUF) | B(STATUS) | B(CTRL_VQ) | B(CTRL_RX) |
	B(CTRL_VLAN) | B(CTRL_RX_EXTRA) | B(GUEST_ANNOUNCE) | B(MQ) | B(CTRL_MAC_ADDR) | B(DEVICE_STATS) |
	B(VQ_NOTF_COAL) | B(NOTF_COAL) | B(HASH_REPORT) | B(GUEST_HDRLEN) | B(RSS) | B(SPEED_DUPLEX) |
	R(INDIRECT_DESC) | R(EVENT_IDX) | R(VERSION_1) | R(ACCESS_PLATFORM) | R(RING_PACKED) | R(IN_ORDER) |
	R(ORDER_PLATFORM) | R(RING_RESET);

/*
 * What a feature needs one of (5.1.3.1). That of the control queue is missing
 * here on purpose: a front end that serves it itself (QEMU, virtio_user) shows us the features
 * that are set through it, and not the queue.
 */
static const struct {
	uint64_t feature, needs;
} needs[] = {
	{ B(GUEST_TSO4) | B(GUEST_TSO6) | B(GUEST_USO4) | B(GUEST_USO6), B(GUEST_CSUM) },
	{ B(GUEST_ECN), B(GUEST_TSO4) | B(GUEST_TSO6) },
	{ B(HOST_TSO4) | B(HOST_TSO6) | B(HOST_USO), B(CSUM) },
	{ B(HOST_ECN), B(HOST_TSO4) | B(HOST_TSO6) },
	{ B(CTRL_RX_EXTRA), B(CTRL_RX) },
};

static bool consistent(uint64_t features)
{
	for (size_t i = 0; i < RTE_DIM(needs); i++)
		if ((features & needs[i].feature) != 0 && (features & needs[i].needs) == 0)
			return false;
	return true;
}

const char *vnicd_nic_drop_name(enum vnicd_nic_drop drop)
{
	static const char *const name[] = {
#define X(id, text) text,
		VNICD_NIC_DROPS(X)
#undef X
	};

	return (unsigned)drop < RTE_DIM(name) ? name[drop] : "unknown";
}

int vnicd_nic_dropped(struct vnicd_nic *nic, enum vnicd_nic_drop why, int rc)
{
	nic->drop[why]++;
	return rc;
}

/* ---- life ----------------------------------------------------------------------- */
int vnicd_nic_init(struct vnicd_nic *nic, const struct vnicd_nic_conf *conf)
{
	memset(nic, 0, sizeof(*nic));
	if (conf->pairs == 0 || conf->pairs > VNICD_PAIRS_MAX || (conf->features & ~known) != 0 ||
	    !consistent(conf->features))
		return -EINVAL;
	if ((conf->features & B(MTU)) != 0 && conf->mtu < VIRTIO_NET_MIN_MTU)
		return -EINVAL;
	nic->scratch = calloc(1, sizeof(*nic->scratch));
	nic->ctrl = calloc(1, sizeof(*nic->ctrl));
	if (nic->scratch == NULL || nic->ctrl == NULL) {
		vnicd_nic_fini(nic);
		return -ENOMEM;
	}
	nic->conf = *conf;
	nic->conf.features |= R(VERSION_1);
	nic->link_up = true;
	vnicd_memory_init(&nic->memory, false);
	vnicd_nic_reset(nic);
	return 0;
}

void vnicd_nic_fini(struct vnicd_nic *nic)
{
	for (unsigned i = 0; i < RTE_DIM(nic->queue); i++)
		vnicd_ring_stop(&nic->queue[i].ring);
	vnicd_memory_fini(&nic->memory);
	free(nic->scratch);
	free(nic->ctrl);
	nic->scratch = NULL;
	nic->ctrl = NULL;
}

void vnicd_nic_reset(struct vnicd_nic *nic)
{
	for (unsigned i = 0; i < RTE_DIM(nic->queue); i++) {
		struct vnicd_queue *q = &nic->queue[i];

		vnicd_ring_stop(&q->ring);
		q->enabled = q->call_due = q->taken = q->hurry = false;
		q->untold = 0;
		q->untold_us = 0;
		memset(&q->stats, 0, sizeof(q->stats));
		q->ring.kicks = 0;
	}
	memset(nic->dirty, 0, sizeof(nic->dirty));
	memset(nic->held, 0, sizeof(nic->held));
	nic->coal_rx = nic->coal_tx = (struct vnicd_coal){ 0, 0 };
	nic->scratch->n_reserved = 0;
	nic->status = 0;
	nic->announce = false;
	nic->driver_features = 0;
	vnicd_nic_defaults(nic);
}

void vnicd_nic_defaults(struct vnicd_nic *nic)
{
	/* Microsoft's: the one that drivers and test vectors know. */
	static const uint8_t key[VNICD_KEY_LEN] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
		0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
		0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
	};

	nic->hdr_len = vnicd_nic_has(nic, VIRTIO_NET_F_HASH_REPORT) ? sizeof(struct vnic_net_hdr_hash)
								    : sizeof(struct vnic_net_hdr);
	nic->guest_offloads = nic->driver_features & VNICD_GUEST_OFFLOADS;
	nic->active_pairs = vnicd_nic_has(nic, VIRTIO_NET_F_CTRL_VQ) ? 1 : nic->conf.pairs;
	nic->spread = 1;
	nic->promisc = nic->allmulti = nic->alluni = nic->nomulti = nic->nouni = nic->nobcast = false;
	nic->mac = nic->conf.mac;
	nic->n_unicast = nic->n_multicast = 0;
	nic->filter_macs = nic->unicast_overflow = nic->multicast_overflow = false;
	memset(nic->vlan, 0, sizeof(nic->vlan));
	nic->rss = false;
	nic->hash_types = 0;
	nic->reta_mask = nic->unclassified = 0;
	memset(nic->reta, 0, sizeof(nic->reta));
	vnicd_hash_key(nic, key, sizeof(key));
}

/* ---- features and configuration space --------------------------------------------- */
uint64_t vnicd_nic_features(const struct vnicd_nic *nic)
{
	return nic->conf.features;
}

int vnicd_nic_set_features(struct vnicd_nic *nic, uint64_t features)
{
	if ((features & ~nic->conf.features) != 0 || !consistent(features))
		return -EINVAL;
	nic->driver_features = features;
	vnicd_nic_defaults(nic);
	return 0;
}

static bool offers(const struct vnicd_nic *nic, uint64_t any)
{
	return (nic->conf.features & any) != 0;
}

static void fill_config(const struct vnicd_nic *nic, struct vnic_config *c)
{
	memset(c, 0, sizeof(*c));
	if (offers(nic, B(MAC)))
		memcpy(c->mac, &nic->mac, sizeof(c->mac));
	if (offers(nic, B(STATUS)))
		c->status = rte_cpu_to_le_16((nic->link_up ? VIRTIO_NET_S_LINK_UP : 0) |
					     (nic->announce ? VIRTIO_NET_S_ANNOUNCE : 0));
	if (offers(nic, B(MQ) | B(RSS)))
		c->max_virtqueue_pairs = rte_cpu_to_le_16(nic->conf.pairs);
	if (offers(nic, B(MTU)))
		c->mtu = rte_cpu_to_le_16(nic->conf.mtu);
	if (offers(nic, B(SPEED_DUPLEX))) {
		c->speed = rte_cpu_to_le_32(nic->conf.speed != 0 ? nic->conf.speed : UINT32_MAX);
		c->duplex = 1;
	}
	if (offers(nic, B(RSS) | B(HASH_REPORT))) {
		c->rss_max_key_size = VNICD_KEY_LEN;
		c->supported_hash_types = rte_cpu_to_le_32(VNICD_HASH_TYPES);
	}
	if (offers(nic, B(RSS)))
		c->rss_max_indirection_table_length = rte_cpu_to_le_16(VNICD_RETA_MAX);
}

int vnicd_nic_config(const struct vnicd_nic *nic, uint32_t off, void *buf, uint32_t len)
{
	struct vnic_config c;

	if (off > sizeof(c) || len > sizeof(c) - off)
		return -EINVAL;
	fill_config(nic, &c);
	memcpy(buf, (const uint8_t *)&c + off, len);
	return 0;
}

uint16_t vnicd_nic_queues(const struct vnicd_nic *nic)
{
	return (uint16_t)(2 * nic->conf.pairs + (offers(nic, B(CTRL_VQ)) ? 1 : 0));
}

uint16_t vnicd_nic_ctrl_vq(const struct vnicd_nic *nic)
{
	bool many = (nic->driver_features & (B(MQ) | B(RSS))) != 0;

	if (!vnicd_nic_has(nic, VIRTIO_NET_F_CTRL_VQ))
		return 0;
	return virtio_ctrlq_index(many ? nic->conf.pairs : 1);
}

void vnicd_nic_set_link(struct vnicd_nic *nic, bool up)
{
	nic->link_up = up;
}

void vnicd_nic_announce(struct vnicd_nic *nic)
{
	nic->announce = vnicd_nic_has(nic, VIRTIO_NET_F_GUEST_ANNOUNCE);
}

/* ---- telling the driver -------------------------------------------------------------- */
void vnicd_nic_mark(struct vnicd_nic *nic, uint16_t vq)
{
	nic->queue[vq].call_due = true;
	nic->queue[vq].untold++;
	nic->dirty[vq / 64] |= UINT64_C(1) << (vq % 64);
}

/* Published: tell the driver now, unless coalescing holds it back. */
static void flush_queue(struct vnicd_nic *nic, uint16_t vq)
{
	struct vnicd_queue *q = &nic->queue[vq];

	q->call_due = false;
	if (q->ring.running) {
		vnicd_ring_publish(&q->ring);
		if (vnicd_coal_hold(nic, vq))
			return;
	}
	q->hurry = false;
	q->untold = 0;
	q->untold_us = 0;
	if (!q->ring.running || !vnicd_ring_should_call(&q->ring))
		return;
	q->stats.interrupts++;
	if (nic->call != NULL)
		nic->call(nic, vq);
}

/* Pairs without a hole that can take packets. */
static uint16_t ready_pairs(struct vnicd_nic *nic)
{
	uint16_t n = 0;

	while (n < nic->active_pairs && vnicd_rx_ready(nic, n) != NULL)
		n++;
	return n;
}

void vnicd_nic_flush(struct vnicd_nic *nic)
{
	for (unsigned w = 0; w < RTE_DIM(nic->dirty); w++) {
		uint64_t bits = nic->dirty[w] | nic->held[w];

		nic->dirty[w] = nic->held[w] = 0;
		for (; bits != 0; bits &= bits - 1)
			flush_queue(nic, (uint16_t)(64 * w + (unsigned)__builtin_ctzll(bits)));
	}
	if (nic->active_pairs > 1)
		nic->spread = ready_pairs(nic);
}

void vnicd_nic_queue_stats(const struct vnicd_nic *nic, uint16_t vq, struct vnicd_queue_stats *out)
{
	*out = nic->queue[vq].stats;
	out->notifications += nic->queue[vq].ring.kicks; /* since the ring was started */
}
