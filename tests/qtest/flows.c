/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To which queue the device brings each of many flows: answers of the kernel to TCP segments
 * whose ports differ, against our own hash of them and the table that the device was given.
 */
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ethdev.h>

#include "pmd/base/toeplitz.h"
#include "pmd/virtio/dev.h"
#include "tests/qtest/net.h"

#define FLOWS 64u
#define FROM  33000u /* ports: the kernel has nobody there and answers with a reset */
#define TO    7000u

static uint16_t table[VNIC_RETA_SIZE];

/* Every queue about as often, in no order. */
static int fill_table(uint32_t seed)
{
	struct rte_eth_rss_reta_entry64 reta[VNIC_RETA_SIZE / RTE_ETH_RETA_GROUP_SIZE];

	for (unsigned i = 0; i < VNIC_RETA_SIZE; i++) {
		seed = seed * 1664525u + 1013904223u;
		table[i] = (uint16_t)((seed >> 16) % net.queues);
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_MAX;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = table[i];
	}
	return rte_eth_dev_rss_reta_update(net.port, reta, VNIC_RETA_SIZE);
}

static int new_key(uint32_t seed, struct toeplitz *t)
{
	uint8_t key[VNIC_RSS_KEY_LEN];
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = sizeof(key) };

	if (rte_eth_dev_rss_hash_conf_get(net.port, &conf) != 0)
		return -1;
	for (unsigned i = 0; i < sizeof(key); i++) {
		seed = seed * 1664525u + 1013904223u;
		key[i] = (uint8_t)(seed >> 24);
	}
	toeplitz_init(t, key);
	return rte_eth_dev_rss_hash_update(net.port, &conf);
}

struct tally {
	unsigned silent, astray, misread; /* flows without an answer, on another queue, with another hash */
	unsigned used[NET_PAIRS_MAX];     /* flows of each queue */
};

static bool reports(void)
{
	return vnic_has(net.dev, VIRTIO_NET_F_HASH_REPORT);
}

static void one_flow(const struct toeplitz *t, uint16_t i, struct tally *sum)
{
	const uint16_t from = (uint16_t)(FROM + 7 * i), to = (uint16_t)(TO + i % 5);
	uint32_t hash = toeplitz_v4(t, rte_cpu_to_be_32(NET_THEIR_IP), rte_cpu_to_be_32(NET_OUR_IP),
				    rte_cpu_to_be_16(to), rte_cpu_to_be_16(from));
	struct net_answer got;

	if (!net_syn(i % net.queues, from, to, NET_PATIENCE_MS, &got)) {
		sum->silent++;
		return;
	}
	sum->astray += got.queue != table[hash % VNIC_RETA_SIZE];
	/* What a packet says of its hash is there where the device has HASH_REPORT and was asked. */
	sum->misread += reports() && (!got.hashed || got.hash != hash);
	sum->used[got.queue]++;
}

static void all_flows(const struct toeplitz *t, const char *name)
{
	struct tally sum = { 0 };
	unsigned unused = 0;

	for (uint16_t i = 0; i < FLOWS; i++)
		one_flow(t, i, &sum);
	for (unsigned q = 0; q < net.queues; q++)
		unused += sum.used[q] == 0;
	if (sum.silent + sum.misread + sum.astray != 0)
		printf("%u of %u flows without an answer, %u on another queue, %u with another hash\n", sum.silent,
		       FLOWS, sum.astray, sum.misread);
	step(sum.silent + sum.astray + sum.misread + unused == 0,
	     "RSS: %s: %u flows over %u queues, each where we say%s", name, FLOWS, net.queues,
	     reports() ? ", with our hash" : "");
}

void steps_flows(void)
{
	static struct toeplitz t;

	step(new_key(1, &t) == 0 && fill_table(1) == 0, "RSS: key and table");
	all_flows(&t, "a table");
	step(fill_table(2) == 0, "RSS: another table");
	all_flows(&t, "another table");
	step(new_key(2, &t) == 0, "RSS: another key");
	all_flows(&t, "another key");
}
