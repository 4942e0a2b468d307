/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet needs before it may be sent: the checksum fields as virtio
 * wants them (3.2 of the net device: the pseudo-header's sum, with the length),
 * and refusal of what cannot be sent.
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd/virtio/tx_private.h"

#define REQUESTS (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM)

/* Around the MTU: addresses and type, and two tags. */
#define FRAME_EXTRA (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)

static uint16_t mtu_of(const struct vnic_txq *q)
{
	const struct rte_eth_dev *eth = q->vq.dev->eth;

	return eth != NULL && eth->data != NULL ? eth->data->mtu : 0;
}

static int check_length(const struct vnic_txq *q, const struct rte_mbuf *m)
{
	uint16_t mtu = mtu_of(q);
	uint32_t max = VIRTIO_NET_MAX_GSO;

	if (m->pkt_len < RTE_ETHER_HDR_LEN)
		return -EINVAL;
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0 && mtu > 0)
		max = mtu + FRAME_EXTRA;
	return m->pkt_len > max ? -EINVAL : 0;
}

/* A field of two octets: changed only where we may, left alone where it is right. */
static int set16(struct rte_mbuf *m, rte_be16_t *field, rte_be16_t value)
{
	rte_be16_t now;

	memcpy(&now, field, sizeof(now));
	if (now == value)
		return 0;
	if (!tx_writable(m))
		return -ENOTSUP;
	memcpy(field, &value, sizeof(value));
	return 0;
}

/* The folded sum of the pseudo-header, not inverted; len: of L4 header and data. */
static rte_be16_t pseudo_v4(const struct rte_ipv4_hdr *ip, uint8_t proto, uint32_t len)
{
	uint32_t words[3] = { ip->src_addr, ip->dst_addr, 0 };
	uint32_t sum = rte_raw_cksum(words, 8) + rte_cpu_to_be_16(proto);

	sum += rte_cpu_to_be_16((uint16_t)(len >> 16)) + (uint32_t)rte_cpu_to_be_16((uint16_t)len);
	return __rte_raw_cksum_reduce(sum);
}

static rte_be16_t pseudo_v6(const struct rte_ipv6_hdr *ip, uint8_t proto, uint32_t len)
{
	uint32_t sum = rte_raw_cksum(&ip->src_addr, 32) + rte_cpu_to_be_16(proto);

	sum += rte_cpu_to_be_16((uint16_t)(len >> 16)) + (uint32_t)rte_cpu_to_be_16((uint16_t)len);
	return __rte_raw_cksum_reduce(sum);
}

static int fix_ipv4(struct rte_mbuf *m, struct rte_ipv4_hdr *ip)
{
	rte_be16_t have = ip->hdr_checksum;
	uint8_t len = rte_ipv4_hdr_len(ip);
	uint16_t sum;

	if ((ip->version_ihl >> 4) != 4 || len < sizeof(*ip) || len > m->l3_len)
		return -EINVAL;
	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0)
		return 0;
	/* Not a virtio offload; segmentation needs it right, and it is 20 octets. */
	sum = rte_raw_cksum(ip, len);
	sum = __rte_raw_cksum_reduce((uint32_t)sum + (uint16_t)~have);
	return set16(m, &ip->hdr_checksum, (rte_be16_t)~sum);
}

static int fix_l4(struct rte_mbuf *m, void *l3, uint32_t off)
{
	bool tcp = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ||
		   (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
	uint32_t field = off + (tcp ? offsetof(struct rte_tcp_hdr, cksum) : offsetof(struct rte_udp_hdr, dgram_cksum));
	uint8_t proto = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	uint32_t len = m->pkt_len - off;

	if ((m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)) == 0)
		return 0;
	if (field + 2 > m->data_len)
		return -EINVAL;
	return set16(m, rte_pktmbuf_mtod_offset(m, rte_be16_t *, field),
		     m->ol_flags & RTE_MBUF_F_TX_IPV6 ? pseudo_v6(l3, proto, len) : pseudo_v4(l3, proto, len));
}

/* Headers have to lie in the first segment, as the lengths in the mbuf say. */
static int fix_checksums(struct rte_mbuf *m)
{
	uint32_t l3 = m->l2_len, l4;
	void *ip;
	int rc = 0;

	if (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK)
		return -ENOTSUP;
	l4 = l3 + m->l3_len;
	if (l3 < RTE_ETHER_HDR_LEN || l4 > m->data_len)
		return -EINVAL;
	ip = rte_pktmbuf_mtod_offset(m, void *, l3);
	if (m->ol_flags & RTE_MBUF_F_TX_IPV6) {
		if (m->l3_len < sizeof(struct rte_ipv6_hdr))
			return -EINVAL;
	} else {
		if (m->l3_len < sizeof(struct rte_ipv4_hdr))
			return -EINVAL;
		rc = fix_ipv4(m, ip);
	}
	return rc != 0 ? rc : fix_l4(m, ip, l4);
}

static int prepare_one(struct vnic_txq *q, struct rte_mbuf **pkt)
{
	struct rte_mbuf *m = *pkt;
	uint8_t hdr[TX_HDR_MAX];
	int rc = check_length(q, m);

	if (rc == 0 && (m->ol_flags & RTE_MBUF_F_TX_VLAN))
		rc = vnic_tx_vlan_insert(m);
	if (rc == 0)
		rc = vnic_tx_header(q, m, hdr);
	if (rc == 0 && (m->ol_flags & REQUESTS))
		rc = fix_checksums(m);
	if (rc == 0 && m->nb_segs > vnic_tx_segs_max(q) && !vnic_tx_pack(q, pkt, vnic_tx_segs_max(q)))
		rc = -EINVAL;
	return rc;
}

uint16_t vnic_tx_prepare(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		int rc = prepare_one(txq, &pkts[i]);

		if (rc != 0) {
			rte_errno = -rc;
			return i;
		}
	}
	return n;
}
