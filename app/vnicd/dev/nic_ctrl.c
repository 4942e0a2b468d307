/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/nic_ctrl.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"

#define ANY_LEN UINT16_MAX

static const struct command {
	uint8_t class, cmd, feature;
	uint16_t len; /* of the data, exactly; ANY_LEN: fn looks */
	vnicd_ctrl_fn fn;
} commands[] = {
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, VIRTIO_NET_F_CTRL_RX, 1, vnicd_ctrl_rx_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, VIRTIO_NET_F_CTRL_RX, 1, vnicd_ctrl_rx_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLUNI, VIRTIO_NET_F_CTRL_RX_EXTRA, 1, vnicd_ctrl_rx_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOMULTI, VIRTIO_NET_F_CTRL_RX_EXTRA, 1, vnicd_ctrl_rx_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, VIRTIO_NET_F_CTRL_RX_EXTRA, 1, vnicd_ctrl_rx_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, VIRTIO_NET_F_CTRL_RX_EXTRA, 1, vnicd_ctrl_rx_mode },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VIRTIO_NET_F_CTRL_RX, ANY_LEN, vnicd_ctrl_mac_table },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, VIRTIO_NET_F_CTRL_MAC_ADDR, 6, vnicd_ctrl_mac_addr },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, VIRTIO_NET_F_CTRL_VLAN, 2, vnicd_ctrl_vlan },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, VIRTIO_NET_F_CTRL_VLAN, 2, vnicd_ctrl_vlan },
	{ VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, VIRTIO_NET_F_GUEST_ANNOUNCE, 0,
	  vnicd_ctrl_announce },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VIRTIO_NET_F_MQ, 2, vnicd_ctrl_pairs },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, VIRTIO_NET_F_RSS, ANY_LEN, vnicd_ctrl_rss },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, VIRTIO_NET_F_HASH_REPORT, ANY_LEN, vnicd_ctrl_hash },
	{ VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, 8,
	  vnicd_ctrl_offloads },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, VIRTIO_NET_F_NOTF_COAL, 8,
	  vnicd_ctrl_coal_all },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, VIRTIO_NET_F_NOTF_COAL, 8,
	  vnicd_ctrl_coal_all },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, VIRTIO_NET_F_VQ_NOTF_COAL, 12,
	  vnicd_ctrl_coal_set },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET, VIRTIO_NET_F_VQ_NOTF_COAL, ANY_LEN,
	  vnicd_ctrl_coal_get },
	{ VIRTIO_NET_CTRL_STATS, VIRTIO_NET_CTRL_STATS_QUERY, VIRTIO_NET_F_DEVICE_STATS, 0, vnicd_ctrl_stats_query },
	{ VIRTIO_NET_CTRL_STATS, VIRTIO_NET_CTRL_STATS_GET, VIRTIO_NET_F_DEVICE_STATS, ANY_LEN,
	  vnicd_ctrl_stats_get },
};

static const struct command *find(const struct vnicd_nic *nic, const uint8_t *data, uint32_t len)
{
	for (size_t i = 0; i < RTE_DIM(commands); i++) {
		const struct command *c = &commands[i];

		if (c->class == data[0] && c->cmd == data[1] && vnicd_nic_has(nic, c->feature) &&
		    (c->len == ANY_LEN || c->len == len))
			return c;
	}
	return NULL;
}

int vnicd_ctrl_take(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd)
{
	struct vnicd_queue *q = &nic->queue[vnicd_nic_ctrl_vq(nic)];
	struct vnicd_cursor at;
	int rc;

	if (vnicd_nic_ctrl_vq(nic) == 0 || !q->ring.running)
		return 0;
	rc = vnicd_ring_next(&q->ring, &cmd->chain, cmd->iov, VNICD_CHAIN_MAX);
	if (rc <= 0)
		return rc;
	at = vnicd_cursor(cmd->iov, cmd->chain.n_out);
	/* One octet more than any command may have shows that it is too long. */
	cmd->len = (uint32_t)vnicd_cursor_read(&at, cmd->data, RTE_MIN(cmd->chain.out_len, VNICD_CTRL_MAX));
	cmd->ack = VIRTIO_NET_ERR;
	cmd->result_len = 0;
	return 1;
}

void vnicd_ctrl_run(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd)
{
	const uint32_t head = sizeof(struct vnic_ctrl_hdr);
	const struct command *c = NULL;

	cmd->ack = VIRTIO_NET_ERR;
	cmd->result_len = 0;
	nic->queue[vnicd_nic_ctrl_vq(nic)].stats.packets++;
	if (cmd->len >= head && cmd->chain.out_len == cmd->len)
		c = find(nic, cmd->data, cmd->len - head);
	/* Counted first: what a command reports includes itself. */
	nic->ctrl_ok++;
	if (c != NULL && c->fn(nic, cmd, cmd->data + head, cmd->len - head) &&
	    cmd->chain.in_len >= 1 + cmd->result_len) {
		cmd->ack = VIRTIO_NET_OK;
		return;
	}
	nic->ctrl_ok--;
	nic->ctrl_err++;
	cmd->result_len = 0;
}

void vnicd_ctrl_answer(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd)
{
	uint16_t vq = vnicd_nic_ctrl_vq(nic);
	struct vnicd_ring *r = &nic->queue[vq].ring;
	struct vnicd_cursor at = vnicd_cursor(cmd->iov + cmd->chain.n_out, cmd->chain.n_in);
	uint32_t written;

	if (vq == 0 || !r->running)
		return;
	written = (uint32_t)vnicd_cursor_write(&at, &cmd->ack, 1);
	written += (uint32_t)vnicd_cursor_write(&at, cmd->result, cmd->result_len);
	vnicd_ring_used(r, &cmd->chain, written);
	vnicd_nic_mark(nic, vq);
}

void vnicd_nic_ctrl(struct vnicd_nic *nic)
{
	uint16_t vq = vnicd_nic_ctrl_vq(nic);

	/* A ring's worth at most: data is not to wait for a driver that never stops asking. */
	for (unsigned i = 0; i < nic->queue[vq].ring.conf.size; i++) {
		if (vnicd_ctrl_take(nic, nic->ctrl) <= 0)
			return;
		vnicd_ctrl_run(nic, nic->ctrl);
		vnicd_ctrl_answer(nic, nic->ctrl);
	}
}
