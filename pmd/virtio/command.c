/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of the control queue (virtio 1.2, 5.1.6.5) for parts of the shadow: made here, and run one by one;
 * restore.c runs all of them together.
 */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/ethdev_private.h"

uint64_t vnic_start_ms(const struct vnic_dev *d)
{
	uint64_t ms = d->args.ctrl_start_ms != 0 ? d->args.ctrl_start_ms : d->args.reply_ms;

	return RTE_MIN(ms, __atomic_load_n(&d->args.ctrl_timeout_ms, __ATOMIC_RELAXED));
}

/* The payload follows by add(). */
static void begin(struct vnic_cmd *m, uint8_t class, uint8_t cmd, uint8_t group, uint32_t key)
{
	m->req = (struct vnic_ctrl_request){ .class = class, .cmd = cmd, .group = group, .key = key, .data = m->octets };
}

static void add(struct vnic_cmd *m, const void *octets, size_t len)
{
	memcpy(m->octets + m->req.len, octets, len);
	m->req.len += len;
}

static int run(struct vnic_dev *d, struct vnic_cmd *m)
{
	m->req.timeout_ms = vnic_starting(d) ? vnic_start_ms(d) : 0;
	return vnic_ctrl_ask(d, &m->req, NULL);
}

/* ---- what comes in (5.1.6.5.1 to 5.1.6.5.3) --------------------------------------------------- */

void vnic_make_rx_mode(struct vnic_cmd *m, uint8_t cmd, bool on)
{
	uint8_t data = on;

	begin(m, VIRTIO_NET_CTRL_RX, cmd, VNIC_CTRL_RX_MODE, cmd);
	add(m, &data, sizeof(data));
}

int vnic_cmd_rx_mode(struct vnic_dev *d, uint8_t cmd, bool on)
{
	struct vnic_cmd m;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP;
	vnic_make_rx_mode(&m, cmd, on);
	return run(d, &m);
}

void vnic_make_mac(struct vnic_cmd *m, const struct rte_ether_addr *mac)
{
	begin(m, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, VNIC_CTRL_MAC, 0);
	add(m, mac, sizeof(*mac));
}

int vnic_cmd_mac(struct vnic_dev *d, const struct rte_ether_addr *mac)
{
	struct vnic_cmd m;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return -ENOTSUP;
	vnic_make_mac(&m, mac);
	return run(d, &m);
}

static uint32_t add_macs(struct vnic_cmd *m, const struct rte_ether_addr *macs, uint16_t n, bool multicast)
{
	uint32_t count = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (rte_is_zero_ether_addr(&macs[i]) || rte_is_multicast_ether_addr(&macs[i]) != multicast)
			continue;
		add(m, &macs[i], RTE_ETHER_ADDR_LEN);
		count++;
	}
	return count;
}

static void add_table(struct vnic_cmd *m, const struct vnic_dev *d, bool multicast)
{
	/* The port's own address is told by itself: in the table it would stay when the port gets another. */
	const uint16_t first = vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR) ? 1 : 0;
	size_t at = m->req.len;
	rte_le32_t count = 0;
	uint32_t n;

	add(m, &count, sizeof(count));
	n = add_macs(m, d->macs + first, (uint16_t)(d->n_macs - first), multicast);
	if (multicast)
		n += add_macs(m, d->mcast, d->n_mcast, true);
	count = rte_cpu_to_le_32(n);
	memcpy(m->octets + at, &count, sizeof(count));
}

/* 5.1.6.5.2: two tables back to back, each after its count. */
void vnic_make_mac_table(struct vnic_cmd *m, const struct vnic_dev *d)
{
	begin(m, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VNIC_CTRL_MAC, 0);
	add_table(m, d, false);
	add_table(m, d, true);
}
static_assert(2 * sizeof(rte_le32_t) + 2 * VNIC_MAX_MACS * RTE_ETHER_ADDR_LEN <= VNIC_CMD_OCTETS, "both tables");

int vnic_cmd_mac_table(struct vnic_dev *d)
{
	struct vnic_cmd m;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP;
	vnic_make_mac_table(&m, d);
	return run(d, &m);
}

void vnic_make_vlan(struct vnic_cmd *m, uint16_t vlan, bool on)
{
	rte_le16_t data = rte_cpu_to_le_16(vlan);

	begin(m, VIRTIO_NET_CTRL_VLAN, on ? VIRTIO_NET_CTRL_VLAN_ADD : VIRTIO_NET_CTRL_VLAN_DEL, VNIC_CTRL_VLAN, vlan);
	add(m, &data, sizeof(data));
}

int vnic_cmd_vlan(struct vnic_dev *d, uint16_t vlan, bool on)
{
	struct vnic_cmd m;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VLAN))
		return -ENOTSUP;
	vnic_make_vlan(&m, vlan, on);
	return run(d, &m);
}

/* ---- receive offloads (5.1.6.5.6) --------------------------------------------------------- */

#define GUEST_CSUM VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)
#define GUEST_LRO  (VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6))

uint64_t vnic_guest_offloads(const struct vnic_dev *d)
{
	return d->negotiated.word[0] & (GUEST_CSUM | GUEST_LRO) & ~d->guest_off;
}

void vnic_make_offloads(struct vnic_cmd *m, uint64_t bits)
{
	rte_le64_t data = rte_cpu_to_le_64(bits);

	begin(m, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, VNIC_CTRL_OFFLOADS, 0);
	add(m, &data, sizeof(data));
}

int vnic_cmd_offloads(struct vnic_dev *d, uint64_t bits)
{
	struct vnic_cmd m;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return -ENOTSUP;
	vnic_make_offloads(&m, bits);
	return run(d, &m);
}

/* ---- steering (5.1.6.5.5 to 5.1.6.5.7) ---------------------------------------------------- */

static void begin_steering(struct vnic_cmd *m, uint8_t cmd)
{
	begin(m, VIRTIO_NET_CTRL_MQ, cmd, VNIC_CTRL_STEERING, 0);
}

void vnic_make_rss(struct vnic_cmd *m, const struct vnic_dev *d)
{
	struct {
		struct vnic_ctrl_rss_head head;
		rte_le16_t table[VNIC_RETA_SIZE];
		struct vnic_ctrl_rss_tail tail;
		uint8_t key[VNIC_RSS_KEY_LEN];
	} __attribute__((packed)) c;

	static_assert(sizeof(c) <= VNIC_CMD_OCTETS, "one command");
	c.head.hash_types = rte_cpu_to_le_32(vnic_rss_to_types(d->rss_hf) & d->limits.hash_types);
	c.head.indirection_table_mask = rte_cpu_to_le_16(VNIC_RETA_SIZE - 1);
	c.head.unclassified_queue = 0;
	for (unsigned i = 0; i < VNIC_RETA_SIZE; i++)
		c.table[i] = rte_cpu_to_le_16(d->reta[i]);
	c.tail.max_tx_vq = rte_cpu_to_le_16(d->pairs);
	c.tail.hash_key_length = VNIC_RSS_KEY_LEN;
	memcpy(c.key, d->rss_key, sizeof(c.key));
	begin_steering(m, VIRTIO_NET_CTRL_MQ_RSS_CONFIG);
	add(m, &c, sizeof(c));
}

/* A table of one entry, all reserved. */
void vnic_make_hash(struct vnic_cmd *m, const struct vnic_dev *d)
{
	struct {
		struct vnic_ctrl_rss_head head;
		rte_le16_t reserved;
		struct vnic_ctrl_rss_tail tail;
		uint8_t key[VNIC_RSS_KEY_LEN];
	} __attribute__((packed)) c;

	memset(&c, 0, sizeof(c));
	c.head.hash_types = rte_cpu_to_le_32(vnic_rss_to_types(d->rss_hf) & d->limits.hash_types);
	c.tail.hash_key_length = VNIC_RSS_KEY_LEN;
	memcpy(c.key, d->rss_key, sizeof(c.key));
	begin_steering(m, VIRTIO_NET_CTRL_MQ_HASH_CONFIG);
	add(m, &c, sizeof(c));
}

void vnic_make_pairs(struct vnic_cmd *m, const struct vnic_dev *d)
{
	rte_le16_t data = rte_cpu_to_le_16(d->pairs);

	begin_steering(m, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET);
	add(m, &data, sizeof(data));
}

bool vnic_spreads(const struct vnic_dev *d)
{
	return vnic_has(d, VIRTIO_NET_F_RSS) &&
	       (d->eth->data->dev_conf.rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) != 0;
}

int vnic_cmd_steering(struct vnic_dev *d)
{
	struct vnic_cmd m;
	int rc = 0;

	if (d->ctrl == NULL)
		return d->pairs == 1 ? 0 : -ENOTSUP;
	if (vnic_spreads(d)) {
		vnic_make_rss(&m, d);
		return run(d, &m);
	}
	if (vnic_has(d, VIRTIO_NET_F_HASH_REPORT)) {
		vnic_make_hash(&m, d);
		rc = run(d, &m);
	}
	/* One pair is what a reset leaves; with RSS active before, only this ends it. */
	if (rc == 0 && vnic_has(d, VIRTIO_NET_F_MQ)) {
		vnic_make_pairs(&m, d);
		rc = run(d, &m);
	}
	return rc;
}
