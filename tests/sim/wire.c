/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/wire.h"

#include <stdlib.h>
#include <string.h>

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

struct wire_frame *wire_alloc(uint32_t len)
{
	struct wire_frame *f = calloc(1, sizeof(*f) + len);

	if (f == NULL)
		abort();
	f->len = len;
	return f;
}

void wire_free(struct wire_frame *f)
{
	while (f != NULL) {
		struct wire_frame *next = f->next;

		free(f);
		f = next;
	}
}

uint32_t wire_sum(const void *data, uint32_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum = (sum + get16(p) >= sum) ? sum + get16(p) : sum + get16(p) + 1;
	if (len > 0)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

uint16_t wire_fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t pseudo_sum(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	return wire_sum(ip + 12, 8, 0) + proto + len;
}

/* ---- building ---------------------------------------------------------- */

static uint32_t put_ether(uint8_t *p, const struct rte_ether_addr *dst, const struct rte_ether_addr *src,
			  uint16_t vlan, uint16_t type)
{
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	if (vlan == 0) {
		put16(p + 12, type);
		return 14;
	}
	put16(p + 12, 0x8100);
	put16(p + 14, vlan);
	put16(p + 16, type);
	return 18;
}

struct wire_frame *wire_ip_build(const struct wire_build *b, uint8_t proto, const void *payload, uint32_t len)
{
	uint32_t l2 = b->vlan != 0 ? 18 : 14, hl = 20 + b->ip_opt_len;
	struct wire_frame *f = wire_alloc(l2 + hl + len + b->pad);
	uint8_t *ip = f->data + l2;

	put_ether(f->data, &b->dmac, &b->smac, b->vlan, 0x0800);
	ip[0] = (uint8_t)((b->version != 0 ? b->version : 4) << 4 | hl / 4);
	ip[1] = b->tos;
	put16(ip + 2, (uint16_t)(hl + len));
	put16(ip + 4, 0x1234);
	put16(ip + 6, b->frag);
	ip[8] = b->ttl != 0 ? b->ttl : 64;
	ip[9] = proto;
	put32(ip + 12, b->saddr);
	put32(ip + 16, b->daddr);
	memcpy(ip + 20, b->ip_opt, b->ip_opt_len);
	put16(ip + 10, (uint16_t)~wire_fold(wire_sum(ip, hl, 0)) ^ (b->bad_ip_sum ? 0x0101 : 0));
	if (len > 0)
		memcpy(ip + hl, payload, len);
	memset(ip + hl + len, 0x55, b->pad);
	return f;
}

struct wire_frame *wire_tcp_build(const struct wire_build *b)
{
	uint32_t hl = 20 + b->opt_len, l2 = b->vlan != 0 ? 18 : 14;
	uint8_t *seg = calloc(1, hl + b->len + 1);
	struct wire_frame *f;
	uint8_t *ip, *t;

	if (seg == NULL)
		abort();
	put16(seg, b->sport);
	put16(seg + 2, b->dport);
	put32(seg + 4, b->seq);
	put32(seg + 8, b->ack);
	seg[12] = (uint8_t)((b->doff != 0 ? (b->doff & 15) : hl / 4) << 4);
	seg[13] = b->flags;
	put16(seg + 14, b->win);
	put16(seg + 18, b->urg);
	memcpy(seg + 20, b->opt, b->opt_len);
	if (b->len > 0)
		memcpy(seg + hl, b->payload, b->len);
	f = wire_ip_build(b, 6, seg, hl + b->len);
	free(seg);
	ip = f->data + l2;
	t = ip + 20 + b->ip_opt_len;
	put16(t + 16, (uint16_t)~wire_fold(wire_sum(t, hl + b->len, pseudo_sum(ip, 6, hl + b->len))) ^
		      (b->bad_sum ? 0x0101 : 0));
	return f;
}

struct wire_frame *wire_arp_build(uint16_t op, const struct rte_ether_addr *smac, uint32_t sip,
				  const struct rte_ether_addr *tmac, uint32_t tip,
				  const struct rte_ether_addr *edst, uint16_t vlan)
{
	struct wire_frame *f = wire_alloc(vlan != 0 ? 64 : 60);
	uint8_t *p = f->data + put_ether(f->data, edst, smac, vlan, 0x0806);

	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, op);
	memcpy(p + 8, smac, 6);
	put32(p + 14, sip);
	memcpy(p + 18, tmac, 6);
	put32(p + 24, tip);
	return f;
}

struct wire_frame *wire_fragment(const struct wire_frame *f, uint32_t from, uint32_t to, bool more)
{
	uint32_t l3 = 0, hl;
	uint16_t vlan = 0;
	struct wire_frame *out;
	uint8_t *ip;

	wire_type(f, &l3, &vlan);
	hl = (f->data[l3] & 15) * 4u;
	out = wire_alloc(l3 + hl + to - from);
	memcpy(out->data, f->data, l3 + hl);
	memcpy(out->data + l3 + hl, f->data + l3 + hl + from, to - from);
	ip = out->data + l3;
	put16(ip + 2, (uint16_t)(hl + to - from));
	put16(ip + 6, (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~wire_fold(wire_sum(ip, hl, 0)));
	return out;
}

/* ---- taking apart ------------------------------------------------------ */

uint16_t wire_type(const struct wire_frame *f, uint32_t *l3, uint16_t *vlan)
{
	*vlan = 0;
	*l3 = 14;
	if (f->len < 14)
		return 0;
	if (get16(f->data + 12) != 0x8100)
		return get16(f->data + 12);
	if (f->len < 18)
		return 0;
	*l3 = 18;
	*vlan = get16(f->data + 14) & 0xfff;
	return get16(f->data + 16);
}

bool wire_tcp_parse(const struct wire_frame *f, struct wire_tcp *t)
{
	uint32_t l3, hl, doff, total;
	const uint8_t *ip, *p;
	uint16_t vlan;

	if (wire_type(f, &l3, &vlan) != 0x0800 || f->len < l3 + 40)
		return false;
	ip = f->data + l3;
	hl = (ip[0] & 15) * 4u;
	total = get16(ip + 2);
	if (ip[9] != 6 || hl < 20 || total < hl + 20 || f->len < l3 + total)
		return false;
	p = ip + hl;
	doff = (p[12] >> 4) * 4u;
	if (doff < 20 || hl + doff > total)
		return false;
	*t = (struct wire_tcp){
		.saddr = get32(ip + 12), .daddr = get32(ip + 16), .sport = get16(p), .dport = get16(p + 2),
		.seq = get32(p + 4), .ack = get32(p + 8), .flags = p[13], .win = get16(p + 14),
		.urg = get16(p + 18), .vlan = vlan, .ttl = ip[8], .tos = ip[1], .ip_id = get16(ip + 4),
		.df = (ip[6] & 0x40) != 0, .opt = p + 20, .opt_len = (uint8_t)(doff - 20),
		.payload = p + doff, .len = total - hl - doff,
	};
	return true;
}

static const char bad_tcp_sum[] = "TCP checksum is wrong";

/* Options we may send: well formed, known, where they belong. */
static const char *check_options(const struct wire_tcp *t)
{
	bool syn = (t->flags & WIRE_SYN) != 0;

	for (unsigned i = 0; i < t->opt_len;) {
		uint8_t kind = t->opt[i], len;

		if (kind == 1) {
			i++;
			continue;
		}
		if (kind == 0) {
			for (; i < t->opt_len; i++)
				if (t->opt[i] != 0)
					return "octets after end of options (MUST-69)";
			return NULL;
		}
		len = i + 1 < t->opt_len ? t->opt[i + 1] : 0;
		if (len < 2 || i + len > t->opt_len)
			return "malformed option";
		if (!syn && (kind == 2 || kind == 3 || kind == 4 || kind == 254))
			return "option of SYN in a segment without SYN (MUST-65)";
		i += len;
	}
	return NULL;
}

static const char *check_tcp(const struct wire_frame *f, const struct wire_tcp *t, const uint8_t *ip)
{
	const uint8_t *p = ip + 20;
	uint32_t len = 20u + t->opt_len + t->len;

	if (f->partial) {
		if (get16(p + 16) != wire_fold(pseudo_sum(ip, 6, len)))
			return "pseudo header sum is wrong";
	} else if (wire_fold(wire_sum(p, len, pseudo_sum(ip, 6, len))) != 0xffff) {
		return bad_tcp_sum;
	}
	if ((p[12] & 0x0f) != 0)
		return "reserved bits are set";
	if (!t->df)
		return "DF is not set";
	if (t->sport == 0 || t->dport == 0)
		return "port 0";
	if ((t->flags & WIRE_RST) != 0 && (t->opt_len != 0 || t->len != 0))
		return "RST with options or data";
	if ((t->flags & WIRE_URG) != 0)
		return "URG is set";
	return check_options(t);
}

const char *wire_check(const struct wire_frame *f)
{
	struct wire_tcp t;
	uint16_t vlan, type;
	const uint8_t *ip;
	uint32_t l3;

	type = wire_type(f, &l3, &vlan);
	if (type == 0x0806)
		return f->len >= l3 + 28 ? NULL : "ARP is short";
	if (type != 0x0800)
		return "unknown Ethernet type";
	ip = f->data + l3;
	if (f->len < l3 + 20 || ip[0] != 0x45)
		return "IP header";
	if (get16(ip + 2) != f->len - l3 && (f->len > 60 || get16(ip + 2) > f->len - l3))
		return "IP total length does not fit the frame";
	if (wire_fold(wire_sum(ip, 20, 0)) != 0xffff)
		return "IP checksum is wrong";
	if (ip[8] == 0)
		return "TTL is 0";
	if ((get16(ip + 6) & 0x3fff) != 0)
		return "a fragment";
	if (ip[9] != 6)
		return NULL;
	if (!wire_tcp_parse(f, &t))
		return "TCP header";
	return check_tcp(f, &t, ip);
}

/* ---- a port ------------------------------------------------------------ */

static const char *complete_ip(const struct rte_mbuf *m, uint8_t *ip)
{
	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0)
		return NULL;
	if ((m->ol_flags & RTE_MBUF_F_TX_IPV4) == 0)
		return "IP_CKSUM asked without TX_IPV4";
	if (get16(ip + 10) != 0)
		return "IP checksum field is not 0 although the port is to fill it";
	put16(ip + 10, (uint16_t)~wire_fold(wire_sum(ip, m->l3_len, 0)));
	return NULL;
}

/* Pieces of a super-segment: flags, IDs, sequence numbers. */
static struct wire_frame *cut(const struct wire_frame *f, uint32_t hdr, uint32_t l3, uint16_t size)
{
	struct wire_frame *first = NULL, **tail = &first;
	uint32_t payload = f->len - hdr;

	for (uint32_t off = 0, n = 0; off < payload; off += size, n++) {
		uint32_t len = RTE_MIN((uint32_t)size, payload - off);
		struct wire_frame *p = wire_alloc(hdr + len);
		uint8_t *ip = p->data + l3, *t = ip + 20;

		memcpy(p->data, f->data, hdr);
		memcpy(p->data + hdr, f->data + hdr + off, len);
		put16(ip + 2, (uint16_t)(hdr - l3 + len));
		put16(ip + 4, (uint16_t)(get16(ip + 4) + n));
		put32(t + 4, get32(t + 4) + off);
		if (off + len < payload)
			t[13] &= (uint8_t)~(WIRE_FIN | WIRE_PSH);
		if (off > 0)
			t[13] &= (uint8_t)~WIRE_CWR;
		*tail = p;
		tail = &p->next;
	}
	return first;
}

static const char *check_tso(const struct rte_mbuf *m, const struct wire_frame *f, uint32_t hdr)
{
	const uint8_t *t = f->data + m->l2_len + m->l3_len;

	if (m->l4_len != (t[12] >> 4) * 4)
		return "TSO: l4_len is not the TCP header's length";
	if (m->tso_segsz == 0 || f->len - hdr <= m->tso_segsz)
		return "TSO: nothing to cut";
	if (f->len - m->l2_len > 65535)
		return "TSO: above 65535 octets";
	if ((t[13] & (WIRE_SYN | WIRE_RST | WIRE_URG)) != 0)
		return "TSO: SYN, RST or URG";
	return NULL;
}

static struct wire_frame *flatten(const struct rte_mbuf *m)
{
	struct wire_frame *f = wire_alloc(m->pkt_len);
	uint32_t at = 0;

	for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
		if (at + s->data_len > f->len)
			break;
		memcpy(f->data + at, rte_pktmbuf_mtod(s, void *), s->data_len);
		at += s->data_len;
	}
	return at == f->len ? f : NULL;
}

static void complete_tcp(struct wire_frame *list, uint32_t l3)
{
	for (struct wire_frame *f = list; f != NULL; f = f->next) {
		uint8_t *ip = f->data + l3, *t = ip + 20;
		uint32_t len = f->len - l3 - 20;

		put16(ip + 10, 0);
		put16(ip + 10, (uint16_t)~wire_fold(wire_sum(ip, 20, 0)));
		put16(t + 16, 0);
		put16(t + 16, (uint16_t)~wire_fold(wire_sum(t, len, pseudo_sum(ip, 6, len))));
	}
}

struct wire_frame *wire_from_mbuf(struct rte_mbuf *m, bool whole, const char **error)
{
	bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
	bool sum = tso || (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
	struct wire_frame *f = flatten(m), *list;
	uint32_t l3 = m->l2_len, hdr = m->l2_len + m->l3_len + m->l4_len, len;

	*error = NULL;
	if (f == NULL) {
		*error = "pkt_len is not the sum of the pieces";
		return NULL;
	}
	if (!sum && (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0)
		return f;
	if ((l3 != 14 && l3 != 18) || m->l3_len != 20) {
		*error = "l2_len or l3_len is wrong";
		return f;
	}
	*error = complete_ip(m, f->data + l3);
	if (!sum || *error != NULL)
		return f;
	len = tso ? 0 : f->len - l3 - 20;
	if (get16(f->data + l3 + 36) != wire_fold(pseudo_sum(f->data + l3, 6, len)))
		*error = "pseudo header sum for the port is wrong";
	if (tso && *error == NULL)
		*error = check_tso(m, f, hdr);
	if (*error != NULL)
		return f;
	if (whole) {
		f->partial = true;
		f->gso = tso ? m->tso_segsz : 0;
		put16(f->data + l3 + 36, wire_fold(pseudo_sum(f->data + l3, 6, f->len - l3 - 20)));
		return f;
	}
	list = f;
	if (tso) {
		list = cut(f, hdr, l3, m->tso_segsz);
		wire_free(f);
	}
	complete_tcp(list, l3);
	return list;
}

struct rte_mbuf *wire_to_mbuf(const struct wire_frame *f, struct rte_mempool *pool, bool rx_cksum)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *tail = head;
	const char *bad = wire_check(f);
	uint32_t at = 0;

	if (head == NULL)
		return NULL;
	for (;;) {
		uint32_t n = RTE_MIN(f->len - at, (uint32_t)rte_pktmbuf_tailroom(tail));

		memcpy(rte_pktmbuf_mtod(tail, uint8_t *), f->data + at, n);
		tail->data_len = (uint16_t)n;
		at += n;
		if (at == f->len)
			break;
		tail->next = rte_pktmbuf_alloc(pool);
		if (tail->next == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		tail = tail->next;
		head->nb_segs++;
	}
	head->pkt_len = f->len;
	if (f->gso != 0) {
		head->ol_flags |= RTE_MBUF_F_RX_LRO;
		head->tso_segsz = f->gso;
	}
	if (f->partial)
		head->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	else if (rx_cksum && bad == NULL)
		head->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	else if (rx_cksum && bad == bad_tcp_sum)
		head->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	return head;
}
