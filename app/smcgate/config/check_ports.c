/* SPDX-License-Identifier: BSD-3-Clause */
/* Cross checks of ports, the lcores that poll them, and routes over them. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"

static uint32_t
host(const struct net_addr *a)
{
	return rte_be_to_cpu_32(a->v4);
}

static uint32_t
mask_of(unsigned len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

static bool
in_prefix(const struct net_addr *a, const struct cfg_prefix *p)
{
	return ((host(a) ^ host(&p->addr)) & mask_of(p->len)) == 0;
}

int
config_port_of(const struct config *cfg, const struct net_addr *addr)
{
	for (unsigned p = 0; p < cfg->n_ports; p++) {
		for (unsigned i = 0; i < cfg->ports[p].n_addresses; i++) {
			if (in_prefix(addr, &cfg->ports[p].addresses[i]))
				return p;
		}
	}
	return -ENOENT;
}

int
config_port_index(const struct config *cfg, const char *name)
{
	for (unsigned p = 0; p < cfg->n_ports; p++) {
		if (strcmp(cfg->ports[p].name, name) == 0)
			return p;
	}
	return -ENOENT;
}

/* ---- ports ------------------------------------------------------------- */

static bool
port_read(unsigned port, const struct cfg_errors *errs)
{
	char path[32];

	snprintf(path, sizeof(path), "$.ports[%u]", port);
	return cfg_errors_clean(errs, path);
}

/* An address a station can have: why not, or NULL. */
static const char *
bad_address(const struct cfg_prefix *p)
{
	rte_be32_t v4 = p->addr.v4;
	uint32_t rest = host(&p->addr) & ~mask_of(p->len);

	if (net_v4_is_multicast(v4) || net_v4_is_class_e(v4) || net_v4_is_loopback(v4) ||
	    net_v4_is_zero_net(v4))
		return "not a unicast address of a network";
	if (p->len == 0)
		return "the prefix covers everything";
	if (p->len <= 30 && rest == 0)
		return "the subnet's own address";
	if (p->len <= 30 && rest == ~mask_of(p->len))
		return "the subnet's broadcast address";
	return NULL;
}

/* Is the address one of an earlier entry, in the order of the file? */
static bool
address_seen(const struct config *cfg, unsigned port, unsigned index)
{
	const struct net_addr *a = &cfg->ports[port].addresses[index].addr;

	for (unsigned p = 0; p <= port; p++) {
		unsigned n = p == port ? index : cfg->ports[p].n_addresses;

		for (unsigned i = 0; i < n; i++) {
			if (net_addr_equal(&cfg->ports[p].addresses[i].addr, a))
				return true;
		}
	}
	return false;
}

static void
check_addresses(const struct config *cfg, unsigned port, struct cfg_errors *errs)
{
	for (unsigned i = 0; i < cfg->ports[port].n_addresses; i++) {
		const struct cfg_prefix *p = &cfg->ports[port].addresses[i];
		const char *why = bad_address(p);
		char path[48], text[NET_ADDR_STRLEN];

		if (why == NULL && address_seen(cfg, port, i))
			why = "given twice";
		snprintf(path, sizeof(path), "$.ports[%u].addresses[%u]", port, i);
		if (why != NULL)
			cfg_error(errs, path, "found \"%s\": %s", cfg_prefix_str(p, text), why);
	}
}

static void
check_twins(const struct config *cfg, unsigned port, struct cfg_errors *errs)
{
	const struct config_port *p = &cfg->ports[port];
	char path[40];

	for (unsigned i = 0; i < port; i++) {
		const struct config_port *o = &cfg->ports[i];

		if (!port_read(i, errs))
			continue;
		if (strcmp(p->name, o->name) == 0) {
			snprintf(path, sizeof(path), "$.ports[%u].name", port);
			cfg_error(errs, path, "found \"%s\", the name of $.ports[%u]", p->name, i);
		}
		if (strcmp(p->device, o->device) == 0) {
			snprintf(path, sizeof(path), "$.ports[%u].device", port);
			cfg_error(errs, path, "found \"%s\", the device of $.ports[%u]", p->device, i);
		}
		if (!rte_is_zero_ether_addr(&p->mac) && rte_is_same_ether_addr(&p->mac, &o->mac)) {
			snprintf(path, sizeof(path), "$.ports[%u].mac", port);
			cfg_error(errs, path, "found the address of $.ports[%u]", i);
		}
	}
}

void
config_check_ports(const struct config *cfg, struct cfg_errors *errs)
{
	for (unsigned p = 0; p < cfg->n_ports; p++) {
		if (!port_read(p, errs))
			continue;
		check_twins(cfg, p, errs);
		config_check_vdev(cfg, p, errs);
		if (cfg_errors_clean(errs, "$.idle"))
			config_check_moderation(cfg, p, errs);
		check_addresses(cfg, p, errs);
	}
}

/* ---- lcores ------------------------------------------------------------ */

/* Who polls each queue: index of the lcore entry plus one, 0 for nobody. */
struct pollers {
	uint8_t by[CONFIG_MAX_PORTS][CONFIG_MAX_QUEUES];
};
_Static_assert(CONFIG_MAX_LCORES < UINT8_MAX, "fits a poller's octet");

static void
check_queue(const struct config *cfg, unsigned l, unsigned i, struct pollers *polled, struct cfg_errors *errs)
{
	const struct config_queue *q = &cfg->lcores[l].queues[i];
	int port = config_port_index(cfg, q->port);
	char path[64];

	snprintf(path, sizeof(path), "$.lcores[%u].queues[%u]", l, i);
	if (port < 0) {
		cfg_error(errs, path, "found port \"%s\", allowed: the name of one of $.ports", q->port);
	} else if (q->queue >= cfg->ports[port].rx_queues) {
		cfg_error(errs, path, "found queue %u, allowed: 0 to %u, of the rx_queues of $.ports[%d]",
			  q->queue,
			  cfg->ports[port].rx_queues - 1, port);
	} else if (polled->by[port][q->queue] != 0) {
		cfg_error(errs, path, "found queue %u of port \"%s\", which $.lcores[%u] polls", q->queue,
			  q->port,
			  polled->by[port][q->queue] - 1);
	} else {
		polled->by[port][q->queue] = l + 1;
	}
}

static void
check_orphans(const struct config *cfg, const struct pollers *polled, struct cfg_errors *errs)
{
	for (unsigned p = 0; p < cfg->n_ports; p++) {
		for (unsigned q = 0; q < cfg->ports[p].rx_queues; q++) {
			if (polled->by[p][q] == 0)
				cfg_error(errs, "$.lcores", "no lcore polls queue %u of port \"%s\"", q,
					  cfg->ports[p].name);
		}
	}
}

void
config_check_lcores(const struct config *cfg, struct cfg_errors *errs)
{
	struct pollers polled = { 0 };
	unsigned before = errs->n;

	for (unsigned l = 0; l < cfg->n_lcores; l++) {
		for (unsigned i = 0; i < l; i++) {
			char path[40];

			if (cfg->lcores[i].lcore != cfg->lcores[l].lcore)
				continue;
			snprintf(path, sizeof(path), "$.lcores[%u].lcore", l);
			cfg_error(errs, path, "found %u, the lcore of $.lcores[%u]", cfg->lcores[l].lcore, i);
		}
		for (unsigned i = 0; i < cfg->lcores[l].n_queues; i++)
			check_queue(cfg, l, i, &polled, errs);
	}
	/* A queue nobody polls is often just a mistyped one. */
	if (cfg->n_lcores != 0 && errs->n == before)
		check_orphans(cfg, &polled, errs);
}

/* ---- routes ------------------------------------------------------------ */

static bool
is_ours(const struct config *cfg, const struct net_addr *a)
{
	int p = config_port_of(cfg, a);

	for (unsigned i = 0; p >= 0 && i < cfg->ports[p].n_addresses; i++) {
		if (net_addr_equal(&cfg->ports[p].addresses[i].addr, a))
			return true;
	}
	return false;
}

/* All zeros or all ones behind the prefix: no host has it. A prefix of 31 has no such addresses (RFC 3021). */
static bool
is_no_host(const struct config *cfg, const struct net_addr *a)
{
	const struct config_port *p = &cfg->ports[config_port_of(cfg, a)];

	for (unsigned i = 0; i < p->n_addresses; i++) {
		const struct cfg_prefix *net = &p->addresses[i];
		uint32_t rest = host(a) & ~mask_of(net->len);

		if (in_prefix(a, net) && net->len < 31 && (rest == 0 || rest == ~mask_of(net->len)))
			return true;
	}
	return false;
}

static void
check_via(const struct config *cfg, const struct net_addr *via, const char *path, struct cfg_errors *errs)
{
	char text[NET_ADDR_STRLEN];
	const uint8_t *b = via->b + 12;

	snprintf(text, sizeof(text), "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	if (config_port_of(cfg, via) < 0)
		cfg_error(errs, path, "found \"%s\", allowed: an address in the subnet of a port", text);
	else if (is_ours(cfg, via))
		cfg_error(errs, path, "found \"%s\", an address of ours", text);
	else if (is_no_host(cfg, via))
		cfg_error(errs, path, "found \"%s\", the address of a whole subnet of ours", text);
}

static void
check_route(const struct config *cfg, unsigned i, struct cfg_errors *errs)
{
	const struct config_route *r = &cfg->routes[i];
	char path[40], text[NET_ADDR_STRLEN];

	snprintf(path, sizeof(path), "$.routes[%u].via", i);
	check_via(cfg, &r->via, path, errs);
	snprintf(path, sizeof(path), "$.routes[%u].to", i);
	if ((host(&r->to.addr) & ~mask_of(r->to.len)) != 0)
		cfg_error(errs, path, "found \"%s\": bits beyond the prefix are set",
			  cfg_prefix_str(&r->to, text));
	for (unsigned j = 0; j < i; j++) {
		const struct cfg_prefix *o = &cfg->routes[j].to;

		if (o->len == r->to.len && net_addr_equal(&o->addr, &r->to.addr))
			cfg_error(errs, path, "found \"%s\", the destination of $.routes[%u]",
				  cfg_prefix_str(&r->to, text), j);
	}
}

void
config_check_routes(const struct config *cfg, struct cfg_errors *errs)
{
	bool gateway = cfg->gateway.family != NET_UNSPEC;

	for (unsigned i = 0; i < cfg->n_routes; i++) {
		check_route(cfg, i, errs);
		if (gateway && cfg->routes[i].to.len == 0)
			cfg_error(errs, "$.gateway",
				  "contradicts $.routes[%u], which is a route to 0.0.0.0/0", i);
	}
	if (gateway)
		check_via(cfg, &cfg->gateway, "$.gateway", errs);
	if (gateway && cfg->n_routes == CONFIG_MAX_ROUTES)
		cfg_error(errs, "$.gateway", "found one route too many, allowed: %d", CONFIG_MAX_ROUTES);
}
