/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive offloads, with testpmd's words: `show port rx_offload capabilities|configuration`. */
#include <errno.h>

#include <rte_ethdev.h>

#include "app/smcgate/view/view.h"

static json_t *names(uint64_t bits)
{
	json_t *a = json_array();

	for (; bits != 0; bits &= bits - 1)
		json_array_append_new(a, json_string(rte_eth_dev_rx_offload_name(bits & -bits)));
	return a;
}

typedef void (*fill_fn)(const struct pipeline_port_info *info, json_t *o);

static void capabilities(const struct pipeline_port_info *info, json_t *o)
{
	json_object_set_new(o, "per_queue", names(info->rx_queue_capa));
	json_object_set_new(o, "per_port", names(info->rx_capa & ~info->rx_queue_capa));
}

/* Asked for and not there yet is worth a line. */
static void configuration(const struct pipeline_port_info *info, json_t *o)
{
	json_object_set_new(o, "offloads", names(info->rx_now));
	if (info->rx_wanted != info->rx_now)
		json_object_set_new(o, "after_restart", names(info->rx_wanted));
}

/* Nothing is asked of a device. All of them leaves closed ports out. */
static int each_port(const struct view_ctx *ctx, const char *arg, fill_fn fill, json_t **out, struct view_error *err)
{
	json_t *ports = json_array();
	unsigned from, to;
	int rc = view_ports(ctx->pl, arg, true, &from, &to, err);

	for (unsigned p = from; rc == 0 && p < to; p++) {
		struct pipeline_port_info info;
		json_t *o;

		rc = pipeline_port_info(ctx->pl, p, &info);
		if (rc == 0 && info.state == PORT_CLOSED)
			rc = to - from > 1 ? 1 : view_fail(err, -ENODEV, "port %u: it is closed", p);
		if (rc == 0) {
			o = json_object();
			view_set_u64(o, "port", p);
			view_set_str(o, "name", info.name);
			fill(&info, o);
			json_array_append_new(ports, o);
		}
		rc = rc > 0 ? 0 : rc;
	}
	if (rc < 0) {
		json_decref(ports);
		return rc;
	}
	*out = json_pack("{s:o}", "ports", ports);
	return 0;
}

static int build_capabilities(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			      struct view_error *err)
{
	return each_port(ctx, argv[0], capabilities, out, err);
}

static int build_configuration(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			       struct view_error *err)
{
	return each_port(ctx, argv[0], configuration, out, err);
}

#define PORTS_ARG { { .kind = VIEW_ARG_PORTS, .name = "N|all" } }

const struct view view_rx_offload[] = {
	{ "port rx_offload capabilities", PORTS_ARG, build_capabilities, VIEW_BLOCKS, NULL,
	  "receive offloads a device has, by queue and for the port" },
	{ "port rx_offload configuration", PORTS_ARG, build_configuration, VIEW_BLOCKS, NULL,
	  "receive offloads in force; asked for, and to come with a restart" },
	{ NULL },
};
