/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"

/* ---- after reading: what the tables do not fill ------------------------- */

static int
append_gateway(struct config *cfg)
{
	struct config_route *routes;

	if (cfg->gateway.family == NET_UNSPEC)
		return 0;
	routes = realloc(cfg->routes, (cfg->n_routes + 1) * sizeof(*routes));
	if (routes == NULL)
		return -ENOMEM;
	cfg->routes = routes;
	routes[cfg->n_routes++] = (struct config_route){
		.to = { .addr = net_addr_v4(0), .len = 0 },
		.via = cfg->gateway,
	};
	return 0;
}

/* The checks have passed: every name is that of a port. */
static int
resolve(struct config *cfg)
{
	int rc = append_gateway(cfg);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < cfg->n_routes; i++)
		cfg->routes[i].port_index = config_port_of(cfg, &cfg->routes[i].via);
	for (unsigned l = 0; l < cfg->n_lcores; l++) {
		for (unsigned i = 0; i < cfg->lcores[l].n_queues; i++) {
			struct config_queue *q = &cfg->lcores[l].queues[i];

			q->port_index = config_port_index(cfg, q->port);
		}
	}
	for (unsigned i = 0; i < cfg->n_rdma; i++)
		cfg->rdma[i].port_index = (unsigned)config_port_index(cfg, cfg->rdma[i].port);
	for (unsigned i = 0; i < cfg->n_ports && rc == 0; i++)
		rc = config_resolve_moderation(cfg, &cfg->ports[i].moderation);
	for (unsigned i = 0; i < LOG_LAYERS; i++) {
		if (cfg->log.layers[i] == CONFIG_LOG_UNSET)
			cfg->log.layers[i] = cfg->log.level;
	}
	return rc;
}

/* ---- text to configuration --------------------------------------------- */

/* Takes the reference to root. */
static int
from_json(const char *name, json_t *root, struct config **out, struct cfg_errors *errs)
{
	struct config *cfg = calloc(1, sizeof(*cfg));
	int rc = -EINVAL;

	if (cfg == NULL) {
		cfg_error(errs, name, "no memory");
		rc = -ENOMEM;
		goto fail;
	}
	cfg_read_object(config_fields, NULL, root, "$", cfg, errs);
	errs->n_read = errs->n;
	if (json_is_object(root))
		config_check(cfg, errs);
	if (cfg_errors_any(errs))
		goto fail;
	rc = resolve(cfg);
	if (rc < 0) {
		cfg_error(errs, name, "no memory");
		goto fail;
	}
	json_decref(root);
	*out = cfg;
	return 0;
fail:
	json_decref(root);
	config_free(cfg);
	return rc;
}

int
config_parse_buffer(const char *text, size_t len, struct config **out, struct cfg_errors *errs)
{
	json_t *root;
	int rc = cfg_json_parse("configuration", text, len, &root, errs);

	*out = NULL;
	return rc == 0 ? from_json("configuration", root, out, errs) : rc;
}

int
config_load(const char *file, struct config **out, struct cfg_errors *errs)
{
	json_t *root;
	int rc = cfg_json_load(file, &root, errs);

	*out = NULL;
	return rc == 0 ? from_json(file, root, out, errs) : rc;
}

void
config_free(struct config *cfg)
{
	if (cfg == NULL)
		return;
	cfg_free_object(config_fields, NULL, cfg);
	free(cfg);
}

/* ---- a service alone --------------------------------------------------- */

int
config_parse_service(const struct config *cfg, const char *text, size_t len, struct config_service **out,
		     struct cfg_errors *errs)
{
	const struct cfg_field *table = config_service_elem.fields;
	struct config_service *svc;
	json_t *root;
	int rc;

	*out = NULL;
	rc = cfg_json_parse("service", text, len, &root, errs);
	if (rc < 0)
		return rc;
	svc = calloc(1, sizeof(*svc));
	if (svc == NULL) {
		json_decref(root);
		cfg_error(errs, "$", "no memory");
		return -ENOMEM;
	}
	if (cfg_read_object(table, config_service_elem.variants, root, "$", svc, errs) == 0)
		config_check_service(cfg, svc, 0, "$", errs); /* those of the file may be gone */
	json_decref(root);
	if (cfg_errors_any(errs)) {
		config_service_free(svc);
		return -EINVAL;
	}
	*out = svc;
	return 0;
}

void
config_service_free(struct config_service *svc)
{
	if (svc == NULL)
		return;
	cfg_free_object(config_service_elem.fields, config_service_elem.variants, svc);
	free(svc);
}
