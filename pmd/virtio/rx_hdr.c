/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd/virtio/rx_private.h"

/* Is this the checksum of the (outermost) transport header, which begins at l4, so that who knows the
 * transport protocol knows what is left to do? */
static bool known_checksum(uint32_t ptype, uint32_t l4, uint32_t start, uint32_t offset)
{
	if ((ptype & RTE_PTYPE_TUNNEL_MASK) != 0 || start != l4)
		return false;
	switch (ptype & RTE_PTYPE_L4_MASK) {
	case RTE_PTYPE_L4_TCP:
		return offset == offsetof(struct rte_tcp_hdr, cksum);
	case RTE_PTYPE_L4_UDP:
		return offset == offsetof(struct rte_udp_hdr, dgram_cksum);
	default:
		return false;
	}
}

/* Two octets at off, which may lie in two buffers. The packet has them. */
static void store_be16(struct rte_mbuf *m, uint32_t off, uint16_t v)
{
	uint8_t octet[2];
	unsigned i;

	memcpy(octet, &v, 2);
	for (i = 0; i < 2; i++, off++) {
		while (off >= m->data_len) {
			off -= m->data_len;
			m = m->next;
		}
		*rte_pktmbuf_mtod_offset(m, uint8_t *, off) = octet[i];
	}
}

/* Sum of the packet from start on. rte_raw_cksum_mbuf() swaps partial sums that are
 * not folded yet, which goes wrong behind a buffer of odd length. */
static uint16_t sum_from(const struct rte_mbuf *m, uint32_t start)
{
	uint32_t sum = 0, done = 0, len;
	uint16_t part;

	for (; start >= m->data_len; m = m->next)
		start -= m->data_len;
	for (; m != NULL; m = m->next, start = 0) {
		len = m->data_len - start;
		part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, start), len);
		sum += done % 2 == 0 ? part : rte_bswap16(part);
		done += len;
	}
	while (sum > 0xffff) /* up to 32768 buffers */
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

/* A checksum nobody after us would know where to find: completed here (5.1.6.4.2).
 * start lies in the packet. */
static void complete_checksum(struct rte_mbuf *m, uint32_t start, uint32_t offset)
{
	uint16_t sum = (uint16_t)~sum_from(m, start);

	store_be16(m, start + offset, sum == 0 ? 0xffff : sum);
}

/* TCP or UDP behind Ethernet and an IP header without options or extensions: what rte_net_get_ptype() would
 * say, for nearly all packets; 0: ask it. */
static uint32_t plain_type(const struct rte_mbuf *m, uint32_t start)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip4 = (const void *)(eth + 1);
	const struct rte_ipv6_hdr *ip6 = (const void *)(eth + 1);
	uint32_t l3;
	uint8_t proto;

	if (m->data_len < start + sizeof(struct rte_tcp_hdr))
		return 0;
	if (start == sizeof(*eth) + sizeof(*ip4) && eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		if (ip4->version_ihl != RTE_IPV4_VHL_DEF ||
		    (ip4->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0)
			return 0;
		l3 = RTE_PTYPE_L3_IPV4;
		proto = ip4->next_proto_id;
	} else if (start == sizeof(*eth) + sizeof(*ip6) && eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6)) {
		l3 = RTE_PTYPE_L3_IPV6;
		proto = ip6->proto;
	} else {
		return 0;
	}
	return proto == IPPROTO_TCP ? RTE_PTYPE_L2_ETHER | l3 | RTE_PTYPE_L4_TCP :
	       proto == IPPROTO_UDP ? RTE_PTYPE_L2_ETHER | l3 | RTE_PTYPE_L4_UDP : 0;
}

/* NEEDS_CSUM: the field holds the sum of the pseudo header, the octets from start on are to be added. */
static bool needs_checksum(struct vnic_rxq *rxq, struct rte_mbuf *m, const struct vnic_net_hdr *h)
{
	uint32_t start = rte_le_to_cpu_16(h->csum_start), offset = rte_le_to_cpu_16(h->csum_offset);
	struct rte_net_hdr_lens lens = { 0 };
	uint32_t l4 = start;

	if (start + offset + 2 > m->pkt_len)
		return false;
	rxq->csum_needed++;
	m->packet_type = plain_type(m, start);
	if (m->packet_type == 0) {
		m->packet_type = rte_net_get_ptype(m, &lens, RTE_PTYPE_ALL_MASK);
		l4 = (uint32_t)lens.l2_len + lens.l3_len;
	}
	if (known_checksum(m->packet_type, l4, start, offset)) {
		/* Not in the packet, but the data are known to be good: DPDK's meaning. */
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	} else {
		complete_checksum(m, start, offset);
	}
	return true;
}

static bool segmentation(struct vnic_rxq *rxq, struct rte_mbuf *m, const struct vnic_net_hdr *h)
{
	uint16_t size = rte_le_to_cpu_16(h->gso_size);

	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		break;
	default: /* also UDP, tunnels, fragmentation, the modifier alone: never negotiated */
		return false;
	}
	if (!rxq->lro || size == 0)
		return false;
	m->tso_segsz = size;
	m->ol_flags |= RTE_MBUF_F_RX_LRO;
	rxq->coalesced++;
	return true;
}

static void hash(struct vnic_rxq *rxq, struct rte_mbuf *m, const struct vnic_net_hdr_hash *h)
{
	uint16_t report = rte_le_to_cpu_16(h->hash_report);

	if (report == VIRTIO_NET_HASH_REPORT_NONE)
		return;
	if (report > VIRTIO_NET_HASH_REPORT_UDPv6_EX) {
		rxq->hash_bad++;
		return;
	}
	m->hash.rss = rte_le_to_cpu_32(h->hash_value);
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
}

bool rx_hdr_apply(struct vnic_rxq *rxq, struct rte_mbuf *m, const struct rx_hdr *c, enum vnic_rx_drop *why)
{
	const struct vnic_net_hdr *h = &c->h.hdr;

	*why = VNIC_RX_DROP_HEADER;
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE && !segmentation(rxq, m, h))
		return false;
	if (rxq->csum && (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
		if (!needs_checksum(rxq, m, h))
			return false;
	} else if (rxq->csum && (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		rxq->csum_good++;
	}
	if (rxq->hash)
		hash(rxq, m, &c->h);
	return true;
}

unsigned rx_hdr_each(struct vnic_rxq *rxq, struct rte_mbuf **pkts, unsigned n, uint64_t *lost)
{
	enum vnic_rx_drop why;
	unsigned i, out = 0;

	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct rx_hdr c = rx_hdr_copy(rx_hdr_of(rxq, m), rxq->hash);

		if (rx_hdr_speaks(&c) && !rx_hdr_apply(rxq, m, &c, &why)) {
			*lost += m->pkt_len;
			rx_drop(rxq, m, why);
			continue;
		}
		if (rxq->vlan_strip)
			rx_vlan_strip(m);
		pkts[out++] = m;
	}
	return out;
}

bool vnic_rx_header(struct vnic_rxq *rxq, struct rte_mbuf *m, const void *hdr, enum vnic_rx_drop *why)
{
	struct rx_hdr c = rx_hdr_copy(hdr, rxq->hash);

	return rx_hdr_apply(rxq, m, &c, why);
}

void rx_vlan_strip(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(eth + 1);

	if (m->data_len < sizeof(*eth) + sizeof(*tag) || eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN))
		return;
	m->vlan_tci = rte_be_to_cpu_16(tag->vlan_tci);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	memmove((char *)eth + sizeof(*tag), eth, 2 * RTE_ETHER_ADDR_LEN);
	m->data_off += sizeof(*tag);
	m->data_len -= sizeof(*tag);
	m->pkt_len -= sizeof(*tag);
}
