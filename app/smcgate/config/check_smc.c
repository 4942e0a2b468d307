/* SPDX-License-Identifier: BSD-3-Clause */
/* Cross checks of RDMA devices and SMC. */
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"

/* Octets of an IP packet with the smallest payload, 256, and all headers. */
#define ROCE_MTU_MIN 336u

static void
check_device(const struct config *cfg, unsigned i, struct cfg_errors *errs)
{
	const struct config_rdma *d = &cfg->rdma[i];
	int port = config_port_index(cfg, d->port);
	char path[40];

	snprintf(path, sizeof(path), "$.rdma[%u].port", i);
	if (port < 0)
		cfg_error(errs, path, "found \"%s\", allowed: the name of one of $.ports", d->port);
	else if (cfg->ports[port].n_addresses == 0)
		cfg_error(errs, path, "found \"%s\", which has no address to make a GID of", d->port);
	else if (cfg->ports[port].mtu < ROCE_MTU_MIN)
		cfg_error(errs, path, "found \"%s\", whose mtu is %u, allowed: at least %u", d->port,
			  cfg->ports[port].mtu, ROCE_MTU_MIN);
	for (unsigned j = 0; j < i; j++) {
		snprintf(path, sizeof(path), "$.rdma[%u].port", i);
		if (strcmp(cfg->rdma[j].port, d->port) == 0)
			cfg_error(errs, path, "found \"%s\", the port of $.rdma[%u]", d->port, j);
		snprintf(path, sizeof(path), "$.rdma[%u].name", i);
		if (strcmp(cfg->rdma[j].name, d->name) == 0)
			cfg_error(errs, path, "found \"%s\", the name of $.rdma[%u]", d->name, j);
	}
}

void
config_check_rdma(const struct config *cfg, struct cfg_errors *errs)
{
	char path[40];

	for (unsigned i = 0; i < cfg->n_rdma; i++) {
		const struct config_rdma *d = &cfg->rdma[i];

		check_device(cfg, i, errs);
		snprintf(path, sizeof(path), "$.rdma[%u].provider", i);
		if (d->provider == CONFIG_RDMA_VERBS)
			cfg_error(errs, path, "found \"verbs\", allowed: \"roce\"; RDMA hardware comes with a later version");
		snprintf(path, sizeof(path), "$.rdma[%u].window", i);
		if ((d->window & (d->window - 1)) != 0)
			cfg_error(errs, path, "found %u, allowed: a power of two", d->window);
	}
}

const char *
config_bad_eid(const char *text)
{
	static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	if (text[0] == '\0')
		return "it is empty";
	if (strlen(text) >= CONFIG_EID_LEN)
		return "longer than 32 characters";
	if (strchr(alnum, text[0]) == NULL)
		return "the first character must be one of A-Z, 0-9";
	return text[strspn(text, all)] == '\0' ? NULL : "allowed are A-Z, 0-9, '.' and '-'";
}

static void
check_eids(const struct config_smc *smc, struct cfg_errors *errs)
{
	for (unsigned i = 0; i < smc->n_eids; i++) {
		const char *why = config_bad_eid(smc->eids[i].text);
		char path[40];

		for (unsigned j = 0; j < i && why == NULL; j++)
			if (strcmp(smc->eids[j].text, smc->eids[i].text) == 0)
				why = "given twice";
		snprintf(path, sizeof(path), "$.smc.eids[%u]", i);
		if (why != NULL)
			cfg_error(errs, path, "found \"%s\": %s", smc->eids[i].text, why);
	}
}

static bool
has_service(const struct config *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->n_services; i++)
		if (strcmp(cfg->services[i].name, name) == 0)
			return true;
	return false;
}

static void
check_policy(const struct config *cfg, unsigned i, struct cfg_errors *errs)
{
	const struct config_policy *p = &cfg->smc.policies[i];
	uint32_t host = p->peer.len >= 32 ? 0 : UINT32_MAX >> p->peer.len;
	char path[48], text[NET_ADDR_STRLEN];

	snprintf(path, sizeof(path), "$.smc.policies[%u].service", i);
	if (p->service[0] != '\0' && cfg_errors_clean(errs, "$.services") && !has_service(cfg, p->service))
		cfg_error(errs, path, "found \"%s\", allowed: the name of one of $.services", p->service);
	snprintf(path, sizeof(path), "$.smc.policies[%u].peer", i);
	if (p->peer.addr.family != NET_UNSPEC && (rte_be_to_cpu_32(p->peer.addr.v4) & host) != 0)
		cfg_error(errs, path, "found \"%s\": bits beyond the prefix are set", cfg_prefix_str(&p->peer, text));
}

static void
at_most(struct cfg_errors *errs, const char *path, uint32_t found, const char *bound_path, uint32_t bound)
{
	if (found > bound && cfg_errors_clean(errs, path) && cfg_errors_clean(errs, bound_path))
		cfg_error(errs, path, "found %u, allowed: at most %s, %u", found, bound_path, bound);
}

void
config_check_smc(const struct config *cfg, struct cfg_errors *errs)
{
	const struct config_smc *smc = &cfg->smc;
	uint64_t memory = (uint64_t)smc->memory_mb << 20;

	if (cfg_errors_clean(errs, "$.smc.eids"))
		check_eids(smc, errs);
	if (cfg_errors_clean(errs, "$.smc.policies"))
		for (unsigned i = 0; i < smc->n_policies; i++)
			check_policy(cfg, i, errs);
	at_most(errs, "$.smc.groups_per_peer", smc->groups_per_peer, "$.smc.groups_max", smc->groups_max);
	at_most(errs, "$.smc.handshakes_per_peer", smc->handshakes_per_peer, "$.smc.handshakes_max",
		smc->handshakes_max);
	if ((uint64_t)smc->rmb_size + smc->sndbuf_size > memory && cfg_errors_clean(errs, "$.smc.memory_mb") &&
	    cfg_errors_clean(errs, "$.smc.rmb_size") && cfg_errors_clean(errs, "$.smc.sndbuf_size"))
		cfg_error(errs, "$.smc.memory_mb", "found %u, too small for one rmb_size and one sndbuf_size",
			  smc->memory_mb);
}
