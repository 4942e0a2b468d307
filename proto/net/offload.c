/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port cannot do, done last: cutting, checksums, one segment a frame. */
#include "proto/net/offload.h"

#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_gso.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "proto/net/net_impl.h"

#define CKSUM_FLAGS (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IPV4)

static uint32_t headers_len(const struct rte_mbuf *m)
{
	return (uint32_t)m->l2_len + m->l3_len + m->l4_len;
}

static bool headers_contiguous(const struct rte_mbuf *m)
{
	return headers_len(m) <= m->data_len &&
	       m->l3_len >= sizeof(struct rte_ipv4_hdr) && m->l4_len >= sizeof(struct rte_tcp_hdr);
}

/* TCP checksum, the field being whatever it is. */
static void tcp_cksum_fill(struct rte_mbuf *m)
{
	uint32_t l4_off = m->l2_len + m->l3_len;
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, l4_off);

	tcp->cksum = 0;
	tcp->cksum = net_l4_cksum(m, m->l2_len, l4_off, m->pkt_len - l4_off);
}

/* The device adds the rest: the pseudo header with the piece's own length. */
static void tcp_pseudo_fill(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, m->l2_len);
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, m->l2_len + m->l3_len);

	tcp->cksum = rte_ipv4_phdr_cksum(ip, 0);
}

static void ip_cksum_fill(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);

	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~net_raw_cksum(ip, m->l3_len);
}

/* One frame, not to be cut (any more). piece: it came out of a super-segment,
 * so that its pseudo header sum is the whole's. */
static void frame_cksums(struct rte_mbuf *m, uint32_t offloads, bool piece)
{
	bool tcp = (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
	bool ip = (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0;

	if (tcp && (offloads & NET_TX_TCP_CKSUM) == 0) {
		tcp_cksum_fill(m);
		m->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
	} else if (tcp && piece) {
		tcp_pseudo_fill(m);
	}
	if ((ip || piece) && (!ip || (offloads & NET_TX_IP_CKSUM) == 0)) {
		ip_cksum_fill(m);
		m->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	}
	if ((m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)) == 0)
		m->ol_flags &= ~CKSUM_FLAGS;
}

/* Into one segment. Returns the frame to use in place of m (m is freed when
 * it is another), NULL when there is no room or no mbuf (m is kept). */
static struct rte_mbuf *frame_linear(struct rte_mbuf *m, struct rte_mempool *hdr_pool)
{
	struct rte_mbuf *copy;

	if (m->nb_segs == 1)
		return m;
	copy = rte_pktmbuf_copy(m, hdr_pool, 0, UINT32_MAX);
	if (copy == NULL)
		return NULL;
	net_copy_repair(copy);
	if (copy->nb_segs > 1) {
		rte_pktmbuf_free(copy);
		return NULL;
	}
	rte_pktmbuf_free(m);
	return copy;
}

static int frames_linear(struct rte_mbuf **out, int n, uint32_t offloads, struct rte_mempool *hdr_pool)
{
	if ((offloads & NET_TX_MULTI_SEG) != 0)
		return 0;
	for (int i = 0; i < n; i++) {
		struct rte_mbuf *one = frame_linear(out[i], hdr_pool);

		if (one == NULL)
			return -ENOMEM;
		out[i] = one;
	}
	return 0;
}

static int frame_whole(struct rte_mbuf *m, uint32_t offloads, bool piece, struct rte_mempool *hdr_pool,
		       struct rte_mbuf **out)
{
	out[0] = m;
	if (frames_linear(out, 1, offloads, hdr_pool) < 0)
		return -ENOMEM;
	frame_cksums(out[0], offloads, piece);
	return 1;
}

/* rte_gso copies the flag that says where a buffer lies from the head to the
 * new heads, so that both must be of one kind. */
static bool head_like_pool(const struct rte_mbuf *m, struct rte_mempool *hdr_pool)
{
	bool pinned = (rte_pktmbuf_priv_flags(hdr_pool) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF) != 0;
	bool external = RTE_MBUF_HAS_EXTBUF(m) != 0;

	return !RTE_MBUF_CLONED(m) && external == pinned;
}

/* ---- cutting ------------------------------------------------------------ */

#define HEADER_STEP 80 /* octets: those of TCP with time stamps, tagged, are 70 */
#define HEADER_MAX 160 /* a whole number of steps; with all options and a tag they are 138 */

/* Behind the header, if a header buffer has the room: a second buffer for each piece, two references
 * counted and a second descriptor for the port cost more than the octets of a frame. */
static bool better_copied(const struct rte_mbuf *m, struct rte_mempool *hdr_pool)
{
	uint32_t hdr = headers_len(m), len = RTE_MAX(hdr + m->tso_segsz, (uint32_t)HEADER_MAX);

	return hdr <= HEADER_MAX && len + RTE_PKTMBUF_HEADROOM <= rte_pktmbuf_data_room_size(hdr_pool);
}

/* What all pieces have in common; made once. */
struct pattern {
	uint8_t hdr[HEADER_MAX];  /* of a piece in the middle, with a whole unit */
	uint32_t hdr_len;
	uint16_t l2_len, l4_off;
	uint16_t ip_sum, pseudo;  /* of the headers but for the lengths */
	bool ip_fill, tcp_pseudo; /* IP's checksum, the pseudo header's: to be filled in */
	bool tcp_fill;            /* all of TCP's */
	uint64_t ol_flags;
	uint32_t seq;
	uint8_t tcp_flags;        /* the last one's */
};

static uint16_t sum_add(uint16_t a, uint16_t b)
{
	uint32_t sum = (uint32_t)a + b;

	return (uint16_t)(sum + (sum >> 16));
}

static void pattern_sums(struct pattern *t, const struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(t->hdr + t->l2_len);

	ip->total_length = 0;
	if (t->ip_fill)
		ip->hdr_checksum = 0;
	t->ip_sum = net_raw_cksum(ip, m->l3_len);
	t->pseudo = sum_add(net_raw_cksum(&ip->src_addr, 2 * sizeof(ip->src_addr)),
			    rte_cpu_to_be_16(ip->next_proto_id));
}

/* As frame_cksums() decides for each piece. */
static void pattern_flags(struct pattern *t, const struct rte_mbuf *m, uint32_t offloads)
{
	bool tcp = (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
	bool ip = (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0;

	t->tcp_pseudo = tcp && (offloads & NET_TX_TCP_CKSUM) != 0;
	t->tcp_fill = tcp && !t->tcp_pseudo;
	t->ip_fill = !ip || (offloads & NET_TX_IP_CKSUM) == 0;
	t->ol_flags = m->ol_flags & ~(RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);
	if (t->tcp_fill)
		t->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
	if (t->ip_fill)
		t->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	if ((t->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)) == 0)
		t->ol_flags &= ~CKSUM_FLAGS;
}

/* Lengths, and the sums that have them, of a piece with len octets. */
static void set_length(const struct pattern *t, uint8_t *hdr, uint32_t len)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(hdr + t->l2_len);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(hdr + t->l4_off);

	ip->total_length = rte_cpu_to_be_16((uint16_t)(t->hdr_len - t->l2_len + len));
	if (t->ip_fill)
		ip->hdr_checksum = (uint16_t)~sum_add(t->ip_sum, ip->total_length);
	if (t->tcp_pseudo)
		tcp->cksum = sum_add(t->pseudo, rte_cpu_to_be_16((uint16_t)(t->hdr_len - t->l4_off + len)));
}

static void pattern_make(struct pattern *t, const struct rte_mbuf *m, uint32_t offloads)
{
	struct rte_tcp_hdr *tcp;

	t->hdr_len = headers_len(m);
	t->l2_len = m->l2_len;
	t->l4_off = (uint16_t)(m->l2_len + m->l3_len);
	memcpy(t->hdr, rte_pktmbuf_mtod(m, const uint8_t *), t->hdr_len);
	tcp = (struct rte_tcp_hdr *)(t->hdr + t->l4_off);
	t->seq = rte_be_to_cpu_32(tcp->sent_seq);
	t->tcp_flags = tcp->tcp_flags;
	tcp->tcp_flags &= (uint8_t)~(RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG);
	pattern_flags(t, m, offloads);
	pattern_sums(t, m);
	set_length(t, t->hdr, m->tso_segsz);
}

/* Where copying goes on in a chain. */
struct place {
	const struct rte_mbuf *m;
	uint32_t off;
};

static void take_octets(struct place *at, uint8_t *to, uint32_t len)
{
	while (len > 0) {
		uint32_t n = RTE_MIN(len, at->m->data_len - at->off);

		memcpy(to, rte_pktmbuf_mtod_offset(at->m, const uint8_t *, at->off), n);
		to += n;
		len -= n;
		at->off += n;
		if (at->off == at->m->data_len)
			*at = (struct place){ at->m->next, 0 };
	}
}

/* In steps of a length the compiler knows; payload is written over what is too much, or nothing reads it. */
static void put_header(const struct pattern *t, uint8_t *to)
{
	memcpy(to, t->hdr, HEADER_STEP);
	if (unlikely(t->hdr_len > HEADER_STEP))
		memcpy(to + HEADER_STEP, t->hdr + HEADER_STEP, HEADER_MAX - HEADER_STEP);
}

/* The i-th piece of m, len octets of payload. IP identifiers stay: pieces of DF
 * packets are atomic (RFC 6864). */
static void fill_piece(struct rte_mbuf *p, const struct rte_mbuf *m, const struct pattern *t,
		       struct place *at, uint32_t i, uint32_t len, bool last)
{
	uint8_t *to = rte_pktmbuf_mtod(p, uint8_t *);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(to + t->l4_off);

	put_header(t, to);
	tcp->sent_seq = rte_cpu_to_be_32(t->seq + i * m->tso_segsz);
	if (last) {
		set_length(t, to, len);
		tcp->tcp_flags = t->tcp_flags;
	}
	take_octets(at, to + t->hdr_len, len);
	p->data_len = (uint16_t)(t->hdr_len + len);
	p->pkt_len = t->hdr_len + len;
	p->ol_flags = t->ol_flags | (p->ol_flags & (RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT));
	p->tx_offload = m->tx_offload;
	p->vlan_tci = m->vlan_tci;
	p->port = m->port;
	if (t->tcp_fill)
		tcp_cksum_fill(p);
}

static int cut_by_copy(struct rte_mbuf *m, uint32_t offloads, struct rte_mempool *hdr_pool, struct rte_mbuf **out,
		       unsigned max)
{
	uint32_t hdr = headers_len(m), left = m->pkt_len - hdr, seg = m->tso_segsz;
	uint32_t n = (left + seg - 1) / seg;
	struct place at = { m, hdr };
	struct pattern t = { 0 };

	if (n > max)
		return -EINVAL;
	if (rte_pktmbuf_alloc_bulk(hdr_pool, out, n) != 0)
		return -ENOMEM;
	pattern_make(&t, m, offloads);
	if (hdr == m->data_len)
		at = (struct place){ m->next, 0 };
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = RTE_MIN(left, seg);

		left -= len;
		fill_piece(out[i], m, &t, &at, i, len, left == 0);
	}
	rte_pktmbuf_free(m);
	return (int)n;
}

/*
 * rte_gso 22.11 counts headers into gso_size, clears PSH and FIN on all pieces
 * but the last, advances sequence and length, fills in no checksum and does
 * not free its input. IP identifiers are fixed: pieces of DF packets are
 * atomic (RFC 6864).
 */
static int frame_cut(struct rte_mbuf *m, uint32_t offloads, struct rte_mempool *hdr_pool,
		     struct rte_mempool *ind_pool, struct rte_mbuf **out, unsigned max)
{
	const uint64_t flags = m->ol_flags;
	uint32_t unit = headers_len(m) + m->tso_segsz;
	const struct rte_gso_ctx ctx = {
		.direct_pool = hdr_pool, .indirect_pool = ind_pool, .flag = RTE_GSO_FLAG_IPID_FIXED,
		.gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO, .gso_size = unit,
	};
	int n, rc;

	if (m->tso_segsz == 0 || unit > UINT16_MAX)
		return -EINVAL;
	if (m->pkt_len > unit && better_copied(m, hdr_pool))
		return cut_by_copy(m, offloads, hdr_pool, out, max);
	if (!head_like_pool(m, hdr_pool))
		return -EINVAL;
	n = rte_gso_segment(m, &ctx, out, max);
	if (n == 0)
		return frame_whole(m, offloads, true, hdr_pool, out);
	if (n < 0)
		goto fail;
	rc = frames_linear(out, n, offloads, hdr_pool);
	if (rc < 0) {
		rte_pktmbuf_free_bulk(out, n);
		n = rc;
		goto fail;
	}
	for (int i = 0; i < n; i++)
		frame_cksums(out[i], offloads, true);
	rte_pktmbuf_free(m);
	return n;
fail:
	m->ol_flags = flags; /* rte_gso takes the request away even when it fails */
	return n;
}

int net_tx_finish(struct rte_mbuf *m, uint32_t offloads, struct rte_mempool *hdr_pool,
		  struct rte_mempool *ind_pool, struct rte_mbuf **out, unsigned max)
{
	bool cut = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;

	if (unlikely(max == 0))
		return -EINVAL;
	if ((m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)) != 0 &&
	    unlikely(!headers_contiguous(m)))
		return -EINVAL;
	if (cut && (offloads & NET_TX_TSO) == 0)
		return frame_cut(m, offloads, hdr_pool, ind_pool, out, max);
	if (cut) {
		out[0] = m;
		if (frames_linear(out, 1, offloads, hdr_pool) < 0)
			return -ENOMEM;
		/* The device makes those of the pieces from this one's fields. */
		if ((offloads & NET_TX_IP_CKSUM) == 0 && (out[0]->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0) {
			ip_cksum_fill(out[0]);
			out[0]->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
		}
		return 1;
	}
	return frame_whole(m, offloads, false, hdr_pool, out);
}
