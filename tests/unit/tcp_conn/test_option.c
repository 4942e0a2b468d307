/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/tcp/conn.h"
#include "tests/unit/test.h"

/* On the heap at its exact length, so that a sanitizer sees a read beyond. */
static void parse(const uint8_t *opt, unsigned len, struct tcp_opts *out)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);

	memcpy(copy, opt, len);
	memset(out, 0xa5, sizeof(*out));
	tcp_parse_options(copy, len, out);
	free(copy);
}

static void tcp_parse_options__table(void)
{
	static const struct {
		const char *what;
		uint8_t opt[40];
		uint8_t len;
		uint8_t present;
	} rows[] = {
		{ "none", { 0 }, 0, 0 },
		{ "mss", { 2, 4, 5, 180 }, 4, TCP_OPT_MSS },
		{ "mss of wrong length", { 2, 3, 5, 1 }, 4, 0 },
		{ "nop, mss at an odd place", { 1, 2, 4, 5, 180, 0, 0, 0 }, 8, TCP_OPT_MSS },
		{ "behind end of list", { 0, 2, 4, 5, 180, 0, 0, 0 }, 8, 0 },
		{ "Linux SYN", { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7 }, 20,
		  TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE },
		{ "aligned timestamp", { 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8 }, 12, TCP_OPT_TS },
		{ "timestamp of length 9", { 1, 1, 8, 9, 0, 0, 0, 9, 0, 0, 0, 1 }, 12, 0 },
		{ "unknown skipped", { 76, 4, 1, 2, 2, 4, 5, 180 }, 8, TCP_OPT_MSS },
		{ "length 0 stops", { 2, 4, 5, 180, 77, 0, 3, 3, 7, 0, 0, 0 }, 12, TCP_OPT_MSS | TCP_OPT_BAD },
		{ "length 1 stops", { 77, 1, 2, 4, 5, 180, 0, 0 }, 8, TCP_OPT_BAD },
		{ "length past the end", { 2, 4, 5, 180, 8, 10, 0, 0 }, 8, TCP_OPT_MSS | TCP_OPT_BAD },
		{ "kind without length", { 1, 1, 1, 2 }, 4, TCP_OPT_BAD },
		{ "SMC", { 1, 1, 254, 6, 0xe2, 0xd4, 0xc3, 0xd9 }, 8, TCP_OPT_USER },
		{ "experiment longer than we keep", { 253, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 12, TCP_OPT_USER },
		{ "one block", { 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 }, 12, TCP_OPT_SACK },
		{ "SACK of length 9", { 1, 1, 5, 9, 0, 0, 0, 1, 0, 0, 0, 1 }, 12, 0 },
		{ "SACK of length 2", { 5, 2, 1, 1 }, 4, 0 },
		{ "window scale", { 3, 3, 255, 0 }, 4, TCP_OPT_WSCALE },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_opts o;

		parse(rows[i].opt, rows[i].len, &o);
		if (o.present != rows[i].present)
			printf("%s: present %x\n", rows[i].what, o.present);
		CU_ASSERT_EQUAL(o.present, rows[i].present);
	}
}

static void tcp_parse_options__values(void)
{
	static const uint8_t syn[] = { 2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 15,
				       254, 6, 0xe2, 0xd4, 0xc3, 0xd9, 2, 4, 0, 1 };
	static const uint8_t sack[] = { 5, 34, 0, 0, 0, 1, 0, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 9,
					0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8 };
	struct tcp_opts o;

	parse(syn, sizeof(syn), &o);
	CU_ASSERT_EQUAL(o.mss, 1460); /* the first one counts */
	CU_ASSERT_EQUAL(o.tsval, 0x01020304);
	CU_ASSERT_EQUAL(o.tsecr, 0x05060708);
	CU_ASSERT_EQUAL(o.wscale, 15);
	CU_ASSERT_EQUAL(o.user.len, 6);
	CU_ASSERT_EQUAL(memcmp(o.user.bytes, syn + 20, 6), 0);
	parse(sack, sizeof(sack), &o);
	CU_ASSERT_EQUAL(o.n_sack, 4);
	CU_ASSERT_EQUAL(o.sack[1].start, UINT32_MAX);
	CU_ASSERT_EQUAL(o.sack[3].end, 8);
}

/* As the last option, padded before, it is read at once: as if it were not. */
static void tcp_parse_options__user_option_at_the_end(void)
{
	static const struct {
		const char *what;
		uint8_t opt[24], len, want[TCP_USER_OPT_MAX + 1]; /* want[0]: its length */
	} rows[] = {
		{ "SMC", { 2, 4, 5, 180, 1, 1, 254, 6, 1, 2, 3, 4 }, 12, { 6, 254, 6, 1, 2, 3, 4 } },
		{ "the other kind", { 1, 1, 253, 6, 1, 2, 3, 4 }, 8, { 6, 253, 6, 1, 2, 3, 4 } },
		{ "two: the first one", { 254, 4, 9, 9, 1, 1, 253, 6, 1, 2, 3, 4 }, 12, { 4, 254, 4, 9, 9 } },
		{ "two, the first one alike", { 1, 1, 254, 6, 5, 6, 7, 8, 1, 1, 254, 6, 1, 2, 3, 4 }, 16,
		  { 6, 254, 6, 5, 6, 7, 8 } },
		{ "one NOP only", { 1, 254, 6, 1, 2, 3, 4, 1 }, 8, { 6, 254, 6, 1, 2, 3, 4 } },
		{ "three NOPs", { 1, 1, 1, 254, 5, 1, 2, 3 }, 8, { 5, 254, 5, 1, 2, 3 } },
		{ "shorter", { 1, 1, 254, 4, 1, 2, 1, 1 }, 8, { 4, 254, 4, 1, 2 } },
		{ "another kind", { 1, 1, 77, 6, 1, 2, 3, 4 }, 8, { 0 } },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_opts o;

		parse(rows[i].opt, rows[i].len, &o);
		CU_ASSERT_EQUAL(!!(o.present & TCP_OPT_USER), rows[i].want[0] != 0);
		CU_ASSERT_EQUAL(o.user.len, rows[i].want[0]);
		if (o.user.len != rows[i].want[0] || memcmp(o.user.bytes, rows[i].want + 1, o.user.len) != 0)
			CU_FAIL(rows[i].what);
	}
}

/* Pitfall 1: each kind with each length at each place ends, and reads nothing
 * beyond (run under AddressSanitizer). */
static void tcp_parse_options__every_kind_length_and_place(void)
{
	static const uint8_t lengths[] = { 0, 1, 2, 3, 4, 5, 9, 10, 11, 18, 34, 40, 41, 255 };
	struct tcp_opts o;

	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned l = 0; l < RTE_DIM(lengths); l++) {
			for (unsigned at = 0; at < 40; at++) {
				uint8_t opt[40];

				memset(opt, 1, sizeof(opt));
				opt[at] = (uint8_t)kind;
				if (at + 1 < sizeof(opt))
					opt[at + 1] = lengths[l];
				parse(opt, sizeof(opt), &o);
				CU_ASSERT_FATAL(o.n_sack <= TCP_MAX_SACK && o.user.len <= TCP_USER_OPT_MAX);
			}
		}
	}
}

static void tcp_parse_options__random_octets(void)
{
	uint64_t rnd = 42;

	for (unsigned i = 0; i < 100000; i++) {
		uint8_t opt[40];
		unsigned len = test_random(&rnd) % 41;
		struct tcp_opts o;

		for (unsigned j = 0; j < len; j++) {
			uint64_t r = test_random(&rnd);

			opt[j] = (uint8_t)(r & 0x100 ? r % 12 : r);
		}
		parse(opt, len, &o);
		CU_ASSERT_FATAL(o.n_sack <= TCP_MAX_SACK && o.user.len <= TCP_USER_OPT_MAX);
	}
}

static void tcp_user_opt_fits__as_linux(void)
{
	static const struct tcp_user_opt smc = { 6, { 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 } };
	static const struct {
		const char *what;
		uint8_t opt[24], len;
		bool fits;
	} rows[] = {
		{ "itself", { 254, 6, 0xe2, 0xd4, 0xc3, 0xd9 }, 6, true },
		{ "2 more", { 254, 8, 0xe2, 0xd4, 0xc3, 0xd9, 1, 2 }, 8, true },
		{ "10 more", { 254, 16, 0xe2, 0xd4, 0xc3, 0xd9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 16, true },
		{ "1 more", { 254, 7, 0xe2, 0xd4, 0xc3, 0xd9, 1 }, 7, false },
		{ "3 more", { 254, 9, 0xe2, 0xd4, 0xc3, 0xd9, 1, 2, 3 }, 9, false },
		{ "less", { 254, 4, 0xe2, 0xd4, 0xc3, 0xd9 }, 6, false },
		{ "another identifier", { 254, 6, 0xe2, 0xd4, 0xc3, 0xd8 }, 6, false },
		{ "another kind", { 253, 6, 0xe2, 0xd4, 0xc3, 0xd9 }, 6, false },
		{ "none", { 1, 1 }, 2, false },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_opts o;

		parse(rows[i].opt, rows[i].len, &o);
		CU_ASSERT_EQUAL(tcp_user_opt_fits(&smc, &o), rows[i].fits);
		if (tcp_user_opt_fits(&smc, &o) != rows[i].fits)
			CU_FAIL(rows[i].what);
		CU_ASSERT_FALSE(tcp_user_opt_fits(&(struct tcp_user_opt){ 0 }, &o));
	}
}

/* Linux' octets. */
static void tcp_syn_options__octets(void)
{
	static const struct tcp_user_opt smc = { 6, { 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 } };
	static const struct {
		struct tcp_syn_opts o;
		uint8_t len;
		uint8_t bytes[40];
	} rows[] = {
		{ { .mss = 1460 }, 4, { 2, 4, 5, 180 } },
		{ { .mss = 1460, .sack = true, .ts = true, .tsval = 1, .tsecr = 2, .wscale = true, .shift = 7 }, 20,
		  { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7 } },
		{ { .mss = 1460, .ts = true, .tsval = 1 }, 16, { 2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1 } },
		{ { .mss = 536, .sack = true }, 8, { 2, 4, 2, 24, 1, 1, 4, 2 } },
		{ { .mss = 1460, .sack = true, .ts = true, .wscale = true, .user = &smc }, 28,
		  { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 0, 1, 1, 0xfe, 6, 0xe2, 0xd4, 0xc3,
		    0xd9 } },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint8_t buf[40] = { 0 };
		struct tcp_opts back;

		CU_ASSERT_EQUAL(tcp_syn_options(&rows[i].o, buf), rows[i].len);
		CU_ASSERT_EQUAL(memcmp(buf, rows[i].bytes, sizeof(buf)), 0);
		parse(buf, rows[i].len, &back);
		CU_ASSERT_EQUAL(back.mss, rows[i].o.mss);
		CU_ASSERT_EQUAL(!!(back.present & TCP_OPT_SACK_OK), rows[i].o.sack);
		CU_ASSERT_EQUAL(!!(back.present & TCP_OPT_TS), rows[i].o.ts);
		CU_ASSERT_EQUAL(!!(back.present & TCP_OPT_USER), rows[i].o.user != NULL);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_parse_options__table),
	TEST_CASE(tcp_parse_options__values),
	TEST_CASE(tcp_parse_options__user_option_at_the_end),
	TEST_CASE(tcp_parse_options__every_kind_length_and_place),
	TEST_CASE(tcp_parse_options__random_octets),
	TEST_CASE(tcp_user_opt_fits__as_linux),
	TEST_CASE(tcp_syn_options__octets),
};
TEST_MAIN("tcp_option", cases)
