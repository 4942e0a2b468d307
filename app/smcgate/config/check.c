/* SPDX-License-Identifier: BSD-3-Clause */
/* Cross checks: values that are allowed one by one and contradict each other. */
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"
#include "app/smcgate/service/service.h"

/* ---- services ---------------------------------------------------------- */

static bool
any_address(const struct net_addr *a)
{
	return a->v4 == 0;
}

static bool
same_endpoint(const struct cfg_endpoint *a, const struct cfg_endpoint *b)
{
	if (a->addr.family == NET_UNSPEC || b->addr.family == NET_UNSPEC || a->port != b->port)
		return false;
	return net_addr_equal(&a->addr, &b->addr) || any_address(&a->addr) || any_address(&b->addr);
}

static bool
is_local(const struct config *cfg, const struct net_addr *a)
{
	for (unsigned p = 0; p < cfg->n_ports; p++) {
		for (unsigned i = 0; i < cfg->ports[p].n_addresses; i++) {
			if (net_addr_equal(&cfg->ports[p].addresses[i].addr, a))
				return true;
		}
	}
	return false;
}

/* What an address is compared with. */
static bool
addresses_read(const struct config *cfg, const struct cfg_errors *errs)
{
	bool read = cfg->n_ports != 0;

	for (unsigned p = 0; p < cfg->n_ports && read; p++) {
		char path[40];

		snprintf(path, sizeof(path), "$.ports[%u].addresses", p);
		read = cfg_errors_clean(errs, path);
	}
	return read;
}

static bool
service_read(unsigned i, const struct cfg_errors *errs)
{
	char path[32];

	snprintf(path, sizeof(path), "$.services[%u]", i);
	return cfg_errors_clean(errs, path);
}

static void
check_listen(const struct config *cfg, const struct config_service *svc, unsigned before, const char *path,
	     struct cfg_errors *errs)
{
	char at[96], a[NET_ADDR_STRLEN], b[NET_ADDR_STRLEN];

	snprintf(at, sizeof(at), "%s.listen", path);
	if (!any_address(&svc->listen.addr) && addresses_read(cfg, errs) && !is_local(cfg, &svc->listen.addr))
		cfg_error(errs, at, "found \"%s\", allowed: an address that a port has, or 0.0.0.0",
			  cfg_endpoint_str(&svc->listen, a));
	for (unsigned i = 0; i < before; i++) {
		const struct config_service *other = &cfg->services[i];

		if (service_read(i, errs) && same_endpoint(&svc->listen, &other->listen))
			cfg_error(errs, at, "found \"%s\", but service \"%s\" listens on %s",
				  cfg_endpoint_str(&svc->listen, a), other->name,
				  cfg_endpoint_str(&other->listen, b));
	}
}

void
config_check_source(const struct config *cfg, const struct net_addr *addr, const char *path, struct cfg_errors *errs)
{
	const uint8_t *b = addr->b + 12;

	if (addr->family != NET_UNSPEC && addresses_read(cfg, errs) && !is_local(cfg, addr))
		cfg_error(errs, path, "found \"%u.%u.%u.%u\", allowed: an address that a port has", b[0], b[1], b[2],
			  b[3]);
}

static void
check_limits(const struct config *cfg, const struct config_service *svc, const char *path,
	     struct cfg_errors *errs)
{
	char at[128];

	if (svc->max_connections > cfg->tcp.max_connections && cfg_errors_clean(errs, "$.tcp.max_connections")) {
		snprintf(at, sizeof(at), "%s.max_connections", path);
		cfg_error(errs, at, "found %u, allowed: at most $.tcp.max_connections, %u",
			  svc->max_connections,
			  cfg->tcp.max_connections);
	}
	if (svc->backlog > cfg->tcp.half_open_max && cfg_errors_clean(errs, "$.tcp.half_open_max")) {
		snprintf(at, sizeof(at), "%s.backlog", path);
		cfg_error(errs, at, "found %u, allowed: at most $.tcp.half_open_max, %u", svc->backlog,
			  cfg->tcp.half_open_max);
	}
}

void
config_check_service(const struct config *cfg, const struct config_service *svc, unsigned before,
		     const char *path,
		     struct cfg_errors *errs)
{
	char at[96];

	for (unsigned i = 0; i < before; i++) {
		if (service_read(i, errs) && strcmp(cfg->services[i].name, svc->name) == 0) {
			snprintf(at, sizeof(at), "%s.name", path);
			cfg_error(errs, at, "found \"%s\", the name of another service", svc->name);
		}
	}
	if (svc->listen.addr.family != NET_UNSPEC)
		check_listen(cfg, svc, before, path, errs);
	check_limits(cfg, svc, path, errs);
	if (svc->type->check != NULL)
		svc->type->check(cfg, svc, path, errs);
}

static void
check_services(const struct config *cfg, struct cfg_errors *errs)
{
	for (unsigned i = 0; i < cfg->n_services; i++) {
		char path[32];

		if (!service_read(i, errs))
			continue;
		snprintf(path, sizeof(path), "$.services[%u]", i);
		config_check_service(cfg, &cfg->services[i], i, path, errs);
	}
}

/* ---- tcp, memory, neighbours ------------------------------------------- */

/* One of a pair is too large for the other. */
static void
at_most(struct cfg_errors *errs, const char *path, uint64_t found, const char *bound_path, uint64_t bound)
{
	if (found > bound && cfg_errors_clean(errs, path) && cfg_errors_clean(errs, bound_path))
		cfg_error(errs, path, "found %llu, allowed: at most %s, %llu", (unsigned long long)found,
			  bound_path,
			  (unsigned long long)bound);
}

static void
check_tcp(const struct config_tcp *tcp, struct cfg_errors *errs)
{
	at_most(errs, "$.tcp.rto_min_ms", tcp->rto_min_ms, "$.tcp.rto_max_ms", tcp->rto_max_ms);
	at_most(errs, "$.tcp.receive_buffer_initial", tcp->receive_buffer_initial, "$.tcp.receive_buffer_max",
		tcp->receive_buffer_max);
	at_most(errs, "$.tcp.backlog", tcp->backlog, "$.tcp.half_open_max", tcp->half_open_max);
	if (tcp->receive_buffer_max > 65535 && !tcp->window_scaling && cfg_errors_clean(errs, "$.tcp.receive_buffer_max"))
		cfg_error(errs, "$.tcp.receive_buffer_max",
			  "found %u, allowed: at most 65535 while $.tcp.window_scaling is false",
			  tcp->receive_buffer_max);
}

static void
check_memory(const struct config_memory *m, uint64_t smc, struct cfg_errors *errs)
{
	uint64_t need = ((uint64_t)m->rx_buffers + m->payload_buffers) * m->buffer_size;

	if (m->arena_mb != 0 && need + smc > (uint64_t)m->arena_mb << 20)
		cfg_error(errs, "$.memory.arena_mb",
			  "found %u, allowed: at least %llu, for rx_buffers and payload_buffers%s of one lcore",
			  m->arena_mb, (unsigned long long)((need + smc + (1 << 20) - 1) >> 20),
			  smc != 0 ? " and $.smc.memory_mb" : "");
}

void
config_check(const struct config *cfg, struct cfg_errors *errs)
{
	bool addresses = addresses_read(cfg, errs);

	config_check_ports(cfg, errs);
	if (cfg_errors_clean(errs, "$.ports") && cfg_errors_clean(errs, "$.lcores"))
		config_check_lcores(cfg, errs);
	if (addresses && cfg_errors_clean(errs, "$.routes") && cfg_errors_clean(errs, "$.gateway"))
		config_check_routes(cfg, errs);
	check_tcp(&cfg->tcp, errs);
	at_most(errs, "$.idle.min_sleep_us", cfg->idle.min_sleep_us, "$.idle.max_sleep_us", cfg->idle.max_sleep_us);
	if (cfg_errors_clean(errs, "$.memory") && cfg_errors_clean(errs, "$.rdma") && cfg_errors_clean(errs, "$.smc"))
		check_memory(&cfg->memory, config_smc_on(cfg) ? (uint64_t)cfg->smc.memory_mb << 20 : 0, errs);
	if (cfg_errors_clean(errs, "$.arp"))
		at_most(errs, "$.arp.unresolved_max", cfg->arp.unresolved_max, "$.arp.table_size",
			cfg->arp.table_size);
	check_services(cfg, errs);
	if (cfg_errors_clean(errs, "$.ports") && cfg_errors_clean(errs, "$.rdma"))
		config_check_rdma(cfg, errs);
	config_check_smc(cfg, errs);
}
