/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassembly (RFC 815 by rte_ip_frag). The library holds and chains the
 * fragments but neither looks for overlaps nor bounds a source, so each
 * datagram has a record here of what arrived. An overlap, or a duplicate,
 * spoils the datagram (RFC 5722 3, adopted for IPv4): the record stays until
 * its time is over and refuses the rest; what the library holds goes with it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ip_frag.h>
#include <rte_tcp.h>

#include "proto/net/net_impl.h"

#define PARTS_MAX RTE_LIBRTE_IP_FRAG_MAX_FRAG
#define SOURCES 256        /* quota counters, by keyed hash of the source */
#define BUCKET_ENTRIES 16

struct datagram {
	/* key */
	rte_be32_t src, dst;
	rte_be16_t id;
	uint8_t proto, ifx;
	/* what arrived, in octets of payload */
	struct { uint16_t start, end; } part[PARTS_MAX];
	uint8_t n_parts;
	bool spoilt;
	uint16_t last_end;         /* 0: last fragment not seen */
	/* book-keeping; indices, 0 is none */
	uint16_t source;
	uint32_t hash_next, newer, older;
	uint64_t start_us;
};

struct reasm {
	struct rte_ip_frag_tbl *tbl;
	struct rte_ip_frag_death_row dr;
	struct pool pool;
	uint32_t *buckets, mask;
	uint32_t oldest, newest;   /* all records, by age: one timeout for all keeps them sorted */
	uint64_t timeout_us;
	uint32_t source_max;
	uint16_t source_count[SOURCES];
	struct wheel_timer timer;
};

int reasm_init(struct net_stack *st)
{
	uint32_t max = RTE_MIN(st->conf.frag_max, 60000u), buckets = rte_align32pow2(max * 2);
	struct reasm *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	if (r == NULL)
		return -ENOMEM;
	r->timeout_us = st->conf.frag_timeout_ms * NET_MS;
	r->source_max = RTE_MAX(max / 16, 2u);
	r->mask = buckets - 1;
	r->buckets = calloc(buckets, sizeof(r->buckets[0]));
	if (r->buckets == NULL)
		goto fail;
	rc = pool_init(&r->pool, sizeof(struct datagram), 8, max, st->conf.node);
	if (rc < 0)
		goto fail_buckets;
	/* The library's clock is whatever we pass: microseconds. */
	r->tbl = rte_ip_frag_table_create((max + BUCKET_ENTRIES - 1) / BUCKET_ENTRIES, BUCKET_ENTRIES, max,
					  r->timeout_us, st->conf.node);
	if (r->tbl == NULL) {
		rc = -ENOMEM;
		goto fail_pool;
	}
	st->reasm = r;
	return 0;

fail_pool:
	pool_fini(&r->pool);
fail_buckets:
	free(r->buckets);
fail:
	free(r);
	return rc;
}

void reasm_fini(struct net_stack *st)
{
	struct reasm *r = st->reasm;

	wheel_cancel(st->wheel, &r->timer);
	rte_ip_frag_table_destroy(r->tbl);
	pool_fini(&r->pool);
	free(r->buckets);
	free(r);
}

unsigned reasm_pending(const struct net_stack *st)
{
	return st->reasm->pool.used;
}

/* ---- records --------------------------------------------------------------- */

static struct datagram *at(const struct reasm *r, uint32_t idx)
{
	return pool_at(&r->pool, idx);
}

static uint32_t *datagram_bucket(const struct net_stack *st, const struct datagram *key)
{
	const uint64_t w[2] = {
		(uint64_t)key->src << 32 | key->dst, (uint64_t)key->id << 16 | key->proto << 8 | key->ifx,
	};

	return &st->reasm->buckets[keyed_mix(&st->key, w, 2) & st->reasm->mask];
}

static struct datagram *datagram_find(const struct net_stack *st, const struct datagram *key)
{
	for (uint32_t i = *datagram_bucket(st, key); i != 0; i = at(st->reasm, i)->hash_next) {
		struct datagram *d = at(st->reasm, i);

		if (d->src == key->src && d->dst == key->dst && d->id == key->id && d->proto == key->proto &&
		    d->ifx == key->ifx)
			return d;
	}
	return NULL;
}

static struct datagram *datagram_new(struct net_stack *st, const struct datagram *key, enum net_drop *why)
{
	struct reasm *r = st->reasm;
	const struct net_addr src = net_addr_v4(key->src);
	uint16_t source = net_hash_addr(st, &src, 4) % SOURCES;
	uint32_t *bucket = datagram_bucket(st, key), idx;
	struct datagram *d;

	*why = DROP_FRAG_QUOTA;
	if (r->source_count[source] >= r->source_max)
		return NULL;
	*why = DROP_FRAG_TABLE;
	d = pool_get(&r->pool);
	if (d == NULL)
		return NULL;
	idx = pool_index(&r->pool, d);
	*d = *key;
	d->source = source;
	d->start_us = st->now_us;
	r->source_count[source]++;
	d->hash_next = *bucket;
	*bucket = idx;
	d->older = r->newest;
	if (r->newest != 0)
		at(r, r->newest)->newer = idx;
	else
		r->oldest = idx;
	r->newest = idx;
	if (!wheel_armed(&r->timer))
		wheel_arm(st->wheel, &r->timer, WHEEL_REASM, st->now_us + r->timeout_us + 1);
	return d;
}

static void datagram_delete(struct net_stack *st, struct datagram *d)
{
	struct reasm *r = st->reasm;
	uint32_t *pos = datagram_bucket(st, d), idx = pool_index(&r->pool, d);

	while (*pos != idx)
		pos = &at(r, *pos)->hash_next;
	*pos = d->hash_next;
	if (d->older != 0)
		at(r, d->older)->newer = d->newer;
	else
		r->oldest = d->newer;
	if (d->newer != 0)
		at(r, d->newer)->older = d->older;
	else
		r->newest = d->older;
	r->source_count[d->source]--;
	pool_put(&r->pool, d);
}

/* ---- time ------------------------------------------------------------------ */

static uint32_t death_row_free(struct net_stack *st, enum net_drop why)
{
	uint32_t n = st->reasm->dr.cnt;

	st->stats.drop[why] += n;
	rte_ip_frag_free_death_row(&st->reasm->dr, 0);
	return n;
}

static bool datagram_expired(const struct net_stack *st, const struct datagram *d)
{
	return st->reasm->timeout_us + d->start_us < st->now_us; /* as the library compares */
}

static void reasm_expire(struct net_stack *st)
{
	struct reasm *r = st->reasm;
	bool any = false;

	while (r->oldest != 0 && datagram_expired(st, at(r, r->oldest))) {
		datagram_delete(st, at(r, r->oldest));
		any = true;
	}
	if (!any)
		return;
	do {
		rte_ip_frag_table_del_expired_entries(r->tbl, &r->dr, st->now_us);
	} while (death_row_free(st, DROP_FRAG_TIMEOUT) > 0);
}

void reasm_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct net_stack *st = ctx;
	struct reasm *r = st->reasm;

	st->now_us = RTE_MAX(st->now_us, now_us);
	reasm_expire(st);
	if (r->oldest != 0)
		wheel_arm(st->wheel, t, WHEEL_REASM, at(r, r->oldest)->start_us + r->timeout_us + 1);
}

/* ---- fragments ---------------------------------------------------------------- */

struct fragment {
	uint32_t start, end; /* octets of payload */
	bool more;
};

static bool tcp_header_whole(const struct rte_mbuf *m, const struct net_meta *meta)
{
	const struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, meta->l4_off);

	return meta->l4_len >= sizeof(*tcp) && (tcp->data_off >> 4) * 4u <= meta->l4_len;
}

/* On its own: length, unit, RFC 1858 (tiny first fragment; the second one
 * behind the ports), RFC 791's 65535. */
static bool fragment_ok(const struct rte_mbuf *m, const struct net_meta *meta, const struct rte_ipv4_hdr *ip,
			const struct fragment *f, enum net_drop *why)
{
	*why = DROP_IP_LENGTH;
	if (f->end == f->start || (f->more && (f->end - f->start) % RTE_IPV4_HDR_OFFSET_UNITS != 0))
		return false;
	*why = DROP_FRAG_LONG;
	if (f->end + (meta->l4_off - meta->l3_off) > UINT16_MAX)
		return false;
	*why = DROP_FRAG_TINY;
	if (ip->next_proto_id != IPPROTO_TCP)
		return true;
	return f->start == 0 ? tcp_header_whole(m, meta) : f->start > RTE_IPV4_HDR_OFFSET_UNITS;
}

/* Against what came before. A second or contradicting end is an overlap too. */
static bool fragment_fits(const struct datagram *d, const struct fragment *f)
{
	if (d->last_end != 0 && (!f->more || f->end > d->last_end))
		return false;
	for (unsigned i = 0; i < d->n_parts; i++) {
		if (f->start < d->part[i].end && d->part[i].start < f->end)
			return false;
		if (!f->more && d->part[i].end > f->end)
			return false;
	}
	return true;
}

static bool fragment_record(struct datagram *d, const struct fragment *f, enum net_drop *why)
{
	*why = DROP_FRAG_OVERLAP;
	if (d->spoilt)
		return false;
	if (!fragment_fits(d, f)) {
		d->spoilt = true;
		return false;
	}
	*why = DROP_FRAG_TABLE;
	if (d->n_parts == PARTS_MAX) {
		d->spoilt = true;
		return false;
	}
	d->part[d->n_parts].start = f->start;
	d->part[d->n_parts].end = f->end;
	d->n_parts++;
	if (!f->more)
		d->last_end = f->end;
	return true;
}

static struct rte_mbuf *reasm_whole(struct net_stack *st, struct rte_mbuf *m, uint32_t len)
{
	struct net_meta *meta = net_mbuf_meta(m);

	/* The first fragment may carry more options than those measured. */
	if (len + (meta->l4_off - meta->l3_off) > UINT16_MAX) {
		NET_DROP(&st->stats, FRAG_LONG, m);
		return NULL;
	}
	meta->l4_len = len;
	meta->flags |= NET_META_REASSEMBLED;
	meta->flags &= ~NET_META_CKSUM_OK; /* the device saw pieces */
	m->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_MASK;
	st->stats.rx_reassembled++;
	if (m->data_len < RTE_MIN(m->pkt_len, (uint32_t)NET_PULL_LEN))
		m = net_pull_up(st, m, NET_PULL_LEN);
	return m;
}

/* A checked fragment of a known datagram to the library. */
static struct rte_mbuf *reasm_add(struct net_stack *st, struct datagram *d, struct rte_mbuf *m,
				  struct rte_ipv4_hdr *ip)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	uint32_t len;

	m->l2_len = meta->l3_off;
	m->l3_len = meta->l4_off - meta->l3_off;
	m = rte_ipv4_frag_reassemble_packet(st->reasm->tbl, &st->reasm->dr, m, st->now_us, ip);
	len = d->last_end;
	/* No place in the library's bucket, or its slots for middle fragments are
	 * used up: it gave back all it had. */
	if (death_row_free(st, DROP_FRAG_TABLE) > 0 || m != NULL)
		datagram_delete(st, d);
	return m == NULL ? NULL : reasm_whole(st, m, len);
}

struct rte_mbuf *reasm_input(struct net_stack *st, struct rte_mbuf *m)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, meta->l3_off);
	uint16_t off = rte_be_to_cpu_16(ip->fragment_offset);
	struct fragment f = { .start = (off & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS,
			      .more = (off & RTE_IPV4_HDR_MF_FLAG) != 0 };
	const struct datagram key = { .src = ip->src_addr, .dst = ip->dst_addr, .id = ip->packet_id,
				      .proto = ip->next_proto_id, .ifx = meta->ifx };
	struct datagram *d;
	enum net_drop why;

	f.end = f.start + meta->l4_len;
	reasm_expire(st);
	if (!fragment_ok(m, meta, ip, &f, &why))
		goto drop;
	d = datagram_find(st, &key);
	if (d == NULL)
		d = datagram_new(st, &key, &why);
	if (d == NULL || !fragment_record(d, &f, &why))
		goto drop;
	return reasm_add(st, d, m, ip);
drop:
	net_drop_count(&st->stats, why);
	rte_pktmbuf_free(m);
	return NULL;
}
