/* SPDX-License-Identifier: BSD-3-Clause */
/* Fairness between flows that wait for a port. Frames are mbufs on the stack:
 * the queue looks at their length only. */
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "app/smcgate/pipeline/fq.h"
#include "tests/unit/test.h"

static struct fq q;
static struct rte_mbuf frames[FQ_MAX + 1];

/* Frame i of flow f; the flow is kept in the port field. */
static bool add(unsigned i, uint16_t f, uint32_t len)
{
	frames[i].pkt_len = len;
	frames[i].port = f;
	return fq_add(&q, f, &frames[i]);
}

static void fq_take__one_flow_is_a_fifo(void)
{
	fq_init(&q);
	CU_ASSERT_PTR_NULL(fq_take(&q));
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_TRUE(add(i, 7, i % 3 == 0 ? 65550 : 64));
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_PTR_EQUAL(fq_take(&q), &frames[i]);
	CU_ASSERT_PTR_NULL(fq_take(&q));
	CU_ASSERT_EQUAL(q.n, 0);
}

static void fq_take__a_new_flow_overtakes_bulk(void)
{
	unsigned behind = 0;
	struct rte_mbuf *m;

	fq_init(&q);
	for (unsigned i = 0; i < 200; i++)
		add(i, 1, 1514);
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(fq_take(&q)->port, 1);
	add(200, 2, 66);
	while ((m = fq_take(&q)) != NULL && m->port != 2)
		behind++;
	CU_ASSERT_TRUE(behind <= 1);
	/* Sent one by one, each finds the queue anew without a way around its share. */
	for (unsigned i = 0, n = 0; i < 50; i++) {
		add(201 + i, 2, 1514);
		m = fq_take(&q);
		n += m->port == 2;
		if (i == 49)
			CU_ASSERT_TRUE(n <= 35);
	}
}

static void fq_take__shares_octets_not_frames(void)
{
	uint64_t bytes[3] = { 0 };
	unsigned i = 0;

	fq_init(&q);
	for (unsigned n = 0; n < 160; n++)
		add(i++, 0, 1514);
	for (unsigned n = 0; n < 160; n++)
		add(i++, 1, 300);
	for (unsigned n = 0; n < 4; n++)
		add(i++, 2, 65550);
	/* Until the second, which has 48,000 octets, is through. */
	while (bytes[1] < 45000) {
		struct rte_mbuf *m = fq_take(&q);

		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		bytes[m->port] += m->pkt_len;
	}
	CU_ASSERT_TRUE(bytes[0] >= 35000 && bytes[0] <= 56000);
	CU_ASSERT_TRUE(bytes[2] >= 65550 && bytes[2] <= 2 * 65550);
	while (fq_take(&q) != NULL)
		;
	CU_ASSERT_EQUAL(q.n, 0);
}

static void fq_add__bounded(void)
{
	fq_init(&q);
	for (unsigned i = 0; i < FQ_MAX; i++)
		CU_ASSERT_TRUE(add(i, (uint16_t)i, 100));
	CU_ASSERT_FALSE(add(FQ_MAX, 1, 100));
	CU_ASSERT_PTR_NOT_NULL(fq_take(&q));
	CU_ASSERT_TRUE(add(FQ_MAX, 1, 100));
}

/* Every frame that went in comes out once, each flow in its order. */
static void fq__random(void)
{
	unsigned last[40] = { 0 }, seq[40] = { 0 };
	unsigned in = 0, out = 0;

	srandom(5);
	fq_init(&q);
	for (unsigned n = 0; n < 100000; n++) {
		unsigned f = (unsigned)random() % 40;
		struct rte_mbuf *m;

		if (random() % 2 == 0 && q.n < FQ_MAX) {
			m = calloc(1, sizeof(*m));
			m->pkt_len = 60 + (uint32_t)random() % 9000;
			m->port = (uint16_t)f;
			m->hash.usr = ++seq[f];
			CU_ASSERT_TRUE(fq_add(&q, f, m));
			in++;
		} else if ((m = fq_take(&q)) != NULL) {
			CU_ASSERT_EQUAL(m->hash.usr, last[m->port] + 1);
			last[m->port] = m->hash.usr;
			out++;
			free(m);
		}
	}
	for (struct rte_mbuf *m; (m = fq_take(&q)) != NULL; out++)
		free(m);
	CU_ASSERT_EQUAL(in, out);
}

static void fq_flow_of__by_addresses_and_ports(void)
{
	struct { struct rte_ether_hdr eth; struct rte_ipv4_hdr ip; uint16_t ports[2]; }
		__attribute__((packed, aligned(2))) f = { .ip = { .version_ihl = 0x45, .next_proto_id = 6,
						      .src_addr = 0x0100000a, .dst_addr = 0x0200000a },
					      .ports = { 80, 4711 } };
	struct rte_mbuf m = { .buf_addr = &f, .data_len = sizeof(f), .pkt_len = sizeof(f) };
	uint32_t a = fq_flow_of(&m);

	CU_ASSERT_EQUAL(fq_flow_of(&m), a);
	/* Neighbours in any octet fall into different buckets, most of them. */
	for (unsigned shift = 0; shift < 32; shift += 8) {
		bool seen[FQ_FLOWS] = { false };
		unsigned n = 0;

		for (uint32_t i = 0; i < 100; i++) {
			uint32_t b;

			f.ip.src_addr = i << shift;
			b = fq_flow_of(&m) % FQ_FLOWS;
			n += !seen[b];
			seen[b] = true;
		}
		CU_ASSERT_TRUE(n > 60);
	}
	f.ip.src_addr = 0x0100000a;
	f.ports[1] = 4712;
	CU_ASSERT_NOT_EQUAL(fq_flow_of(&m), a);
	f.ip.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG);
	a = fq_flow_of(&m);
	f.ports[1] = 1; /* payload of a fragment */
	CU_ASSERT_EQUAL(fq_flow_of(&m), a);
	m.data_len = 30;
	CU_ASSERT_EQUAL(fq_flow_of(&m), 0);
	m.data_len = sizeof(f);
	f.ip.version_ihl = 0x44;
	CU_ASSERT_EQUAL(fq_flow_of(&m), 0);
	f.ip.version_ihl = 0x60;
	CU_ASSERT_EQUAL(fq_flow_of(&m), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(fq_take__one_flow_is_a_fifo),
	TEST_CASE(fq_take__a_new_flow_overtakes_bulk),
	TEST_CASE(fq_take__shares_octets_not_frames),
	TEST_CASE(fq_add__bounded),
	TEST_CASE(fq__random),
	TEST_CASE(fq_flow_of__by_addresses_and_ports),
};
TEST_MAIN("pipeline_fq", cases)
