/* SPDX-License-Identifier: BSD-3-Clause */
/* Negotiation: what is taken of what is offered, row by row, and what each row needs. */
#include <stdio.h>
#include <string.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/devargs.h"
#include "tests/unit/test.h"

#define N(f)  VIRTIO_BIT(VIRTIO_NET_F_##f)
#define R(f)  VIRTIO_BIT(VIRTIO_F_##f)
#define ALL   UINT64_MAX
#define CONFIG VNIC_TRANSPORT_CONFIG
#define CTRL   VNIC_TRANSPORT_CTRL
#define VA     VNIC_TRANSPORT_VA
#define RX(o)  RTE_ETH_RX_OFFLOAD_##o
#define TX(o)  RTE_ETH_TX_OFFLOAD_##o

static struct vnic_features pick(const char *args, uint64_t offered, uint64_t rx, uint64_t tx, uint32_t flags)
{
	const struct vnic_features offer = { { offered, 0 } };
	struct vnic_args a;
	char why[256];

	CU_ASSERT_FATAL(vnic_args_parse(&a, args, why, sizeof(why)) == 0);
	return vnic_feature_select(&a, &offer, rx, tx, flags);
}

/* Alone (with what it needs): taken. Without one of its needs, without the program's or
 * arguments' wish, or over a transport that cannot: not. */
static const struct {
	uint64_t bit, needs;
	uint64_t rx, tx;      /* offloads one of which asks for it; 0: no offload has to */
	const char *off;      /* argument that switches it off */
	uint32_t flags;       /* transport flags it takes; */
	uint32_t not_over;    /* and forbids */
} table[] = {
	{ R(VERSION_1), 0, 0, 0, NULL, 0, 0 },
	{ R(ACCESS_PLATFORM), 0, 0, 0, NULL, 0, VA },
	{ R(ORDER_PLATFORM), 0, 0, 0, NULL, 0, VA },
	{ R(NOTIFICATION_DATA), 0, 0, 0, NULL, 0, VA },
	{ R(RING_PACKED), 0, 0, 0, "packed=0", 0, 0 },
	{ R(IN_ORDER), 0, 0, 0, "in_order=0", 0, 0 },
	{ R(INDIRECT_DESC), 0, 0, 0, "indirect=0", 0, 0 },
	{ R(EVENT_IDX), 0, 0, 0, "event_idx=0", 0, 0 },
	{ R(RING_RESET), 0, 0, 0, NULL, 0, 0 },
	{ N(MRG_RXBUF), 0, 0, 0, "mrg_rxbuf=0", 0, 0 },
	{ N(MAC), 0, 0, 0, NULL, CONFIG, 0 },
	{ N(STATUS), 0, 0, 0, NULL, CONFIG, 0 },
	{ N(MTU), 0, 0, 0, NULL, CONFIG, 0 },
	{ N(SPEED_DUPLEX), 0, 0, 0, NULL, CONFIG, 0 },
	{ N(CSUM), 0, 0, TX(TCP_CKSUM), "csum=0", 0, 0 },
	{ N(CSUM), 0, 0, TX(UDP_CKSUM), "csum=0", 0, 0 },
	{ N(CSUM), 0, 0, TX(TCP_TSO), "csum=0", 0, 0 },
	{ N(HOST_TSO4), N(CSUM), 0, TX(TCP_TSO), "tso=0", 0, 0 },
	{ N(HOST_TSO6), N(CSUM), 0, TX(TCP_TSO), "tso=0", 0, 0 },
	{ N(GUEST_CSUM), 0, RX(TCP_CKSUM), 0, "csum=0", 0, 0 },
	{ N(GUEST_CSUM), 0, RX(UDP_CKSUM), 0, "csum=0", 0, 0 },
	{ N(GUEST_TSO4), N(GUEST_CSUM) | N(MRG_RXBUF), RX(TCP_LRO), 0, "guest_tso=0", 0, 0 },
	{ N(GUEST_TSO6), N(GUEST_CSUM) | N(MRG_RXBUF), RX(TCP_LRO), 0, "guest_tso=0", 0, 0 },
	{ N(CTRL_VQ), 0, 0, 0, "ctrl=0", CTRL, 0 },
	{ N(CTRL_RX), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL, 0 },
	{ N(CTRL_VLAN), N(CTRL_VQ), RX(VLAN_FILTER), 0, "ctrl=0", CTRL, 0 },
	{ N(CTRL_MAC_ADDR), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL, 0 },
	{ N(MQ), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL | CONFIG, 0 },
	{ N(RSS), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL | CONFIG, 0 },
	{ N(HASH_REPORT), N(CTRL_VQ), RX(RSS_HASH), 0, "ctrl=0", CTRL | CONFIG, 0 },
	{ N(CTRL_GUEST_OFFLOADS), N(CTRL_VQ) | N(GUEST_CSUM), RX(TCP_CKSUM), 0, "ctrl=0", CTRL, 0 },
	{ N(DEVICE_STATS), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL, 0 },
	{ N(VQ_NOTF_COAL), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL, 0 },
	{ N(NOTF_COAL), N(CTRL_VQ), 0, 0, "ctrl=0", CTRL, 0 },
};

static bool takes(unsigned i, const char *args, uint64_t offered, uint64_t rx, uint64_t tx, uint32_t flags)
{
	struct vnic_features f = pick(args, offered, rx, tx, flags);

	CU_ASSERT((f.word[0] & ~offered) == 0 && f.word[1] == 0);
	return (f.word[0] & table[i].bit) != 0;
}

static void select__row_by_row(void)
{
	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		uint64_t offered = table[i].bit | table[i].needs, rx = table[i].rx, tx = table[i].tx;
		uint32_t flags = table[i].flags;

		if (!takes(i, NULL, offered, rx, tx, flags)) {
			printf("\nrow %u\n", i);
			CU_FAIL("wanted and offered, not taken");
		}
		CU_ASSERT(!takes(i, NULL, table[i].needs, rx, tx, flags));
		for (uint64_t left = table[i].needs; left != 0; left &= left - 1)
			CU_ASSERT(!takes(i, NULL, offered & ~(left & -left), rx, tx, flags));
		if (rx != 0 || tx != 0)
			CU_ASSERT(!takes(i, NULL, offered, ~rx & ~RX(TCP_CKSUM) & ~RX(UDP_CKSUM) & ~RX(TCP_LRO), 0, flags));
		if (table[i].off != NULL)
			CU_ASSERT(!takes(i, table[i].off, offered, rx, tx, flags));
		for (uint32_t left = flags; left != 0; left &= left - 1)
			CU_ASSERT(!takes(i, NULL, offered, rx, tx, flags & ~(left & -left)));
		if (table[i].not_over != 0)
			CU_ASSERT(!takes(i, NULL, offered, rx, tx, flags | table[i].not_over));
	}
}

/* Of everything at once: exactly the rows. */
static void select__nothing_else(void)
{
	struct vnic_features f = pick(NULL, ALL, ALL, ALL, CONFIG | CTRL);
	uint64_t rows = 0;

	for (unsigned i = 0; i < RTE_DIM(table); i++)
		rows |= table[i].bit;
	CU_ASSERT(f.word[0] == rows);
}

/* A need that has a need of its own: receive segmentation without receive checksums. */
static void select__needs_of_needs(void)
{
	struct vnic_features f = pick("csum=0", ALL, ALL, ALL, CONFIG | CTRL);

	CU_ASSERT((f.word[0] & (N(CSUM) | N(HOST_TSO4) | N(HOST_TSO6))) == 0);
	CU_ASSERT((f.word[0] & (N(GUEST_CSUM) | N(GUEST_TSO4) | N(GUEST_TSO6))) == 0);
	f = pick("mrg_rxbuf=0", ALL, ALL, ALL, CONFIG | CTRL);
	CU_ASSERT((f.word[0] & (N(GUEST_TSO4) | N(GUEST_TSO6))) == 0);
	CU_ASSERT((f.word[0] & N(GUEST_CSUM)) != 0);
}

/* Bits from 64 on: read without harm, never taken. */
static void select__high_bits(void)
{
	const struct vnic_features offer = { { R(VERSION_1), ALL } };
	struct vnic_features f;
	struct vnic_args a;
	char why[256];

	CU_ASSERT_FATAL(vnic_args_parse(&a, NULL, why, sizeof(why)) == 0);
	f = vnic_feature_select(&a, &offer, ALL, ALL, CONFIG | CTRL);
	CU_ASSERT(f.word[0] == R(VERSION_1) && f.word[1] == 0);
}

static void names__in_order_of_bits(void)
{
	const struct vnic_features some = { { N(CSUM) | N(MRG_RXBUF) | R(VERSION_1) | (UINT64_C(1) << 4), 2 } };
	const struct vnic_features none = { { 0, 0 } }, all = { { ALL, ALL } };
	char buf[4096], small[8];

	CU_ASSERT_STRING_EQUAL(vnic_feature_names(&some, buf, sizeof(buf)), "CSUM bit4 MRG_RXBUF VERSION_1 bit65");
	CU_ASSERT_STRING_EQUAL(vnic_feature_names(&none, buf, sizeof(buf)), "");
	CU_ASSERT_STRING_EQUAL(vnic_feature_names(&some, small, sizeof(small)), "CSUM bi");
	/* No known bit has two names or none. */
	vnic_feature_names(&all, buf, sizeof(buf));
	CU_ASSERT(strstr(buf, " bit32") == NULL && strstr(buf, " bit63") == NULL);
	CU_ASSERT(strstr(buf, "bit64 ") != NULL && strstr(buf, " bit127") != NULL);
}

static const struct test_case cases[] = {
	TEST_CASE(select__row_by_row),
	TEST_CASE(select__nothing_else),
	TEST_CASE(select__needs_of_needs),
	TEST_CASE(select__high_bits),
	TEST_CASE(names__in_order_of_bits),
};
TEST_MAIN("virtio_feature", cases)
