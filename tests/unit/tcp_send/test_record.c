/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records against a plain model: a list of units, each with its marks, on which
 * every rule is applied the slow way.
 */
#include "proto/tcp/record.h"
#include "tests/unit/test.h"

#define MSS 100
#define MAX_UNITS 4096

static uint64_t now_us;
static struct tcp_stack stack;
static struct tcp_conn conn;

uint64_t net_now(const struct net_stack *st)
{
	return now_us;
}

struct unit {
	uint32_t start, end;
	bool sacked, lost, rtx;
};
static struct unit units[MAX_UNITS];
static unsigned n_units;

static struct tcp_conn *begin(uint32_t seq)
{
	memset(&conn, 0, sizeof(conn));
	conn.ts = &stack;
	conn.snd_una = conn.snd_nxt = conn.lost_seq = seq;
	conn.snd_mss = MSS;
	n_units = 0;
	return &conn;
}

static void model_send(uint32_t seq, uint32_t len, uint16_t seg, bool fin)
{
	uint32_t payload = len - fin, end = seq + len;
	unsigned n = payload <= seg ? 1 : (payload + seg - 1) / seg;

	for (unsigned i = 0; i < n; i++) {
		struct unit *u = &units[n_units++];

		memset(u, 0, sizeof(*u));
		u->start = seq + i * seg;
		u->end = i + 1 == n ? end : u->start + seg;
	}
}

static void send(struct tcp_conn *c, uint32_t len, uint16_t seg, bool fin)
{
	CU_ASSERT_EQUAL_FATAL(tcp_rec_add(c, len, seg, fin ? TCP_REC_FIN : 0, NULL), 0);
	model_send(c->snd_nxt, len, seg, fin);
	c->snd_nxt += len;
}

static void ack(struct tcp_conn *c, uint32_t una)
{
	struct tcp_rec_acked out = { 0 };
	uint32_t fresh = 0;
	unsigned gone = 0;

	while (gone < n_units && seq_le(units[gone].end, una)) {
		if (!units[gone].sacked)
			fresh += units[gone].end - units[gone].start;
		gone++;
	}
	memmove(units, units + gone, (n_units - gone) * sizeof(units[0]));
	n_units -= gone;
	tcp_rec_ack(c, una, &out);
	c->snd_una = una;
	CU_ASSERT_EQUAL(out.fresh, fresh);
}

static void sack(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	struct tcp_rec_acked out = { 0 };
	uint32_t octets = 0;

	for (unsigned i = 0; i < n_units; i++) {
		struct unit *u = &units[i];

		if (u->sacked || seq_lt(u->start, start) || seq_gt(u->end, end))
			continue;
		u->sacked = true;
		u->lost = u->rtx = false;
		octets += u->end - u->start;
	}
	CU_ASSERT_EQUAL(tcp_rec_sack(c, start, end, &out), octets);
}

/* RFC 6675 IsLost(), word for word, from the top down. */
static void mark(struct tcp_conn *c)
{
	uint32_t above = 0, octets = 0;
	unsigned ranges = 0;
	bool in_range = false;

	for (unsigned i = n_units; i-- > 0;) {
		struct unit *u = &units[i];

		if (u->sacked) {
			above += u->end - u->start;
			ranges += !in_range;
			in_range = true;
			continue;
		}
		in_range = false;
		if ((above > 2 * MSS || ranges >= 3) && !u->lost) {
			u->lost = true;
			u->rtx = false;
			octets += u->end - u->start;
		}
	}
	CU_ASSERT_EQUAL(tcp_rec_mark_sack(c), octets);
}

static void retransmit(struct tcp_conn *c)
{
	unsigned unit, i;
	struct tcp_rec *r = tcp_rec_next_lost(c, &unit);

	for (i = 0; i < n_units && !(units[i].lost && !units[i].rtx); i++)
		;
	if (i == n_units) {
		CU_ASSERT_PTR_NULL(r);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(tcp_rec_unit_seq(r, unit), units[i].start);
	CU_ASSERT_EQUAL(tcp_rec_unit_end(r, unit), units[i].end);
	units[i].rtx = true;
	tcp_rec_retransmitted(c, r, unit);
}

static void timeout(struct tcp_conn *c, bool reneged)
{
	for (unsigned i = 0; i < n_units; i++) {
		if (reneged)
			units[i].sacked = false;
		units[i].lost = !units[i].sacked;
		units[i].rtx = false;
	}
	if (reneged)
		tcp_rec_clear_sacked(c);
	tcp_rec_mark_all(c);
}

static void undo(struct tcp_conn *c)
{
	for (unsigned i = 0; i < n_units; i++)
		units[i].lost = false;
	tcp_rec_clear_lost(c);
}

static void compare(const struct tcp_conn *c)
{
	uint32_t out = 0, sacked = 0, lost = 0, rtx = 0;

	for (unsigned i = 0; i < n_units; i++) {
		uint32_t len = units[i].end - units[i].start;

		out += len;
		sacked += units[i].sacked ? len : 0;
		lost += units[i].lost ? len : 0;
		rtx += units[i].rtx ? len : 0;
	}
	CU_ASSERT(tcp_rec_consistent(c));
	CU_ASSERT_EQUAL(c->pipe_out, out);
	CU_ASSERT_EQUAL(c->pipe_sacked, sacked);
	CU_ASSERT_EQUAL(c->pipe_lost, lost);
	CU_ASSERT_EQUAL(c->pipe_rtx, rtx);
	CU_ASSERT_EQUAL(tcp_pipe(c), out - sacked - lost + rtx);
	CU_ASSERT_EQUAL(tcp_rec_reneged(c), n_units > 0 && units[0].sacked);
}

static void random_step(struct tcp_conn *c, uint64_t *seed)
{
	uint32_t flight = c->snd_nxt - c->snd_una;
	uint32_t at = flight ? c->snd_una + (uint32_t)(test_random(seed) % flight) : 0;

	switch (test_random(seed) % 16) {
	case 0: case 1: case 2: case 3:
		if (n_units < 500)
			send(c, 1 + (uint32_t)(test_random(seed) % (MSS * TCP_REC_UNITS)), MSS, false);
		break;
	case 4: case 5: case 6: case 7: case 8:
		if (flight)
			sack(c, at, at + 1 + (uint32_t)(test_random(seed) % (c->snd_nxt - at)));
		break;
	case 9: case 10:
		mark(c);
		break;
	case 11: case 12:
		retransmit(c);
		break;
	case 13: case 14:
		if (flight)
			ack(c, at + 1);
		break;
	default:
		switch (test_random(seed) % 4) {
		case 0:
			timeout(c, false);
			break;
		case 1:
			timeout(c, true);
			break;
		case 2:
			undo(c);
			break;
		}
	}
}

static void record__random_against_model(void)
{
	static const uint32_t starts[] = { 0, 1000, UINT32_MAX - 50000, UINT32_MAX, 0x7fffff00 };

	for (unsigned k = 0; k < 5 * RTE_DIM(starts); k++) {
		struct tcp_conn *c = begin(starts[k % RTE_DIM(starts)]);
		uint64_t seed = k;

		for (unsigned i = 0; i < 3000; i++) {
			now_us += test_random(&seed) % 1000;
			random_step(c, &seed);
			compare(c);
		}
		ack(c, c->snd_nxt);
		compare(c);
		CU_ASSERT_EQUAL(c->rec_count, 0);
		CU_ASSERT_PTR_NULL(c->rec_head);
		CU_ASSERT_EQUAL(stack.recs.used, 0);
	}
}

/* An edge inside a unit leaves it not SACKed; a FIN belongs to the last one. */
static void sack__rounds_inwards(void)
{
	static const struct { uint32_t start, end, octets; } rows[] = {
		{ 0, 99, 0 }, { 0, 100, 100 }, { 1, 200, 100 }, { 50, 150, 0 }, { 100, 300, 200 }, { 399, 501, 101 },
		{ 400, 500, 0 }, /* all data of the last unit, but not the FIN */
		{ 400, 501, 101 }, { 0, 501, 501 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_conn *c = begin(UINT32_MAX - 150);
		struct tcp_rec_acked out = { 0 };
		uint32_t base = c->snd_una;

		send(c, 501, MSS, true);
		CU_ASSERT_EQUAL(c->rec_head->n, 5);
		CU_ASSERT_EQUAL(tcp_rec_sack(c, base + rows[i].start, base + rows[i].end, &out), rows[i].octets);
		CU_ASSERT_EQUAL(c->pipe_sacked, rows[i].octets);
		tcp_rec_flush(c);
	}
}

/* More than 2 * SMSS octets above, or three ranges. */
static void mark_sack__thresholds(void)
{
	static const struct { uint32_t s[3][2]; uint32_t lost; } rows[] = {
		{ { { 1, 2 } }, 0 }, { { { 1, 3 } }, 0 }, { { { 1, 4 } }, 1 }, { { { 3, 6 } }, 3 },
		{ { { 1, 2 }, { 3, 4 } }, 0 }, { { { 1, 2 }, { 3, 4 }, { 5, 6 } }, 1 },
		{ { { 2, 3 }, { 4, 6 } }, 2 }, { { { 2, 4 }, { 5, 6 } }, 2 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_conn *c = begin(7);

		send(c, 400, MSS, false);
		send(c, 600, MSS, false);
		for (unsigned k = 0; k < 3; k++) {
			if (rows[i].s[k][1])
				sack(c, 7 + rows[i].s[k][0] * MSS, 7 + rows[i].s[k][1] * MSS);
		}
		CU_ASSERT_EQUAL(tcp_rec_mark_sack(c), rows[i].lost * MSS);
		CU_ASSERT_EQUAL(tcp_rec_mark_sack(c), 0);
		tcp_rec_flush(c);
	}
}

static void rec_ack__samples(void)
{
	struct tcp_rec_acked out = { 0 };
	struct tcp_conn *c = begin(0);

	now_us = 1000;
	send(c, 100, MSS, false);
	now_us = 2000;
	send(c, 300, MSS, false);
	now_us = 3000;
	send(c, 100, MSS, false);
	tcp_rec_retransmitted(c, c->rec_tail, 0);
	tcp_rec_ack(c, 200, &out); /* newest never retransmitted unit: the second record's */
	CU_ASSERT(out.rtt_valid && !out.rtx);
	CU_ASSERT_EQUAL(out.rtt_sent_us, 2000);
	CU_ASSERT_EQUAL(out.first_us, 1000);
	CU_ASSERT_EQUAL(out.fresh, 200);
	memset(&out, 0, sizeof(out));
	tcp_rec_sack(c, 300, 400, &out);
	CU_ASSERT(out.rtt_valid);
	memset(&out, 0, sizeof(out));
	tcp_rec_ack(c, 500, &out); /* unit 300..400 was SACKed before: not fresh */
	CU_ASSERT_EQUAL(out.fresh, 200);
	CU_ASSERT(out.rtx);
	CU_ASSERT_EQUAL(out.rtt_sent_us, 2000);
	CU_ASSERT_EQUAL(c->pipe_out + c->pipe_sacked + c->pipe_lost + c->pipe_rtx, 0);
}

static void rec_add__bounded(void)
{
	struct tcp_conn *c = begin(0);
	unsigned i;

	for (i = 0; i < TCP_REC_MAX; i++, c->snd_nxt++)
		CU_ASSERT_EQUAL_FATAL(tcp_rec_add(c, 1, MSS, 0, NULL), 0);
	CU_ASSERT(tcp_rec_add(c, 1, MSS, 0, NULL) < 0);
	tcp_rec_drop_tail(c);
	CU_ASSERT_EQUAL(c->pipe_out, TCP_REC_MAX - 1);
	CU_ASSERT(tcp_rec_consistent(c));
	tcp_rec_flush(c);
	CU_ASSERT_EQUAL(stack.recs.used, 0);
}

static const struct test_case cases[] = {
	TEST_CASE(record__random_against_model),
	TEST_CASE(sack__rounds_inwards),
	TEST_CASE(mark_sack__thresholds),
	TEST_CASE(rec_ack__samples),
	TEST_CASE(rec_add__bounded),
};

int main(int argc, char **argv)
{
	int rc;

	if (pool_init(&stack.recs, sizeof(struct tcp_rec), 64, 2 * TCP_REC_MAX, -1) < 0)
		return 1;
	rc = test_run("tcp_send_record", cases, RTE_DIM(cases), argc > 1 ? argv[1] : NULL);
	pool_fini(&stack.recs);
	return rc;
}
