/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of ports and how they are controlled: `show port queues|ctrl|coalesce`. What is
 * asked of a device waits for it, so the views' lock is not held.
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "app/smcgate/view/view.h"

/* One port's rows, or its object, into rows. */
typedef int (*port_fn)(const struct view_ctx *ctx, unsigned port, const struct pipeline_port_info *info,
		       json_t *rows);

/* All of them leaves closed ports out. */
static int each_port(const struct view_ctx *ctx, const char *arg, port_fn fn, const char *key, json_t **out,
		     struct view_error *err)
{
	json_t *rows = json_array();
	unsigned from, to;
	int rc;

	rc = view_ports(ctx->pl, arg, true, &from, &to, err);
	for (unsigned p = from; rc == 0 && p < to; p++) {
		struct pipeline_port_info info;

		rc = pipeline_port_info(ctx->pl, p, &info);
		if (rc == 0 && info.state == PORT_CLOSED)
			rc = -ENODEV;
		if (rc == 0)
			rc = fn(ctx, p, &info, rows);
		if (rc == -ENODEV && to - from > 1)
			rc = 0;
		if (rc == -ENODEV)
			view_fail(err, rc, "port %u: it is closed", p);
		else if (rc < 0)
			view_port_failed(err, ctx->pl, p, rc, "port %u", p);
	}
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	*out = json_pack("{s:o}", key, rows);
	return 0;
}

static const char *dir_name(enum vnic_dir dir)
{
	return dir == VNIC_RX ? "rx" : "tx";
}

/* ---- queues -------------------------------------------------------------------------- */
/* Flows whose packets nobody takes are to be seen at once. */
static const char *queue_state(const struct pipeline_port_info *info, const struct pipeline_queue_info *q)
{
	if (info->state == PORT_BUSY)
		return "port busy";
	if (info->state != PORT_STARTED)
		return "port stopped";
	if (!q->stopped)
		return "runs";
	return q->dir == VNIC_RX && q->flows != 0 ? "stopped, flows wait" : "stopped";
}

static int queues_of(const struct view_ctx *ctx, unsigned port, const struct pipeline_port_info *info,
		     json_t *rows)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	struct pipeline_queue_info q[2 * CONFIG_MAX_QUEUES];
	int n = pipeline_queue_list(ctx->pl, port, q, RTE_DIM(q));

	for (int i = 0; i < n; i++) {
		json_t *row = json_object();

		view_set_u64(row, "port", port);
		view_set_str(row, "direction", dir_name(q[i].dir));
		view_set_u64(row, "queue", q[i].queue);
		if (q[i].worker < cfg->n_lcores)
			view_set_u64(row, "lcore", cfg->lcores[q[i].worker].lcore);
		view_set_u64(row, "descriptors", q[i].descriptors);
		view_set_str(row, "state", queue_state(info, &q[i]));
		view_set_bool(row, "stopped", info->state != PORT_STARTED || q[i].stopped);
		if (q[i].dir == VNIC_RX && q[i].flows >= 0)
			view_set_real(row, "flows_percent", q[i].flows / 10.0);
		json_array_append_new(rows, row);
	}
	return RTE_MIN(n, 0);
}

static int build_queues(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			struct view_error *err)
{
	return each_port(ctx, argv[0], queues_of, "queues", out, err);
}

static const struct view_column queue_columns[] = {
	{ "port", "port" }, { "direction", "dir" }, { "queue", "queue" }, { "lcore", "lcore" },
	{ "descriptors", "descriptors" }, { "flows_percent", "flows %" }, { "state", "state" }, { NULL, NULL },
};

/* ---- coalescing ------------------------------------------------------------------------ */
static void set_coal(json_t *row, const char *usecs, const char *packets, int rc, const struct vnic_coal *c)
{
	if (rc < 0)
		return;
	view_set_u64(row, usecs, c->usecs);
	view_set_u64(row, packets, c->packets);
}

static const char *coal_state(const struct pipeline_port_info *info, const struct pipeline_coal_info *q)
{
	if (q->known_rc == -ENOTSUP)
		return "none: the device cannot";
	if (info->state == PORT_STOPPED)
		return "port stopped";
	if (q->known_rc < 0 && q->known_rc != -ENODATA)
		return strerror(-q->known_rc);
	if (q->known_rc == -ENODATA && q->device_rc == -ENOTSUP)
		return "unknown until set";
	switch (q->device_rc) {
	case 0: break;
	case -ENOTSUP: return "not to be asked of the device";
	case -EINPROGRESS: return "the device has not answered yet";
	case -EAGAIN: return "the device is busy with an earlier command";
	case -ECANCELED: return "cancelled";
	case -EIO:
	case -ETIMEDOUT: return "the device is broken";
	case -EREMOTEIO: return "the device refused to tell";
	default: return strerror(-q->device_rc);
	}
	if (q->known_rc == -ENODATA)
		return "the device's own";
	return q->known.usecs == q->device.usecs && q->known.packets == q->device.packets ? "as set" : "differs";
}

static int coal_of(const struct view_ctx *ctx, unsigned port, const struct pipeline_port_info *info,
		   json_t *rows)
{
	struct pipeline_coal_info q[2 * CONFIG_MAX_QUEUES];
	int n = pipeline_coal_list(ctx->pl, port, q, RTE_DIM(q));

	for (int i = 0; i < n; i++) {
		json_t *row = json_object();

		view_set_u64(row, "port", port);
		view_set_str(row, "direction", dir_name(q[i].dir));
		view_set_u64(row, "queue", q[i].queue);
		set_coal(row, "usecs", "packets", q[i].known_rc, &q[i].known);
		set_coal(row, "device_usecs", "device_packets", q[i].device_rc, &q[i].device);
		view_set_str(row, "state", coal_state(info, &q[i]));
		json_array_append_new(rows, row);
	}
	return RTE_MIN(n, 0);
}

static int build_coal(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	return each_port(ctx, argv[0], coal_of, "coalesce", out, err);
}

static const struct view_column coal_columns[] = {
	{ "port", "port" }, { "direction", "dir" }, { "queue", "queue" }, { "usecs", "usecs" },
	{ "packets", "packets" }, { "device_usecs", "device's usecs" }, { "device_packets", "device's packets" },
	{ "state", "state" }, { NULL, NULL },
};

/* ---- the control queue -------------------------------------------------------------------- */
/* The upper end of the histogram's step in which so many of a hundred are, in microseconds. */
static uint64_t percentile(const uint64_t *latency, unsigned percent)
{
	uint64_t all = 0, seen = 0;

	for (unsigned i = 0; i < VNIC_CTRL_LATENCY; i++)
		all += latency[i];
	for (unsigned i = 0; i < VNIC_CTRL_LATENCY && all != 0; i++) {
		seen += latency[i];
		if (seen * 100 >= all * percent)
			return UINT64_C(1) << i;
	}
	return 0;
}

static const char *result_name(int rc)
{
	switch (rc) {
	case 0: return "ok";
	case -EREMOTEIO: return "refused";
	case -ETIMEDOUT: return "timed out";
	case -EIO: return "device broken";
	case -ECANCELED: return "cancelled";
	default: return strerror(-rc);
	}
}

static json_t *last_json(const struct vnic_ctrl_stats *s)
{
	uint64_t now = rte_rdtsc(), per_ms = RTE_MAX(rte_get_tsc_hz() / 1000, UINT64_C(1));
	json_t *a = json_array();

	for (unsigned i = 0; i < s->n_last && i < RTE_DIM(s->last); i++) {
		const struct vnic_ctrl_last *l = &s->last[i];
		json_t *row = json_object();
		char name[48];

		view_set_str(row, "command", vnic_ctrl_name(l->class, l->cmd, name, sizeof(name)));
		view_set_str(row, "result", result_name(l->rc));
		view_set_u64(row, "latency_us", l->usecs);
		view_set_u64(row, "age_ms", now > l->when_tsc ? (now - l->when_tsc) / per_ms : 0);
		json_array_append_new(a, row);
	}
	return a;
}

static void set_ctrl_stats(json_t *o, const struct vnic_ctrl_stats *s)
{
	uint64_t ended = s->completed + s->failed + s->timed_out + s->canceled;
	char ratio[24];

	view_set_u64(o, "in_flight", s->in_flight);
	view_set_u64(o, "in_flight_max", s->in_flight_max);
	view_set_u64(o, "waiting", s->waiting);
	view_set_u64(o, "submitted", s->submitted);
	view_set_u64(o, "completed", s->completed);
	view_set_u64(o, "failed", s->failed);
	view_set_u64(o, "timed_out", s->timed_out);
	view_set_u64(o, "cancelled", s->canceled);
	view_set_u64(o, "latency_p50_us", percentile(s->latency, 50));
	view_set_u64(o, "latency_p99_us", percentile(s->latency, 99));
	view_set_u64(o, "doorbells", s->doorbells);
	snprintf(ratio, sizeof(ratio), "%.3f", view_ratio((double)s->doorbells, (double)s->submitted));
	view_set_str(o, "doorbells_per_command", ratio);
	view_set_u64(o, "reaps", s->reaps);
	view_set_u64(o, "answers_to_nothing", s->errors);
	view_set_u64(o, "wait_cpu_us", s->wait_cpu_ns / 1000);
	view_set_real(o, "wait_cpu_us_per_command", view_ratio((double)s->wait_cpu_ns / 1000, (double)ended));
	json_object_set_new(o, "last", last_json(s));
}

static int ctrl_of(const struct view_ctx *ctx, unsigned port, const struct pipeline_port_info *info,
		   json_t *rows)
{
	struct vnic_ctrl_info c = { 0 };
	int rc = pipeline_ctrl_info(ctx->pl, port, &c);
	json_t *o;

	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	o = json_object();
	view_set_u64(o, "port", port);
	view_set_str(o, "name", info->name);
	view_set_str(o, "driver", info->driver);
	view_set_bool(o, "control_queue", rc == 0 && c.present);
	if (rc == 0) {
		view_set_bool(o, "broken", c.broken);
		view_set_str(o, "why", c.why);
		view_set_u64(o, "timeout_ms", c.timeout_ms);
		view_set_u64(o, "slots", c.slots);
		set_ctrl_stats(o, &c.stats);
	}
	json_array_append_new(rows, o);
	return 0;
}

static int build_ctrl(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	return each_port(ctx, argv[0], ctrl_of, "ports", out, err);
}

#define PORTS_ARG { { .kind = VIEW_ARG_PORTS, .name = "N|all" } }

const struct view view_port_queue[] = {
	{ "port queues", PORTS_ARG, build_queues, VIEW_TABLE, queue_columns,
	  "queues of a port: who serves them, descriptors, share of flows, whether they run" },
	{ "port coalesce", PORTS_ARG, build_coal, VIEW_TABLE, coal_columns,
	  "notification coalescing of each queue, as it was set and as the device answers" },
	{ "port ctrl", PORTS_ARG, build_ctrl, VIEW_BLOCKS, NULL,
	  "control queue: commands in flight and done, their latency, the last ones, whether it broke and why" },
	{ NULL },
};
