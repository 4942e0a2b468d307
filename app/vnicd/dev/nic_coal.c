/* SPDX-License-Identifier: BSD-3-Clause */
/* Notification coalescing (virtio 1.2, 5.1.6.5.9): what the driver set, and when it is told. */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/vnicd/dev/nic_ctrl.h"
#include "app/vnicd/dev/nic_private.h"
#include "pmd/base/clock.h"

static uint64_t now_us(const struct vnicd_nic *nic)
{
	return nic->clock_us != NULL ? nic->clock_us() : clock_now_us();
}

/* A queue's own parameters are lost with its reset; then it has those of its direction. */
static const struct vnicd_coal *in_force(const struct vnicd_nic *nic, uint16_t vq)
{
	if (nic->queue[vq].ring.marked)
		return &nic->queue[vq].coal;
	return vq % 2 == 0 ? &nic->coal_rx : &nic->coal_tx;
}

static bool coalesces(const struct vnicd_nic *nic, uint16_t vq)
{
	return vnicd_nic_has(nic, VIRTIO_NET_F_NOTF_COAL) || vnicd_nic_has(nic, VIRTIO_NET_F_VQ_NOTF_COAL) ?
	       vq != vnicd_nic_ctrl_vq(nic) : false;
}

struct vnicd_coal vnicd_nic_coal(const struct vnicd_nic *nic, uint16_t vq)
{
	return coalesces(nic, vq) ? *in_force(nic, vq) : (struct vnicd_coal){ 0, 0 };
}

bool vnicd_coal_hold(struct vnicd_nic *nic, uint16_t vq)
{
	struct vnicd_queue *q = &nic->queue[vq];
	const struct vnicd_coal *c = in_force(nic, vq);
	uint64_t now;

	if (q->hurry || !coalesces(nic, vq) || c->max_packets == 0 || c->max_usecs == 0 || q->untold >= c->max_packets)
		return false;
	now = now_us(nic);
	if (q->untold_us == 0) {
		q->untold_us = RTE_MAX(now, UINT64_C(1));
		q->stats.held_back++;
	}
	if (now - q->untold_us >= c->max_usecs)
		return false;
	nic->held[vq / 64] |= UINT64_C(1) << (vq % 64);
	return true;
}

bool vnicd_nic_hurry(struct vnicd_nic *nic, uint16_t vq)
{
	nic->queue[vq].hurry = (nic->held[vq / 64] >> (vq % 64) & 1) != 0;
	return nic->queue[vq].hurry;
}

int64_t vnicd_nic_due(const struct vnicd_nic *nic)
{
	int64_t next = -1;

	for (unsigned w = 0; w < RTE_DIM(nic->held); w++) {
		for (uint64_t bits = nic->held[w]; bits != 0; bits &= bits - 1) {
			uint16_t vq = (uint16_t)(64 * w + (unsigned)__builtin_ctzll(bits));
			uint64_t end = nic->queue[vq].untold_us + in_force(nic, vq)->max_usecs, now = now_us(nic);
			int64_t left = end > now ? (int64_t)(end - now) : 0;

			if (next < 0 || left < next)
				next = left;
		}
	}
	return next;
}

/* ---- commands ------------------------------------------------------------------------ */
/* A time as this device can keep it. */
static uint32_t rounded(const struct vnicd_nic *nic, uint32_t us)
{
	uint32_t step = RTE_MAX(nic->coal_step_us, 1u), over = us % step;

	return over == 0 || us > UINT32_MAX - step ? us : us - over + step;
}

static struct vnicd_coal parse(const struct vnicd_nic *nic, const uint8_t *data)
{
	struct vnic_ctrl_coal c;

	memcpy(&c, data, sizeof(c));
	return (struct vnicd_coal){ rte_le_to_cpu_32(c.max_packets), rounded(nic, rte_le_to_cpu_32(c.max_usecs)) };
}

/* What has gathered is judged anew at the next flush. */
bool vnicd_ctrl_coal_all(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	bool rx = cmd->data[1] == VIRTIO_NET_CTRL_NOTF_COAL_RX_SET;

	*(rx ? &nic->coal_rx : &nic->coal_tx) = parse(nic, data);
	for (uint16_t vq = rx ? 0 : 1; vq < 2 * nic->conf.pairs; vq += 2)
		nic->queue[vq].ring.marked = false;
	return true;
}

/* The queue that a command is about; -1: there is none, or it does not run. */
static int queue_of(const struct vnicd_nic *nic, const uint8_t *data)
{
	uint16_t vq = (uint16_t)(data[0] | data[1] << 8);

	return vq < 2 * nic->conf.pairs && coalesces(nic, vq) && nic->queue[vq].ring.running ? vq : -1;
}

bool vnicd_ctrl_coal_set(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	int vq = queue_of(nic, data);

	if (vq < 0)
		return false;
	nic->queue[vq].coal = parse(nic, data + offsetof(struct vnic_ctrl_coal_vq, coal));
	nic->queue[vq].ring.marked = true;
	return true;
}

/* Some drivers leave out the reserved half of the request. */
bool vnicd_ctrl_coal_get(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	struct vnic_ctrl_coal out;
	int vq = len == 2 || len == 4 ? queue_of(nic, data) : -1;

	if (vq < 0)
		return false;
	out.max_packets = rte_cpu_to_le_32(in_force(nic, (uint16_t)vq)->max_packets);
	out.max_usecs = rte_cpu_to_le_32(in_force(nic, (uint16_t)vq)->max_usecs);
	memcpy(cmd->result, &out, sizeof(out));
	cmd->result_len = sizeof(out);
	return true;
}
