/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smc_cost WORK CONNS COUNT WAY [WAY]: what an operation costs, CPU time of one
 * thread that runs client and server.
 *
 *	WORK   short (connect, 64 octets, 1 KiB, close), rr (64 octets each way), bulk (64 KiB),
 *	       relay (64 KiB over TCP to host 1, from there by the way to host 0, as the proxy does)
 *	WAY    tcp, tcp-none (checksums by us), tcp-whole (super-segments uncut), plain (the client asks for SMC, the
 *	       server does not), noeid, nodevice, limit (the server declines: no EID
 *	       in common, no device, its memory for the peer is used up), remembered (declined
 *	       once, TCP since), mem, roce, mem-large, roce-large (super-segments uncut, in buffers
 *	       of 16 KiB), mem-large-copy, roce-large-copy (the same, what is given is copied)
 *
 * One line for each of COUNT windows: nanoseconds an operation, for each way, the
 * ways taking turns so that what disturbs one disturbs the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "tests/bench/work.h"

#define WAYS_MAX 4
#define WINDOW_NS 60000000ull

struct way {
	const char *name;
	uint32_t offloads;
	uint16_t server, client;
	enum pair_rdma client_rdma, server_rdma;
	const char *server_eid;
	uint64_t buf_bytes_per_peer;
	uint32_t forget_ms;
	bool copy, large;
};

#define EID "SMCGATE.BENCH"

#define CKSUMS (NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_MULTI_SEG | NET_RX_CKSUM)
#define LARGE (CKSUMS | NET_TX_TSO)
static const struct way ways[] = {
	{ .name = "tcp", CKSUMS, SOCK_TCP, SOCK_TCP },
	{ .name = "tcp-none", NET_TX_MULTI_SEG, SOCK_TCP, SOCK_TCP },
	{ .name = "tcp-whole", CKSUMS | NET_TX_TSO, SOCK_TCP, SOCK_TCP },
	{ .name = "plain", CKSUMS, SOCK_TCP, SOCK_SMC, PAIR_MEM },
	{ .name = "noeid", CKSUMS, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_MEM, "SMCGATE.OTHER" },
	{ .name = "nodevice", CKSUMS, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_NONE, EID },
	{ .name = "limit", CKSUMS, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_MEM, EID, .buf_bytes_per_peer = 1 },
	{ .name = "remembered", CKSUMS, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_MEM, "SMCGATE.OTHER", .forget_ms = UINT32_MAX },
	{ .name = "mem", CKSUMS, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_MEM, EID },
	{ .name = "roce", CKSUMS, SOCK_SMC, SOCK_SMC, PAIR_ROCE, PAIR_ROCE, EID },
	{ .name = "mem-large", LARGE, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_MEM, EID, .large = true },
	{ .name = "roce-large", LARGE, SOCK_SMC, SOCK_SMC, PAIR_ROCE, PAIR_ROCE, EID, .large = true },
	{ .name = "mem-large-copy", LARGE, SOCK_SMC, SOCK_SMC, PAIR_MEM, PAIR_MEM, EID, .large = true, .copy = true },
	{ .name = "roce-large-copy", LARGE, SOCK_SMC, SOCK_SMC, PAIR_ROCE, PAIR_ROCE, EID, .large = true, .copy = true },
};

struct run {
	const struct way *way;
	struct pair *pair;
	struct work *work;
	uint64_t per_window;
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t timed(struct run *r, uint64_t n)
{
	uint64_t begin = cpu_ns();

	work_run(r->work, n);
	return cpu_ns() - begin;
}

static const struct way *find_way(const char *name)
{
	for (unsigned i = 0; i < RTE_DIM(ways); i++) {
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	}
	fprintf(stderr, "no way '%s'\n", name);
	exit(EXIT_FAILURE);
}

/* fixed: operations of a window; 0: as many as take about WINDOW_NS. */
static void start(struct run *r, const char *name, enum work_kind kind, unsigned conns, uint64_t fixed)
{
	uint64_t n = RTE_MAX(conns, 64u), ns;

	r->way = find_way(name);
	r->pair = pair_create(&(struct pair_conf){
		.rdma = { r->way->client_rdma, r->way->server_rdma }, .mtu = 1500, .offloads = r->way->offloads,
		.eid = { r->way->client == SOCK_SMC ? EID : NULL, r->way->server_eid }, .max_conns = 65536,
		.buf_bytes_per_peer = r->way->buf_bytes_per_peer, .forget_ms = r->way->forget_ms,
		.copy = r->way->copy, .payload_room = r->way->large ? 16384 : 0,
	});
	r->work = work_create(r->pair, kind, conns, r->way->server, r->way->client);
	work_open(r->work);
	if (fixed != 0) {
		r->per_window = fixed;
		return;
	}
	timed(r, n);
	ns = timed(r, n);
	ns = n * WINDOW_NS / (ns + 1);
	r->per_window = RTE_MAX(n, ns);
}

static enum work_kind kind_of(const char *name)
{
	static const char *const names[] = { "short", "rr", "bulk", "relay" };

	for (unsigned i = 0; i < RTE_DIM(names); i++) {
		if (strcmp(names[i], name) == 0)
			return (enum work_kind)i;
	}
	fprintf(stderr, "no work '%s'\n", name);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	static char prefix[64];
	static char *eal[] = { "smc_cost", "--no-huge", "--no-pci", "--no-telemetry", "--iova-mode=va", "-m", "1024",
			       "--no-shconf", "--log-level=lib.eal:4", "-l", "0", prefix, NULL };
	struct run runs[WAYS_MAX] = { 0 };
	const char *fixed = getenv("SMC_COST_OPERATIONS");
	unsigned n_ways = (unsigned)argc - 4, windows;

	if (argc < 5 || n_ways > WAYS_MAX) {
		fprintf(stderr, "usage: smc_cost short|rr|bulk|relay CONNS WINDOWS WAY...\n");
		return 2;
	}
	snprintf(prefix, sizeof(prefix), "--file-prefix=smc-cost-%d", (int)getpid());
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return EXIT_FAILURE;
	windows = (unsigned)atoi(argv[3]);
	for (unsigned i = 0; i < n_ways; i++)
		start(&runs[i], argv[4 + i], kind_of(argv[1]), (unsigned)atoi(argv[2]),
		      fixed == NULL ? 0 : strtoull(fixed, NULL, 10));
	for (unsigned w = 0; w < windows; w++) {
		for (unsigned i = 0; i < n_ways; i++)
			printf("%.1f ", (double)timed(&runs[i], runs[i].per_window) / (double)runs[i].per_window);
		printf("\n");
	}
	for (unsigned i = 0; i < n_ways; i++) {
		uint64_t errors = work_errors(runs[i].work);

		printf("%s transport %u errors %lu\n", runs[i].way->name, work_transport(runs[i].work),
		       (unsigned long)errors);
		work_destroy(runs[i].work);
		pair_destroy(runs[i].pair);
	}
	rte_eal_cleanup();
	rmdir(rte_eal_get_runtime_dir()); /* empty with --no-shconf */
	return 0;
}
