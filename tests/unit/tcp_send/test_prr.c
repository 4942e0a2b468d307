/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PRR by the vectors of RFC 9937's rules: 20 units in flight, a receiver that
 * answers each arrival with one ACK, RFC 6675 marking after three SACKs above.
 */
#include "proto/tcp/snd.h"
#include "tests/unit/test.h"

#define N 64

/* All in units; unit u of 1..20 was sent before, new ones follow. */
struct flow {
	bool sacked[N], lost[N], rtx[N];
	unsigned una, nxt;
	struct tcp_prr p;
	unsigned ssthresh, cwnd;
	bool in;
};

static unsigned pipe(const struct flow *f)
{
	unsigned n = 0;

	for (unsigned u = f->una; u < f->nxt; u++)
		n += (!f->sacked[u] && !f->lost[u]) + (f->rtx[u] && !f->sacked[u]);
	return n;
}

/* Not SACKed with at least three units SACKed above: lost. */
static unsigned mark(struct flow *f)
{
	unsigned above = 0, n = 0;

	for (unsigned u = f->nxt; u-- > f->una;) {
		above += f->sacked[u];
		if (!f->sacked[u] && !f->lost[u] && above >= 3) {
			f->lost[u] = true;
			n++;
		}
	}
	return n;
}

/* Send what cwnd allows; returns what as text: "r1" a retransmission, "n" new. */
static void output(struct flow *f, char *log, size_t len)
{
	size_t used = 0;

	log[0] = '\0';
	while (pipe(f) < f->cwnd && f->nxt < N) {
		unsigned u = f->una;

		while (u < f->nxt && !(f->lost[u] && !f->rtx[u]))
			u++;
		if (u < f->nxt) {
			f->rtx[u] = true;
			used += (size_t)snprintf(log + used, len - used, "r%u ", u);
		} else {
			f->nxt++;
			used += (size_t)snprintf(log + used, len - used, "n ");
		}
		f->p.out++;
	}
}

static void ack(struct flow *f, unsigned una, unsigned sack, char *log, size_t len)
{
	unsigned d = 0, lost, sacked_before = 0;
	unsigned prior = f->una;
	bool advanced = una > f->una;

	for (unsigned u = f->una; u < f->nxt; u++)
		sacked_before += f->sacked[u];
	for (; f->una < una; f->una++)
		d += !f->sacked[f->una];
	if (sack && !f->sacked[sack]) {
		f->sacked[sack] = true;
		f->rtx[sack] = f->lost[sack] = false;
		d++;
	}
	lost = mark(f);
	if (f->in && f->una >= 21) {
		f->in = false;
		f->cwnd = f->ssthresh;
	} else if (!f->in && lost) {
		f->in = true;
		f->p = (struct tcp_prr){ .recover_fs = f->nxt - prior - sacked_before };
	}
	if (f->in) {
		f->p.delivered += d;
		f->cwnd = pipe(f) + tcp_prr_allow(&f->p, pipe(f), f->ssthresh, d, advanced && lost == 0, 1);
	} else if (f->una < 21) {
		f->cwnd = 0; /* the vectors leave limited transmit out */
	}
	log[0] = '\0';
	if (f->una < 21)
		output(f, log, len);
}

static void begin(struct flow *f, unsigned ssthresh)
{
	memset(f, 0, sizeof(*f));
	f->una = 1;
	f->nxt = 21;
	f->ssthresh = ssthresh;
}

/* Unit 1 lost: SACKs 2..20, then the ACK of the retransmission. */
static void one_lost(unsigned ssthresh, const char *const want[21])
{
	struct flow f;
	char log[160];

	begin(&f, ssthresh);
	for (unsigned s = 2; s <= 20; s++) {
		ack(&f, 1, s, log, sizeof(log));
		CU_ASSERT_STRING_EQUAL(log, want[s] ? want[s] : "");
		if (s == 4)
			CU_ASSERT_EQUAL(f.p.recover_fs, 18);
	}
	ack(&f, 21, 0, log, sizeof(log));
	CU_ASSERT_FALSE(f.in);
	CU_ASSERT_EQUAL(f.cwnd, ssthresh);
}

static void prr__one_lost_halved(void)
{
	static const char *const want[21] = {
		[4] = "r1 ", [5] = "n ", [7] = "n ", [9] = "n ", [11] = "n ", [13] = "n ", [14] = "n ", [16] = "n ",
		[19] = "n ", [20] = "n ",
	};

	one_lost(10, want);
}

static void prr__one_lost_seven_tenths(void)
{
	static const char *const want[21] = {
		[4] = "r1 ", [5] = "n ", [6] = "n ", [7] = "n ", [9] = "n ", [10] = "n ", [11] = "n ", [14] = "n ",
		[15] = "n ", [16] = "n ", [17] = "n ", [18] = "n ", [19] = "n ", [20] = "n ",
	};

	one_lost(14, want);
}

static void prr__heavy_loss(void)
{
	static const char *const want_sack[21] = {
		[15] = "r1 ", [16] = "r2 ", [17] = "r3 ", [18] = "r4 ", [19] = "r5 ", [20] = "r6 ",
	};
	static const char *const want_ack[12] = {
		[1] = "r7 r8 ", [2] = "r9 r10 ", [3] = "r11 r12 ", [4] = "n n ", [5] = "n ", [6] = "n ", [7] = "n ",
		[8] = "n ", [9] = "n ", [10] = "n ", [11] = "n ",
	};
	struct flow f;
	char log[160];

	begin(&f, 10);
	for (unsigned s = 13; s <= 20; s++) {
		ack(&f, 1, s, log, sizeof(log));
		CU_ASSERT_STRING_EQUAL(log, want_sack[s] ? want_sack[s] : "");
	}
	for (unsigned a = 1; a <= 11; a++) {
		ack(&f, a + 1, 0, log, sizeof(log));
		CU_ASSERT_STRING_EQUAL(log, want_ack[a]);
	}
	ack(&f, 21, 0, log, sizeof(log));
	CU_ASSERT_EQUAL(f.cwnd, 10);
}

static void prr__never_negative_nor_beyond_64_bits(void)
{
	static const struct { struct tcp_prr p; uint32_t pipe, ssthresh, d; bool safe; uint32_t n; } rows[] = {
		{ { 0, 0, 0 }, 0, 0, 0, false, 1460 },                      /* first one always */
		{ { 1000, 5000, 10000 }, 20000, 5000, 100, false, 0 },
		{ { 1u << 30, 1460, 1u << 30 }, 1u << 30, 1u << 29, 1460, false, 367719 * 1460 },
		{ { 3000, 1460, 10000 }, 5000, 5000, 1000, true, 0 },
		{ { 3000, 3000, 10000 }, 1000, 5000, 1000, true, 2460 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		CU_ASSERT_EQUAL(tcp_prr_allow(&rows[i].p, rows[i].pipe, rows[i].ssthresh, rows[i].d, rows[i].safe,
					      1460), rows[i].n);
}

static const struct test_case cases[] = {
	TEST_CASE(prr__one_lost_halved),
	TEST_CASE(prr__one_lost_seven_tenths),
	TEST_CASE(prr__heavy_loss),
	TEST_CASE(prr__never_negative_nor_beyond_64_bits),
};

TEST_MAIN("tcp_send_prr", cases)
