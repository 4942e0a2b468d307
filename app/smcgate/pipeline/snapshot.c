/* SPDX-License-Identifier: BSD-3-Clause */
/* What others may see of a worker: copies it makes itself, between stages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

static int worker_stats(struct lcore *lc, void *arg)
{
	struct pipeline_lcore_stats *s = arg;

	*s = lc->stats;
	s->now_us = lc->now_us;
	s->late_us = lc->machine.late_us;
	return 0;
}

int pipeline_lcore_stats(struct pipeline *pl, unsigned i, struct pipeline_lcore_stats *out)
{
	return pipeline_call(pl, i, worker_stats, out, sizeof(*out));
}

static int worker_clear(struct lcore *lc, void *arg)
{
	lc->stats.longest_turn_cycles = 0;
	return 0;
}

int pipeline_lcore_clear(struct pipeline *pl, unsigned i)
{
	return pipeline_call(pl, i, worker_clear, NULL, 0);
}

struct bql_call {
	unsigned port;
	struct pipeline_bql_info info;
};

static int worker_bql(struct lcore *lc, void *arg)
{
	struct bql_call *call = arg;
	const struct tx_port *tp = &lc->tx[call->port];

	if (tp->via >= 0)
		return -ENOENT;
	call->info = (struct pipeline_bql_info){ .queue = tp->queue };
	if (tp->fq == NULL)
		return 0;
	call->info = (struct pipeline_bql_info){
		.queue = tp->queue,
		.limited = true,
		.limit = tp->bql.limit,
		.in_flight = (uint32_t)(tp->bql.posted - tp->bql.done),
		.waiting = tp->bytes,
		.sent = tp->bql.posted,
		.done = tp->bql.done,
		.held = tp->bql.held,
		.grown = tp->bql.grown,
		.shrunk = tp->bql.shrunk,
	};
	return 0;
}

int pipeline_bql_info(struct pipeline *pl, unsigned port, unsigned i, struct pipeline_bql_info *out)
{
	struct bql_call call = { .port = port };
	int rc;

	if (port >= pl->n_ports)
		return -EINVAL;
	rc = pipeline_call(pl, i, worker_bql, &call, sizeof(call));
	*out = call.info;
	return rc;
}

bool pipeline_drop_is_loss(enum pipeline_drop d)
{
	return d != PDROP_FWD_RXONLY && d != PDROP_FWD_NOT_ECHO;
}

/* Pools may be asked from anywhere: the figures are a moment's. */
static void pool_info(const struct rte_mempool *mp, struct pipeline_pool_info *out, int *n)
{
	if (mp == NULL)
		return;
	snprintf(out[*n].name, sizeof(out[*n].name), "%s", mp->name);
	out[*n].size = mp->size;
	out[*n].in_use = rte_mempool_in_use_count(mp);
	out[*n].node = mp->socket_id;
	(*n)++;
}

int pipeline_pool_list(struct pipeline *pl, unsigned i, struct pipeline_pool_info *out)
{
	const struct lcore_mem *mem;
	int n = 0;

	if (i >= pl->n_workers)
		return -EINVAL;
	mem = &pl->lcores[i]->mem;
	pool_info(mem->rx, out, &n);
	pool_info(mem->rx_plain, out, &n);
	pool_info(mem->payload, out, &n);
	pool_info(mem->header, out, &n);
	pool_info(mem->indirect, out, &n);
	pool_info(mem->roce, out, &n);
	return n;
}

static int worker_net_stats(struct lcore *lc, void *arg)
{
	*(struct net_stats *)arg = *net_stats(lc->net);
	return 0;
}

static int worker_tcp_stats(struct lcore *lc, void *arg)
{
	*(struct tcp_stats *)arg = *tcp_stats(sock_tcp(lc->ss));
	return 0;
}

static int worker_sock_stats(struct lcore *lc, void *arg)
{
	*(struct sock_stats *)arg = *sock_stats(lc->ss);
	return 0;
}

int pipeline_net_stats(struct pipeline *pl, unsigned i, struct net_stats *out)
{
	return pipeline_call(pl, i, worker_net_stats, out, sizeof(*out));
}

int pipeline_tcp_stats(struct pipeline *pl, unsigned i, struct tcp_stats *out)
{
	return pipeline_call(pl, i, worker_tcp_stats, out, sizeof(*out));
}

int pipeline_sock_stats(struct pipeline *pl, unsigned i, struct sock_stats *out)
{
	return pipeline_call(pl, i, worker_sock_stats, out, sizeof(*out));
}

struct sock_page {
	uint64_t cursor;
	unsigned max;
	struct sock_info info[PIPELINE_LIST_MAX];
};
static_assert(sizeof(struct sock_page) <= PIPELINE_CALL_MAX, "one turn's list fits a call");

static int worker_sock_list(struct lcore *lc, void *arg)
{
	struct sock_page *page = arg;

	return (int)sock_list(lc->ss, &page->cursor, page->info, page->max);
}

int pipeline_sock_list(struct pipeline *pl, unsigned i, uint64_t *cursor, struct sock_info *out, unsigned max)
{
	struct sock_page *page = calloc(1, sizeof(*page));
	int rc;

	if (page == NULL)
		return -ENOMEM;
	page->cursor = *cursor;
	page->max = RTE_MIN(max, (unsigned)PIPELINE_LIST_MAX);
	rc = pipeline_call(pl, i, worker_sock_list, page, sizeof(*page));
	if (rc > 0)
		memcpy(out, page->info, (size_t)rc * sizeof(*out));
	if (rc >= 0)
		*cursor = page->cursor;
	free(page);
	return rc;
}

static int worker_sock_info(struct lcore *lc, void *arg)
{
	struct sock_info *info = arg;
	struct sock *s = sock_by_id(lc->ss, info->id);

	if (s == NULL)
		return -ENOENT;
	sock_get_info(s, info);
	return 0;
}

int pipeline_sock_info(struct pipeline *pl, unsigned i, uint64_t id, struct sock_info *out)
{
	struct sock_info info = { .id = id };
	int rc = pipeline_call(pl, i, worker_sock_info, &info, sizeof(info));

	if (rc == 0)
		*out = info;
	return rc;
}

struct neigh_page {
	unsigned skip, max;
	struct net_neigh_info info[PIPELINE_LIST_MAX];
};

static int worker_neigh_list(struct lcore *lc, void *arg)
{
	struct neigh_page *page = arg;

	return (int)net_neigh_list(lc->net, page->info, page->max, page->skip);
}

int pipeline_neigh_list(struct pipeline *pl, unsigned i, unsigned skip, struct net_neigh_info *out,
			unsigned max)
{
	struct neigh_page page = { .skip = skip, .max = RTE_MIN(max, (unsigned)PIPELINE_LIST_MAX) };
	int rc = pipeline_call(pl, i, worker_neigh_list, &page, sizeof(page));

	if (rc > 0)
		memcpy(out, page.info, (size_t)rc * sizeof(*out));
	return rc;
}
