/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>

#include <rte_ether.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd/virtio/tx_private.h"

/* ---- header (5.1.6.2) -------------------------------------------------------------- */

static uint32_t network_end(const struct rte_mbuf *m)
{
	uint32_t end = (uint32_t)m->l2_len + m->l3_len;

	if (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK)
		end += (uint32_t)m->outer_l2_len + m->outer_l3_len;
	return end;
}

static int header_checksum(const struct vnic_txq *q, const struct rte_mbuf *m, uint64_t l4, struct vnic_net_hdr *h)
{
	uint32_t start = network_end(m), offset;

	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM)
		offset = offsetof(struct rte_tcp_hdr, cksum);
	else if (l4 == RTE_MBUF_F_TX_UDP_CKSUM)
		offset = offsetof(struct rte_udp_hdr, dgram_cksum);
	else
		return -ENOTSUP; /* SCTP: not a sum that virtio knows */
	if (!q->csum)
		return -ENOTSUP;
	if (m->l2_len < RTE_ETHER_HDR_LEN || start + offset + 2 > m->pkt_len)
		return -EINVAL;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = rte_cpu_to_le_16((uint16_t)start);
	h->csum_offset = rte_cpu_to_le_16((uint16_t)offset);
	return 0;
}

static int header_segmentation(const struct vnic_txq *q, const struct rte_mbuf *m, struct vnic_net_hdr *h)
{
	bool v6 = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
	uint32_t len = network_end(m) + m->l4_len;

	if (!q->tso || !vnic_has(q->vq.dev, v6 ? VIRTIO_NET_F_HOST_TSO6 : VIRTIO_NET_F_HOST_TSO4))
		return -ENOTSUP;
	if (m->tso_segsz == 0 || m->l4_len < sizeof(struct rte_tcp_hdr) || len > m->pkt_len)
		return -EINVAL;
	h->gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	h->gso_size = rte_cpu_to_le_16(m->tso_segsz);
	h->hdr_len = rte_cpu_to_le_16((uint16_t)len);
	return 0;
}

int vnic_tx_header(const struct vnic_txq *q, const struct rte_mbuf *m, uint8_t hdr[TX_HDR_MAX])
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
	struct vnic_net_hdr h = { 0 };
	int rc = 0;

	memset(hdr, 0, TX_HDR_MAX);
	if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG)
		return -ENOTSUP; /* fragments of one datagram (UFO): not segments (USO), for which ethdev has no word */
	if (tso)
		l4 = RTE_MBUF_F_TX_TCP_CKSUM; /* implied */
	if (l4 != 0)
		rc = header_checksum(q, m, l4, &h);
	if (rc == 0 && tso)
		rc = header_segmentation(q, m, &h);
	if (rc == 0)
		memcpy(hdr, &h, sizeof(h));
	return rc;
}

/* ---- changes to the packet ----------------------------------------------------------- */

/* rte_vlan_insert() refuses pinned external buffers. */
int vnic_tx_vlan_insert(struct rte_mbuf *m)
{
	struct rte_vlan_hdr tag = { .vlan_tci = rte_cpu_to_be_16(m->vlan_tci) };
	uint8_t *p;

	if (m->data_len < RTE_ETHER_HDR_LEN)
		return -EINVAL;
	if (!tx_writable(m) || m->data_off < sizeof(tag))
		return -ENOTSUP;
	p = rte_pktmbuf_mtod(m, uint8_t *) - sizeof(tag);
	memmove(p, p + sizeof(tag), 2 * RTE_ETHER_ADDR_LEN);
	p[12] = RTE_ETHER_TYPE_VLAN >> 8;
	p[13] = RTE_ETHER_TYPE_VLAN & 0xff;
	memcpy(p + 14, &tag.vlan_tci, sizeof(tag.vlan_tci));
	m->data_off = (uint16_t)(m->data_off - sizeof(tag));
	m->data_len = (uint16_t)(m->data_len + sizeof(tag));
	m->pkt_len += sizeof(tag);
	if (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK)
		m->outer_l2_len += sizeof(tag);
	else
		m->l2_len += sizeof(tag);
	m->ol_flags &= ~RTE_MBUF_F_TX_VLAN;
	return 0;
}

/* A pool of one of the segments whose buffers hold data: header pools may not. */
static struct rte_mempool *data_pool(const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		if (rte_pktmbuf_data_room_size(m->pool) > RTE_PKTMBUF_HEADROOM + RTE_ETHER_MIN_LEN)
			return m->pool;
	return NULL;
}

/* What a copy has to know of the original; its buffer's own flags stay. */
static void copy_requests(struct rte_mbuf *to, const struct rte_mbuf *from)
{
	to->ol_flags |= from->ol_flags & ~TX_ATTACHED_FLAGS;
	to->tx_offload = from->tx_offload;
	to->packet_type = from->packet_type;
	to->vlan_tci = from->vlan_tci;
	to->vlan_tci_outer = from->vlan_tci_outer;
	to->port = from->port;
}

/* A segment more, or NULL. */
static struct rte_mbuf *copy_extend(struct rte_mbuf *head, struct rte_mbuf *last, struct rte_mempool *pool)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m == NULL)
		return NULL;
	m->data_off = 0; /* no header will be pushed here */
	last->next = m;
	head->nb_segs++;
	return m;
}

static bool copy_octets(struct rte_mbuf *head, const struct rte_mbuf *m, struct rte_mempool *pool)
{
	struct rte_mbuf *last = head;

	for (; m != NULL; m = m->next) {
		for (uint16_t at = 0; at < m->data_len;) {
			uint16_t len = (uint16_t)RTE_MIN(m->data_len - at, (int)rte_pktmbuf_tailroom(last));

			memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len),
			       rte_pktmbuf_mtod_offset(m, const uint8_t *, at), len);
			last->data_len = (uint16_t)(last->data_len + len);
			head->pkt_len += len;
			at = (uint16_t)(at + len);
			if (at < m->data_len && (last = copy_extend(head, last, pool)) == NULL)
				return false;
		}
	}
	return true;
}

bool vnic_tx_pack(struct vnic_txq *q, struct rte_mbuf **m, uint16_t segs_max)
{
	struct rte_mempool *pool = data_pool(*m);
	struct rte_mbuf *copy = pool == NULL ? NULL : rte_pktmbuf_alloc(pool);

	if (copy == NULL)
		return false;
	if (!copy_octets(copy, *m, pool) || copy->nb_segs > segs_max) {
		rte_pktmbuf_free(copy);
		return false;
	}
	copy_requests(copy, *m);
	rte_pktmbuf_free(*m);
	*m = copy;
	q->linearized++;
	return true;
}

/* ---- plan -------------------------------------------------------------------------------- */

static uint16_t descs_max(const struct vnic_txq *q)
{
	uint16_t chain = (uint16_t)RTE_MIN(vnic_vq_limit(&q->vq), VNIC_TX_CHAIN_MAX);

	return q->vq.indirect ? RTE_MAX(chain, (uint16_t)VNIC_TX_INDIRECT_MAX) : chain;
}

/* The header may take a descriptor of its own. */
uint16_t vnic_tx_segs_max(const struct vnic_txq *q)
{
	return (uint16_t)RTE_MAX(descs_max(q) - 1, 1);
}

/* Segments that hold something; 0: the packet is empty, or is not what its fields say. */
static uint16_t parts_of(const struct rte_mbuf *m)
{
	uint32_t len = m->pkt_len, parts = 0, segs = m->nb_segs;

	for (; m != NULL && segs > 0; m = m->next, segs--) {
		if (m->data_len > len)
			return 0;
		len -= m->data_len;
		parts += m->data_len > 0;
	}
	return m == NULL && segs == 0 && len == 0 ? (uint16_t)parts : 0;
}

static void plan_shape(const struct vnic_txq *q, const struct rte_mbuf *m, struct tx_plan *plan)
{
	uint16_t all;

	plan->push = m->data_len > 0 && m->data_off >= q->vq.hdr_len && (m->data_off & 1) == 0 && tx_writable(m);
	all = (uint16_t)(plan->parts + !plan->push);
	plan->indirect = tx_wants_table(&q->vq, all);
	plan->descs = plan->indirect ? 1 : all;
}

bool vnic_tx_plan(struct vnic_txq *q, struct rte_mbuf **m, bool offload, struct tx_plan *plan)
{
	if (offload && ((*m)->ol_flags & RTE_MBUF_F_TX_VLAN) && vnic_tx_vlan_insert(*m) != 0)
		return false;
	plan->parts = parts_of(*m);
	if (plan->parts == 0)
		return false;
	if (!offload)
		memset(plan->hdr, 0, sizeof(plan->hdr));
	else if (vnic_tx_header(q, *m, plan->hdr) != 0)
		return false;
	plan_shape(q, *m, plan);
	if (likely(plan->descs <= descs_max(q)))
		return true;
	if (!vnic_tx_pack(q, m, vnic_tx_segs_max(q)))
		return false;
	plan->parts = (*m)->nb_segs;
	plan_shape(q, *m, plan);
	return plan->descs <= descs_max(q);
}
