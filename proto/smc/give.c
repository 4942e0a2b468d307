/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/smc/give.h"

struct smc_gives *smc_gives_new(int node)
{
	struct smc_gives *t = calloc(1, sizeof(*t));

	if (t != NULL && pool_init(&t->pool, sizeof(struct smc_given), 8, SMC_GIVES_MAX, node) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

static void given_free(struct smc_gives *t, struct smc_given *g)
{
	rte_pktmbuf_free_seg(g->m);
	pool_put(&t->pool, g);
}

void smc_gives_free(struct smc_stack *ss)
{
	struct smc_gives *t = ss->gives;
	struct smc_given *g;

	if (t == NULL)
		return;
	while ((g = t->late) != NULL) {
		t->late = g->next;
		given_free(t, g);
	}
	pool_fini(&t->pool);
	free(t);
	ss->gives = NULL;
}

/* ---- in ---------------------------------------------------------------------- */

/* The group's key for the buffer's octets. */
static bool find_key(const struct smc_conn *c, const uint8_t *data, uint32_t len, uint32_t *lkey)
{
	unsigned n = c->lgr == NULL ? 0 : c->ss->conf.n_regions;

	for (unsigned i = 0; i < n; i++) {
		const struct smc_region *r = &c->ss->conf.regions[i];
		uint64_t at = (uint64_t)(uintptr_t)data - (uint64_t)(uintptr_t)r->addr;

		if (at >= r->len || len > r->len - at || c->lgr->regions[i] == NULL)
			continue;
		*lkey = rd_mr_lkey(c->lgr->regions[i]);
		return true;
	}
	return false;
}

bool smc_give_ref(struct smc_conn *c, struct rte_mbuf *m)
{
	uint32_t len = m->data_len, lkey;
	struct smc_given *g;

	if (!find_key(c, rte_pktmbuf_mtod(m, const uint8_t *), len, &lkey))
		return false;
	g = pool_get(&c->ss->gives->pool);
	if (g == NULL)
		return false;
	*g = (struct smc_given){ .m = m, .begin = c->prep, .len = len, .lkey = lkey };
	if (c->give_head == NULL)
		c->give_head = g;
	else
		c->give_tail->next = g;
	if (c->give_next == NULL)
		c->give_next = g;
	c->give_tail = g;
	smc_cursor_add(&c->prep, len, c->snd->size);
	return true;
}

/* ---- out --------------------------------------------------------------------- */

/* A buffer that was taken from c itself drops a reference to c when it goes, and c may then be nobody's:
 * it stays until the caller is through, and settles it. */
static void hold(struct smc_conn *c, bool on)
{
	c->refs[SMC_REF_TAKE] += on ? 1 : -1;
}

static void free_first(struct smc_conn *c)
{
	struct smc_given *g = c->give_head;

	c->give_head = g->next;
	if (c->give_next == g)
		c->give_next = g->next;
	given_free(c->ss->gives, g);
}

void smc_give_done(struct smc_conn *c)
{
	if (c->state == SMC_CLOSED && c->refs[SMC_REF_WR] == 0) {
		smc_give_end(c);
		return;
	}
	hold(c, true);
	while (c->give_head != NULL &&
	       smc_cursor_distance(&c->give_head->begin, &c->fin, c->snd->size) >= c->give_head->len)
		free_first(c);
	hold(c, false);
}

/* What the first of those not all posted has behind sent goes with the others. */
void smc_give_drop(struct smc_conn *c)
{
	struct smc_given *g = c->give_next, *rest;
	int64_t posted;

	if (g == NULL)
		return;
	posted = smc_cursor_distance(&g->begin, &c->sent, c->snd->size);
	if (posted > 0) {
		g->len = (uint32_t)posted;
		rest = g->next;
		g->next = NULL;
		c->give_tail = g;
	} else {
		struct smc_given **at = &c->give_head;

		c->give_tail = NULL;
		for (; *at != g; at = &(*at)->next)
			c->give_tail = *at;
		*at = NULL;
		rest = g;
	}
	c->give_next = NULL;
	hold(c, true);
	while ((g = rest) != NULL) {
		rest = g->next;
		given_free(c->ss->gives, g);
	}
	hold(c, false);
}

void smc_give_end(struct smc_conn *c)
{
	struct smc_gives *t = c->ss->gives;

	if (c->give_head != NULL && c->refs[SMC_REF_WR] != 0) {
		c->give_tail->next = t->late;
		t->late = c->give_head;
		c->give_head = c->give_next = NULL;
	}
	hold(c, true);
	while (c->give_head != NULL)
		free_first(c);
	hold(c, false);
}
