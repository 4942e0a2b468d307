/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside app/smcgate/config only: what tables.c shares with its neighbours. */
#ifndef CONFIG_TABLES_H
#define CONFIG_TABLES_H

#include "app/smcgate/config/config.h"

/* An element of "services". */
extern const struct cfg_field config_service_elem;

/* An element of "rdma"; "smc" (tables_smc.c). */
extern const struct cfg_field config_rdma_elem, config_smc_fields[];

/* "moderation" of a port (moderation.c). */
extern const struct cfg_field config_moderation_fields[];

/* A layer's log level that the file does not give. */
#define CONFIG_LOG_UNSET (-1)

/* Cross checks: what one key cannot tell. Add to errs. */
void config_check(const struct config *cfg, struct cfg_errors *errs);
void config_check_ports(const struct config *cfg, struct cfg_errors *errs);
void config_check_moderation(const struct config *cfg, unsigned port, struct cfg_errors *errs);
void config_check_vdev(const struct config *cfg, unsigned port, struct cfg_errors *errs);
void config_check_lcores(const struct config *cfg, struct cfg_errors *errs);
void config_check_routes(const struct config *cfg, struct cfg_errors *errs);
void config_check_rdma(const struct config *cfg, struct cfg_errors *errs);
void config_check_smc(const struct config *cfg, struct cfg_errors *errs);
/* Service i of the list against the ports and the services before it. */
void config_check_service(const struct config *cfg, const struct config_service *svc, unsigned before,
			  const char *path, struct cfg_errors *errs);

/* After the checks: fill in what a port's moderation does not say. 0 or -ENOMEM. */
int config_resolve_moderation(const struct config *cfg, struct config_moderation *m);

/* The port whose subnet holds an address: index or -ENOENT. */
int config_port_of(const struct config *cfg, const struct net_addr *addr);

#endif
