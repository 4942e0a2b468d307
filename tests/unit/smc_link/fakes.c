/* SPDX-License-Identifier: BSD-3-Clause */
/* What the link part calls above and below itself. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/smc_link/fixture.h"

struct lf_seen lf_seen;

/* ---- connections ------------------------------------------------------------- */


void smc_cdc_input(struct smc_link *l, const uint8_t *buf, uint32_t len) { lf_seen.cdc++; }

void smc_conn_sent(struct smc_conn *c, const struct smc_slot *slot, bool ok)
{
	CU_ASSERT(c->refs[SMC_REF_WR] > 0);
	c->refs[SMC_REF_WR]--;
	lf_seen.sent++;
	lf_seen.sent_bad += !ok;
	lf_seen.last_sent = c;
	if (ok)
		c->fin = slot->sent;
}

void smc_conn_link_lost(struct smc_conn *c)
{
	lf_seen.lost++;
	c->error = ECONNABORTED;
	smc_lgr_leave(c);
}

void smc_tx_schedule(struct smc_conn *c)
{
	lf_seen.scheduled++;
	lf_seen.last_scheduled = c;
}

/* ---- peers' memory ------------------------------------------------------------- */

static struct smc_peer the_peer;

struct smc_peer *smc_peer_get(struct smc_stack *ss, const struct net_addr *addr)
{
	if (lf_seen.no_peer)
		return NULL;
	if (lf_seen.peers++ == 0)
		the_peer = (struct smc_peer){ .addr = *addr };
	return &the_peer;
}

int smc_peer_forget(struct smc_stack *ss, const struct net_addr *addr)
{
	CU_ASSERT(addr->family == NET_UNSPEC);
	lf_seen.forgotten++;
	return 0;
}

void smc_peer_put(struct smc_stack *ss, struct smc_peer *p)
{
	CU_ASSERT(p == &the_peer && lf_seen.peers > 0);
	lf_seen.peers--;
	lf_seen.peer_bytes = p->buf_bytes;
	lf_seen.peer_lgrs = p->lgrs;
}

/* ---- the network ----------------------------------------------------------------- */

static struct net_if the_if = { .n_addrs = 1 };

uint64_t net_now(const struct net_stack *st) { return ((const struct lf *)(const void *)st)->now_us; }

static void fake_random(void *ctx, void *buf, size_t len)
{
	static uint64_t seed = 7;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)test_random(&seed);
}

const struct net_env *net_environment(const struct net_stack *st)
{
	static const struct net_env env = { .random = fake_random };

	return &env;
}

int net_local_if(const struct net_stack *st, const struct net_addr *addr)
{
	struct net_addr second = lf_addr_us;

	second.b[15] = LF_SECOND;
	return net_addr_equal(addr, &lf_addr_us) || net_addr_equal(addr, &second) ? 0 : -ENOENT;
}

struct net_if *net_if_get(struct net_stack *st, uint8_t ifx)
{
	the_if.addrs[0] = (struct net_if_addr){ .addr = lf_addr_us, .prefix_len = 24 };
	return &the_if;
}

int net_path_open(struct net_stack *st, struct net_path *p, struct net_addr *src, const struct net_addr *dst)
{
	if (lf_seen.no_route)
		return -ENETUNREACH;
	memset(p, 0, sizeof(*p));
	p->neigh = 1;
	lf_seen.paths++;
	return 0;
}

void net_path_close(struct net_stack *st, struct net_path *p)
{
	if (p->neigh == 0)
		return;
	p->neigh = 0;
	lf_seen.paths--;
}
