/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of both ports reset and resized in turn under load. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "pmd/virtio/vnic.h"
#include "tests/storm/storm.h"

static uint64_t xstat(uint16_t port, const char *dir, uint16_t queue, const char *what)
{
	uint64_t id, value;
	char name[64];

	snprintf(name, sizeof(name), "%s_q%u_%s", dir, queue, what);
	if (rte_eth_xstats_get_id_by_name(port, name, &id) != 0 || rte_eth_xstats_get_by_id(port, &id, &value, 1) != 1)
		return UINT64_MAX;
	return value;
}

/* What the device counts has been asked for again. */
#define DEVICE_STATS_US 500000

static void say(const struct storm *s)
{
	for (uint16_t p = 0; p < STORM_PORTS; p++)
		for (uint16_t q = 0; q < s->queues; q++) {
			const struct storm_flow *f = &s->flow[p][q];

			printf("port %u queue %u sent %u got %u twice %u wild %u tx_lost %" PRIu64 " rx_lost %" PRIu64
			       " rx_kept %" PRIu64 " resets %" PRIu64 " at %u dropped %" PRIu64
			       " overruns %" PRIu64 "\n",
			       p, q, f->sent, f->got, f->twice, f->wild, xstat(p, "tx", q, "reset_lost"),
			       xstat(p, "rx", q, "reset_lost"), xstat(p, "rx", q, "reset_kept"),
			       xstat(p, "tx", q, "resets") + xstat(p, "rx", q, "resets"), f->at,
			       xstat(p, "rx", q, "hw_drops"), xstat(p, "rx", q, "hw_drop_overruns"));
		}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* A queue of the i-th reset: ports, directions and queues in turn. */
static int reset_one(const struct storm *s, unsigned i, const char *which, struct vnic_reset_report *r)
{
	static const uint16_t sizes[] = { 0, 128, 0, 512, 64, 0, 256 };
	enum vnic_dir dir = i / 2 & 1 ? VNIC_TX : VNIC_RX;
	uint16_t queue = (uint16_t)(i / 4 % s->queues), size = sizes[i / 5 % RTE_DIM(sizes)];
	int rc;

	if (strcmp(which, "both") != 0)
		dir = strcmp(which, "tx") == 0 ? VNIC_TX : VNIC_RX;
	rc = vnic_queue_reset(i & 1, dir, queue, size, r);
	if (rc < 0)
		fprintf(stderr, "vnic_storm: reset %u of port %u %s %u to %u: %s\n", i, i & 1,
			dir == VNIC_TX ? "tx" : "rx", queue, size, strerror(-rc));
	return rc;
}

static int reset_all(struct storm *s, unsigned resets, const char *which)
{
	uint32_t *us = calloc(resets + 1, sizeof(*us)), others = 0;
	struct vnic_reset_report r = { 0 };
	int rc = us != NULL ? 0 : -1;
	unsigned from;

	for (unsigned i = 0; i < resets && rc == 0; i++) {
		/* Load goes through every queue in between. */
		for (from = s->turns; s->turns - from < 8;)
			usleep(20);
		rc = reset_one(s, i, which, &r);
		us[i] = r.queue_us;
		others += r.others_us;
	}
	if (rc == 0) {
		qsort(us, resets, sizeof(*us), by_value);
		printf("resets %u how %s median_us %u p99_us %u max_us %u others_us %u\n", resets,
		       vnic_reset_how_name(r.how), us[resets / 2], us[resets * 99 / 100], us[resets - 1], others);
	}
	free(us);
	return rc;
}

/* What is under way arrives: nothing has come for a tenth of a second. */
static void quiet_down(struct storm *s)
{
	uint32_t before = 0, now = 1;

	s->send = false;
	for (unsigned i = 0; i < 50 && before != now; i++) {
		before = now;
		usleep(100000);
		now = 0;
		for (uint16_t p = 0; p < STORM_PORTS; p++)
			for (uint16_t q = 0; q < s->queues; q++)
				now += s->flow[p][q].got;
	}
}

int storm_reset(struct storm *s, unsigned resets, const char *which)
{
	pthread_t lcore;
	int rc;

	for (unsigned i = 0; i < STORM_PORTS * STORM_QUEUES; i++) {
		struct storm_flow *f = &s->flow[i / STORM_QUEUES][i % STORM_QUEUES];

		f->seen = calloc(1, STORM_SEEN / 8);
		if (f->seen == NULL)
			return -1;
	}
	s->send = true;
	if (pthread_create(&lcore, NULL, storm_lcore, s) != 0)
		return -1;
	rc = reset_all(s, resets, which);
	quiet_down(s);
	s->stop = true;
	pthread_join(lcore, NULL);
	usleep(DEVICE_STATS_US);
	say(s);
	for (unsigned i = 0; i < STORM_PORTS * STORM_QUEUES; i++)
		free(s->flow[i / STORM_QUEUES][i % STORM_QUEUES].seen);
	return rc;
}
