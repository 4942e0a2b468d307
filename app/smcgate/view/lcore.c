/* SPDX-License-Identifier: BSD-3-Clause */
/* Worker lcores: `show lcore [N]`. */
#include <rte_cycles.h>

#include "app/smcgate/view/view.h"

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define INTERVAL_MIN_US 500000

/* What happened between two snapshots of a worker. */
struct span {
	double us, busy, idle, rx, tx, turns;
};

static struct span span_of(const struct pipeline_lcore_stats *from, const struct pipeline_lcore_stats *to)
{
	return (struct span){
		.us = (double)(to->now_us - from->now_us),
		.busy = (double)(to->busy_cycles - from->busy_cycles),
		.idle = (double)(to->stage_cycles[STAGE_IDLE] - from->stage_cycles[STAGE_IDLE]),
		.rx = (double)(to->rx_packets - from->rx_packets),
		.tx = (double)(to->tx_packets - from->tx_packets),
		.turns = (double)(to->busy_turns - from->busy_turns),
	};
}

static double micros(uint64_t cycles)
{
	return (double)cycles * 1e6 / (double)rte_get_tsc_hz();
}

static json_t *row(unsigned worker, const struct pipeline_lcore_stats *s,
		   const struct pipeline_lcore_stats *from)
{
	struct span d = span_of(from, s);
	double packets = MAX(d.rx, d.tx);
	json_t *o = json_object();

	view_set_u64(o, "lcore", s->lcore);
	view_set_u64(o, "worker", worker);
	view_set_int(o, "node", s->node);
	view_set_u64(o, "interval_ms", (uint64_t)(d.us / 1000));
	view_set_real(o, "busy_percent", view_ratio(100 * d.busy, d.busy + d.idle));
	view_set_real(o, "cycles_per_packet", view_ratio(d.busy, packets));
	view_set_real(o, "packets_per_turn", view_ratio(packets, d.turns));
	view_set_real(o, "longest_turn_us", micros(s->longest_turn_cycles));
	view_set_u64(o, "rx_per_s", (uint64_t)view_ratio(d.rx * 1e6, d.us));
	view_set_u64(o, "tx_per_s", (uint64_t)view_ratio(d.tx * 1e6, d.us));
	view_set_u64(o, "rx_packets", s->rx_packets);
	view_set_u64(o, "rx_bytes", s->rx_bytes);
	view_set_u64(o, "tx_packets", s->tx_packets);
	view_set_u64(o, "tx_bytes", s->tx_bytes);
	return o;
}

/* What one worker has beside its row: totals since it started. */
static void set_details(json_t *o, const struct pipeline_lcore_stats *s)
{
	json_t *stages = json_array();
	uint64_t all = s->busy_cycles + s->stage_cycles[STAGE_IDLE];

	view_set_u64(o, "turns", s->turns);
	view_set_u64(o, "busy_turns", s->busy_turns);
	view_set_u64(o, "busy_cycles", s->busy_cycles);
	view_set_u64(o, "steered_out", s->steered_out);
	view_set_u64(o, "steered_in", s->steered_in);
	view_set_u64(o, "sleeps", s->sleeps);
	view_set_u64(o, "wakeups", s->wakeups);
	view_set_u64(o, "slept_ms", s->slept_us / 1000);
	view_set_u64(o, "pauses", s->pauses);
	view_set_u64(o, "watched", s->watched);
	view_set_u64(o, "late_sleeps", s->late_sleeps);
	view_set_u64(o, "timers_late_us", s->late_us);
	view_set_u64(o, "messages", s->messages);
	view_set_u64(o, "tx_partial", s->tx_partial);
	for (unsigned i = 0; i < PIPELINE_N_STAGES; i++) {
		json_t *st = json_object();

		view_set_str(st, "stage", pipeline_stage_names[i]);
		view_set_u64(st, "cycles", s->stage_cycles[i]);
		view_set_real(st, "percent", view_ratio(100.0 * (double)s->stage_cycles[i], (double)all));
		json_array_append_new(stages, st);
	}
	json_object_set_new(o, "stages", stages);
}

/* Figures are since the last look at least this long ago, or since the start. */
static const struct pipeline_lcore_stats *look(struct view_lcore_last *last,
					       const struct pipeline_lcore_stats *s)
{
	static const struct pipeline_lcore_stats zero;

	if (last == NULL)
		return &zero;
	if (s->now_us - last->recent.now_us >= INTERVAL_MIN_US) {
		last->base = last->recent;
		last->recent = *s;
	}
	return &last->base;
}

static int one_worker(const struct view_ctx *ctx, unsigned i, json_t **out, struct pipeline_lcore_stats *s,
		      struct view_error *err)
{
	int rc = pipeline_lcore_stats(ctx->pl, i, s);

	if (rc < 0)
		return view_failed(err, rc, "worker %u", i);
	*out = row(i, s, look(ctx->last != NULL && i < CONFIG_MAX_LCORES ? &ctx->last[i] : NULL, s));
	return 0;
}

static int build_lcore(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	struct pipeline_lcore_stats s;
	json_t *rows, *o = NULL;
	int rc = 0;

	if (argc > 0) {
		int i = view_worker(ctx->pl, argv[0], err);

		if (i < 0)
			return i;
		rc = one_worker(ctx, (unsigned)i, out, &s, err);
		if (rc == 0)
			set_details(*out, &s);
		return rc;
	}
	rows = json_array();
	for (unsigned i = 0; i < pipeline_workers(ctx->pl); i++) {
		rc = one_worker(ctx, i, &o, &s, err);
		if (rc < 0) {
			json_decref(rows);
			return rc;
		}
		json_array_append_new(rows, o);
	}
	*out = json_pack("{s:o}", "lcores", rows);
	return 0;
}

static const struct view_column lcore_columns[] = {
	{ "lcore", "lcore" }, { "node", "node" }, { "busy_percent", "busy %" },
	{ "cycles_per_packet", "cycles/packet" }, { "packets_per_turn", "packets/turn" },
	{ "longest_turn_us", "longest turn us" }, { "rx_per_s", "rx/s" }, { "tx_per_s", "tx/s" },
	{ "rx_packets", "rx packets" }, { "tx_packets", "tx packets" }, { "interval_ms", "over ms" },
	/* of one lcore's stages */
	{ "stage", "stage" }, { "cycles", "cycles" }, { "percent", "%" }, { NULL, NULL },
};

const struct view view_lcore[] = {
	{ "lcore", { { .kind = VIEW_ARG_LCORE, .name = "N", .optional = true } }, build_lcore, VIEW_TABLE,
	  lcore_columns,
	  "how busy workers are since the last look, and what with; of one lcore its stages too" },
	{ NULL },
};
