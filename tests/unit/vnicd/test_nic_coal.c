/* SPDX-License-Identifier: BSD-3-Clause */
/* Coalescing of notifications and device statistics: on the wire, and in what the driver notices. */
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

#define COAL  (NET(CTRL_VQ) | NET(MQ) | NET(MRG_RXBUF) | NET(NOTF_COAL) | NET(VQ_NOTF_COAL))
#define STATS (NET(CTRL_VQ) | NET(MQ) | NET(DEVICE_STATS))
#define OK  0
#define ERR 1

static uint64_t now;
static uint8_t packet[200];

static uint64_t clock_us(void)
{
	return now;
}

static void open_at(struct lab *l, uint64_t features)
{
	now = 1000;
	lab_open(l, features);
	l->nic.clock_us = clock_us;
}

static void give(struct lab *l, uint16_t queue, unsigned n)
{
	memset(packet, 2, sizeof(packet));
	lab_fill(l, queue, 200, n);
	while (n-- > 0)
		CU_ASSERT(lab_give(l, queue, NULL, packet, 100, 0) == 0);
	vnicd_nic_flush(&l->nic);
}

static int set(struct lab *l, uint8_t cmd, uint16_t vq, uint32_t packets, uint32_t usecs)
{
	uint8_t data[12] = { (uint8_t)vq, (uint8_t)(vq >> 8) };

	memcpy(data + 4, &packets, 4);
	memcpy(data + 8, &usecs, 4);
	return cmd == 2 ? lab_ctrl(l, 6, cmd, data, 12, NULL, 0) : lab_ctrl(l, 6, cmd, data + 4, 8, NULL, 0);
}

/* VQ_GET: packets and microseconds; the request of 2 or 4 octets. */
static int get(struct lab *l, uint16_t vq, uint32_t len, uint32_t out[2])
{
	uint8_t data[8] = { (uint8_t)vq, (uint8_t)(vq >> 8) };

	return lab_ctrl(l, 6, 3, data, len, out, 8);
}

static void coal__tells_after_packets_or_time(void)
{
	struct lab l;

	open_at(&l, COAL);
	CU_ASSERT(set(&l, 1, 0, 4, 50) == OK);
	give(&l, 0, 3);
	CU_ASSERT(l.ring[0].used->idx == 3 && l.calls[0] == 0); /* there, and not told */
	CU_ASSERT(vnicd_nic_due(&l.nic) == 50);
	give(&l, 0, 1);
	CU_ASSERT(l.calls[0] == 1 && vnicd_nic_due(&l.nic) == -1);
	give(&l, 0, 1);
	now += 20;
	give(&l, 0, 1);
	CU_ASSERT(vnicd_nic_due(&l.nic) == 30); /* since the first */
	now += 29;
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.calls[0] == 1 && vnicd_nic_due(&l.nic) == 1);
	now += 1;
	CU_ASSERT(vnicd_nic_due(&l.nic) == 0);
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.calls[0] == 2 && vnicd_nic_due(&l.nic) == -1);
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.calls[0] == 2 && l.nic.queue[0].stats.interrupts == 2);
	CU_ASSERT(l.nic.queue[0].stats.held_back == 2);
	CU_ASSERT(vnicd_nic_coal(&l.nic, 0).max_usecs == 50 && vnicd_nic_coal(&l.nic, 8).max_usecs == 0);
	lab_close(&l);
}

/* A ring without buffers: what the driver is not told it cannot make room for. */
static void coal__hurry_tells_what_is_held_back(void)
{
	struct lab l;

	open_at(&l, COAL);
	CU_ASSERT(set(&l, 1, 0, 100, 1000) == OK);
	CU_ASSERT(!vnicd_nic_hurry(&l.nic, 0)); /* nothing is */
	give(&l, 0, 3);
	CU_ASSERT(l.calls[0] == 0 && !vnicd_nic_hurry(&l.nic, 2));
	CU_ASSERT(vnicd_nic_hurry(&l.nic, 0));
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.calls[0] == 1 && vnicd_nic_due(&l.nic) == -1);
	CU_ASSERT(!vnicd_nic_hurry(&l.nic, 0));
	give(&l, 0, 3); /* once only */
	CU_ASSERT(l.calls[0] == 1 && vnicd_nic_due(&l.nic) == 1000);
	lab_close(&l);
}

/* 5.1.6.5.9: either of them 0 is at once. */
static void coal__zero_means_each(void)
{
	static const uint32_t rows[][2] = { { 0, 0 }, { 0, 1000 }, { 1000, 0 }, { 1, 1000 } };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct lab l;

		open_at(&l, COAL);
		CU_ASSERT(set(&l, 1, 0, rows[i][0], rows[i][1]) == OK);
		for (unsigned n = 1; n < 5; n++) {
			give(&l, 0, 1);
			CU_ASSERT(l.calls[0] == n && vnicd_nic_due(&l.nic) == -1);
		}
		lab_close(&l);
	}
}

/* A change counts at once for what has gathered. */
static void coal__change_with_packets_held_back(void)
{
	struct lab l;

	open_at(&l, COAL);
	CU_ASSERT(set(&l, 1, 0, 100, 1000) == OK);
	give(&l, 0, 10);
	CU_ASSERT(l.calls[0] == 0);
	CU_ASSERT(set(&l, 1, 0, 10, 1000) == OK); /* lab_ctrl() flushes */
	CU_ASSERT(l.calls[0] == 1);
	give(&l, 0, 5);
	CU_ASSERT(set(&l, 2, 0, 0, 0) == OK && l.calls[0] == 2);
	lab_close(&l);
}

static void coal__per_queue(void)
{
	uint32_t v[2];
	struct lab l;

	open_at(&l, COAL);
	CU_ASSERT(set(&l, 1, 0, 10, 100) == OK);  /* all receive queues */
	CU_ASSERT(set(&l, 0, 0, 20, 200) == OK);  /* all transmit queues */
	CU_ASSERT(set(&l, 2, 2, 3, 30) == OK);
	CU_ASSERT(get(&l, 0, 4, v) == OK && v[0] == 10 && v[1] == 100);
	CU_ASSERT(get(&l, 1, 2, v) == OK && v[0] == 20 && v[1] == 200);
	CU_ASSERT(get(&l, 2, 4, v) == OK && v[0] == 3 && v[1] == 30);
	/* The last command wins. */
	CU_ASSERT(set(&l, 0, 0, 21, 201) == OK);
	CU_ASSERT(get(&l, 2, 4, v) == OK && v[0] == 3);
	CU_ASSERT(set(&l, 1, 0, 11, 101) == OK);
	CU_ASSERT(get(&l, 2, 4, v) == OK && v[0] == 11 && v[1] == 101);
	/* A queue's own are lost with its reset. */
	CU_ASSERT(set(&l, 2, 2, 3, 30) == OK);
	vnicd_ring_stop(&l.nic.queue[2].ring);
	CU_ASSERT(set(&l, 2, 2, 4, 40) == ERR && get(&l, 2, 4, v) == ERR);
	memset(l.ring[2].avail, 0, vring_avail_len(LAB_RING));
	memset(l.ring[2].used, 0, vring_used_len(LAB_RING));
	lab_start(&l, 2);
	CU_ASSERT(get(&l, 2, 4, v) == OK && v[0] == 11 && v[1] == 101);
	/* None of those. */
	CU_ASSERT(set(&l, 2, 8, 1, 1) == ERR && get(&l, 8, 4, v) == ERR); /* the control queue */
	CU_ASSERT(set(&l, 2, 9, 1, 1) == ERR && set(&l, 2, 0xffff, 1, 1) == ERR);
	CU_ASSERT(get(&l, 0, 0, v) < 0 || get(&l, 0, 1, v) == ERR);
	CU_ASSERT(get(&l, 0, 3, v) == ERR && get(&l, 0, 8, v) == ERR);
	CU_ASSERT(lab_ctrl(&l, 6, 3, "\0\0\0", 4, v, 7) == ERR); /* no room for the answer */
	vnicd_nic_reset(&l.nic);
	CU_ASSERT(l.nic.coal_rx.max_packets == 0 && l.nic.coal_tx.max_usecs == 0);
	lab_close(&l);
}

/* The byte order of the commands: packets before microseconds. */
static void coal__octets(void)
{
	const uint8_t rx[8] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x08 };
	struct lab l;

	open_at(&l, COAL);
	CU_ASSERT(lab_ctrl(&l, 6, 1, rx, 8, NULL, 0) == OK);
	CU_ASSERT(l.nic.coal_rx.max_packets == 0x44332211 && l.nic.coal_rx.max_usecs == 0x08776655);
	CU_ASSERT(l.nic.coal_tx.max_packets == 0);
	lab_close(&l);
}

/* ---- statistics ------------------------------------------------------------------------------ */
#define BIT(n) (UINT64_C(1) << (n))

static void stats__query(void)
{
	static const struct {
		uint64_t features, bits;
	} rows[] = {
		{ 0, BIT(0) | BIT(3) | BIT(16) | BIT(19) | BIT(32) },
		{ NET(GUEST_CSUM), BIT(0) | BIT(1) | BIT(3) | BIT(16) | BIT(19) | BIT(32) },
		{ NET(GUEST_CSUM) | NET(GUEST_TSO6) | NET(CSUM) | NET(HOST_USO),
		  BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(16) | BIT(17) | BIT(18) | BIT(19) | BIT(32) },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t bits = 0;
		struct lab l;

		open_at(&l, STATS | rows[i].features);
		CU_ASSERT(lab_ctrl(&l, 8, 0, NULL, 0, &bits, 8) == OK && bits == rows[i].bits);
		CU_ASSERT(lab_ctrl(&l, 8, 0, NULL, 0, &bits, 7) == ERR);
		CU_ASSERT(lab_ctrl(&l, 8, 0, "x", 1, &bits, 8) == ERR);
		lab_close(&l);
	}
}

struct entry {
	uint16_t vq, reserved[3];
	uint64_t types;
};

static void stats__get_refused(void)
{
	static const struct {
		struct entry e[2];
		uint32_t len;
		int ack;
	} rows[] = {
		{ { { 0, { 0 }, BIT(0) } }, 16, OK }, { { { 0, { 0 }, 0 } }, 16, OK },
		{ { { 0, { 0 }, BIT(16) } }, 16, ERR },                 /* of the other side */
		{ { { 1, { 0 }, BIT(0) } }, 16, ERR }, { { { 8, { 0 }, BIT(0) } }, 16, ERR },
		{ { { 0, { 0 }, BIT(32) } }, 16, ERR }, { { { 8, { 0 }, BIT(32) } }, 16, OK },
		{ { { 9, { 0 }, BIT(0) } }, 16, ERR }, { { { 0xffff, { 0 }, 0 } }, 16, ERR },
		{ { { 0, { 0 }, BIT(1) } }, 16, ERR },                  /* without GUEST_CSUM */
		{ { { 0, { 0 }, BIT(4) } }, 16, ERR }, { { { 0, { 0 }, BIT(63) | BIT(0) } }, 16, ERR },
		{ { { 0, { 0 }, BIT(0) } }, 15, ERR }, { { { 0, { 0 }, BIT(0) } }, 17, ERR },
		{ { { 0, { 0 }, BIT(0) }, { 1, { 0 }, BIT(16) } }, 32, OK },
		{ { { 0, { 0 }, BIT(0) }, { 1, { 0 }, BIT(0) } }, 32, ERR }, /* one bad spoils all */
		{ { { 0, { 0 }, BIT(0) } }, 0, ERR },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint8_t result[200];
		struct lab l;
		int ack;

		open_at(&l, STATS);
		ack = lab_ctrl(&l, 8, 1, rows[i].e, rows[i].len, result, sizeof(result));
		if (ack != rows[i].ack)
			fprintf(stderr, "row %u: %d\n", i, ack);
		CU_ASSERT(ack == rows[i].ack);
		lab_close(&l);
	}
}

/* Byte by byte: header, then counters in their order. */
static void stats__get_octets(void)
{
	static const uint64_t all = NET(GUEST_CSUM) | NET(GUEST_TSO4) | NET(CSUM) | NET(HOST_TSO4);
	static const struct {
		uint16_t vq;
		uint8_t type;
		uint16_t size;
		uint64_t want[6];
	} rows[] = {
		{ 2, 0, 56, { 101, 102, 103, 104, 105, 106 } }, { 2, 1, 40, { 108, 109, 110, 111 } },
		{ 2, 2, 40, { 112, 113, 114, 115 } }, { 2, 3, 24, { 0, 0 } },
		{ 3, 16, 56, { 101, 102, 103, 104, 105, 107 } }, { 3, 17, 24, { 110, 109 } },
		{ 3, 18, 56, { 112, 113, 114, 115, 116, 117 } }, { 3, 19, 24, { 0, 0 } },
		{ 8, 32, 24, { 1, 1 } },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct entry e = { .vq = rows[i].vq, .types = BIT(rows[i].type) };
		uint8_t result[56];
		uint8_t head[8] = { rows[i].type, 0, (uint8_t)rows[i].vq, 0, 0, 0, (uint8_t)rows[i].size, 0 };
		struct vnicd_queue_stats *s;
		struct lab l;

		open_at(&l, STATS | all);
		s = &l.nic.queue[rows[i].vq].stats;
		*s = (struct vnicd_queue_stats){ 0, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114,
						 115, 116, 117 };
		l.nic.queue[rows[i].vq].ring.kicks = 101;
		CU_ASSERT(lab_ctrl(&l, 8, 1, &e, 16, result, rows[i].size) == OK);
		CU_ASSERT(memcmp(result, head, 8) == 0);
		CU_ASSERT(memcmp(result + 8, rows[i].want, rows[i].size - 8u) == 0);
		CU_ASSERT(lab_ctrl(&l, 8, 1, &e, 16, result, rows[i].size - 1u) == ERR);
		lab_close(&l);
	}
}

/* Everything of every queue in one answer; more than fits is refused, not cut. */
static void stats__get_all(void)
{
	static struct entry e[600];
	static uint8_t result[32768];
	uint32_t at = 0, n = 0;
	struct lab l;

	open_at(&l, STATS | NET(GUEST_CSUM) | NET(GUEST_TSO4) | NET(CSUM) | NET(HOST_TSO4));
	for (uint16_t vq = 0; vq < 8; vq++)
		e[vq] = (struct entry){ .vq = vq, .types = vq % 2 == 0 ? 0xf : 0xf0000 };
	e[8] = (struct entry){ .vq = 8, .types = BIT(32) };
	CU_ASSERT(lab_ctrl(&l, 8, 1, e, 9 * 16, result, sizeof(result)) == OK);
	while (at < 8 * 160 + 24 && (result[at + 6] | result[at + 7] << 8) >= 8) {
		at += (uint32_t)(result[at + 6] | result[at + 7] << 8);
		n++;
	}
	CU_ASSERT(at == 8 * 160 + 24 && n == 33 && result[at + 6] == 0);
	for (unsigned i = 0; i < RTE_DIM(e); i++)
		e[i] = (struct entry){ .vq = 0, .types = 0xf };
	CU_ASSERT(lab_ctrl(&l, 8, 1, e, sizeof(e), result, sizeof(result)) == ERR);
	lab_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(coal__tells_after_packets_or_time),
	TEST_CASE(coal__hurry_tells_what_is_held_back),
	TEST_CASE(coal__zero_means_each),
	TEST_CASE(coal__change_with_packets_held_back),
	TEST_CASE(coal__per_queue),
	TEST_CASE(coal__octets),
	TEST_CASE(stats__query),
	TEST_CASE(stats__get_refused),
	TEST_CASE(stats__get_octets),
	TEST_CASE(stats__get_all),
};
TEST_MAIN("nic_coal", cases)
