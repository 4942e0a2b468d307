/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the header of a packet goes, and that nobody else's memory is written. */
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/tx_lab.h"

enum form { PUSHED, INDIRECT, CHAINED, ERROR };

struct form_case {
	const char *name;
	struct rte_mbuf *(*make)(struct tx_lab *lab);
	enum form without, with; /* indirect descriptors, in a ring more than three quarters full */
	unsigned pieces;         /* that the device sees, the header's included */
	bool pinned;
};

static const uint16_t three[] = { 30, 31, 32, 0 };

static struct rte_mbuf *plain(struct tx_lab *lab)
{
	return tx_lab_frame1(lab, 1, 60);
}

static struct rte_mbuf *just_room(struct tx_lab *lab)
{
	struct rte_mbuf *m = plain(lab);

	memmove((uint8_t *)m->buf_addr + lab->dev.hdr_len, rte_pktmbuf_mtod(m, void *), m->data_len);
	m->data_off = lab->dev.hdr_len;
	return m;
}

static struct rte_mbuf *move_to(struct rte_mbuf *m, uint16_t off)
{
	memmove((uint8_t *)m->buf_addr + off, rte_pktmbuf_mtod(m, void *), m->data_len);
	m->data_off = off;
	return m;
}

static struct rte_mbuf *too_little_room(struct tx_lab *lab)
{
	return move_to(plain(lab), (uint16_t)(lab->dev.hdr_len - 2));
}

static struct rte_mbuf *odd_room(struct tx_lab *lab)
{
	return move_to(plain(lab), 127);
}

/* Somebody else still holds it. */
static struct rte_mbuf *kept;
static struct rte_mbuf *shared(struct tx_lab *lab)
{
	kept = plain(lab);
	rte_mbuf_refcnt_update(kept, 1);
	return kept;
}

/* Attached to another's buffer, which keeps it. */
static struct rte_mbuf *attached(struct tx_lab *lab)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab->mp);

	kept = plain(lab);
	rte_pktmbuf_attach(m, kept);
	return m;
}

/* The other way round: something is attached to what we send. */
static struct rte_mbuf *attached_to(struct tx_lab *lab)
{
	struct rte_mbuf *m = plain(lab);

	kept = rte_pktmbuf_alloc(lab->mp);
	rte_pktmbuf_attach(kept, m);
	return m;
}

static struct rte_mbuf *segments(struct tx_lab *lab)
{
	return tx_lab_frame(lab, 1, three);
}

static struct rte_mbuf *segments_last_shared(struct tx_lab *lab)
{
	struct rte_mbuf *m = tx_lab_frame(lab, 1, three);

	kept = m->next->next;
	rte_mbuf_refcnt_update(kept, 1);
	return m;
}

static struct rte_mbuf *segments_shared(struct tx_lab *lab)
{
	kept = tx_lab_frame(lab, 1, three);
	rte_mbuf_refcnt_update(kept, 1);
	rte_mbuf_refcnt_update(kept->next, 1);
	rte_mbuf_refcnt_update(kept->next->next, 1);
	return kept;
}

static struct rte_mbuf *empty_between(struct tx_lab *lab)
{
	struct rte_mbuf *m = tx_lab_frame(lab, 1, three), *e = rte_pktmbuf_alloc(lab->mp);

	e->next = m->next;
	m->next = e;
	m->nb_segs++;
	return m;
}

static struct rte_mbuf *empty_first(struct tx_lab *lab)
{
	struct rte_mbuf *m = tx_lab_frame(lab, 1, three), *e = rte_pktmbuf_alloc(lab->mp);

	e->next = m;
	e->nb_segs = 4;
	e->pkt_len = m->pkt_len;
	m->nb_segs = 1;
	return e;
}

/* Two segments: a form that bursts make by themselves. */
static const uint16_t two[] = { 30, 31, 0 };

static struct rte_mbuf *pair(struct tx_lab *lab)
{
	return tx_lab_frame(lab, 1, two);
}

static struct rte_mbuf *pair_second_shared(struct tx_lab *lab)
{
	struct rte_mbuf *m = pair(lab);

	kept = m->next;
	rte_mbuf_refcnt_update(kept, 1);
	return m;
}

static struct rte_mbuf *pair_second_attached(struct tx_lab *lab)
{
	struct rte_mbuf *m = pair(lab), *clone = rte_pktmbuf_alloc(lab->mp);

	kept = m->next;
	rte_pktmbuf_attach(clone, kept);
	m->next = clone;
	return m;
}

static struct rte_mbuf *pair_first_shared(struct tx_lab *lab)
{
	kept = pair(lab);
	rte_mbuf_refcnt_update(kept, 1);
	rte_mbuf_refcnt_update(kept->next, 1);
	return kept;
}

static struct rte_mbuf *pair_odd(struct tx_lab *lab)
{
	return move_to(pair(lab), 127);
}

static struct rte_mbuf *pair_empty(struct tx_lab *lab)
{
	struct rte_mbuf *m = pair(lab);

	m->next->data_len = 0;
	m->pkt_len = m->data_len;
	return m;
}

static struct rte_mbuf *pair_wrong_total(struct tx_lab *lab)
{
	struct rte_mbuf *m = pair(lab);

	m->pkt_len--;
	return m;
}

static struct rte_mbuf *empty(struct tx_lab *lab)
{
	return rte_pktmbuf_alloc(lab->mp);
}

static struct rte_mbuf *wrong_total(struct tx_lab *lab)
{
	struct rte_mbuf *m = segments(lab);

	m->pkt_len++;
	return m;
}

static struct rte_mbuf *wrong_segments(struct tx_lab *lab)
{
	struct rte_mbuf *m = segments(lab);

	m->nb_segs = 2;
	return m;
}

static const struct form_case forms[] = {
	{ "plain", plain, PUSHED, PUSHED, 1, false },
	{ "just room", just_room, PUSHED, PUSHED, 1, false },
	{ "too little room", too_little_room, CHAINED, INDIRECT, 2, false },
	{ "odd", odd_room, CHAINED, INDIRECT, 2, false },
	{ "shared", shared, CHAINED, INDIRECT, 2, false },
	{ "attached", attached, CHAINED, INDIRECT, 2, false },
	{ "attached to", attached_to, CHAINED, INDIRECT, 2, false },
	{ "segments", segments, CHAINED, INDIRECT, 3, false },
	{ "segments, last shared", segments_last_shared, CHAINED, INDIRECT, 3, false },
	{ "shared segments", segments_shared, CHAINED, INDIRECT, 4, false },
	{ "empty between", empty_between, CHAINED, INDIRECT, 3, false },
	{ "empty first", empty_first, CHAINED, INDIRECT, 4, false },
	{ "pair", pair, CHAINED, INDIRECT, 2, false },
	{ "pair, second shared", pair_second_shared, CHAINED, INDIRECT, 2, false },
	{ "pair, second attached", pair_second_attached, CHAINED, INDIRECT, 2, false },
	{ "pair, first shared", pair_first_shared, CHAINED, INDIRECT, 3, false },
	{ "pair, odd", pair_odd, CHAINED, INDIRECT, 3, false },
	{ "pair, second empty", pair_empty, PUSHED, PUSHED, 1, false },
	{ "pair, wrong total", pair_wrong_total, ERROR, ERROR, 0, false },
	{ "pair, pinned", pair, CHAINED, INDIRECT, 2, true },
	{ "empty", empty, ERROR, ERROR, 0, false },
	{ "wrong total", wrong_total, ERROR, ERROR, 0, false },
	{ "wrong number of segments", wrong_segments, ERROR, ERROR, 0, false },
	{ "pinned", plain, PUSHED, PUSHED, 1, true },
	{ "pinned, shared", shared, CHAINED, INDIRECT, 2, true },
	{ "pinned, segments", segments, CHAINED, INDIRECT, 3, true },
	{ "pinned, too little room", too_little_room, CHAINED, INDIRECT, 2, true },
};

static bool headroom_untouched(const struct rte_mbuf *m)
{
	for (unsigned i = 0; i < RTE_PKTMBUF_HEADROOM; i++)
		if (((const uint8_t *)m->buf_addr)[i] != 0xa5)
			return false;
	return true;
}

#define CROWD 12

/* Plain packets that the device sits on. */
static void crowd(struct tx_lab *lab)
{
	for (unsigned i = 0; i < CROWD; i++) {
		CU_ASSERT_EQUAL(tx_lab_send(lab, tx_lab_frame1(lab, i, 60)), 1);
		CU_ASSERT(tx_lab_take(lab));
	}
}

static void check_sent(struct tx_lab *lab, const struct form_case *c, enum form want, unsigned others)
{
	struct vnic_txq *q = &lab->txq;

	CU_ASSERT_EQUAL(q->errors, want == ERROR);
	CU_ASSERT_EQUAL(q->posted, others + (want != ERROR));
	if (want == ERROR) {
		CU_ASSERT_FALSE(tx_lab_take(lab));
		CU_ASSERT_EQUAL(lab->kicks, others);
		return;
	}
	CU_ASSERT(tx_lab_take(lab));
	CU_ASSERT(tx_lab_is_frame(lab, lab->got.len, 1));
	CU_ASSERT_EQUAL(lab->got.len, (uint32_t)q->posted_bytes - others * 60);
	CU_ASSERT_EQUAL(lab->got.chain.n_out, c->pieces);
	CU_ASSERT_EQUAL(lab->got.chain.slots, want == CHAINED ? c->pieces : 1);
	CU_ASSERT_EQUAL(q->indirect, want == INDIRECT);
	CU_ASSERT_EQUAL(q->chained, want == CHAINED);
	CU_ASSERT_EQUAL(lab->kicks, others + 1);
	if (kept != NULL && c->make != attached_to)
		CU_ASSERT(headroom_untouched(kept));
	tx_lab_use(lab, others + 1);
	CU_ASSERT_EQUAL(vnic_tx_cleanup(q, 0), (int)others + 1);
	CU_ASSERT_EQUAL(q->vq.free_count, lab->opts.size);
}

static void run_form(const struct form_case *c, unsigned kind)
{
	static struct tx_lab lab;
	struct tx_lab_opts o = { .size = 16, .packed = kind & 1, .in_order = kind & 2, .indirect = kind & 4,
				 .hash = kind & 8, .csum = kind & 16, .pinned = c->pinned };
	bool crowded = kind & 32;
	unsigned before = CU_get_number_of_failures();
	enum form want = o.indirect && (crowded || c->pieces > 3) ? c->with : c->without;

	kept = NULL;
	tx_lab_open(&lab, &o);
	if (crowded)
		crowd(&lab);
	/* Taken by the burst, sent or not. */
	CU_ASSERT_EQUAL(tx_lab_send(&lab, c->make(&lab)), 1);
	check_sent(&lab, c, want, crowded ? CROWD : 0);
	if (kept != NULL)
		rte_pktmbuf_free(kept);
	tx_lab_close(&lab);
	if (CU_get_number_of_failures() != before)
		fprintf(stderr, "case %s, kind %u\n", c->name, kind);
}

static void tx_form__table(void)
{
	for (unsigned i = 0; i < RTE_DIM(forms); i++)
		for (unsigned kind = 0; kind < 64; kind++)
			run_form(&forms[i], kind);
}

/* Pinned buffers are not attached by reference to the mbuf, but to what they share. */
static void tx_form__pinned_attached(void)
{
	static struct tx_lab lab;
	struct rte_mbuf *m, *other;
	struct rte_mempool *heads;
	int rc;

	tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 16, .pinned = true });
	heads = plain_pktmbuf_pool("heads", 64, 0, 0, 0, -1, &rc);
	CU_ASSERT_PTR_NOT_NULL_FATAL(heads);
	m = plain(&lab);
	other = rte_pktmbuf_alloc(heads);
	rte_pktmbuf_attach(other, m);
	CU_ASSERT_EQUAL(rte_mbuf_refcnt_read(m), 1);
	CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
	CU_ASSERT(headroom_untouched(m));
	CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 60, 1));
	CU_ASSERT_EQUAL(lab.got.chain.n_out, 2);
	tx_lab_use(&lab, 1);
	vnic_tx_cleanup(&lab.txq, 0);
	rte_pktmbuf_free(other);
	tx_lab_close(&lab);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(heads), 64);
	rte_mempool_free(heads);
}

/* A header that is there already is not written again: a page without the right to shows it. */
static void tx_form__equal_header(void)
{
	static struct tx_lab lab;
	struct rte_mbuf *m;

	tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 16 });
	for (unsigned i = 0; i < 2; i++) {
		m = plain(&lab);
		memset((uint8_t *)m->buf_addr + m->data_off - 12, i ? 0xff : 0, 12);
		CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
		CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 60, 1));
	}
	tx_lab_close(&lab);
}

static struct rte_mbuf *many(struct tx_lab *lab, unsigned segs)
{
	static uint16_t lens[600];

	memset(lens, 0, sizeof(lens));
	for (unsigned i = 0; i < segs; i++)
		lens[i] = 10;
	return tx_lab_frame(lab, 1, lens);
}

/* More segments than a chain may have are packed into fewer; one more than that is not sent. */
static void tx_form__too_many_segments(void)
{
	static const struct {
		uint16_t size;
		bool indirect;
		uint16_t segs;
		unsigned packed, pieces;
	} t[] = {
		{ 512, false, 256, 0, 256 }, { 512, false, 257, 1, 8 }, { 512, true, 18, 0, 18 },
		{ 512, true, 19, 0, 19 },    { 16, false, 16, 0, 16 },   { 16, false, 17, 1, 1 },
		{ 4, true, 18, 0, 18 },      { 4, true, 19, 1, 1 },      { 2, false, 3, 1, 1 },
		{ 2, false, 2, 0, 2 },       { 1, false, 2, 1, 1 },
	};
	static struct tx_lab lab;

	for (unsigned i = 0; i < 4 * RTE_DIM(t); i++) {
		unsigned k = i / 4, packed = t[k].packed;

		tx_lab_open(&lab, &(struct tx_lab_opts){ .size = t[k].size, .packed = i & 1, .in_order = i & 2,
							 .indirect = t[k].indirect, .mbufs = 1000 });
		CU_ASSERT_EQUAL(tx_lab_send(&lab, many(&lab, t[k].segs)), 1);
		CU_ASSERT_EQUAL(lab.txq.linearized, packed);
		CU_ASSERT_EQUAL(lab.txq.errors, 0);
		CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 10u * t[k].segs, 1));
		CU_ASSERT_EQUAL(lab.got.chain.n_out, t[k].pieces);
		tx_lab_close(&lab);
	}
	/* 600 octets are three buffers of 256: a ring of one cannot take that. */
	tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 1, .mbufs = 100 });
	CU_ASSERT_EQUAL(tx_lab_send(&lab, many(&lab, 60)), 1);
	CU_ASSERT_EQUAL(lab.txq.errors, 1);
	CU_ASSERT_FALSE(tx_lab_take(&lab));
	tx_lab_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(tx_form__table),
	TEST_CASE(tx_form__pinned_attached),
	TEST_CASE(tx_form__equal_header),
	TEST_CASE(tx_form__too_many_segments),
};

TEST_MAIN("virtio_tx_form", cases)
