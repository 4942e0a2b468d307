/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two front ends of virtio, DPDK's and ours, on the same kind of back end
 * (DPDK's net_vhost), in one process and on one lcore, in turns.
 *
 *	virtio_pair MODE LEN WINDOWS MS QUEUE FRONT...
 *
 * MODE: tx (the front end sends), rx (it receives), io (it sends back what it
 * receives). LEN: octets of a frame, 0: a mix of 64, 594 and 1518. QUEUE:
 * descriptors. FRONT: "ours" or "stock", a colon, device arguments beside the
 * path; each is a column.
 * Prints a line for each window: millions of packets a second of this thread's
 * CPU time, in order of the fronts. Then what burst functions they ran.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "app/common/runtime.h"

#define FRONTS   8
#define BURST    32
#define N_MBUFS  16383u
#define LINK_MS  5000

struct pair {
	uint16_t back, front;
	char name[32];
};

static struct pair pairs[FRONTS];
static unsigned n_pairs;
static struct rte_mempool *mp;
static unsigned frame_len, next_len;

static int fail(const char *what, int rc)
{
	fprintf(stderr, "virtio_pair: %s: %s\n", what, rc < 0 ? strerror(-rc) : "no packet came through");
	return rc < 0 ? rc : -EIO;
}

static int start_port(uint16_t port, uint16_t descriptors)
{
	struct rte_eth_conf conf = { 0 };
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(port, 0, descriptors, SOCKET_ID_ANY, NULL, mp);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(port, 0, descriptors, SOCKET_ID_ANY, NULL);
	return rc == 0 ? rte_eth_dev_start(port) : rc;
}

static bool link_up(uint16_t port)
{
	struct rte_eth_link link;

	for (unsigned n = 0; n < LINK_MS; n++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP)
			return true;
		usleep(1000);
	}
	return false;
}

static int make_pair(struct pair *p, unsigned i, const char *front, uint16_t descriptors)
{
	bool ours = strncmp(front, "ours", 4) == 0;
	const char *more = strchr(front, ':');
	char name[32], path[64], args[256];
	int rc;

	snprintf(path, sizeof(path), "/tmp/smcgate-pair-%d-%u", getpid(), i);
	snprintf(name, sizeof(name), "net_vhost%u", i);
	snprintf(args, sizeof(args), "iface=%s,queues=1", path);
	rc = rte_eal_hotplug_add("vdev", name, args);
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(name, &p->back);
	if (rc == 0)
		rc = start_port(p->back, 0);
	if (rc < 0)
		return fail(name, rc);
	snprintf(p->name, sizeof(p->name), "%s%u", ours ? "net_vnic" : "net_virtio_user", i);
	snprintf(args, sizeof(args), "path=%s%s%s", path, more != NULL && more[1] != 0 ? "," : "",
		 more != NULL ? more + 1 : "");
	rc = rte_eal_hotplug_add("vdev", p->name, args);
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(p->name, &p->front);
	if (rc == 0)
		rc = start_port(p->front, descriptors);
	if (rc < 0)
		return fail(args, rc);
	return link_up(p->back) && link_up(p->front) ? 0 : fail("link", -ETIMEDOUT);
}

/* ---- frames -------------------------------------------------------------------------- */
static uint16_t next_frame_len(void)
{
	static const uint16_t mix[] = { 64, 64, 594, 64, 64, 594, 64, 594, 1518, 64, 594, 64 };

	return frame_len != 0 ? (uint16_t)frame_len : mix[next_len++ % RTE_DIM(mix)];
}

static unsigned make_frames(struct rte_mbuf **pkts)
{
	if (rte_pktmbuf_alloc_bulk(mp, pkts, BURST) != 0)
		return 0;
	for (unsigned i = 0; i < BURST; i++)
		pkts[i]->data_len = (uint16_t)(pkts[i]->pkt_len = next_frame_len());
	return BURST;
}

/* Send fresh frames; what does not fit is given back. */
static void feed(uint16_t port)
{
	struct rte_mbuf *pkts[BURST];
	unsigned n = make_frames(pkts), sent = rte_eth_tx_burst(port, 0, pkts, (uint16_t)n);

	if (sent < n)
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
}

static unsigned drain(uint16_t port)
{
	struct rte_mbuf *pkts[BURST];
	unsigned n = rte_eth_rx_burst(port, 0, pkts, BURST);

	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static unsigned turn_tx(const struct pair *p)
{
	feed(p->front);
	return drain(p->back);
}

static unsigned turn_rx(const struct pair *p)
{
	feed(p->back);
	return drain(p->front);
}

static unsigned turn_io(const struct pair *p)
{
	struct rte_mbuf *pkts[BURST];
	unsigned n, sent;

	feed(p->back);
	n = rte_eth_rx_burst(p->front, 0, pkts, BURST);
	sent = rte_eth_tx_burst(p->front, 0, pkts, (uint16_t)n);
	if (sent < n)
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	return drain(p->back);
}

typedef unsigned (*turn_fn)(const struct pair *p);

static double thread_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* Millions of packets a second of CPU. */
static double window(const struct pair *p, turn_fn turn, double seconds)
{
	double begin = thread_seconds(), now = begin;
	uint64_t packets = 0;

	while (now < begin + seconds) {
		for (unsigned i = 0; i < 64; i++)
			packets += turn(p);
		now = thread_seconds();
	}
	return (double)packets / (now - begin) / 1e6;
}

static int measure(turn_fn turn, unsigned windows, double seconds)
{
	for (unsigned i = 0; i < n_pairs; i++)
		if (window(&pairs[i], turn, seconds) <= 0) /* warms up, too */
			return fail(pairs[i].name, 0);
	for (unsigned w = 0; w < windows; w++) {
		double rate[FRONTS];

		/* Who comes first changes with the window. */
		for (unsigned k = 0; k < n_pairs; k++) {
			unsigned i = (k + w) % n_pairs;

			rate[i] = window(&pairs[i], turn, seconds);
		}
		for (unsigned i = 0; i < n_pairs; i++)
			printf("%.4f%c", rate[i], i + 1 < n_pairs ? ' ' : '\n');
	}
	return 0;
}

static void say_bursts(void)
{
	for (unsigned i = 0; i < n_pairs; i++) {
		struct rte_eth_burst_mode rx = { 0 }, tx = { 0 };

		rte_eth_rx_burst_mode_get(pairs[i].front, 0, &rx);
		rte_eth_tx_burst_mode_get(pairs[i].front, 0, &tx);
		printf("front %s rx \"%s\" tx \"%s\"\n", pairs[i].name, rx.info, tx.info);
	}
}

static void end_pairs(void)
{
	for (unsigned i = 0; i < n_pairs; i++) {
		char path[64];

		rte_eth_dev_stop(pairs[i].front);
		rte_eth_dev_close(pairs[i].front);
		rte_eth_dev_stop(pairs[i].back);
		rte_eth_dev_close(pairs[i].back);
		snprintf(path, sizeof(path), "/tmp/smcgate-pair-%d-%u", getpid(), i);
		unlink(path);
	}
}

static turn_fn turn_of(const char *mode)
{
	return strcmp(mode, "tx") == 0 ? turn_tx : strcmp(mode, "rx") == 0 ? turn_rx :
	       strcmp(mode, "io") == 0 ? turn_io : NULL;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), rc = 0;
	turn_fn turn;

	if (used < 0)
		return 2;
	runtime_note();
	argc -= used;
	argv += used;
	turn = argc > 6 ? turn_of(argv[1]) : NULL;
	if (turn == NULL || argc - 6 > FRONTS) {
		fprintf(stderr, "usage: virtio_pair EAL... -- tx|rx|io LEN WINDOWS MS QUEUE FRONT...\n");
		return 2;
	}
	frame_len = (unsigned)atoi(argv[2]);
	mp = rte_pktmbuf_pool_create("pair", N_MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (mp == NULL)
		return fail("no memory for buffers", -ENOMEM) != 0;
	for (int i = 6; i < argc && rc == 0; i++) {
		rc = make_pair(&pairs[n_pairs], n_pairs, argv[i], (uint16_t)atoi(argv[5]));
		n_pairs += rc == 0;
	}
	if (rc == 0)
		rc = measure(turn, (unsigned)atoi(argv[3]), atof(argv[4]) / 1000);
	if (rc == 0)
		say_bursts();
	end_pairs();
	rte_eal_cleanup();
	runtime_remove();
	return rc < 0;
}
