/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that come and go, and are switched off. */
#include <errno.h>

#include "tests/unit/smc_link/fixture.h"

static void smc_dev_find__rules(void)
{
	struct net_addr other = lf_addr_us;
	struct rd_gid gid;
	struct lf f;

	lf_init(&f, NULL);
	CU_ASSERT_PTR_EQUAL(smc_dev_find(&f.ss, &lf_addr_us, &gid), &f.ss.devs[0]);
	CU_ASSERT(memcmp(&gid, &lf_gid_us, sizeof(gid)) == 0);
	other.b[15] = 9;
	CU_ASSERT_PTR_NULL(smc_dev_find(&f.ss, &other, &gid));
	other.b[15] = LF_SECOND;
	CU_ASSERT_PTR_NULL(smc_dev_find(&f.ss, &other, &gid));
	f.ss.devs[0].ifx = 1;
	CU_ASSERT_PTR_NULL(smc_dev_find(&f.ss, &lf_addr_us, &gid));
	f.ss.devs[0].ifx = 0;
	CU_ASSERT_EQUAL(smc_dev_enable(&f.ss, 0, false), 0);
	CU_ASSERT_EQUAL(smc_dev_enable(&f.ss, 1, false), -ENODEV);
	CU_ASSERT_PTR_NULL(smc_dev_find(&f.ss, &lf_addr_us, &gid));
	CU_ASSERT_EQUAL(smc_dev_enable(&f.ss, 0, true), 0);
	CU_ASSERT_PTR_NOT_NULL(smc_dev_find(&f.ss, &lf_addr_us, &gid));
	lf_fini(&f);
}

/* Port down, unplugged, switched off: the connections go, the device is not
 * used; then, if it comes back, it is. */
static void smc_dev_event__goes_and_comes(void)
{
	enum { PORT, UNPLUG, OFF, END };

	for (unsigned how = PORT; how < END; how++) {
		struct smc_dev_info info;
		struct rd_gid gid;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_SERVER);
		CU_ASSERT_EQUAL(smc_dev_list(&f.ss, &info, 4), 1);
		CU_ASSERT(info.enabled && info.lgrs == 1 && info.links == 1);
		f.ss.strangers_may = true;
		if (how == PORT)
			mem_port(f.us, false);
		else if (how == UNPLUG)
			mem_unplug(f.us);
		else
			smc_dev_enable(&f.ss, 0, false);
		lf_advance(&f, 1000000);
		CU_ASSERT_EQUAL(lf_seen.lost, 1);
		CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
		CU_ASSERT_FALSE(f.ss.strangers_may);
		CU_ASSERT_PTR_NULL(smc_dev_find(&f.ss, &lf_addr_us, &gid));
		CU_ASSERT_EQUAL(lf_seen.forgotten, 0);
		if (how == PORT)
			mem_port(f.us, true);
		else if (how == OFF)
			smc_dev_enable(&f.ss, 0, true);
		lf_settle(&f);
		CU_ASSERT_EQUAL(smc_dev_find(&f.ss, &lf_addr_us, &gid) != NULL, how != UNPLUG);
		/* What failed meanwhile was our doing. */
		CU_ASSERT_EQUAL(lf_seen.forgotten, how != UNPLUG);
		f.peer.n_msgs = 0;
		lf_fini(&f);
	}
}

static void smc_dev_event__gid_and_queue_pair(void)
{
	for (unsigned fits = 0; fits < 2; fits++) {
		struct rd_event gone = { .type = RD_EV_GID_GONE, .gid = fits ? lf_gid_us : lf_gid_them };
		struct rd_event fatal = { .type = RD_EV_QP_FATAL };
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_SERVER);
		smc_dev_event(&f.ss, &f.ss.devs[0], &gone);
		lf_settle(&f);
		CU_ASSERT_EQUAL(lf_seen.lost, fits);
		fatal.user = fits ? NULL : f.l;
		smc_dev_event(&f.ss, &f.ss.devs[0], &fatal);
		lf_settle(&f);
		CU_ASSERT_EQUAL(lf_seen.lost, 1);
		lf_fini(&f);
	}
}

/* Linux ends each connection with an ABORT and waits until all it has posted is
 * acknowledged: the queue pair stays until it has been quiet for a while. */
static void smc_dev_enable__off_amid_traffic(void)
{
	static const uint8_t cdc[CDC_LEN] = { CDC_TYPE, CDC_LEN };
	struct rd_info info;
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	lf_join(&f, f.lgr);
	f.ss.strangers_may = true;
	CU_ASSERT_EQUAL(smc_dev_enable(&f.ss, 0, false), 0);
	CU_ASSERT_FALSE(f.ss.strangers_may);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.lost, 2);
	lf_expect(&f, &f.peer, LLC_DELETE_LINK, false, &msg);
	CU_ASSERT(msg.all && msg.orderly);
	CU_ASSERT_EQUAL(msg.delete_link.reason, LLC_DEL_OPERATOR);
	CU_ASSERT_EQUAL(f.peer.n_msgs, 0);
	/* More than the receives that were posted, since they are posted again. */
	for (unsigned i = 0; i < 100; i++) {
		lf_advance(&f, 20000);
		lf_send(&f, &f.peer, cdc, sizeof(cdc));
		lf_settle(&f);
		CU_ASSERT_FALSE(f.peer.failed);
	}
	CU_ASSERT_EQUAL(lf_seen.cdc, 0);
	lf_advance(&f, 480000);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 1);
	lf_advance(&f, 200000);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 0);
	CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
	lf_fini(&f);
}

/* Who goes on for ever has not listened. */
static void smc_dev_enable__off_and_never_quiet(void)
{
	static const uint8_t cdc[CDC_LEN] = { CDC_TYPE, CDC_LEN };
	struct rd_info info;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_CLIENT);
	CU_ASSERT_EQUAL(smc_dev_enable(&f.ss, 0, false), 0);
	for (unsigned ms = 0; ms < 5900; ms += 100) {
		lf_advance(&f, 100000);
		lf_send(&f, &f.peer, cdc, sizeof(cdc));
		lf_settle(&f);
	}
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 1);
	lf_advance(&f, 250000);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 0);
	f.peer.n_msgs = 0;
	lf_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_dev_find__rules),
	TEST_CASE(smc_dev_event__goes_and_comes),
	TEST_CASE(smc_dev_event__gid_and_queue_pair),
	TEST_CASE(smc_dev_enable__off_amid_traffic),
	TEST_CASE(smc_dev_enable__off_and_never_quiet),
};
TEST_MAIN("smc_device", cases)
