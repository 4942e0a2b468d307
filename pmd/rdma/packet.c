/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/packet.h"

#include <errno.h>
#include <string.h>

#include <rte_memcpy.h>

#include "pmd/rdma/psn.h"
#include "pmd/rdma/roce.h"

#define IPV4_VERSION_IHL 0x45
#define FRAGMENT_BITS 0x3fff     /* more fragments, offset */
#define KNOWN 0x80               /* of ext_len[] */

/* Octets of extension headers by operation. */
static const uint8_t ext_len[32] = {
	[OP_SEND_FIRST] = KNOWN, [OP_SEND_MIDDLE] = KNOWN, [OP_SEND_LAST] = KNOWN, [OP_SEND_ONLY] = KNOWN,
	[OP_SEND_LAST_IMM] = KNOWN | 4, [OP_SEND_ONLY_IMM] = KNOWN | 4,
	[OP_WRITE_FIRST] = KNOWN | 16, [OP_WRITE_MIDDLE] = KNOWN, [OP_WRITE_LAST] = KNOWN,
	[OP_WRITE_LAST_IMM] = KNOWN | 4, [OP_WRITE_ONLY] = KNOWN | 16, [OP_WRITE_ONLY_IMM] = KNOWN | 20,
	[OP_READ_REQUEST] = KNOWN | 16, [OP_READ_FIRST] = KNOWN | 4, [OP_READ_MIDDLE] = KNOWN,
	[OP_READ_LAST] = KNOWN | 4, [OP_READ_ONLY] = KNOWN | 4,
	[OP_ACK] = KNOWN | 4, [OP_ATOMIC_ACK] = KNOWN | 12,
	[OP_CMP_SWAP] = KNOWN | 28, [OP_FETCH_ADD] = KNOWN | 28,
	[OP_SEND_LAST_INV] = KNOWN | 4, [OP_SEND_ONLY_INV] = KNOWN | 4,
};
#define CNP_EXT 16

/* Octets, -1: no such operation. */
static int ext_of(uint8_t op)
{
	if (op == OP_CNP)
		return CNP_EXT;
	if (op >= RTE_DIM(ext_len) || ext_len[op] == 0)
		return -1;
	return ext_len[op] & ~KNOWN;
}

/* Ones' complement sum of octets [from, from + len). rte_raw_cksum_mbuf() of
 * 22.11 is wrong behind a piece of odd length. */
static uint16_t sum_mbuf(const struct rte_mbuf *m, uint32_t from, uint32_t len)
{
	uint32_t sum = 0;
	bool odd = false;

	for (; len != 0; m = m->next) {
		uint32_t n;
		uint16_t s;

		if (from >= m->data_len) {
			from -= m->data_len;
			continue;
		}
		n = RTE_MIN(len, m->data_len - from);
		s = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, from), n);
		sum += odd ? rte_bswap16(s) : s;
		odd ^= n & 1;
		len -= n;
		from = 0;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static bool udp_cksum_ok(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint16_t udp_len)
{
	uint32_t sum = rte_ipv4_phdr_cksum(ip, 0);

	sum += sum_mbuf(m, ROCE_UDP_OFS, udp_len);
	return (uint16_t)((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

/* IP and UDP: how long the packet is. */
static bool parse_ip(struct rte_mbuf *m, struct roce_pkt *p, struct rd_counters *c)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	if (m->data_len < ROCE_HDR) {
		c->bad_len++;
		return false;
	}
	if (ip->version_ihl != IPV4_VERSION_IHL) {
		c->ip_options++;
		return false;
	}
	if (ip->fragment_offset & rte_cpu_to_be_16(FRAGMENT_BITS)) {
		c->fragment++;
		return false;
	}
	p->ip_len = rte_be_to_cpu_16(ip->total_length);
	if (p->ip_len > m->pkt_len || p->ip_len < ROCE_HDR + ICRC_LEN ||
	    rte_be_to_cpu_16(udp->dgram_len) != p->ip_len - ROCE_UDP_OFS) {
		c->bad_len++;
		return false;
	}
	if (udp->dgram_cksum != 0 && !udp_cksum_ok(m, ip, (uint16_t)(p->ip_len - ROCE_UDP_OFS))) {
		c->bad_udp_cksum++;
		return false;
	}
	p->src = ip->src_addr;
	p->dst = ip->dst_addr;
	p->tos = ip->type_of_service;
	return true;
}

static void parse_ext(struct rte_mbuf *m, struct roce_pkt *p, unsigned ext)
{
	uint8_t buf[ROCE_EXT_MAX];
	const void *h;

	if (ext < sizeof(p->aeth))
		return;
	h = rte_pktmbuf_read(m, ROCE_HDR, ext, buf);
	/* Every extension header of requests that matters is a RETH, every one of answers an AETH. */
	if (ext >= sizeof(p->reth))
		memcpy(&p->reth, h, sizeof(p->reth));
	else
		memcpy(&p->aeth, h, sizeof(p->aeth));
}

bool packet_parse(struct rte_mbuf *m, struct roce_pkt *p, struct rd_counters *c)
{
	const struct roce_bth *bth = rte_pktmbuf_mtod_offset(m, const struct roce_bth *, ROCE_BTH_OFS);
	int ext, payload;

	if (!parse_ip(m, p, c))
		return false;
	ext = ext_of(bth->op);
	if (ext < 0) {
		c->bad_opcode++;
		return false;
	}
	payload = p->ip_len - (int)ROCE_HDR - ext - BTH_PAD(bth->flags) - ICRC_LEN;
	if (payload < 0) {
		c->bad_len++;
		return false;
	}
	if ((bth->flags & BTH_TVER) != 0) {
		c->bad_tver++;
		return false;
	}
	p->op = bth->op;
	p->flags = bth->flags;
	p->pkey = rte_be_to_cpu_16(bth->pkey);
	p->qpn = rte_be_to_cpu_32(bth->qpn) & PSN_MASK;
	p->psn = rte_be_to_cpu_32(bth->psn) & PSN_MASK;
	p->ack_req = (bth->psn & rte_cpu_to_be_32(BTH_ACK_REQ)) != 0;
	p->payload_ofs = (uint16_t)(ROCE_HDR + (unsigned)ext);
	p->payload_len = (uint16_t)payload;
	parse_ext(m, p, (unsigned)ext);
	return true;
}

/* What the ICRC takes as ones (A17.3.3): of a stream that begins with the IP header. */
static void mask(uint8_t *hdr)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)hdr;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	struct roce_bth *bth = (struct roce_bth *)(udp + 1);

	ip->type_of_service = 0xff;
	ip->time_to_live = 0xff;
	ip->hdr_checksum = 0xffff;
	udp->dgram_cksum = 0xffff;
	bth->qpn |= rte_cpu_to_be_32(0xff000000);
}

bool packet_icrc_ok(struct rte_mbuf *m, const struct roce_pkt *p)
{
	uint32_t covered = p->ip_len - ICRC_LEN, state;
	uint8_t hdr[ROCE_HDR], buf[ICRC_LEN], *data;
	rte_le32_t sent;

	memcpy(&sent, rte_pktmbuf_read(m, covered, ICRC_LEN, buf), ICRC_LEN);
	data = rte_pktmbuf_mtod(m, uint8_t *);
	if (icrc_may_write(m)) {
		memset(data - ICRC_ONES, 0xff, ICRC_ONES);
		mask(data);
		return icrc_whole(data - ICRC_ONES, ICRC_ONES + covered) == rte_le_to_cpu_32(sent);
	}
	memcpy(hdr, data, ROCE_HDR);
	mask(hdr);
	state = icrc_update(ICRC_START, hdr, ROCE_HDR);
	return icrc_final(icrc_mbuf(state, m, ROCE_HDR, covered - ROCE_HDR)) == rte_le_to_cpu_32(sent);
}

/* ---- putting together ---------------------------------------------------------------- */

void packet_template(struct packet_template *t, const struct packet_way *way)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(t->stream + ICRC_ONES);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	struct roce_bth *bth = (struct roce_bth *)(udp + 1);

	memset(t, 0, sizeof(*t));
	memset(t->stream, 0xff, ICRC_ONES);
	t->tos = way->tos;
	t->ttl = way->ttl;
	t->qpn = rte_cpu_to_be_32(way->qpn);
	ip->version_ihl = IPV4_VERSION_IHL;
	ip->type_of_service = t->tos;
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = t->ttl;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = way->src;
	ip->dst_addr = way->dst;
	t->ip_sum = rte_raw_cksum(ip, sizeof(*ip));
	udp->src_port = rte_cpu_to_be_16(way->sport);
	udp->dst_port = rte_cpu_to_be_16(ROCE_UDP_PORT);
	bth->pkey = rte_cpu_to_be_16(ROCE_PKEY);
	bth->qpn = t->qpn;
	mask((uint8_t *)ip);
}

/* Segments for len octets, the first with room for the stream's ones. */
static struct rte_mbuf *alloc(struct rte_mempool *pool, uint32_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *m = head;

	if (head == NULL)
		return NULL;
	for (;;) {
		m->data_len = (uint16_t)RTE_MIN(len, rte_pktmbuf_tailroom(m));
		len -= m->data_len;
		head->pkt_len += m->data_len;
		if (len == 0)
			return head;
		m->next = rte_pktmbuf_alloc(pool);
		if (m->next == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		m = m->next;
		/* Nobody puts headers in front of these. */
		m->data_off = 0;
		head->nb_segs++;
	}
}

int packet_begin(struct packet *p, struct rte_mempool *pool, const struct packet_template *t,
		 const struct packet_fields *f, unsigned ext, unsigned payload)
{
	struct rte_ipv4_hdr *ip;
	struct rte_udp_hdr *udp;
	struct roce_bth *bth;

	p->pad = (uint8_t)(-payload & 3);
	p->len = (uint16_t)(ROCE_HDR + ext + payload + p->pad + ICRC_LEN);
	p->m = p->seg = alloc(pool, p->len);
	if (p->m == NULL)
		return -ENOMEM;
	ip = rte_pktmbuf_mtod(p->m, struct rte_ipv4_hdr *);
	memcpy((uint8_t *)ip - ICRC_ONES, t->stream, sizeof(t->stream));
	udp = (struct rte_udp_hdr *)(ip + 1);
	bth = (struct roce_bth *)(udp + 1);
	ip->total_length = rte_cpu_to_be_16(p->len);
	ip->packet_id = rte_cpu_to_be_16(f->ip_id);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(p->len - ROCE_UDP_OFS));
	bth->op = f->op;
	bth->flags = (uint8_t)(f->flags | p->pad << 4);
	bth->psn = rte_cpu_to_be_32(f->psn | (f->ack_req ? BTH_ACK_REQ : 0));
	p->left = p->m->data_len - (uint32_t)ROCE_HDR;
	return 0;
}

void packet_put(struct packet *p, const void *data, uint32_t len)
{
	while (len != 0) {
		uint32_t n = RTE_MIN(len, p->left);

		rte_memcpy(rte_pktmbuf_mtod_offset(p->seg, uint8_t *, p->seg->data_len - p->left), data, n);
		data = (const uint8_t *)data + n;
		len -= n;
		p->left -= n;
		if (p->left == 0 && p->seg->next != NULL) {
			p->seg = p->seg->next;
			p->left = p->seg->data_len;
		}
	}
}

static uint32_t stream_crc(const struct packet *p)
{
	uint8_t *data = rte_pktmbuf_mtod(p->m, uint8_t *);
	uint32_t covered = p->len - ICRC_LEN, head = RTE_MIN(covered, p->m->data_len), state;

	state = ~icrc_whole(data - ICRC_ONES, ICRC_ONES + head);
	if (head != covered)
		state = icrc_mbuf(state, p->m->next, 0, covered - head);
	return icrc_final(state);
}

struct rte_mbuf *packet_end(struct packet *p, const struct packet_template *t)
{
	static const uint8_t zero[4];
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(p->m, struct rte_ipv4_hdr *);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	struct roce_bth *bth = (struct roce_bth *)(udp + 1);
	rte_le32_t crc;
	uint32_t sum;

	packet_put(p, zero, p->pad);
	crc = rte_cpu_to_le_32(stream_crc(p));
	packet_put(p, &crc, sizeof(crc));
	ip->type_of_service = t->tos;
	ip->time_to_live = t->ttl;
	sum = t->ip_sum + ip->total_length + ip->packet_id;
	sum = (sum & 0xffff) + (sum >> 16);
	ip->hdr_checksum = (uint16_t)~((sum & 0xffff) + (sum >> 16));
	udp->dgram_cksum = 0;
	bth->qpn = t->qpn;
	return p->m;
}
