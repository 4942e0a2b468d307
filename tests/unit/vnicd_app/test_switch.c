/* SPDX-License-Identifier: BSD-3-Clause */
/* The switch between ports that only remember what they were given. */
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/loop.h"
#include "app/vnicd/switch.h"
#include "tests/unit/test.h"

#define PORTS 4

static struct vnicd_port port[PORTS];
static unsigned got[PORTS];
static struct vnicd_switch sw;
static struct vnicd_loop *loop;

static void
give(struct vnicd_port *p, const struct vnicd_frame *f)
{
	got[p->index]++;
}
static void
nothing(struct vnicd_port *p)
{
}
static uint64_t
never(struct vnicd_port *p, uint64_t now)
{
	return UINT64_MAX;
}

static const struct vnicd_port_ops ops = {
	.kind = "test", .output = give, .flush = nothing, .destroy = vnicd_port_fini, .timer = never,
};

static void
begin(bool per_vlan)
{
	static const struct vnicd_loop_ops none;
	static const struct vnicd_config_faults faults = { .seed = 1 };
	struct vnicd_config cfg = { .sw = { .ageing_s = 10, .table_size = 64, .per_vlan = per_vlan } };

	CU_ASSERT_EQUAL_FATAL(vnicd_loop_create(&loop, &none, NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_switch_init(&sw, &cfg, loop), 0);
	memset(port, 0, sizeof(port));
	for (unsigned i = 0; i < PORTS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "p%u", i);
		CU_ASSERT_EQUAL_FATAL(vnicd_port_init(&port[i], &sw, &ops, name, &faults), 0);
		port[i].up = true;
	}
	sw.now = UINT64_C(1000000000000);
}
static void
end(void)
{
	vnicd_switch_fini(&sw);
	vnicd_loop_destroy(loop);
}

/* A packet from address src (0: a group) to dst, VLAN 0: untagged; who got it, as bits. */
static unsigned
packet(unsigned in, uint8_t src, uint8_t dst, uint16_t vlan)
{
	uint8_t b[64] = { dst == 0xff ? 0xff : 0x02, 0, 0, 0, 0, dst, src == 0 ? 0x01 : 0x02, 0, 0, 0, 0, src, 0x08, 0 };
	/* The header in pieces: nothing says a driver lays it in one. */
	struct iovec iov[3] = { { b, 5 }, { b + 5, 8 }, { b + 13, sizeof(b) - 13 } };
	struct vnicd_frame f = { .len = sizeof(b), .n = 3, .iov = iov };
	unsigned who = 0;

	if (vlan != 0) {
		b[12] = 0x81;
		b[14] = (uint8_t)(0xe0 | vlan >> 8); /* a priority, which is no part of it */
		b[15] = (uint8_t)vlan;
	}
	memset(got, 0, sizeof(got));
	vnicd_port_input(&port[in], &f);
	for (unsigned i = 0; i < PORTS; i++) {
		CU_ASSERT(got[i] <= 1);
		who |= got[i] << i;
	}
	return who;
}

static void switch__floods_learns_and_forgets(void)
{
	begin(false);
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0xe);    /* unknown */
	CU_ASSERT_EQUAL(packet(1, 2, 1, 0), 0x1);    /* the answer knows where */
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0x2);
	CU_ASSERT_EQUAL(packet(0, 1, 0xff, 0), 0xe); /* a group */
	CU_ASSERT_EQUAL(packet(2, 2, 1, 0), 0x1);    /* moved */
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0x4);
	port[3].up = false;
	CU_ASSERT_EQUAL(packet(0, 1, 9, 0), 0x6);    /* not to who is not there */
	port[2].up = false;
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0);
	CU_ASSERT_EQUAL(port[2].stats.drop[VNICD_DROP_DOWN], 1);
	vnicd_table_forget(&sw.table, 2);
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0x2);
	sw.now += UINT64_C(11000000000);
	port[2].up = port[3].up = true;
	CU_ASSERT_EQUAL(packet(1, 3, 1, 0), 0xd);    /* too old */
	CU_ASSERT_EQUAL(port[0].stats.in_packets, 7);
	end();
}

static void switch__drops(void)
{
	uint8_t b[64] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e, 0x02, 0, 0, 0, 0, 1 };
	struct iovec iov = { b, 64 };
	struct vnicd_frame f = { .len = 64, .n = 1, .iov = &iov };

	begin(false);
	CU_ASSERT_EQUAL(packet(0, 0, 2, 0), 0); /* from a group */
	CU_ASSERT_EQUAL(port[0].stats.drop[VNICD_DROP_SOURCE], 1);
	packet(0, 1, 9, 0);
	CU_ASSERT_EQUAL(packet(0, 5, 1, 0), 0); /* to where it came from */
	CU_ASSERT_EQUAL(port[0].stats.drop[VNICD_DROP_BACK], 1);
	memset(got, 0, sizeof(got));
	vnicd_port_input(&port[0], &f);
	CU_ASSERT_EQUAL(port[0].stats.drop[VNICD_DROP_RESERVED], 1);
	CU_ASSERT_EQUAL(got[1] + got[2] + got[3], 0);
	f.len = iov.iov_len = 13;
	vnicd_port_input(&port[0], &f);
	CU_ASSERT_EQUAL(port[0].stats.drop[VNICD_DROP_SHORT], 1);
	for (unsigned i = 1; i < PORTS; i++)
		port[i].up = false;
	CU_ASSERT_EQUAL(packet(0, 1, 9, 0), 0);
	CU_ASSERT_EQUAL(port[0].stats.drop[VNICD_DROP_NOWHERE], 1);
	end();
}

static void switch__vlans(void)
{
	for (unsigned per_vlan = 0; per_vlan < 2; per_vlan++) {
		begin(per_vlan);
		packet(0, 1, 9, 5);
		CU_ASSERT_EQUAL(packet(1, 2, 1, 5), 0x1);
		CU_ASSERT_EQUAL(packet(1, 2, 1, 6), per_vlan ? 0xd : 0x1);
		CU_ASSERT_EQUAL(packet(1, 2, 1, 0), per_vlan ? 0xd : 0x1);
		end();
	}
}

static void switch__stalls_and_faults(void)
{
	begin(false);
	packet(1, 2, 9, 0);
	CU_ASSERT_EQUAL(vnicd_port_fault(&port[1], VNICD_FAULT_STALL, 5, 0), 0);
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0);
	CU_ASSERT_EQUAL(port[1].stats.drop[VNICD_DROP_STALLED], 1);
	sw.now += 5000000;
	CU_ASSERT_EQUAL(vnicd_port_timer(&port[1], sw.now), UINT64_MAX);
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0x2);
	CU_ASSERT_EQUAL(vnicd_port_fault(&port[1], VNICD_FAULT_DROP, VNICD_CONFIG_PPM, 0), 0);
	CU_ASSERT_EQUAL(packet(0, 1, 2, 0), 0);
	CU_ASSERT_EQUAL(packet(1, 2, 1, 0), 0); /* both ways */
	CU_ASSERT_EQUAL(port[1].fault.stats.dropped, 2);
	CU_ASSERT_PTR_EQUAL(vnicd_switch_find(&sw, "p3"), &port[3]);
	CU_ASSERT_PTR_NULL(vnicd_switch_find(&sw, "p4"));
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(switch__floods_learns_and_forgets),
	TEST_CASE(switch__drops),
	TEST_CASE(switch__vlans),
	TEST_CASE(switch__stalls_and_faults),
};
TEST_MAIN("vnicd_switch", cases)
