/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies of device statistics, octet by octet as virtio 1.4, 5.1.6.5.10 has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/virtio/devstats_msg.h"
#include "tests/unit/test.h"

#define ALL UINT64_C(0x1000f000f)

/* Little-endian counters with every octet another one. */
#define LE(n) (n), 0x10 + (n), 0x20 + (n), 0x30 + (n), 0x40 + (n), 0x50 + (n), 0x60 + (n), 0x70 + (n)
#define HOST(n) (UINT64_C(0x7060504030201000) + UINT64_C(0x0101010101010101) * (n))

static const uint8_t rx_basic[56] = { 0, 0, 4, 0, 0, 0, 56, 0, LE(1), LE(2), LE(3), LE(4), LE(5), LE(6) };
static const uint8_t rx_csum[40] = { 1, 0, 4, 0, 0, 0, 40, 0, LE(1), LE(2), LE(3), LE(4) };
static const uint8_t rx_gso[40] = { 2, 0, 4, 0, 0, 0, 40, 0, LE(1), LE(2), LE(3), LE(4) };
static const uint8_t rx_speed[24] = { 3, 0, 4, 0, 0, 0, 24, 0, LE(1), LE(2) };
static const uint8_t tx_basic[56] = { 16, 0, 5, 0, 0, 0, 56, 0, LE(1), LE(2), LE(3), LE(4), LE(5), LE(6) };
static const uint8_t tx_csum[24] = { 17, 0, 5, 0, 0, 0, 24, 0, LE(1), LE(2) };
static const uint8_t tx_gso[56] = { 18, 0, 5, 0, 0, 0, 56, 0, LE(1), LE(2), LE(3), LE(4), LE(5), LE(6) };
static const uint8_t tx_speed[24] = { 19, 0, 5, 0, 0, 0, 24, 0, LE(1), LE(2) };
static const uint8_t cvq[24] = { 32, 0, 6, 0, 0, 0, 24, 0, LE(1), LE(2) };

static const struct vector {
	const uint8_t *octets;
	size_t len;
	uint16_t vq;
	uint8_t type;
	unsigned n;
	const char *name[DEVSTATS_COUNTERS];
} vectors[] = {
#define V(v) v, sizeof(v)
	{ V(rx_basic), 4, 0, 6, { "notifications", "packets", "bytes", "interrupts", "drops", "drop_overruns" } },
	{ V(rx_csum), 4, 1, 4, { "csum_valid", "needs_csum", "csum_none", "csum_bad" } },
	{ V(rx_gso), 4, 2, 4, { "gso_packets", "gso_bytes", "gso_packets_coalesced", "gso_bytes_coalesced" } },
	{ V(rx_speed), 4, 3, 2, { "ratelimit_packets", "ratelimit_bytes" } },
	{ V(tx_basic), 5, 16, 6, { "notifications", "packets", "bytes", "interrupts", "drops", "drop_malformed" } },
	{ V(tx_csum), 5, 17, 2, { "csum_none", "needs_csum" } },
	{ V(tx_gso), 5, 18, 6,
	  { "gso_packets", "gso_bytes", "gso_segments", "gso_segments_bytes", "gso_packets_noseg",
	    "gso_bytes_noseg" } },
	{ V(tx_speed), 5, 19, 2, { "ratelimit_packets", "ratelimit_bytes" } },
	{ V(cvq), 6, 32, 2, { "command_num", "ok_num" } },
#undef V
};

/* What was taken, in order. */
struct taken {
	unsigned n;
	struct {
		uint16_t vq;
		const struct devstats_type *t;
		unsigned counted;
		uint64_t counters[DEVSTATS_COUNTERS];
	} at[16];
};

static void take(void *arg, uint16_t vq, const struct devstats_type *t, const uint64_t *counters, unsigned n)
{
	struct taken *k = arg;

	CU_ASSERT_FATAL(k->n < 16);
	k->at[k->n].vq = vq;
	k->at[k->n].t = t;
	CU_ASSERT(n <= t->n);
	k->at[k->n].counted = n;
	memset(k->at[k->n].counters, 0, sizeof(k->at[0].counters));
	memcpy(k->at[k->n].counters, counters, n * sizeof(*counters));
	k->n++;
}

static struct vnic_ctrl_stats_request ask(uint16_t vq, uint64_t types)
{
	return (struct vnic_ctrl_stats_request){ .vq_index = rte_cpu_to_le_16(vq),
						 .types_bitmap = rte_cpu_to_le_64(types) };
}

static void parse__each_type(void)
{
	for (unsigned i = 0; i < RTE_DIM(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct vnic_ctrl_stats_request r = ask(v->vq, UINT64_C(1) << v->type);
		struct taken k = { .n = 0 };

		CU_ASSERT_EQUAL(devstats_reply_len(UINT64_C(1) << v->type), v->len);
		CU_ASSERT_EQUAL(devstats_parse(v->octets, v->len, &r, 1, take, &k), 0);
		CU_ASSERT_FATAL(k.n == 1);
		CU_ASSERT(k.at[0].vq == v->vq && k.at[0].t->type == v->type && k.at[0].t->n == v->n);
		for (unsigned n = 0; n < v->n; n++) {
			CU_ASSERT_EQUAL(k.at[0].counters[n], HOST(n + 1));
			CU_ASSERT_STRING_EQUAL(k.at[0].t->name[n], v->name[n]);
		}
		CU_ASSERT_EQUAL(r.types_bitmap, 0);
	}
}

/* Pieces one behind the other; zero behind them. */
struct message {
	uint8_t octets[1024];
	size_t len;
};

static void add(struct message *m, const void *octets, size_t len)
{
	memcpy(m->octets + m->len, octets, len);
	m->len += len;
}

static void parse__all_of_a_pair(void)
{
	struct vnic_ctrl_stats_request r[] = { ask(5, ALL & 0xf0000), ask(6, UINT64_C(1) << 32), ask(4, 0xf) };
	struct message m = { .len = 0 };
	struct taken k = { .n = 0 };

	/* Not in the order they were asked for. */
	for (unsigned i = RTE_DIM(vectors); i-- > 0;)
		add(&m, vectors[i].octets, vectors[i].len);
	CU_ASSERT_EQUAL(m.len, 160 + 160 + 24);
	CU_ASSERT_EQUAL(devstats_parse(m.octets, sizeof(m.octets), r, 3, take, &k), 0);
	CU_ASSERT_EQUAL_FATAL(k.n, 9);
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT_EQUAL(k.at[i].t->type, vectors[8 - i].type);
	CU_ASSERT(r[0].types_bitmap == 0 && r[1].types_bitmap == 0 && r[2].types_bitmap == 0);
}

/* One reply (its first octets changed, its length as given) and RX_SPEED behind it. */
struct bad {
	const char *name;
	uint8_t head[8];
	size_t len;       /* where the next one begins */
	unsigned errors, taken;
	uint64_t packets; /* of RX_BASIC, where it was taken */
	unsigned missing; /* of its counters */
};

static const struct bad bads[] = {
	{ "in order", { 0, 0, 4, 0, 0, 0, 56, 0 }, 56, 0, 2, HOST(2) },
	{ "reserved octets set", { 0, 0xff, 4, 0, 0xff, 0xff, 56, 0 }, 56, 0, 2, HOST(2) },
	{ "short: the rest stays as it was", { 0, 0, 4, 0, 0, 0, 16, 0 }, 16, 0, 2, 0, 5 },
	{ "two counters", { 0, 0, 4, 0, 0, 0, 24, 0 }, 24, 0, 2, HOST(2), 4 },
	{ "header only", { 0, 0, 4, 0, 0, 0, 8, 0 }, 8, 0, 2, 0, 6 },
	{ "more counters than known", { 0, 0, 4, 0, 0, 0, 72, 0 }, 72, 0, 2, HOST(2) },
	{ "size 0 ends", { 0, 0, 4, 0, 0, 0, 0, 0 }, 56, 1, 0, 0 },
	{ "all 0 ends", { 0, 0, 0, 0, 0, 0, 0, 0 }, 56, 0, 0, 0 },
	{ "size below the header", { 0, 0, 4, 0, 0, 0, 7, 0 }, 56, 1, 0, 0 },
	{ "size not of octets of eight", { 0, 0, 4, 0, 0, 0, 57, 0 }, 56, 1, 0, 0 },
	{ "size beyond the result", { 0, 0, 4, 0, 0, 0, 0xf8, 0xff }, 56, 1, 0, 0 },
	{ "unknown type", { 9, 0, 4, 0, 0, 0, 56, 0 }, 56, 1, 1, 0 },
	{ "type beyond the bitmap", { 200, 0, 4, 0, 0, 0, 56, 0 }, 56, 1, 1, 0 },
	{ "type not asked for", { 1, 0, 4, 0, 0, 0, 40, 0 }, 40, 1, 1, 0 },
	{ "queue not asked for", { 0, 0, 6, 0, 0, 0, 56, 0 }, 56, 1, 1, 0 },
	{ "queue that cannot be", { 0, 0, 0xff, 0xff, 0, 0, 56, 0 }, 56, 1, 1, 0 },
};

static void parse__bad_replies(void)
{
	for (unsigned i = 0; i < RTE_DIM(bads); i++) {
		const struct bad *b = &bads[i];
		struct vnic_ctrl_stats_request r = ask(4, 1 | 8);
		uint8_t body[128] = { 0 };
		struct message m = { .len = 0 };
		struct taken k = { .n = 0 };
		unsigned errors;

		memcpy(body, rx_basic, sizeof(rx_basic));
		memcpy(body, b->head, sizeof(b->head));
		add(&m, body, b->len);
		add(&m, rx_speed, sizeof(rx_speed));
		errors = devstats_parse(m.octets, m.len, &r, 1, take, &k);
		if (errors != b->errors || k.n != b->taken)
			printf("%s: %u errors, %u taken\n", b->name, errors, k.n);
		CU_ASSERT_EQUAL(errors, b->errors);
		CU_ASSERT_EQUAL_FATAL(k.n, b->taken);
		CU_ASSERT(b->taken == 0 || k.at[b->taken - 1].t->type == 3);
		CU_ASSERT(b->taken < 2 || k.at[0].counters[1] == b->packets);
		CU_ASSERT(b->taken < 2 || k.at[0].counted == 6 - b->missing);
	}
}

static void parse__twice_is_once_too_often(void)
{
	struct vnic_ctrl_stats_request r[2] = { ask(4, 8), ask(5, 0) };
	struct message m = { .len = 0 };
	struct taken k = { .n = 0 };

	add(&m, rx_speed, sizeof(rx_speed));
	add(&m, rx_speed, sizeof(rx_speed));
	CU_ASSERT_EQUAL(devstats_parse(m.octets, m.len, r, 2, take, &k), 1);
	CU_ASSERT_EQUAL(k.n, 1);
}

/* Every length of an answer that stops early: nothing beyond it is read (ASan would
 * say so), and the rest is an error. */
static void parse__every_cut(void)
{
	struct message m = { .len = 0 };

	add(&m, rx_basic, sizeof(rx_basic));
	add(&m, rx_speed, sizeof(rx_speed));
	for (size_t len = 0; len <= m.len; len++) {
		struct vnic_ctrl_stats_request r = ask(4, 1 | 8);
		struct taken k = { .n = 0 };
		uint8_t *cut = malloc(len + 1), *at = cut + 1; /* not aligned either */
		unsigned errors;

		CU_ASSERT_FATAL(cut != NULL);
		memcpy(at, m.octets, len);
		errors = devstats_parse(at, len, &r, 1, take, &k);
		CU_ASSERT_EQUAL(k.n, (len >= 56) + (len >= 80));
		CU_ASSERT_EQUAL(errors, (len >= 8 && len < 56) || (len >= 64 && len < 80));
		free(cut);
	}
}

static void parse__garbage_ends(void)
{
	uint64_t seed = 7;

	for (unsigned round = 0; round < 20000; round++) {
		struct vnic_ctrl_stats_request r[2] = { ask(4, 0xf), ask(5, 0xf0000) };
		struct taken k = { .n = 0 };
		uint8_t b[200];

		for (unsigned i = 0; i < sizeof(b); i++) {
			b[i] = (uint8_t)test_random(&seed);
			if (i % 8 == 6 || i % 8 == 7 || i % 8 == 3)
				b[i] &= i % 8 == 6 ? 0x38 : 0; /* sizes that often fit */
		}
		devstats_parse(b, sizeof(b), r, 2, take, &k);
		CU_ASSERT(k.n <= 8);
	}
}

static void of_side__known_types_only(void)
{
	CU_ASSERT_EQUAL(devstats_of_side(UINT64_MAX, DEVSTATS_RX), 0xf);
	CU_ASSERT_EQUAL(devstats_of_side(UINT64_MAX, DEVSTATS_TX), 0xf0000);
	CU_ASSERT_EQUAL(devstats_of_side(UINT64_MAX, DEVSTATS_CQ), UINT64_C(1) << 32);
	CU_ASSERT_EQUAL(devstats_of_side(0x10001, DEVSTATS_RX), 1);
	CU_ASSERT_EQUAL(devstats_reply_len(ALL), 344);
	CU_ASSERT_EQUAL(devstats_reply_len(UINT64_C(1) << 40), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(parse__each_type),
	TEST_CASE(parse__all_of_a_pair),
	TEST_CASE(parse__bad_replies),
	TEST_CASE(parse__twice_is_once_too_often),
	TEST_CASE(parse__every_cut),
	TEST_CASE(parse__garbage_ends),
	TEST_CASE(of_side__known_types_only),
};
TEST_MAIN("virtio_devstats_msg", cases)
