/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs, steering, hashes and offloads as the driver sets them (virtio 1.2, 5.1.6.5.4 to 5.1.6.5.8). */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/vnicd/dev/nic_ctrl.h"
#include "app/vnicd/dev/nic_private.h"

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static void set_pairs(struct vnicd_nic *nic, uint16_t pairs)
{
	nic->active_pairs = pairs;
	nic->spread = RTE_MIN(nic->spread, pairs); /* to what is ready: at the next flush */
}

bool vnicd_ctrl_pairs(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	uint16_t pairs = le16(data);

	if (pairs == 0 || pairs > nic->conf.pairs)
		return false;
	set_pairs(nic, pairs);
	nic->rss = false; /* the later of the two ways to steer counts */
	return true;
}

/* Everything of RSS_CONFIG and HASH_CONFIG, where it lies. */
struct rss {
	uint32_t types;
	uint16_t mask, unclassified, max_tx;
	const uint8_t *table, *key;
	uint8_t key_len;
};

static bool rss_parse(struct rss *r, const uint8_t *data, uint32_t len)
{
	const uint32_t head = sizeof(struct vnic_ctrl_rss_head), tail = sizeof(struct vnic_ctrl_rss_tail);
	uint32_t table;

	if (len < head + tail)
		return false;
	r->types = le32(data);
	r->mask = le16(data + 4);
	r->unclassified = le16(data + 6);
	if (!rte_is_power_of_2(r->mask + 1u) || r->mask >= VNICD_RETA_MAX)
		return false;
	table = 2 * (r->mask + 1u);
	if (len < head + table + tail)
		return false;
	r->table = data + head;
	r->max_tx = le16(r->table + table);
	r->key_len = r->table[table + 2];
	r->key = r->table + table + tail;
	return r->key_len <= VNICD_KEY_LEN && len == head + table + tail + r->key_len &&
	       (r->types & ~VNICD_HASH_TYPES) == 0;
}

static void set_hash(struct vnicd_nic *nic, const struct rss *r)
{
	nic->hash_types = r->types;
	if (r->key_len != 0)
		vnicd_hash_key(nic, r->key, r->key_len);
}

bool vnicd_ctrl_rss(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	struct rss r;

	if (!rss_parse(&r, data, len))
		return false;
	if (r.max_tx == 0 || r.max_tx > nic->conf.pairs || r.unclassified >= nic->conf.pairs)
		return false;
	for (unsigned i = 0; i <= r.mask; i++)
		if (le16(r.table + 2 * i) >= nic->conf.pairs)
			return false;
	for (unsigned i = 0; i <= r.mask; i++)
		nic->reta[i] = le16(r.table + 2 * i);
	nic->reta_mask = r.mask;
	nic->unclassified = r.unclassified;
	set_hash(nic, &r);
	set_pairs(nic, r.max_tx);
	nic->rss = true;
	return true;
}

bool vnicd_ctrl_hash(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	struct rss r;

	/* Of the same shape, with everything about queues 0. */
	if (!rss_parse(&r, data, len) || r.mask != 0)
		return false;
	set_hash(nic, &r);
	return true;
}

bool vnicd_ctrl_offloads(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	uint64_t bits = le32(data) | (uint64_t)le32(data + 4) << 32;

	if ((bits & ~(nic->driver_features & VNICD_GUEST_OFFLOADS)) != 0)
		return false;
	/* Segments whose checksum is not partial: there are none. */
	if ((bits & VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)) == 0 && bits != 0)
		return false;
	nic->guest_offloads = bits;
	return true;
}

bool vnicd_ctrl_announce(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	nic->announce = false;
	return true;
}
