/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments: what is taken, what is refused and how. */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/devargs.h"
#include "tests/unit/test.h"

static void args__presets(void)
{
	struct vnic_args a;
	char why[256];

	CU_ASSERT_FATAL(vnic_args_parse(&a, NULL, why, sizeof(why)) == 0);
	CU_ASSERT(a.path[0] == '\0' && !a.server);
	CU_ASSERT(a.queues == 0 && a.queue_size == 0 && a.mtu == 0 && a.speed == 0);
	CU_ASSERT(a.packed && a.in_order && a.mrg_rxbuf && a.indirect && a.event_idx && a.vectorized);
	CU_ASSERT(a.csum && a.tso && a.guest_tso && a.ctrl);
	CU_ASSERT(rte_is_zero_ether_addr(&a.mac));
	CU_ASSERT(a.ctrl_timeout_ms == 604800000 && a.ctrl_start_ms == 0 && !a.ctrl_go_on);
	CU_ASSERT(a.connect_ms == 10000 && a.reply_ms == 5000 && a.stats_ms == 1000);
	CU_ASSERT(vnic_args_parse(&a, "", why, sizeof(why)) == 0);
}

static void args__all_of_them(void)
{
	static const char text[] =
		"path=/run/x,server=1,queues=4,queue_size=1024,packed=0,in_order=0,mrg_rxbuf=0,indirect=0,event_idx=0,"
		"vectorized=0,csum=0,tso=0,guest_tso=0,ctrl=0,mac=02:00:00:00:00:07,mtu=9000,speed=25000,"
		"connect_ms=0,reply_ms=10,stats_ms=0,ctrl_timeout_ms=200,ctrl_start_ms=300,ctrl_broken=go_on";
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 7 };
	struct vnic_args a;
	char why[256];

	CU_ASSERT_FATAL(vnic_args_parse(&a, text, why, sizeof(why)) == 0);
	CU_ASSERT_STRING_EQUAL(a.path, "/run/x");
	CU_ASSERT(a.server && a.queues == 4 && a.queue_size == 1024);
	CU_ASSERT(!a.packed && !a.in_order && !a.mrg_rxbuf && !a.indirect && !a.event_idx && !a.vectorized);
	CU_ASSERT(!a.csum && !a.tso && !a.guest_tso && !a.ctrl);
	CU_ASSERT(memcmp(&a.mac, mac, sizeof(mac)) == 0);
	CU_ASSERT(a.mtu == 9000 && a.speed == 25000);
	CU_ASSERT(a.connect_ms == 0 && a.reply_ms == 10 && a.ctrl_timeout_ms == 200 && a.ctrl_start_ms == 300 &&
		  a.stats_ms == 0 && a.ctrl_go_on);
}

static const struct {
	const char *text, *says; /* part of the sentence */
} bad[] = {
	{ "packd=1", "no argument 'packd'; there are path server queues" },
	{ "packed=2", "packed=2: a number from 0 to 1" },
	{ "packed=yes", "packed=yes: a number" },
	{ "packed=", "packed=: a number" },
	{ "packed=1,packed=0", "packed is given twice" },
	{ "queues=129", "queues=129: a number from 0 to 128" },
	{ "queues=-1", "queues=-1: a number" },
	{ "queues=+1", "queues=+1: a number" },
	{ "queues=1x", "queues=1x: a number" },
	{ "queue_size=100", "a power of two from 8" },
	{ "queue_size=4", "a power of two from 8" },
	{ "queue_size=65536", "queue_size=65536: a number from 0 to 32768" },
	{ "mtu=67", "mtu=67: at least 68" },
	{ "mtu=65536", "mtu=65536: a number" },
	{ "mac=02:00:00:00:00", "mac=02:00:00:00:00: a unicast address" },
	{ "mac=01:00:00:00:00:01", "a unicast address" },
	{ "mac=00:00:00:00:00:00", "a unicast address" },
	{ "speed=2147483648", "speed=2147483648: a number" },
	{ "reply_ms=9", "reply_ms=9: a number from 10" },
	{ "ctrl_broken=go", "ctrl_broken=go: stop or go_on" },
	{ "ctrl_start_ms=3600001", "ctrl_start_ms=3600001: a number from 0 to 3600000" },
	{ "stats_ms=3600001", "stats_ms=3600001: a number from 0" },
	{ "ctrl_timeout_ms=0", "ctrl_timeout_ms=0: a number from 1" },
	{ "ctrl_timeout_ms=18446744073709551616", "ctrl_timeout_ms=18446744073709551616: a number" },
	{ "path=", "path=: a path of 1 to 107" },
	{ "path=/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "a path of 1 to 107" },
};

static void args__refused(void)
{
	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		struct vnic_args a, before;
		char why[512];

		memset(&a, 0x5a, sizeof(a));
		before = a;
		CU_ASSERT(vnic_args_parse(&a, bad[i].text, why, sizeof(why)) == -EINVAL);
		if (strstr(why, bad[i].says) == NULL) {
			printf("\n%s: %s\n", bad[i].text, why);
			CU_FAIL("the sentence");
		}
		CU_ASSERT(memcmp(&a, &before, sizeof(a)) == 0);
	}
}

/* A short buffer for the sentence is filled, not overrun. */
static void args__short_sentence(void)
{
	struct vnic_args a;
	char why[16];

	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		why[sizeof(why) - 1] = 'x';
		CU_ASSERT(vnic_args_parse(&a, bad[i].text, why, sizeof(why) - 1) == -EINVAL);
		CU_ASSERT(strlen(why) == sizeof(why) - 2 && why[sizeof(why) - 1] == 'x');
	}
}

static const struct test_case cases[] = {
	TEST_CASE(args__presets),
	TEST_CASE(args__all_of_them),
	TEST_CASE(args__refused),
	TEST_CASE(args__short_sentence),
};
TEST_MAIN("virtio_devargs", cases)
