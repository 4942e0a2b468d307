/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wire formats of a virtio network device (virtio 1.2, section 5.1, and the
 * additions of 1.4): feature bits, configuration space, packet header, control
 * commands. Used by the driver and by the device side alike.
 *
 * All fields of several octets are little-endian (VERSION_1 is always
 * negotiated): vle16 and so on are converted by rte_le_to_cpu_16() at the edge.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <assert.h>
#include <stdint.h>

#include <rte_byteorder.h>

/* Feature bits, by number. */
enum virtio_feature {
	VIRTIO_NET_F_CSUM = 0,
	VIRTIO_NET_F_GUEST_CSUM = 1,
	VIRTIO_NET_F_CTRL_GUEST_OFFLOADS = 2,
	VIRTIO_NET_F_MTU = 3,
	VIRTIO_NET_F_MAC = 5,
	VIRTIO_NET_F_GSO = 6, /* legacy */
	VIRTIO_NET_F_GUEST_TSO4 = 7,
	VIRTIO_NET_F_GUEST_TSO6 = 8,
	VIRTIO_NET_F_GUEST_ECN = 9,
	VIRTIO_NET_F_GUEST_UFO = 10,
	VIRTIO_NET_F_HOST_TSO4 = 11,
	VIRTIO_NET_F_HOST_TSO6 = 12,
	VIRTIO_NET_F_HOST_ECN = 13,
	VIRTIO_NET_F_HOST_UFO = 14,
	VIRTIO_NET_F_MRG_RXBUF = 15,
	VIRTIO_NET_F_STATUS = 16,
	VIRTIO_NET_F_CTRL_VQ = 17,
	VIRTIO_NET_F_CTRL_RX = 18,
	VIRTIO_NET_F_CTRL_VLAN = 19,
	VIRTIO_NET_F_CTRL_RX_EXTRA = 20,
	VIRTIO_NET_F_GUEST_ANNOUNCE = 21,
	VIRTIO_NET_F_MQ = 22,
	VIRTIO_NET_F_CTRL_MAC_ADDR = 23,
	VIRTIO_F_NOTIFY_ON_EMPTY = 24, /* legacy */
	VHOST_F_LOG_ALL = 26,
	VIRTIO_F_ANY_LAYOUT = 27, /* legacy */
	VIRTIO_F_INDIRECT_DESC = 28,
	VIRTIO_F_EVENT_IDX = 29,
	VHOST_USER_F_PROTOCOL_FEATURES = 30,
	VIRTIO_F_VERSION_1 = 32,
	VIRTIO_F_ACCESS_PLATFORM = 33,
	VIRTIO_F_RING_PACKED = 34,
	VIRTIO_F_IN_ORDER = 35,
	VIRTIO_F_ORDER_PLATFORM = 36,
	VIRTIO_F_SR_IOV = 37,
	VIRTIO_F_NOTIFICATION_DATA = 38,
	VIRTIO_F_NOTIF_CONFIG_DATA = 39,
	VIRTIO_F_RING_RESET = 40,
	VIRTIO_F_ADMIN_VQ = 41,
	VIRTIO_NET_F_DEVICE_STATS = 50,
	VIRTIO_NET_F_HASH_TUNNEL = 51,
	VIRTIO_NET_F_VQ_NOTF_COAL = 52,
	VIRTIO_NET_F_NOTF_COAL = 53,
	VIRTIO_NET_F_GUEST_USO4 = 54,
	VIRTIO_NET_F_GUEST_USO6 = 55,
	VIRTIO_NET_F_HOST_USO = 56,
	VIRTIO_NET_F_HASH_REPORT = 57,
	VIRTIO_NET_F_GUEST_HDRLEN = 59,
	VIRTIO_NET_F_RSS = 60,
	VIRTIO_NET_F_RSC_EXT = 61,
	VIRTIO_NET_F_STANDBY = 62,
	VIRTIO_NET_F_SPEED_DUPLEX = 63,
};

#define VIRTIO_BIT(f) (UINT64_C(1) << (f))

/* Device status (2.1). */
enum virtio_status {
	VIRTIO_STATUS_RESET = 0,
	VIRTIO_STATUS_ACKNOWLEDGE = 1,
	VIRTIO_STATUS_DRIVER = 2,
	VIRTIO_STATUS_DRIVER_OK = 4,
	VIRTIO_STATUS_FEATURES_OK = 8,
	VIRTIO_STATUS_NEEDS_RESET = 64,
	VIRTIO_STATUS_FAILED = 128,
};

/* Configuration space (5.1.4). */
struct vnic_config {
	uint8_t mac[6];
	rte_le16_t status;              /* VIRTIO_NET_S_* */
	rte_le16_t max_virtqueue_pairs;
	rte_le16_t mtu;
	rte_le32_t speed;               /* Mbit/s; all ones: unknown */
	uint8_t duplex;                 /* 0 half, 1 full, 0xff unknown */
	uint8_t rss_max_key_size;
	rte_le16_t rss_max_indirection_table_length;
	rte_le32_t supported_hash_types;
	rte_le32_t supported_tunnel_types;
} __attribute__((packed));
static_assert(sizeof(struct vnic_config) == 28, "configuration space");

#define VIRTIO_NET_S_LINK_UP  1u
#define VIRTIO_NET_S_ANNOUNCE 2u

/* Limits of the specification. */
#define VIRTIO_NET_MAX_PAIRS    0x8000u
#define VIRTIO_NET_MIN_MTU      68u
#define VIRTIO_NET_RSS_MIN_KEY  40u
#define VIRTIO_NET_RSS_MIN_RETA 128u

/* Packet header (5.1.6): 12 octets, 20 with HASH_REPORT, on both directions. */
struct vnic_net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	rte_le16_t hdr_len;
	rte_le16_t gso_size;
	rte_le16_t csum_start;
	rte_le16_t csum_offset;
	rte_le16_t num_buffers; /* 0 when sent by the driver */
} __attribute__((packed, aligned(2)));
static_assert(sizeof(struct vnic_net_hdr) == 12, "packet header");

struct vnic_net_hdr_hash {
	struct vnic_net_hdr hdr;
	rte_le32_t hash_value;
	rte_le16_t hash_report;
	rte_le16_t padding;
} __attribute__((packed, aligned(2)));
static_assert(sizeof(struct vnic_net_hdr_hash) == 20, "packet header with hash");

#define VIRTIO_NET_HDR_F_NEEDS_CSUM 1u
#define VIRTIO_NET_HDR_F_DATA_VALID 2u
#define VIRTIO_NET_HDR_F_RSC_INFO   4u

#define VIRTIO_NET_HDR_GSO_NONE   0u
#define VIRTIO_NET_HDR_GSO_TCPV4  1u
#define VIRTIO_NET_HDR_GSO_UDP    3u
#define VIRTIO_NET_HDR_GSO_TCPV6  4u
#define VIRTIO_NET_HDR_GSO_UDP_L4 5u
#define VIRTIO_NET_HDR_GSO_ECN    0x80u /* beside one of the others */

/* hash_report; the bit of a hash type is the value less 1. */
enum virtio_hash_report {
	VIRTIO_NET_HASH_REPORT_NONE = 0,
	VIRTIO_NET_HASH_REPORT_IPv4 = 1,
	VIRTIO_NET_HASH_REPORT_TCPv4 = 2,
	VIRTIO_NET_HASH_REPORT_UDPv4 = 3,
	VIRTIO_NET_HASH_REPORT_IPv6 = 4,
	VIRTIO_NET_HASH_REPORT_TCPv6 = 5,
	VIRTIO_NET_HASH_REPORT_UDPv6 = 6,
	VIRTIO_NET_HASH_REPORT_IPv6_EX = 7,
	VIRTIO_NET_HASH_REPORT_TCPv6_EX = 8,
	VIRTIO_NET_HASH_REPORT_UDPv6_EX = 9,
};
#define VIRTIO_NET_HASH_TYPE(report) (1u << ((report) - 1))

/* Largest packet of a guest offload: header apart. */
#define VIRTIO_NET_MAX_GSO 65550u

/* Virtqueue numbers (5.1.2). */
static inline uint16_t virtio_rxq_index(uint16_t queue)
{
	return (uint16_t)(2 * queue);
}
static inline uint16_t virtio_txq_index(uint16_t queue)
{
	return (uint16_t)(2 * queue + 1);
}
/* max_pairs: the device's own, not the number in use; 1 without MQ and RSS. */
static inline uint16_t virtio_ctrlq_index(uint16_t max_pairs)
{
	return (uint16_t)(2 * max_pairs);
}

/* ---- control queue (5.1.6.5) ---------------------------------------------- */
struct vnic_ctrl_hdr {
	uint8_t class;
	uint8_t cmd;
} __attribute__((packed));

#define VIRTIO_NET_OK  0u
#define VIRTIO_NET_ERR 1u

enum virtio_ctrl_class {
	VIRTIO_NET_CTRL_RX = 0,
	VIRTIO_NET_CTRL_MAC = 1,
	VIRTIO_NET_CTRL_VLAN = 2,
	VIRTIO_NET_CTRL_ANNOUNCE = 3,
	VIRTIO_NET_CTRL_MQ = 4,
	VIRTIO_NET_CTRL_GUEST_OFFLOADS = 5,
	VIRTIO_NET_CTRL_NOTF_COAL = 6,
	VIRTIO_NET_CTRL_STATS = 8,
};

enum { VIRTIO_NET_CTRL_RX_PROMISC = 0, VIRTIO_NET_CTRL_RX_ALLMULTI = 1, VIRTIO_NET_CTRL_RX_ALLUNI = 2,
       VIRTIO_NET_CTRL_RX_NOMULTI = 3, VIRTIO_NET_CTRL_RX_NOUNI = 4, VIRTIO_NET_CTRL_RX_NOBCAST = 5 };
enum { VIRTIO_NET_CTRL_MAC_TABLE_SET = 0, VIRTIO_NET_CTRL_MAC_ADDR_SET = 1 };
enum { VIRTIO_NET_CTRL_VLAN_ADD = 0, VIRTIO_NET_CTRL_VLAN_DEL = 1 };
enum { VIRTIO_NET_CTRL_ANNOUNCE_ACK = 0 };
enum { VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET = 0, VIRTIO_NET_CTRL_MQ_RSS_CONFIG = 1,
       VIRTIO_NET_CTRL_MQ_HASH_CONFIG = 2 };
enum { VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET = 0 };
enum { VIRTIO_NET_CTRL_NOTF_COAL_TX_SET = 0, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET = 1,
       VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET = 2, VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET = 3 };
enum { VIRTIO_NET_CTRL_STATS_QUERY = 0, VIRTIO_NET_CTRL_STATS_GET = 1 };

/* Coalescing: packets before microseconds. */
struct vnic_ctrl_coal {
	rte_le32_t max_packets;
	rte_le32_t max_usecs;
} __attribute__((packed));
struct vnic_ctrl_coal_vq {
	rte_le16_t vq_index;
	rte_le16_t reserved;
	struct vnic_ctrl_coal coal;
} __attribute__((packed));
static_assert(sizeof(struct vnic_ctrl_coal_vq) == 12, "VQ_SET");

/* RSS_CONFIG: this, the table, struct vnic_ctrl_rss_tail, the key.
 * HASH_CONFIG is the same shape with a mask of 0, one table entry, all reserved. */
struct vnic_ctrl_rss_head {
	rte_le32_t hash_types;
	rte_le16_t indirection_table_mask;
	rte_le16_t unclassified_queue;
} __attribute__((packed));
struct vnic_ctrl_rss_tail {
	rte_le16_t max_tx_vq;
	uint8_t hash_key_length;
} __attribute__((packed));

/* Device statistics. */
struct vnic_ctrl_stats_request {
	rte_le16_t vq_index;
	rte_le16_t reserved[3];
	rte_le64_t types_bitmap;
} __attribute__((packed));
static_assert(sizeof(struct vnic_ctrl_stats_request) == 16, "STATS_GET");
struct vnic_ctrl_stats_reply {
	uint8_t type;
	uint8_t reserved;
	rte_le16_t vq_index;
	rte_le16_t reserved1;
	rte_le16_t size; /* this header included */
} __attribute__((packed));
static_assert(sizeof(struct vnic_ctrl_stats_reply) == 8, "STATS_GET reply");

enum virtio_stats_type {
	VIRTIO_NET_STATS_TYPE_RX_BASIC = 0,
	VIRTIO_NET_STATS_TYPE_RX_CSUM = 1,
	VIRTIO_NET_STATS_TYPE_RX_GSO = 2,
	VIRTIO_NET_STATS_TYPE_RX_SPEED = 3,
	VIRTIO_NET_STATS_TYPE_TX_BASIC = 16,
	VIRTIO_NET_STATS_TYPE_TX_CSUM = 17,
	VIRTIO_NET_STATS_TYPE_TX_GSO = 18,
	VIRTIO_NET_STATS_TYPE_TX_SPEED = 19,
	VIRTIO_NET_STATS_TYPE_CVQ = 32,
};

#endif
