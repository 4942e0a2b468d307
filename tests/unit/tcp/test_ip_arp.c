/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP over IP, ARP and VLAN as they come. */
#include "tests/unit/tcp/scenarios.h"

/* ---- 141, 142: IP ------------------------------------------------------ */

static void fragments(struct script *sc, const uint32_t (*cuts)[2], unsigned n)
{
	struct wire_frame *whole = script_frame(sc, 0, "S 0:100 w65535 mss1460"), *list = NULL,
		**tail = &list;

	for (unsigned i = 0; i < n; i++) {
		*tail = wire_fragment(whole, cuts[i][0], cuts[i][1], cuts[i][1] < 124);
		tail = &(*tail)->next;
	}
	wire_free(whole);
	script_inject(sc, list);
}

#define FRAGMENTS(...) do { \
		static const uint32_t cuts[][2] = { __VA_ARGS__ }; \
		fragments(sc, cuts, sizeof(cuts) / sizeof(cuts[0])); \
	} while (0)

static void expect_served(struct script *sc)
{
	script_step(sc, "U> SA 0 a1");
	script_step(sc, "P> A 1 a1");
	script_step(sc, "ev accept");
}

static void in_order(struct script *sc) { FRAGMENTS({ 0, 64 }, { 64, 124 }); expect_served(sc); }
static void reversed(struct script *sc) { FRAGMENTS({ 64, 124 }, { 0, 64 }); expect_served(sc); }
static void in_three(struct script *sc) { FRAGMENTS({ 0, 48 }, { 96, 124 }, { 48, 96 }); expect_served(sc); }

static void overlapping(struct script *sc)
{
	FRAGMENTS({ 0, 64 }, { 56, 124 });
	script_step(sc, "U> -");
	script_step(sc, "drop frag_overlap >= 1");
}

static void tiny_first(struct script *sc)
{
	FRAGMENTS({ 0, 16 }, { 16, 124 });
	script_step(sc, "U> -");
	script_step(sc, "drop frag_tiny >= 1");
}

static void offset_eight(struct script *sc) /* RFC 1858: rewriting the flags */
{
	FRAGMENTS({ 8, 124 });
	script_step(sc, "U> -");
	script_step(sc, "drop frag_tiny >= 1");
}

static void never_complete(struct script *sc)
{
	FRAGMENTS({ 0, 64 });
	script_step(sc, "U> -");
	script_step(sc, "wait 61s");
	script_step(sc, "discard");
	script_step(sc, "drop frag_timeout >= 1");
}

static void syn_with_ip_option(struct script *sc, const uint8_t *opt, uint8_t len)
{
	struct wire_build b = {
		.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = SCRIPT_P, .daddr = SCRIPT_U, .frag = 0x4000,
		.sport = 40000, .dport = 80, .flags = WIRE_SYN, .win = 65535, .ip_opt_len = len,
		.seq = script_p_isn(sc, 0),
	};

	memcpy(b.ip_opt, opt, len);
	script_inject(sc, wire_tcp_build(&b));
}

static void source_route(struct script *sc)
{
	syn_with_ip_option(sc, (const uint8_t[]){ 131, 7, 4, 10, 0, 0, 1, 0 }, 8);
	script_step(sc, "U> -");
	syn_with_ip_option(sc, (const uint8_t[]){ 137, 7, 4, 10, 0, 0, 1, 0 }, 8);
	script_step(sc, "U> -");
	script_step(sc, "drop ip_source_route = 2");
	script_step(sc, "stat half_open = 0");
}

static void harmless_options(struct script *sc)
{
	syn_with_ip_option(sc, (const uint8_t[]){ 1, 1, 1, 68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 16);
	script_step(sc, "U> SA 0 a1");
}

/* Pitfalls 2, 3: every version, every header length, every total length. */
static void ip_header_fields(struct script *sc)
{
	uint64_t before;

	for (unsigned i = 0; i < 256 + 64; i++) {
		struct wire_frame *f = script_frame(sc, 0, "S 0 w65535 mss1460");
		uint8_t *ip = f->data + 14;

		if (i == 0x45) {
			wire_free(f);
			continue;
		}
		if (i < 256)
			ip[0] = (uint8_t)i;
		else
			ip[3] = (uint8_t)(i - 256 < 44 ? i - 256 : i - 255); /* short or beyond the frame */
		ip[10] = ip[11] = 0;
		uint16_t sum = (uint16_t)~wire_fold(wire_sum(ip, 20, 0));

		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		before = script_drops(sc);
		script_inject(sc, f);
		script_step(sc, "discard");
		if (script_drops(sc) == before)
			script_fail(sc, "header %u was counted under no reason", i);
	}
	script_step(sc, "state -");
}

/* ---- 143-145: ARP ------------------------------------------------------ */

static void arp_in(struct script *sc, uint16_t op, unsigned mac, uint32_t sip, uint32_t tip)
{
	struct rte_ether_addr m = sim_mac(mac), u = sim_mac(1);

	script_inject(sc, wire_arp_build(op, &m, sip, &u, tip, &u, 0));
}

/* The next frame U sent is ARP of this kind; 0: nothing. */
static void expect_arp(struct script *sc, uint16_t op, uint32_t sip, uint32_t tip)
{
	struct wire_frame *f = script_other(sc);
	uint32_t got_sip = 0, got_tip = 0;

	if (f == NULL || op == 0) {
		if ((f == NULL) != (op == 0))
			script_fail(sc, op == 0 ? "U sent a frame" : "U sent no ARP");
		wire_free(f);
		return;
	}
	memcpy(&got_sip, f->data + 14 + 14, 4);
	memcpy(&got_tip, f->data + 14 + 24, 4);
	if (f->data[12] != 8 || f->data[13] != 6 || f->data[14 + 7] != op ||
		rte_be_to_cpu_32(got_sip) != sip ||
	    rte_be_to_cpu_32(got_tip) != tip)
		script_fail(sc, "not the ARP expected: op %u, %x asks for %x", f->data[14 + 7],
			    rte_be_to_cpu_32(got_sip), rte_be_to_cpu_32(got_tip));
	wire_free(f);
}

static unsigned neighbour_mac(struct script *sc, uint32_t addr)
{
	struct net_neigh_info list[64];
	unsigned n = net_neigh_list(sim_net(script_host(sc), 0), list, 64, 0);

	for (unsigned i = 0; i < n; i++)
		if (list[i].addr.v4 == rte_cpu_to_be_32(addr))
			return list[i].mac.addr_bytes[5];
	return 0;
}

static void requests(struct script *sc)
{
	arp_in(sc, 1, 2, SCRIPT_P, SCRIPT_U);
	expect_arp(sc, 2, SCRIPT_U, SCRIPT_P);
	arp_in(sc, 1, 2, SCRIPT_P, 0x0a000009);
	expect_arp(sc, 0, 0, 0);
	arp_in(sc, 1, 2, 0, SCRIPT_U); /* a probe is answered as well */
	expect_arp(sc, 2, SCRIPT_U, 0);
	arp_in(sc, 2, 9, 0x0a000009, SCRIPT_U); /* nobody asked */
	if (neighbour_mac(sc, 0x0a000009) != 0)
		script_fail(sc, "an unasked reply was believed");
}

static void gratuitous(struct script *sc)
{
	script_step(sc, "wait 2s");
	arp_in(sc, 1, 9, SCRIPT_P, SCRIPT_P);
	if (neighbour_mac(sc, SCRIPT_P) != 9)
		script_fail(sc, "MAC is %u", neighbour_mac(sc, SCRIPT_P));
	arp_in(sc, 1, 8, SCRIPT_P, SCRIPT_P);
	if (neighbour_mac(sc, SCRIPT_P) != 9)
		script_fail(sc, "changed twice in a second");
	script_step(sc, "wait 1100ms");
	arp_in(sc, 1, 2, SCRIPT_P, SCRIPT_P);
	if (neighbour_mac(sc, SCRIPT_P) != 2)
		script_fail(sc, "MAC is %u", neighbour_mac(sc, SCRIPT_P));
	script_step(sc, "P> A 1:11 a1");
	script_step(sc, "U> A 1 a11 <41ms");
}

static void unresolved(struct script *sc)
{
	script_step(sc, "arp off");
	for (unsigned i = 1; i <= 10; i++)
		script_step(sc, "app%u connect", i);
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	expect_arp(sc, 0, 0, 0);
	script_step(sc, "wait 500ms");
	arp_in(sc, 2, 2, SCRIPT_P, SCRIPT_U);
	for (unsigned i = 1; i <= 10; i++)
		script_step(sc, "U%u> S 0", i);
	script_step(sc, "U> - 900ms"); /* each once, and its timer began with it */
	script_step(sc, "drop neigh_queue_full = 0");
	script_step(sc, "wait 110ms");
	for (unsigned i = 1; i <= 10; i++)
		script_step(sc, "U%u> S 0", i);
}

/* Who has gone before the answer comes sends nothing; who has waited long enough is told so. */
static void awaiting_ends(struct script *sc)
{
	script_step(sc, "arp off");
	script_step(sc, "app connect");
	script_step(sc, "app2 connect timeout 300");
	script_step(sc, "app3 connect");
	script_step(sc, "app4 connect");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	script_step(sc, "app close");
	script_step(sc, "app4 abort");
	script_step(sc, "wait 500ms");
	script_step(sc, "ev2 closed");
	script_step(sc, "info2 error = 110");
	arp_in(sc, 2, 2, SCRIPT_P, SCRIPT_U);
	script_step(sc, "U3> S 0");
	script_step(sc, "P3> SA 0 a1 w65535 mss1460");
	script_step(sc, "U3> A 1 a1");
	script_step(sc, "ev3 connected");
	script_step(sc, "info3 srtt_us < 2000"); /* the time of the answer is none of the path's */
	script_step(sc, "U> - 2s");
}

/* SYN-ACKs to clients behind a next hop nobody knows yet leave with its answer, all of them and once. */
static void synacks_wait(struct script *sc)
{
	script_step(sc, "arp off");
	script_step(sc, "P1> S 0 w65535 mss1460");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	for (unsigned i = 2; i <= 30; i++)
		script_step(sc, "P%u> S 0 w65535 mss1460", i);
	expect_arp(sc, 0, 0, 0);
	script_step(sc, "wait 700ms");
	script_step(sc, "stat half_open = 30");
	arp_in(sc, 2, 2, SCRIPT_P, SCRIPT_U);
	for (unsigned i = 1; i <= 30; i++)
		script_step(sc, "U%u> SA 0 a1 <1ms", i);
	script_step(sc, "U> - 900ms"); /* their timers began with it */
	script_step(sc, "drop neigh_queue_full = 0");
	script_step(sc, "stat retrans_segs = 0");
	script_step(sc, "P3> A 1 a1");
	script_step(sc, "ev3 accept");
	script_step(sc, "wait 110ms");
	for (unsigned i = 1; i <= 30; i++)
		if (i != 3)
			script_step(sc, "U%u> SA 0 a1", i);
	script_step(sc, "stat retrans_segs = 29");
}

/* The time until the next hop was known is none of the path's, and no loss. */
static void synack_timed(struct script *sc)
{
	script_step(sc, "arp off");
	script_step(sc, "P> S 0 w65535 mss1460");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	script_step(sc, "wait 1200ms");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	arp_in(sc, 2, 2, SCRIPT_P, SCRIPT_U);
	script_step(sc, "U> SA 0 a1 <1ms");
	script_step(sc, "P> A 1 a1");
	script_step(sc, "ev accept");
	script_step(sc, "info srtt_us < 2000");
	script_step(sc, "info cwnd = 14600");
}

/* Who goes while its SYN-ACK waits, who repeats its SYN; an answer after long; none. */
static void synack_waits_ends(struct script *sc)
{
	script_step(sc, "arp off");
	script_step(sc, "P1> S 0 w65535 mss1460");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	for (unsigned i = 2; i <= 4; i++)
		script_step(sc, "P%u> S 0 w65535 mss1460", i);
	script_step(sc, "P1> R 1");
	script_step(sc, "P3> R 1");
	script_step(sc, "P4> S 0 w65535 mss1460");
	script_step(sc, "stat half_open = 2");
	arp_in(sc, 2, 2, SCRIPT_P, SCRIPT_U);
	script_step(sc, "U2> SA 0 a1 <1ms");
	script_step(sc, "U4> SA 0 a1 <1ms");
	script_step(sc, "U> - 900ms");
}

static void synack_waits_in_vain(struct script *sc)
{
	script_step(sc, "arp off");
	script_step(sc, "P> S 0 w65535 mss1460");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	script_step(sc, "P2> S 0 w65535 mss1460");
	script_step(sc, "wait 200s");
	script_step(sc, "stat half_open = 0");
	script_step(sc, "stat retrans_segs = 0");
	script_step(sc, "discard");
	script_step(sc, "P3> S 0 w65535 mss1460");
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
	arp_in(sc, 2, 2, SCRIPT_P, SCRIPT_U);
	script_step(sc, "U3> SA 0 a1 <1ms");
}

static void unreachable(struct script *sc)
{
	script_step(sc, "arp off");
	script_step(sc, "app connect");
	script_step(sc, "app2 connect");
	for (unsigned i = 0; i < 3; i++) {
		expect_arp(sc, 1, SCRIPT_U, SCRIPT_P);
		script_step(sc, "noev closed");
		script_step(sc, "wait 1010ms");
	}
	expect_arp(sc, 0, 0, 0);
	script_step(sc, "ev2 closed");
	script_step(sc, "info2 error = 113");
	script_step(sc, "ev closed");
	script_step(sc, "info error = 113");
}

static void conflict(struct script *sc)
{
	arp_in(sc, 1, 9, SCRIPT_U, SCRIPT_U);
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_U);
	arp_in(sc, 1, 9, SCRIPT_U, SCRIPT_U);
	expect_arp(sc, 0, 0, 0);
	if (net_stats(sim_net(script_host(sc), 0))->arp_conflicts != 2)
		script_fail(sc, "conflicts not counted");
	script_step(sc, "wait 11s");
	arp_in(sc, 2, 9, SCRIPT_U, SCRIPT_P);
	expect_arp(sc, 1, SCRIPT_U, SCRIPT_U);
}

static const struct scenario list[] = {
	{ "141_fragments_in_order", "L", .fn = in_order },
	{ "141_fragments_reversed", "L", .fn = reversed },
	{ "141_fragments_in_three", "L", .fn = in_three },
	{ "141_fragments_overlapping", "L", .fn = overlapping },
	{ "141_fragments_tiny_first", "L", .fn = tiny_first },
	{ "141_fragments_offset_eight", "L", .fn = offset_eight },
	{ "141_fragments_never_complete", "L", .fn = never_complete },
	{ "142_source_route", "L", .fn = source_route },
	{ "142_harmless_options", "L", .fn = harmless_options },
	{ "142_bad_ip_checksum_ttl", "L", .steps = { "P> S 0 w65535 mss1460 ttl1", "U> SA 0 a1" } },
	{ "142_ip_header_fields", "L", .fn = ip_header_fields },
	{ "143_arp_requests", NULL, .fn = requests },
	{ "143_arp_gratuitous", "E", .fn = gratuitous },
	{ "144_unresolved_queue", NULL, .fn = unresolved },
	{ "144_awaiting_ends", NULL, .fn = awaiting_ends },
	{ "144_synacks_wait", "L", "backlog=64", .fn = synacks_wait },
	{ "144_synack_timed", "L", .fn = synack_timed },
	{ "144_synack_waits_ends", "L", .fn = synack_waits_ends },
	{ "144_synack_waits_in_vain", "L", .fn = synack_waits_in_vain },
	{ "144_unreachable", NULL, .fn = unreachable },
	{ "145_conflict", NULL, .fn = conflict },
	{ "149_vlan", "L", "vlan=7", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 3000",
		"U> A 1:3001 n3",
		"P> A 1:101 a3001", "U> A 3001 a101 <41ms", "app read 100" } },
};

RUN_TABLE(ip_arp, list)
