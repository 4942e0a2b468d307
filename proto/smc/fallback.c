/* SPDX-License-Identifier: BSD-3-Clause */
/* How a handshake ends: as SMC, as TCP by a DECLINE of either side, or not at all. */
#include <errno.h>

#include "proto/smc/handshake_impl.h"

void smc_hs_undo(struct smc_hs *hs)
{
	struct smc_conn *c = hs->c;

	if (hs->waiting)
		smc_wait_cancel(hs->ss, &hs->wait);
	hs->waiting = false;
	if (c->snd != NULL)
		smc_buf_put(c->snd);
	if (c->rmb != NULL)
		smc_buf_put(c->rmb);
	c->snd = c->rmb = NULL;
	if (c->lgr != NULL)
		smc_lgr_leave(c);
	if (hs->held)
		smc_lgr_unhold(hs->lgr);
	hs->held = false;
}

static unsigned events_left(const struct smc_hs *hs)
{
	return (tcp_readable(hs->c->tcp) > 0 ? TCP_EV_READABLE : 0) | (hs->tcp_events & (TCP_EV_EOF | TCP_EV_CLOSED));
}

void smc_hs_tell(struct smc_hs *hs)
{
	struct smc_stack *ss = hs->ss;
	struct smc_conn *c = hs->c;
	struct smc_decision v = hs->verdict;
	struct tcp_conn *tcp = c->tcp;

	if (v.outcome == SMC_OUT_TCP) {
		v.tcp = tcp;
		v.tcp_events = events_left(hs);
	}
	c->tcp = NULL;
	tcp_set_user(tcp, NULL);
	if (v.outcome == SMC_OUT_RECONNECT)
		tcp_abort(tcp); /* its port may be wanted again */
	else if (v.outcome == SMC_OUT_FAILED)
		tcp_close(tcp);
	smc_hs_free(hs);
	ss->ops->decided(ss->ops_ctx, c, c->user, &v);
	smc_conn_unref(c, SMC_REF_USER);
	smc_conn_unref(c, SMC_REF_HS);
}

static void decide(struct smc_hs *hs, enum smc_outcome outcome, uint32_t reason, uint32_t peer_reason, int error)
{
	smc_hs_undo(hs);
	hs->verdict = (struct smc_decision){
		.outcome = outcome, .reason = reason, .peer_reason = peer_reason, .error = error,
		.declined = outcome == SMC_OUT_TCP && peer_reason == 0,
	};
	if (hs->beginning)
		smc_hs_enter(hs, SMC_HS_DONE, 1);
	else
		smc_hs_tell(hs);
}

void smc_hs_active(struct smc_hs *hs)
{
	const struct smc_decision v = { .outcome = SMC_OUT_SMC };
	struct smc_stack *ss = hs->ss;
	struct smc_conn *c = hs->c;
	unsigned events = events_left(hs);

	ss->stats.role[c->role].smc_v2++;
	*(hs->first_contact ? &ss->stats.first_contacts : &ss->stats.reuses) += 1;
	smc_peer_succeeded(c->peer);
	c->peer->ok_us = smc_now(ss);
	if (hs->first_contact)
		c->rmb->announced = true; /* by CLC */
	smc_hs_free(hs);
	smc_conn_activate(c);
	ss->ops->decided(ss->ops_ctx, c, c->user, &v);
	/* Its TCP may have gone on while the last message came over RDMA. */
	if (events != 0 && c->tcp != NULL)
		smc_conn_tcp_event(c, events);
	smc_conn_unref(c, SMC_REF_HS);
}

/* ---- DECLINE ------------------------------------------------------------------ */

static uint32_t wire_reason(uint32_t reason)
{
	switch (reason) {
	case SMC_RSN_OWN_LIMIT:
		return SMC_RSN_MEM;
	case SMC_RSN_OWN_UNBOUND:
		return SMC_RSN_NOSMCRDEV;
	default:
		return smc_reason_on_wire(reason) ? reason : SMC_RSN_INTERR;
	}
}

static int encode(const struct smc_stack *ss, uint8_t version, uint32_t reason, uint8_t buf[CLC_DECLINE_MAX_LEN])
{
	struct clc_decline d = {
		.version = version, .out_of_sync = reason == SMC_RSN_SYNCERR, .diagnosis = wire_reason(reason),
		.os = version == CLC_V1 ? CLC_OS_NONE : CLC_OS_LINUX,
	};

	memcpy(d.peer_id, ss->conf.peer_id, sizeof(d.peer_id));
	return clc_encode_decline(&d, buf);
}

int smc_decline_bare(struct smc_stack *ss, struct tcp_conn *tcp, uint32_t reason)
{
	uint8_t buf[CLC_DECLINE_MAX_LEN];
	int len = encode(ss, CLC_V1, reason, buf);

	tcp_set_user(tcp, NULL);
	return len > 0 && tcp_send(tcp, buf, (size_t)len) == len ? 0 : -ENOBUFS;
}

/* Our device went away, or was switched off: that says nothing about the peer, who would
 * be spoken TCP to for a while after it is back. */
static bool no_fault_of_peer(const struct smc_hs *hs, uint32_t reason)
{
	if (hs->dev != NULL)
		return !hs->dev->enabled;
	return hs->c->role == SMC_CLIENT && reason == SMC_RSN_NOSMCDEV;
}

static void blame_peer(const struct smc_hs *hs, uint32_t reason)
{
	struct smc_peer *p = hs->c->peer;

	if (no_fault_of_peer(hs, reason))
		p->reason = reason;
	else
		smc_peer_failed(hs->ss, p, reason, 0);
}

void smc_hs_decline(struct smc_hs *hs, uint32_t reason)
{
	struct smc_stack *ss = hs->ss;
	struct smc_conn *c = hs->c;
	uint8_t buf[CLC_DECLINE_MAX_LEN];

	if (!smc_hs_send(hs, buf, encode(ss, hs->version, reason, buf))) {
		smc_hs_fail(hs, reason, ENOBUFS);
		return;
	}
	ss->stats.role[c->role].declines_out++;
	smc_count_fallback(ss, c->role, reason, 0);
	c->peer->fallbacks++;
	blame_peer(hs, reason);
	decide(hs, SMC_OUT_TCP, reason, 0, 0);
}

void smc_hs_declined(struct smc_hs *hs, const struct clc_decline *d)
{
	struct smc_stack *ss = hs->ss;
	struct smc_conn *c = hs->c;
	struct smc_lgr *lgr = d->out_of_sync && hs->held && !hs->first_contact ? hs->lgr : NULL;
	/* A diagnosis of 0 must not look like none. */
	uint32_t peer_reason = d->diagnosis != 0 ? d->diagnosis : SMC_RSN_PEERDECL;

	ss->stats.role[c->role].declines_in++;
	smc_count_fallback(ss, c->role, SMC_RSN_PEERDECL, peer_reason);
	c->peer->fallbacks++;
	smc_peer_failed(ss, c->peer, SMC_RSN_PEERDECL, peer_reason);
	if (lgr != NULL) {
		smc_lgr_hold(lgr);
		smc_hs_undo(hs);
		smc_lgr_end(lgr, LLC_DEL_PROGRAM, false);
		smc_lgr_unhold(lgr);
	}
	decide(hs, SMC_OUT_TCP, SMC_RSN_PEERDECL, peer_reason, 0);
}

int smc_swallow(struct smc_stack *ss, struct tcp_conn *tcp)
{
	uint8_t buf[CLC_DECLINE_MAX_LEN];
	uint32_t n = smc_tcp_look(tcp, buf, sizeof(buf));
	struct clc_decline d;
	int len = n == 0 ? 0 : clc_peek_length(buf, n);

	/* Too long for a DECLINE is as good as something else. */
	if (len == -EAGAIN && (n < CLC_HEADER_LEN ||
			       (clc_type(buf) == CLC_DECLINE && n < sizeof(buf))))
		return -EAGAIN;
	if (len <= 0 || clc_decode_decline(buf, (size_t)len, &d) < 0)
		return 0;
	tcp_consume(tcp, (uint32_t)len);
	ss->stats.swallowed_declines++;
	return 0;
}

/* ---- not at all ------------------------------------------------------------------ */

void smc_hs_fail(struct smc_hs *hs, uint32_t reason, int error)
{
	hs->ss->stats.role[hs->c->role].handshake_errors++;
	blame_peer(hs, reason);
	decide(hs, SMC_OUT_FAILED, reason, 0, error);
}

void smc_hs_lost(struct smc_hs *hs, uint32_t reason, int error)
{
	struct smc_stack *ss = hs->ss;
	struct smc_conn *c = hs->c;

	if (c->role == SMC_SERVER || hs->answered) {
		smc_hs_fail(hs, reason, error);
		return;
	}
	ss->stats.role[SMC_CLIENT].reconnects++;
	ss->stats.reflected++;
	smc_count_fallback(ss, SMC_CLIENT, reason, 0);
	c->peer->fallbacks++;
	smc_peer_reflected(ss, c->peer, reason);
	decide(hs, SMC_OUT_RECONNECT, reason, 0, 0);
}
