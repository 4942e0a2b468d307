/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMA in whole pipelines: to which worker RoCE goes, what is dropped and why,
 * and SMC's state as the console changes it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "app/smcgate/pipeline/rdma.h"
#include "app/smcgate/pipeline/smc.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/pipeline/whole.h"
#include "tests/unit/test.h"

#define PORTS \
	"\"ports\":[" \
	"{\"name\":\"p0\",\"device\":\"net_ring0\",\"vdev\":\"net_ring0\",\"addresses\":[\"10.0.0.1/24\"]}," \
	"{\"name\":\"p1\",\"device\":\"net_ring1\",\"vdev\":\"net_ring1\",\"addresses\":[\"10.0.1.1/24\"]}]," \
	"\"memory\":{\"rx_buffers\":2048,\"payload_buffers\":1024,\"header_buffers\":1024}," \
	"\"tcp\":{\"max_connections\":100}"
static const char text[] =
	"{" PORTS ",\"rdma\":[{\"name\":\"roce0\",\"port\":\"p0\",\"max_qps\":16}],"
	"\"smc\":{\"eids\":[\"ONE\"],\"memory_mb\":4,\"policies\":[{\"peer\":\"10.0.0.0/8\",\"port\":80,\"use\":\"tcp\"}]}}";
static const char plain[] = "{" PORTS "}";

#define US RTE_IPV4(10, 0, 0, 1)
#define US_TOO RTE_IPV4(10, 0, 1, 1)
#define PEER RTE_IPV4(10, 0, 0, 2)

static struct pipeline *pl;

static void up(const char *conf)
{
	whole_up(conf);
	pl = whole.pl;
}

static struct rte_mbuf *roce(uint32_t dst, uint32_t qpn)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(whole.mp);

	frame_roce(m, 0, PEER, dst, qpn);
	return m;
}

static struct rte_ipv4_hdr *ip_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
}

static struct rte_mbuf *fix(struct rte_mbuf *m)
{
	ip_of(m)->hdr_checksum = 0;
	ip_of(m)->hdr_checksum = rte_ipv4_cksum(ip_of(m));
	return m;
}

/* A ring hands back what is sent; workers stand still meanwhile. */
static void inject(struct rte_mbuf *m)
{
	struct pipeline_port_info info;

	CU_ASSERT_EQUAL_FATAL(pipeline_port_info(pl, 0, &info), 0);
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = info.mac;
	CU_ASSERT_EQUAL_FATAL(rte_eth_tx_burst(info.id, 0, &m, 1), 1);
}

/* Forward what was injected until it has been counted. */
#define RUN_UNTIL(condition) \
	do { \
		CU_ASSERT_EQUAL(pipeline_fwd_start(pl), 0); \
		CU_ASSERT(TEST_SOON(condition)); \
		CU_ASSERT_EQUAL(pipeline_fwd_stop(pl), 0); \
	} while (0)

static uint64_t dropped(enum pipeline_drop d)
{
	struct pipeline_lcore_stats s;
	uint64_t n = 0;

	for (unsigned i = 0; i < pipeline_workers(pl); i++) {
		CU_ASSERT_EQUAL_FATAL(pipeline_lcore_stats(pl, i, &s), 0);
		n += s.drop[d];
	}
	return n;
}

static uint64_t net_dropped(enum net_drop d)
{
	struct net_stats s;
	uint64_t n = 0;

	for (unsigned i = 0; i < pipeline_workers(pl); i++) {
		CU_ASSERT_EQUAL_FATAL(pipeline_net_stats(pl, i, &s), 0);
		n += s.drop[d];
	}
	return n;
}

/* Packets that the worker's engine saw and refused. */
static uint64_t refused(unsigned worker)
{
	struct smc_dev_info d[SMC_MAX_DEVS];

	CU_ASSERT_EQUAL_FATAL(pipeline_smc_devs(pl, worker, d, SMC_MAX_DEVS), 1);
	return d[0].counters.bad_qpn + d[0].counters.icrc_err + d[0].counters.bad_state + d[0].counters.bad_opcode;
}

static void roce__goes_to_the_worker_of_its_queue_pair(void)
{
	up(text);
	CU_ASSERT_EQUAL(pipeline_fwd_stop(pl), 0);
	inject(roce(US, 0x10));
	inject(roce(US, 1U << 17 | 0x10));
	inject(roce(US, 1U << 17 | 0x11));
	inject(roce(US, 2U << 17 | 0x10));
	inject(roce(US, 3U << 17 | 0x10));
	inject(roce(US, 127U << 17));
	RUN_UNTIL(refused(0) + refused(1) + refused(2) + dropped(PDROP_ROCE_LCORE) >= 6);
	CU_ASSERT_EQUAL(refused(0), 1);
	CU_ASSERT_EQUAL(refused(1), 2);
	CU_ASSERT_EQUAL(refused(2), 1);
	CU_ASSERT_EQUAL(dropped(PDROP_ROCE_LCORE), 2);
	whole_down();
}

static void roce__wrong_ones_are_counted_by_reason(void)
{
	struct rte_mbuf *m;

	up(text);
	CU_ASSERT_EQUAL(pipeline_fwd_stop(pl), 0);
	inject(roce(US_TOO, 0x10)); /* an address of ours without a device */
	m = roce(US, 0x10);         /* an octet short of a base transport header */
	ip_of(m)->total_length = rte_cpu_to_be_16(20 + 8 + 11);
	inject(fix(m));
	m = roce(US, 0x10);         /* to another UDP port */
	((struct rte_udp_hdr *)(ip_of(m) + 1))->dst_port = rte_cpu_to_be_16(4790);
	inject(m);
	for (unsigned part = 0; part < 2; part++) { /* in two fragments */
		m = roce(US, 0x10);
		ip_of(m)->packet_id = rte_cpu_to_be_16(7);
		ip_of(m)->fragment_offset = rte_cpu_to_be_16(part == 0 ? RTE_IPV4_HDR_MF_FLAG : 3);
		inject(fix(m));
	}
	RUN_UNTIL(dropped(PDROP_ROCE_DEVICE) + dropped(PDROP_ROCE_SHORT) + dropped(PDROP_ROCE_FRAGMENT) +
		  net_dropped(DROP_UDP_NO_PORT) >= 4);
	CU_ASSERT_EQUAL(dropped(PDROP_ROCE_DEVICE), 1);
	CU_ASSERT_EQUAL(dropped(PDROP_ROCE_SHORT), 1);
	CU_ASSERT_EQUAL(dropped(PDROP_ROCE_FRAGMENT), 1);
	CU_ASSERT_EQUAL(net_dropped(DROP_UDP_NO_PORT), 1);
	for (unsigned i = 0; i < pipeline_workers(pl); i++)
		CU_ASSERT_EQUAL(refused(i), 0);
	whole_down();
}

static void roce__without_devices_is_an_unknown_port(void)
{
	struct smc_stats s;

	up(plain);
	CU_ASSERT_EQUAL(pipeline_smc_stats(pl, 0, &s), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(pipeline_smc_eid_add(pl, "A"), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(pipeline_smc_dev_enable(pl, 0, true), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(pipeline_smc_stats_clear(pl), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(pipeline_fwd_stop(pl), 0);
	inject(roce(US, 3U << 17));
	RUN_UNTIL(net_dropped(DROP_UDP_NO_PORT) > 0);
	CU_ASSERT_EQUAL(net_dropped(DROP_UDP_NO_PORT), 1);
	CU_ASSERT_EQUAL(dropped(PDROP_ROCE_LCORE), 0);
	whole_down();
}

static void smc__eids_change(void)
{
	static const char *const more[] = { "B", "C", "D", "E", "F", "G", "H" };
	struct smc_eid eids[SMC_MAX_EIDS];

	up(text);
	CU_ASSERT_EQUAL(pipeline_smc_eids(pl, eids), 1);
	CU_ASSERT_EQUAL(memcmp(eids[0].b, "ONE     ", 8), 0);
	CU_ASSERT_EQUAL(pipeline_smc_eid_add(pl, "ONE"), -EEXIST);
	CU_ASSERT_EQUAL(pipeline_smc_eid_add(pl, "lower"), -EINVAL);
	for (size_t i = 0; i < RTE_DIM(more); i++)
		CU_ASSERT_EQUAL(pipeline_smc_eid_add(pl, more[i]), 0);
	CU_ASSERT_EQUAL(pipeline_smc_eid_add(pl, "I"), -ENOSPC);
	CU_ASSERT_EQUAL(pipeline_smc_eid_del(pl, "C"), 0);
	CU_ASSERT_EQUAL(pipeline_smc_eid_del(pl, "C"), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_smc_eids(pl, eids), 7);
	CU_ASSERT_EQUAL(eids[1].b[0], 'B');
	CU_ASSERT_EQUAL(eids[2].b[0], 'D');
	whole_down();
}

static void smc__policies_change(void)
{
	struct smc_policy p = { .port = 81, .smc = true }, all[SMC_MAX_POLICIES];

	up(text);
	CU_ASSERT_EQUAL(pipeline_smc_policies(pl, all), 1);
	CU_ASSERT_EQUAL(all[0].port, 80);
	CU_ASSERT_EQUAL(all[0].prefix_len, 8);
	CU_ASSERT_FALSE(all[0].smc);
	CU_ASSERT_EQUAL(pipeline_smc_policy_add(pl, &p, 0), 0);
	p.port = 82;
	CU_ASSERT_EQUAL(pipeline_smc_policy_add(pl, &p, 64), 0);
	CU_ASSERT_EQUAL(pipeline_smc_policies(pl, all), 3);
	CU_ASSERT_EQUAL(all[0].port, 81);
	CU_ASSERT_EQUAL(all[1].port, 80);
	CU_ASSERT_EQUAL(all[2].port, 82);
	CU_ASSERT_EQUAL(pipeline_smc_policy_del(pl, 3), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_smc_policy_del(pl, 1), 0);
	CU_ASSERT_EQUAL(pipeline_smc_policies(pl, all), 2);
	CU_ASSERT_EQUAL(all[1].port, 82);
	for (unsigned i = 2; i < SMC_MAX_POLICIES; i++)
		CU_ASSERT_EQUAL(pipeline_smc_policy_add(pl, &p, 64), 0);
	CU_ASSERT_EQUAL(pipeline_smc_policy_add(pl, &p, 64), -ENOSPC);
	whole_down();
}

/* A ring takes no other MTU. */
static int set_mtu(struct lcore *lc, void *arg)
{
	rdma_mtu(lc, 0, *(uint16_t *)arg);
	return 0;
}

static void smc__looks_and_requests(void)
{
	struct net_addr addr = net_addr_v4(rte_cpu_to_be_32(PEER)), any = { .family = NET_UNSPEC };
	struct pipeline_pool_info pools[PIPELINE_MAX_POOLS];
	struct smc_dev_info d[SMC_MAX_DEVS];
	struct smc_conn_info conn;
	struct smc_lgr_info lgr;
	uint64_t cursor = 0;
	uint16_t mtu = 700;

	up(text);
	CU_ASSERT_EQUAL(pipeline_pool_list(pl, 0, pools), 5);
	CU_ASSERT_STRING_EQUAL(pools[4].name, "roce_0");
	CU_ASSERT_EQUAL(pipeline_smc_conns(pl, 0, &cursor, &conn, 1), 0);
	cursor = 0;
	CU_ASSERT_EQUAL(pipeline_smc_lgrs(pl, 2, &cursor, &lgr, 1), 0);
	CU_ASSERT_EQUAL(pipeline_smc_lgr_terminate(pl, 1, 5), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_smc_peer_forget(pl, &addr), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_smc_peer_forget(pl, &any), 0);
	CU_ASSERT_EQUAL(pipeline_smc_stats_clear(pl), 0);
	CU_ASSERT_EQUAL(pipeline_smc_dev_enable(pl, 1, false), -ENODEV);
	CU_ASSERT_EQUAL(pipeline_smc_dev_enable(pl, 0, false), 0);
	CU_ASSERT_EQUAL(pipeline_smc_devs(pl, 1, d, SMC_MAX_DEVS), 1);
	CU_ASSERT_FALSE(d[0].enabled);
	CU_ASSERT_STRING_EQUAL(d[0].rd.name, "roce0");
	CU_ASSERT_TRUE(d[0].rd.up);
	CU_ASSERT_EQUAL(d[0].rd.n_gids, 1);
	CU_ASSERT_EQUAL(pipeline_port_stop(pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_smc_devs(pl, 1, d, SMC_MAX_DEVS), 1);
	CU_ASSERT_FALSE(d[0].rd.up);
	CU_ASSERT_EQUAL(rd_mtu_octets(d[0].rd.mtu), 1024);
	CU_ASSERT_EQUAL(pipeline_call(pl, 1, set_mtu, &mtu, sizeof(mtu)), 0);
	CU_ASSERT_EQUAL(pipeline_smc_devs(pl, 1, d, SMC_MAX_DEVS), 1);
	CU_ASSERT_EQUAL(rd_mtu_octets(d[0].rd.mtu), 512);
	CU_ASSERT_EQUAL(pipeline_smc_sock(pl, 0, 1, &conn), -ENOENT);
	whole_down();
}

/* A link group must never be taken for another worker's. */
static int give_peer_id(struct lcore *lc, void *arg)
{
	memcpy(arg, smc_conf(sock_smc(lc->ss))->peer_id, 8);
	return 0;
}

static void smc__peer_ids_differ(void)
{
	uint8_t id[3][8];

	up(text);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(pipeline_call(pl, i, give_peer_id, id[i], sizeof(id[i])), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(id[0], id[1], 8), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(id[0], id[2], 8), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(id[1], id[2], 8), 0);
	CU_ASSERT_EQUAL(memcmp(id[0] + 2, id[1] + 2, 6), 0);
	whole_down();
}

static const struct test_case cases[] = {
	TEST_CASE(roce__goes_to_the_worker_of_its_queue_pair),
	TEST_CASE(roce__wrong_ones_are_counted_by_reason),
	TEST_CASE(roce__without_devices_is_an_unknown_port),
	TEST_CASE(smc__eids_change),
	TEST_CASE(smc__policies_change),
	TEST_CASE(smc__looks_and_requests),
	TEST_CASE(smc__peer_ids_differ),
};
TEST_MAIN("pipeline_rdma", cases)
