/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration space (virtio 1.2, 5.1.4): fields of features that are
 * offered, and only those; a value outside its range refuses the device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "pmd/virtio/dev.h"

static bool offers(const struct vnic_dev *d, unsigned feature)
{
	return (d->offered.word[0] & VIRTIO_BIT(feature)) != 0;
}

static bool has_config(const struct vnic_dev *d)
{
	return (d->transport_flags & VNIC_TRANSPORT_CONFIG) != 0 && d->ops->config_read != NULL;
}

#define READ(d, cfg, from, to)                                                                     \
	(d)->ops->config_read((d), offsetof(struct vnic_config, from), &(cfg)->from,                   \
			      offsetof(struct vnic_config, to) + sizeof((cfg)->to) - offsetof(struct vnic_config, from))

static int load_mac(struct vnic_dev *d, struct vnic_limits *l)
{
	struct vnic_config cfg;
	int rc;

	if (!has_config(d) || !offers(d, VIRTIO_NET_F_MAC))
		return 0;
	rc = READ(d, &cfg, mac, mac);
	if (rc < 0)
		return rc;
	memcpy(&l->mac, cfg.mac, sizeof(l->mac));
	if (!rte_is_valid_assigned_ether_addr(&l->mac)) {
		VNIC_LOG(ERR, d, "the device has the MAC address " RTE_ETHER_ADDR_PRT_FMT,
			 RTE_ETHER_ADDR_BYTES(&l->mac));
		return -EINVAL;
	}
	return 0;
}

/* Where the device tells nothing: the arguments, up to the queues there are. */
static uint16_t pairs_from_args(struct vnic_dev *d)
{
	uint16_t queues = d->ops->queue_count != NULL ? d->ops->queue_count(d) : 0;
	uint16_t pairs = d->args.queues != 0 ? d->args.queues : 1;

	return queues >= 2 ? RTE_MIN(pairs, (uint16_t)(queues / 2)) : pairs;
}

/* Pairs count as far as somebody can switch them on: the control queue, or the transport. */
static int load_pairs(struct vnic_dev *d, struct vnic_limits *l)
{
	struct vnic_config cfg;
	uint16_t pairs;
	int rc;

	if (!has_config(d) || (!offers(d, VIRTIO_NET_F_MQ) && !offers(d, VIRTIO_NET_F_RSS))) {
		l->max_pairs = (d->transport_flags & VNIC_TRANSPORT_CTRL) != 0 ? 1 : pairs_from_args(d);
		return 0;
	}
	rc = READ(d, &cfg, max_virtqueue_pairs, max_virtqueue_pairs);
	if (rc < 0)
		return rc;
	pairs = rte_le_to_cpu_16(cfg.max_virtqueue_pairs);
	if (pairs == 0 || pairs > VIRTIO_NET_MAX_PAIRS) {
		VNIC_LOG(ERR, d, "the device has %u pairs of queues, not 1 to %u", pairs, VIRTIO_NET_MAX_PAIRS);
		return -EINVAL;
	}
	l->max_pairs = pairs;
	return 0;
}

static int load_mtu(struct vnic_dev *d, struct vnic_limits *l)
{
	struct vnic_config cfg;
	int rc;

	if (!has_config(d) || !offers(d, VIRTIO_NET_F_MTU))
		return 0;
	rc = READ(d, &cfg, mtu, mtu);
	if (rc < 0)
		return rc;
	l->mtu = rte_le_to_cpu_16(cfg.mtu);
	if (l->mtu < VIRTIO_NET_MIN_MTU) {
		VNIC_LOG(ERR, d, "the device has an MTU of %u, below %u", l->mtu, VIRTIO_NET_MIN_MTU);
		return -EINVAL;
	}
	return 0;
}

static int load_rss(struct vnic_dev *d, struct vnic_limits *l)
{
	bool rss = offers(d, VIRTIO_NET_F_RSS);
	struct vnic_config cfg;
	int rc;

	if (!has_config(d) || (!rss && !offers(d, VIRTIO_NET_F_HASH_REPORT)))
		return 0;
	rc = READ(d, &cfg, rss_max_key_size, rss_max_key_size);
	if (rc == 0)
		rc = READ(d, &cfg, supported_hash_types, supported_hash_types);
	if (rc == 0 && rss)
		rc = READ(d, &cfg, rss_max_indirection_table_length, rss_max_indirection_table_length);
	if (rc < 0)
		return rc;
	l->rss_key_max = cfg.rss_max_key_size;
	l->hash_types = rte_le_to_cpu_32(cfg.supported_hash_types);
	l->reta_max = rss ? rte_le_to_cpu_16(cfg.rss_max_indirection_table_length) : 0;
	if (l->rss_key_max < VIRTIO_NET_RSS_MIN_KEY) {
		VNIC_LOG(ERR, d, "the device takes RSS keys of %u octets, fewer than %u", l->rss_key_max,
			 VIRTIO_NET_RSS_MIN_KEY);
		return -EINVAL;
	}
	if (rss && l->reta_max < VIRTIO_NET_RSS_MIN_RETA) {
		VNIC_LOG(ERR, d, "the device takes RSS tables of %u entries, fewer than %u", l->reta_max,
			 VIRTIO_NET_RSS_MIN_RETA);
		return -EINVAL;
	}
	return 0;
}

int vnic_config_load(struct vnic_dev *d)
{
	static int (*const loads[])(struct vnic_dev *, struct vnic_limits *) = {
		load_mac, load_pairs, load_mtu, load_rss,
	};
	struct vnic_limits l = { .max_pairs = 1 };
	int rc;

	for (unsigned i = 0; i < RTE_DIM(loads); i++) {
		rc = loads[i](d, &l);
		if (rc == -EAGAIN)
			VNIC_LOG(ERR, d, "the configuration space changes faster than it can be read");
		if (rc < 0)
			return rc;
	}
	if (d->args.mtu != 0)
		l.mtu = l.mtu != 0 ? RTE_MIN(l.mtu, d->args.mtu) : d->args.mtu;
	d->limits = l;
	return 0;
}

static void speed_of(struct vnic_dev *d, uint32_t *speed, uint8_t *duplex)
{
	struct vnic_config cfg;

	*speed = d->args.speed != 0 ? d->args.speed : RTE_ETH_SPEED_NUM_UNKNOWN;
	*duplex = RTE_ETH_LINK_FULL_DUPLEX;
	if (d->args.speed != 0 || !has_config(d) || !vnic_has(d, VIRTIO_NET_F_SPEED_DUPLEX))
		return;
	if (READ(d, &cfg, speed, duplex) < 0)
		return;
	/* All ones says unknown, and nothing else above 2^31 - 1 is allowed to be said. */
	if (rte_le_to_cpu_32(cfg.speed) <= INT32_MAX && cfg.speed != 0)
		*speed = rte_le_to_cpu_32(cfg.speed);
	if (cfg.duplex == 0)
		*duplex = RTE_ETH_LINK_HALF_DUPLEX;
}

bool vnic_config_link(struct vnic_dev *d)
{
	struct vnic_config cfg;
	bool up = d->state == VNIC_RUNNING, asked = false, changed;
	uint32_t speed = d->speed;
	uint8_t duplex = d->duplex;

	if (up && has_config(d) && vnic_has(d, VIRTIO_NET_F_STATUS)) {
		up = READ(d, &cfg, status, status) == 0 &&
		     (rte_le_to_cpu_16(cfg.status) & VIRTIO_NET_S_LINK_UP) != 0;
		asked = up && vnic_has(d, VIRTIO_NET_F_GUEST_ANNOUNCE) &&
			(rte_le_to_cpu_16(cfg.status) & VIRTIO_NET_S_ANNOUNCE) != 0;
	}
	__atomic_store_n(&d->announce_asked, asked, __ATOMIC_RELAXED);
	if (up)
		speed_of(d, &speed, &duplex);
	changed = up != d->link_up || speed != d->speed || duplex != d->duplex;
	d->link_up = up;
	d->speed = speed;
	d->duplex = duplex;
	return changed;
}
