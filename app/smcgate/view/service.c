/* SPDX-License-Identifier: BSD-3-Clause */
/* Services: `show services [NAME]`. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/view/view.h"

static json_t *counters_json(const struct pipeline_service_info *info)
{
	const char *const *names = info->conf->type->counter_names;
	json_t *o = json_object();

	for (unsigned i = 0; names != NULL && i < SERVICE_MAX_COUNTERS && names[i] != NULL; i++)
		view_set_u64(o, names[i], info->counters[i]);
	return o;
}

static json_t *transports_json(const struct service_transports *t)
{
	json_t *o = json_object();

	view_set_u64(o, "smc_accepted", t->smc_accepted);
	view_set_u64(o, "tcp_accepted", t->tcp_accepted);
	view_set_u64(o, "smc_connected", t->smc_connected);
	view_set_u64(o, "tcp_connected", t->tcp_connected);
	return o;
}

static json_t *service_json(const struct pipeline_service_info *info)
{
	char buf[NET_ADDR_STRLEN];
	json_t *o = json_object();

	view_set_str(o, "name", info->name);
	view_set_str(o, "type", info->conf->type->name);
	view_set_str(o, "listen", info->conf->listen.addr.family == NET_UNSPEC ? "" :
		     cfg_endpoint_str(&info->conf->listen, buf));
	view_set_str(o, "protocol", info->conf->listen_protocol == CONFIG_USE_SMC ? "smc" : "tcp");
	view_set_str(o, "state", info->draining ? "draining" : "running");
	view_set_u64(o, "open", info->open);
	view_set_u64(o, "smc", info->transports.smc_accepted + info->transports.smc_connected);
	view_set_u64(o, "tcp", info->transports.tcp_accepted + info->transports.tcp_connected);
	json_object_set_new(o, "transports", transports_json(&info->transports));
	json_object_set_new(o, "counters", counters_json(info));
	return o;
}

static int build_services(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			  struct view_error *err)
{
	struct pipeline_service_info info;
	json_t *rows = json_array();
	unsigned n;
	int rc;

	view_lock();
	for (n = 0; (rc = pipeline_service_info(ctx->pl, n, &info)) == 0; n++) {
		if (argc == 0) {
			json_array_append_new(rows, service_json(&info));
		} else if (strcmp(argv[0], info.name) == 0) {
			*out = service_json(&info);
			break;
		}
	}
	view_unlock();
	if (rc < 0 && rc != -ENOENT)
		rc = view_failed(err, rc, "services");
	else if (rc == -ENOENT && argc > 0)
		view_fail(err, rc, "service: found '%s', which is none of those running (show services)",
			  argv[0]);
	else
		rc = 0;
	if (rc == 0 && argc == 0)
		*out = json_pack("{s:O}", "services", rows);
	json_decref(rows);
	return rc;
}

static const struct view_column service_columns[] = {
	{ "name", "name" }, { "type", "type" }, { "listen", "listen" }, { "state", "state" },
		{ "open", "open" }, { "smc", "smc" }, { "tcp", "tcp" },
	{ NULL, NULL },
};

const struct view view_service[] = {
	{ "services", { { .kind = VIEW_ARG_SERVICE, .name = "NAME", .optional = true } }, build_services,
	  VIEW_TABLE,
	  service_columns, "services that run; of one its counters" },
	{ NULL },
};
