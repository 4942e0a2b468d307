/* SPDX-License-Identifier: BSD-3-Clause */
/* The side of Linux: nothing of ours but the tables is included here. */
#include "tests/unit/virtio/uapi.h"

#include <endian.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#define NET(f)  { "VIRTIO_NET_F_" #f, VIRTIO_NET_F_##f }
#define RING(f) { "VIRTIO_F_" #f, VIRTIO_F_##f }
#define SAME(c) { #c, c }
#define SIZE(key, s) { key, sizeof(s) }
#define FIELD(key, s, f) { key, offsetof(s, f) }

const struct uapi_row uapi_theirs[] = {
	NET(CSUM),
	NET(GUEST_CSUM),
	NET(CTRL_GUEST_OFFLOADS),
	NET(MTU),
	NET(MAC),
	NET(GUEST_TSO4),
	NET(GUEST_TSO6),
	NET(GUEST_ECN),
	NET(GUEST_UFO),
	NET(HOST_TSO4),
	NET(HOST_TSO6),
	NET(HOST_ECN),
	NET(HOST_UFO),
	NET(MRG_RXBUF),
	NET(STATUS),
	NET(CTRL_VQ),
	NET(CTRL_RX),
	NET(CTRL_VLAN),
	NET(CTRL_RX_EXTRA),
	NET(GUEST_ANNOUNCE),
	NET(MQ),
	NET(CTRL_MAC_ADDR),
	NET(DEVICE_STATS),
	NET(VQ_NOTF_COAL),
	NET(NOTF_COAL),
	NET(GUEST_USO4),
	NET(GUEST_USO6),
	NET(HOST_USO),
	NET(HASH_REPORT),
	NET(GUEST_HDRLEN),
	NET(RSS),
	NET(RSC_EXT),
	NET(STANDBY),
	NET(SPEED_DUPLEX),
	NET(GSO),
	RING(VERSION_1),
	RING(ACCESS_PLATFORM),
	RING(RING_PACKED),
	RING(IN_ORDER),
	RING(ORDER_PLATFORM),
	RING(SR_IOV),
	RING(NOTIFICATION_DATA),
	RING(NOTIF_CONFIG_DATA),
	RING(RING_RESET),
	RING(ADMIN_VQ),
	RING(NOTIFY_ON_EMPTY),
	RING(ANY_LAYOUT),
	SAME(VIRTIO_NET_S_LINK_UP),
	SAME(VIRTIO_NET_S_ANNOUNCE),
	SAME(VIRTIO_NET_HDR_F_NEEDS_CSUM),
	SAME(VIRTIO_NET_HDR_F_DATA_VALID),
	SAME(VIRTIO_NET_HDR_F_RSC_INFO),
	SAME(VIRTIO_NET_HDR_GSO_NONE),
	SAME(VIRTIO_NET_HDR_GSO_TCPV4),
	SAME(VIRTIO_NET_HDR_GSO_UDP),
	SAME(VIRTIO_NET_HDR_GSO_TCPV6),
	SAME(VIRTIO_NET_HDR_GSO_UDP_L4),
	SAME(VIRTIO_NET_HDR_GSO_ECN),
	SAME(VIRTIO_NET_OK),
	SAME(VIRTIO_NET_ERR),
	SAME(VIRTIO_NET_CTRL_RX),
	SAME(VIRTIO_NET_CTRL_RX_PROMISC),
	SAME(VIRTIO_NET_CTRL_RX_ALLMULTI),
	SAME(VIRTIO_NET_CTRL_RX_ALLUNI),
	SAME(VIRTIO_NET_CTRL_RX_NOMULTI),
	SAME(VIRTIO_NET_CTRL_RX_NOUNI),
	SAME(VIRTIO_NET_CTRL_RX_NOBCAST),
	SAME(VIRTIO_NET_CTRL_MAC),
	SAME(VIRTIO_NET_CTRL_MAC_TABLE_SET),
	SAME(VIRTIO_NET_CTRL_MAC_ADDR_SET),
	SAME(VIRTIO_NET_CTRL_VLAN),
	SAME(VIRTIO_NET_CTRL_VLAN_ADD),
	SAME(VIRTIO_NET_CTRL_VLAN_DEL),
	SAME(VIRTIO_NET_CTRL_ANNOUNCE),
	SAME(VIRTIO_NET_CTRL_ANNOUNCE_ACK),
	SAME(VIRTIO_NET_CTRL_MQ),
	SAME(VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET),
	SAME(VIRTIO_NET_CTRL_MQ_RSS_CONFIG),
	SAME(VIRTIO_NET_CTRL_MQ_HASH_CONFIG),
	SAME(VIRTIO_NET_CTRL_GUEST_OFFLOADS),
	SAME(VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET),
	SAME(VIRTIO_NET_CTRL_NOTF_COAL),
	SAME(VIRTIO_NET_CTRL_NOTF_COAL_TX_SET),
	SAME(VIRTIO_NET_CTRL_NOTF_COAL_RX_SET),
	SAME(VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET),
	SAME(VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET),
	SAME(VIRTIO_NET_CTRL_STATS),
	SAME(VIRTIO_NET_CTRL_STATS_QUERY),
	SAME(VIRTIO_NET_CTRL_STATS_GET),
	SAME(VIRTIO_NET_HASH_REPORT_NONE),
	SAME(VIRTIO_NET_HASH_REPORT_IPv4),
	SAME(VIRTIO_NET_HASH_REPORT_TCPv4),
	SAME(VIRTIO_NET_HASH_REPORT_UDPv4),
	SAME(VIRTIO_NET_HASH_REPORT_IPv6),
	SAME(VIRTIO_NET_HASH_REPORT_TCPv6),
	SAME(VIRTIO_NET_HASH_REPORT_UDPv6),
	SAME(VIRTIO_NET_HASH_REPORT_IPv6_EX),
	SAME(VIRTIO_NET_HASH_REPORT_TCPv6_EX),
	SAME(VIRTIO_NET_HASH_REPORT_UDPv6_EX),
	{ "stats type RX_BASIC", VIRTIO_NET_STATS_TYPE_REPLY_RX_BASIC },
	{ "stats bit RX_BASIC", VIRTIO_NET_STATS_TYPE_RX_BASIC },
	{ "stats type RX_CSUM", VIRTIO_NET_STATS_TYPE_REPLY_RX_CSUM },
	{ "stats bit RX_CSUM", VIRTIO_NET_STATS_TYPE_RX_CSUM },
	{ "stats type RX_GSO", VIRTIO_NET_STATS_TYPE_REPLY_RX_GSO },
	{ "stats bit RX_GSO", VIRTIO_NET_STATS_TYPE_RX_GSO },
	{ "stats type RX_SPEED", VIRTIO_NET_STATS_TYPE_REPLY_RX_SPEED },
	{ "stats bit RX_SPEED", VIRTIO_NET_STATS_TYPE_RX_SPEED },
	{ "stats type TX_BASIC", VIRTIO_NET_STATS_TYPE_REPLY_TX_BASIC },
	{ "stats bit TX_BASIC", VIRTIO_NET_STATS_TYPE_TX_BASIC },
	{ "stats type TX_CSUM", VIRTIO_NET_STATS_TYPE_REPLY_TX_CSUM },
	{ "stats bit TX_CSUM", VIRTIO_NET_STATS_TYPE_TX_CSUM },
	{ "stats type TX_GSO", VIRTIO_NET_STATS_TYPE_REPLY_TX_GSO },
	{ "stats bit TX_GSO", VIRTIO_NET_STATS_TYPE_TX_GSO },
	{ "stats type TX_SPEED", VIRTIO_NET_STATS_TYPE_REPLY_TX_SPEED },
	{ "stats bit TX_SPEED", VIRTIO_NET_STATS_TYPE_TX_SPEED },
	{ "stats type CVQ", VIRTIO_NET_STATS_TYPE_REPLY_CVQ },
	{ "stats bit CVQ", VIRTIO_NET_STATS_TYPE_CVQ },
	{ "hash type IPv4", VIRTIO_NET_RSS_HASH_TYPE_IPv4 },
	{ "hash type TCPv4", VIRTIO_NET_RSS_HASH_TYPE_TCPv4 },
	{ "hash type UDPv4", VIRTIO_NET_RSS_HASH_TYPE_UDPv4 },
	{ "hash type IPv6", VIRTIO_NET_RSS_HASH_TYPE_IPv6 },
	{ "hash type TCPv6", VIRTIO_NET_RSS_HASH_TYPE_TCPv6 },
	{ "hash type UDPv6", VIRTIO_NET_RSS_HASH_TYPE_UDPv6 },
	{ "pairs at most", VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MAX },
	FIELD("config.mac", struct virtio_net_config, mac),
	FIELD("config.status", struct virtio_net_config, status),
	FIELD("config.max_virtqueue_pairs", struct virtio_net_config, max_virtqueue_pairs),
	FIELD("config.mtu", struct virtio_net_config, mtu),
	FIELD("config.speed", struct virtio_net_config, speed),
	FIELD("config.duplex", struct virtio_net_config, duplex),
	FIELD("config.rss_max_key_size", struct virtio_net_config, rss_max_key_size),
	FIELD("config.rss_max_indirection_table_length", struct virtio_net_config, rss_max_indirection_table_length),
	FIELD("config.supported_hash_types", struct virtio_net_config, supported_hash_types),
	SIZE("hdr", struct virtio_net_hdr_v1),
	FIELD("hdr.flags", struct virtio_net_hdr_v1, flags),
	FIELD("hdr.gso_type", struct virtio_net_hdr_v1, gso_type),
	FIELD("hdr.hdr_len", struct virtio_net_hdr_v1, hdr_len),
	FIELD("hdr.gso_size", struct virtio_net_hdr_v1, gso_size),
	FIELD("hdr.csum_start", struct virtio_net_hdr_v1, csum_start),
	FIELD("hdr.csum_offset", struct virtio_net_hdr_v1, csum_offset),
	FIELD("hdr.num_buffers", struct virtio_net_hdr_v1, num_buffers),
	SIZE("hdr_hash", struct virtio_net_hdr_v1_hash),
	FIELD("hdr_hash.hash_value", struct virtio_net_hdr_v1_hash, hash_value),
	FIELD("hdr_hash.hash_report", struct virtio_net_hdr_v1_hash, hash_report),
	FIELD("hdr_hash.padding", struct virtio_net_hdr_v1_hash, padding),
	SIZE("ctrl_hdr", struct virtio_net_ctrl_hdr),
	FIELD("ctrl_hdr.class", struct virtio_net_ctrl_hdr, class),
	FIELD("ctrl_hdr.cmd", struct virtio_net_ctrl_hdr, cmd),
	SIZE("coal", struct virtio_net_ctrl_coal),
	FIELD("coal.max_packets", struct virtio_net_ctrl_coal, max_packets),
	FIELD("coal.max_usecs", struct virtio_net_ctrl_coal, max_usecs),
	SIZE("coal_tx", struct virtio_net_ctrl_coal_tx),
	FIELD("coal_tx.max_packets", struct virtio_net_ctrl_coal_tx, tx_max_packets),
	FIELD("coal_tx.max_usecs", struct virtio_net_ctrl_coal_tx, tx_usecs),
	SIZE("coal_rx", struct virtio_net_ctrl_coal_rx),
	FIELD("coal_rx.max_packets", struct virtio_net_ctrl_coal_rx, rx_max_packets),
	FIELD("coal_rx.max_usecs", struct virtio_net_ctrl_coal_rx, rx_usecs),
	SIZE("coal_vq", struct virtio_net_ctrl_coal_vq),
	FIELD("coal_vq.vq_index", struct virtio_net_ctrl_coal_vq, vqn),
	FIELD("coal_vq.reserved", struct virtio_net_ctrl_coal_vq, reserved),
	FIELD("coal_vq.coal", struct virtio_net_ctrl_coal_vq, coal),
	SIZE("stats_request", struct virtio_net_ctrl_queue_stats),
	FIELD("stats_request.vq_index", struct virtio_net_ctrl_queue_stats, stats[0].vq_index),
	FIELD("stats_request.reserved", struct virtio_net_ctrl_queue_stats, stats[0].reserved),
	FIELD("stats_request.types_bitmap", struct virtio_net_ctrl_queue_stats, stats[0].types_bitmap),
	SIZE("stats_reply", struct virtio_net_stats_reply_hdr),
	FIELD("stats_reply.type", struct virtio_net_stats_reply_hdr, type),
	FIELD("stats_reply.reserved", struct virtio_net_stats_reply_hdr, reserved),
	FIELD("stats_reply.vq_index", struct virtio_net_stats_reply_hdr, vq_index),
	FIELD("stats_reply.reserved1", struct virtio_net_stats_reply_hdr, reserved1),
	FIELD("stats_reply.size", struct virtio_net_stats_reply_hdr, size),
	SIZE("rss_head", struct virtio_net_rss_config_hdr),
	FIELD("rss_head.hash_types", struct virtio_net_rss_config_hdr, hash_types),
	FIELD("rss_head.indirection_table_mask", struct virtio_net_rss_config_hdr, indirection_table_mask),
	FIELD("rss_head.unclassified_queue", struct virtio_net_rss_config_hdr, unclassified_queue),
	FIELD("rss_tail.max_tx_vq", struct virtio_net_rss_config_trailer, max_tx_vq),
	FIELD("rss_tail.hash_key_length", struct virtio_net_rss_config_trailer, hash_key_length),
	{ "VIRTIO_F_INDIRECT_DESC", VIRTIO_RING_F_INDIRECT_DESC },
	{ "VIRTIO_F_EVENT_IDX", VIRTIO_RING_F_EVENT_IDX },
	{ "status ACKNOWLEDGE", VIRTIO_CONFIG_S_ACKNOWLEDGE },
	{ "status DRIVER", VIRTIO_CONFIG_S_DRIVER },
	{ "status DRIVER_OK", VIRTIO_CONFIG_S_DRIVER_OK },
	{ "status FEATURES_OK", VIRTIO_CONFIG_S_FEATURES_OK },
	{ "status NEEDS_RESET", VIRTIO_CONFIG_S_NEEDS_RESET },
	{ "status FAILED", VIRTIO_CONFIG_S_FAILED },
	{ "VRING_DESC_F_NEXT", VRING_DESC_F_NEXT },
	{ "VRING_DESC_F_WRITE", VRING_DESC_F_WRITE },
	{ "VRING_DESC_F_INDIRECT", VRING_DESC_F_INDIRECT },
	{ "VRING_AVAIL_F_NO_INTERRUPT", VRING_AVAIL_F_NO_INTERRUPT },
	{ "VRING_USED_F_NO_NOTIFY", VRING_USED_F_NO_NOTIFY },
	{ "packed AVAIL", 1u << VRING_PACKED_DESC_F_AVAIL },
	{ "packed USED", 1u << VRING_PACKED_DESC_F_USED },
	{ "packed event ENABLE", VRING_PACKED_EVENT_FLAG_ENABLE },
	{ "packed event DISABLE", VRING_PACKED_EVENT_FLAG_DISABLE },
	{ "packed event DESC", VRING_PACKED_EVENT_FLAG_DESC },
	{ "desc", sizeof(struct vring_desc) },
	{ "desc.addr", offsetof(struct vring_desc, addr) },
	{ "desc.len", offsetof(struct vring_desc, len) },
	{ "desc.flags", offsetof(struct vring_desc, flags) },
	{ "desc.next", offsetof(struct vring_desc, next) },
	{ "used_elem", sizeof(struct vring_used_elem) },
	{ "used_elem.id", offsetof(struct vring_used_elem, id) },
	{ "used_elem.len", offsetof(struct vring_used_elem, len) },
	{ "avail.flags", offsetof(struct vring_avail, flags) },
	{ "avail.idx", offsetof(struct vring_avail, idx) },
	{ "avail.ring", offsetof(struct vring_avail, ring) },
	{ "used.flags", offsetof(struct vring_used, flags) },
	{ "used.idx", offsetof(struct vring_used, idx) },
	{ "used.ring", offsetof(struct vring_used, ring) },
	{ "packed_desc", sizeof(struct vring_packed_desc) },
	{ "packed_desc.addr", offsetof(struct vring_packed_desc, addr) },
	{ "packed_desc.len", offsetof(struct vring_packed_desc, len) },
	{ "packed_desc.id", offsetof(struct vring_packed_desc, id) },
	{ "packed_desc.flags", offsetof(struct vring_packed_desc, flags) },
	{ "packed_event", sizeof(struct vring_packed_desc_event) },
	{ "packed_event.off_wrap", offsetof(struct vring_packed_desc_event, off_wrap) },
	{ "packed_event.flags", offsetof(struct vring_packed_desc_event, flags) },
	{ "rss_head.table", offsetof(struct virtio_net_rss_config_hdr, indirection_table) },
	{ "rss_tail.key", offsetof(struct virtio_net_rss_config_trailer, hash_key_data) },
	{ "pci DEVICE_FEATURE_SELECT", VIRTIO_PCI_COMMON_DFSELECT },
	{ "pci DEVICE_FEATURE", VIRTIO_PCI_COMMON_DF },
	{ "pci DRIVER_FEATURE_SELECT", VIRTIO_PCI_COMMON_GFSELECT },
	{ "pci DRIVER_FEATURE", VIRTIO_PCI_COMMON_GF },
	{ "pci CONFIG_MSIX_VECTOR", VIRTIO_PCI_COMMON_MSIX },
	{ "pci NUM_QUEUES", VIRTIO_PCI_COMMON_NUMQ },
	{ "pci DEVICE_STATUS", VIRTIO_PCI_COMMON_STATUS },
	{ "pci CONFIG_GENERATION", VIRTIO_PCI_COMMON_CFGGENERATION },
	{ "pci QUEUE_SELECT", VIRTIO_PCI_COMMON_Q_SELECT },
	{ "pci QUEUE_SIZE", VIRTIO_PCI_COMMON_Q_SIZE },
	{ "pci QUEUE_MSIX_VECTOR", VIRTIO_PCI_COMMON_Q_MSIX },
	{ "pci QUEUE_ENABLE", VIRTIO_PCI_COMMON_Q_ENABLE },
	{ "pci QUEUE_NOTIFY_OFF", VIRTIO_PCI_COMMON_Q_NOFF },
	{ "pci QUEUE_DESC", VIRTIO_PCI_COMMON_Q_DESCLO },
	{ "pci QUEUE_DRIVER", VIRTIO_PCI_COMMON_Q_AVAILLO },
	{ "pci QUEUE_DEVICE", VIRTIO_PCI_COMMON_Q_USEDLO },
	{ "pci capability COMMON", VIRTIO_PCI_CAP_COMMON_CFG },
	{ "pci capability NOTIFY", VIRTIO_PCI_CAP_NOTIFY_CFG },
	{ "pci capability ISR", VIRTIO_PCI_CAP_ISR_CFG },
	{ "pci capability DEVICE", VIRTIO_PCI_CAP_DEVICE_CFG },
	{ "pci no vector", VIRTIO_MSI_NO_VECTOR },
};
const size_t uapi_theirs_n = sizeof(uapi_theirs) / sizeof(uapi_theirs[0]);

#define COUNTER(type, s, f) \
	{ VIRTIO_NET_STATS_TYPE_REPLY_##type, #f, offsetof(struct virtio_net_stats_##s, f) }
const struct uapi_counter uapi_counters[] = {
	COUNTER(RX_BASIC, rx_basic, rx_notifications),
	COUNTER(RX_BASIC, rx_basic, rx_packets),
	COUNTER(RX_BASIC, rx_basic, rx_bytes),
	COUNTER(RX_BASIC, rx_basic, rx_interrupts),
	COUNTER(RX_BASIC, rx_basic, rx_drops),
	COUNTER(RX_BASIC, rx_basic, rx_drop_overruns),
	COUNTER(RX_CSUM, rx_csum, rx_csum_valid),
	COUNTER(RX_CSUM, rx_csum, rx_needs_csum),
	COUNTER(RX_CSUM, rx_csum, rx_csum_none),
	COUNTER(RX_CSUM, rx_csum, rx_csum_bad),
	COUNTER(RX_GSO, rx_gso, rx_gso_packets),
	COUNTER(RX_GSO, rx_gso, rx_gso_bytes),
	COUNTER(RX_GSO, rx_gso, rx_gso_packets_coalesced),
	COUNTER(RX_GSO, rx_gso, rx_gso_bytes_coalesced),
	COUNTER(RX_SPEED, rx_speed, rx_ratelimit_packets),
	COUNTER(RX_SPEED, rx_speed, rx_ratelimit_bytes),
	COUNTER(TX_BASIC, tx_basic, tx_notifications),
	COUNTER(TX_BASIC, tx_basic, tx_packets),
	COUNTER(TX_BASIC, tx_basic, tx_bytes),
	COUNTER(TX_BASIC, tx_basic, tx_interrupts),
	COUNTER(TX_BASIC, tx_basic, tx_drops),
	COUNTER(TX_BASIC, tx_basic, tx_drop_malformed),
	COUNTER(TX_CSUM, tx_csum, tx_csum_none),
	COUNTER(TX_CSUM, tx_csum, tx_needs_csum),
	COUNTER(TX_GSO, tx_gso, tx_gso_packets),
	COUNTER(TX_GSO, tx_gso, tx_gso_bytes),
	COUNTER(TX_GSO, tx_gso, tx_gso_segments),
	COUNTER(TX_GSO, tx_gso, tx_gso_segments_bytes),
	COUNTER(TX_GSO, tx_gso, tx_gso_packets_noseg),
	COUNTER(TX_GSO, tx_gso, tx_gso_bytes_noseg),
	COUNTER(TX_SPEED, tx_speed, tx_ratelimit_packets),
	COUNTER(TX_SPEED, tx_speed, tx_ratelimit_bytes),
	COUNTER(CVQ, cvq, command_num),
	COUNTER(CVQ, cvq, ok_num),
};
const size_t uapi_counters_n = sizeof(uapi_counters) / sizeof(uapi_counters[0]);

size_t uapi_stats_request(void *buf, uint16_t vq, uint64_t types)
{
	struct virtio_net_ctrl_queue_stats *r = buf;

	memset(r, 0, sizeof(*r));
	r->stats[0].vq_index = htole16(vq);
	r->stats[0].types_bitmap[0] = htole64(types);
	return sizeof(*r);
}

size_t uapi_stats_capabilities(void *buf, uint64_t types)
{
	struct virtio_net_stats_capabilities *c = buf;

	c->supported_stats_types[0] = htole64(types);
	return sizeof(*c);
}

/* Every counter is a __le64 behind the header, one by one. */
static const struct {
	uint8_t type;
	size_t size;
} replies[] = {
#define REPLY(type, s) { VIRTIO_NET_STATS_TYPE_REPLY_##type, sizeof(struct virtio_net_stats_##s) }
	REPLY(RX_BASIC, rx_basic),
	REPLY(RX_CSUM, rx_csum),
	REPLY(RX_GSO, rx_gso),
	REPLY(RX_SPEED, rx_speed),
	REPLY(TX_BASIC, tx_basic),
	REPLY(TX_CSUM, tx_csum),
	REPLY(TX_GSO, tx_gso),
	REPLY(TX_SPEED, tx_speed),
	REPLY(CVQ, cvq),
};

size_t uapi_stats_reply(void *buf, uint8_t type, uint16_t vq, uint64_t base)
{
	struct virtio_net_stats_reply_hdr *h = buf;
	__le64 *counter = (__le64 *)(h + 1);
	size_t size = 0;

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (replies[i].type == type)
			size = replies[i].size;
	if (size == 0)
		return 0;
	memset(h, 0, sizeof(*h));
	h->type = type;
	h->vq_index = htole16(vq);
	h->size = htole16((uint16_t)size);
	for (size_t i = 0; i < (size - sizeof(*h)) / sizeof(*counter); i++)
		counter[i] = htole64(base + i + 1);
	return size;
}

size_t uapi_coal(void *buf, uint32_t packets, uint32_t usecs, int rx)
{
	struct virtio_net_ctrl_coal_rx *r = buf;
	struct virtio_net_ctrl_coal_tx *t = buf;

	if (rx) {
		r->rx_max_packets = htole32(packets);
		r->rx_usecs = htole32(usecs);
		return sizeof(*r);
	}
	t->tx_max_packets = htole32(packets);
	t->tx_usecs = htole32(usecs);
	return sizeof(*t);
}

size_t uapi_coal_vq(void *buf, uint16_t vq, uint32_t packets, uint32_t usecs)
{
	struct virtio_net_ctrl_coal_vq *c = buf;

	memset(c, 0, sizeof(*c));
	c->vqn = htole16(vq);
	c->coal.max_packets = htole32(packets);
	c->coal.max_usecs = htole32(usecs);
	return sizeof(*c);
}
