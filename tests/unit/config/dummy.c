/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/dummy.h"

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"

static const struct cfg_field backend_elem = { .type = CFG_TYPE_ENDPOINT, .key = "backend" };

static const struct cfg_field echo_fields[] = {
	CFG_U32(struct dummy_conf, size, "size", CFG_REQUIRED, 1, 100, 0, "Octets."),
	CFG_STRING(struct dummy_conf, directory, "directory", 0, 0, "/srv", "Directory."),
	CFG_ARRAY(struct dummy_conf, backends, n_backends, "backends", 0, 0, 4, &backend_elem, "Back ends."),
	CFG_END
};

static void
check(const struct config *cfg, const struct config_service *svc, const char *path, struct cfg_errors *errs)
{
	const struct dummy_conf *c = svc->conf;
	char at[96];

	snprintf(at, sizeof(at), "%s.size", path);
	if (c->size == 13)
		cfg_error(errs, at, "found 13, which is unlucky");
}

static struct service_type dummy_server = {
	.name = "dummy", .doc = "Serves nothing.", .listen = SERVICE_LISTEN_REQUIRED,
	.fields = echo_fields, .conf_size = sizeof(struct dummy_conf), .check = check,
};
SERVICE_REGISTER(dummy_server)

static struct service_type dummy_client = {
	.name = "client", .doc = "Asks for nothing.", .listen = SERVICE_LISTEN_NONE,
};
SERVICE_REGISTER(dummy_client)
