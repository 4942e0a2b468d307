/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/table.h"
#include "tests/unit/test.h"

static struct rte_ether_addr
mac(uint32_t n)
{
	return (struct rte_ether_addr){ { 0x02, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static void table__learns_moves_and_forgets(void)
{
	struct rte_ether_addr a = mac(1), b = mac(2);
	struct vnicd_table t;

	CU_ASSERT_EQUAL_FATAL(vnicd_table_init(&t, 16, 10), 0);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, 0), VNICD_TABLE_NONE);
	vnicd_table_learn(&t, &a, 0, 3, 0);
	vnicd_table_learn(&t, &b, 0, 4, 0);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, 0), 3);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &b, 0, 0), 4);
	vnicd_table_learn(&t, &a, 0, 5, 1);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, 1), 5);
	CU_ASSERT_EQUAL(t.stats.learned, 2);
	CU_ASSERT_EQUAL(t.stats.moved, 1);
	vnicd_table_forget(&t, 5);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, 1), VNICD_TABLE_NONE);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &b, 0, 1), 4);
	vnicd_table_fini(&t);
}

static void table__vlans_are_apart(void)
{
	struct rte_ether_addr a = mac(1);
	struct vnicd_table t;

	CU_ASSERT_EQUAL_FATAL(vnicd_table_init(&t, 16, 10), 0);
	vnicd_table_learn(&t, &a, 7, 1, 0);
	vnicd_table_learn(&t, &a, 8, 2, 0);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 7, 0), 1);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 8, 0), 2);
	CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, 0), VNICD_TABLE_NONE);
	vnicd_table_fini(&t);
}

static void table__ages(void)
{
	static const struct {
		uint32_t seen, now;
		bool known;
	} table[] = {
		{ 0, 0, true }, { 0, 10, true }, { 0, 11, false }, { 5, 15, true }, { 5, 16, false },
		{ UINT32_MAX - 2, 3, true }, /* the clock's 32 bits run over */
		{ UINT32_MAX - 2, 100, false },
	};
	struct rte_ether_addr a = mac(9);

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct vnicd_table_entry e;
		struct vnicd_table t;
		uint32_t at = 0;

		CU_ASSERT_EQUAL_FATAL(vnicd_table_init(&t, 16, 10), 0);
		vnicd_table_learn(&t, &a, 0, 1, table[i].seen);
		CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, table[i].now) == 1, table[i].known);
		CU_ASSERT_EQUAL(vnicd_table_next(&t, table[i].now, &at, &e), table[i].known);
		vnicd_table_fini(&t);
	}
}

/* More addresses than there is room for: the newest are known, of each bucket the oldest gave way. */
static void table__full_keeps_the_newest(void)
{
	struct vnicd_table_entry e;
	struct vnicd_table t;
	uint32_t at = 0, n = 0;

	CU_ASSERT_EQUAL_FATAL(vnicd_table_init(&t, 64, 100000), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct rte_ether_addr a = mac(i);

		vnicd_table_learn(&t, &a, 0, 1, i);
		CU_ASSERT_EQUAL(vnicd_table_find(&t, &a, 0, i), 1);
	}
	while (vnicd_table_next(&t, 1000, &at, &e)) {
		struct rte_ether_addr a;
		uint16_t vlan;

		vnicd_table_mac(&e, &a, &vlan);
		CU_ASSERT_EQUAL(vlan, 0);
		CU_ASSERT(memcmp(&a, &(struct rte_ether_addr){ { 2, 0, 0, 0 } }, 3) == 0);
		n++;
	}
	CU_ASSERT_EQUAL(n, 64);
	CU_ASSERT_EQUAL(t.stats.replaced, 1000 - 64);
	vnicd_table_fini(&t);
}

static const struct test_case cases[] = {
	TEST_CASE(table__learns_moves_and_forgets),
	TEST_CASE(table__vlans_are_apart),
	TEST_CASE(table__ages),
	TEST_CASE(table__full_keeps_the_newest),
};
TEST_MAIN("vnicd_table", cases)
