/* SPDX-License-Identifier: BSD-3-Clause */
/* Secondary processes: refused, with nothing left behind. */
#include <errno.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "tests/unit/test.h"

static bool secondary;

/* In EAL's place, for the driver and everything it calls. */
enum rte_proc_type_t rte_eal_process_type(void)
{
	return secondary ? RTE_PROC_SECONDARY : RTE_PROC_PRIMARY;
}

static void probe__refused_in_a_secondary(void)
{
	uint16_t port;

	test_eal_init();
	secondary = true;
	CU_ASSERT_EQUAL(rte_vdev_init("net_vnic9", "path=/nonexistent,connect_ms=0"), -ENOTSUP);
	secondary = false;
	CU_ASSERT_EQUAL(rte_eth_dev_get_port_by_name("net_vnic9", &port), -ENODEV);
	/* The name is free again, and the process type is what refused it. */
	CU_ASSERT_NOT_EQUAL(rte_vdev_init("net_vnic9", "path=/nonexistent,connect_ms=0"), -EEXIST);
	rte_vdev_uninit("net_vnic9");
	CU_ASSERT_EQUAL(rte_eth_dev_count_avail(), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(probe__refused_in_a_secondary),
};
TEST_MAIN("virtio_secondary", cases)
