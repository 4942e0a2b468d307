/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port's device is told of flows and stations from the console: its table of queues, its addresses. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

/* ---- RSS: looking ------------------------------------------------------------------------ */
struct rss_call {
	uint16_t id, size;
	struct pipeline_rss out;
};
static_assert(PIPELINE_RETA_MAX == RTE_ETH_RSS_RETA_SIZE_512, "all of a port's table");

static int device_rss(void *arg)
{
	struct rss_call *c = arg;
	struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS];
	struct rte_eth_rss_conf conf = { .rss_key = c->out.key, .rss_key_len = sizeof(c->out.key) };
	int rc;

	memset(reta, 0xff, sizeof(reta));
	rc = rte_eth_dev_rss_reta_query(c->id, reta, c->size);
	for (unsigned i = 0; rc == 0 && i < c->size; i++)
		c->out.queue[i] = reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
	if (rc == 0)
		rc = rte_eth_dev_rss_hash_conf_get(c->id, &conf);
	if (rc < 0)
		return rc;
	c->out.size = c->size;
	c->out.types = conf.rss_hf;
	c->out.key_len = RTE_MIN(conf.rss_key_len, (uint8_t)TOEPLITZ_KEY_LEN);
	return 0;
}

int pipeline_rss_info(struct pipeline *pl, unsigned port, struct pipeline_rss *out)
{
	struct rss_call c = { .size = 0 };
	struct port *p;
	int rc = port_find(pl, port, false, &p, &c.id, NULL);

	if (rc < 0)
		return rc;
	pipeline_lock(pl);
	c.size = p->seen.rss && p->reta_size <= PIPELINE_RETA_MAX ? p->reta_size : 0;
	c.out.own = p->reta_own;
	pipeline_unlock(pl);
	if (c.size == 0)
		return -ENOTSUP;
	rc = port_call(pl, p, CLAIM_LOOK, "show rss", device_rss, &c, sizeof(c));
	*out = c.out;
	return rc;
}

/* ---- RSS: the table ------------------------------------------------------------------------ */
struct reta_call {
	struct pipeline *pl;
	struct port *p;
	unsigned n;
	struct pipeline_reta_entry e[PIPELINE_RETA_MAX];
};

/* Lock held. */
static int new_table(struct reta_call *c, uint16_t *table)
{
	struct port *p = c->p;

	port_reta(p, &c->pl->steering, 0, table);
	for (unsigned i = 0; i < c->n; i++) {
		if (c->e[i].hash >= p->reta_size)
			return -ERANGE;
		if (c->e[i].queue >= p->n_rxq)
			return -EINVAL;
		table[c->e[i].hash] = c->e[i].queue;
	}
	return 0;
}

static int device_reta(void *arg)
{
	struct reta_call *c = arg;
	struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS];
	uint16_t table[PIPELINE_RETA_MAX], before[PIPELINE_RETA_MAX], n = 0;
	struct port *p = c->p;
	bool own = p->reta_own;
	int rc = 0;

	if (p->state != PORT_STARTED)
		return -ENETDOWN;
	if (!p->rss || p->reta_size > PIPELINE_RETA_MAX)
		return -ENOTSUP;
	pipeline_lock(c->pl);
	memcpy(before, p->reta, sizeof(before));
	rc = new_table(c, table);
	if (rc == 0) {
		memcpy(p->reta, table, p->reta_size * sizeof(table[0]));
		p->reta_own = c->n != 0;
		n = port_reta_groups(p, &c->pl->steering, p->reta_skip, reta);
	}
	pipeline_unlock(c->pl);
	if (rc == 0)
		rc = rte_eth_dev_rss_reta_update(p->id, reta, n);
	if (rc < 0) {
		pipeline_lock(c->pl);
		memcpy(p->reta, before, sizeof(before));
		p->reta_own = own;
		pipeline_unlock(c->pl);
	}
	return rc;
}

int pipeline_reta_set(struct pipeline *pl, unsigned port, const struct pipeline_reta_entry *e, unsigned n)
{
	struct reta_call c = { .pl = pl, .n = n };
	uint16_t id;
	int rc = port_find(pl, port, false, &c.p, &id, NULL);

	if (rc < 0)
		return rc;
	if (n > RTE_DIM(c.e))
		return -ERANGE;
	if (n != 0)
		memcpy(c.e, e, n * sizeof(*e));
	return port_call(pl, c.p, CLAIM_CHANGE, "config rss reta", device_reta, &c, sizeof(c));
}

/* ---- addresses --------------------------------------------------------------------------------- */
struct mac_call {
	struct pipeline *pl;
	struct port *p;
	enum pipeline_mac what;
	struct rte_ether_addr mac;
};

static int find_mac(const struct port *p, const struct rte_ether_addr *mac)
{
	for (unsigned i = 0; i < p->n_macs; i++)
		if (rte_is_same_ether_addr(&p->macs[i], mac))
			return (int)i;
	return -ENOENT;
}

static int mac_add(struct port *p, const struct rte_ether_addr *mac)
{
	struct rte_ether_addr addr = *mac;
	int rc;

	if (rte_is_same_ether_addr(&p->mac, mac) || find_mac(p, mac) >= 0)
		return -EALREADY;
	if (p->n_macs == PIPELINE_PORT_MACS)
		return -ENOSPC;
	rc = rte_eth_dev_mac_addr_add(p->id, &addr, 0);
	if (rc == 0)
		p->macs[p->n_macs++] = *mac;
	return rc;
}

static int mac_remove(struct port *p, const struct rte_ether_addr *mac)
{
	struct rte_ether_addr addr = *mac;
	int at = find_mac(p, mac), rc;

	if (rte_is_same_ether_addr(&p->mac, mac))
		return -EADDRINUSE;
	if (at < 0)
		return at;
	rc = rte_eth_dev_mac_addr_remove(p->id, &addr);
	if (rc == 0)
		p->macs[at] = p->macs[--p->n_macs];
	return rc;
}

/* Neighbours have the stack's addresses under this one, and its lcores copies of it. */
static int mac_set(struct mac_call *c)
{
	struct port *p = c->p;
	int rc;

	if (p->conf->n_addresses != 0)
		return -EADDRINUSE;
	if (p->state == PORT_STARTED)
		return -EBUSY;
	rc = rte_eth_dev_default_mac_addr_set(p->id, &c->mac);
	if (rc < 0)
		return rc;
	pipeline_lock(c->pl);
	p->mac = c->mac;
	port_publish(p);
	pipeline_unlock(c->pl);
	return 0;
}

static int device_mac(void *arg)
{
	struct mac_call *c = arg;

	switch (c->what) {
	case PIPELINE_MAC_ADD: return mac_add(c->p, &c->mac);
	case PIPELINE_MAC_REMOVE: return mac_remove(c->p, &c->mac);
	default: return mac_set(c);
	}
}

int pipeline_port_mac(struct pipeline *pl, unsigned port, enum pipeline_mac what, const struct rte_ether_addr *mac)
{
	struct mac_call c = { .pl = pl, .what = what, .mac = *mac };
	uint16_t id;
	int rc = port_find(pl, port, false, &c.p, &id, NULL);

	if (rc < 0)
		return rc;
	if (rte_is_zero_ether_addr(mac) || rte_is_multicast_ether_addr(mac))
		return -EINVAL;
	return port_call(pl, c.p, CLAIM_CHANGE, "mac_addr", device_mac, &c, sizeof(c));
}
