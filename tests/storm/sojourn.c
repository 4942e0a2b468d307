/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One port sends more than the other can take: the receive queue is always full, and a packet
 * waits as long as those before it take. How long, with a ring of this size.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "pmd/virtio/vnic.h"
#include "tests/storm/storm.h"

#define SAMPLES    10000
#define SERVICE_NS 5000 /* of one packet */
#define BURST      32

static void offer(struct storm *s)
{
	struct rte_mbuf *m[BURST];
	uint16_t sent;

	if (rte_pktmbuf_alloc_bulk(s->mp, m, BURST) != 0)
		return;
	for (unsigned i = 0; i < BURST; i++)
		storm_frame(s, m[i], 0, 0, i);
	sent = rte_eth_tx_burst(0, 0, m, BURST);
	rte_pktmbuf_free_bulk(m + sent, BURST - sent);
}

static void serve(void)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000000 * SERVICE_NS / 1000;

	while (rte_rdtsc() < until)
		;
}

/* Times of n packets, after so many more that the queue is full. */
static void collect(struct storm *s, uint64_t *ticks, unsigned n, unsigned warm)
{
	uint16_t port, queue;
	struct rte_mbuf *m[4];
	uint64_t when;
	uint32_t no;

	for (unsigned i = 0; i < n + warm;) {
		uint16_t got;

		offer(s);
		got = rte_eth_rx_burst(1, 0, m, RTE_DIM(m));

		for (uint16_t k = 0; k < got; k++) {
			serve();
			if (storm_read(m[k], &port, &queue, &no, &when)) {
				if (i >= warm && i < n + warm)
					ticks[i - warm] = rte_rdtsc() - when;
				i++;
			}
		}
		rte_pktmbuf_free_bulk(m, got);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int storm_sojourn(struct storm *s, uint16_t size)
{
	uint64_t *ticks = calloc(SAMPLES, sizeof(*ticks));
	double us = 1e6 / (double)rte_get_tsc_hz();
	struct vnic_reset_report r;
	int rc = ticks != NULL ? vnic_queue_reset(1, VNIC_RX, 0, size, &r) : -1;

	/* The sender's ring is small, so that packets wait in one queue only. */
	if (rc == 0)
		rc = vnic_queue_reset(0, VNIC_TX, 0, 32, NULL);
	if (rc != 0) {
		fprintf(stderr, "vnic_storm: sojourn %u: %s\n", size, strerror(abs(rc)));
		free(ticks);
		return -1;
	}
	collect(s, ticks, SAMPLES, 4u * 1024);
	qsort(ticks, SAMPLES, sizeof(*ticks), by_value);
	printf("sojourn %u median_us %.1f p99_us %.1f how %s\n", r.size, (double)ticks[SAMPLES / 2] * us,
	       (double)ticks[SAMPLES * 99 / 100] * us, vnic_reset_how_name(r.how));
	free(ticks);
	return 0;
}
