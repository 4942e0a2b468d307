/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP and the life of neighbours; scenarios 143 to 145 among them. */
#include <errno.h>

#include "tests/unit/net/fixture.h"

static struct fix f;

static const struct rte_arp_hdr *arp_out(unsigned i)
{
	CU_ASSERT_FATAL(i < f.n_out);
	CU_ASSERT(rte_pktmbuf_mtod(f.out[i], struct rte_ether_hdr *)->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP));
	return rte_pktmbuf_mtod_offset(f.out[i], struct rte_arp_hdr *, 14);
}

static bool is_arp(unsigned i)
{
	return i < f.n_out &&
	       rte_pktmbuf_mtod(f.out[i], struct rte_ether_hdr *)->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP);
}

static const struct rte_ether_addr *dst_mac(unsigned i)
{
	return &rte_pktmbuf_mtod(f.out[i], struct rte_ether_hdr *)->dst_addr;
}

static struct neigh *entry(rte_be32_t v4)
{
	const struct net_addr a = net_addr_v4(v4);

	return neigh_find(f.st, 0, &a);
}

static int state(rte_be32_t v4)
{
	const struct neigh *n = entry(v4);

	return n == NULL ? -1 : n->state;
}

static void open_path(struct net_path *p, rte_be32_t dst)
{
	struct net_addr src = { 0 };
	const struct net_addr d = net_addr_v4(dst);

	CU_ASSERT_FATAL(net_path_open(f.st, p, &src, &d) == 0);
}

static int send_to(struct net_path *p, unsigned payload)
{
	return net_path_send(f.st, p, fix_segment(US, PEER, payload), NET_TX_DATA);
}

/* ---- requests and replies: table --------------------------------------------- */

struct arp_case {
	const char *what;
	uint16_t op;
	const struct rte_ether_addr *sha, *eth_dst;
	rte_be32_t sip, tip;
	enum net_drop why;
	bool reply, learnt, known; /* known: PEER is in the table before, as fix_peer */
};

static void arp_input__table(void)
{
	static const struct rte_ether_addr group = { { 0x03, 0, 0, 0, 0, 9 } };
	static const struct arp_case t[] = {
		{ "request for us", 1, &fix_peer, &fix_all, PEER, US, DROP_ARP_DONE, true, true, false },
		{ "unicast request for us", 1, &fix_peer, &fix_us, PEER, US, DROP_ARP_DONE, true, true, false },
		{ "probe for us", 1, &fix_peer, &fix_all, 0, US, DROP_ARP_DONE, true, false, false },
		{ "probe for another", 1, &fix_peer, &fix_all, 0, IP(10, 0, 0, 3), DROP_ARP_NOT_OURS, false, false, false },
		{ "request for another", 1, &fix_peer, &fix_all, PEER, IP(10, 0, 0, 3), DROP_ARP_NOT_OURS, false, false, false },
		{ "request for broadcast", 1, &fix_peer, &fix_all, PEER, IP(10, 0, 0, 255), DROP_ARP_NOT_OURS, false, false, false },
		{ "request for 0", 1, &fix_peer, &fix_all, PEER, 0, DROP_ARP_NOT_OURS, false, false, false },
		{ "request for our other subnet", 1, &fix_peer, &fix_all, PEER, US_VLAN, DROP_ARP_NOT_OURS, false, false, false },
		{ "gratuitous of a stranger", 1, &fix_peer, &fix_all, PEER, PEER, DROP_ARP_UNSOLICITED, false, false, false },
		{ "gratuitous, the same", 1, &fix_peer, &fix_all, PEER, PEER, DROP_ARP_DONE, false, true, true },
		{ "gratuitous, new MAC at once", 1, &fix_other, &fix_all, PEER, PEER, DROP_ARP_RATE, false, true, true },
		{ "request, new MAC at once", 1, &fix_other, &fix_all, PEER, US, DROP_ARP_RATE, true, true, true },
		{ "reply unasked", 2, &fix_peer, &fix_us, PEER, US, DROP_ARP_UNSOLICITED, false, false, false },
		{ "sender off link", 1, &fix_peer, &fix_all, FAR, US, DROP_ARP_BAD, false, false, false },
		{ "sender multicast", 1, &fix_peer, &fix_all, IP(224, 0, 0, 1), US, DROP_ARP_BAD, false, false, false },
		{ "sender 0 in a reply", 2, &fix_peer, &fix_us, 0, US, DROP_ARP_BAD, false, false, false },
		{ "sender MAC a group", 1, &group, &fix_all, PEER, US, DROP_ARP_BAD, false, false, false },
		{ "sender MAC ours", 1, &fix_us, &fix_all, PEER, US, DROP_ARP_BAD, false, false, false },
		{ "operation 3", 3, &fix_peer, &fix_all, PEER, US, DROP_ARP_BAD, false, false, false },
		{ "our address, other MAC", 1, &fix_peer, &fix_all, US, PEER, DROP_ARP_DONE, true, false, false },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		const struct arp_case *c = &t[i];
		uint64_t before;
		bool ok;

		fix_init(&f, NULL);
		if (c->known)
			fix_learn(&f, &fix_peer, PEER);
		before = fix_drop(&f, c->why);
		fix_input(&f, fix_arp(c->op, c->sha, c->sip, c->tip, c->eth_dst));
		ok = fix_drop(&f, c->why) == before + 1 && f.n_out == c->reply && (entry(PEER) != NULL) == c->learnt;
		if (!ok)
			fprintf(stderr, "case: %s\n", c->what);
		CU_ASSERT(ok);
		if (c->learnt)
			CU_ASSERT(rte_is_same_ether_addr(&entry(PEER)->mac, &fix_peer));
		fix_fini(&f);
	}
}

static void arp_input__malformed(void)
{
	/* octet of the ARP header to spoil */
	static const unsigned at[] = { 0, 1, 2, 3, 4, 5, 6, 8 };

	for (unsigned i = 0; i < RTE_DIM(at); i++) {
		struct rte_mbuf *m;

		fix_init(&f, NULL);
		m = fix_arp(1, &fix_peer, PEER, US, &fix_all);
		rte_pktmbuf_mtod(m, uint8_t *)[14 + at[i]] ^= 0x40;
		fix_input(&f, m);
		CU_ASSERT(fix_drop(&f, DROP_ARP_BAD) == 1 && f.n_out == 0 && entry(PEER) == NULL);
		fix_fini(&f);
	}
	for (unsigned len = 14; len < 42; len += 9) {
		struct rte_mbuf *m;

		fix_init(&f, NULL);
		m = fix_arp(1, &fix_peer, PEER, US, &fix_all);
		rte_pktmbuf_trim(m, m->pkt_len - len);
		fix_input(&f, m);
		CU_ASSERT(fix_drop(&f, DROP_ARP_SHORT) == 1 && f.n_out == 0);
		fix_fini(&f);
	}
}

static void arp_reply__is_unicast_and_exact(void)
{
	const struct rte_arp_hdr *a;

	fix_init(&f, NULL);
	fix_input(&f, fix_arp(1, &fix_peer, PEER, US, &fix_all));
	a = arp_out(0);
	CU_ASSERT(rte_is_same_ether_addr(dst_mac(0), &fix_peer));
	CU_ASSERT(a->arp_opcode == RTE_BE16(2) && a->arp_data.arp_sip == US && a->arp_data.arp_tip == PEER);
	CU_ASSERT(rte_is_same_ether_addr(&a->arp_data.arp_sha, &fix_us));
	CU_ASSERT(rte_is_same_ether_addr(&a->arp_data.arp_tha, &fix_peer));
	fix_fini(&f);
}

static void arp_reply__carries_the_tag(void)
{
	struct rte_mbuf *m;

	fix_init(&f, NULL);
	m = fix_arp(1, &fix_peer, IP(10, 1, 0, 2), US_VLAN, &fix_all);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 100;
	fix_input(&f, m);
	CU_ASSERT_FATAL(f.n_out == 1 && f.out_ifx[0] == 1);
	const uint8_t *b = rte_pktmbuf_mtod(f.out[0], const uint8_t *);
	CU_ASSERT(b[12] == 0x81 && b[13] == 0 && b[14] == 0 && b[15] == 100 && b[16] == 8 && b[17] == 6);
	CU_ASSERT(f.out[0]->l2_len == 18 && f.out[0]->pkt_len == 18 + 28);
	fix_fini(&f);
}

/* 143: a gratuitous change of a live entry, at most once a second. */
static void neigh__changes_at_most_once_a_second(void)
{
	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_advance(&f, 2 * NET_S);
	fix_input(&f, fix_arp(1, &fix_other, PEER, PEER, &fix_all));
	CU_ASSERT(rte_is_same_ether_addr(&entry(PEER)->mac, &fix_other));
	fix_input(&f, fix_arp(1, &fix_peer, PEER, PEER, &fix_all));
	CU_ASSERT(rte_is_same_ether_addr(&entry(PEER)->mac, &fix_other) && fix_drop(&f, DROP_ARP_RATE) == 1);
	fix_advance(&f, NET_S);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, PEER, &fix_all));
	CU_ASSERT(rte_is_same_ether_addr(&entry(PEER)->mac, &fix_peer));
	fix_fini(&f);
}

static void neigh__request_for_another_updates_an_entry(void)
{
	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_advance(&f, 2 * NET_S);
	fix_input(&f, fix_arp(1, &fix_other, PEER, IP(10, 0, 0, 77), &fix_all));
	CU_ASSERT(rte_is_same_ether_addr(&entry(PEER)->mac, &fix_other) && f.n_out == 0);
	fix_fini(&f);
}

/* A question that found no buffer was not asked: it counts as no try. */
static void neigh__no_buffer_is_no_try(void)
{
	static struct rte_mbuf *hold[16384];
	struct net_path p;
	unsigned n = 0;

	fix_init(&f, NULL);
	open_path(&p, PEER);
	while ((hold[n] = rte_pktmbuf_alloc(fix_hdr_pool)) != NULL)
		n++;
	rte_pktmbuf_free(hold[--n]); /* one for the packet */
	CU_ASSERT(send_to(&p, 10) == 0);
	for (unsigned i = 0; i < 100; i++)
		fix_advance(&f, 100 * NET_MS);
	CU_ASSERT(f.n_out == 0 && f.n_unreachable == 0 && state(PEER) == NEIGH_INCOMPLETE);
	CU_ASSERT(net_stats(f.st)->arp_requests == 0 && fix_drop(&f, DROP_TX_NO_MBUF) > 10);
	rte_pktmbuf_free_bulk(hold, n);
	fix_advance(&f, 200 * NET_MS);
	CU_ASSERT(f.n_out == 1 && is_arp(0));
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT(f.n_out == 2 && !is_arp(1) && state(PEER) == NEIGH_REACHABLE);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

/* Small packets that nobody makes again wait in places that all neighbours share; with none left, the oldest goes. */
static void neigh__many_peers_behind_a_router(void)
{
	struct net_path p, q;
	unsigned places = 0;

	fix_init(&f, NULL);
	open_path(&p, PEER);
	open_path(&q, IP(10, 0, 0, 77));
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT(net_path_send(f.st, &p, fix_segment(US, PEER, i), NET_TX_CONTROL) == 0);
	CU_ASSERT(send_to(&p, 0) == 0); /* data has no such place */
	CU_ASSERT(fix_drop(&f, DROP_NEIGH_QUEUE) == 1);
	while (fix_drop(&f, DROP_NEIGH_QUEUE) == 1) {
		CU_ASSERT(net_path_send(f.st, &q, fix_segment(US, PEER, 1), NET_TX_CONTROL) == 0);
		places++;
	}
	CU_ASSERT(places == 3 + fix_hdr_pool->size / 8 - 97 + 1);
	fix_clear_out(&f);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT(f.n_out == 100 && fix_drop(&f, DROP_NEIGH_QUEUE) == 2);
	fix_clear_out(&f);
	for (unsigned i = 0; i < 40; i++)
		fix_advance(&f, 100 * NET_MS);
	CU_ASSERT(fix_drop(&f, DROP_NEIGH_FAILED) == places - 1); /* nobody answered there: all of it is given back */
	net_path_close(f.st, &p);
	net_path_close(f.st, &q);
	fix_fini(&f);
}

static void long_queue(struct net_config *conf, struct net_env *env) { conf->neigh_queue = NET_NEIGH_QUEUE_MAX; }

/* As long as the configuration allows. */
static void neigh__longest_queue(void)
{
	struct net_path p;

	fix_init(&f, long_queue);
	open_path(&p, PEER);
	for (unsigned i = 0; i < NET_NEIGH_QUEUE_MAX + 2; i++)
		CU_ASSERT(send_to(&p, i) == 0);
	CU_ASSERT(fix_drop(&f, DROP_NEIGH_QUEUE) == 2);
	fix_clear_out(&f);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT(f.n_out == NET_NEIGH_QUEUE_MAX);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

/* 144: ten packets, three kept, three requests, then host unreachable. */
static void neigh__queue_and_failure(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	open_path(&p, PEER);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT(send_to(&p, 10 + i) == 0);
	CU_ASSERT(f.n_out == 1 && fix_drop(&f, DROP_NEIGH_QUEUE) == 7);
	CU_ASSERT(arp_out(0)->arp_data.arp_tip == PEER && rte_is_broadcast_ether_addr(dst_mac(0)));
	CU_ASSERT(arp_out(0)->arp_data.arp_sip == US);
	fix_advance(&f, NET_S - 100);
	CU_ASSERT(f.n_out == 1);
	fix_advance(&f, 200);
	CU_ASSERT(f.n_out == 2);
	fix_advance(&f, NET_S);
	CU_ASSERT(f.n_out == 3 && f.n_unreachable == 0);
	fix_advance(&f, NET_S);
	CU_ASSERT(f.n_out == 3 && f.n_unreachable == 1 && fix_drop(&f, DROP_NEIGH_FAILED) == 3);
	CU_ASSERT(send_to(&p, 1) == -EHOSTUNREACH && fix_drop(&f, DROP_NEIGH_FAILED) == 4);
	fix_advance(&f, 7 * NET_S); /* failure is held 5 to 7 s, then asked anew */
	CU_ASSERT(send_to(&p, 1) == 0 && f.n_out == 4 && is_arp(3));
	net_path_close(f.st, &p);
	for (unsigned i = 0; i < 10; i++)
		fix_advance(&f, NET_S);
	CU_ASSERT(entry(PEER) == NULL);
	fix_fini(&f);
}

static void neigh__answer_sends_the_newest_in_order(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	open_path(&p, PEER);
	for (unsigned i = 0; i < 5; i++)
		send_to(&p, 100 + i);
	fix_clear_out(&f);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT_FATAL(f.n_out == 3);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(f.out[i]->pkt_len == 14 + 40 + 102 + i && f.out[i]->l2_len == 14);
		CU_ASSERT(rte_is_same_ether_addr(dst_mac(i), &fix_peer));
	}
	CU_ASSERT(state(PEER) == NEIGH_REACHABLE && send_to(&p, 9) == 0 && f.n_out == 4);
	/* A second answer from elsewhere comes too late. */
	fix_input(&f, fix_arp(2, &fix_other, PEER, US, &fix_us));
	CU_ASSERT(rte_is_same_ether_addr(&entry(PEER)->mac, &fix_peer) && fix_drop(&f, DROP_ARP_RATE) == 1);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

/* An answer to us must be addressed to us. */
static void neigh__answer_to_others_is_hearsay(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	open_path(&p, PEER);
	send_to(&p, 1);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, IP(10, 0, 0, 9), &fix_all));
	CU_ASSERT(state(PEER) == NEIGH_DELAY); /* usable, unproven */
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void resolved(struct net_path *p)
{
	open_path(p, PEER);
	send_to(p, 1);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT_FATAL(state(PEER) == NEIGH_REACHABLE);
	fix_clear_out(&f);
}

static void neigh__probed_by_unicast_before_it_expires(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	resolved(&p);
	fix_advance(&f, 46 * NET_S);
	CU_ASSERT(state(PEER) == NEIGH_STALE && f.n_out == 0);
	send_to(&p, 1);
	CU_ASSERT(state(PEER) == NEIGH_DELAY && f.n_out == 1);
	fix_advance(&f, 5 * NET_S + 20);
	CU_ASSERT(state(PEER) == NEIGH_PROBE && f.n_out == 2 && is_arp(1));
	CU_ASSERT(rte_is_same_ether_addr(dst_mac(1), &fix_peer));
	send_to(&p, 1); /* still goes there */
	CU_ASSERT(f.n_out == 3 && !is_arp(2));
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT(state(PEER) == NEIGH_REACHABLE);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void neigh__probes_then_broadcasts_then_fails(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	resolved(&p);
	fix_advance(&f, 46 * NET_S);
	send_to(&p, 1);
	fix_clear_out(&f);
	fix_advance(&f, 5 * NET_S + 20);
	for (unsigned i = 0; i < 6; i++) {
		CU_ASSERT(f.n_out == i + 1 && rte_is_broadcast_ether_addr(dst_mac(i)) == (i >= 3));
		CU_ASSERT(f.n_unreachable == 0);
		fix_advance(&f, NET_S + 20);
	}
	CU_ASSERT(f.n_out == 6 && f.n_unreachable == 1 && state(PEER) == NEIGH_FAILED);
	CU_ASSERT(send_to(&p, 1) == -EHOSTUNREACH);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void neigh__progress_keeps_it_alive(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	resolved(&p);
	for (unsigned i = 0; i < 100; i++) {
		fix_advance(&f, 2 * NET_S);
		net_path_confirm(f.st, &p);
		send_to(&p, 1);
		CU_ASSERT(state(PEER) == NEIGH_REACHABLE);
	}
	CU_ASSERT(net_stats(f.st)->arp_requests == 1);
	fix_advance(&f, 46 * NET_S);
	send_to(&p, 1);
	CU_ASSERT(state(PEER) == NEIGH_DELAY);
	net_path_confirm(f.st, &p);
	CU_ASSERT(state(PEER) == NEIGH_REACHABLE);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void neigh__new_address_reaches_every_path(void)
{
	struct net_path p;

	fix_init(&f, NULL);
	resolved(&p);
	send_to(&p, 1);
	fix_advance(&f, 2 * NET_S);
	fix_input(&f, fix_arp(1, &fix_other, PEER, PEER, &fix_all));
	send_to(&p, 1);
	CU_ASSERT(f.n_out == 2 && rte_is_same_ether_addr(dst_mac(0), &fix_peer) &&
		  rte_is_same_ether_addr(dst_mac(1), &fix_other));
	net_path_close(f.st, &p);
	fix_fini(&f);
}

/* 145 */
static void arp__defends_once_in_ten_seconds(void)
{
	fix_init(&f, NULL);
	for (unsigned i = 0; i < 25; i++) {
		fix_input(&f, fix_arp(1, &fix_other, US, PEER, &fix_all));
		fix_input(&f, fix_arp(2, &fix_other, US, PEER, &fix_all));
		fix_advance(&f, NET_S);
	}
	CU_ASSERT(f.n_out == 3); /* at 0, 10 and 20 s */
	for (unsigned i = 0; i < f.n_out; i++)
		CU_ASSERT(arp_out(i)->arp_data.arp_sip == US && arp_out(i)->arp_data.arp_tip == US &&
			  rte_is_broadcast_ether_addr(dst_mac(i)));
	CU_ASSERT(net_stats(f.st)->arp_conflicts == 50 && f.n_conflict == 25);
	fix_fini(&f);
}

static void announce(struct net_config *conf, struct net_env *env)
{
	conf->ifs[0].arp_announce = true;
	conf->ifs[1].arp_probe = true;
}

static void arp__announces_and_probes_at_start(void)
{
	unsigned probes = 0, announcements[2] = { 0 };

	fix_init(&f, announce);
	net_stack_start(f.st);
	for (unsigned i = 0; i < 200; i++)
		fix_advance(&f, NET_S / 10);
	for (unsigned i = 0; i < f.n_out; i++) {
		const struct rte_arp_hdr *a =
			rte_pktmbuf_mtod_offset(f.out[i], struct rte_arp_hdr *, f.out[i]->l2_len);

		if (a->arp_data.arp_sip == 0)
			probes++;
		else
			announcements[f.out_ifx[i]]++;
	}
	CU_ASSERT(probes == 3 && announcements[0] == 2 && announcements[1] == 2 && f.n_out == 7);
	fix_fini(&f);
}

/* The interface has moved: whatever its configuration says, and none of the others. */
static void arp__announces_again_when_asked(void)
{
	fix_init(&f, NULL);
	net_stack_start(f.st);
	net_announce(f.st, 0);
	net_announce(f.st, 0); /* asked twice in a row: announced as once */
	net_announce(f.st, 200);
	for (unsigned i = 0; i < 100; i++)
		fix_advance(&f, NET_S / 10);
	CU_ASSERT_EQUAL(f.n_out, 2);
	for (unsigned i = 0; i < f.n_out; i++)
		CU_ASSERT(f.out_ifx[i] == 0 && rte_is_broadcast_ether_addr(dst_mac(i)) &&
			  arp_out(i)->arp_data.arp_sip == arp_out(i)->arp_data.arp_tip);
	net_announce(f.st, 0);
	fix_advance(&f, NET_S / 10);
	CU_ASSERT_EQUAL(f.n_out, 3);
	fix_fini(&f);
}

/* ---- limits ------------------------------------------------------------------------ */

static void small(struct net_config *conf, struct net_env *env)
{
	conf->neigh_max = 16;
	conf->neigh_unresolved_max = 4;
	conf->ifs[0].addrs[0].prefix_len = 16;
}

static void neigh__a_scan_does_not_evict_live_entries(void)
{
	struct net_path live[8], p;
	unsigned refused = 0;

	fix_init(&f, small);
	for (unsigned i = 0; i < 8; i++) {
		fix_learn(&f, &fix_peer, IP(10, 0, 1, i + 1));
		open_path(&live[i], IP(10, 0, 1, i + 1));
	}
	for (unsigned i = 0; i < 200; i++) {
		struct net_addr src = { 0 }, dst = net_addr_v4(IP(10, 0, 2, i + 1));

		if (net_path_open(f.st, &p, &src, &dst) < 0) {
			refused++;
			continue;
		}
		send_to(&p, 1);
		net_path_close(f.st, &p);
		fix_clear_out(&f);
	}
	CU_ASSERT(refused == 0 && fix_drop(&f, DROP_NEIGH_QUEUE) == 196);
	for (unsigned i = 0; i < 8; i++) {
		CU_ASSERT(entry(IP(10, 0, 1, i + 1)) != NULL && entry(IP(10, 0, 1, i + 1))->has_mac);
		net_path_close(f.st, &live[i]);
	}
	fix_fini(&f);
}

static void neigh__quota_of_unresolved(void)
{
	struct net_path p[5];

	fix_init(&f, small);
	for (unsigned i = 0; i < 4; i++)
		open_path(&p[i], IP(10, 0, 2, i + 1));
	struct net_addr src = { 0 }, dst = net_addr_v4(IP(10, 0, 2, 9));
	CU_ASSERT(net_path_open(f.st, &p[4], &src, &dst) == -ENOBUFS && fix_drop(&f, DROP_NEIGH_FULL) == 1);
	/* who speaks to us is learnt all the same */
	fix_learn(&f, &fix_peer, IP(10, 0, 1, 1));
	CU_ASSERT(entry(IP(10, 0, 1, 1)) != NULL);
	for (unsigned i = 0; i < 4; i++)
		net_path_close(f.st, &p[i]);
	CU_ASSERT(f.st->neigh.unresolved == 0 && f.st->neigh.pool.used == 1);
	fix_fini(&f);
}

static void neigh__full_of_pinned_entries(void)
{
	struct net_path p[16];

	fix_init(&f, small);
	for (unsigned i = 0; i < 16; i++) {
		fix_learn(&f, &fix_peer, IP(10, 0, 1, i + 1));
		open_path(&p[i], IP(10, 0, 1, i + 1));
	}
	fix_learn(&f, &fix_peer, IP(10, 0, 1, 99));
	CU_ASSERT(entry(IP(10, 0, 1, 99)) == NULL && fix_drop(&f, DROP_NEIGH_FULL) == 1);
	net_path_close(f.st, &p[5]);
	fix_learn(&f, &fix_peer, IP(10, 0, 1, 99));
	CU_ASSERT(entry(IP(10, 0, 1, 99)) != NULL && entry(IP(10, 0, 1, 6)) == NULL);
	for (unsigned i = 0; i < 16; i++)
		net_path_close(f.st, &p[i]);
	fix_fini(&f);
}

static void neigh__static_never_changes(void)
{
	struct net_neigh_info info = { .addr = net_addr_v4(PEER), .mac = fix_peer }, list[4];
	struct net_path p;

	fix_init(&f, NULL);
	CU_ASSERT(net_neigh_static(f.st, &info) == 0);
	fix_advance(&f, 100 * NET_S);
	fix_input(&f, fix_arp(1, &fix_other, PEER, PEER, &fix_all));
	fix_input(&f, fix_arp(2, &fix_other, PEER, US, &fix_us));
	open_path(&p, PEER);
	send_to(&p, 1);
	CU_ASSERT(f.n_out == 1 && rte_is_same_ether_addr(dst_mac(0), &fix_peer));
	CU_ASSERT(net_neigh_list(f.st, list, 4, 0) == 1 && list[0].permanent && list[0].state == NEIGH_REACHABLE);
	CU_ASSERT(net_neigh_list(f.st, list, 4, 1) == 0);
	net_path_close(f.st, &p);
	info.ifx = 9;
	CU_ASSERT(net_neigh_static(f.st, &info) == -EINVAL);
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(arp_input__table),
	TEST_CASE(arp_input__malformed),
	TEST_CASE(arp_reply__is_unicast_and_exact),
	TEST_CASE(arp_reply__carries_the_tag),
	TEST_CASE(neigh__changes_at_most_once_a_second),
	TEST_CASE(neigh__request_for_another_updates_an_entry),
	TEST_CASE(neigh__many_peers_behind_a_router),
	TEST_CASE(neigh__longest_queue),
	TEST_CASE(neigh__queue_and_failure),
	TEST_CASE(neigh__answer_sends_the_newest_in_order),
	TEST_CASE(neigh__answer_to_others_is_hearsay),
	TEST_CASE(neigh__probed_by_unicast_before_it_expires),
	TEST_CASE(neigh__probes_then_broadcasts_then_fails),
	TEST_CASE(neigh__progress_keeps_it_alive),
	TEST_CASE(neigh__new_address_reaches_every_path),
	TEST_CASE(arp__defends_once_in_ten_seconds),
	TEST_CASE(arp__announces_and_probes_at_start),
	TEST_CASE(arp__announces_again_when_asked),
	TEST_CASE(neigh__no_buffer_is_no_try),
	TEST_CASE(neigh__a_scan_does_not_evict_live_entries),
	TEST_CASE(neigh__quota_of_unresolved),
	TEST_CASE(neigh__full_of_pinned_entries),
	TEST_CASE(neigh__static_never_changes),
};
TEST_MAIN("net_arp", cases)
