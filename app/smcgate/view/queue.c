/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of ports: `show rxq|txq info P Q`. */
#include <errno.h>

#include <rte_ethdev.h>

#include "app/smcgate/view/view.h"

static int find_queue(const struct view_ctx *ctx, const char *const *argv, bool rx,
		      struct pipeline_port_info *info,
		      unsigned *port, uint16_t *queue, struct view_error *err)
{
	unsigned to, n;
	uint64_t q;
	int rc;

	rc = view_ports(ctx->pl, argv[0], false, port, &to, err);
	if (rc < 0)
		return rc;
	rc = pipeline_port_info(ctx->pl, *port, info);
	if (rc < 0)
		return view_failed(err, rc, "port %u", *port);
	if (info->state == PORT_CLOSED)
		return view_fail(err, -ENODEV, "port %u: it is closed", *port);
	if (info->state == PORT_BUSY)
		return view_port_failed(err, ctx->pl, *port, -EAGAIN, "port %u", *port);
	n = rx ? info->rx_queues : info->tx_queues;
	if (n == 0)
		return view_fail(err, -ENOENT, "port %u: it has no such queue", *port);
	rc = view_number(argv[1], rx ? "receive queue" : "transmit queue", 0, n - 1, &q, err);
	*queue = (uint16_t)q;
	return rc;
}

static json_t *queue_json(const struct view_ctx *ctx, const struct pipeline_port_info *info, unsigned port,
			  uint16_t queue, const uint8_t *workers)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	json_t *o = json_object();

	view_set_u64(o, "port", port);
	view_set_str(o, "name", info->name);
	view_set_u64(o, "queue", queue);
	if (queue < CONFIG_MAX_QUEUES && workers[queue] < cfg->n_lcores)
		view_set_u64(o, "lcore", cfg->lcores[workers[queue]].lcore);
	return o;
}

/* What the driver does not tell is what the pipeline asked for. */
static int build_rxq(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	struct rte_eth_rxq_info q = { 0 };
	struct pipeline_port_info info;
	uint16_t queue = 0;
	unsigned port;
	bool told;
	json_t *o;
	int rc;

	view_lock();
	rc = find_queue(ctx, argv, true, &info, &port, &queue, err);
	told = rc == 0 && rte_eth_rx_queue_info_get(info.id, queue, &q) == 0;
	view_unlock();
	if (rc < 0)
		return rc;
	o = queue_json(ctx, &info, port, queue, info.rx_worker);
	view_set_u64(o, "descriptors", told ? q.nb_desc : info.rx_descriptors);
	view_set_bool(o, "rx_interrupt", info.rx_interrupt);
	view_set_bool(o, "arena", info.pinned);
	if (told) {
		view_set_str(o, "pool", q.mp != NULL ? q.mp->name : "");
		view_set_u64(o, "free_threshold", q.conf.rx_free_thresh);
		view_set_bool(o, "drop_when_empty", q.conf.rx_drop_en != 0);
		view_set_bool(o, "scattered", q.scattered_rx != 0);
		view_set_u64(o, "offload_flags", q.conf.offloads);
	}
	*out = o;
	return 0;
}

static int build_txq(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	struct rte_eth_txq_info q = { 0 };
	struct pipeline_port_info info;
	uint16_t queue = 0;
	unsigned port;
	bool told;
	json_t *o;
	int rc;

	view_lock();
	rc = find_queue(ctx, argv, false, &info, &port, &queue, err);
	told = rc == 0 && rte_eth_tx_queue_info_get(info.id, queue, &q) == 0;
	view_unlock();
	if (rc < 0)
		return rc;
	o = queue_json(ctx, &info, port, queue, info.tx_worker);
	view_set_u64(o, "descriptors", told ? q.nb_desc : info.tx_descriptors);
	if (told) {
		view_set_u64(o, "free_threshold", q.conf.tx_free_thresh);
		view_set_u64(o, "rs_threshold", q.conf.tx_rs_thresh);
		view_set_u64(o, "offload_flags", q.conf.offloads);
	}
	*out = o;
	return 0;
}

#define QUEUE_ARGS { { .kind = VIEW_ARG_PORT, .name = "P" }, { .kind = VIEW_ARG_WORD, .name = "Q" } }

const struct view view_queue[] = {
	{ "rxq info", QUEUE_ARGS, build_rxq, VIEW_BLOCKS, NULL, "receive queue Q of port P" },
	{ "txq info", QUEUE_ARGS, build_txq, VIEW_BLOCKS, NULL, "transmit queue Q of port P" },
	{ NULL },
};
