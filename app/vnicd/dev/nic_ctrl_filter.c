/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters as the driver sets them (virtio 1.2, 5.1.6.5.1 to 5.1.6.5.3). */
#include <string.h>

#include <rte_byteorder.h>

#include "app/vnicd/dev/nic_ctrl.h"
#include "app/vnicd/dev/nic_private.h"

bool vnicd_ctrl_rx_mode(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	bool *const mode[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC] = &nic->promisc, [VIRTIO_NET_CTRL_RX_ALLMULTI] = &nic->allmulti,
		[VIRTIO_NET_CTRL_RX_ALLUNI] = &nic->alluni, [VIRTIO_NET_CTRL_RX_NOMULTI] = &nic->nomulti,
		[VIRTIO_NET_CTRL_RX_NOUNI] = &nic->nouni, [VIRTIO_NET_CTRL_RX_NOBCAST] = &nic->nobcast,
	};

	if (data[0] > 1)
		return false;
	*mode[cmd->data[1]] = data[0] != 0;
	return true;
}

/* A count and that many addresses at *data; NULL: not all there. */
static const uint8_t *table_part(const uint8_t **data, uint32_t *len, uint32_t *n)
{
	const uint8_t *at = *data + 4;
	rte_le32_t count;

	if (*len < 4)
		return NULL;
	memcpy(&count, *data, sizeof(count));
	*n = rte_le_to_cpu_32(count);
	*len -= 4;
	if (*n > *len / RTE_ETHER_ADDR_LEN)
		return NULL;
	*len -= *n * RTE_ETHER_ADDR_LEN;
	*data = at + *n * RTE_ETHER_ADDR_LEN;
	return at;
}

bool vnicd_ctrl_mac_table(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	uint32_t n_uni, n_multi;
	const uint8_t *uni = table_part(&data, &len, &n_uni);
	const uint8_t *multi = uni != NULL ? table_part(&data, &len, &n_multi) : NULL;

	if (uni == NULL || multi == NULL || len != 0)
		return false;
	nic->unicast_overflow = n_uni > VNICD_MACS_MAX;
	if (nic->unicast_overflow)
		n_uni = 0;
	nic->multicast_overflow = n_multi > VNICD_MACS_MAX - n_uni;
	if (nic->multicast_overflow)
		n_multi = 0;
	memcpy(nic->macs, uni, n_uni * RTE_ETHER_ADDR_LEN);
	memcpy(nic->macs + n_uni, multi, n_multi * RTE_ETHER_ADDR_LEN);
	nic->n_unicast = (uint16_t)n_uni;
	nic->n_multicast = (uint16_t)n_multi;
	nic->filter_macs = true;
	return true;
}

bool vnicd_ctrl_mac_addr(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	struct rte_ether_addr mac;

	memcpy(&mac, data, sizeof(mac));
	if (!rte_is_valid_assigned_ether_addr(&mac))
		return false;
	nic->mac = mac;
	return true;
}

bool vnicd_ctrl_vlan(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len)
{
	unsigned vlan = data[0] | (unsigned)data[1] << 8;
	uint64_t bit = UINT64_C(1) << (vlan % 64);

	if (vlan > RTE_ETHER_MAX_VLAN_ID)
		return false;
	if (cmd->data[1] == VIRTIO_NET_CTRL_VLAN_ADD)
		nic->vlan[vlan / 64] |= bit;
	else
		nic->vlan[vlan / 64] &= ~bit;
	return true;
}
