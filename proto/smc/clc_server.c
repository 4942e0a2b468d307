/* SPDX-License-Identifier: BSD-3-Clause */
/* The passive side's handshake (RFC 7609 4.3.1): what a PROPOSAL is answered with,
 * and what becomes of the CONFIRM. */
#include <errno.h>

#include "proto/smc/handshake_impl.h"

/* ---- PROPOSAL ------------------------------------------------------------------ */

/* SMC v1: a network of ours equals the client's, length and all. */
static bool prefix_fits(const struct smc_hs *hs, const struct clc_proposal *p)
{
	const struct net_if *ifp = net_if_get(hs->ss->net, hs->c->flow.ifx);
	const struct net_addr proposed = net_addr_v4(rte_cpu_to_be_32(p->subnet4));

	if (p->n_prefixes6 != 0)
		return false;
	for (unsigned i = 0; i < ifp->n_addrs; i++)
		if (ifp->addrs[i].prefix_len == p->prefix4_len &&
		    smc_in_prefix(ifp->addrs[i].addr.b, proposed.b, 96u + p->prefix4_len))
			return true;
	return false;
}

/* The first of the client's that is one of ours. */
static bool match_eid(struct smc_hs *hs, const struct clc_proposal *p)
{
	const struct smc_config *conf = &hs->ss->conf;

	for (unsigned i = 0; i < p->n_eids; i++)
		for (unsigned k = 0; k < conf->n_eids; k++)
			if (memcmp(p->eids[i], conf->eids[k].b, SMC_EID_LEN) == 0) {
				hs->terms.eid = conf->eids[k];
				return true;
			}
	return false;
}

/* v2.1: what a group is limited to. */
static uint32_t agree_limits(struct smc_hs *hs, const struct clc_proposal *p)
{
	const struct smc_config *conf = &hs->ss->conf;
	struct smc_lgr_terms *t = &hs->terms;

	t->version = CLC_V2;
	t->max_conns = CLC_MAX_CONNS;
	t->max_links = CLC_MAX_LINKS;
	t->release = RTE_MIN(p->release, (uint8_t)CLC_RELEASE_V21);
	if (!p->v2 || t->release == CLC_RELEASE_V20)
		return 0;
	t->max_conns = RTE_MIN(p->max_conns, conf->max_conns);
	t->max_links = RTE_MIN(p->max_links, conf->max_links);
	if (t->max_conns < CLC_MIN_CONNS)
		return SMC_RSN_MAXCONNERR;
	return t->max_links < 1 ? SMC_RSN_MAXLINKERR : 0;
}

/* SMC-R v2 with a device of ours, or why not; 0 for "not offered": Linux then
 * says NOSMCDEV at the end. */
static uint32_t find_v2(struct smc_hs *hs, const struct clc_proposal *p, bool *found)
{
	*found = false;
	if (!p->v2 || !match_eid(hs, p))
		return 0;
	if (!smc_hs_bound(hs, p->gid2))
		return SMC_RSN_OWN_UNBOUND;
	if (!smc_hs_device(hs))
		return SMC_RSN_NOSMCRDEV;
	hs->terms.direct = smc_hs_direct(hs);
	*found = true;
	return 0;
}

/* In Linux's order, SMC-D and SMC-R v1 never being there. */
static uint32_t check_proposal(struct smc_hs *hs, const struct clc_proposal *p)
{
	uint32_t reason, first = 0;
	bool found;

	if (!p->v1 && !p->v2 && !p->smcd_v1 && !p->smcd_v2)
		return SMC_RSN_PEERNOSMC;
	if (p->v2 && p->n_eids == 0 && !p->v1)
		return SMC_RSN_NOUEID;
	reason = agree_limits(hs, p);
	if (reason != 0)
		return reason;
	if ((p->v1 || p->smcd_v1) && !prefix_fits(hs, p))
		first = SMC_RSN_DIFFPREFIX;
	if (!p->v1 && !p->v2)
		return first != 0 ? first : SMC_RSN_NOSMCDDEV;
	reason = find_v2(hs, p, &found);
	if (found)
		return 0;
	if (first == 0)
		first = reason;
	return first != 0 ? first : SMC_RSN_NOSMCDEV;
}

static void on_proposal(struct smc_hs *hs, const uint8_t *msg, size_t len)
{
	struct clc_proposal p;
	uint32_t reason;

	if (clc_decode_proposal(msg, len, &p) < 0) {
		hs->ss->stats.clc_bad++;
		smc_hs_lost(hs, SMC_RSN_OWN_REFLECTED, EPROTO);
		return;
	}
	hs->answered = true;
	hs->version = p.version > CLC_V1 ? CLC_V2 : CLC_V1;
	reason = check_proposal(hs, &p);
	if (reason != 0) {
		smc_hs_decline(hs, reason);
		return;
	}
	/* A client that offers v2 only may leave its peer ID zero: a legal value. */
	memcpy(hs->peer_id, p.peer_id, sizeof(hs->peer_id));
	memcpy(hs->peer_gid.b, p.gid2, sizeof(hs->peer_gid.b));
	smc_server_group(hs);
}

/* ---- the group -------------------------------------------------------------------- */

static bool same_peer(const struct smc_hs *a, const struct smc_hs *b)
{
	return memcmp(a->peer_id, b->peer_id, sizeof(a->peer_id)) == 0 &&
	       memcmp(&a->peer_gid, &b->peer_gid, sizeof(a->peer_gid)) == 0;
}

/*
 * How long groups that others make for the peer are waited for. Of those that wait too long for the first
 * one makes a second, not each its own: a crowd would be past the peer's quota at once.
 */
static uint64_t patience(const struct smc_hs *hs)
{
	uint64_t us = 0;

	for (const struct smc_hs *m = hs->ss->peer_table->makers; m != NULL; m = m->next)
		us += same_peer(m, hs) ? SMC_QUEUE_US : 0;
	return RTE_MIN(us, (uint64_t)SMC_QUEUE_MAX_US);
}

void smc_server_wake(struct smc_hs *maker)
{
	/* By the timer: who looks first may become the next maker. */
	for (struct smc_hs *hs = maker->ss->peer_table->queue; hs != NULL; hs = hs->next)
		if (same_peer(hs, maker))
			smc_hs_enter(hs, SMC_HS_QUEUED, 1);
}

static void make_group(struct smc_hs *hs)
{
	struct net_addr addr = smc_hs_addr(hs);
	uint32_t reason;

	hs->first_contact = true;
	smc_hs_list(hs, &hs->ss->peer_table->makers);
	reason = smc_lgr_create(hs->ss, SMC_SERVER, hs->dev, hs->peer_id, &addr, &hs->gid,
				smc_hs_wait(hs, SMC_HS_GROUP), &hs->lgr);
	if (reason == 0) {
		hs->held = true;
		hs->lgr->terms = hs->terms;
	}
	smc_hs_check(hs, reason);
}

void smc_server_group(struct smc_hs *hs)
{
	struct smc_peer_table *t = hs->ss->peer_table;
	struct net_addr addr = smc_hs_addr(hs);
	uint64_t waited = smc_now(hs->ss) - hs->begun_us;

	hs->lgr = smc_lgr_find(hs->ss, hs->peer_id, &hs->peer_gid, &addr, CLC_V2);
	if (hs->lgr != NULL) {
		smc_lgr_hold(hs->lgr);
		hs->held = true;
		smc_hs_use(hs, hs->lgr->dev);
		smc_hs_rings(hs);
	} else if (waited < patience(hs)) {
		/* Rather its second connection than a group of its own. */
		smc_hs_enter(hs, SMC_HS_QUEUED, patience(hs) - waited);
		smc_hs_list(hs, &t->queue);
	} else {
		make_group(hs);
	}
}

void smc_server_ready(struct smc_hs *hs)
{
	uint8_t buf[CLC_ACCEPT_MAX_LEN];
	struct clc_accept a;

	smc_hs_fill(hs, &a);
	if (smc_hs_send(hs, buf, clc_encode_accept(&a, buf)))
		smc_hs_enter(hs, SMC_HS_CONFIRM, hs->ss->conf.clc_wait_ms * 1000ull);
	else
		smc_hs_fail(hs, SMC_RSN_MEM, ENOBUFS);
}

/* ---- CONFIRM --------------------------------------------------------------------------- */

static uint32_t check_confirm(const struct smc_hs *hs, const struct clc_accept *a)
{
	const struct smc_lgr_terms *t = &hs->terms;

	if (!hs->first_contact)
		return 0;
	if (a->release != t->release)
		return SMC_RSN_RELEASEERR;
	if (t->release != CLC_RELEASE_V20 && a->max_conns != t->max_conns)
		return SMC_RSN_MAXCONNERR;
	if (t->release != CLC_RELEASE_V20 && a->max_links != t->max_links)
		return SMC_RSN_MAXLINKERR;
	return smc_hs_bound(hs, a->gid) ? 0 : SMC_RSN_OWN_UNBOUND;
}

static void on_confirm(struct smc_hs *hs, const uint8_t *msg, size_t len)
{
	struct clc_accept a;
	uint32_t reason;

	if (clc_decode_accept(msg, len, &a) < 0 || a.type != CLC_CONFIRM || a.version != CLC_V2 ||
	    a.first_contact != hs->first_contact || memcmp(a.eid, hs->terms.eid.b, SMC_EID_LEN) != 0) {
		hs->ss->stats.clc_bad++;
		smc_hs_fail(hs, SMC_RSN_OWN_REFLECTED, EPROTO);
		return;
	}
	if (hs->c->link == NULL) { /* lost meanwhile; who reuses a group does not listen for a DECLINE any more */
		smc_hs_fail(hs, SMC_RSN_NOACTLINK, ECONNABORTED);
		return;
	}
	reason = check_confirm(hs, &a);
	if (reason == 0)
		reason = smc_hs_take(hs, &a);
	if (reason != 0)
		smc_hs_decline(hs, reason);
	else if (hs->first_contact)
		smc_hs_connect(hs);
	else
		smc_hs_active(hs);
}

void smc_server_input(struct smc_hs *hs, const uint8_t *msg, size_t len)
{
	if (hs->step == SMC_HS_CONFIRM)
		on_confirm(hs, msg, len);
	else
		on_proposal(hs, msg, len);
}
