/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues and control queues of the fake's ports. Port "left" is like our driver's,
 * "right" like one that can do nothing of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "pmd/dim/dim.h"
#include "tests/unit/console/fake.h"

static const char *dir_name(enum vnic_dir dir)
{
	return dir == VNIC_RX ? "rx" : "tx";
}

static int did(unsigned port, const char *what, enum vnic_dir dir, unsigned queue, unsigned size)
{
	snprintf(fake.did, sizeof(fake.did), "%s %u %s %u %u", what, port, dir_name(dir), queue, size);
	return fake.rc != 0 ? fake.rc : port == 0 ? 0 : -ENOTSUP;
}

int pipeline_queue_list(struct pipeline *pl, unsigned port, struct pipeline_queue_info *out, unsigned max)
{
	out[0] = (struct pipeline_queue_info){ .dir = VNIC_RX, .worker = (uint8_t)port, .descriptors = 64,
					       .stopped = fake.queue_stopped, .flows = port == 0 ? 125 : -1 };
	out[1] = (struct pipeline_queue_info){ .dir = VNIC_TX, .worker = (uint8_t)port, .descriptors = 128,
					       .flows = -1 };
	return fake.rc != 0 ? fake.rc : 2;
}

int pipeline_moderation_set(struct pipeline *pl, unsigned port, unsigned queue, enum config_moderate mode,
			    unsigned profile)
{
	if (queue != PIPELINE_ALL_QUEUES && queue > 0)
		return -ENOENT;
	if (profile > 4)
		return -EINVAL;
	snprintf(fake.did, sizeof(fake.did), "moderation %u %d %d %u", port, (int)queue, mode, profile);
	return fake.rc;
}

int pipeline_moderation_latency(struct pipeline *pl, unsigned port, unsigned queue, uint32_t max_latency_us)
{
	snprintf(fake.did, sizeof(fake.did), "latency %u %d %u", port, (int)queue, max_latency_us);
	return max_latency_us < 256 ? -ERANGE : fake.rc;
}

int pipeline_moderation_profile(struct pipeline *pl, unsigned port, unsigned queue, unsigned i,
				const struct config_profile *p)
{
	snprintf(fake.did, sizeof(fake.did), "profile %u %d %u %u %u %u %u", port, (int)queue, i, p->sleep_us, p->spin,
		 p->usecs, p->packets);
	return i > 4 ? -EINVAL : p->usecs > 1000 ? -ERANGE : fake.rc;
}

int pipeline_moderation_info(struct pipeline *pl, unsigned port, unsigned queue, struct pipeline_moderation_info *out)
{
	*out = (struct pipeline_moderation_info){
		.mode = port == 0 ? CONFIG_ADAPTIVE : CONFIG_BUSY_POLL, .profile = 2, .profiles = 5,
		.direction = DIM_GOING_RIGHT, .running = true, .interrupts = true, .coalescing = COALESCING_ON,
		.knobs = { .sleep_us = 40, .spin = 64, .usecs = 64, .packets = 256 },
		.device = { .usecs = 64, .packets = 256 }, .adds_us = 124, .max_latency_us = 1000,
		.packets_s = 12345, .bytes_s = 1234500, .events_s = 678, .windows = 90, .changes = 4, .posts = 3,
		.n_history = 2, .history = {
			{ .since_us = 7000000, .windows = 80, .profile = 1, .direction = DIM_PARKING_TIRED },
			{ .since_us = 9500000, .windows = 10, .profile = 2, .direction = DIM_GOING_LEFT,
			  .packets_s = 4321 },
		},
	};
	return fake.rc;
}

int pipeline_queue_start(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue)
{
	return did(port, "queue_start", dir, queue, 0);
}

int pipeline_queue_stop(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue)
{
	int rc = did(port, "queue_stop", dir, queue, 0);

	fake.queue_stopped |= rc == 0 && dir == VNIC_RX;
	return rc;
}

int pipeline_queue_reset(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue, uint16_t size,
			 struct vnic_reset_report *report)
{
	*report = (struct vnic_reset_report){ .how = fake.how, .size = size != 0 ? size : 64, .queue_us = 321,
					      .others_us = 45, .sending_us = 17, .returned = 63, .lost = 2 };
	return did(port, "queue_reset", dir, queue, size);
}

int pipeline_coal_set(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue,
		      const struct vnic_coal *c)
{
	int rc = did(port, "coalesce", dir, queue, c->usecs);
	size_t at = strlen(fake.did);

	snprintf(fake.did + at, sizeof(fake.did) - at, " %u", c->packets);
	return rc;
}

int pipeline_coal_list(struct pipeline *pl, unsigned port, struct pipeline_coal_info *out, unsigned max)
{
	out[0] = (struct pipeline_coal_info){ .dir = VNIC_RX, .device_rc = fake.device_rc, .known = { .usecs = 32, .packets = 100 },
					      .device = { .usecs = 32, .packets = 100 } };
	out[1] = (struct pipeline_coal_info){ .dir = VNIC_TX, .device_rc = fake.device_rc, .known = { .usecs = 16, .packets = 50 },
					      .device = { .usecs = 16, .packets = 51 } };
	out[0].known_rc = out[1].known_rc = fake.known_rc;
	if (port == 1)
		out[0].known_rc = out[0].device_rc = out[1].known_rc = out[1].device_rc = -ENOTSUP;
	return fake.rc != 0 ? fake.rc : 2;
}

int pipeline_ctrl_info(struct pipeline *pl, unsigned port, struct vnic_ctrl_info *out)
{
	if (port == 1)
		return -ENOTSUP;
	*out = (struct vnic_ctrl_info){ .present = true, .timeout_ms = 604800000, .slots = 64 };
	out->broken = fake.broken;
	snprintf(out->why, sizeof(out->why), "%s", fake.broken ? "a device that hangs" : "");
	out->stats = (struct vnic_ctrl_stats){ .submitted = 2000, .completed = 1990, .failed = 3, .timed_out = 2,
					       .canceled = 1, .in_flight = 4, .in_flight_max = 62, .waiting = 5,
					       .doorbells = 250, .wait_cpu_ns = 1996000 };
	out->stats.latency[6] = 1900; /* up to 64 us */
	out->stats.latency[7] = 80;   /* the 99th of a hundred is in here */
	out->stats.latency[20] = 20;
	out->stats.n_last = 2;
	out->stats.last[0] = (struct vnic_ctrl_last){ 4, 0, 0, 55, rte_rdtsc() - rte_get_tsc_hz() * 3 };
	out->stats.last[1] = (struct vnic_ctrl_last){ 9, 3, -EREMOTEIO, 77,
						       rte_rdtsc() - rte_get_tsc_hz() * 40 };
	return fake.broken ? 0 : fake.rc;
}

int pipeline_ctrl_timeout(struct pipeline *pl, unsigned port, uint64_t ms)
{
	snprintf(fake.did, sizeof(fake.did), "ctrl_timeout %u %llu", port, (unsigned long long)ms);
	return fake.rc != 0 ? fake.rc : port == 0 ? 0 : -ENOTSUP;
}

int pipeline_rx_offload(struct pipeline *pl, unsigned port, uint64_t offload, bool on,
			struct pipeline_offload_report *report)
{
	snprintf(fake.did, sizeof(fake.did), "rx_offload %u %s %d", port, rte_eth_dev_rx_offload_name(offload), on);
	*report = (struct pipeline_offload_report){ .when = fake.offload_when, .changed = offload };
	if (port == 0 && (offload & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0)
		report->changed |= RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	return fake.rc != 0 ? fake.rc : port == 0 ? 0 : -ENOTSUP;
}

int pipeline_rss_info(struct pipeline *pl, unsigned port, struct pipeline_rss *out)
{
	*out = (struct pipeline_rss){ .size = 128, .own = true, .types = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP,
				      .key_len = 4, .key = { 0x6d, 0x5a, 0x01, 0xff } };
	for (unsigned i = 0; i < 128; i++)
		out->queue[i] = (uint16_t)(i % 3);
	return fake.rc;
}

int pipeline_reta_set(struct pipeline *pl, unsigned port, const struct pipeline_reta_entry *e, unsigned n)
{
	int at = snprintf(fake.did, sizeof(fake.did), "reta %u %u", port, n);

	for (unsigned i = 0; i < n && (size_t)at + 12 < sizeof(fake.did); i++)
		at += snprintf(fake.did + at, sizeof(fake.did) - (size_t)at, " %u:%u", e[i].hash, e[i].queue);
	return fake.rc != 0 ? fake.rc : port == 0 ? 0 : -ENOTSUP;
}

int pipeline_port_mac(struct pipeline *pl, unsigned port, enum pipeline_mac what, const struct rte_ether_addr *mac)
{
	snprintf(fake.did, sizeof(fake.did), "mac %u %d %02x..%02x", port, what, mac->addr_bytes[0], mac->addr_bytes[5]);
	return fake.rc;
}

const char *vnic_ctrl_name(uint8_t class, uint8_t cmd, char *buf, size_t len)
{
	snprintf(buf, len, class == 4 ? "MQ VQ_PAIRS_SET" : "class %u command %u", class, cmd);
	return buf;
}
