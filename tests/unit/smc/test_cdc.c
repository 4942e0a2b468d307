/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/cdc.h"

#include <errno.h>

#include "tests/unit/smc/llc_vectors.h"
#include "tests/unit/smc/octets.h"
#include "tests/unit/test.h"

static struct octets octets;

static int
decode(const uint8_t *b, size_t len, struct cdc_msg *msg)
{
	uint8_t *copy = octets_exact(b, len);
	int rc = cdc_decode(copy, len, msg);

	free(copy);
	return rc;
}

static void cdc_decode__fields(void)
{
	struct cdc_msg msg;

	octets_from_hex(CDC_FIRST, &octets);
	CU_ASSERT_EQUAL(octets.len, CDC_LEN);
	CU_ASSERT(cdc_is(octets.b));
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, &msg), 0);
	CU_ASSERT(msg.seq == 1 && msg.token == 5);
	CU_ASSERT(msg.prod.wrap == 0 && msg.prod.count == 100);
	CU_ASSERT(msg.cons.wrap == 0 && msg.cons.count == 0);
	CU_ASSERT(msg.prod_flags == 0 && msg.conn_flags == 0);

	octets_from_hex(CDC_FLAGS, &octets);
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, &msg), 0);
	CU_ASSERT_EQUAL(msg.seq, 0xfffe);
	CU_ASSERT(msg.prod.wrap == 1 && msg.prod.count == 0);
	CU_ASSERT(msg.cons.wrap == 0xffff && msg.cons.count == 0x3fff);
	CU_ASSERT_EQUAL(msg.prod_flags, CDC_WRITE_BLOCKED | CDC_URG_PENDING | CDC_URG_PRESENT | CDC_CURSOR_WANTED |
			CDC_VALIDATION);
	CU_ASSERT_EQUAL(msg.conn_flags, CDC_DONE_WRITING | CDC_CLOSED | CDC_ABORT);
}

static void cdc_encode__octets(void)
{
	static const char *const vectors[] = { CDC_FIRST, CDC_FLAGS };
	uint8_t buf[CDC_LEN];
	struct cdc_msg msg;

	for (unsigned i = 0; i < 2; i++) {
		octets_from_hex(vectors[i], &octets);
		CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, &msg), 0);
		memset(buf, 0x5a, sizeof(buf));
		cdc_encode(&msg, buf);
		CU_ASSERT_EQUAL(memcmp(buf, octets.b, CDC_LEN), 0);
	}
}

static void cdc_decode__refused(void)
{
	struct cdc_msg msg;

	octets_from_hex(CDC_FIRST, &octets);
	for (size_t len = 0; len <= 100; len++) {
		memset(octets.b + CDC_LEN, 0, 60);
		CU_ASSERT_EQUAL(decode(octets.b, len, &msg), len == CDC_LEN ? 0 : -EPROTO);
	}
	for (unsigned value = 0; value < 256; value++) {
		octets_from_hex(CDC_FIRST, &octets);
		octets.b[0] = (uint8_t)value;
		CU_ASSERT_EQUAL(cdc_is(octets.b), value == 0xfe);
		CU_ASSERT_EQUAL(decode(octets.b, CDC_LEN, &msg), value == 0xfe ? 0 : -EPROTO);
		octets_from_hex(CDC_FIRST, &octets);
		octets.b[1] = (uint8_t)value;
		CU_ASSERT_EQUAL(decode(octets.b, CDC_LEN, &msg), value == 0x2c ? 0 : -EPROTO);
	}
}

/* Reserved octets and flag bits of a peer have no effect. */
static void cdc_decode__reserved_is_dropped(void)
{
	uint8_t buf[CDC_LEN];
	struct cdc_msg msg;

	octets_from_hex(CDC_FLAGS, &octets);
	memset(octets.b + 8, 0xff, 2);
	memset(octets.b + 16, 0xff, 2);
	memset(octets.b + 24, 0xff, 20);
	CU_ASSERT_EQUAL(decode(octets.b, CDC_LEN, &msg), 0);
	CU_ASSERT(msg.prod_flags == 0xf8 && msg.conn_flags == 0xe0);
	cdc_encode(&msg, buf);
	octets_from_hex(CDC_FLAGS, &octets);
	CU_ASSERT_EQUAL(memcmp(buf, octets.b, CDC_LEN), 0);
}

static void cdc_seq_before__wrap(void)
{
	static const struct {
		uint16_t a, b;
		bool before;
	} cases[] = {
		{ 1, 2, true }, { 2, 1, false }, { 1, 1, false }, { 0xffff, 0, true }, { 0, 0xffff, false },
		{ 0xfff0, 0x10, true }, { 0x7fff, 0x8000, true }, { 0, 0x7fff, true }, { 0, 0x8000, true },
		{ 0, 0x8001, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(cdc_seq_before(cases[i].a, cases[i].b), cases[i].before);
}

#define SIZE 16384

static void smc_cursor_add__wraps(void)
{
	static const struct {
		struct smc_cursor from;
		uint32_t n, size;
		struct smc_cursor to;
	} cases[] = {
		{ { 0, 0 }, 0, SIZE, { 0, 0 } },
		{ { 0, 0 }, 1, SIZE, { 0, 1 } },
		{ { 0, 0 }, SIZE - 1, SIZE, { 0, SIZE - 1 } },
		{ { 0, 0 }, SIZE, SIZE, { 1, 0 } },
		{ { 0, SIZE - 1 }, 1, SIZE, { 1, 0 } },
		{ { 0, SIZE - 1 }, SIZE, SIZE, { 1, SIZE - 1 } },
		{ { 7, 100 }, SIZE - 100, SIZE, { 8, 0 } },
		{ { 0xffff, SIZE - 1 }, 2, SIZE, { 0, 1 } },
		{ { 0, 0xfffffff0 }, 0x20, 0xffffffff, { 1, 0x11 } },
		{ { 0, 0xfffffffe }, 0xffffffff, 0xffffffff, { 1, 0xfffffffe } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smc_cursor c = cases[i].from;

		smc_cursor_add(&c, cases[i].n, cases[i].size);
		CU_ASSERT(smc_cursor_equal(&c, &cases[i].to));
		CU_ASSERT_EQUAL(smc_cursor_distance(&cases[i].from, &c, cases[i].size), cases[i].n);
	}
}

static void smc_cursor_distance__and_order(void)
{
	static const struct {
		struct smc_cursor old, new;
		int64_t distance;
	} cases[] = {
		{ { 0, 0 }, { 0, 0 }, 0 },
		{ { 0, 0 }, { 1, 0 }, SIZE },                     /* full */
		{ { 0, 5 }, { 0, 3 }, -2 },                       /* backwards */
		{ { 1, 0 }, { 0, SIZE - 1 }, -1 },
		{ { 0xffff, SIZE - 1 }, { 0, 0 }, 1 },
		{ { 0, 0 }, { 0xffff, SIZE - 1 }, -1 },
		{ { 0xffff, 10 }, { 1, 10 }, 2 * SIZE },          /* more than a ring holds */
		{ { 0, 0 }, { 1, 1 }, SIZE + 1 },
		{ { 0, 0 }, { 0x7fff, 0 }, 0x7fffLL * SIZE },
		{ { 0, 0 }, { 0x8000, 0 }, -0x8000LL * SIZE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(smc_cursor_distance(&cases[i].old, &cases[i].new, SIZE), cases[i].distance);
		CU_ASSERT_EQUAL(smc_cursor_older(&cases[i].old, &cases[i].new), cases[i].distance > 0);
		CU_ASSERT_EQUAL(smc_cursor_equal(&cases[i].old, &cases[i].new), cases[i].distance == 0);
	}
}

static void smc_cursor_valid__bounds(void)
{
	CU_ASSERT(smc_cursor_valid(&(struct smc_cursor){ 9, 0 }, SIZE));
	CU_ASSERT(smc_cursor_valid(&(struct smc_cursor){ 9, SIZE - 1 }, SIZE));
	CU_ASSERT(!smc_cursor_valid(&(struct smc_cursor){ 9, SIZE }, SIZE));
	CU_ASSERT(!smc_cursor_valid(&(struct smc_cursor){ 9, UINT32_MAX }, SIZE));
}

/* A reader behind a writer through more than 65536 rounds of the ring. */
static void smc_cursor__seventy_thousand_rounds(void)
{
	struct smc_cursor prod = { 0 }, cons = { 0 };
	uint64_t written = 0, taken = 0, seed = 1;

	while (written < 70000ull * SIZE) {
		uint32_t used = (uint32_t)(written - taken), n;

		n = (uint32_t)(test_random(&seed) % (SIZE - used + 1));
		smc_cursor_add(&prod, n, SIZE);
		written += n;
		used += n;
		CU_ASSERT_EQUAL_FATAL(smc_cursor_distance(&cons, &prod, SIZE), used);
		CU_ASSERT_EQUAL_FATAL(prod.count, written % SIZE);
		n = (uint32_t)(test_random(&seed) % (used + 1));
		smc_cursor_add(&cons, n, SIZE);
		taken += n;
		CU_ASSERT_EQUAL_FATAL(smc_cursor_distance(&cons, &prod, SIZE), used - n);
		CU_ASSERT_FATAL(smc_cursor_valid(&prod, SIZE) && smc_cursor_valid(&cons, SIZE));
	}
	CU_ASSERT_EQUAL(prod.wrap, (uint16_t)(written / SIZE));
}

static const struct test_case cases[] = {
	TEST_CASE(cdc_decode__fields),
	TEST_CASE(cdc_encode__octets),
	TEST_CASE(cdc_decode__refused),
	TEST_CASE(cdc_decode__reserved_is_dropped),
	TEST_CASE(cdc_seq_before__wrap),
	TEST_CASE(smc_cursor_add__wraps),
	TEST_CASE(smc_cursor_distance__and_order),
	TEST_CASE(smc_cursor_valid__bounds),
	TEST_CASE(smc_cursor__seventy_thousand_rounds),
};
TEST_MAIN("cdc", cases)
