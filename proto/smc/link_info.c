/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups and links for people: smcr linkgroup, smcr linkgroup link-show. */
#include <string.h>

#include "proto/smc/link_impl.h"

static const char *lgr_state_name(const struct smc_lgr *lgr)
{
	static const char *const names[] = { "CREATING", "ACTIVE", "STALE", "DEAD" };

	return names[lgr->state];
}

static const char *link_state_name(uint8_t state)
{
	static const char *const names[] = { "LINK_UNUSED", "LINK_ACTIVATING", "LINK_ACTIVE", "LINK_INACTIVE" };

	return names[state];
}

static uint64_t ago(const struct smc_stack *ss, uint64_t us)
{
	uint64_t now = smc_now(ss);

	return us != 0 && us < now ? now - us : 0;
}

static void lgr_info(const struct smc_lgr *lgr, struct smc_lgr_info *out)
{
	uint64_t now = smc_now(lgr->ss);
	struct rd_info info;

	memset(out, 0, sizeof(*out));
	rd_query(lgr->dev->rd, &info);
	out->id = lgr->id;
	out->role = lgr->role;
	out->version = lgr->terms.version;
	out->release = lgr->terms.release;
	out->type = lgr->links[0]->state == SMC_LINK_ACTIVE ? "SINGLE" : "NONE";
	out->state = lgr_state_name(lgr);
	memcpy(out->peer_host, lgr->terms.hostname, sizeof(out->peer_host) - 1);
	out->peer_os = lgr->terms.os;
	out->direct = lgr->terms.direct;
	memcpy(out->peer_id, lgr->peer_id, sizeof(out->peer_id));
	out->peer = lgr->addr;
	memcpy(out->eid, lgr->terms.eid.b, SMC_EID_LEN);
	out->vlan = info.vlan;
	out->conns = lgr->n_conns;
	out->max_conns = smc_lgr_max_conns(lgr);
	out->max_links = lgr->terms.max_links;
	out->rkeys = lgr->rkeys->n;
	out->sndbuf_bytes = lgr->sndbuf_bytes;
	out->rmb_bytes = lgr->rmb_bytes;
	out->local_flow = smc_flow_name(lgr->llc->flow);
	out->remote_flow = smc_flow_name(SMC_FLOW_NONE);
	out->age_us = ago(lgr->ss, lgr->created_us);
	if (lgr->priv->idle_until_us > now)
		out->idle_left_us = lgr->priv->idle_until_us - now;
}

/* New groups come to the front with a higher number, so a number says where a
 * reader was, whatever has gone since. */
static struct smc_lgr *below(struct smc_stack *ss, uint64_t cursor)
{
	struct smc_lgr *lgr = ss->lgr_list;

	while (lgr != NULL && cursor != 0 && lgr->id >= cursor)
		lgr = lgr->next;
	return lgr;
}

unsigned smc_lgr_list(struct smc_stack *ss, uint64_t *cursor, struct smc_lgr_info *out, unsigned max)
{
	struct smc_lgr *lgr = below(ss, *cursor);
	unsigned n;

	for (n = 0; n < max && lgr != NULL; n++, lgr = lgr->next) {
		lgr_info(lgr, &out[n]);
		*cursor = lgr->id;
	}
	return n;
}

static void link_info(const struct smc_link *l, struct smc_link_info *out)
{
	struct rd_info info;

	memset(out, 0, sizeof(*out));
	rd_query(l->dev->rd, &info);
	out->lgr_id = l->lgr->id;
	out->role = l->lgr->role;
	out->id = l->id;
	out->state = link_state_name(l->state);
	out->uid = l->uid;
	out->peer_uid = l->peer_uid;
	out->conns = l->conns;
	memcpy(out->dev, info.name, sizeof(out->dev));
	out->gid = l->gid;
	out->peer_gid = l->peer.gid;
	memcpy(out->peer_mac, l->peer.mac, sizeof(out->peer_mac));
	if (l->qp != NULL)
		rd_qp_query(l->qp, &out->qp);
	out->slots_used = l->slots_used;
	out->slots = l->priv->n_slots;
	out->last_rx_us = ago(l->lgr->ss, l->last_rx_us);
	out->testlink_pending = l->priv->testing;
	out->llc_in = l->llc_in;
	out->llc_out = l->llc_out;
	out->cdc_in = l->cdc_in;
	out->cdc_out = l->cdc_out;
	out->waits = l->waits;
}

unsigned smc_link_list(struct smc_stack *ss, uint64_t *cursor, struct smc_link_info *out, unsigned max)
{
	struct smc_lgr *lgr = below(ss, *cursor);
	unsigned n;

	for (n = 0; n < max && lgr != NULL; n++, lgr = lgr->next) {
		link_info(lgr->links[0], &out[n]);
		*cursor = lgr->id;
	}
	return n;
}
