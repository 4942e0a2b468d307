/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that are forgotten, late, refused, spoiled: each as told, the next ones as ever. */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/dev/ctrl_work.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

#define FEATURES (NET(CTRL_VQ) | NET(CTRL_VLAN) | NET(CTRL_RX) | NET(DEVICE_STATS))
#define VQ     2u
#define US     UINT64_C(1000)
#define SILENT 0x55

static struct lab l;
static struct vnicd_ctrl_work *w;
static struct vnicd_ctrl_faults *faults;
static uint64_t now;

static void begin(uint32_t concurrency)
{
	struct vnicd_ctrl_conf conf = { .concurrency = concurrency };

	now = 0;
	lab_open(&l, FEATURES);
	CU_ASSERT_EQUAL_FATAL(vnicd_ctrl_work_create(&w, &l.nic, &conf, 1), 0);
	faults = vnicd_ctrl_work_faults(w);
}

static void end(void)
{
	vnicd_ctrl_work_destroy(w);
	lab_close(&l);
}

static void turn(void)
{
	vnicd_ctrl_work_run(w, now);
	vnicd_nic_flush(&l.nic);
}

/* A command, with room for result_len octets of result; the acknowledgement is in the piece
 * behind the request, the result behind that. */
static uint16_t post(const void *data, uint32_t len, uint32_t result_len)
{
	const uint8_t none = SILENT;
	struct lab_piece p[3] = { { data, len, false }, { &none, 1, true }, { NULL, result_len, true } };

	return lab_post(&l, VQ, p, result_len != 0 ? 3 : 2);
}

static uint8_t ack_of(uint16_t id)
{
	return *(uint8_t *)l.ring[VQ].buf[(id + 1) % LAB_RING];
}

static uint8_t command(const void *data, uint32_t len)
{
	uint16_t id = post(data, len, 0);

	turn();
	return ack_of(id);
}

static uint8_t vlan_add(uint8_t vlan)
{
	uint8_t data[4] = { 2, 0, vlan, 0 };

	return command(data, sizeof(data));
}

static uint8_t promisc(void)
{
	return command("\0\0\1", 3);
}

static void set(enum vnicd_ctrl_fault kind, uint64_t value)
{
	CU_ASSERT_EQUAL(vnicd_ctrl_faults_set(faults, kind, value), 0);
}

/* ---- one command and the next ones --------------------------------------------------- */
static void ctrl_fault__counted(void)
{
	static const struct {
		enum vnicd_ctrl_fault kind;
		uint8_t ack;
		bool done; /* it has its effect */
	} rows[] = {
		{ VNICD_CTRL_NEVER, SILENT, false },
		{ VNICD_CTRL_FAIL, VIRTIO_NET_ERR, false },
		{ VNICD_CTRL_ACK, VNICD_CTRL_ACK_ODD, true },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		begin(1);
		set(rows[i].kind, 2);
		for (uint8_t v = 1; v <= 3; v++) {
			CU_ASSERT_EQUAL(vlan_add(v), v < 3 ? rows[i].ack : VIRTIO_NET_OK);
			CU_ASSERT_EQUAL(l.nic.vlan[0] >> v & 1, v < 3 ? rows[i].done : 1);
		}
		CU_ASSERT_EQUAL(faults->done[rows[i].kind], 2);
		set(rows[i].kind, 0); /* all, until told otherwise */
		for (uint8_t v = 0; v < 20; v++)
			CU_ASSERT_EQUAL(vlan_add(v), rows[i].ack);
		vnicd_ctrl_faults_clear(faults);
		CU_ASSERT_EQUAL(vlan_add(9), VIRTIO_NET_OK);
		CU_ASSERT_EQUAL(faults->done[rows[i].kind], 22);
		end();
	}
}

static void ctrl_fault__only_one_class(void)
{
	begin(1);
	set(VNICD_CTRL_ONLY, 2);
	set(VNICD_CTRL_FAIL, 0);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	CU_ASSERT_EQUAL(vlan_add(1), VIRTIO_NET_ERR);
	set(VNICD_CTRL_ONLY, VNICD_CTRL_ANY);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_ERR);
	end();
}

/* A device that forgets all of it takes no more memory for it, and its ring goes on being taken. */
static void ctrl_fault__hangs(void)
{
	struct vnicd_ctrl_work_stats s;

	begin(4);
	set(VNICD_CTRL_NEVER, 0);
	for (unsigned i = 0; i < 100; i++)
		post("\0\0\1", 3, 0);
	turn();
	vnicd_ctrl_work_stats(w, &s);
	CU_ASSERT(s.now == 0 && s.answered == 0 && l.ring[VQ].used->idx == 0);
	CU_ASSERT_EQUAL(vnicd_ring_waiting(&l.nic.queue[VQ].ring), 0);
	CU_ASSERT_EQUAL(faults->done[VNICD_CTRL_NEVER], 100);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), UINT64_MAX);
	end();
}

static void ctrl_fault__late(void)
{
	uint16_t id;

	begin(4);
	set(VNICD_CTRL_LATE, 300);
	id = post("\0\0\1", 3, 0);
	turn();
	now = 300 * US - 1;
	turn();
	CU_ASSERT(ack_of(id) == SILENT && !l.nic.promisc);
	now++;
	turn();
	CU_ASSERT(ack_of(id) == VIRTIO_NET_OK && l.nic.promisc);
	set(VNICD_CTRL_LATE, 0);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	end();
}

static void ctrl_fault__newest_first(void)
{
	uint32_t len;

	begin(8);
	set(VNICD_CTRL_ORDER, 1);
	for (unsigned i = 0; i < 8; i++)
		post("\0\0\1", 3, 0);
	turn();
	for (int i = 7; i >= 0; i--)
		CU_ASSERT_EQUAL(lab_used(&l, VQ, &len), 2 * i);
	end();
}

/* The ring's own lies do for commands, too. */
static void ctrl_fault__answered_twice(void)
{
	uint32_t len;

	begin(1);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	CU_ASSERT_EQUAL(vnicd_ring_lie(&l.nic.queue[VQ].ring, VNICD_LIE_ID_TWICE, 1), 0);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	CU_ASSERT_EQUAL(lab_used(&l, VQ, &len), 0);
	CU_ASSERT_EQUAL(lab_used(&l, VQ, &len), 0);
	CU_ASSERT_EQUAL(vnicd_ring_lie(&l.nic.queue[VQ].ring, VNICD_LIE_LEN_HUGE, 1), 0);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	CU_ASSERT(lab_used(&l, VQ, &len) == 4 && len > 1);
	end();
}

static void ctrl_fault__values(void)
{
	begin(1);
	CU_ASSERT_EQUAL(vnicd_ctrl_faults_set(faults, VNICD_CTRL_ONLY, 256), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_ctrl_faults_set(faults, VNICD_CTRL_LATE, VNICD_CTRL_LATE_MAX_US + 1), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_ctrl_faults_set(faults, VNICD_CTRL_FAULT_KINDS, 1), -EINVAL);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	end();
}

/* ---- statistics ------------------------------------------------------------------------ */
/* Basic counters of queues 0 and 1: two replies of 56 octets. Octets written, acknowledgement included. */
static uint32_t get(uint8_t *result, uint32_t room)
{
	uint8_t data[2 + 32] = { 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
				 0, 0, 0x01 };
	uint16_t id = post(data, sizeof(data), room);
	uint32_t len = 0;

	turn();
	CU_ASSERT_EQUAL(lab_used(&l, VQ, &len), id);
	CU_ASSERT_EQUAL(ack_of(id), VIRTIO_NET_OK);
	memcpy(result, l.ring[VQ].buf[(id + 2) % LAB_RING], room);
	return len;
}

static uint16_t size_at(const uint8_t *reply)
{
	return (uint16_t)(reply[6] | reply[7] << 8);
}

static void ctrl_fault__statistics(void)
{
	uint8_t plain[200], b[200];

	begin(1);
	CU_ASSERT_EQUAL(get(plain, 200), 113);
	CU_ASSERT(size_at(plain) == 56 && plain[56] == 16 && plain[58] == 1);

	set(VNICD_CTRL_STATS_SHORT, 1);
	CU_ASSERT_EQUAL(get(b, 200), 101);
	CU_ASSERT_EQUAL(size_at(b + 56), 56); /* as if it went on */

	set(VNICD_CTRL_STATS_LONG, 1);
	CU_ASSERT_EQUAL(get(b, 200), 129);
	CU_ASSERT(size_at(b) == 72 && b[56] == 0xee && b[71] == 0xee && b[72] == 16 && size_at(b + 72) == 56);
	set(VNICD_CTRL_STATS_LONG, 1);
	CU_ASSERT_EQUAL(get(b, 112), 113); /* no room for more: the end is missing */
	CU_ASSERT(size_at(b) == 72 && b[72] == 16);

	set(VNICD_CTRL_STATS_ZERO, 1);
	CU_ASSERT_EQUAL(get(b, 200), 113);
	CU_ASSERT(size_at(b) == 0 && size_at(b + 56) == 56);

	set(VNICD_CTRL_STATS_GARBAGE, 1);
	CU_ASSERT_EQUAL(get(b, 200), 113);
	CU_ASSERT(memcmp(b, plain, 112) != 0);

	set(VNICD_CTRL_STATS_UNKNOWN, 1);
	CU_ASSERT_EQUAL(get(b, 200), 113);
	CU_ASSERT(b[0] == 119 && b[56] == 16);

	CU_ASSERT_EQUAL(get(b, 200), 113); /* and then as before */
	CU_ASSERT(b[0] == 0 && size_at(b) == 56 && b[56] == 16);
	end();
}

/* All of them at once, also of a list of types, and of commands that are about nothing of the kind. */
static void ctrl_fault__all_at_once(void)
{
	uint8_t b[200];

	begin(1);
	for (unsigned kind = VNICD_CTRL_STATS_SHORT; kind <= VNICD_CTRL_STATS_UNKNOWN; kind++)
		set((enum vnicd_ctrl_fault)kind, 0);
	for (uint32_t room = 112; room < 200; room += 8)
		CU_ASSERT(get(b, room) <= 1 + room);
	CU_ASSERT_EQUAL(promisc(), VIRTIO_NET_OK);
	end();
}

static void ctrl_fault__list_of_types(void)
{
	uint64_t plain, types;
	uint16_t id;

	begin(1);
	id = post("\10\0", 2, 8);
	turn();
	memcpy(&plain, l.ring[VQ].buf[id + 2], 8);
	set(VNICD_CTRL_STATS_UNKNOWN, 1);
	id = post("\10\0", 2, 8);
	turn();
	memcpy(&types, l.ring[VQ].buf[id + 2], 8);
	CU_ASSERT_EQUAL(types, plain | UINT64_C(1) << 40 | UINT64_C(1) << 63);
	l.nic.stats_hidden = ~UINT64_C(1); /* a device that has but one type */
	id = post("\10\0", 2, 8);
	turn();
	memcpy(&types, l.ring[VQ].buf[id + 2], 8);
	CU_ASSERT_EQUAL(types, 1);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(ctrl_fault__counted),
	TEST_CASE(ctrl_fault__only_one_class),
	TEST_CASE(ctrl_fault__hangs),
	TEST_CASE(ctrl_fault__late),
	TEST_CASE(ctrl_fault__newest_first),
	TEST_CASE(ctrl_fault__answered_twice),
	TEST_CASE(ctrl_fault__values),
	TEST_CASE(ctrl_fault__statistics),
	TEST_CASE(ctrl_fault__all_at_once),
	TEST_CASE(ctrl_fault__list_of_types),
};
TEST_MAIN("ctrl_fault", cases)
