/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Negotiation (virtio 1.2, 2.2 and 5.1.3): which of the features that a device
 * offers this driver takes. One row a feature; a feature is taken when it is
 * offered, its row's question says yes and what it needs has been taken.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pmd/virtio/dev.h"

struct ask {
	const struct vnic_args *args;
	uint64_t rx, tx; /* RTE_ETH_RX_OFFLOAD_*, RTE_ETH_TX_OFFLOAD_* */
	uint32_t transport;
};

static bool always(const struct ask *a) { return true; }
static bool config(const struct ask *a) { return (a->transport & VNIC_TRANSPORT_CONFIG) != 0; }
static bool ctrl(const struct ask *a) { return a->args->ctrl && (a->transport & VNIC_TRANSPORT_CTRL) != 0; }
static bool ctrl_config(const struct ask *a) { return ctrl(a) && config(a); }
/* A device that reaches memory by itself; a vhost-user back end maps ours and
 * would ask for translations that nobody here answers. */
static bool platform(const struct ask *a) { return (a->transport & VNIC_TRANSPORT_VA) == 0; }
static bool announce(const struct ask *a) { return ctrl_config(a) && a->args->announce; }
static bool packed(const struct ask *a) { return a->args->packed; }
static bool in_order(const struct ask *a) { return a->args->in_order; }
static bool mrg_rxbuf(const struct ask *a) { return a->args->mrg_rxbuf; }
static bool indirect(const struct ask *a) { return a->args->indirect; }
static bool event_idx(const struct ask *a) { return a->args->event_idx; }

static bool tx_csum(const struct ask *a)
{
	return a->args->csum && (a->tx & (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
					  RTE_ETH_TX_OFFLOAD_TCP_TSO)) != 0;
}
static bool tx_tso(const struct ask *a)
{
	return a->args->tso && (a->tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
}
static bool rx_csum(const struct ask *a)
{
	return a->args->csum && (a->rx & (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
					  RTE_ETH_RX_OFFLOAD_TCP_LRO)) != 0;
}
static bool rx_tso(const struct ask *a)
{
	return a->args->guest_tso && (a->rx & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0;
}
static bool ctrl_offloads(const struct ask *a) { return ctrl(a) && rx_csum(a); }
static bool ctrl_vlan(const struct ask *a)
{
	return ctrl(a) && (a->rx & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) != 0;
}
static bool rx_hash(const struct ask *a)
{
	return ctrl_config(a) && (a->rx & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0;
}

#define NET(f)  VIRTIO_NET_F_##f, #f
#define RING(f) VIRTIO_F_##f, #f
#define NEED(f) VIRTIO_BIT(VIRTIO_NET_F_##f)

/* What a feature needs comes in a row before it. */
static const struct row {
	unsigned bit;
	const char *name;
	bool (*wanted)(const struct ask *a); /* NULL: this driver has no use for it */
	uint64_t needs;                      /* all of them */
} rows[] = {
	{ RING(VERSION_1), always, 0 },
	{ RING(ACCESS_PLATFORM), platform, 0 },
	{ RING(ORDER_PLATFORM), platform, 0 },
	{ RING(NOTIFICATION_DATA), platform, 0 },
	{ RING(RING_PACKED), packed, 0 },
	{ RING(IN_ORDER), in_order, 0 },
	{ RING(INDIRECT_DESC), indirect, 0 },
	{ RING(EVENT_IDX), event_idx, 0 },
	{ RING(RING_RESET), always, 0 },
	{ NET(MRG_RXBUF), mrg_rxbuf, 0 },
	{ NET(MAC), config, 0 },
	{ NET(STATUS), config, 0 },
	{ NET(MTU), config, 0 },
	{ NET(SPEED_DUPLEX), config, 0 },
	{ NET(CSUM), tx_csum, 0 },
	{ NET(HOST_TSO4), tx_tso, NEED(CSUM) },
	{ NET(HOST_TSO6), tx_tso, NEED(CSUM) },
	{ NET(GUEST_CSUM), rx_csum, 0 },
	/* Receive buffers of 64 KiB are not for us: large packets come in several. */
	{ NET(GUEST_TSO4), rx_tso, NEED(GUEST_CSUM) | NEED(MRG_RXBUF) },
	{ NET(GUEST_TSO6), rx_tso, NEED(GUEST_CSUM) | NEED(MRG_RXBUF) },
	{ NET(CTRL_VQ), ctrl, 0 },
	{ NET(CTRL_RX), ctrl, NEED(CTRL_VQ) },
	{ NET(GUEST_ANNOUNCE), announce, NEED(CTRL_VQ) | NEED(STATUS) },
	/* With it the device lets no VLAN through that it was not told of. */
	{ NET(CTRL_VLAN), ctrl_vlan, NEED(CTRL_VQ) },
	{ NET(CTRL_MAC_ADDR), ctrl, NEED(CTRL_VQ) },
	{ NET(MQ), ctrl_config, NEED(CTRL_VQ) },
	{ NET(RSS), ctrl_config, NEED(CTRL_VQ) },
	{ NET(HASH_REPORT), rx_hash, NEED(CTRL_VQ) },
	{ NET(CTRL_GUEST_OFFLOADS), ctrl_offloads, NEED(CTRL_VQ) | NEED(GUEST_CSUM) },
	{ NET(DEVICE_STATS), ctrl, NEED(CTRL_VQ) },
	{ NET(VQ_NOTF_COAL), ctrl, NEED(CTRL_VQ) },
	{ NET(NOTF_COAL), ctrl, NEED(CTRL_VQ) },
	/* Known by name only. */
	{ NET(GSO), NULL, 0 },
	{ NET(GUEST_ECN), NULL, 0 },
	{ NET(GUEST_UFO), NULL, 0 },
	{ NET(HOST_ECN), NULL, 0 },
	{ NET(HOST_UFO), NULL, 0 },
	{ NET(CTRL_RX_EXTRA), NULL, 0 },
	{ RING(NOTIFY_ON_EMPTY), NULL, 0 },
	{ VHOST_F_LOG_ALL, "LOG_ALL", NULL, 0 },
	{ RING(ANY_LAYOUT), NULL, 0 },
	{ VHOST_USER_F_PROTOCOL_FEATURES, "PROTOCOL_FEATURES", NULL, 0 },
	{ RING(SR_IOV), NULL, 0 },
	{ RING(NOTIF_CONFIG_DATA), NULL, 0 },
	{ RING(ADMIN_VQ), NULL, 0 },
	{ NET(HASH_TUNNEL), NULL, 0 },
	{ NET(GUEST_USO4), NULL, 0 },
	{ NET(GUEST_USO6), NULL, 0 },
	{ NET(HOST_USO), NULL, 0 },
	{ NET(GUEST_HDRLEN), NULL, 0 },
	{ NET(RSC_EXT), NULL, 0 },
	{ NET(STANDBY), NULL, 0 },
};

struct vnic_features vnic_feature_select(const struct vnic_args *args, const struct vnic_features *offered,
					 uint64_t rx_offloads, uint64_t tx_offloads, uint32_t transport_flags)
{
	const struct ask ask = { args, rx_offloads, tx_offloads, transport_flags };
	struct vnic_features taken = { { 0, 0 } };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		const struct row *r = &rows[i];

		if ((offered->word[0] & VIRTIO_BIT(r->bit)) == 0 || r->wanted == NULL || !r->wanted(&ask))
			continue;
		if ((taken.word[0] & r->needs) == r->needs)
			taken.word[0] |= VIRTIO_BIT(r->bit);
	}
	return taken;
}

static const char *name_of(unsigned bit)
{
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		if (rows[i].bit == bit)
			return rows[i].name;
	return NULL;
}

const char *vnic_feature_names(const struct vnic_features *f, char *buf, size_t len)
{
	size_t n = 0;

	if (len > 0)
		buf[0] = '\0';
	for (unsigned bit = 0; bit < 128 && n < len; bit++) {
		const char *name = name_of(bit);

		if ((f->word[bit / 64] >> (bit % 64) & 1) == 0)
			continue;
		if (name != NULL)
			n += snprintf(buf + n, len - n, "%s%s", n > 0 ? " " : "", name);
		else
			n += snprintf(buf + n, len - n, "%sbit%u", n > 0 ? " " : "", bit);
	}
	return buf;
}
