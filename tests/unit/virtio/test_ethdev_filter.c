/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters, steering, MTU and statistics of a port: what the device is told, what
 * it remembers for us after a restart, what is counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/virtio/eth_lab.h"

static const struct rte_ether_addr more[] = { { { 2, 0, 0, 0, 1, 1 } }, { { 2, 0, 0, 0, 1, 2 } } };
static const struct rte_ether_addr group = { { 0x33, 0x33, 0, 0, 0, 1 } };

static void rss_conf(struct rte_eth_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rxmode.offloads = RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	conf->rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
}

static void open_with_filters(struct eth_lab *lab, uint16_t queues)
{
	struct rte_eth_conf conf;

	rss_conf(&conf);
	eth_lab_create(lab, queues, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(lab, queues, 64, &conf) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab->port) == 0);
}

static void set_everything(struct eth_lab *lab)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 9, 9 } }, mcast = group;
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 0xff }, { .mask = 0 } };

	for (unsigned i = 0; i < 8; i++)
		reta[0].reta[i] = 1;
	CU_ASSERT(rte_eth_promiscuous_enable(lab->port) == 0);
	CU_ASSERT(rte_eth_allmulticast_enable(lab->port) == 0);
	CU_ASSERT(rte_eth_dev_default_mac_addr_set(lab->port, &mac) == 0);
	for (unsigned i = 0; i < RTE_DIM(more); i++)
		CU_ASSERT(rte_eth_dev_mac_addr_add(lab->port, (struct rte_ether_addr *)(uintptr_t)&more[i], 0) == 0);
	CU_ASSERT(rte_eth_dev_set_mc_addr_list(lab->port, &mcast, 1) == 0);
	CU_ASSERT(rte_eth_dev_vlan_filter(lab->port, 7, 1) == 0);
	CU_ASSERT(rte_eth_dev_vlan_filter(lab->port, 4095, 1) == 0);
	CU_ASSERT(rte_eth_dev_vlan_filter(lab->port, 8, 1) == 0);
	CU_ASSERT(rte_eth_dev_vlan_filter(lab->port, 8, 0) == 0);
	CU_ASSERT(rte_eth_dev_rss_reta_update(lab->port, reta, 128) == 0);
}

static bool vlan_let_through(const struct vnicd_nic *nic, uint16_t vlan)
{
	return nic->vlan[vlan / 64] >> (vlan % 64) & 1;
}

static void expect_everything(const struct vnicd_nic *nic)
{
	CU_ASSERT(nic->promisc && nic->allmulti);
	CU_ASSERT(nic->mac.addr_bytes[4] == 9 && nic->mac.addr_bytes[5] == 9);
	/* The port's own is not in the table: there it would stay when the port gets another. */
	CU_ASSERT(nic->n_unicast == 2 && nic->n_multicast == 1);
	CU_ASSERT(memcmp(&nic->macs[0], &more[0], 6) == 0 && memcmp(&nic->macs[1], &more[1], 6) == 0);
	CU_ASSERT(memcmp(&nic->macs[2], &group, 6) == 0);
	CU_ASSERT(vlan_let_through(nic, 7) && vlan_let_through(nic, 4095) && !vlan_let_through(nic, 8));
	CU_ASSERT(nic->rss && nic->reta_mask == 127);
	CU_ASSERT(nic->hash_types == (VIRTIO_NET_HASH_TYPE(VIRTIO_NET_HASH_REPORT_TCPv4) |
				      VIRTIO_NET_HASH_TYPE(VIRTIO_NET_HASH_REPORT_TCPv6)));
	CU_ASSERT(nic->reta[0] == 1 && nic->reta[7] == 1 && nic->reta[8] == 0 && nic->reta[9] == 1);
}

/* Set once; still there after a restart and after the back end's return. */
static void filters__remembered(void)
{
	struct eth_lab lab;

	open_with_filters(&lab, 2);
	set_everything(&lab);
	expect_everything(&lab.s->nic);
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	vnicd_nic_reset(&lab.s->nic);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	expect_everything(&lab.s->nic);
	scripted_die(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	scripted_return(lab.s);
	CU_ASSERT(eth_lab_link(&lab, true));
	expect_everything(&lab.s->nic);
	eth_lab_end(&lab);
}

static void filters__taken_back(void)
{
	struct eth_lab lab;

	open_with_filters(&lab, 2);
	set_everything(&lab);
	CU_ASSERT(rte_eth_promiscuous_disable(lab.port) == 0 && !lab.s->nic.promisc);
	CU_ASSERT(rte_eth_allmulticast_disable(lab.port) == 0 && !lab.s->nic.allmulti);
	CU_ASSERT(rte_eth_dev_mac_addr_remove(lab.port, (struct rte_ether_addr *)(uintptr_t)&more[0]) == 0);
	CU_ASSERT(lab.s->nic.n_unicast == 1 && memcmp(&lab.s->nic.macs[0], &more[1], 6) == 0);
	CU_ASSERT(rte_eth_dev_set_mc_addr_list(lab.port, NULL, 0) == 0 && lab.s->nic.n_multicast == 0);
	CU_ASSERT(rte_eth_dev_vlan_filter(lab.port, 7, 0) == 0 && !vlan_let_through(&lab.s->nic, 7));
	eth_lab_end(&lab);
}

/* What the device refuses is not remembered as done. */
static void filters__refused(void)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 9, 9 } };
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1, .reta = { 1 } }, { .mask = 0 } };
	struct eth_lab lab;

	open_with_filters(&lab, 2);
	lab.s->ctrl_ack = VIRTIO_NET_ERR;
	CU_ASSERT(rte_eth_promiscuous_enable(lab.port) == -EREMOTEIO);
	CU_ASSERT(rte_eth_dev_default_mac_addr_set(lab.port, &mac) == -EREMOTEIO);
	CU_ASSERT(rte_eth_dev_mac_addr_add(lab.port, &mac, 0) == -EREMOTEIO);
	CU_ASSERT(rte_eth_dev_vlan_filter(lab.port, 7, 1) == -EREMOTEIO);
	CU_ASSERT(rte_eth_dev_rss_reta_update(lab.port, reta, 128) == -EREMOTEIO);
	lab.s->ctrl_ack = 0;
	CU_ASSERT(!lab.d->promisc && lab.d->mac.addr_bytes[4] != 9 && lab.d->n_macs == 1);
	CU_ASSERT(lab.d->vlan[0] == 0 && lab.d->reta[0] == 0);
	eth_lab_end(&lab);
}

/* Values out of range do not reach the device. */
static void steering__checked(void)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1, .reta = { 2 } }, { .mask = 0 } };
	struct rte_eth_rss_conf rss = { .rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_TCP };
	uint8_t key[VNIC_RSS_KEY_LEN], back[VNIC_RSS_KEY_LEN];
	struct eth_lab lab;

	open_with_filters(&lab, 2);
	CU_ASSERT(lab.s->nic.reta[0] == 0 && lab.s->last_class != VIRTIO_NET_CTRL_MQ);
	CU_ASSERT(rte_eth_dev_rss_reta_update(lab.port, reta, 128) == -EINVAL);
	/* What a queue begins with may be asked for in the background. */
	CU_ASSERT(lab.s->nic.reta[0] == 0 && lab.s->last_class != VIRTIO_NET_CTRL_MQ);
	memset(key, 0x3c, sizeof(key));
	rss.rss_key = key;
	rss.rss_key_len = sizeof(key);
	CU_ASSERT(rte_eth_dev_rss_hash_update(lab.port, &rss) == 0);
	CU_ASSERT(memcmp(lab.s->nic.key, key, sizeof(key)) == 0);
	CU_ASSERT(lab.s->nic.hash_types == VIRTIO_NET_HASH_TYPE(VIRTIO_NET_HASH_REPORT_TCPv4));
	rss.rss_key = back;
	CU_ASSERT(rte_eth_dev_rss_hash_conf_get(lab.port, &rss) == 0);
	CU_ASSERT(memcmp(back, key, sizeof(key)) == 0 && rss.rss_hf == RTE_ETH_RSS_NONFRAG_IPV4_TCP);
	eth_lab_end(&lab);
}

/* Without a control queue: what needs one says so, and what does not works. */
static void filters__no_control_queue(void)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 9, 9 } };
	struct rte_eth_conf conf = { .rxmode.mq_mode = RTE_ETH_MQ_RX_RSS };
	struct eth_lab lab;

	eth_lab_create(&lab, 2, "queues=2");
	lab.s->flags &= ~(VNIC_TRANSPORT_CTRL | VNIC_TRANSPORT_CONFIG);
	lab.s->hide_features = NF(CTRL_VQ) | NF(MQ) | NF(RSS) | NF(HASH_REPORT) | NF(MAC);
	scripted_attach(lab.s, lab.d);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 2, 64, &conf) == -ENOTSUP);
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 2, 64, &conf) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(rte_eth_promiscuous_enable(lab.port) == -ENOTSUP);
	CU_ASSERT(rte_eth_dev_mac_addr_add(lab.port, &mac, 0) == -ENOTSUP);
	CU_ASSERT(rte_eth_dev_default_mac_addr_set(lab.port, &mac) == 0);
	CU_ASSERT(lab.s->nic.queue[0].enabled && lab.s->nic.queue[2].enabled && lab.s->nic.queue[3].enabled);
	eth_lab_end(&lab);
}

static void mtu__limits(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	CU_ASSERT(lab.d->rxq[0]->frame_max == 1522);
	CU_ASSERT(rte_eth_dev_set_mtu(lab.port, 1501) == -EINVAL);
	CU_ASSERT(rte_eth_dev_set_mtu(lab.port, 67) == -EINVAL);
	CU_ASSERT(rte_eth_dev_set_mtu(lab.port, 576) == 0);
	CU_ASSERT(lab.d->rxq[0]->frame_max == 598);
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0 && rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(lab.d->rxq[0]->frame_max == 598);
	eth_lab_end(&lab);
}

/* The argument bounds what the device tells, or stands for it. */
static void mtu__by_argument(void)
{
	static const struct {
		const char *args;
		uint64_t hide;
		uint16_t max;
	} rows[] = {
		{ "mtu=0", 0, 1500 }, { "mtu=1400", 0, 1400 }, { "mtu=9000", 0, 1500 },
		{ "mtu=9000", NF(MTU), 9000 }, { "mtu=0", NF(MTU), 65513 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rte_eth_dev_info info;
		struct eth_lab lab;
		uint16_t mtu;

		eth_lab_create(&lab, 1, rows[i].args);
		lab.s->hide_features = rows[i].hide;
		CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
		CU_ASSERT(rte_eth_dev_info_get(lab.port, &info) == 0 && info.max_mtu == rows[i].max);
		CU_ASSERT(rte_eth_dev_get_mtu(lab.port, &mtu) == 0 && mtu == RTE_MIN(rows[i].max, 1500));
		eth_lab_end(&lab);
	}
}

/* ---- statistics ---------------------------------------------------------------------------------- */

static uint64_t xstat(uint16_t port, const char *name)
{
	uint64_t id, value = UINT64_MAX;

	if (rte_eth_xstats_get_id_by_name(port, name, &id) != 0 || rte_eth_xstats_get_by_id(port, &id, &value, 1) != 1)
		CU_FAIL("no such counter");
	return value;
}

static void stats__counted_and_reset(void)
{
	struct rte_eth_stats st;
	struct eth_lab lab;

	eth_lab_run(&lab, 2, NULL);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 10) && eth_lab_traffic(&lab, 1, 5));
	CU_ASSERT(rte_eth_stats_get(lab.port, &st) == 0);
	CU_ASSERT(st.ipackets == 15 && st.opackets == 15 && st.ibytes == 900 && st.obytes == 900);
	CU_ASSERT(st.q_ipackets[0] == 10 && st.q_opackets[1] == 5 && st.ierrors == 0 && st.rx_nombuf == 0);
	CU_ASSERT(xstat(lab.port, "rx_q1_packets") == 5 && xstat(lab.port, "tx_q0_bytes") == 600);
	CU_ASSERT(xstat(lab.port, "vnic_starts") == 1 && xstat(lab.port, "vnic_lost") == 0);
	CU_ASSERT(xstat(lab.port, "ctrl_submitted") == lab.s->ctrl_seen);
	CU_ASSERT(rte_eth_stats_reset(lab.port) == 0);
	CU_ASSERT(rte_eth_stats_get(lab.port, &st) == 0 && st.ipackets == 0 && st.obytes == 0);
	CU_ASSERT(xstat(lab.port, "rx_q1_packets") == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 1, 3));
	CU_ASSERT(rte_eth_stats_get(lab.port, &st) == 0 && st.ipackets == 3 && st.opackets == 3);
	eth_lab_end(&lab);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rte_eth_xstat_name *)a)->name, ((const struct rte_eth_xstat_name *)b)->name);
}

static void stats__names_are_unique(void)
{
	struct rte_eth_xstat_name *names;
	struct eth_lab lab;
	int n;

	eth_lab_run(&lab, 3, NULL);
	n = rte_eth_xstats_get_names(lab.port, NULL, 0);
	CU_ASSERT_FATAL(n > 100);
	names = calloc((size_t)n, sizeof(*names));
	CU_ASSERT_FATAL(names != NULL && rte_eth_xstats_get_names(lab.port, names, (unsigned)n) == n);
	qsort(names, (size_t)n, sizeof(*names), by_name);
	for (int i = 1; i < n; i++) {
		CU_ASSERT_STRING_NOT_EQUAL(names[i - 1].name, names[i].name);
		CU_ASSERT(strlen(names[i].name) < sizeof(names[i].name) - 1);
	}
	free(names);
	eth_lab_end(&lab);
}

/* Starts and losses of the port go into its counters; packets survive a restart. */
static void stats__over_a_restart(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 10));
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0 && rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 10));
	scripted_die(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	scripted_return(lab.s);
	CU_ASSERT(eth_lab_link(&lab, true));
	CU_ASSERT(xstat(lab.port, "rx_q0_packets") == 20);
	CU_ASSERT(xstat(lab.port, "vnic_starts") == 3 && xstat(lab.port, "vnic_lost") == 1);
	CU_ASSERT(TEST_SOON(xstat(lab.port, "vnic_returned") == 1));
	eth_lab_end(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(filters__remembered),
	TEST_CASE(filters__taken_back),
	TEST_CASE(filters__refused),
	TEST_CASE(steering__checked),
	TEST_CASE(filters__no_control_queue),
	TEST_CASE(mtu__limits),
	TEST_CASE(mtu__by_argument),
	TEST_CASE(stats__counted_and_reset),
	TEST_CASE(stats__names_are_unique),
	TEST_CASE(stats__over_a_restart),
};
TEST_MAIN("virtio_ethdev_filter", cases)
