/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control queue of a device that nobody here wrote: what its commands do, many
 * of them in flight at a time, and those that it has to refuse.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_ethdev.h>

#include "pmd/base/toeplitz.h"
#include "pmd/virtio/dev.h"
#include "tests/qtest/net.h"

#define STORM  512u /* commands */
#define GROUPS 16u

/* ---- many at a time --------------------------------------------------------------------- */
struct command {
	const char *name;
	uint8_t class, cmd, group;
	uint32_t key;
	uint8_t data[56];
	size_t len;
	int want; /* 0, or refused: -EREMOTEIO */
	bool rss; /* taken only by a device that has RSS */
	bool all; /* its data are the number of pairs there are */
};

#define VLANS      VIRTIO_NET_CTRL_VLAN
#define RX         VIRTIO_NET_CTRL_RX
#define MAC        VIRTIO_NET_CTRL_MAC
#define MQ         VIRTIO_NET_CTRL_MQ

/* Counts in front of the addresses are little-endian (5.1.6.5.2). */
static const struct command commands[] = {
	{ "VLAN 5", VLANS, VIRTIO_NET_CTRL_VLAN_ADD, VNIC_CTRL_VLAN, 5, { 5, 0 }, 2, 0 },
	{ "VLAN 6", VLANS, VIRTIO_NET_CTRL_VLAN_ADD, VNIC_CTRL_VLAN, 6, { 6, 0 }, 2, 0 },
	{ "no VLAN 4096", VLANS, VIRTIO_NET_CTRL_VLAN_ADD, VNIC_CTRL_VLAN, 4096, { 0, 16 }, 2, -EREMOTEIO },
	{ "promiscuous", RX, VIRTIO_NET_CTRL_RX_PROMISC, VNIC_CTRL_RX_MODE, 0, { 1 }, 1, 0 },
	{ "all multicast", RX, VIRTIO_NET_CTRL_RX_ALLMULTI, VNIC_CTRL_RX_MODE, 1, { 1 }, 1, 0 },
	{ "no receive mode 99", RX, 99, VNIC_CTRL_RX_MODE, 99, { 1 }, 1, -EREMOTEIO },
	{ "two addresses", MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VNIC_CTRL_MAC, 0,
	  { 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x11, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1 }, 20, 0 },
	{ "a table that ends too early", MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VNIC_CTRL_MAC, 0,
	  { 2, 0, 0, 0, 2, 0, 0, 0, 0, 0x11 }, 10, -EREMOTEIO },
	{ "no class 77", 77, 0, VNIC_CTRL_FREE, 0, { 0 }, 1, -EREMOTEIO },
	{ "one pair", MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VNIC_CTRL_STEERING, 0, { 1, 0 }, 2, 0 },
	{ "no pairs", MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VNIC_CTRL_STEERING, 0, { 0, 0 }, 2, -EREMOTEIO },
	{ "more pairs than there are", MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VNIC_CTRL_STEERING, 0, { 9, 0 }, 2,
	  -EREMOTEIO },
	{ "all pairs", MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VNIC_CTRL_STEERING, 0, { 0 }, 2, 0, .all = true },
	/* Three types, two entries, no packet without a queue, two pairs, a key of 40 octets. */
	{ "RSS", MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, VNIC_CTRL_STEERING, 0,
	  { 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2, 0, 40, 0x6d }, 55, 0, true },
	{ "RSS by three entries", MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, VNIC_CTRL_STEERING, 0,
	  { 7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 40, 0x6d }, 56, -EREMOTEIO },
	{ "all pairs again", MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VNIC_CTRL_STEERING, 0, { 0 }, 2, 0, .all = true },
	{ "not VLAN 6", VLANS, VIRTIO_NET_CTRL_VLAN_DEL, VNIC_CTRL_VLAN, 6, { 6, 0 }, 2, 0 },
	{ "not promiscuous", RX, VIRTIO_NET_CTRL_RX_PROMISC, VNIC_CTRL_RX_MODE, 0, { 0 }, 1, 0 },
	{ "not all multicast", RX, VIRTIO_NET_CTRL_RX_ALLMULTI, VNIC_CTRL_RX_MODE, 1, { 0 }, 1, 0 },
	{ "no addresses", MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VNIC_CTRL_MAC, 0, { 0 }, 8, 0 },
};

/* Three of four are VLANs, each with a key of its own: all of them may be in flight. */
static const struct command any_vlan = {
	"VLAN", VLANS, VIRTIO_NET_CTRL_VLAN_ADD, VNIC_CTRL_VLAN, 0, { 0 }, 2, 0
};

/* Callbacks run on the main thread or the device's control thread, one at a time. */
static struct storm {
	unsigned done, again, wrong, disorder;
	unsigned latest[GROUPS];    /* the last one done, plus one */
	const char *first_wrong;
	int first_rc;
	struct shot {
		const struct command *c;
		unsigned index;
		bool done;
	} shot[STORM];
} storm;

static int wanted(const struct command *c)
{
	return c->rss && !vnic_has(net.dev, VIRTIO_NET_F_RSS) ? -EREMOTEIO : c->want;
}

static void answered(void *arg, int rc, const void *result, size_t len)
{
	struct shot *s = arg;

	storm.again += s->done;
	s->done = true;
	if (rc != wanted(s->c) && storm.wrong++ == 0) {
		storm.first_wrong = s->c->name;
		storm.first_rc = rc;
	}
	/* Kept in order: commands for the table of addresses and for the pairs, which have one key each. */
	if (s->c->group == VNIC_CTRL_MAC || s->c->group == VNIC_CTRL_STEERING) {
		storm.disorder += s->index + 1 < storm.latest[s->c->group];
		storm.latest[s->c->group] = s->index + 1;
	}
	__atomic_add_fetch(&storm.done, 1, __ATOMIC_RELEASE);
}

static bool shoot(struct vnic_ctrl *c, struct shot *s)
{
	const bool vlan = s->c == &any_vlan;
	const rte_le16_t number = rte_cpu_to_le_16((uint16_t)(vlan ? 100 + s->index : net.queues));
	const struct vnic_ctrl_request req = {
		.class = s->c->class, .cmd = s->c->cmd, .group = s->c->group,
		.key = vlan ? 100 + s->index : s->c->key,
		.data = vlan || s->c->all ? (const void *)&number : s->c->data,
		.len = s->c->len, .done = answered, .arg = s,
	};
	uint64_t id;
	int rc = vnic_ctrl_submit(c, &req, &id);

	if (rc == -EAGAIN) {
		vnic_ctrl_flush(c);
		vnic_ctrl_poll(c);
		net_poll();
	}
	return rc == 0;
}

static void wait_for_storm(struct vnic_ctrl *c)
{
	vnic_ctrl_flush(c);
	for (unsigned n = 0; n < 50000 && __atomic_load_n(&storm.done, __ATOMIC_ACQUIRE) < STORM; n++) {
		vnic_ctrl_poll(c);
		net_poll();
		usleep(100);
	}
}

/* As fast as slots become free, with echoes under way. */
static void in_parallel(void)
{
	struct vnic_ctrl *c = net.dev->ctrl;
	struct vnic_ctrl_stats before, after;
	unsigned n = 0, refused = 0;

	memset(&storm, 0, sizeof(storm));
	vnic_ctrl_stats_get(c, &before);
	net_count();
	for (unsigned tries = 0; n < STORM && tries < 100 * STORM; tries++) {
		storm.shot[n] = (struct shot){
			.c = n % 4 != 0 ? &any_vlan : &commands[n / 4 % RTE_DIM(commands)], .index = n,
		};
		if (!shoot(c, &storm.shot[n]))
			continue;
		refused += wanted(storm.shot[n].c) != 0;
		if (n++ % 16 == 0)
			net_ask(0, 1);
	}
	wait_for_storm(c);
	vnic_ctrl_stats_get(c, &after);
	if (storm.wrong > 0)
		printf("\"%s\" ended with %d\n", storm.first_wrong, storm.first_rc);
	step(storm.done == STORM && storm.again == 0, "%u commands, %u at a time in flight: each ended once", storm.done,
	     after.in_flight_max);
	step(storm.wrong == 0, "the %u that are wrong were refused, and no other", refused);
	step(after.failed - before.failed == refused, "they are counted as failed");
	step(storm.disorder == 0, "those for the same table ended in order");
	step(after.in_flight_max >= 8, "many were in flight");
	step(after.doorbells - before.doorbells <= STORM / 4, "%llu doorbells",
	     (unsigned long long)(after.doorbells - before.doorbells));
	step(net_answered(0, NET_PATIENCE_MS), "echoes meanwhile");
	step(rte_eth_dev_default_mac_addr_set(net.port, &net.ours) == 0 && net_pings(4), "traffic after it");
}

/* ---- what they do --------------------------------------------------------------------- */
static bool passes(uint8_t host)
{
	return net_echo_from(host, NET_PATIENCE_MS);
}
static bool held_up(uint8_t host)
{
	return !net_echo_from(host, 30);
}

/* The kernel answers an address of ours at an Ethernet address that is not the port's. */
static void filters(void)
{
	struct rte_ether_addr second = { { 0x02, 0, 0, 0, 0, 0x99 } }, first = net.ours;
	const uint8_t host = 9, own = 10;

	net_claim(host, &second);
	net_claim(own, &first);
	step(held_up(host), "frames to an address that is not in the table do not come");
	step(rte_eth_dev_mac_addr_add(net.port, &second, 0) == 0 && passes(host), "second address: they come");
	step(rte_eth_dev_mac_addr_remove(net.port, &second) == 0 && held_up(host), "removed: they do not");
	step(rte_eth_promiscuous_enable(net.port) == 0 && passes(host), "promiscuous: they do");
	step(rte_eth_promiscuous_disable(net.port) == 0 && held_up(host), "no more: they do not");
	step(rte_eth_dev_default_mac_addr_set(net.port, &second) == 0 && passes(host) && held_up(own),
	     "another address of the port: frames to it come, to the one before they do not");
	step(rte_eth_dev_default_mac_addr_set(net.port, &first) == 0 && passes(own) && held_up(host), "and back");
	step(rte_eth_allmulticast_enable(net.port) == 0 && rte_eth_allmulticast_disable(net.port) == 0,
	     "all multicast on and off");
}

void steps_control(void)
{
	filters();
	in_parallel();
}

/* ---- RSS -------------------------------------------------------------------------------- */
static int all_to(uint16_t queue)
{
	struct rte_eth_rss_reta_entry64 table[VNIC_RETA_SIZE / RTE_ETH_RETA_GROUP_SIZE];

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		table[i].mask = UINT64_MAX;
		for (unsigned k = 0; k < RTE_ETH_RETA_GROUP_SIZE; k++)
			table[i].reta[k] = queue;
	}
	return rte_eth_dev_rss_reta_update(net.port, table, VNIC_RETA_SIZE);
}

/* The entry of the table where our hash says that the device finds a pair's answers. */
static int one_to(const uint8_t *key, uint16_t pair, uint16_t queue)
{
	struct rte_eth_rss_reta_entry64 table[VNIC_RETA_SIZE / RTE_ETH_RETA_GROUP_SIZE] = { 0 };
	static struct toeplitz t;
	uint32_t at;

	toeplitz_init(&t, key);
	at = toeplitz_v4_addr(&t, rte_cpu_to_be_32(NET_THEIR_IP), rte_cpu_to_be_32(NET_OUR_IP + pair)) %
	     VNIC_RETA_SIZE;
	table[at / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_C(1) << at % RTE_ETH_RETA_GROUP_SIZE;
	table[at / RTE_ETH_RETA_GROUP_SIZE].reta[at % RTE_ETH_RETA_GROUP_SIZE] = queue;
	return rte_eth_dev_rss_reta_update(net.port, table, VNIC_RETA_SIZE);
}

/* Do the answers of 32 echoes of this pair come in by the queue? */
static bool come_by(uint16_t pair, uint16_t queue)
{
	unsigned before = net.strays;

	net_count();
	net_ask(pair, 32);
	return net_answered(pair, NET_PATIENCE_MS) && net.strays - before == (pair == queue ? 0 : 32);
}

/* Each pair's answers come by the queue that is so many further on. */
static bool single_entries(const uint8_t *key, uint16_t shift)
{
	const uint16_t n = net.queues;
	bool ok = true;

	for (uint16_t pair = 0; pair < n; pair++)
		ok &= one_to(key, pair, (uint16_t)((pair + shift) % n)) == 0;
	for (uint16_t pair = 0; pair < n && ok; pair++)
		ok = come_by(pair, (uint16_t)((pair + shift) % n));
	return ok;
}

/* Two addresses may share an entry of the table: then a pair cannot have its own. */
static bool own_entries(const uint8_t *key)
{
	uint32_t at[NET_PAIRS_MAX];
	static struct toeplitz t;

	toeplitz_init(&t, key);
	for (unsigned i = 0; i < net.queues; i++) {
		at[i] = toeplitz_v4_addr(&t, rte_cpu_to_be_32(NET_THEIR_IP), rte_cpu_to_be_32(NET_OUR_IP + i)) %
			VNIC_RETA_SIZE;
		for (unsigned k = 0; k < i; k++)
			if (at[k] == at[i])
				return false;
	}
	return true;
}

void steps_rss(void)
{
	struct rte_eth_rss_conf conf = { .rss_hf = UINT64_MAX };
	uint8_t key[VNIC_RSS_KEY_LEN];

	for (uint16_t q = 0; q < net.queues; q++) {
		bool ok = all_to(q) == 0;

		for (uint16_t pair = 0; pair < net.queues && ok; pair++)
			ok = come_by(pair, q);
		step(ok, "RSS: everything to queue %u", q);
	}
	step(all_to(net.queues) == -EINVAL, "RSS: a queue that is not there is refused by the driver");
	step(rte_eth_dev_rss_hash_update(net.port, &conf) < 0, "RSS: types that the device does not know are refused");
	conf = (struct rte_eth_rss_conf){ .rss_key = key, .rss_key_len = sizeof(key) };
	step(rte_eth_dev_rss_hash_conf_get(net.port, &conf) == 0, "RSS: its key");
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x5a + 37 * i);
	step(own_entries(key) && rte_eth_dev_rss_hash_update(net.port, &conf) == 0 && net_pings(16),
	     "RSS: another key");
	step(single_entries(key, 1), "RSS: single entries of the table, by our hash");
	step(single_entries(key, 0), "RSS: each pair its own answers");
}
