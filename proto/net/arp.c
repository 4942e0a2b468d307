/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP (RFC 826) with address conflict detection (RFC 5227): answers for our
 * addresses, learns only what was asked for or what speaks to us, and defends.
 */
#include <errno.h>

#include <rte_arp.h>

#include "proto/net/net_impl.h"

#define ARP_PROBES 3            /* RFC 5227 1.1 */
#define ARP_ANNOUNCEMENTS 2
#define ARP_STEP_US (2 * NET_S)
#define DEFEND_INTERVAL_US (10 * NET_S)
#define ALARM_INTERVAL_US (1 * NET_S)

static const struct rte_ether_addr eth_broadcast = { .addr_bytes = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct rte_ether_addr eth_zero;

/* ---- out ---------------------------------------------------------------- */

static int arp_send(struct net_stack *st, const struct net_if *ifp, uint16_t op,
		     const struct rte_ether_addr *eth_dst, const struct rte_arp_ipv4 *body)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(st->conf.hdr_pool);
	struct rte_arp_hdr *arp;
	uint8_t l2[NET_L2_MAX + 2];

	if (m == NULL) {
		net_drop_count(&st->stats, DROP_TX_NO_MBUF);
		return -ENOMEM;
	}
	arp = rte_pktmbuf_mtod(m, struct rte_arp_hdr *);
	m->data_len = sizeof(*arp);
	m->pkt_len = sizeof(*arp);
	arp->arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = sizeof(rte_be32_t);
	arp->arp_opcode = rte_cpu_to_be_16(op);
	arp->arp_data = *body;
	st->stats.tx_arp++;
	net_eth_send(st, ifp, m, l2, net_eth_header(ifp, eth_dst, RTE_ETHER_TYPE_ARP, l2), NET_TX_CONTROL);
	return 0;
}

int arp_request(struct net_stack *st, const struct net_if *ifp, rte_be32_t sender, rte_be32_t target,
		 const struct rte_ether_addr *to)
{
	const struct rte_arp_ipv4 body = {
		.arp_sha = ifp->mac, .arp_sip = sender, .arp_tha = to != NULL ? *to : eth_zero, .arp_tip = target,
	};

	int rc = arp_send(st, ifp, RTE_ARP_OP_REQUEST, to != NULL ? to : &eth_broadcast, &body);

	st->stats.arp_requests += rc == 0;
	return rc;
}

static void arp_announce(struct net_stack *st, const struct net_if *ifp, rte_be32_t v4)
{
	(void)arp_request(st, ifp, v4, v4, NULL);
}

static void arp_reply(struct net_stack *st, const struct net_if *ifp, const struct rte_arp_ipv4 *req)
{
	const struct rte_arp_ipv4 body = {
		.arp_sha = ifp->mac, .arp_sip = req->arp_tip, .arp_tha = req->arp_sha, .arp_tip = req->arp_sip,
	};

	(void)arp_send(st, ifp, RTE_ARP_OP_REPLY, &req->arp_sha, &body);
}

/* ---- start (RFC 5227 2.1.1, 2.3) ----------------------------------------- */

void arp_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct net_stack *st = ctx;
	struct arp_announce *a = container_of(t, struct arp_announce, timer);
	const struct net_if *ifp = &st->conf.ifs[a->ifx];
	bool probe = a->probes > 0;
	uint64_t wait = ARP_STEP_US;

	for (unsigned i = 0; i < ifp->n_addrs; i++)
		arp_request(st, ifp, probe ? 0 : ifp->addrs[i].addr.v4, ifp->addrs[i].addr.v4, NULL);
	if (probe) {
		a->probes--;
		if (a->probes > 0)
			wait = NET_S + net_random_below(st, NET_S);
	} else {
		a->announcements--;
	}
	if (a->probes > 0 || a->announcements > 0)
		wheel_arm(st->wheel, t, WHEEL_ARP, now_us + wait);
}

void arp_start(struct net_stack *st)
{
	for (unsigned i = 0; i < st->conf.n_ifs; i++) {
		const struct net_if *ifp = &st->conf.ifs[i];
		struct arp_announce *a = &st->announce[i];

		if (ifp->n_addrs == 0 || (!ifp->arp_announce && !ifp->arp_probe))
			continue;
		a->ifx = i;
		a->probes = ifp->arp_probe ? ARP_PROBES : 0;
		a->announcements = ARP_ANNOUNCEMENTS;
		wheel_arm(st->wheel, &a->timer, WHEEL_ARP, st->now_us);
	}
}

void net_announce(struct net_stack *st, uint8_t ifx)
{
	struct arp_announce *a;

	if (!st->conf.neigh_owner || ifx >= st->conf.n_ifs || st->conf.ifs[ifx].n_addrs == 0)
		return;
	a = &st->announce[ifx];
	if (a->probes > 0)
		return; /* announces at its end */
	a->ifx = ifx;
	a->announcements = ARP_ANNOUNCEMENTS;
	wheel_cancel(st->wheel, &a->timer);
	wheel_arm(st->wheel, &a->timer, WHEEL_ARP, st->now_us);
}

/* ---- in ------------------------------------------------------------------ */

/* Somebody else says our address is his (RFC 5227 2.4 b): one announcement in
 * ten seconds, go on serving, and tell. */
static void arp_conflict(struct net_stack *st, const struct net_if *ifp, int idx,
			 const struct rte_ether_addr *mac)
{
	const struct net_addr *addr = &ifp->addrs[idx].addr;
	uint64_t *defended = &st->defended_us[ifp->ifx][idx];
	uint64_t *alarmed = &st->alarmed_us[ifp->ifx][idx];

	st->stats.arp_conflicts++;
	if (*defended == 0 || st->now_us - *defended >= DEFEND_INTERVAL_US) {
		*defended = RTE_MAX(st->now_us, 1u);
		arp_announce(st, ifp, addr->v4);
	}
	if (st->env.conflict != NULL && (*alarmed == 0 || st->now_us - *alarmed >= ALARM_INTERVAL_US)) {
		*alarmed = RTE_MAX(st->now_us, 1u);
		st->env.conflict(st->env.ctx, ifp, addr, mac);
	}
}

static bool arp_valid(const struct net_if *ifp, const struct rte_ether_hdr *eth,
		      const struct rte_arp_hdr *arp)
{
	const struct rte_ether_addr *sha = &arp->arp_data.arp_sha;
	rte_be32_t sip = arp->arp_data.arp_sip;

	if (arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
	    arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
	    arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != sizeof(rte_be32_t))
		return false;
	if (arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST) && arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REPLY))
		return false;
	/* A sender that is no station, is not who sent the frame, or is us. */
	if (!rte_is_valid_assigned_ether_addr(sha) || !rte_is_same_ether_addr(sha, &eth->src_addr) ||
	    rte_is_same_ether_addr(sha, &ifp->mac))
		return false;
	if (sip == 0)
		return arp->arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST); /* a probe */
	return net_if_on_link(ifp, sip) && !net_v4_is_multicast(sip) && !net_v4_is_class_e(sip) &&
	       !net_v4_is_zero_net(sip) && !net_v4_is_loopback(sip);
}

static enum net_drop arp_told(struct net_stack *st, const struct net_if *ifp, const struct rte_arp_ipv4 *body,
			      enum net_drop unknown)
{
	const struct net_addr sender = net_addr_v4(body->arp_sip);
	struct neigh *n = neigh_find(st, ifp->ifx, &sender);

	if (n == NULL)
		return unknown;
	return neigh_told(st, n, &body->arp_sha) ? DROP_ARP_DONE : DROP_ARP_RATE;
}

/* RFC 826: a request for us creates or updates, any other only updates. */
static enum net_drop arp_request_in(struct net_stack *st, const struct net_if *ifp,
				    const struct rte_arp_ipv4 *body)
{
	const struct net_addr sender = net_addr_v4(body->arp_sip);
	struct neigh *n;

	if (body->arp_sip != 0 && body->arp_sip == body->arp_tip)
		return arp_told(st, ifp, body, DROP_ARP_UNSOLICITED);
	if (net_if_addr_index(ifp, body->arp_tip) < 0) {
		if (body->arp_sip == 0)
			return DROP_ARP_NOT_OURS;
		arp_told(st, ifp, body, DROP_ARP_NOT_OURS);
		return DROP_ARP_NOT_OURS;
	}
	arp_reply(st, ifp, body);
	if (body->arp_sip == 0)
		return DROP_ARP_DONE;
	n = neigh_get(st, ifp->ifx, &sender, true);
	if (n == NULL)
		return DROP_NEIGH_FULL;
	return neigh_told(st, n, &body->arp_sha) ? DROP_ARP_DONE : DROP_ARP_RATE;
}

static enum net_drop arp_reply_in(struct net_stack *st, const struct net_if *ifp,
				  const struct rte_ether_hdr *eth, const struct rte_arp_ipv4 *body)
{
	const struct net_addr sender = net_addr_v4(body->arp_sip);
	struct neigh *n = neigh_find(st, ifp->ifx, &sender);
	bool to_us = rte_is_same_ether_addr(&eth->dst_addr, &ifp->mac) &&
		     net_if_addr_index(ifp, body->arp_tip) >= 0;

	if (n != NULL && to_us && n->tries > 0) {
		neigh_answered(st, n, &body->arp_sha);
		return DROP_ARP_DONE;
	}
	return arp_told(st, ifp, body, DROP_ARP_UNSOLICITED);
}

static enum net_drop arp_handle(struct net_stack *st, struct net_if *ifp, const struct rte_mbuf *m,
				unsigned l3_off)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, const struct rte_arp_hdr *, l3_off);
	int ours;

	if (m->data_len < l3_off + sizeof(*arp))
		return DROP_ARP_SHORT;
	if (!arp_valid(ifp, eth, arp))
		return DROP_ARP_BAD;
	ours = net_if_addr_index(ifp, arp->arp_data.arp_sip);
	if (ours >= 0) {
		arp_conflict(st, ifp, ours, &arp->arp_data.arp_sha);
		return DROP_ARP_DONE;
	}
	if (arp->arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST))
		return arp_request_in(st, ifp, &arp->arp_data);
	return arp_reply_in(st, ifp, eth, &arp->arp_data);
}

void arp_input(struct net_stack *st, struct net_if *ifp, struct rte_mbuf *m, unsigned l3_off)
{
	st->stats.rx_arp++;
	if (!st->conf.neigh_owner && st->env.arp_to_owner != NULL && st->env.arp_to_owner(st->env.ctx, m))
		return;
	net_drop_count(&st->stats, arp_handle(st, ifp, m, l3_off));
	rte_pktmbuf_free(m);
}
