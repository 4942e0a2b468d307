/* SPDX-License-Identifier: BSD-3-Clause */
/* The device as a whole: what it offers, its configuration space, and buffers reserved to read into. */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

static uint8_t packet[LAB_FRAME], got[LAB_FRAME];
static struct iovec iov[VNICD_CHAIN_MAX];

static void nic_init__what_it_can_offer(void)
{
	static const struct {
		uint64_t features;
		uint16_t pairs, mtu;
		int rc;
	} rows[] = {
		{ 0, 1, 0, 0 }, { 0, 0, 0, -EINVAL }, { 0, 64, 0, 0 }, { 0, 65, 0, -EINVAL },
		{ NET(MTU), 1, 67, -EINVAL }, { NET(MTU), 1, 68, 0 },
		{ NET(GUEST_TSO4), 1, 0, -EINVAL }, { NET(GUEST_TSO4) | NET(GUEST_CSUM), 1, 0, 0 },
		{ NET(GUEST_ECN) | NET(GUEST_CSUM), 1, 0, -EINVAL }, { NET(HOST_TSO6), 1, 0, -EINVAL },
		{ NET(HOST_ECN) | NET(CSUM), 1, 0, -EINVAL }, { NET(CTRL_RX_EXTRA), 1, 0, -EINVAL },
		{ NET(GUEST_UFO) | NET(GUEST_CSUM), 1, 0, -EINVAL }, { NET(RSC_EXT), 1, 0, -EINVAL },
		{ UINT64_C(1) << 24, 1, 0, -EINVAL },
	};
	struct vnicd_nic nic;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct vnicd_nic_conf conf = {
			.features = rows[i].features, .pairs = rows[i].pairs, .mtu = rows[i].mtu,
		};

		CU_ASSERT(vnicd_nic_init(&nic, &conf) == rows[i].rc);
		if (rows[i].rc == 0) {
			CU_ASSERT(vnicd_nic_features(&nic) == (rows[i].features | RING(VERSION_1)));
			vnicd_nic_fini(&nic);
		}
	}
}

static void nic_set_features__only_what_is_offered(void)
{
	struct vnicd_nic_conf conf = lab_conf();
	struct vnicd_nic nic;

	CU_ASSERT_FATAL(vnicd_nic_init(&nic, &conf) == 0);
	CU_ASSERT(vnicd_nic_set_features(&nic, conf.features) == 0 && nic.hdr_len == 20);
	CU_ASSERT(vnicd_nic_set_features(&nic, conf.features & ~NET(HASH_REPORT)) == 0 && nic.hdr_len == 12);
	CU_ASSERT(vnicd_nic_set_features(&nic, NET(GUEST_TSO4)) == -EINVAL);
	CU_ASSERT(vnicd_nic_set_features(&nic, RING(IN_ORDER)) == -EINVAL);
	CU_ASSERT(vnicd_nic_set_features(&nic, UINT64_C(1) << 63 | UINT64_C(1) << 62) == -EINVAL);
	CU_ASSERT(nic.driver_features == (conf.features & ~NET(HASH_REPORT)));
	vnicd_nic_fini(&nic);
}

static void nic_config__fields(void)
{
	struct vnicd_nic_conf conf = lab_conf();
	struct vnic_config c, none = { 0 };
	struct vnicd_nic nic;

	CU_ASSERT_FATAL(vnicd_nic_init(&nic, &conf) == 0);
	CU_ASSERT(vnicd_nic_queues(&nic) == 9);
	CU_ASSERT(vnicd_nic_config(&nic, 0, &c, sizeof(c)) == 0);
	CU_ASSERT(memcmp(c.mac, &conf.mac, 6) == 0 && c.status == 1 && c.max_virtqueue_pairs == 4 && c.mtu == 1500);
	CU_ASSERT(c.speed == 25000 && c.duplex == 1 && c.rss_max_key_size == 40);
	CU_ASSERT(c.rss_max_indirection_table_length == 512 && c.supported_hash_types == 0x3f);
	vnicd_nic_set_link(&nic, false);
	CU_ASSERT(vnicd_nic_config(&nic, 6, &c.status, 2) == 0 && c.status == 0);
	CU_ASSERT(vnicd_nic_config(&nic, 27, &c, 1) == 0);
	CU_ASSERT(vnicd_nic_config(&nic, 28, &c, 0) == 0);
	CU_ASSERT(vnicd_nic_config(&nic, 28, &c, 1) == -EINVAL);
	CU_ASSERT(vnicd_nic_config(&nic, UINT32_MAX, &c, 2) == -EINVAL);
	CU_ASSERT(vnicd_nic_config(&nic, 2, &c, UINT32_MAX) == -EINVAL);
	vnicd_nic_fini(&nic);
	/* What is not offered is 0. */
	conf.features = 0;
	CU_ASSERT_FATAL(vnicd_nic_init(&nic, &conf) == 0);
	CU_ASSERT(vnicd_nic_queues(&nic) == 8);
	CU_ASSERT(vnicd_nic_config(&nic, 0, &c, sizeof(c)) == 0 && memcmp(&c, &none, sizeof(c)) == 0);
	vnicd_nic_fini(&nic);
}

static void nic_reset__forgets(void)
{
	struct lab_flow flow = lab_flow(10);
	struct lab l;

	lab_open(&l, lab_conf().features);
	lab_fill(&l, 0, 200, 2);
	CU_ASSERT(lab_give(&l, 0, NULL, packet, lab_packet(&flow, packet, false), 0) == 0);
	vnicd_nic_reset(&l.nic);
	CU_ASSERT(l.nic.driver_features == 0 && l.nic.status == 0 && l.nic.hdr_len == 12);
	for (unsigned i = 0; i < LAB_QUEUES; i++)
		CU_ASSERT(!l.nic.queue[i].ring.running && !l.nic.queue[i].enabled);
	CU_ASSERT(lab_give(&l, 0, NULL, packet, 60, 0) == -ENETDOWN);
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.calls[0] == 0);
	lab_close(&l);
}

/* ---- reserve -------------------------------------------------------------------------- */
/* As readv() would: octets of the packet into the pieces. */
static uint32_t pour(const struct iovec *to, int n, uint32_t len)
{
	uint32_t done = 0, room = 0;

	for (int i = 0; i < n; i++) {
		uint32_t part = RTE_MIN(len - done, (uint32_t)to[i].iov_len);

		memcpy(to[i].iov_base, packet + done, part);
		done += part;
		room += (uint32_t)to[i].iov_len;
	}
	CU_ASSERT(done == len);
	return room;
}

static void nic_commit__mergeable_buffers_of_every_size(void)
{
	struct lab_flow flow = lab_flow(700);
	uint32_t len = lab_packet(&flow, packet, true);
	struct vnicd_frame f = { .hdr = lab_hdr(&flow, 0), .len = len };
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned csum = 0; csum < 2; csum++) {
		for (uint32_t size = 20; size < 900; size += 7) {
			int n;

			lab_open(&l, NET(MRG_RXBUF) | (csum ? NET(GUEST_CSUM) : 0));
			lab_fill(&l, 0, size, 80);
			n = vnicd_nic_reserve(&l.nic, 0, 1514, iov, RTE_DIM(iov));
			CU_ASSERT_FATAL(n > 0);
			CU_ASSERT(pour(iov, n, len) >= 1514);
			CU_ASSERT(vnicd_nic_commit(&l.nic, 0, &f) == 0);
			CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
			CU_ASSERT(hdr.hdr.num_buffers == (len + 12 + size - 1) / size);
			CU_ASSERT(l.nic.queue[0].ring.avail == hdr.hdr.num_buffers);
			CU_ASSERT(csum ? memcmp(got, packet, len) == 0 && hdr.hdr.flags == 1
				       : lab_packet_ok(got, len) && hdr.hdr.flags == 0);
			lab_close(&l);
		}
	}
}

static void nic_reserve__refusals(void)
{
	const uint8_t rss[13] = { 0, [10] = 1 };
	struct lab l;

	lab_open(&l, NET(MRG_RXBUF) | NET(CTRL_VQ) | NET(RSS));
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, RTE_DIM(iov)) == -ENOBUFS);
	lab_fill(&l, 0, 300, 5);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, RTE_DIM(iov)) == -ENOBUFS);
	CU_ASSERT(l.nic.queue[0].ring.avail == 0);
	lab_fill(&l, 0, 300, 5);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, 5) == -ENOBUFS);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, 6) == 6);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, 6) == -ENOBUFS); /* one at a time */
	vnicd_nic_abort(&l.nic, 1);
	CU_ASSERT(l.nic.queue[0].ring.avail == 6);
	vnicd_nic_abort(&l.nic, 0);
	vnicd_nic_abort(&l.nic, 0);
	CU_ASSERT(l.nic.queue[0].ring.avail == 0);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 3, 1514, iov, 6) == -ENOBUFS);
	CU_ASSERT(lab_ctrl(&l, 4, 1, rss, sizeof(rss), NULL, 0) == 0);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, 6) == -ENOTSUP);
	lab_close(&l);
	lab_open(&l, 0);
	lab_fill(&l, 0, 1525, 5);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1514, iov, RTE_DIM(iov)) == -ENOTSUP);
	CU_ASSERT(l.nic.queue[0].ring.avail == 0);
	CU_ASSERT(vnicd_nic_reserve(&l.nic, 0, 1513, iov, RTE_DIM(iov)) == 1);
	vnicd_nic_abort(&l.nic, 0);
	lab_close(&l);
}

static void nic_commit__refusals(void)
{
	struct lab_flow flow = lab_flow(500);
	uint32_t len = lab_packet(&flow, packet, true);
	const struct {
		struct vnic_net_hdr hdr;
		uint32_t len;
		uint8_t dst; /* first octet */
		enum vnicd_nic_drop why;
	} rows[] = {
		{ { 0 }, 13, 2, VNICD_NIC_DROP_RX_OFFLOAD },
		{ { 0 }, 5000, 2, VNICD_NIC_DROP_RX_OFFLOAD },
		{ { .flags = 1, .csum_start = 540, .csum_offset = 16 }, len, 2, VNICD_NIC_DROP_RX_OFFLOAD },
		{ lab_hdr(&flow, 100), len, 2, VNICD_NIC_DROP_RX_OFFLOAD },
		{ { 0 }, len, 6, VNICD_NIC_DROP_RX_FILTER },
	};
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct vnicd_frame f = { .hdr = rows[i].hdr, .len = rows[i].len };

		lab_open(&l, NET(MRG_RXBUF) | NET(CTRL_VQ) | NET(CTRL_RX));
		lab_fill(&l, 0, 300, 20);
		packet[0] = rows[i].dst;
		pour(iov, vnicd_nic_reserve(&l.nic, 0, 1514, iov, RTE_DIM(iov)), RTE_MIN(len, rows[i].len));
		CU_ASSERT(vnicd_nic_commit(&l.nic, 0, &f) < 0);
		CU_ASSERT(l.nic.drop[rows[i].why] == 1 && l.nic.queue[0].ring.avail == 0);
		CU_ASSERT(vnicd_nic_commit(&l.nic, 0, &f) == -EINVAL); /* nothing is reserved */
		lab_close(&l);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(nic_init__what_it_can_offer),
	TEST_CASE(nic_set_features__only_what_is_offered),
	TEST_CASE(nic_config__fields),
	TEST_CASE(nic_reset__forgets),
	TEST_CASE(nic_commit__mergeable_buffers_of_every_size),
	TEST_CASE(nic_reserve__refusals),
	TEST_CASE(nic_commit__refusals),
};
TEST_MAIN("nic_dev", cases)
