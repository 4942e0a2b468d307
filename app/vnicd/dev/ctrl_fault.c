/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/ctrl_fault.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "pmd/virtio/virtio_net.h"

#define ODD_TYPE  119     /* no type of statistics */
#define ODD_TYPES (UINT64_C(1) << 40 | UINT64_C(1) << 63)
#define MORE      16u     /* octets of two counters */

void vnicd_ctrl_faults_clear(struct vnicd_ctrl_faults *f)
{
	memset(f->left, 0, sizeof(f->left));
	f->late_us = 0;
	f->newest_first = false;
	f->only = VNICD_CTRL_ANY;
}

int vnicd_ctrl_faults_set(struct vnicd_ctrl_faults *f, enum vnicd_ctrl_fault kind, uint64_t value)
{
	if (kind < VNICD_CTRL_FAULTS_COUNTED) {
		f->left[kind] = value != 0 ? value : UINT64_MAX;
		return 0;
	}
	switch (kind) {
	case VNICD_CTRL_LATE:
		if (value > VNICD_CTRL_LATE_MAX_US)
			return -EINVAL;
		f->late_us = value;
		return 0;
	case VNICD_CTRL_ORDER:
		f->newest_first = value != 0;
		return 0;
	case VNICD_CTRL_ONLY:
		if (value > VNICD_CTRL_ANY)
			return -EINVAL;
		f->only = (uint8_t)value;
		return 0;
	default:
		return -EINVAL;
	}
}

bool vnicd_ctrl_faults_hit(struct vnicd_ctrl_faults *f, enum vnicd_ctrl_fault kind, const uint8_t *data,
			   uint32_t len)
{
	bool about = f->only == VNICD_CTRL_ANY || (len > 0 && data[0] == f->only);

	if (kind == VNICD_CTRL_LATE)
		return about && f->late_us != 0;
	if (kind >= VNICD_CTRL_FAULTS_COUNTED || !about || f->left[kind] == 0)
		return false;
	if (f->left[kind] != UINT64_MAX)
		f->left[kind]--;
	f->done[kind]++;
	return true;
}

/* ---- answers about statistics ------------------------------------------------------ */
static bool is_list(const struct vnicd_ctrl_cmd *cmd)
{
	return cmd->data[1] == VIRTIO_NET_CTRL_STATS_QUERY;
}

static void shorten(struct vnicd_ctrl_cmd *cmd, uint64_t chance)
{
	cmd->result_len -= RTE_MIN(cmd->result_len, 12u);
	if (is_list(cmd))
		cmd->result_len = 3;
}

static void lengthen(struct vnicd_ctrl_cmd *cmd, uint64_t chance)
{
	struct vnic_ctrl_stats_reply head;
	uint32_t end, room = RTE_MIN(cmd->chain.in_len - 1, VNICD_CTRL_MAX);

	if (is_list(cmd) || cmd->result_len < sizeof(head))
		return;
	memcpy(&head, cmd->result, sizeof(head));
	end = rte_le_to_cpu_16(head.size);
	head.size = rte_cpu_to_le_16((uint16_t)(end + MORE));
	/* What no longer fits falls off the end. */
	cmd->result_len = RTE_MIN(cmd->result_len, VNICD_CTRL_MAX - MORE);
	memmove(cmd->result + end + MORE, cmd->result + end, cmd->result_len - RTE_MIN(end, cmd->result_len));
	memset(cmd->result + end, 0xee, MORE);
	memcpy(cmd->result, &head, sizeof(head));
	cmd->result_len = RTE_MIN(cmd->result_len + MORE, room);
}

static void no_size(struct vnicd_ctrl_cmd *cmd, uint64_t chance)
{
	if (!is_list(cmd) && cmd->result_len >= sizeof(struct vnic_ctrl_stats_reply))
		memset(cmd->result + offsetof(struct vnic_ctrl_stats_reply, size), 0, sizeof(uint16_t));
}

static void garbage(struct vnicd_ctrl_cmd *cmd, uint64_t chance)
{
	for (uint32_t i = 0; i < cmd->result_len; i++) {
		chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		cmd->result[i] = (uint8_t)(chance >> 56);
	}
}

static void odd_type(struct vnicd_ctrl_cmd *cmd, uint64_t chance)
{
	uint64_t types;

	if (!is_list(cmd)) {
		cmd->result[offsetof(struct vnic_ctrl_stats_reply, type)] = ODD_TYPE;
		return;
	}
	memcpy(&types, cmd->result, sizeof(types));
	types |= rte_cpu_to_le_64(ODD_TYPES);
	memcpy(cmd->result, &types, sizeof(types));
}

static void spoil_stats(struct vnicd_ctrl_faults *f, struct vnicd_ctrl_cmd *cmd, uint64_t chance)
{
	static void (*const how[])(struct vnicd_ctrl_cmd *cmd, uint64_t chance) = {
		[VNICD_CTRL_STATS_SHORT] = shorten, [VNICD_CTRL_STATS_LONG] = lengthen,
		[VNICD_CTRL_STATS_ZERO] = no_size, [VNICD_CTRL_STATS_GARBAGE] = garbage,
		[VNICD_CTRL_STATS_UNKNOWN] = odd_type,
	};

	if (cmd->len < 2 || cmd->data[0] != VIRTIO_NET_CTRL_STATS || cmd->result_len < 8)
		return;
	for (unsigned kind = VNICD_CTRL_STATS_SHORT; kind <= VNICD_CTRL_STATS_UNKNOWN; kind++)
		if (vnicd_ctrl_faults_hit(f, (enum vnicd_ctrl_fault)kind, cmd->data, cmd->len))
			how[kind](cmd, chance);
}

void vnicd_ctrl_faults_run(struct vnicd_ctrl_faults *f, struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd,
			   uint64_t chance)
{
	if (vnicd_ctrl_faults_hit(f, VNICD_CTRL_FAIL, cmd->data, cmd->len)) {
		cmd->ack = VIRTIO_NET_ERR;
		cmd->result_len = 0;
		nic->ctrl_err++;
		return;
	}
	vnicd_ctrl_run(nic, cmd);
	spoil_stats(f, cmd, chance);
	if (vnicd_ctrl_faults_hit(f, VNICD_CTRL_ACK, cmd->data, cmd->len))
		cmd->ack = VNICD_CTRL_ACK_ODD;
}
