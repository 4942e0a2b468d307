/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue is stopped and started, or reset and given another size (RING_RESET, virtio 1.2,
 * 2.6.1), while echoes are under way on all pairs: the other pairs lose none, none
 * comes twice, and every buffer is in its pool or in a ring.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/vnic.h"
#include "tests/qtest/net.h"

#define STOPS   4  /* of so many resets one is a stop and start */
#define BOUNCES 10 /* or, of a device that has no RING_RESET, a reset of all queues */
#define VICTIMS 6  /* echoes under way on the pair whose queue is reset */
#define OTHERS  10 /* and on each of the others */

/* Stopped and at once started. */
static int stop_start(bool rx, uint16_t queue)
{
	int rc = rx ? rte_eth_dev_rx_queue_stop(net.port, queue) : rte_eth_dev_tx_queue_stop(net.port, queue);

	if (rc == 0)
		rc = rx ? rte_eth_dev_rx_queue_start(net.port, queue) : rte_eth_dev_tx_queue_start(net.port, queue);
	return rc;
}

/* Reset, and another size by turns; -EPROTO: the report is not what was asked for. */
static unsigned told_lost; /* by reports, of transmit queues */
static unsigned resets;
static int reset_resize(bool rx, uint16_t queue)
{
	static const uint16_t split[] = { 0, 64, 256, 0, 8, 128 }, packed[] = { 0, 100, 256, 0, 9, 33 };
	uint16_t size = (net.dev->packed ? packed : split)[resets++ / (2 * net.queues) % RTE_DIM(split)];
	const struct vnic_vq *vq = rx ? &net.dev->rxq[queue]->vq : &net.dev->txq[queue]->vq;
	uint16_t before = vq->size;
	struct vnic_reset_report r;
	int rc = vnic_queue_reset(net.port, rx ? VNIC_RX : VNIC_TX, queue, size, &r);

	if (rc < 0)
		return rc;
	told_lost += r.lost;
	return r.how == VNIC_RESET_RING && r.size == (size != 0 ? size : before) && vq->size == r.size &&
	       r.others_us == 0 && (!rx || r.returned > 0) ? 0 : -EPROTO;
}

/* By a device that resets all queues or none. */
static int bounce(bool rx, uint16_t queue)
{
	struct vnic_reset_report r;
	int rc = vnic_queue_reset(net.port, rx ? VNIC_RX : VNIC_TX, queue, 0, &r);

	return rc == 0 && (r.how != VNIC_RESET_DEVICE || r.others_us == 0) ? -EPROTO : rc;
}

struct cycles {
	unsigned done;
	const char *why; /* NULL: fine */
	int rc;
};

static void fail(struct cycles *c, const char *why, int rc)
{
	c->why = why;
	c->rc = rc;
}

/* Until so many have been asked on each of them: a small ring takes them one after the other. */
static void ask_others(uint16_t victim, unsigned total)
{
	for (uint16_t pair = 0; pair < net.queues; pair++)
		for (unsigned n = 0; pair != victim && net.pair[pair].asked < total && n < 30000; n++) {
			net_ask(pair, 1);
			if (net.pair[pair].asked == total || net_poll())
				continue;
			usleep(100);
		}
}

static bool others_answered(uint16_t victim)
{
	for (uint16_t pair = 0; pair < net.queues; pair++)
		if (pair != victim && (net.pair[pair].asked != OTHERS || !net_answered(pair, NET_PATIENCE_MS)))
			return false;
	return true;
}

/* One queue of pair victim; the answers of its own echoes may be lost, of the others' none. */
static void cycle(struct cycles *c, bool rx, uint16_t victim, int (*reset)(bool rx, uint16_t queue))
{
	int rc;

	net_count();
	net_ask(victim, VICTIMS);
	ask_others(victim, OTHERS / 2);
	rc = reset(rx, victim);
	ask_others(victim, OTHERS);
	if (rc != 0) {
		fail(c, "the reset", rc);
		return;
	}
	if (reset != bounce && !others_answered(victim))
		fail(c, "echoes of another pair are lost", 0);
	net_answered(victim, 2);
	net_count();
	net_ask(victim, 1);
	if (!net_answered(victim, NET_PATIENCE_MS))
		fail(c, "the pair is dumb after the reset", 0);
	else if (c->done % 16 == 0 && !net_buffers())
		fail(c, "buffers", 0);
	c->done++;
}

/* Echoes that were never answered, of those asked on all pairs since from[]. */
static unsigned lost(const uint16_t *from)
{
	unsigned n = 0;

	for (unsigned q = 0; q < net.queues; q++)
		for (uint16_t seq = from[q]; seq != net.pair[q].next; seq++)
			n += net.pair[q].out[seq] != 0;
	return n;
}

static unsigned twice_ever(void)
{
	unsigned n = 0;

	for (unsigned q = 0; q < net.queues; q++)
		n += net.pair[q].twice;
	return n;
}

static void cycles(const char *name, unsigned count, int (*reset)(bool rx, uint16_t queue))
{
	uint16_t from[NET_PAIRS_MAX];
	unsigned told = told_lost, twice = twice_ever();
	struct cycles c = { .done = 0 };

	for (unsigned q = 0; q < net.queues; q++)
		from[q] = net.pair[q].next;
	while (c.done < count && c.why == NULL)
		cycle(&c, c.done & 1, (uint16_t)((c.done >> 1) % net.queues), reset);
	if (c.why != NULL)
		printf("after %u: %s (%d)\n", c.done, c.why, c.rc);
	step(c.why == NULL, "%s %u times, by turns of direction and pair%s", name, c.done,
	     reset == bounce ? "" : ": the others lost no echo");
	step(lost(from) <= told_lost - told,
	     "%u lost of the %u that were under way on the queue itself, as reported", lost(from), c.done * VICTIMS);
	step(twice_ever() == twice, "no echo came twice");
	step(net_buffers(), "every buffer is in its pool or in a ring");
}

void steps_reset(unsigned count)
{
	if (!vnic_has(net.dev, VIRTIO_F_RING_RESET)) {
		cycles("all queues reset for one,", count / BOUNCES, bounce);
		return;
	}
	cycles("queue stopped and started", count / STOPS, stop_start);
	cycles("queue reset, by turns with another size,", count, reset_resize);
	step(vnic_queue_reset(net.port, VNIC_RX, 0, 257, NULL) == -ERANGE &&
	     vnic_queue_reset(net.port, VNIC_RX, 0, 7, NULL) == -ERANGE &&
	     vnic_queue_reset(net.port, VNIC_TX, net.queues, 0, NULL) == -EINVAL, "sizes and queues that are not there");
}
