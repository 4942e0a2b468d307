/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/fq.h"

#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

static bool list_empty(const struct fq_list *l)
{
	return l->head == FQ_NONE;
}

static void list_append(struct fq *q, struct fq_list *l, uint16_t f)
{
	q->flow[f].next = FQ_NONE;
	if (list_empty(l))
		l->head = f;
	else
		q->flow[l->tail].next = f;
	l->tail = f;
}

static void list_pop(struct fq *q, struct fq_list *l)
{
	l->head = q->flow[l->head].next;
}

void fq_init(struct fq *q)
{
	q->n = 0;
	q->free = 0;
	q->fresh.head = q->old.head = FQ_NONE;
	for (unsigned i = 0; i < FQ_FLOWS; i++)
		q->flow[i] = (struct fq_flow){ .head = FQ_NONE, .next = FQ_NONE };
	for (unsigned i = 0; i < FQ_MAX; i++)
		q->next[i] = i + 1 < FQ_MAX ? (uint16_t)(i + 1) : FQ_NONE;
}

bool fq_add(struct fq *q, uint32_t flow, struct rte_mbuf *m)
{
	uint16_t slot = q->free, f = (uint16_t)(flow & (FQ_FLOWS - 1));
	struct fq_flow *fl = &q->flow[f];

	if (slot == FQ_NONE)
		return false;
	q->free = q->next[slot];
	q->next[slot] = FQ_NONE;
	q->frame[slot] = m;
	q->n++;
	if (fl->head == FQ_NONE)
		fl->head = slot;
	else
		q->next[fl->tail] = slot;
	fl->tail = slot;
	if (!fl->listed) {
		fl->listed = true;
		fl->deficit = FQ_QUANTUM;
		list_append(q, &q->fresh, f);
	}
	return true;
}

static struct rte_mbuf *take_from(struct fq *q, struct fq_flow *fl)
{
	uint16_t slot = fl->head;
	struct rte_mbuf *m = q->frame[slot];

	fl->head = q->next[slot];
	fl->deficit -= (int32_t)m->pkt_len;
	q->next[slot] = q->free;
	q->free = slot;
	q->n--;
	return m;
}

struct rte_mbuf *fq_take(struct fq *q)
{
	while (q->n != 0) {
		struct fq_list *l = list_empty(&q->fresh) ? &q->old : &q->fresh;
		uint16_t f = l->head;
		struct fq_flow *fl = &q->flow[f];

		if (fl->head != FQ_NONE && fl->deficit > 0)
			return take_from(q, fl);
		list_pop(q, l);
		if (fl->head == FQ_NONE && l == &q->old) {
			fl->listed = false;
			continue;
		}
		/* Its turn is over. A flow that began goes to the others even when
		 * empty, lest it come back as one that has just begun. Nobody waits
		 * for one that is alone. */
		if (fl->deficit <= 0)
			fl->deficit = list_empty(&q->fresh) && list_empty(&q->old) ? FQ_QUANTUM :
										     fl->deficit + FQ_QUANTUM;
		list_append(q, &q->old, f);
	}
	return NULL;
}

/* Every octet counts in the low bits: addresses often differ in one only. */
static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= UINT32_C(0x9e3779b1);
	return h ^ h >> 15;
}

uint32_t fq_flow_of(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	uint32_t l2 = m->l2_len != 0 ? m->l2_len : sizeof(*eth), ihl, h;
	const struct rte_ipv4_hdr *ip;
	uint32_t ports;

	if (m->data_len < l2 + sizeof(*ip))
		return 0;
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l2);
	ihl = rte_ipv4_hdr_len(ip);
	if (ip->version != IPVERSION || ihl < sizeof(*ip))
		return 0;
	h = ip->src_addr ^ ip->dst_addr ^ ip->next_proto_id;
	if ((ip->next_proto_id == IPPROTO_TCP || ip->next_proto_id == IPPROTO_UDP) &&
	    (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)) == 0 &&
	    m->data_len >= l2 + ihl + sizeof(ports)) {
		memcpy(&ports, rte_pktmbuf_mtod_offset(m, const void *, l2 + ihl), sizeof(ports));
		h = mix(h) ^ ports;
	}
	return mix(h);
}
