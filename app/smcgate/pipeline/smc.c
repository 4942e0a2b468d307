/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC of the workers: copies for those who look, changes for all of them. */
#include "app/smcgate/pipeline/smc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/rdma.h"

static struct smc_stack *stack_of(const struct lcore *lc)
{
	return lc->ss != NULL ? sock_smc(lc->ss) : NULL;
}

/* ---- lists ---- */

enum page_of { PAGE_CONNS, PAGE_LGRS, PAGE_LINKS, PAGE_PEERS, PAGE_DEVS };

struct smc_page {
	uint64_t cursor;
	unsigned max;
	enum page_of what;
	union {
		struct smc_conn_info conns[PIPELINE_LIST_MAX];
		struct smc_lgr_info lgrs[PIPELINE_LIST_MAX];
		struct smc_link_info links[PIPELINE_LIST_MAX];
		struct smc_peer_info peers[PIPELINE_LIST_MAX];
		struct smc_dev_info devs[SMC_MAX_DEVS];
	};
};
static_assert(sizeof(struct smc_page) <= PIPELINE_CALL_MAX, "one turn's list fits a call");

static int worker_list(struct lcore *lc, void *arg)
{
	struct smc_page *p = arg;
	struct smc_stack *ss = stack_of(lc);

	if (ss == NULL)
		return -EPROTONOSUPPORT;
	switch (p->what) {
	case PAGE_CONNS: return (int)smc_conn_list(ss, &p->cursor, p->conns, p->max);
	case PAGE_LGRS: return (int)smc_lgr_list(ss, &p->cursor, p->lgrs, p->max);
	case PAGE_LINKS: return (int)smc_link_list(ss, &p->cursor, p->links, p->max);
	case PAGE_PEERS: return (int)smc_peer_list(ss, &p->cursor, p->peers, p->max);
	case PAGE_DEVS: return (int)smc_dev_list(ss, p->devs, p->max);
	}
	return -EINVAL;
}

/* size: octets of an element of out. */
static int list(struct pipeline *pl, unsigned i, enum page_of what, uint64_t *cursor, void *out, size_t size,
		unsigned max)
{
	struct smc_page *page = calloc(1, sizeof(*page));
	int rc;

	if (page == NULL)
		return -ENOMEM;
	page->what = what;
	page->cursor = *cursor;
	page->max = max;
	rc = pipeline_call(pl, i, worker_list, page, sizeof(*page));
	if (rc > 0)
		memcpy(out, page->conns, (size_t)rc * size);
	if (rc >= 0)
		*cursor = page->cursor;
	free(page);
	return rc;
}

int pipeline_smc_conns(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_conn_info *out, unsigned max)
{
	return list(pl, i, PAGE_CONNS, cursor, out, sizeof(*out), RTE_MIN(max, (unsigned)PIPELINE_LIST_MAX));
}

int pipeline_smc_lgrs(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_lgr_info *out, unsigned max)
{
	return list(pl, i, PAGE_LGRS, cursor, out, sizeof(*out), RTE_MIN(max, (unsigned)PIPELINE_LIST_MAX));
}

int pipeline_smc_links(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_link_info *out, unsigned max)
{
	return list(pl, i, PAGE_LINKS, cursor, out, sizeof(*out), RTE_MIN(max, (unsigned)PIPELINE_LIST_MAX));
}

int pipeline_smc_peers(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_peer_info *out, unsigned max)
{
	return list(pl, i, PAGE_PEERS, cursor, out, sizeof(*out), RTE_MIN(max, (unsigned)PIPELINE_LIST_MAX));
}

int pipeline_smc_devs(struct pipeline *pl, unsigned i, struct smc_dev_info *out, unsigned max)
{
	uint64_t cursor = 0;

	return list(pl, i, PAGE_DEVS, &cursor, out, sizeof(*out), RTE_MIN(max, (unsigned)SMC_MAX_DEVS));
}

static int worker_stats(struct lcore *lc, void *arg)
{
	struct smc_stack *ss = stack_of(lc);

	if (ss == NULL)
		return -EPROTONOSUPPORT;
	*(struct smc_stats *)arg = *smc_stats(ss);
	return 0;
}

int pipeline_smc_stats(struct pipeline *pl, unsigned i, struct smc_stats *out)
{
	return pipeline_call(pl, i, worker_stats, out, sizeof(*out));
}

static int worker_stats_clear(struct lcore *lc, void *arg)
{
	smc_stats_clear(stack_of(lc));
	return 0;
}

int pipeline_smc_stats_clear(struct pipeline *pl)
{
	uint8_t none = 0;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	return pipeline_call_each(pl, worker_stats_clear, &none, sizeof(none));
}

struct sock_ask {
	uint64_t id;
	struct smc_conn_info info;
};

static int worker_sock(struct lcore *lc, void *arg)
{
	struct sock_ask *ask = arg;
	struct sock *s;

	if (stack_of(lc) == NULL)
		return -EPROTONOSUPPORT;
	s = sock_by_id(lc->ss, ask->id);
	return s == NULL ? -ENOENT : sock_smc_info(s, &ask->info);
}

int pipeline_smc_sock(struct pipeline *pl, unsigned i, uint64_t id, struct smc_conn_info *out)
{
	struct sock_ask ask = { .id = id };
	int rc = pipeline_call(pl, i, worker_sock, &ask, sizeof(ask));

	if (rc == 0)
		*out = ask.info;
	return rc;
}

/* ---- EIDs ---- */

struct eid_change {
	unsigned n;
	struct smc_eid eids[SMC_MAX_EIDS];
};

static int worker_set_eids(struct lcore *lc, void *arg)
{
	const struct eid_change *c = arg;

	return smc_set_eids(stack_of(lc), c->eids, c->n);
}

/* The lock is held. */
static int set_eids(struct pipeline *pl, const struct eid_change *to)
{
	struct eid_change c = *to;
	int rc = pipeline_call_each(pl, worker_set_eids, &c, sizeof(c));

	if (rc < 0)
		return rc;
	pl->smc.n_eids = to->n;
	memcpy(pl->smc.eids, to->eids, sizeof(pl->smc.eids));
	return 0;
}

static void get_eids(const struct pipeline *pl, struct eid_change *c)
{
	c->n = pl->smc.n_eids;
	memcpy(c->eids, pl->smc.eids, sizeof(c->eids));
}

static unsigned find_eid(const struct eid_change *c, const struct smc_eid *eid)
{
	unsigned i;

	for (i = 0; i < c->n && memcmp(&c->eids[i], eid, sizeof(*eid)) != 0; i++)
		;
	return i;
}

int pipeline_smc_eids(struct pipeline *pl, struct smc_eid *out)
{
	int n;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	pipeline_lock(pl);
	n = (int)pl->smc.n_eids;
	memcpy(out, pl->smc.eids, sizeof(pl->smc.eids));
	pipeline_unlock(pl);
	return n;
}

int pipeline_smc_eid_add(struct pipeline *pl, const char *text)
{
	struct eid_change c;
	struct smc_eid eid;
	int rc;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	if (smc_eid_parse(&eid, text) < 0)
		return -EINVAL;
	pipeline_lock(pl);
	get_eids(pl, &c);
	if (find_eid(&c, &eid) < c.n) {
		rc = -EEXIST;
	} else if (c.n == SMC_MAX_EIDS) {
		rc = -ENOSPC;
	} else {
		c.eids[c.n++] = eid;
		rc = set_eids(pl, &c);
	}
	pipeline_unlock(pl);
	return rc;
}

int pipeline_smc_eid_del(struct pipeline *pl, const char *text)
{
	struct eid_change c;
	struct smc_eid eid;
	unsigned at;
	int rc = -ENOENT;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	if (smc_eid_parse(&eid, text) < 0)
		return -ENOENT;
	pipeline_lock(pl);
	get_eids(pl, &c);
	at = find_eid(&c, &eid);
	if (at < c.n) {
		c.n--;
		memmove(&c.eids[at], &c.eids[at + 1], (c.n - at) * sizeof(c.eids[0]));
		rc = set_eids(pl, &c);
	}
	pipeline_unlock(pl);
	return rc;
}

/* ---- policies ---- */

struct policy_change {
	unsigned n;
	struct smc_policy policies[SMC_MAX_POLICIES];
};

static int worker_set_policies(struct lcore *lc, void *arg)
{
	const struct policy_change *c = arg;

	return smc_set_policies(stack_of(lc), c->policies, c->n);
}

static int set_policies(struct pipeline *pl, const struct policy_change *to)
{
	struct policy_change c = *to;
	int rc = pipeline_call_each(pl, worker_set_policies, &c, sizeof(c));

	if (rc < 0)
		return rc;
	pl->smc.n_policies = to->n;
	memcpy(pl->smc.policies, to->policies, sizeof(pl->smc.policies));
	return 0;
}

static void get_policies(const struct pipeline *pl, struct policy_change *c)
{
	c->n = pl->smc.n_policies;
	memcpy(c->policies, pl->smc.policies, sizeof(c->policies));
}

int pipeline_smc_policies(struct pipeline *pl, struct smc_policy *out)
{
	int n;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	pipeline_lock(pl);
	n = (int)pl->smc.n_policies;
	memcpy(out, pl->smc.policies, sizeof(pl->smc.policies));
	pipeline_unlock(pl);
	return n;
}

int pipeline_smc_policy_add(struct pipeline *pl, const struct smc_policy *p, unsigned at)
{
	struct policy_change c;
	int rc = -ENOSPC;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	pipeline_lock(pl);
	get_policies(pl, &c);
	if (c.n < SMC_MAX_POLICIES) {
		at = RTE_MIN(at, c.n);
		memmove(&c.policies[at + 1], &c.policies[at], (c.n - at) * sizeof(c.policies[0]));
		c.policies[at] = *p;
		c.n++;
		rc = set_policies(pl, &c);
	}
	pipeline_unlock(pl);
	return rc;
}

int pipeline_smc_policy_del(struct pipeline *pl, unsigned n)
{
	struct policy_change c;
	int rc = -ENOENT;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	pipeline_lock(pl);
	get_policies(pl, &c);
	if (n < c.n) {
		c.n--;
		memmove(&c.policies[n], &c.policies[n + 1], (c.n - n) * sizeof(c.policies[0]));
		rc = set_policies(pl, &c);
	}
	pipeline_unlock(pl);
	return rc;
}

/* ---- peers, devices, groups ---- */

static int worker_forget(struct lcore *lc, void *arg)
{
	return smc_peer_forget(stack_of(lc), arg);
}

int pipeline_smc_peer_forget(struct pipeline *pl, const struct net_addr *addr)
{
	int known = addr->family == NET_UNSPEC ? 0 : -ENOENT;

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	for (unsigned i = 0; i < pl->n_workers; i++) {
		struct net_addr a = *addr;
		int rc = pipeline_call(pl, i, worker_forget, &a, sizeof(a));

		if (rc < 0 && rc != -ENOENT)
			return rc;
		if (rc >= 0)
			known = 0;
	}
	return known;
}

struct dev_change {
	unsigned dev;
	bool on;
};

static int worker_dev_enable(struct lcore *lc, void *arg)
{
	const struct dev_change *c = arg;

	return smc_dev_enable(stack_of(lc), c->dev, c->on);
}

int pipeline_smc_dev_enable(struct pipeline *pl, unsigned dev, bool on)
{
	struct dev_change c = { .dev = dev, .on = on };

	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	return pipeline_call_each(pl, worker_dev_enable, &c, sizeof(c));
}

static int worker_terminate(struct lcore *lc, void *arg)
{
	return smc_lgr_terminate(stack_of(lc), *(uint32_t *)arg);
}

int pipeline_smc_lgr_terminate(struct pipeline *pl, unsigned i, uint32_t id)
{
	if (!config_smc_on(pl->cfg))
		return -EPROTONOSUPPORT;
	return pipeline_call(pl, i, worker_terminate, &id, sizeof(id));
}

static int worker_stop(struct lcore *lc, void *arg)
{
	struct smc_stack *ss = stack_of(lc);

	smc_stack_stop(ss);
	*(uint32_t *)arg = smc_objects(ss);
	return 0;
}

uint32_t smc_stop(struct pipeline *pl)
{
	uint32_t total = 0, n = 0;

	if (!config_smc_on(pl->cfg))
		return 0;
	for (unsigned i = 0; i < pl->n_workers; i++)
		if (pipeline_call(pl, i, worker_stop, &n, sizeof(n)) == 0)
			total += n;
	return total;
}

/* ---- from the configuration ---- */

void smc_state_init(struct pipeline *pl)
{
	const struct config_smc *c = &pl->cfg->smc;

	for (unsigned i = 0; i < c->n_eids && i < SMC_MAX_EIDS; i++)
		if (smc_eid_parse(&pl->smc.eids[pl->smc.n_eids], c->eids[i].text) == 0)
			pl->smc.n_eids++;
	for (unsigned i = 0; i < c->n_policies && i < SMC_MAX_POLICIES; i++) {
		const struct config_policy *from = &c->policies[i];
		struct smc_policy *to = &pl->smc.policies[pl->smc.n_policies++];

		to->peer = from->peer.addr;
		to->prefix_len = from->peer.len;
		to->port = (uint16_t)from->port;
		to->smc = from->use == CONFIG_USE_SMC;
		memcpy(to->service, from->service, sizeof(to->service));
	}
}
