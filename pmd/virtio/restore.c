/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device forgets by a reset and the driver's shadow remembers: commands
 * of the control queue (virtio 1.2, 5.1.6.5), each for one part of the shadow.
 */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/ethdev_private.h"

uint64_t vnic_start_ms(const struct vnic_dev *d)
{
	uint64_t ms = d->args.ctrl_start_ms != 0 ? d->args.ctrl_start_ms : d->args.reply_ms;

	return RTE_MIN(ms, __atomic_load_n(&d->args.ctrl_timeout_ms, __ATOMIC_RELAXED));
}

static int call(struct vnic_dev *d, uint8_t class, uint8_t cmd, uint8_t group, uint32_t key, const void *data,
		size_t len)
{
	const struct vnic_ctrl_request req = {
		.class = class, .cmd = cmd, .group = group, .key = key, .data = data, .len = len,
		.timeout_ms = d->starting ? vnic_start_ms(d) : 0,
	};

	return vnic_ctrl_ask(d, &req, NULL);
}

static int tell(struct vnic_dev *d, const char *what, int rc)
{
	if (rc < 0)
		VNIC_LOG(ERR, d, "the device does not take %s: %s", what, strerror(-rc));
	return rc;
}

int vnic_cmd_rx_mode(struct vnic_dev *d, uint8_t cmd, bool on)
{
	uint8_t data = on;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP;
	return call(d, VIRTIO_NET_CTRL_RX, cmd, VNIC_CTRL_RX_MODE, cmd, &data, sizeof(data));
}

int vnic_cmd_mac(struct vnic_dev *d, const struct rte_ether_addr *mac)
{
	if (!vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return -ENOTSUP;
	return call(d, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, VNIC_CTRL_MAC, 0, mac, sizeof(*mac));
}

/* 5.1.6.5.2: two tables back to back, each after its count. */
struct mac_table {
	uint8_t octets[2 * (4 + VNIC_MAX_MACS * RTE_ETHER_ADDR_LEN) + VNIC_MAX_MACS * RTE_ETHER_ADDR_LEN];
	size_t len;
};

static void put_macs(struct mac_table *t, const struct rte_ether_addr *macs, uint16_t n, bool multicast,
		     uint32_t *count)
{
	for (uint16_t i = 0; i < n; i++) {
		if (rte_is_zero_ether_addr(&macs[i]) || rte_is_multicast_ether_addr(&macs[i]) != multicast)
			continue;
		memcpy(t->octets + t->len, &macs[i], RTE_ETHER_ADDR_LEN);
		t->len += RTE_ETHER_ADDR_LEN;
		(*count)++;
	}
}

static void put_table(struct vnic_dev *d, struct mac_table *t, bool multicast)
{
	/* The port's own address is told by itself: in the table it would stay when the port gets another. */
	const uint16_t first = vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR) ? 1 : 0;
	size_t at = t->len;
	uint32_t n = 0;
	rte_le32_t count;

	t->len += sizeof(count);
	put_macs(t, d->macs + first, (uint16_t)(d->n_macs - first), multicast, &n);
	if (multicast)
		put_macs(t, d->mcast, d->n_mcast, true, &n);
	count = rte_cpu_to_le_32(n);
	memcpy(t->octets + at, &count, sizeof(count));
}

int vnic_cmd_mac_table(struct vnic_dev *d)
{
	struct mac_table t = { .len = 0 };

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP;
	put_table(d, &t, false);
	put_table(d, &t, true);
	return call(d, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VNIC_CTRL_MAC, 0, t.octets, t.len);
}

int vnic_cmd_vlan(struct vnic_dev *d, uint16_t vlan, bool on)
{
	rte_le16_t data = rte_cpu_to_le_16(vlan);

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VLAN))
		return -ENOTSUP;
	return call(d, VIRTIO_NET_CTRL_VLAN, on ? VIRTIO_NET_CTRL_VLAN_ADD : VIRTIO_NET_CTRL_VLAN_DEL,
		    VNIC_CTRL_VLAN, vlan, &data, sizeof(data));
}

/* ---- receive offloads (5.1.6.5.6) --------------------------------------------------------- */

#define GUEST_CSUM VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)
#define GUEST_LRO  (VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6))

uint64_t vnic_guest_offloads(const struct vnic_dev *d)
{
	return d->negotiated.word[0] & (GUEST_CSUM | GUEST_LRO) & ~d->guest_off;
}

int vnic_cmd_offloads(struct vnic_dev *d, uint64_t bits)
{
	rte_le64_t data = rte_cpu_to_le_64(bits);

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return -ENOTSUP;
	return call(d, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, VNIC_CTRL_OFFLOADS, 0, &data,
		    sizeof(data));
}

/* The device begins with everything that was negotiated. */
static int restore_offloads(struct vnic_dev *d)
{
	if (d->guest_off == 0)
		return 0;
	return tell(d, "the receive offloads", vnic_cmd_offloads(d, vnic_guest_offloads(d)));
}

/* ---- steering (5.1.6.5.5 to 5.1.6.5.7) ---------------------------------------------------- */

struct rss_command {
	struct vnic_ctrl_rss_head head;
	rte_le16_t table[VNIC_RETA_SIZE];
	struct vnic_ctrl_rss_tail tail;
	uint8_t key[VNIC_RSS_KEY_LEN];
} __attribute__((packed));

static bool spreads(const struct vnic_dev *d)
{
	return vnic_has(d, VIRTIO_NET_F_RSS) &&
	       (d->eth->data->dev_conf.rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) != 0;
}

static int rss_config(struct vnic_dev *d)
{
	struct rss_command c;

	c.head.hash_types = rte_cpu_to_le_32(vnic_rss_to_types(d->rss_hf) & d->limits.hash_types);
	c.head.indirection_table_mask = rte_cpu_to_le_16(VNIC_RETA_SIZE - 1);
	c.head.unclassified_queue = 0;
	for (unsigned i = 0; i < VNIC_RETA_SIZE; i++)
		c.table[i] = rte_cpu_to_le_16(d->reta[i]);
	c.tail.max_tx_vq = rte_cpu_to_le_16(d->pairs);
	c.tail.hash_key_length = VNIC_RSS_KEY_LEN;
	memcpy(c.key, d->rss_key, sizeof(c.key));
	return call(d, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, VNIC_CTRL_STEERING, 0, &c, sizeof(c));
}

/* A table of one entry, all reserved. */
static int hash_config(struct vnic_dev *d)
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
	return call(d, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, VNIC_CTRL_STEERING, 0, &c, sizeof(c));
}

static int pairs_set(struct vnic_dev *d)
{
	rte_le16_t data = rte_cpu_to_le_16(d->pairs);

	return call(d, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VNIC_CTRL_STEERING, 0, &data,
		    sizeof(data));
}

int vnic_cmd_steering(struct vnic_dev *d)
{
	int rc = 0;

	if (d->ctrl == NULL)
		return d->pairs == 1 ? 0 : -ENOTSUP;
	if (spreads(d))
		return rss_config(d);
	if (vnic_has(d, VIRTIO_NET_F_HASH_REPORT))
		rc = hash_config(d);
	/* One pair is what a reset leaves; with RSS active before, only this ends it. */
	if (rc == 0 && vnic_has(d, VIRTIO_NET_F_MQ))
		rc = pairs_set(d);
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int restore_filters(struct vnic_dev *d)
{
	int rc = 0;

	if (vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR) && memcmp(&d->mac, &d->limits.mac, sizeof(d->mac)) != 0)
		rc = tell(d, "the MAC address", vnic_cmd_mac(d, &d->mac));
	if (rc == 0 && vnic_has(d, VIRTIO_NET_F_CTRL_RX) && (d->n_macs > 1 || d->n_mcast > 0))
		rc = tell(d, "the table of MAC addresses", vnic_cmd_mac_table(d));
	if (rc == 0 && vnic_has(d, VIRTIO_NET_F_CTRL_RX)) {
		/* Devices begin promiscuous (QEMU's does): say it either way. */
		rc = tell(d, "promiscuous mode", vnic_cmd_rx_mode(d, VIRTIO_NET_CTRL_RX_PROMISC, d->promisc));
		if (rc == 0)
			rc = tell(d, "all-multicast mode",
				  vnic_cmd_rx_mode(d, VIRTIO_NET_CTRL_RX_ALLMULTI, d->allmulti));
	}
	return rc;
}

static int restore_vlans(struct vnic_dev *d)
{
	int rc = 0;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VLAN))
		return 0;
	for (uint16_t vlan = 0; vlan < 4096 && rc == 0; vlan++)
		if (d->vlan[vlan / 64] >> (vlan % 64) & 1)
			rc = tell(d, "a VLAN", vnic_cmd_vlan(d, vlan, true));
	return rc;
}

int vnic_device_restore(struct vnic_dev *d)
{
	int rc;

	if (d->ctrl == NULL)
		return 0;
	rc = tell(d, "the number of queues", vnic_cmd_steering(d));
	if (rc == 0)
		rc = restore_filters(d);
	if (rc == 0)
		rc = restore_vlans(d);
	if (rc == 0)
		rc = restore_offloads(d);
	if (rc == 0)
		vnic_coal_restore(d);
	return rc;
}
