/* SPDX-License-Identifier: BSD-3-Clause */
/* Device statistics (virtio 1.4, 5.1.6.5.10): types, and their counters in the order of the wire. */
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/vnicd/dev/nic_ctrl.h"
#include "app/vnicd/dev/nic_private.h"

#define COUNTERS_MAX 6
#define AT(field) (uint16_t)(offsetof(struct vnicd_queue_stats, field) / sizeof(uint64_t))
#define NEVER UINT16_MAX /* a counter of what this device does not do: 0 */
#define NET(f) VIRTIO_BIT(VIRTIO_NET_F_##f)

enum side { RX, TX, CTRL };

static const struct type {
	uint8_t type;
	enum side side;
	uint64_t needs;  /* one of them, of what was negotiated; 0: nothing */
	uint8_t n;
	uint16_t counter[COUNTERS_MAX];
} types[] = {
	{ VIRTIO_NET_STATS_TYPE_RX_BASIC, RX, 0, 6,
	  { AT(notifications), AT(packets), AT(bytes), AT(interrupts), AT(drops), AT(overruns) } },
	{ VIRTIO_NET_STATS_TYPE_RX_CSUM, RX, NET(GUEST_CSUM), 4,
	  { AT(csum_valid), AT(csum_needed), AT(csum_none), AT(csum_bad) } },
	{ VIRTIO_NET_STATS_TYPE_RX_GSO, RX, NET(GUEST_TSO4) | NET(GUEST_TSO6), 4,
	  { AT(gso_packets), AT(gso_bytes), AT(gso_segments), AT(gso_segment_bytes) } },
	{ VIRTIO_NET_STATS_TYPE_RX_SPEED, RX, 0, 2, { NEVER, NEVER } },
	{ VIRTIO_NET_STATS_TYPE_TX_BASIC, TX, 0, 6,
	  { AT(notifications), AT(packets), AT(bytes), AT(interrupts), AT(drops), AT(malformed) } },
	{ VIRTIO_NET_STATS_TYPE_TX_CSUM, TX, NET(CSUM), 2, { AT(csum_none), AT(csum_needed) } },
	{ VIRTIO_NET_STATS_TYPE_TX_GSO, TX, NET(HOST_TSO4) | NET(HOST_TSO6) | NET(HOST_USO), 6,
	  { AT(gso_packets), AT(gso_bytes), AT(gso_segments), AT(gso_segment_bytes), AT(noseg_packets),
	    AT(noseg_bytes) } },
	{ VIRTIO_NET_STATS_TYPE_TX_SPEED, TX, 0, 2, { NEVER, NEVER } },
	{ VIRTIO_NET_STATS_TYPE_CVQ, CTRL, 0, 2, { 0, 0 } },
};

static bool available(const struct vnicd_nic *nic, const struct type *t)
{
	if ((nic->stats_hidden >> t->type & 1) != 0)
		return false;
	return t->needs == 0 || (nic->driver_features & t->needs) != 0;
}

bool vnicd_ctrl_stats_query(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < RTE_DIM(types); i++)
		if (available(nic, &types[i]))
			bits |= UINT64_C(1) << types[i].type;
	bits = rte_cpu_to_le_64(bits);
	memcpy(cmd->result, &bits, sizeof(bits));
	cmd->result_len = sizeof(bits);
	return true;
}

static uint64_t counter(const struct vnicd_nic *nic, uint16_t vq, const struct type *t, unsigned i)
{
	struct vnicd_queue_stats s;
	uint64_t value;

	if (t->side == CTRL)
		return i == 0 ? nic->ctrl_ok + nic->ctrl_err : nic->ctrl_ok;
	if (t->counter[i] == NEVER)
		return 0;
	vnicd_nic_queue_stats(nic, vq, &s);
	memcpy(&value, (const uint64_t *)&s + t->counter[i], sizeof(value));
	return value;
}

/* One type of one queue behind what is there; false: no room. */
static bool append(const struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, uint16_t vq, const struct type *t)
{
	struct vnic_ctrl_stats_reply head = {
		.type = t->type,
		.vq_index = rte_cpu_to_le_16(vq),
		.size = rte_cpu_to_le_16((uint16_t)(sizeof(head) + 8 * t->n)),
	};
	uint8_t *at = cmd->result + cmd->result_len;

	if (sizeof(head) + 8u * t->n > VNICD_CTRL_MAX - cmd->result_len)
		return false;
	memcpy(at, &head, sizeof(head));
	for (unsigned i = 0; i < t->n; i++) {
		uint64_t value = rte_cpu_to_le_64(counter(nic, vq, t, i));

		memcpy(at + sizeof(head) + 8 * i, &value, sizeof(value));
	}
	cmd->result_len += sizeof(head) + 8u * t->n;
	return true;
}

static bool side_of(const struct vnicd_nic *nic, uint16_t vq, enum side *side)
{
	if (vq == vnicd_nic_ctrl_vq(nic)) {
		*side = CTRL;
		return true;
	}
	*side = vq % 2 == 0 ? RX : TX;
	return vq < 2 * nic->conf.pairs;
}

/* All types that an entry asks for, or none: one that the queue has not fails the command. */
static bool answer(const struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const struct vnic_ctrl_stats_request *r)
{
	uint64_t bits = rte_le_to_cpu_64(r->types_bitmap);
	uint16_t vq = rte_le_to_cpu_16(r->vq_index);
	enum side side;

	if (!side_of(nic, vq, &side))
		return false;
	for (unsigned i = 0; i < RTE_DIM(types); i++) {
		if ((bits >> types[i].type & 1) == 0)
			continue;
		bits &= ~(UINT64_C(1) << types[i].type);
		if (types[i].side != side || !available(nic, &types[i]) || !append(nic, cmd, vq, &types[i]))
			return false;
	}
	return bits == 0;
}

bool vnicd_ctrl_stats_get(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	struct vnic_ctrl_stats_request r;

	if (len == 0 || len % sizeof(r) != 0)
		return false;
	for (uint32_t at = 0; at < len; at += sizeof(r)) {
		memcpy(&r, data + at, sizeof(r));
		if (!answer(nic, cmd, &r))
			return false;
	}
	return true;
}
