/* SPDX-License-Identifier: BSD-3-Clause */
/* Which packets the driver wants (virtio 1.2, 5.1.6.5.1 to 5.1.6.5.3). */
#include "app/vnicd/dev/nic_private.h"

static bool in_table(const struct rte_ether_addr *table, unsigned n, const struct rte_ether_addr *mac)
{
	for (unsigned i = 0; i < n; i++)
		if (rte_is_same_ether_addr(&table[i], mac))
			return true;
	return false;
}

static bool vlan_pass(const struct vnicd_nic *nic, uint16_t vlan)
{
	/* A tag of VLAN 0 carries a priority and nothing else. */
	if (!vnicd_nic_has(nic, VIRTIO_NET_F_CTRL_VLAN) || vlan == VNICD_VLAN_NONE || vlan == 0)
		return true;
	return (nic->vlan[vlan / 64] >> (vlan % 64)) & 1;
}

static bool multicast_pass(const struct vnicd_nic *nic, const struct rte_ether_addr *mac)
{
	if (rte_is_broadcast_ether_addr(mac))
		return !nic->nobcast;
	if (nic->nomulti)
		return false;
	if (nic->allmulti || nic->multicast_overflow || !nic->filter_macs)
		return true;
	return in_table(nic->macs + nic->n_unicast, nic->n_multicast, mac);
}

static bool unicast_pass(const struct vnicd_nic *nic, const struct rte_ether_addr *mac)
{
	if (nic->nouni)
		return false;
	if (nic->alluni || nic->unicast_overflow || rte_is_same_ether_addr(&nic->mac, mac))
		return true;
	return in_table(nic->macs, nic->n_unicast, mac);
}

bool vnicd_filter_pass(const struct vnicd_nic *nic, const struct vnicd_look *l)
{
	const struct rte_ether_addr *mac = (const struct rte_ether_addr *)l->b;

	if (nic->promisc)
		return true;
	if (!vlan_pass(nic, l->vlan))
		return false;
	/* A driver that cannot say what it wants gets everything. */
	if (!vnicd_nic_has(nic, VIRTIO_NET_F_CTRL_RX))
		return true;
	return rte_is_multicast_ether_addr(mac) ? multicast_pass(nic, mac) : unicast_pass(nic, mac);
}
