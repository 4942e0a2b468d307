/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets SMC: the ordered table, the memory of peers, the limits. Asked at
 * SYN and SYN-ACK. */
#include <errno.h>

#include "proto/smc/handshake_impl.h"

/* fe 06 e2 d4 c3 d9: RFC 6994 style, "SMCR" in EBCDIC. */
const struct tcp_user_opt smc_tcp_opt = { .len = 6, .bytes = { 0xfe, 0x06, 0xe2, 0xd4, 0xc3, 0xd9 } };

int smc_eid_parse(struct smc_eid *out, const char *text)
{
	return clc_eid_from_text(text, (uint8_t *)out->b);
}

static bool eid_valid(const struct smc_eid *e)
{
	char text[CLC_EID_LEN + 1];
	struct smc_eid again;

	clc_eid_text((const uint8_t *)e->b, text);
	return smc_eid_parse(&again, text) == 0 && memcmp(&again, e, sizeof(again)) == 0;
}

int smc_set_eids(struct smc_stack *ss, const struct smc_eid *eids, unsigned n)
{
	if (n > SMC_MAX_EIDS)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (!eid_valid(&eids[i]))
			return -EINVAL;
	if (n != 0)
		memcpy(ss->conf.eids, eids, n * sizeof(*eids));
	ss->conf.n_eids = (uint8_t)n;
	ss->strangers_may = false;
	return 0;
}

static unsigned family_bits(uint8_t family)
{
	return family == NET_IPV4 ? 32 : 128;
}

int smc_set_policies(struct smc_stack *ss, const struct smc_policy *policies, unsigned n)
{
	if (n > SMC_MAX_POLICIES)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		const struct smc_policy *p = &policies[i];

		if (memchr(p->service, '\0', sizeof(p->service)) == NULL)
			return -EINVAL;
		if (p->peer.family != NET_UNSPEC && p->prefix_len > family_bits(p->peer.family))
			return -EINVAL;
	}
	if (n != 0)
		memcpy(ss->conf.policies, policies, n * sizeof(*policies));
	ss->conf.n_policies = (uint8_t)n;
	ss->strangers_may = false;
	return 0;
}

bool smc_in_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static bool fits(const struct smc_policy *p, const uint8_t peer[16], uint8_t family, uint16_t port, const char *service)
{
	if (p->port != 0 && p->port != port)
		return false;
	if (p->service[0] != '\0' && (service == NULL || strcmp(p->service, service) != 0))
		return false;
	return p->peer.family == NET_UNSPEC ||
	       (p->peer.family == family &&
		smc_in_prefix(p->peer.b, peer, 128 - family_bits(family) + p->prefix_len));
}

static bool policy_says_smc(const struct smc_stack *ss, const uint8_t peer[16], uint8_t family, uint16_t port,
			    const char *service)
{
	for (unsigned i = 0; i < ss->conf.n_policies; i++)
		if (fits(&ss->conf.policies[i], peer, family, port, service))
			return ss->conf.policies[i].smc;
	return true;
}

static bool some_device(const struct smc_stack *ss)
{
	for (unsigned i = 0; i < ss->n_devs; i++)
		if (ss->devs[i].enabled)
			return true;
	return false;
}

/* What would be declined in the end is better not begun: a first contact, or a
 * PROPOSAL at least, costs several times what a TCP connection does. */
static uint32_t no_room(struct smc_stack *ss, enum smc_role role, const struct smc_peer *p)
{
	if (!smc_bufs_room(ss, p)) {
		ss->stats.refused_memory++;
		return SMC_RSN_MEM;
	}
	if (!smc_lgr_room(ss, role, p)) {
		ss->stats.refused_quota++;
		return SMC_RSN_OWN_LIMIT;
	}
	return 0;
}

/* Why not: 0, or the reason. The cheap questions first. */
static uint32_t refusal(struct smc_stack *ss, enum smc_role role, const struct net_addr *peer, uint16_t port,
			const char *service)
{
	const struct smc_peer *p;
	uint32_t reason;

	if (!ss->conf.enabled || ss->stopping)
		return SMC_RSN_OWN_DISABLED;
	if (!policy_says_smc(ss, peer->b, peer->family, port, service)) {
		ss->stats.refused_policy++;
		return SMC_RSN_OWN_POLICY;
	}
	if (ss->conf.n_eids == 0 || !some_device(ss))
		return SMC_RSN_NOSMCDEV;
	p = smc_peer_find(ss, peer);
	if (p != NULL && smc_peer_remembered(ss, p)) {
		ss->stats.remembered++;
		return SMC_RSN_OWN_REMEMBERED;
	}
	if (ss->handshakes.used >= ss->conf.handshakes_max ||
	    (p != NULL && p->handshakes >= ss->conf.handshakes_per_peer)) {
		ss->stats.refused_quota++;
		return SMC_RSN_OWN_LIMIT;
	}
	reason = no_room(ss, role, p);
	if (reason == 0)
		ss->strangers_may = ss->conf.n_policies == 0;
	return reason;
}

/* Most peers of a host that speaks little SMC: nobody is known, nothing in use, and the
 * last answer was yes. What else it depends on clears that when it changes. */
static bool is_stranger(const struct smc_stack *ss)
{
	return ss->strangers_may && (ss->peers.used | ss->lgrs.used | ss->handshakes.used) == 0;
}

bool smc_offer(struct smc_stack *ss, const struct net_addr *raddr, rte_be16_t rport, const char *service,
	       uint32_t *reason)
{
	*reason = 0;
	if (likely(is_stranger(ss)))
		return true;
	*reason = refusal(ss, SMC_CLIENT, raddr, rte_be_to_cpu_16(rport), service);
	return *reason == 0;
}

bool smc_answer(struct smc_stack *ss, const struct net_flow *flow, const char *service, uint32_t *reason)
{
	struct net_addr peer = { .family = flow->family };

	*reason = 0;
	if (likely(is_stranger(ss)))
		return true;
	memcpy(peer.b, flow->raddr, sizeof(peer.b));
	*reason = refusal(ss, SMC_SERVER, &peer, rte_be_to_cpu_16(flow->lport), service);
	return *reason == 0;
}

/* ---- reasons counted ---------------------------------------------------------- */

static void count_reason(struct smc_role_stats *st, bool peers, uint32_t reason)
{
	for (unsigned i = 0; i < SMC_REASON_SLOTS; i++) {
		uint32_t *r = peers ? &st->peer_why[i].reason : &st->why[i].reason;
		uint64_t *n = peers ? &st->peer_why[i].count : &st->why[i].count;

		if (*r != reason && *n != 0)
			continue;
		*r = reason;
		(*n)++;
		return;
	}
}

void smc_count_fallback(struct smc_stack *ss, enum smc_role role, uint32_t reason, uint32_t peer_reason)
{
	struct smc_role_stats *st = &ss->stats.role[role];

	st->fallbacks++;
	count_reason(st, false, reason);
	if (peer_reason != 0)
		count_reason(st, true, peer_reason);
}

void smc_no_option(struct smc_stack *ss, enum smc_role role, uint32_t reason)
{
	smc_count_fallback(ss, role, reason, 0);
}
