/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns of a pipeline's worker, for callgrind to count: the program's own loop in this thread, over
 * two null ports.
 *
 *	turn_cost FORWARD MODERATION full|empty TURNS
 *
 * FORWARD is of "forward", MODERATION of ports[].moderation.mode; full: every turn finds two bursts of
 * 32, empty: none anything. The difference of two runs that differ in TURNS is turns and nothing else:
 * tests/bench/turn_cost.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>

#include "app/smcgate/config/config.h"
#include "app/common/runtime.h"
#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

static const char text[] =
	"{\"ports\":["
	"{\"name\":\"a\",\"device\":\"net_null0\",\"vdev\":\"net_null0,size=64,copy=0,no-rx=%d\","
	"\"moderation\":{\"mode\":\"%s\",\"max_latency_us\":1,\"profiles\":[{\"sleep_us\":1,\"spin\":1000000,\"usecs\":0},"
	"{\"sleep_us\":1,\"spin\":999999,\"usecs\":1}]}},"
	"{\"name\":\"b\",\"device\":\"net_null1\",\"vdev\":\"net_null1,size=64,copy=0,no-rx=%d\","
	"\"moderation\":{\"mode\":\"%s\",\"max_latency_us\":1,\"profiles\":[{\"sleep_us\":1,\"spin\":1000000,\"usecs\":0},"
	"{\"sleep_us\":1,\"spin\":999999,\"usecs\":1}]}}],"
	"\"forward\":\"%s\",\"memory\":{\"rx_buffers\":4096,\"payload_buffers\":1024,\"header_buffers\":1024},"
	"\"tcp\":{\"max_connections\":100}}";

/* Profiles spin longer than any run: what is counted are turns, not rests. */
static struct pipeline *make(const char *forward, const char *mode, bool empty)
{
	struct cfg_errors errs = { 0 };
	const unsigned worker = 1;
	struct config *cfg;
	struct pipeline *pl;
	char conf[2048];

	snprintf(conf, sizeof(conf), text, empty, mode, empty, mode, forward);
	if (config_parse_buffer(conf, strlen(conf), &cfg, &errs) < 0 || config_deal_queues(cfg, &worker, 1, &errs) < 0) {
		cfg_errors_print(&errs, "turn_cost", stderr);
		exit(EXIT_FAILURE);
	}
	if (pipeline_create(&pl, cfg) < 0 || pipeline_start(pl) < 0) {
		fprintf(stderr, "turn_cost: the pipeline does not start\n");
		exit(EXIT_FAILURE);
	}
	return pl;
}

static uint64_t turns_of(struct pipeline *pl)
{
	return *(volatile uint64_t *)&pl->lcores[0]->stats.turns;
}

/* Its loop ends with this turn, so that turns and instructions are of the same. */
static int worker_quit(struct lcore *lc, void *arg)
{
	lc->quit = true;
	return 0;
}

int main(int argc, char **argv)
{
	char prefix[64];
	char *eal[] = { argv[0], (char[]){ "--no-huge" }, (char[]){ "--no-pci" }, (char[]){ "--no-telemetry" },
			(char[]){ "-m" }, (char[]){ "128" }, (char[]){ "--log-level=error" }, prefix,
			(char[]){ "--lcores=0@0,1@0" } };
	struct pipeline *pl;
	uint64_t turns;

	if (argc != 5) {
		fprintf(stderr, "turn_cost FORWARD MODERATION full|empty TURNS\n");
		return EXIT_FAILURE;
	}
	snprintf(prefix, sizeof(prefix), "--file-prefix=turn-cost-%d", (int)getpid());
	if (rte_eal_init((int)RTE_DIM(eal), eal) < 0)
		return EXIT_FAILURE;
	runtime_note();
	turns = strtoull(argv[4], NULL, 10);
	pl = make(argv[1], argv[2], strcmp(argv[3], "empty") == 0);
	while (turns_of(pl) < turns)
		usleep(1000);
	if (pipeline_call(pl, 0, worker_quit, NULL, 0) < 0)
		return EXIT_FAILURE;
	rte_eal_mp_wait_lcore();
	printf("%llu turns\n", (unsigned long long)turns_of(pl));
	fflush(stdout);
	runtime_remove();
	_exit(EXIT_SUCCESS); /* what ending costs is not asked */
}
