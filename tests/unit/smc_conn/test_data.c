/* SPDX-License-Identifier: BSD-3-Clause */
/* Data both ways through the rings. */
#include "tests/unit/smc_conn/world.h"

static struct tcp_conn tcp[2];
static struct user u[2];

static void begin(const struct world_args *wa, const struct pair_args *pa)
{
	memset(tcp, 0, sizeof(tcp));
	memset(u, 0, sizeof(u));
	u[0].tcp = &tcp[0];
	u[1].tcp = &tcp[1];
	world_open(wa);
	pair_open(u, pa);
}

/* Both close in order, nothing is left. */
static void end(void)
{
	smc_close(u[0].c);
	smc_close(u[1].c);
	world_run();
	world_close();
}

static uint32_t send_stream(struct user *from, uint64_t at, uint32_t len)
{
	static uint8_t buf[1 << 20];
	uint32_t i;
	ssize_t n;

	len = RTE_MIN(len, (uint32_t)sizeof(buf));
	for (i = 0; i < len; i++)
		buf[i] = stream_octet(at + i);
	n = smc_send(from->c, buf, len);
	return n > 0 ? (uint32_t)n : 0;
}

static uint32_t read_stream(struct user *to, uint64_t at, uint32_t len)
{
	static uint8_t buf[1 << 20];
	uint32_t n = smc_read(to->c, buf, RTE_MIN(len, (uint32_t)sizeof(buf))), i, bad = 0;

	for (i = 0; i < n; i++)
		bad += buf[i] != stream_octet(at + i);
	CU_ASSERT_EQUAL(bad, 0);
	return n;
}

/* len octets from one side to the other, in pieces of at most chunk. */
static void transfer(unsigned from, uint64_t *at, uint64_t len, uint32_t chunk)
{
	uint64_t sent = 0, got = 0;
	unsigned idle = 0;

	while (got < len && idle < 3) {
		uint32_t n = send_stream(&u[from], *at + sent, (uint32_t)RTE_MIN((uint64_t)chunk, len - sent)), r;

		sent += n;
		world_run();
		r = read_stream(&u[!from], *at + got, chunk);
		got += r;
		idle = n == 0 && r == 0 ? idle + 1 : 0;
	}
	CU_ASSERT_EQUAL(got, len);
	*at += len;
}

static void send__arrives_behind_one_cdc(void)
{
	uint64_t at = 0;

	begin(NULL, NULL);
	transfer(0, &at, 100, 100);
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	CU_ASSERT_EQUAL(world->s[0].writes, 1);
	CU_ASSERT_EQUAL(world->s[0].last.seq, 1);
	CU_ASSERT_EQUAL(world->s[0].last.token, u[1].c->token);
	CU_ASSERT_EQUAL(world->s[0].last.prod.count, 100);
	CU_ASSERT_EQUAL(world->s[0].last.prod_flags, 0);
	CU_ASSERT_TRUE(u[1].seen & TCP_EV_READABLE);
	end();
}

static void send__every_ring_size_both_ways(void)
{
	uint32_t size;

	for (size = SMC_BUF_MIN; size <= SMC_BUF_MAX; size <<= 1) {
		const uint64_t lens[] = { 1, size - 1, size, size + 1, 10ull * size };
		uint64_t at[2] = { 0, 0 };
		unsigned i;

		begin(NULL, &(struct pair_args){ .rmb = { 16384, size }, .snd = { size, 16384 } });
		for (i = 0; i < RTE_DIM(lens); i++) {
			transfer(0, &at[0], lens[i], size);
			transfer(1, &at[1], RTE_MIN(lens[i], (uint64_t)200000), 5000);
		}
		CU_ASSERT_EQUAL(u[0].c->bytes_out, at[0]);
		CU_ASSERT_EQUAL(u[1].c->bytes_in, at[0]);
		end();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(send__arrives_behind_one_cdc),
	TEST_CASE(send__every_ring_size_both_ways),
};
TEST_MAIN("smc_conn_data", cases)
