/* SPDX-License-Identifier: BSD-3-Clause */
/* Moderation of receive queues: `show moderation [N|all] [QUEUE]`. */
#include <errno.h>

#include "app/smcgate/view/view.h"
#include "pmd/dim/dim.h"

static const char *direction_name(uint8_t direction)
{
	switch (direction) {
	case DIM_PARKING_ON_TOP:
		return "parked";
	case DIM_PARKING_TIRED:
		return "tired";
	case DIM_GOING_RIGHT:
		return "right";
	case DIM_GOING_LEFT:
		return "left";
	}
	return "?";
}

static const char *const coalescing_names[] = {
	[COALESCING_NONE] = "no", [COALESCING_OFF] = "not asked", [COALESCING_ASKED] = "asked",
	[COALESCING_ON] = "yes", [COALESCING_REFUSED] = "refused",
};

static const char *shown_direction(const struct pipeline_moderation_info *m, uint8_t direction)
{
	if (m->mode != CONFIG_ADAPTIVE)
		return "-";
	return m->given_up ? "given up" : direction_name(direction);
}

static json_t *row_of(unsigned port, unsigned queue, unsigned lcore, const struct pipeline_moderation_info *m)
{
	json_t *o = json_object();

	view_set_u64(o, "port", port);
	view_set_u64(o, "queue", queue);
	view_set_u64(o, "lcore", lcore);
	view_set_str(o, "mode", config_moderate_names[m->mode].name);
	view_set_u64(o, "profile", m->profile);
	view_set_u64(o, "profiles", m->profiles);
	view_set_str(o, "direction", shown_direction(m, m->direction));
	view_set_u64(o, "sleep_us", m->knobs.sleep_us);
	view_set_u64(o, "spin", m->knobs.spin);
	view_set_u64(o, "usecs", m->knobs.usecs);
	view_set_u64(o, "packets", m->knobs.packets);
	view_set_bool(o, "running", m->running);
	view_set_bool(o, "interrupts", m->interrupts);
	view_set_str(o, "device_coalesces", coalescing_names[m->coalescing]);
	view_set_u64(o, "device_usecs", m->device.usecs);
	view_set_u64(o, "device_packets", m->device.packets);
	view_set_u64(o, "adds_us", m->adds_us);
	view_set_u64(o, "max_latency_us", m->max_latency_us);
	view_set_u64(o, "packets_per_s", m->packets_s);
	view_set_u64(o, "bytes_per_s", m->bytes_s);
	view_set_u64(o, "events_per_s", m->events_s);
	view_set_u64(o, "windows", m->windows);
	view_set_u64(o, "changes", m->changes);
	view_set_u64(o, "posts", m->posts);
	view_set_u64(o, "refused", m->refused);
	return o;
}

/* "ago_ms" counts from now, so that the last step is the least. */
static json_t *history_of(const struct pipeline_moderation_info *m, uint64_t now_us)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < m->n_history; i++) {
		const struct pipeline_moderation_step *s = &m->history[i];
		json_t *o = json_object();

		view_set_u64(o, "ago_ms", now_us > s->since_us ? (now_us - s->since_us) / 1000 : 0);
		view_set_u64(o, "profile", s->profile);
		view_set_str(o, "direction", shown_direction(m, s->direction));
		view_set_u64(o, "windows", s->windows);
		view_set_u64(o, "packets_per_s", s->packets_s);
		view_set_u64(o, "bytes_per_s", s->bytes_s);
		view_set_u64(o, "events_per_s", s->events_s);
		json_array_append_new(steps, o);
	}
	return steps;
}

static int one_queue(const struct view_ctx *ctx, unsigned port, unsigned queue,
		     const struct pipeline_port_info *info, struct pipeline_moderation_info *m, json_t *rows,
		     struct view_error *err)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	int rc = pipeline_moderation_info(ctx->pl, port, queue, m);

	if (rc < 0)
		return view_failed(err, rc, "port %u receive queue %u", port, queue);
	json_array_append_new(rows, row_of(port, queue, cfg->lcores[info->rx_worker[queue]].lcore, m));
	return 0;
}

static int add_port(const struct view_ctx *ctx, unsigned port, json_t *rows, struct view_error *err)
{
	struct pipeline_moderation_info m;
	struct pipeline_port_info info;
	int rc = pipeline_port_info(ctx->pl, port, &info);

	if (rc < 0)
		return view_failed(err, rc, "port %u", port);
	for (unsigned q = 0; q < info.rx_queues && rc == 0 && info.state != PORT_CLOSED; q++)
		rc = one_queue(ctx, port, q, &info, &m, rows, err);
	return rc;
}

static int build_one(const struct view_ctx *ctx, const char *const *argv, json_t **out, struct view_error *err)
{
	struct pipeline_moderation_info m;
	struct pipeline_port_info info;
	unsigned port, to;
	json_t *rows;
	uint64_t q;
	int rc;

	rc = view_ports(ctx->pl, argv[0], false, &port, &to, err);
	if (rc == 0)
		rc = pipeline_port_info(ctx->pl, port, &info);
	if (rc == 0 && (info.state == PORT_CLOSED || info.rx_queues == 0))
		return view_fail(err, -ENODEV, "port %u: it is closed", port);
	if (rc == 0)
		rc = view_number(argv[1], "receive queue", 0, info.rx_queues - 1U, &q, err);
	if (rc < 0)
		return rc;
	rows = json_array();
	rc = one_queue(ctx, port, (unsigned)q, &info, &m, rows, err);
	if (rc == 0)
		*out = json_pack("{s:o, s:o}", "queues", rows, "history", history_of(&m, pipeline_now_us(ctx->pl)));
	else
		json_decref(rows);
	return rc;
}

static int build_moderation(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			    struct view_error *err)
{
	unsigned from, to;
	json_t *rows;
	int rc;

	if (argc > 1)
		return build_one(ctx, argv, out, err);
	rc = view_ports(ctx->pl, argc > 0 ? argv[0] : "all", true, &from, &to, err);
	if (rc < 0)
		return rc;
	rows = json_array();
	for (unsigned p = from; p < to && rc == 0; p++)
		rc = add_port(ctx, p, rows, err);
	if (rc == 0)
		*out = json_pack("{s:o}", "queues", rows);
	else
		json_decref(rows);
	return rc;
}

static const struct view_column columns[] = {
	{ "port", "port" }, { "queue", "queue" }, { "lcore", "lcore" }, { "mode", "mode" },
	/* also of history */
	{ "ago_ms", "ms ago" }, { "profile", "profile" }, { "direction", "direction" },
	{ "sleep_us", "sleep us" }, { "spin", "spin" }, { "usecs", "usecs" }, { "packets", "packets" },
	{ "device_coalesces", "by device" }, { "adds_us", "adds us" }, { "max_latency_us", "at most" },
	{ "windows", "windows" }, { "packets_per_s", "packets/s" }, { "bytes_per_s", "bytes/s" },
	{ "events_per_s", "events/s" }, { "changes", "changes" }, { "posts", "asked" }, { "refused", "refused" },
	{ NULL, NULL },
};

const struct view view_moderation[] = {
	{ "moderation",
	  { { .kind = VIEW_ARG_PORTS, .name = "N|all", .optional = true },
	    { .kind = VIEW_ARG_WORD, .name = "QUEUE", .optional = true } },
	  build_moderation, VIEW_TABLE, columns,
	  "profile of each receive queue, where it is going, rates of the last window; of one queue its history" },
	{ NULL },
};
