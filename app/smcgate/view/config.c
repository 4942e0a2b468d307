/* SPDX-License-Identifier: BSD-3-Clause */
/* How the program is set up: `show config rxtx|cores|fwd`, `show log`,
 * `show version`. */
#include <rte_log.h>
#include <rte_version.h>

#include "app/smcgate/view/view.h"
#include "pmd/base/log.h"

static const char *enum_name(const struct cfg_enum *names, int value)
{
	for (; names->name != NULL; names++)
		if (names->value == value)
			return names->name;
	return "?";
}

static int build_rxtx(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	json_t *rows = json_array();

	for (unsigned p = 0; p < pipeline_ports(ctx->pl); p++) {
		struct pipeline_port_info info;
		int rc = pipeline_port_info(ctx->pl, p, &info);
		json_t *o;

		if (rc < 0) {
			json_decref(rows);
			return view_failed(err, rc, "port %u", p);
		}
		o = json_object();
		view_set_u64(o, "port", p);
		view_set_str(o, "name", info.name);
		view_set_u64(o, "rx_queues", info.rx_queues);
		view_set_u64(o, "rx_descriptors", info.rx_descriptors);
		view_set_u64(o, "tx_queues", info.tx_queues);
		view_set_u64(o, "tx_descriptors", info.tx_descriptors);
		view_set_u64(o, "mtu", info.mtu);
		json_array_append_new(rows, o);
	}
	*out = json_pack("{s:i,s:o}", "burst", (int)pipeline_burst(ctx->pl), "ports", rows);
	return 0;
}

static int build_cores(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	json_t *rows = json_array();

	for (unsigned i = 0; i < pipeline_workers(ctx->pl) && i < cfg->n_lcores; i++) {
		const struct config_lcore *lc = &cfg->lcores[i];
		json_t *o = json_object(), *queues = json_array();
		char name[CONFIG_NAME_LEN + 16];

		for (unsigned q = 0; q < lc->n_queues; q++) {
			snprintf(name, sizeof(name), "%s/%u", lc->queues[q].port, lc->queues[q].queue);
			json_array_append_new(queues, json_string(name));
		}
		view_set_u64(o, "lcore", lc->lcore);
		view_set_u64(o, "worker", i);
		json_object_set_new(o, "rx_queues", queues);
		json_array_append_new(rows, o);
	}
	*out = json_pack("{s:o}", "lcores", rows);
	return 0;
}

static int build_fwd(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	json_t *rows = json_array(), *o;

	for (unsigned p = 0; p < pipeline_ports(ctx->pl); p++) {
		struct pipeline_port_info info;
		int rc = pipeline_port_info(ctx->pl, p, &info);

		if (rc < 0) {
			json_decref(rows);
			return view_failed(err, rc, "port %u", p);
		}
		o = json_object();
		view_set_u64(o, "port", p);
		view_set_str(o, "name", info.name);
		view_set_str(o, "forwards_to", info.peer < cfg->n_ports ? cfg->ports[info.peer].name : "?");
		json_array_append_new(rows, o);
	}
	*out = json_pack("{s:s,s:b,s:i,s:o}", "mode", enum_name(config_forward_names, pipeline_fwd(ctx->pl)),
			 "forwarding", (int)pipeline_forwarding(ctx->pl), "burst",
				 (int)pipeline_burst(ctx->pl), "ports", rows);
	return 0;
}

static int build_log(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	json_t *rows = json_array();

	for (unsigned l = 0; l < LOG_LAYERS; l++) {
		json_t *o = json_object();

		view_set_str(o, "layer", log_layer_names[l]);
		view_set_str(o, "level",
			     enum_name(config_log_level_names, rte_log_get_level((uint32_t)log_types[l])));
		json_array_append_new(rows, o);
	}
	*out = json_pack("{s:o}", "layers", rows);
	return 0;
}

static int build_version(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			 struct view_error *err)
{
	*out = json_object();
	view_set_str(*out, "version", SMCGATE_VERSION);
	view_set_str(*out, "dpdk", rte_version());
	return 0;
}

const struct view view_config[] = {
	{ "config rxtx", { { 0 } }, build_rxtx, VIEW_TABLE, NULL,
	  "burst size, queues and descriptors of the ports" },
	{ "config cores", { { 0 } }, build_cores, VIEW_TABLE, NULL,
	  "worker lcores and the receive queues they poll" },
	{ "config fwd", { { 0 } }, build_fwd, VIEW_TABLE, NULL,
	  "forwarding mode, whether it runs, which port sends to which" },
	{ "log", { { 0 } }, build_log, VIEW_TABLE, NULL, "log levels of the layers" },
	{ "version", { { 0 } }, build_version, VIEW_BLOCKS, NULL, "versions of the program and of DPDK" },
	{ NULL },
};
