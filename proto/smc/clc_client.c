/* SPDX-License-Identifier: BSD-3-Clause */
/* The active side's handshake (RFC 7609 4.3.1): the PROPOSAL, and what becomes of
 * the ACCEPT. Not an octet of the application goes out before a valid answer. */
#include <errno.h>

#include "proto/smc/handshake_impl.h"

static void fill_proposal(const struct smc_hs *hs, struct clc_proposal *p)
{
	const struct smc_config *conf = &hs->ss->conf;

	*p = (struct clc_proposal){
		.version = CLC_V2, .v2 = true, .smcd_area = true, .release = CLC_RELEASE_V21, .n_eids = conf->n_eids,
		.max_conns = conf->max_conns, .max_links = conf->max_links,
	};
	memcpy(p->peer_id, conf->peer_id, sizeof(p->peer_id));
	memcpy(p->gid, hs->gid.b, sizeof(p->gid));
	memcpy(p->gid2, hs->gid.b, sizeof(p->gid2));
	memcpy(p->mac, hs->mac, sizeof(p->mac));
	for (unsigned i = 0; i < conf->n_eids; i++)
		memcpy(p->eids[i], conf->eids[i].b, SMC_EID_LEN);
}

void smc_client_start(struct smc_hs *hs)
{
	uint8_t buf[CLC_MAX_LEN];
	struct clc_proposal p;

	/* Both can have gone since the SYN. */
	if (hs->ss->conf.n_eids == 0 || !smc_hs_device(hs)) {
		smc_hs_decline(hs, SMC_RSN_NOSMCDEV);
		return;
	}
	fill_proposal(hs, &p);
	if (smc_hs_send(hs, buf, clc_encode_proposal(&p, buf)))
		smc_hs_enter(hs, SMC_HS_ACCEPT, hs->ss->conf.clc_wait_ms * 1000ull);
	else
		smc_hs_fail(hs, SMC_RSN_MEM, ENOBUFS);
}

/* ---- ACCEPT ---------------------------------------------------------------------- */

static bool eid_is_ours(const struct smc_hs *hs, const uint8_t *eid)
{
	for (unsigned i = 0; i < hs->ss->conf.n_eids; i++)
		if (memcmp(eid, hs->ss->conf.eids[i].b, SMC_EID_LEN) == 0)
			return true;
	return false;
}

static uint32_t check_accept(struct smc_hs *hs, const struct clc_accept *a)
{
	if (a->version != CLC_V2 || !eid_is_ours(hs, a->eid))
		return SMC_RSN_MODEUNSUPP;
	if (!smc_hs_bound(hs, a->gid))
		return SMC_RSN_OWN_UNBOUND;
	if (!a->first_contact || a->release == CLC_RELEASE_V20)
		return 0;
	if (a->release > CLC_RELEASE_V21)
		return SMC_RSN_RELEASEERR;
	if (a->max_conns < CLC_MIN_CONNS)
		return SMC_RSN_MAXCONNERR;
	return a->max_links < 1 || a->max_links > CLC_MAX_LINKS ? SMC_RSN_MAXLINKERR : 0;
}

static void agree(struct smc_hs *hs, const struct clc_accept *a)
{
	bool limits = a->release != CLC_RELEASE_V20;

	hs->terms = (struct smc_lgr_terms){
		.version = CLC_V2, .release = a->release, .max_conns = limits ? a->max_conns : CLC_MAX_CONNS,
		.max_links = limits ? a->max_links : CLC_MAX_LINKS, .os = a->os, .direct = smc_hs_direct(hs),
	};
	memcpy(hs->terms.eid.b, a->eid, SMC_EID_LEN);
	memcpy(hs->terms.hostname, a->hostname, sizeof(hs->terms.hostname));
}

static void first_contact(struct smc_hs *hs, const struct clc_accept *a)
{
	struct net_addr addr = smc_hs_addr(hs);
	uint32_t reason;

	reason = smc_lgr_create(hs->ss, SMC_CLIENT, hs->dev, a->peer_id, &addr, &hs->gid,
				smc_hs_wait(hs, SMC_HS_GROUP), &hs->lgr);
	if (reason != 0) {
		smc_hs_check(hs, reason);
		return;
	}
	hs->held = true;
	hs->lgr->terms = hs->terms;
	reason = smc_hs_take(hs, a);
	if (reason != 0)
		smc_hs_decline(hs, reason);
}

static void reuse(struct smc_hs *hs, const struct clc_accept *a)
{
	struct net_addr addr = smc_hs_addr(hs);
	struct smc_link *l;
	uint32_t reason = smc_lgr_find_accept(hs->ss, a, &addr, &l);

	if (reason != 0) {
		smc_hs_decline(hs, reason);
		return;
	}
	hs->lgr = l->lgr;
	smc_hs_use(hs, l->dev);
	smc_lgr_hold(hs->lgr);
	hs->held = true;
	smc_lgr_join(hs->lgr, l, hs->c);
	reason = smc_hs_take(hs, a);
	if (reason != 0)
		smc_hs_decline(hs, reason);
	else
		smc_hs_rings(hs);
}

void smc_client_input(struct smc_hs *hs, const uint8_t *msg, size_t len)
{
	struct clc_accept a;
	uint32_t reason;

	if (clc_decode_accept(msg, len, &a) < 0 || a.type != CLC_ACCEPT) {
		hs->ss->stats.clc_bad++;
		smc_hs_lost(hs, SMC_RSN_OWN_REFLECTED, EPROTO);
		return;
	}
	hs->answered = true;
	hs->version = a.version;
	hs->first_contact = a.first_contact;
	memcpy(hs->peer_id, a.peer_id, sizeof(hs->peer_id));
	reason = check_accept(hs, &a);
	if (reason != 0) {
		smc_hs_decline(hs, reason);
		return;
	}
	agree(hs, &a);
	if (a.first_contact)
		first_contact(hs, &a);
	else
		reuse(hs, &a);
}

/* ---- CONFIRM ------------------------------------------------------------------------- */

void smc_client_confirm(struct smc_hs *hs)
{
	uint8_t buf[CLC_ACCEPT_MAX_LEN];
	struct clc_accept a;

	smc_hs_fill(hs, &a);
	a.mtu_code = hs->first_contact ? hs->peer.mtu : RTE_MIN(hs->mtu, hs->c->link->peer.mtu);
	if (!smc_hs_send(hs, buf, clc_encode_accept(&a, buf)))
		smc_hs_fail(hs, SMC_RSN_MEM, ENOBUFS);
	else if (hs->first_contact)
		smc_hs_confirm_link(hs);
	else
		smc_hs_active(hs);
}

void smc_client_ready(struct smc_hs *hs)
{
	if (hs->first_contact)
		smc_hs_connect(hs);
	else
		smc_client_confirm(hs);
}
